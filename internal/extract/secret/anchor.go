package secret

import (
	"slices"
	"strings"
)

// anchor is a string, of at least two bytes, and whose it is.
type anchor struct {
	text  string
	owner int
}

// The sets of anchors that are looked for at once.
const (
	// formatAnchors begin a format, as they are written.
	formatAnchors = iota
	// nameAnchors are the last words of names, secretAnchor the word of the
	// names of AWS keys, both in any case.
	nameAnchors
	secretAnchor
	anchorSets
)

// anchorTable finds many short strings in one pass over a text.
type anchorTable struct {
	// pairs leads from the first two bytes of a string to its bucket; 0 to
	// none. Most places in a text are dismissed by a look at it.
	pairs   [1 << 16]uint16
	buckets []bucket
}

// bucket has the anchors that may stand where a pair of bytes does, those of
// each set by their length, and the bytes that may come third.
type bucket struct {
	sets  [anchorSets][]anchor
	third [256]bool
}

// hit is an anchor at a place of a text.
type hit struct {
	at int
	x  *anchor
}

// hits are those of each set, in the order of the text; at one place the longer
// come first.
type hits [anchorSets][]hit

// newAnchorTable makes the table. Anchors of names are in lower case and found
// in any.
func newAnchorTable(formats, names []anchor) *anchorTable {
	t := &anchorTable{buckets: make([]bucket, 1)}
	for _, x := range formats {
		t.put(formatAnchors, x, x.text[0], x.text[1])
	}
	for _, x := range names {
		t.putFolded(nameAnchors, x)
	}
	t.putFolded(secretAnchor, anchor{text: "secret"})
	for i := range t.buckets {
		for _, list := range t.buckets[i].sets {
			slices.SortStableFunc(list, func(x, y anchor) int { return len(y.text) - len(x.text) })
		}
	}
	return t
}

func (t *anchorTable) put(set int, x anchor, first, second byte) {
	i := &t.pairs[pair(first, second)]
	if *i == 0 {
		*i = uint16(len(t.buckets))
		t.buckets = append(t.buckets, bucket{})
	}
	b := &t.buckets[*i]
	b.sets[set] = append(b.sets[set], x)
	for c := range b.third {
		b.third[c] = b.third[c] || len(x.text) == 2 || x.text[2] == byte(c) || set != formatAnchors && slices.Contains(cases(x.text[2]), byte(c))
	}
}

// putFolded puts an anchor in lower case under every case of its first bytes.
func (t *anchorTable) putFolded(set int, x anchor) {
	for _, first := range cases(x.text[0]) {
		for _, second := range cases(x.text[1]) {
			t.put(set, x, first, second)
		}
	}
}

// cases are a byte and, for a letter of ASCII in lower case, the other case.
func cases(c byte) []byte {
	if c >= 'a' && c <= 'z' {
		return []byte{c, c - 'a' + 'A'}
	}
	return []byte{c}
}

func pair(a, b byte) uint16 { return uint16(a)<<8 | uint16(b) }

// find finds all anchors.
func (t *anchorTable) find(text string) hits {
	var found hits
	if text == "" {
		return found
	}
	last := text[0]
	for i := 1; i < len(text); i++ {
		c := text[i]
		if n := t.pairs[pair(last, c)]; n != 0 {
			if b := &t.buckets[n]; i+1 == len(text) || b.third[text[i+1]] {
				b.look(text, i-1, &found)
			}
		}
		last = c
	}
	return found
}

// look finds the anchors of the bucket that stand at a place.
func (b *bucket) look(text string, at int, found *hits) {
	for set := range b.sets {
		for i := range b.sets[set] {
			x := &b.sets[set][i]
			if begins := strings.HasPrefix(text[at:], x.text); begins || set != formatAnchors && beginsFolded(text[at:], x.text) {
				found[set] = append(found[set], hit{at, x})
			}
		}
	}
}

// beginsFolded reports whether a text begins with an anchor, whatever the case
// of its letters.
func beginsFolded(text, anchor string) bool {
	if len(text) < len(anchor) {
		return false
	}
	for i := range len(anchor) {
		c := text[i]
		if c >= 'A' && c <= 'Z' {
			c |= 0x20
		}
		if c != anchor[i] {
			return false
		}
	}
	return true
}

// each calls f for each hit. f returns from where to go on, at the least the
// next byte.
func each(found []hit, f func(at int, x *anchor) int) {
	next := 0
	for _, h := range found {
		if h.at < next {
			continue
		}
		if n := f(h.at, h.x); n > h.at+1 {
			next = n
		}
	}
}
