package diagram

import (
	"sort"
	"strings"
	"sync"
)

// arrows are the ways to draw a message, with what they say of its
// direction.
var arrowForms = []struct {
	text string
	// both heads, or a head at the start only.
	both, backward bool
}{
	{"<<-->>", true, false},
	{"<<->>", true, false},
	{"-->>", false, false},
	{"->>", false, false},
	{"-->", false, false},
	{"->", false, false},
	{"--x", false, false},
	{"-x", false, false},
	{"--)", false, false},
	{"-)", false, false},
	{`--|\`, false, false},
	{`-|\`, false, false},
	{"--|/", false, false},
	{"-|/", false, false},
	{`--\\`, false, false},
	{`-\\`, false, false},
	{"--//", false, false},
	{"-//", false, false},
	{`\|--`, false, true},
	{`\|-`, false, true},
	{"/|--", false, true},
	{"/|-", false, true},
	{`\\--`, false, true},
	{`\\-`, false, true},
	{"//--", false, true},
	{"//-", false, true},
}

// longestFirst orders the arrows so that one is tried before those that it
// holds.
var longestFirst = sync.OnceValue(func() []int {
	order := make([]int, len(arrowForms))
	for i := range order {
		order[i] = i
	}
	sort.SliceStable(order, func(a, b int) bool {
		return len(arrowForms[order[a]].text) > len(arrowForms[order[b]].text)
	})
	return order
})

// message is one arrow between participants.
type message struct {
	from, to, label string
	both, backward  bool
}

// message reads a message, and reports false where the line is none.
func (s *sequence) message(text string, at place) bool {
	m, ok := s.bestMessage(text)
	if !ok {
		return false
	}
	for _, id := range []string{m.from, m.to} {
		s.mention(id, at)
	}
	if m.backward {
		m.from, m.to = m.to, m.from
	}
	if !s.full {
		s.edge(m.from, m.to, m.label, m.both, at)
	}
	return true
}

// bestMessage finds the arrow. A name may hold what looks like one, so an
// arrow between participants that are known goes before others.
func (s *sequence) bestMessage(text string) (message, bool) {
	head, label, _ := strings.Cut(text, ":")
	best, score := message{}, -1
	if len(head) > maxLabel {
		return best, false
	}
	for i := range len(head) {
		m, ok := messageAt(head, i)
		if !ok {
			continue
		}
		n := 0
		for _, id := range []string{m.from, m.to} {
			if _, known := s.index[id]; known {
				n++
			}
		}
		if n > score {
			best, score = m, n
		}
	}
	best.label = cleanLabel(strings.TrimPrefix(strings.TrimPrefix(label, "wrap:"), "nowrap:"))
	return best, score >= 0
}

// messageAt reads a message whose arrow begins at the given byte.
func messageAt(head string, i int) (message, bool) {
	if strings.IndexByte("-<\\/", head[i]) < 0 {
		return message{}, false
	}
	for _, k := range longestFirst() {
		a := arrowForms[k]
		if !strings.HasPrefix(head[i:], a.text) {
			continue
		}
		m := message{
			from: participantID(strings.TrimSuffix(strings.TrimSpace(head[:i]), "()")),
			to:   participantID(trimActivation(head[i+len(a.text):])),
			both: a.both, backward: a.backward,
		}
		if m.from == "" || m.to == "" || strings.ContainsAny(m.from+m.to, "<>,") {
			return message{}, false
		}
		return m, true
	}
	return message{}, false
}

// trimActivation takes off the signs before a receiver: () for a central
// line, + and - for activation.
func trimActivation(s string) string {
	s = strings.TrimPrefix(strings.TrimSpace(s), "()")
	return strings.TrimLeft(strings.TrimSpace(s), "+-")
}
