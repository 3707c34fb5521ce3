package builtin

import (
	"slices"
	"strings"

	"github.com/bartizan-security/bartizan/internal/analyze"
	"github.com/bartizan-security/bartizan/internal/pattern"
	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

// claim reports whether a sentence is about the subject, as far as a pattern
// goes, and how surely.
func (e *elicitor) claim(at place, p *pattern.Pattern, h pattern.Hit) (int, bool) {
	if e.about.OfFlow {
		return e.claimFlow(at, p)
	}
	if at.sentence > 0 && e.a.refersBack(e.sentence(at).text) {
		return 3, e.meant(at, p)
	}
	list := e.named(at, p)
	end := reason(e.sentence(at).text, h.End)
	list = slices.DeleteFunc(list, func(s standing) bool { return s.start >= end })
	if len(list) == 0 {
		return 1, e.isStated(at) && !e.isNamed(at)
	}
	if e.flowTakes(at, p) {
		return 0, false
	}
	return 4, nearest(e.sentence(at).text, list, p, h).element == 0
}

// meant reports whether a sentence that begins with "it" means the subject:
// the first element of the nearest sentence before it that names one or, where
// none does, what the documents were found to speak of.
func (e *elicitor) meant(at place, p *pattern.Pattern) bool {
	for k := at.sentence - 1; k >= 0; k-- {
		if list := e.named(place{at.passage, k}, p); len(list) > 0 {
			return list[0].element == 0
		}
	}
	return e.isStated(at) && !e.isNamed(at)
}

// nearest is the element that carries the weakness among those that a sentence
// names: of those in the clause of the match the first or, as the pattern says,
// the last; else the last before it, else the first of all.
func nearest(t *pattern.Text, list []standing, p *pattern.Pattern, h pattern.Hit) standing {
	start, end := h.Start, h.End
	for start > 0 && t.Tokens[start].Break == pattern.NoBreak {
		start--
	}
	for end < len(t.Tokens) && t.Tokens[end].Break == pattern.NoBreak {
		end++
	}
	var in, before []standing
	for _, s := range list {
		switch {
		case s.start >= start && s.start < end:
			in = append(in, s)
		case s.start < start:
			before = append(before, s)
		}
	}
	switch {
	case len(in) > 0 && p.Carrier == "last":
		return in[len(in)-1]
	case len(in) > 0:
		return in[0]
	case len(before) > 0 && p.Carrier != "last":
		return before[0]
	case len(before) > 0:
		return before[len(before)-1]
	}
	return list[0]
}

// standing is an element that a sentence names; -1 where the question does
// not show it.
type standing struct{ start, element int }

// named are the elements that a sentence names and that could carry a
// weakness, in order.
func (e *elicitor) named(at place, p *pattern.Pattern) []standing {
	x := e.sentence(at)
	var out []standing
	covered := make([]bool, len(x.text.Tokens))
	for i := range e.names {
		for _, words := range e.names[i] {
			start, end, ok := mentionOf(x.text, words)
			if !ok || covered[start] {
				continue
			}
			for k := start; k < end; k++ {
				covered[k] = true
			}
			if carries(e.about.Elements[i].Kind, p) {
				out = append(out, standing{start, i})
			}
		}
	}
	for i := range x.names {
		n := &x.names[i]
		unseen := !covered[n.start] && !covered[n.end-1]
		other := n.entry != nil && n.entry.Type != "party" && !n.bare || n.entry == nil && !n.phrase && (n.role == agent || strings.Contains(n.text, " "))
		if unseen && other && carries(n.kind, p) {
			out = append(out, standing{n.start, -1})
		}
	}
	slices.SortStableFunc(out, func(a, b standing) int { return a.start - b.start })
	return out
}

// carries reports whether a kind of element can carry a pattern.
func carries(k threatmodel.Kind, p *pattern.Pattern) bool {
	return (k == threatmodel.Process || k == threatmodel.DataStore) &&
		slices.ContainsFunc(p.Subjects, func(c pattern.Condition) bool { return allows(c.Kinds, k) })
}

// isStated reports whether the documents were found to speak of the subject
// in this very sentence.
func (e *elicitor) isStated(at place) bool {
	s := e.source(at)
	return e.stated[s.Text] || slices.ContainsFunc(s.Spans, func(x threatmodel.Span) bool { return e.stated[x.Text] })
}

// claimFlow asks for a sentence that names both ends of the flow.
func (e *elicitor) claimFlow(at place, p *pattern.Pattern) (int, bool) {
	if !forFlows(p) {
		return 0, false
	}
	x := e.sentence(at)
	if e.namesThird(at, p, &e.about.Flows[0]) {
		return 0, false
	}
	return 5, e.names != nil && e.names[0] != nil && namesAny(x.text, e.names[0]) && namesAny(x.text, e.names[1])
}

// forFlows reports whether a pattern says that flows carry it.
func forFlows(p *pattern.Pattern) bool {
	return slices.ContainsFunc(p.Subjects, func(c pattern.Condition) bool { return slices.Contains(c.Kinds, threatmodel.DataFlow) })
}

func namesAny(t *pattern.Text, names [][]string) bool {
	return slices.ContainsFunc(names, func(words []string) bool {
		_, _, ok := mentionOf(t, words)
		return ok
	})
}

// flowTakes reports whether a flow that is asked about by itself carries the
// weakness: the sentence names both its ends.
func (e *elicitor) flowTakes(at place, p *pattern.Pattern) bool {
	if !forFlows(p) {
		return false
	}
	x := e.sentence(at)
	for i := range e.about.Flows {
		f := &e.about.Flows[i]
		if len(f.Crosses) > 0 && !e.namesThird(at, p, f) && namesAny(x.text, e.namesBy(f.From)) && namesAny(x.text, e.namesBy(f.To)) {
			return true
		}
	}
	return false
}

// namesThird reports whether a sentence names an element that is no end of a
// flow.
func (e *elicitor) namesThird(at place, p *pattern.Pattern, f *analyze.FlowView) bool {
	return slices.ContainsFunc(e.named(at, p), func(s standing) bool {
		return s.element < 0 || e.about.Elements[s.element].Name != f.From && e.about.Elements[s.element].Name != f.To
	})
}

func (e *elicitor) namesBy(name string) [][]string {
	for i := range e.about.Elements {
		if e.about.Elements[i].Name == name {
			return e.names[i]
		}
	}
	return nil
}
