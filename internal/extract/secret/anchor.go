package secret

import (
	"slices"
	"strings"
)

// anchors finds many short strings in one pass over a text.
type anchors struct {
	// first has the first two bytes of each string; most places in a text are
	// dismissed by a look at it.
	first [1 << 16]bool
	by    map[uint16][]anchor
}

// anchor is a string, of at least two bytes, and whose it is.
type anchor struct {
	text  string
	owner int
}

func newAnchors(list []anchor) *anchors {
	a := &anchors{by: map[uint16][]anchor{}}
	for _, x := range list {
		key := pair(x.text[0], x.text[1])
		a.first[key] = true
		a.by[key] = append(a.by[key], x)
	}
	for _, l := range a.by {
		slices.SortStableFunc(l, func(x, y anchor) int { return len(y.text) - len(x.text) })
	}
	return a
}

func pair(a, b byte) uint16 { return uint16(a)<<8 | uint16(b) }

// each calls f for every anchor at every place of the text, in its order. f
// returns from where to go on, at the least the next byte.
func (a *anchors) each(text string, f func(at int, x anchor) int) {
	for i := 0; i+1 < len(text); {
		key := pair(text[i], text[i+1])
		next := i + 1
		if a.first[key] {
			for _, x := range a.by[key] {
				if strings.HasPrefix(text[i:], x.text) {
					next = max(next, f(i, x))
				}
				if next > i+1 {
					break
				}
			}
		}
		i = next
	}
}
