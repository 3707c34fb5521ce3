package eval

import (
	"slices"
	"strings"

	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

// tallies counts verdicts by the one that is true.
type tallies map[threatmodel.Verdict]*Tally

func (t tallies) of(v threatmodel.Verdict) *Tally {
	if t[v] == nil {
		t[v] = &Tally{Verdict: v}
	}
	return t[v]
}

// list is in the order of the verdicts.
func (t tallies) list() []Tally {
	out := []Tally{}
	for _, v := range threatmodel.Verdicts() {
		if t[v] != nil {
			out = append(out, *t[v])
		}
	}
	return out
}

// note counts one verdict and tells of it where it is wrong.
func (e *scorer) note(t tallies, of, control string, want, got threatmodel.Verdict) {
	switch x := t.of(want); got {
	case want:
		x.Right++
		return
	case "":
		x.Missing++
	default:
		x.Wrong++
	}
	e.score.Wrong = append(e.score.Wrong, WrongVerdict{of, control, want, got})
}

// verdicts judges what the hits, and then their repeats, say of the controls that
// answer them. Only the very control counts.
func (e *scorer) verdicts() {
	t := tallies{}
	for i, x := range e.found {
		truth := &e.t.Threats[i]
		if x == nil || truth.Control == "" {
			continue
		}
		got := verdictOn(x, truth.Control)
		for _, r := range e.score.Repeats {
			if got == "" && r.Truth == truth.ID {
				got = verdictOn(e.m.Threat(r.Threat), truth.Control)
			}
		}
		e.note(t, truth.ID, truth.Control, truth.Verdict, got)
	}
	e.score.Verdicts = t.list()
}

// verdictOn is what a threat says of a control; empty where it does not name it.
func verdictOn(x *threatmodel.Threat, control string) threatmodel.Verdict {
	for _, c := range x.Controls {
		if strings.EqualFold(c.ID, control) {
			return c.Verdict
		}
	}
	return ""
}

// controls judges what the model says of the stated controls: where threats or
// the list of stated controls quote one, the worst verdict given counts.
func (e *scorer) controls() {
	t := tallies{}
	for i := range e.t.Controls {
		c := &e.t.Controls[i]
		worst := threatmodel.Verdict("")
		add := func(v threatmodel.Verdict) {
			if slices.Index(threatmodel.Verdicts(), v) > slices.Index(threatmodel.Verdicts(), worst) {
				worst = v
			}
		}
		for _, s := range e.m.StatedControls {
			if overlaps(s.Evidence, c.Quotes) {
				add(s.Verdict)
			}
		}
		for _, x := range e.threats {
			for _, ref := range x.Controls {
				if strings.EqualFold(ref.ID, c.Control) && overlaps(ref.Evidence, c.Quotes) {
					add(ref.Verdict)
				}
			}
		}
		e.note(t, c.Name, c.Control, c.Verdict, worst)
	}
	e.score.Controls = t.list()
}

// elements compares the maps.
func (e *scorer) elements() {
	s := ElementScore{Found: []string{}, Kinds: []string{}, Missed: []string{}, Extra: []string{}}
	taken := map[string]bool{}
	for i := range e.t.Elements {
		want := &e.t.Elements[i]
		got := e.elementLike(want)
		switch {
		case got == nil:
			s.Missed = append(s.Missed, want.Name)
			continue
		case got.Kind != want.Kind:
			s.Kinds = append(s.Kinds, want.Name+": "+string(got.Kind)+", not "+string(want.Kind))
		}
		taken[got.ID] = true
		s.Found = append(s.Found, want.Name)
	}
	for i := range e.m.Elements {
		el := &e.m.Elements[i]
		if el.Kind != threatmodel.DataFlow && !taken[el.ID] && e.t.element(el.Name) == nil {
			s.Extra = append(s.Extra, el.Name)
		}
	}
	e.score.Elements = s
}

// elementLike finds an element of the model by any of its names; one of the right
// kind is preferred.
func (e *scorer) elementLike(want *TruthElement) *threatmodel.Element {
	names := map[string]bool{}
	for _, n := range want.names() {
		names[foldName(n)] = true
	}
	var found *threatmodel.Element
	for i := range e.m.Elements {
		el := &e.m.Elements[i]
		if el.Kind == threatmodel.DataFlow || !slices.ContainsFunc(append([]string{el.Name}, el.Aliases...), func(n string) bool { return names[foldName(n)] }) {
			continue
		}
		if el.Kind == want.Kind {
			return el
		}
		if found == nil {
			found = el
		}
	}
	return found
}
