package analyze

import (
	"slices"

	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

// keepBaseline keeps the words of the baseline for what unchanged text says: a
// survey that is asked again words its answer anew, and that must not change
// every prompt that follows. What the baseline knew is dropped only where the
// sentence it rests on was edited or is gone.
func (g *graph) keepBaseline() {
	old := g.r.in.Baseline
	if old == nil || g.r.in.Fresh || !g.r.surveyedAnew() {
		return
	}
	k := keeper{g: g, known: g.r.surveyedBefore(), old: old}
	for i := range old.Elements {
		k.element(&old.Elements[i])
	}
	for i := range old.Elements {
		k.flow(&old.Elements[i])
	}
	for i := range old.Assets {
		k.asset(&old.Assets[i])
	}
	var kept []foundControl
	for i := range old.StatedControls {
		was := asSurveyed(old.StatedControls[i])
		if c, ok := k.control(&was); ok {
			kept = append(kept, c)
		}
	}
	g.controls = append(g.controls, kept...)
}

// surveyedAnew reports whether any survey question was put in this run.
func (r *run) surveyedAnew() bool {
	for id, u := range r.units {
		if u.Stage == threatmodel.StageSurvey && r.asked[id] {
			return true
		}
	}
	return false
}

// surveyedBefore is the set of passages that the baseline's surveys read.
func (r *run) surveyedBefore() map[string]bool {
	known := map[string]bool{}
	for _, u := range r.in.Baseline.Analysis.Units {
		if u.Stage == threatmodel.StageSurvey {
			for _, p := range u.Passages {
				known[p] = true
			}
		}
	}
	return known
}

type keeper struct {
	g     *graph
	known map[string]bool
	old   *threatmodel.Model
}

// nothingNew reports whether evidence lies only in passages that the baseline
// had read.
func (k *keeper) nothingNew(evidence []threatmodel.Evidence) bool {
	return !slices.ContainsFunc(evidence, func(e threatmodel.Evidence) bool { return !k.known[e.Passage] })
}

// standing is the part of old evidence that stands now.
func (k *keeper) standing(old []threatmodel.Evidence) []threatmodel.Evidence {
	var out []threatmodel.Evidence
	for _, e := range old {
		if now, ok := k.g.r.text.stands([]threatmodel.Evidence{e}); ok {
			out = append(out, now...)
		}
	}
	return out
}

func (k *keeper) element(old *threatmodel.Element) {
	if old.Kind == threatmodel.DataFlow || old.Source == "derived" {
		return
	}
	evidence := k.standing(old.Evidence)
	if len(evidence) == 0 {
		return
	}
	before := foundElement{
		name: old.Name, kind: old.Kind, aliases: old.Aliases, technologies: old.Technologies,
		exposure: old.Exposure, inside: k.boundaryName(old), evidence: evidence, source: old.Source,
	}
	d := k.draft(old)
	switch {
	case d == nil && !k.renamed(old, evidence):
		k.g.addElement(before)
	case d != nil && k.nothingNew(d.evidence) && len(evidence) == len(old.Evidence):
		d.replace(before)
	case d != nil:
		d.evidence = uniteEvidence(d.evidence, evidence)
		d.technologies = union(slices.Clone(old.Technologies), d.technologies)
		d.names = union([]string{old.Name}, d.names)
	}
}

func (k *keeper) draft(old *threatmodel.Element) *draft {
	for _, name := range append([]string{old.Name}, old.Aliases...) {
		if d := k.g.byName[foldName(name)]; d != nil {
			return d
		}
	}
	return nil
}

// renamed reports whether another draft of the same kind rests on at least
// half of the same sentences: then the new name is taken, and matching carries
// the id.
func (k *keeper) renamed(old *threatmodel.Element, evidence []threatmodel.Evidence) bool {
	for _, d := range k.g.drafts {
		if d.kind() != old.Kind || k.inBaseline(d) {
			continue
		}
		shared := 0
		for _, e := range evidence {
			if slices.ContainsFunc(d.evidence, func(x threatmodel.Evidence) bool { return sameSpot(x, e) }) {
				shared++
			}
		}
		if 2*shared >= len(evidence) {
			return true
		}
	}
	return false
}

func (k *keeper) inBaseline(d *draft) bool {
	for i := range k.old.Elements {
		for _, name := range d.names {
			if foldName(k.old.Elements[i].Name) == foldName(name) {
				return true
			}
		}
	}
	return false
}

func (k *keeper) boundaryName(old *threatmodel.Element) string {
	if b := k.old.Element(old.Boundary); b != nil {
		return b.Name
	}
	return ""
}

// replace makes the draft what it was.
func (d *draft) replace(e foundElement) {
	d.names = union([]string{e.name}, e.aliases)
	d.kinds = map[threatmodel.Kind]int{e.kind: 1}
	d.exposures = map[threatmodel.Exposure]int{e.exposure: 1}
	d.technologies = e.technologies
	d.insides = nil
	if e.inside != "" {
		d.insides = []string{e.inside}
	}
	d.evidence = e.evidence
	d.sources = []string{e.source}
}

func (k *keeper) flow(old *threatmodel.Element) {
	if old.Kind != threatmodel.DataFlow {
		return
	}
	from, to := k.old.Element(old.From), k.old.Element(old.To)
	evidence := k.standing(old.Evidence)
	if from == nil || to == nil || len(evidence) == 0 {
		return
	}
	a, b := k.draft(from), k.draft(to)
	if a == nil || b == nil {
		return
	}
	before := foundFlow{from: a.names[0], to: b.names[0], label: old.Label, evidence: evidence, source: old.Source}
	same := func(f foundFlow) bool { return k.g.find(f.from) == a && k.g.find(f.to) == b }
	isNews := slices.ContainsFunc(k.g.flows, func(f foundFlow) bool { return same(f) && !k.nothingNew(f.evidence) })
	if !isNews && len(evidence) == len(old.Evidence) {
		k.g.flows = slices.DeleteFunc(k.g.flows, same)
	}
	k.g.flows = append(k.g.flows, before)
}

func (k *keeper) asset(old *threatmodel.Asset) {
	evidence := k.standing(old.Evidence)
	if len(evidence) == 0 {
		return
	}
	before := foundAsset{name: old.Name, class: old.Class, kinds: old.Kinds, evidence: evidence}
	for _, id := range old.Elements {
		if e := k.old.Element(id); e != nil {
			before.heldBy = append(before.heldBy, e.Name)
		}
	}
	same := func(a foundAsset) bool {
		return foldName(a.name) == foldName(old.Name) || k.rewords(a.evidence, evidence)
	}
	k.g.assets = slices.DeleteFunc(k.g.assets, func(a foundAsset) bool { return same(a) && k.nothingNew(a.evidence) })
	k.g.assets = append(k.g.assets, before)
}

// control gives what the baseline knew of a stated control, and drops what the
// new survey says in other words of the same.
func (k *keeper) control(old *threatmodel.StatedControl) (foundControl, bool) {
	evidence := k.standing(old.Evidence)
	if len(evidence) < len(old.Evidence) {
		return foundControl{}, false // what it rests on changed: the new survey says what stands
	}
	before := foundControl{name: old.Name, verdict: old.Verdict, evidence: evidence}
	for _, id := range old.Elements {
		if e := k.old.Element(id); e != nil {
			before.elements = append(before.elements, e.Name)
		}
	}
	same := func(c foundControl) bool {
		return foldName(c.name) == foldName(old.Name) || k.rewords(c.evidence, evidence)
	}
	k.g.controls = slices.DeleteFunc(k.g.controls, func(c foundControl) bool { return same(c) && k.nothingNew(c.evidence) })
	return before, true
}

// rewords reports whether two pieces of the map rest on the same sentences.
func (k *keeper) rewords(a, b []threatmodel.Evidence) bool {
	if len(a) == 0 || len(a) != len(b) {
		return false
	}
	for _, x := range a {
		if !slices.ContainsFunc(b, func(y threatmodel.Evidence) bool { return sameSpot(x, y) }) {
			return false
		}
	}
	return true
}
