package reconcile

import (
	"cmp"
	"slices"

	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

// Challenge returns the old threats whose text was edited and that no new threat
// continues, as they read on the present text and under their ids, for challenge
// to judge as candidates.
func (p *Plan) Challenge() []threatmodel.Threat {
	out := []threatmodel.Threat{}
	for _, u := range p.unmatched {
		if u.as == challenged {
			t, _ := p.keep(u.old)
			out = append(out, t)
		}
	}
	slices.SortFunc(out, func(a, b threatmodel.Threat) int { return cmp.Compare(a.ID, b.ID) })
	return out
}

// result gathers the reconciled model.
type result struct {
	p          *Plan
	threats    []threatmodel.Threat
	changes    []threatmodel.ThreatChange
	rejections []threatmodel.Rejection
	ids        []string
}

// Apply makes the reconciled model. Findings are what challenge said of the
// threats of [Plan.Challenge], by id; a threat without one is kept.
func (p *Plan) Apply(findings map[string]Finding) Output {
	r := result{p: p, threats: []threatmodel.Threat{}, changes: []threatmodel.ThreatChange{}, ids: make([]string, len(p.threats))}
	for _, c := range p.continued {
		r.continueWith(c)
	}
	for _, u := range p.unmatched {
		r.leaveOver(u, findings[u.old.ID])
	}
	r.begin()
	return r.output()
}

// continueWith adds an old threat as the new one reads.
func (r *result) continueWith(c continued) {
	p, o := r.p, c.old
	t := p.carry(o, p.threats[c.found])
	t.ReviewDue = p.review(o, &t, c.how.doubtful(), nil)
	r.ids[c.found] = t.ID
	r.threats = append(r.threats, t)
	r.changes = append(r.changes, p.change(o, &t))
}

// begin adds the new threats that continue no old one.
func (r *result) begin() {
	p := r.p
	taken := map[string]bool{}
	for i := range p.old {
		taken[p.old[i].ID] = true
	}
	for _, s := range newSubjects(p.threats, func(int) string { return "" }) {
		if r.ids[s.index] != "" {
			continue
		}
		t := p.threats[s.index]
		first := threatmodel.Anchor{}
		if len(t.Anchors) > 0 {
			first = t.Anchors[0]
		}
		t.ID = Mint(s.key, first, taken)
		t.FirstSeen, t.SplitFrom, t.Status, t.Rating = p.in.New.Analysis.ID, p.splitFrom[s.index], threatmodel.StatusOpen, threatmodel.RatingProposed
		t.FormerEvidence = []threatmodel.FormerEvidence{}
		t.Decisions = []threatmodel.Decision{}
		r.ids[s.index] = t.ID
		r.threats = append(r.threats, t)
		r.changes = append(r.changes, p.addition(&t))
	}
}

// leaveOver adds an old threat that no new one continues.
func (r *result) leaveOver(u unmatched, f Finding) {
	p, o := r.p, u.old
	switch {
	case u.as == tombstone:
		r.threats = append(r.threats, p.bury(o))
	case u.as == merged:
		r.mergeAway(u)
	case u.as == textGone:
		r.end(u, "The text it rests on is gone.")
	case u.as == refutedNow:
		r.end(u, "The design now says otherwise.")
	case u.as == challenged && f.Outcome == Contradicted:
		u.reason, u.against = f.Reason, f.Against
		r.end(u, "The design now says otherwise.")
	case u.as == challenged:
		r.stay(u, f)
	default:
		r.stay(u, Finding{})
	}
}

// stay keeps an old threat.
func (r *result) stay(u unmatched, f Finding) {
	p, o := r.p, u.old
	t, rejections := p.keep(o)
	if f.Threat != nil {
		t = p.treated(o, &t, f.Threat)
	} else {
		r.rejections = append(r.rejections, rejections...)
	}
	t.NotReproduced = u.silent || (u.as == challenged && f.Outcome != Supported)
	if f.Outcome == Insufficient {
		t.Confidence = threatmodel.ConfidenceLow
	}
	also := &reasons{}
	if u.other != "" {
		also.add("The analysis now finds one threat where "+o.ID+" and "+u.other+" were decided differently.", threatmodel.CauseAnalyst, "", "")
	}
	if len(u.against) > 0 {
		a := Anchors(u.against)[0]
		also.add("A sentence that speaks against it has come up: "+u.reason, p.quoteCause(a), "", a.Quote)
	}
	t.ReviewDue = p.review(o, &t, false, also)
	c := p.change(o, &t)
	c.Details = append(c.Details, also.sentences...)
	r.threats = append(r.threats, t)
	r.changes = append(r.changes, c)
}

// treated is a kept threat with controls and rating as challenge and treatment
// gave them anew.
func (p *Plan) treated(o, kept, anew *threatmodel.Threat) threatmodel.Threat {
	n := *anew
	n.Anchors = p.in.Text.Anchors(n.Evidence)
	if len(n.Anchors) == 0 {
		n.Evidence, n.Anchors = kept.Evidence, kept.Anchors
	}
	return p.carry(o, n)
}

// end resolves a threat that nobody decided; otherwise it asks for a decision.
func (r *result) end(u unmatched, reason string) {
	p, o := r.p, u.old
	if !p.decided(o) {
		t := p.bury(o)
		t.Status, t.ReviewDue = threatmodel.StatusResolved, nil
		c := p.summary(o, &t, threatmodel.ThreatResolved)
		c.Cause, c.Details = p.cause(o, &t), append(c.Details, u.reason)
		c.Before, c.After = p.texts(o, u.against)
		r.threats = append(r.threats, t)
		r.changes = append(r.changes, c)
		return
	}
	t, rejections := p.keep(o)
	r.rejections = append(r.rejections, rejections...)
	also := &reasons{}
	before, after := p.texts(o, u.against)
	also.add(reason+" "+u.reason, threatmodel.CauseDocument, before, after)
	t.ReviewDue = p.review(o, &t, false, also)
	r.threats = append(r.threats, t)
	r.changes = append(r.changes, p.change(o, &t))
}

// texts are the first quote of a threat that no longer stands, and what stands
// against or instead of it.
func (p *Plan) texts(o *threatmodel.Threat, against []threatmodel.Evidence) (before, after string) {
	for _, a := range o.Anchors {
		if trace := p.in.Trail.Of(a); !trace.Fate.Stands() {
			before, after = a.Quote, trace.Anchor.Quote
			break
		}
	}
	if len(against) > 0 {
		after = Anchors(against)[0].Quote
	}
	return before, after
}

// mergeAway keeps a threat for which another stands.
func (r *result) mergeAway(u unmatched) {
	t, rejections := r.p.keep(u.old)
	t.MergedInto, t.ReviewDue, t.NotReproduced = u.other, nil, false
	r.threats = append(r.threats, t)
	if u.old.MergedInto != "" {
		return
	}
	r.rejections = append(r.rejections, rejections...)
	c := r.p.summary(u.old, &t, threatmodel.ThreatMerged)
	c.Cause = r.p.cause(u.old, &t)
	c.Details = append(c.Details, "It is one with "+u.other+" now, which goes on for both.")
	r.changes = append(r.changes, c)
}
