package builtin

import (
	"fmt"
	"slices"
	"strings"

	"github.com/bartizan-security/bartizan/internal/analyze"
	"github.com/bartizan-security/bartizan/internal/ground"
	"github.com/bartizan-security/bartizan/internal/pattern"
	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

// safeguard is a sentence that states a safeguard against a threat.
type safeguard struct {
	at      place
	verdict threatmodel.Verdict
	rank    int
	same    bool // it is one of the threat's own sentences
	here    bool // it speaks of the threat's element, or of everything
}

// treatment answers one treat question.
type treatment struct {
	*view
	about  *analyze.TreatAbout
	names  [][]string
	quotes []place
	owner  int
}

// maxControls is how many controls are named for one threat.
const maxControls = 3

func (v *view) treat(about *analyze.TreatAbout) *analyze.TreatAnswer {
	t := &treatment{view: v, about: about, quotes: v.quotes(about.Threat.Quotes), owner: v.a.owner(&about.Threat)}
	for i := range about.Elements {
		t.names = append(t.names, namesOf(&about.Elements[i])...)
	}
	out := &analyze.TreatAnswer{Controls: []analyze.TreatControl{}, Mitigations: []analyze.TreatMitigation{}}
	for i := range about.Controls {
		c := &about.Controls[i]
		if first := len(out.Controls) == 0; c.Primary || first && !anyPrimary(about.Controls) {
			x := t.control(i, c, first)
			if len(out.Controls) < maxControls {
				out.Controls = append(out.Controls, x)
			}
		}
	}
	if len(out.Controls) == 0 {
		none := "No control of the chosen catalogs fits this weakness."
		out.NoneReason = &none
		return out
	}
	if t.owner >= 0 {
		words := map[string]string{"element": about.Threat.Element}
		for _, m := range fillAll(v.a.lib.Patterns()[t.owner].Mitigations, words) {
			out.Mitigations = append(out.Mitigations, analyze.TreatMitigation{Text: m, Control: out.Controls[0].Control})
		}
	}
	return out
}

func anyPrimary(list []analyze.CandidateControl) bool {
	return slices.ContainsFunc(list, func(c analyze.CandidateControl) bool { return c.Primary })
}

// control weighs what the passages say of one control at this place.
func (t *treatment) control(i int, c *analyze.CandidateControl, first bool) analyze.TreatControl {
	out := analyze.TreatControl{
		Control: fmt.Sprintf("C%d", i+1), Verdict: threatmodel.Absent, States: []ground.Citation{}, Contradicts: []ground.Citation{},
		Rationale: "No passage states it for this place.",
	}
	best, ok := t.best(c, first)
	if !ok {
		return out
	}
	out.States = t.citeAll([]place{best.at})
	against := t.against(best.at)
	switch {
	case t.isContext(best.at.passage):
		out.Verdict, out.Rationale = threatmodel.Inherited, "A platform provides it: "+t.quote(best.at)
	case best.same:
		out.Verdict, out.Rationale = threatmodel.Partial, "It is stated, and its own sentence limits it: "+t.quote(best.at)
	case len(against) > 0 && !t.silent() && best.here && best.verdict != threatmodel.Partial:
		out.Verdict, out.Contradicts = threatmodel.Bypassed, t.citeAll(against)
		out.Rationale = "It is stated, " + t.quote(best.at) + ", and the design goes round it: " + t.quote(against[0])
	case len(against) > 0 && !t.silent():
		out.Verdict, out.Contradicts = threatmodel.Partial, t.citeAll(against)
		out.Rationale = "It is stated in part, " + t.quote(best.at) + ", and not for what this threat uses."
	case best.verdict == threatmodel.Claimed:
		out.Verdict, out.Rationale = threatmodel.Claimed, "It is asserted without any mechanism: "+t.quote(best.at)
	default:
		out.Verdict, out.Rationale = best.verdict, "The mechanism is stated: "+t.quote(best.at)
	}
	return out
}

// silent reports whether the threat rests on silence: none of its sentences
// states the weakness.
func (t *treatment) silent() bool {
	return t.about.Threat.Omission && !t.weak(t.quotes)
}

// against are the threat's own sentences, but for the one that states the
// control.
func (t *treatment) against(at place) []place {
	return slices.DeleteFunc(slices.Clone(t.quotes), func(q place) bool { return q == at })
}

// best is the sentence that says most for a control: about this element before
// about everything, a mechanism before a claim.
func (t *treatment) best(c *analyze.CandidateControl, first bool) (safeguard, bool) {
	var best safeguard
	for _, at := range t.places() {
		s, ok := t.safeguard(at)
		if !ok || s.rank <= best.rank {
			continue
		}
		if first || t.looksFor(c, at) {
			best = s
		}
	}
	return best, best.rank > 0
}

// looksFor reports whether a sentence uses the words of a control.
func (t *treatment) looksFor(c *analyze.CandidateControl, at place) bool {
	x := t.sentence(at).text
	return slices.ContainsFunc(c.LookFor, func(w string) bool {
		_, _, ok := mentionOf(x, strings.Fields(key(w)))
		return ok
	})
}

// safeguard reads a sentence as a statement of a safeguard against the threat.
func (t *treatment) safeguard(at place) (safeguard, bool) {
	x := t.sentence(at)
	if t.readings[at.passage].aside {
		return safeguard{}, false
	}
	if _, ok := t.cite(at); !ok {
		return safeguard{}, false
	}
	s := safeguard{at: at, same: slices.Contains(t.quotes, at)}
	family := t.about.Threat.Family
	related := t.a.carriesSignal(x.text, family)
	for _, st := range t.a.stated(x) {
		if st.answers(family) && related && better(st.verdict, s.verdict) && !(s.same && t.isWeakness(x, &st.hit)) {
			s.verdict = st.verdict
		}
	}
	answered := func(h pattern.Hit) bool { return h.Owner == t.owner && !(s.same && t.isWeakness(x, &h)) }
	if slices.ContainsFunc(x.of(pattern.Answer), answered) && s.verdict == "" {
		s.verdict = threatmodel.Enforced
		if t.a.lib.HasException(x.text) {
			s.verdict = threatmodel.Partial
		}
	}
	if s.verdict == "" {
		return s, false
	}
	named, general := namesAny(x.text, t.names), t.a.general(x.text)
	beside := slices.ContainsFunc(t.quotes, func(q place) bool { return q.passage == at.passage })
	near := slices.ContainsFunc(t.quotes, func(q place) bool { return t.sameSection(q.passage, at.passage) })
	if !named && !general && !near && !t.isContext(at.passage) {
		return s, false
	}
	s.here = named || general
	s.rank = 1
	for _, add := range []struct {
		when bool
		n    int
	}{{s.verdict != threatmodel.Claimed, 8}, {named, 4}, {general, 3}, {beside, 1}, {near, 2}, {s.same, -6}} {
		if add.when {
			s.rank += add.n
		}
	}
	return s, true
}

// isWeakness reports whether a hit rests on the very words that state a
// weakness.
func (t *treatment) isWeakness(x *sentence, h *pattern.Hit) bool {
	return slices.ContainsFunc(x.of(pattern.Weakness), func(w pattern.Hit) bool { return w.Owner == t.owner && w.Overlaps(h) })
}

// sameSection reports whether two passages stand under the same heading.
func (t *treatment) sameSection(a, b int) bool {
	x, y := &t.q.Passages[a], &t.q.Passages[b]
	return x.Document == y.Document && x.Section == y.Section
}

// better orders verdicts of statements: enforced, partial, claimed, none.
func better(a, b threatmodel.Verdict) bool {
	order := []threatmodel.Verdict{"", threatmodel.Claimed, threatmodel.Partial, threatmodel.Enforced}
	return slices.Index(order, a) > slices.Index(order, b)
}
