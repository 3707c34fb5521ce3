package pattern

import (
	"sort"
	"strings"
)

// span is a run of words: start to end, end not included.
type span struct{ start, end int }

// ends gives all places at which a match of the sequence that begins at i may
// end, shortest first, each once.
func ends(seq []node, t *Text, i int) []int {
	if len(seq) == 1 && seq[0].kind == nodeWord && !seq[0].optional {
		if i < len(t.Tokens) && isForm(t.Tokens[i].Word, seq[0].text) {
			return []int{i + 1}
		}
		return nil
	}
	at := []int{i}
	gap := false
	for k := range seq {
		n := &seq[k]
		if n.kind == nodeGap {
			gap = true
			continue
		}
		var next []int
		for _, p := range at {
			reach := p
			if gap {
				reach = p + maxGap
			}
			for q := p; q <= reach && q <= len(t.Tokens); q++ {
				if q > p && (q >= len(t.Tokens) || t.Tokens[q].Break == HardBreak) {
					break
				}
				next = addEnds(next, n, t, q, q > i || k > 0)
			}
			if n.optional {
				next = addInt(next, p)
			}
		}
		if len(next) == 0 {
			return nil
		}
		at, gap = next, gap && n.optional
	}
	return at
}

// addEnds adds the places at which the node's match that begins at i may end.
// A sequence does not go on across the end of a clause.
func addEnds(out []int, n *node, t *Text, i int, inside bool) []int {
	if i >= len(t.Tokens) || (inside && t.Tokens[i].Break == HardBreak) {
		return out
	}
	switch n.kind {
	case nodeWord:
		if isForm(t.Tokens[i].Word, n.text) {
			out = addInt(out, i+1)
		}
	case nodePrefix:
		if strings.HasPrefix(t.Tokens[i].Word, n.text) {
			out = addInt(out, i+1)
		}
	case nodeTag:
		// Mentions stand in the order of their starts.
		first := sort.Search(len(t.Mentions), func(k int) bool { return t.Mentions[k].Start >= i })
		for _, m := range t.Mentions[first:] {
			if m.Start > i {
				break
			}
			if hasTag(m.Entry, n.text) {
				out = addInt(out, m.End)
			}
		}
	case nodeEither:
		for _, alt := range n.alts {
			for _, e := range ends(alt, t, i) {
				out = addInt(out, e)
			}
		}
	}
	return out
}

// isForm reports whether a word is the given one or its plural.
func isForm(word, base string) bool {
	tail, ok := strings.CutPrefix(word, base)
	return ok && (tail == "" || (len(base) > 2 && (tail == "s" || (tail == "es" && takesES(base)))))
}

// takesES reports whether the plural of a word ends in "es": "notes" is none
// of "not".
func takesES(word string) bool {
	switch word[len(word)-1] {
	case 's', 'x', 'z', 'o', 'h':
		return true
	}
	return false
}

func hasTag(e *Entry, tag string) bool {
	for _, t := range e.Tags {
		if t == tag {
			return true
		}
	}
	return false
}

func addInt(list []int, n int) []int {
	for _, x := range list {
		if x == n {
			return list
		}
	}
	return append(list, n)
}

// spans are the matches of a sequence, one for each place at which one begins.
func spans(seq []node, t *Text) []span {
	var out []span
	for i := range t.Tokens {
		if e := ends(seq, t, i); len(e) > 0 {
			shortest := e[0]
			for _, x := range e {
				shortest = min(shortest, x)
			}
			if shortest > i {
				out = append(out, span{i, shortest})
			}
		}
	}
	return out
}

// anchors gives words of which every match of the sequence holds one, exact
// or as the beginning of a word; ok is false where there are none.
func anchors(seq []node) (words, prefixes []string, ok bool) {
	best := -1
	for i := range seq {
		if seq[i].optional {
			continue
		}
		w, p, has := nodeAnchors(&seq[i])
		if has && (best < 0 || len(w)+len(p) < best) {
			best, words, prefixes, ok = len(w)+len(p), w, p, true
		}
	}
	return words, prefixes, ok
}

func nodeAnchors(n *node) (words, prefixes []string, ok bool) {
	switch n.kind {
	case nodeWord:
		return []string{n.text}, nil, true
	case nodePrefix:
		return nil, []string{n.text}, true
	case nodeEither:
		for _, alt := range n.alts {
			w, p, has := anchors(alt)
			if !has {
				return nil, nil, false
			}
			words, prefixes = append(words, w...), append(prefixes, p...)
		}
		return words, prefixes, true
	}
	return nil, nil, false
}

// wordSet is a group of words, ready to be looked for at a place of a text: by
// their first word where that is a plain one.
type wordSet struct {
	byFirst map[string][][]node
	others  [][]node
}

func newWordSet(group [][]node) wordSet {
	w := wordSet{byFirst: map[string][][]node{}}
	for _, seq := range group {
		if first := seq[0]; first.kind == nodeWord && !first.optional {
			w.byFirst[first.text] = append(w.byFirst[first.text], seq)
			continue
		}
		w.others = append(w.others, seq)
	}
	return w
}

// at gives the end of the longest of the words that begins at the i-th word of
// a text, or i.
func (w *wordSet) at(t *Text, i int) int {
	best := i
	try := func(list [][]node) {
		for _, seq := range list {
			for _, e := range ends(seq, t, i) {
				best = max(best, e)
			}
		}
	}
	word := t.Tokens[i].Word
	try(w.byFirst[word])
	if base, ok := strings.CutSuffix(word, "s"); ok {
		try(w.byFirst[base])
		if base, ok = strings.CutSuffix(base, "e"); ok {
			try(w.byFirst[base])
		}
	}
	try(w.others)
	return best
}
