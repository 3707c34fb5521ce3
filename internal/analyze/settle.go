package analyze

import (
	"fmt"
	"slices"
	"sort"
	"strings"

	"github.com/bartizan-security/bartizan/internal/reconcile"
	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

// systemBoundary is the boundary that stands between the system and its
// external entities where the documents draw none.
const systemBoundary = "System boundary"

// settle makes elements, flows, assets and stated controls of the findings,
// with ids carried from the baseline.
func (g *graph) settle() {
	g.keepBaseline()
	bounds := g.boundaries()
	parents := map[*draft]*draft{}
	for _, d := range slices.Clone(g.drafts) {
		if p := bounds[d]; p != nil && !loops(parents, d, p) {
			parents[d] = p
		}
	}
	g.elements = nil
	for _, d := range g.drafts {
		g.elements = append(g.elements, d.element())
	}
	g.nameElements(parents)
	g.settleFlows()
	g.settleIDs()
	g.inferExposure()
	g.settleAssets()
	g.settleControls()
}

// element is the draft as an element; ids of it and its boundary follow.
func (d *draft) element() threatmodel.Element {
	e := threatmodel.Element{
		Kind: d.kind(), Name: d.names[0], Aliases: d.names[1:], Technologies: d.technologies,
		Exposure: d.exposure(), Evidence: d.evidence, Source: d.sources[0],
	}
	sortEvidence(e.Evidence)
	if e.Kind == threatmodel.TrustBoundary {
		e.Exposure = ""
	}
	return e
}

// boundaries finds the draft that each draft stands in; a boundary that is
// named but not described is made from the sentence that names it.
func (g *graph) boundaries() map[*draft]*draft {
	out := map[*draft]*draft{}
	for _, d := range slices.Clone(g.drafts) {
		for _, name := range d.insides {
			b := g.find(name)
			if b == nil {
				g.addElement(foundElement{name: name, kind: threatmodel.TrustBoundary, evidence: d.evidence[:1], source: d.sources[0]})
				b = g.find(name)
			}
			if b != nil && b != d && b.kind() == threatmodel.TrustBoundary {
				out[d] = b
				break
			}
		}
	}
	return out
}

func loops(parents map[*draft]*draft, d, p *draft) bool {
	for ; p != nil; p = parents[p] {
		if p == d {
			return true
		}
	}
	return false
}

// nameElements puts the boundaries in, by name for now: ids come with
// settleIDs.
func (g *graph) nameElements(parents map[*draft]*draft) {
	index := map[*draft]int{}
	for i, d := range g.drafts {
		index[d] = i
	}
	for d, p := range parents {
		g.elements[index[d]].Boundary = g.elements[index[p]].Name
	}
}

// settleFlows joins the flows between the same ends and finds the boundaries
// that each crosses. A flow whose end is no known element is rejected.
func (g *graph) settleFlows() {
	type ends struct{ from, to string }
	flows := map[ends]*threatmodel.Element{}
	var order []ends
	needSystem := false
	for _, f := range g.flows {
		from, to := g.find(f.from), g.find(f.to)
		if reason := flowFault(f, from, to); reason != "" {
			g.r.reject(threatmodel.Rejection{Stage: threatmodel.StageSurvey, What: "flow", Title: f.from + " -> " + f.to, Reason: reason, Source: f.source, Evidence: f.evidence})
			continue
		}
		if from == to {
			continue
		}
		key := ends{from.names[0], to.names[0]}
		e := flows[key]
		if e == nil {
			e = &threatmodel.Element{Kind: threatmodel.DataFlow, Name: key.from + " -> " + key.to, From: key.from, To: key.to, Source: f.source}
			flows[key] = e
			order = append(order, key)
		}
		e.Label = joinLabel(e.Label, f.label)
		e.Evidence = uniteEvidence(e.Evidence, f.evidence)
	}
	nodes := len(g.elements)
	byName := map[string]*threatmodel.Element{}
	for i := range nodes {
		byName[g.elements[i].Name] = &g.elements[i]
	}
	var settled []threatmodel.Element
	for _, key := range order {
		e := flows[key]
		sortEvidence(e.Evidence)
		e.Crosses = crosses(byName, byName[e.From], byName[e.To])
		needSystem = needSystem || slices.Contains(e.Crosses, systemBoundary)
		settled = append(settled, *e)
	}
	g.elements = append(g.elements, settled...)
	if needSystem && byName[systemBoundary] == nil {
		g.elements = append(g.elements, threatmodel.Element{Kind: threatmodel.TrustBoundary, Name: systemBoundary, Source: "derived", Evidence: []threatmodel.Evidence{}})
	}
}

func flowFault(f foundFlow, from, to *draft) string {
	for _, end := range []struct {
		name  string
		draft *draft
	}{{f.from, from}, {f.to, to}} {
		switch {
		case end.draft == nil:
			return "no element is called " + end.name
		case end.draft.kind() == threatmodel.TrustBoundary:
			return end.name + " is a trust boundary; a flow needs an element at each end"
		}
	}
	return ""
}

// joinLabel unites what two findings say of a flow, as long as that stays
// short.
func joinLabel(a, b string) string {
	switch {
	case a == "":
		return b
	case b == "" || strings.Contains(strings.ToLower(a), strings.ToLower(b)) || len(a)+len(b) > 120:
		return a
	}
	return a + "; " + b
}

// crosses names the boundaries that hold exactly one end of a flow. Between an
// external entity and an element without any boundary in between stands the
// system's own.
func crosses(byName map[string]*threatmodel.Element, from, to *threatmodel.Element) []string {
	a, b := enclosing(byName, from), enclosing(byName, to)
	var out []string
	for _, x := range a {
		if !slices.Contains(b, x) {
			out = append(out, x)
		}
	}
	for _, x := range b {
		if !slices.Contains(a, x) {
			out = append(out, x)
		}
	}
	if len(out) == 0 && (from.Kind == threatmodel.ExternalEntity) != (to.Kind == threatmodel.ExternalEntity) {
		out = append(out, systemBoundary)
	}
	sort.Strings(out)
	return out
}

func enclosing(byName map[string]*threatmodel.Element, e *threatmodel.Element) []string {
	var out []string
	for name := e.Boundary; name != "" && !slices.Contains(out, name); {
		out = append(out, name)
		b := byName[name]
		if b == nil {
			break
		}
		name = b.Boundary
	}
	return out
}

// inferExposure gives elements of unknown exposure that of what calls them:
// what an external entity reaches from the internet, or a partner, is exposed to
// it. What one reaches from near by tells nothing of the others that may.
func (g *graph) inferExposure() {
	for i := range g.elements {
		f := &g.elements[i]
		if f.Kind != threatmodel.DataFlow {
			continue
		}
		from, to := g.byID[f.From], g.byID[f.To]
		f.Exposure = threatmodel.ExposureInternal
		if from.Kind != threatmodel.ExternalEntity {
			continue
		}
		f.Exposure = from.Exposure
		wide := from.Exposure == threatmodel.ExposureInternet || from.Exposure == threatmodel.ExposurePartner
		if wide && to.Exposure == threatmodel.ExposureUnknown {
			to.Exposure = from.Exposure
		}
	}
}

func (g *graph) settleAssets() {
	byName := map[string]*threatmodel.Asset{}
	var order []string
	for _, a := range g.assets {
		key := foldName(a.name)
		x := byName[key]
		if x == nil {
			x = &threatmodel.Asset{ID: key, Name: a.name, Class: "unknown", Evidence: []threatmodel.Evidence{}}
			byName[key] = x
			order = append(order, key)
		}
		if classRank(a.class) > classRank(x.Class) {
			x.Class = a.class
		}
		x.Kinds = union(x.Kinds, a.kinds)
		for _, holder := range a.heldBy {
			if d := g.find(holder); d != nil {
				x.Elements = union(x.Elements, []string{g.idOf(d)})
			}
		}
		x.Evidence = uniteEvidence(x.Evidence, a.evidence)
	}
	g.holdings = []threatmodel.Asset{}
	for _, key := range order {
		x := byName[key]
		g.classify(x)
		sort.Strings(x.Kinds)
		sort.Strings(x.Elements)
		sortEvidence(x.Evidence)
		g.holdings = append(g.holdings, *x)
	}
	var old []threatmodel.Asset
	if g.r.in.Baseline != nil {
		old = g.r.in.Baseline.Assets
	}
	g.holdings, _ = reconcile.Assets(old, g.holdings, &g.match)
}

// classify lets what people stated about a class of data outrank what a
// survey read.
func (g *graph) classify(a *threatmodel.Asset) {
	c := g.r.in.Context
	if c == nil {
		return
	}
	for _, d := range c.DataClasses {
		if key := foldName(d.Name); key != "" && (wholeWords(foldName(a.Name), key) || wholeWords(key, foldName(a.Name))) {
			a.Class = d.Class
			a.Kinds = union(a.Kinds, d.Kinds)
		}
	}
}

func classRank(class string) int { return slices.Index(threatmodel.Classes(), class) }

func (g *graph) settleControls() {
	byName := map[string]*threatmodel.StatedControl{}
	var order []string
	for _, c := range g.controls {
		key := controlKey(c.name, c.verdict)
		x := byName[key]
		if x == nil {
			x = &threatmodel.StatedControl{ID: controlID(c.name, c.verdict), Name: c.name, Verdict: c.verdict, Elements: []string{}}
			byName[key] = x
			order = append(order, key)
		}
		for _, name := range c.elements {
			if d := g.find(name); d != nil {
				x.Elements = union(x.Elements, []string{g.idOf(d)})
			}
		}
		x.Evidence = uniteEvidence(x.Evidence, c.evidence)
	}
	g.stated = []threatmodel.StatedControl{}
	for _, key := range order {
		sortEvidence(byName[key].Evidence)
		sort.Strings(byName[key].Elements)
		g.stated = append(g.stated, *byName[key])
	}
}

// controlKey tells stated controls apart: what is stated, and how far.
func controlKey(name string, v threatmodel.Verdict) string {
	return foldName(name) + "\x00" + string(v)
}

func controlID(name string, v threatmodel.Verdict) string { return mint("S", controlKey(name, v)) }

// idOf is the id of a draft's element after settling.
func (g *graph) idOf(d *draft) string {
	for i := range g.elements {
		if g.elements[i].Kind != threatmodel.DataFlow && g.elements[i].Name == d.names[0] {
			return g.elements[i].ID
		}
	}
	return ""
}

// settleIDs replaces names by ids: those of the baseline where an element is
// the same, new ones otherwise.
func (g *graph) settleIDs() {
	handles := map[string]string{}
	for i := range g.elements {
		e := &g.elements[i]
		e.ID = fmt.Sprintf("new %d", i)
		if e.Kind != threatmodel.DataFlow {
			handles[e.Name] = e.ID
		}
	}
	for i := range g.elements {
		e := &g.elements[i]
		e.From, e.To, e.Boundary = handles[e.From], handles[e.To], handles[e.Boundary]
		for j, name := range e.Crosses {
			e.Crosses[j] = handles[name]
		}
	}
	var old []threatmodel.Element
	if g.r.in.Baseline != nil {
		old = g.r.in.Baseline.Elements
	}
	g.match = reconcile.Elements(old, g.elements, g.r.trail)
	g.elements = g.match.Elements
	for i := range g.elements {
		g.byID[g.elements[i].ID] = &g.elements[i]
	}
}

func mint(prefix, key string) string { return threatmodel.ShortID(prefix, key, 6) }
