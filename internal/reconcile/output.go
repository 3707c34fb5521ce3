package reconcile

import (
	"cmp"
	"slices"

	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

// output puts the reconciled model together.
func (r *result) output() Output {
	p := r.p
	m := *p.in.New
	m.Threats = r.threats
	sortThreats(m.Threats)
	m.Elements, m.Assets = r.carried()
	m.Documents = slices.Clone(m.Documents)
	for i := range m.Documents {
		m.Documents[i].Sentences = p.in.Text.Sentences(m.Documents[i].ID)
	}
	m.Analysis.Rejections = slices.Concat(m.Analysis.Rejections, r.sortedRejections())
	if p.baseline == nil {
		return Output{Model: &m, IDs: r.ids}
	}
	m.Analysis.History = history(&p.in.Old.Analysis, m.Analysis.ID)
	m.Changes = r.compare()
	return Output{Model: &m, IDs: r.ids}
}

// history is the line of analyses that leads to one, oldest first. Where the
// documents are again as they were, it holds that analysis too: what was first
// seen then stays the earlier.
func history(old *threatmodel.Analysis, id string) []string {
	out := slices.Clone(old.History)
	if old.ID != id && !slices.Contains(out, old.ID) {
		out = append(out, old.ID)
	}
	return out
}

// compare is the report of changes.
func (r *result) compare() *threatmodel.Changes {
	kinds := []threatmodel.ChangeKind{
		threatmodel.ThreatAdded, threatmodel.ThreatReturned, threatmodel.ThreatChanged, threatmodel.ThreatResolved, threatmodel.ThreatMerged,
		threatmodel.ThreatNotReproduced, threatmodel.ThreatReworded, threatmodel.ThreatMoved, threatmodel.ThreatUnchanged,
	}
	slices.SortFunc(r.changes, func(a, b threatmodel.ThreatChange) int {
		return cmp.Or(cmp.Compare(slices.Index(kinds, a.Kind), slices.Index(kinds, b.Kind)), cmp.Compare(a.Threat, b.Threat))
	})
	return &threatmodel.Changes{
		Baseline: r.p.in.Old.Analysis.ID, Documents: r.p.documents(), Threats: r.changes,
		Elements: append([]threatmodel.ElementDiff{}, r.p.in.Elements.Diffs...),
	}
}

// sortThreats puts those that ask for something first: live before the others,
// by risk, by id.
func sortThreats(list []threatmodel.Threat) {
	levels := threatmodel.Levels()
	slices.SortFunc(list, func(a, b threatmodel.Threat) int {
		return cmp.Or(
			compareBool(a.Live(), b.Live()),
			cmp.Compare(slices.Index(levels, b.Risk), slices.Index(levels, a.Risk)),
			cmp.Compare(a.ID, b.ID),
		)
	})
}

func (r *result) sortedRejections() []threatmodel.Rejection {
	slices.SortFunc(r.rejections, func(a, b threatmodel.Rejection) int {
		return cmp.Or(cmp.Compare(a.Title, b.Title), cmp.Compare(a.Reason, b.Reason))
	})
	return r.rejections
}

// carried are the new model's elements and assets, and those of the old model
// that kept threats refer to although they were not found again.
func (r *result) carried() ([]threatmodel.Element, []threatmodel.Asset) {
	c := carrier{p: r.p, known: map[string]bool{}, elements: slices.Clone(r.p.in.New.Elements), assets: slices.Clone(r.p.in.New.Assets)}
	for i := range c.elements {
		c.known[c.elements[i].ID] = true
	}
	for i := range c.assets {
		c.known[c.assets[i].ID] = true
	}
	for i := range r.threats {
		if r.threats[i].Live() {
			c.threat(&r.threats[i])
		}
	}
	if len(c.elements) > len(r.p.in.New.Elements) {
		sortElements(c.elements)
	}
	return c.elements, c.assets
}

// carrier gathers what kept threats need.
type carrier struct {
	p        *Plan
	known    map[string]bool
	elements []threatmodel.Element
	assets   []threatmodel.Asset
}

func (c *carrier) threat(t *threatmodel.Threat) {
	for _, id := range t.Elements {
		c.element(id)
	}
	for i := range t.Steps {
		c.element(t.Steps[i].Element)
	}
	for _, id := range t.Assets {
		c.asset(id)
	}
}

// element takes an element over with the ends or the boundary that it needs.
func (c *carrier) element(id string) {
	if id == "" || c.known[id] {
		return
	}
	e := c.p.missing(id)
	if e == nil {
		return
	}
	c.known[id] = true
	c.elements = append(c.elements, *e)
	for _, other := range append([]string{e.From, e.To, e.Boundary}, e.Crosses...) {
		c.element(other)
	}
}

// missing is an element of the old model that was not found again.
func (p *Plan) missing(id string) *threatmodel.Element {
	for i := range p.in.Elements.Missing {
		if p.in.Elements.Missing[i].ID == id {
			return &p.in.Elements.Missing[i]
		}
	}
	old := p.in.Old.Element(id)
	if old == nil {
		return nil
	}
	e := *old
	e.Evidence, _ = p.in.Trail.relocate(e.Evidence)
	return &e
}

func (c *carrier) asset(id string) {
	if c.known[id] {
		return
	}
	i := slices.IndexFunc(c.p.in.Old.Assets, func(a threatmodel.Asset) bool { return a.ID == id })
	if i < 0 {
		return
	}
	a := c.p.in.Old.Assets[i]
	a.Evidence, _ = c.p.in.Trail.relocate(a.Evidence)
	a.Elements = slices.DeleteFunc(c.p.elements(a.Elements), func(e string) bool { return !c.known[e] })
	c.known[id] = true
	c.assets = append(c.assets, a)
}
