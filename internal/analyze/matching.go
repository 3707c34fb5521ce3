package analyze

import (
	"slices"

	"github.com/bartizan-security/bartizan/internal/reconcile"
	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

// prepareMatching finds out, before challenge and treat ask about threats, which
// of them continue old ones: a threat whose ground did not change goes on in
// its old words and with its old facts, so that questions about it stay as they
// were. It returns the old threats whose text was edited and that nobody found
// again: they go to challenge on the text as it stands now. Before are those that
// were prepared before; until chains are known, nothing is said of old ones.
func (r *run) prepareMatching(found, before []*candidate, chainsKnown bool) []*candidate {
	if r.in.Baseline == nil {
		return nil
	}
	plan := r.continued(found, before)
	var out []*candidate
	for _, t := range plan.Challenge() {
		switch {
		case slices.ContainsFunc(before, func(c *candidate) bool { return c.old == t.ID }), r.element(first(t.Elements)) == nil:
			continue
		case !chainsKnown && len(t.Steps) > 0:
			continue
		}
		c := &candidate{threat: t, old: t.ID, chain: len(t.Steps) > 0}
		c.threat.Controls, c.threat.Provenance = nil, nil
		out = append(out, c)
	}
	sortCandidates(out)
	return out
}

// continued lets candidates that continue old threats go on in their words, as
// those before them did.
func (r *run) continued(found, before []*candidate) *reconcile.Plan {
	all := slices.Concat(before, found)
	plan := r.plan(all)
	open := slices.DeleteFunc(all, func(c *candidate) bool { return c.old != "" || c.rejected })
	for i, id := range plan.Continues() {
		if !slices.Contains(before, open[i]) {
			r.carry(open[i], r.in.Baseline.Threat(id))
		}
	}
	return plan
}

func first(list []string) string {
	if len(list) == 0 {
		return ""
	}
	return list[0]
}

// carry gives a candidate the words and facts of the old threat that it
// continues, where nothing that they rest on changed.
func (r *run) carry(c *candidate, old *threatmodel.Threat) {
	t := &c.threat
	if old == nil || r.in.Fresh || r.newVersions() || t.Family != old.Family || t.Elements[0] != first(old.Elements) {
		return
	}
	if !sameQuotes(t.Evidence, old.Evidence) || c.chain != (len(old.Steps) > 0) {
		return
	}
	t.Title, t.Statement, t.STRIDE, t.CWE, t.CAPEC, t.ATTACK = old.Title, old.Statement, old.STRIDE, old.CWE, old.CAPEC, old.ATTACK
	t.Elements, t.Facts, t.Mitigations = r.known(old.Elements), old.Facts, old.Mitigations
	t.Assets = slices.DeleteFunc(slices.Clone(old.Assets), func(id string) bool {
		return !slices.ContainsFunc(r.graph.holdings, func(a threatmodel.Asset) bool { return a.ID == id })
	})
}

// known keeps the ids of elements that exist.
func (r *run) known(ids []string) []string {
	return slices.DeleteFunc(slices.Clone(ids), func(id string) bool { return r.element(id) == nil })
}

func sameQuotes(a, b []threatmodel.Evidence) bool {
	return len(a) == len(b) && overlap(a, b) == 1 && overlap(b, a) == 1
}

// newVersions reports whether another model, other prompts or other patterns
// are at work than in the baseline.
func (r *run) newVersions() bool {
	old := &r.in.Baseline.Analysis
	return old.Model != r.cfg.Model || old.Prompts != r.cfg.Prompts || old.Patterns != r.cfg.Patterns
}

// plan matches the candidates with the baseline as they are now.
func (r *run) plan(found []*candidate) *reconcile.Plan {
	in := reconcile.Input{
		Old: r.in.Baseline, New: r.model(), Text: r.whole, Trail: r.trail, Elements: r.graph.match, Decisions: r.in.Decisions,
		SameAs: map[int]string{}, Reused: r.notAsked(), Patterns: r.builtinWorks(), Fresh: r.in.Fresh,
	}
	for _, c := range found {
		switch {
		case c.old != "":
			continue
		case c.rejected:
			in.Refuted = append(in.Refuted, reconcile.Refuted{Threat: c.threat, Reason: c.reason, Against: c.counter})
			continue
		}
		if len(c.sameAs) > 0 {
			in.SameAs[len(in.New.Threats)] = c.sameAs[0]
		}
		in.New.Threats = append(in.New.Threats, c.threat)
	}
	return reconcile.NewPlan(in)
}

// notAsked are the baseline's units that this run did not ask again: their
// output was taken over, or they got no answer.
func (r *run) notAsked() map[string]bool {
	out := map[string]bool{}
	if r.in.Baseline == nil {
		return out
	}
	for _, u := range r.in.Baseline.Analysis.Units {
		if now := r.units[u.ID]; now != nil && !r.asked[u.ID] {
			out[u.ID] = true
		}
	}
	for id := range r.failed {
		out[id] = true
	}
	return out
}

func (r *run) builtinWorks() bool {
	return r.cfg.Analyst.Name() == "builtin" || r.cfg.Colleague != nil
}
