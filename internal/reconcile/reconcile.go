// Package reconcile carries a threat model over a change of its documents: the
// same threat keeps its id, its wording and its decision, and nobody is told
// that something is new, gone or settled when it is not.
//
// An analyst answers differently each time it is asked, so identity never rests
// on its words. A threat is known by its key (the element that carries the
// weakness, and the weakness family) and by its anchors (the quotes that it
// rests on). The order of work:
//
//	text := reconcile.NewText(passages)                           // the present text
//	trail := reconcile.Follow(old, decisions, text)               // where old quotes stand now
//	match := reconcile.Elements(old.Elements, elements, trail)    // ids of elements
//	plan := reconcile.NewPlan(reconcile.Input{...})               // who is who among threats
//	findings := challenge(plan.Challenge())                       // old threats on edited text
//	out := plan.Apply(findings)                                   // the model, and what changed
//
// Everything here is a pure function: no clock, no files, and the order of
// input never matters. The threats, elements and decisions given are not
// modified.
package reconcile

import (
	"slices"

	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

// Input is what a plan is made from.
type Input struct {
	// Old is the baseline, nil for a first analysis.
	Old *threatmodel.Model
	// New is the model as it was found: elements and assets under their final
	// ids, threats grounded but without ids and anchors, analysis with id and
	// versions.
	New *threatmodel.Model
	// Text is the present text.
	Text *Text
	// Trail follows the quotes of Old; nil lets the plan make it.
	Trail *Trail
	// Elements is what Elements returned; its zero value for a first analysis.
	Elements ElementMatch
	// Decisions are those of the decisions file. Nil takes the copies in Old.
	Decisions []threatmodel.Decision
	// SameAs holds, by index into New.Threats, the old threats that an
	// analyst claims to have found again. A claim is checked, never believed.
	SameAs map[int]string
	// Refuted are candidates that this run's challenge contradicted.
	Refuted []Refuted
	// Reused are the units of Old whose output was taken without asking.
	Reused map[string]bool
	// Patterns is true where the built-in patterns looked at this text.
	Patterns bool
	// Fresh is true where every unit was asked again on request.
	Fresh bool
}

// Refuted is a candidate that does not hold, with the quotes against it.
type Refuted struct {
	Threat  threatmodel.Threat
	Reason  string
	Against []threatmodel.Evidence
}

// Outcome is what challenge says of an old threat on the present text.
type Outcome string

// Outcomes.
const (
	Supported    Outcome = "supported"
	Contradicted Outcome = "contradicted"
	Insufficient Outcome = "insufficient"
)

// Finding is the outcome of a challenge to one of [Plan.Challenge].
type Finding struct {
	Outcome Outcome
	Reason  string
	// Against are the quotes that contradict the threat.
	Against []threatmodel.Evidence
	// Threat, where it is not nil, is the threat as it was treated and rated
	// anew; its id does not count. Nil keeps controls and rating as they were.
	Threat *threatmodel.Threat
}

// Output is a reconciled model.
type Output struct {
	// Model is Input.New with final threats, changes, history, the sentences
	// of its documents, and the elements and assets that kept threats need.
	Model *threatmodel.Model
	// IDs are the final ids of Input.New.Threats, by index.
	IDs []string
}

// Plan is a matching of an old and a new model that waits for the old threats
// on edited text to be challenged.
type Plan struct {
	in Input
	// baseline is Input.Old as it was given: nil for a first analysis.
	baseline *threatmodel.Model
	old      []threatmodel.Threat // those of the baseline, their decisions settled
	threats  []threatmodel.Threat // the new ones, with anchors
	// current and former hold decisions by threat: as the file has them, and
	// as the old model knew them.
	current, former map[string][]threatmodel.Decision
	continued       []continued
	unmatched       []unmatched
	// splitFrom is the old threat that a new one came off, by index.
	splitFrom map[int]string
}

// continued is an old threat that a new one continues.
type continued struct {
	old   *threatmodel.Threat
	found int // index of the new threat
	how   pass
}

// NewPlan finds out which new threats continue which old ones.
func NewPlan(in Input) *Plan {
	p := &Plan{in: in, baseline: in.Old, splitFrom: map[int]string{}}
	if p.in.Old == nil {
		p.in.Old = &threatmodel.Model{}
	}
	if p.in.Decisions == nil {
		p.in.Decisions = recorded(p.in.Old)
	}
	if p.in.Trail == nil {
		p.in.Trail = Follow(p.in.Old, p.in.Decisions, p.in.Text)
	}
	p.current, p.former = byThreat(p.in.Decisions), byThreat(recorded(p.in.Old))
	p.old = slices.Clone(p.in.Old.Threats)
	for i := range p.old {
		Settle(&p.old[i], p.current[p.old[i].ID])
		if len(p.old[i].Anchors) == 0 {
			p.old[i].Anchors = Anchors(p.old[i].Evidence)
		}
	}
	p.threats = make([]threatmodel.Threat, len(in.New.Threats))
	for i, t := range in.New.Threats {
		t.Anchors = in.Text.Anchors(t.Evidence)
		p.threats[i] = t
	}
	p.match()
	return p
}

// Continues maps the new threats, by index, that continue an old one to its id.
func (p *Plan) Continues() map[int]string {
	out := map[int]string{}
	for _, c := range p.continued {
		out[c.found] = c.old.ID
	}
	return out
}

func recorded(m *threatmodel.Model) []threatmodel.Decision {
	var out []threatmodel.Decision
	for i := range m.Threats {
		out = append(out, m.Threats[i].Decisions...)
	}
	return out
}

func byThreat(decisions []threatmodel.Decision) map[string][]threatmodel.Decision {
	out := map[string][]threatmodel.Decision{}
	for _, d := range decisions {
		out[d.Threat] = append(out[d.Threat], d)
	}
	return out
}

// match pairs threats, then settles what is left on either side.
func (p *Plan) match() {
	live := p.oldSubjects(func(t *threatmodel.Threat) bool { return t.MergedInto == "" })
	found := newSubjects(p.threats, func(i int) string { return p.in.SameAs[i] })
	m := newMatching(live, found)
	m.run()
	for j, n := range found {
		if i, ok := m.oldOf[j]; ok {
			p.continued = append(p.continued, continued{live[i].threat, n.index, m.how[j]})
		}
	}
	left := p.merge(m)
	p.separate(m)
	refuted := p.refuted(left)
	for _, o := range left {
		p.unmatched = append(p.unmatched, p.place(o, refuted[o.threat]))
	}
}

// refuted finds the old threats that candidates of this run continue which
// challenge refuted.
func (p *Plan) refuted(left []*subject) map[*threatmodel.Threat]*Refuted {
	threats := make([]threatmodel.Threat, len(p.in.Refuted))
	for i := range p.in.Refuted {
		threats[i] = p.in.Refuted[i].Threat
		threats[i].Anchors = p.in.Text.Anchors(threats[i].Evidence)
	}
	found := newSubjects(threats, func(int) string { return "" })
	m := newMatching(left, found)
	m.run()
	out := map[*threatmodel.Threat]*Refuted{}
	for i, o := range left {
		if j, ok := m.newOf[i]; ok {
			out[o.threat] = &p.in.Refuted[found[j].index]
		}
	}
	return out
}
