package reconcile

import (
	"slices"

	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

// carry is the new threat under the id of the old one that it continues, with
// all that people and history gave to that.
func (p *Plan) carry(o *threatmodel.Threat, n threatmodel.Threat) threatmodel.Threat {
	t := n
	t.ID, t.FirstSeen, t.SplitFrom = o.ID, o.FirstSeen, o.SplitFrom
	t.Owner, t.Treatment, t.Due, t.Residual, t.Ticket, t.Wording = o.Owner, o.Treatment, o.Due, o.Residual, o.Ticket, o.Wording
	t.Status, t.MergedInto, t.NotReproduced = threatmodel.StatusOpen, "", false
	if o.Source == threatmodel.SourcePerson {
		t.Source = threatmodel.SourcePerson
	}
	if !p.restated(o, &n) {
		t.Title, t.Statement = o.Title, o.Statement
		t.STRIDE, t.CWE, t.CAPEC, t.ATTACK = o.STRIDE, o.CWE, o.CAPEC, o.ATTACK
	}
	if o.Wording == threatmodel.WordingPerson {
		t.Title, t.Statement = o.Title, o.Statement
	}
	_, lost := p.in.Trail.relocate(o.Evidence)
	t.FormerEvidence = p.formerEvidence(o, lost)
	t.Decisions = p.former[o.ID]
	Settle(&t, p.current[o.ID])
	return t
}

// restated reports whether a threat is to be told in the analyst's new words.
// They are taken only where what the threat says can have changed; the words of
// a person stay.
func (p *Plan) restated(o, n *threatmodel.Threat) bool {
	if o.Source == threatmodel.SourcePerson {
		return false
	}
	then, now := &p.in.Old.Analysis, &p.in.New.Analysis
	byPattern := o.Source == threatmodel.SourcePattern || o.Source == threatmodel.SourceBoth
	return p.in.Fresh || then.Model != now.Model || then.Prompts != now.Prompts || (byPattern && then.Patterns != now.Patterns) ||
		p.currentKey(o) != KeyOf(n) || !sameQuotes(o, n) || len(verdictChanges(VerdictsOf(o), n)) > 0
}

// sameQuotes reports whether two threats rest on the same quotes, wherever these
// stand.
func sameQuotes(a, b *threatmodel.Threat) bool {
	x, y := hashesOf(a.Anchors), hashesOf(b.Anchors)
	slices.Sort(x)
	slices.Sort(y)
	return slices.Equal(slices.Compact(x), slices.Compact(y))
}

// formerEvidence is what a threat once rested on and does no longer stand.
func (p *Plan) formerEvidence(o *threatmodel.Threat, lost []quotation) []threatmodel.FormerEvidence {
	all := slices.Clone(o.FormerEvidence)
	for _, q := range lost {
		f := threatmodel.FormerEvidence{Quote: q.text, Document: q.document}
		if d := p.in.Old.Document(q.document); d != nil {
			f.SHA256 = d.SHA256
		}
		all = append(all, f)
	}
	out := []threatmodel.FormerEvidence{}
	seen := map[string]bool{}
	for _, f := range all {
		h := Hash(f.Quote)
		if seen[h+f.Document] || len(p.in.Text.byHash[h]) > 0 {
			continue
		}
		seen[h+f.Document] = true
		out = append(out, f)
	}
	return out
}

// keep is an old threat that goes on without a new one: its quotes as they stand
// now, where they stand now. It also returns the controls that it lost because
// a sentence that showed them no longer stands.
func (p *Plan) keep(o *threatmodel.Threat) (threatmodel.Threat, []threatmodel.Rejection) {
	t := *o
	var lost []quotation
	t.Evidence, lost = p.in.Trail.relocate(o.Evidence)
	t.Evidence = p.recover(o, t.Evidence)
	t.FormerEvidence = p.formerEvidence(o, lost)
	if anchors := p.in.Text.Anchors(t.Evidence); len(anchors) > 0 {
		t.Anchors = anchors
	}
	t.Elements = p.elements(o.Elements)
	t.Steps = slices.Clone(o.Steps)
	for i := range t.Steps {
		t.Steps[i].Element = p.in.Elements.current(t.Steps[i].Element)
		t.Steps[i].Evidence, _ = p.in.Trail.relocate(t.Steps[i].Evidence)
	}
	var rejections []threatmodel.Rejection
	t.Controls, rejections = p.controls(o)
	if len(t.Controls) == 0 && len(o.Controls) > 0 {
		t.NoControl = "The sentence that showed its control no longer stands in the documents."
	}
	t.Decisions = p.former[o.ID]
	Settle(&t, p.current[o.ID])
	return t, rejections
}

// recover adds the quotes that a threat lost while it was resolved and that
// stand again, edited or not, for one that a person took up since.
func (p *Plan) recover(o *threatmodel.Threat, evidence []threatmodel.Evidence) []threatmodel.Evidence {
	shown := map[place]bool{}
	for _, a := range Anchors(evidence) {
		shown[placeOf(a)] = true
	}
	for _, a := range o.Anchors {
		trace := p.in.Trail.Of(a)
		if now := placeOf(trace.Anchor); trace.Fate != Gone && !shown[now] {
			shown[now] = true
			evidence = append(evidence, p.in.Text.evidence(trace.sentence, threatmodel.States, false)...)
		}
	}
	return evidence
}

func (p *Plan) elements(ids []string) []string {
	out := []string{}
	for _, id := range ids {
		if id = p.in.Elements.current(id); !slices.Contains(out, id) {
			out = append(out, id)
		}
	}
	return out
}

// controls are an old threat's controls whose ground still stands. A verdict
// whose sentence was edited is nobody's any more.
func (p *Plan) controls(o *threatmodel.Threat) ([]threatmodel.ControlRef, []threatmodel.Rejection) {
	kept, rejections := []threatmodel.ControlRef{}, []threatmodel.Rejection(nil)
	for _, c := range o.Controls {
		now, lost := p.in.Trail.relocate(c.Evidence)
		if len(lost) == 0 {
			c.Evidence = now
			kept = append(kept, c)
			continue
		}
		rejections = append(rejections, threatmodel.Rejection{
			Stage: threatmodel.StageReconcile, What: "control", Title: c.Catalog + ":" + c.ID, Source: o.Source,
			Reason: "The sentence that showed it " + string(c.Verdict) + " for " + o.ID + " no longer stands: " + lost[0].text,
		})
	}
	return kept, rejections
}

// bury is a resolved threat: it keeps its anchors, by which it would return, and
// only the quotes that stand word for word.
func (p *Plan) bury(o *threatmodel.Threat) threatmodel.Threat {
	t := *o
	var lost []quotation
	_, lost = p.in.Trail.relocate(o.Evidence)
	t.Evidence = p.standing(o.Evidence)
	t.FormerEvidence = p.formerEvidence(o, lost)
	t.Controls = slices.Clone(o.Controls)
	for i := range t.Controls {
		t.Controls[i].Evidence = p.standing(t.Controls[i].Evidence)
	}
	t.Steps = slices.Clone(o.Steps)
	for i := range t.Steps {
		t.Steps[i].Evidence = p.standing(t.Steps[i].Evidence)
	}
	t.Elements = p.elements(o.Elements)
	t.NotReproduced = false
	return t
}

// standing is the part of old evidence that stands word for word, where it
// stands now.
func (p *Plan) standing(old []threatmodel.Evidence) []threatmodel.Evidence {
	out := []threatmodel.Evidence{}
	for _, q := range quotations(old) {
		if trace := p.in.Trail.Of(q.anchor()); trace.Fate.Stands() {
			out = append(out, p.in.Text.evidence(trace.sentence, q.role, q.omission)...)
		}
	}
	return out
}
