package analyze

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/bartizan-security/bartizan/internal/ground"
	"github.com/bartizan-security/bartizan/internal/passage"
	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

const (
	// maxControls is how many candidate controls a question may list.
	maxControls = 20
	// perControl is how many passages are retrieved on each.
	perControl = 2
	// beside is how many passages before and after a threat's own are shown.
	beside = 3
	// treatWords bounds what a question shows beside the evidence itself.
	treatWords = 1200
)

// treat asks for each threat which controls answer it, and whether the design
// really has them: for those that are settled while those that were added are
// challenged, then for what is left of these. It gives all that stay.
func (r *run) treat(ctx context.Context, settled, added []*candidate) ([]*candidate, error) {
	first := func(ctx context.Context) error { return r.treatEach(ctx, settled) }
	if len(added) == 0 {
		err := first(ctx)
		return r.explained(settled), err
	}
	err := r.beside(ctx,
		part{threatmodel.StageChallenge, func(ctx context.Context) error { return r.challengeAdded(ctx, added) }},
		part{threatmodel.StageTreat, first})
	added = r.judged(added)
	if err == nil {
		err = r.treatEach(ctx, added)
	}
	return r.explained(append(settled, added...)), err
}

func (r *run) treatEach(ctx context.Context, found []*candidate) error {
	a := r.cfg.Analyst
	if !a.Answers(threatmodel.StageTreat) {
		return nil
	}
	return r.each(ctx, threatmodel.StageTreat, len(found), func(ctx context.Context, i int) error {
		c := found[i]
		if c.rejected {
			return nil
		}
		q, err := r.treatQuestion(ctx, c)
		if err != nil {
			return err
		}
		res, err := ask(ctx, r, a, q, func(ans *TreatAnswer) (treated, []refusal) { return r.checkTreat(ans, q) })
		for _, part := range res.parts {
			c.treat(part)
		}
		if !slices.Contains(c.threat.Provenance, res.unit) && len(res.parts) > 0 {
			c.threat.Provenance = append(c.threat.Provenance, res.unit)
		}
		return err
	})
}

// explained are threats each of which says why, where it has no control.
func (r *run) explained(found []*candidate) []*candidate {
	if !r.cfg.Analyst.Answers(threatmodel.StageTreat) {
		return found
	}
	for _, c := range found {
		r.explainNoControl(&c.threat)
	}
	return found
}

// explainNoControl makes sure that a threat without controls says why.
func (r *run) explainNoControl(t *threatmodel.Threat) {
	if len(t.Controls) > 0 {
		t.NoControl = ""
		return
	}
	if t.NoControl == "" {
		t.NoControl = "No control was shown to answer it: see the rejections of its unit, or run again."
	}
}

// treatSubject names a threat for its treat unit, in a way that wording does
// not change. A chain may begin with the very sentence of a threat at its
// first element, so it is named by its steps.
func treatSubject(t *threatmodel.Threat) string {
	at := t.Elements[0]
	if len(t.Steps) > 0 {
		at = "chain " + strings.Join(t.Elements, ">")
	}
	return at + " " + t.Family + " " + threatmodel.ShortID("Q", passage.Fold(t.Evidence[0].Quote), 6)
}

func (r *run) treatQuestion(ctx context.Context, c *candidate) (*Question, error) {
	t := &c.threat
	about := &TreatAbout{Controls: r.candidateControls(t)}
	var names []string
	for _, id := range t.Elements {
		if e := r.element(id); e != nil {
			about.Elements = append(about.Elements, r.viewElement(e))
			names = append(names, e.Name)
		}
	}
	stated, statedEvidence := r.controlsFor(t)
	about.Stated = stated
	var queries []string
	for _, ctl := range about.Controls {
		queries = append(queries, strings.Join(append(append([]string{ctl.Title}, ctl.LookFor...), names...), " "))
	}
	passages, err := r.onControls(ctx, t.Evidence, statedEvidence, queries)
	if err != nil {
		return nil, err
	}
	passages = linesOf(passages, append(append(slices.Clone(t.Evidence), statedEvidence...), r.evidenceOf(t.Elements...)...), names)
	about.Threat = r.viewThreat(t, passages)
	return &Question{
		Stage: threatmodel.StageTreat, Subject: treatSubject(t), Brief: r.briefText, Context: r.contextFor(names...),
		Passages: passages, Titles: r.titles, About: about,
	}, nil
}

func (r *run) passagesOf(evidence []threatmodel.Evidence) []threatmodel.Passage {
	var out []threatmodel.Passage
	for _, e := range evidence {
		if p := r.text.byPassage[e.Passage]; p != nil {
			out = append(out, *p)
		}
	}
	return out
}

// controlsFor are the controls stated for a threat's elements, or for the system
// as a whole, and those that are only claimed anywhere, whose sentence speaks of
// its weakness: a long list hides the few that count, and a promise is what an
// exception goes round.
func (r *run) controlsFor(t *threatmodel.Threat) ([]ControlView, []threatmodel.Evidence) {
	return r.controlsWhere(r.speaksOf(t.Elements...), func(c *threatmodel.StatedControl) bool {
		here := len(c.Elements) == 0 || c.Verdict == threatmodel.Claimed || slices.ContainsFunc(t.Elements, func(id string) bool { return contains(c.Elements, id) })
		return here && (c.Family == t.Family || slices.ContainsFunc(c.Evidence, func(e threatmodel.Evidence) bool { return r.signals.Speaks(c.Name+" "+e.Quote, t.Family) }))
	})
}

// onControls are the passages of a threat's evidence, those beside it, those
// nearest to each control, and those that state one, as far as the words reach.
func (r *run) onControls(ctx context.Context, evidence, stated []threatmodel.Evidence, queries []string) ([]threatmodel.Passage, error) {
	g := gatherer{left: treatWords, seen: map[string]bool{}}
	for _, p := range append(r.passagesOf(evidence), r.context...) {
		g.must(p)
	}
	for _, p := range append(r.around(evidence), r.passagesOf(r.telling(stated, treatWords/2))...) {
		g.take(p)
	}
	g.left = max(g.left, treatWords/2) // neighbours never crowd out what speaks of the controls
	for _, q := range queries {
		hits, err := r.retriever.Search(ctx, q, perControl)
		if err != nil {
			return nil, err
		}
		for _, p := range hits {
			g.take(p)
		}
	}
	r.inOrder(g.out)
	return g.out, nil
}

// around are the passages next to evidence, in its own section: what a
// section says of a control in general often stands beside the exception.
func (r *run) around(evidence []threatmodel.Evidence) []threatmodel.Passage {
	var out []threatmodel.Passage
	for _, e := range evidence {
		p := r.text.byPassage[e.Passage]
		if p == nil || p.Document == ContextDocument {
			continue
		}
		for i := range r.passages {
			x := &r.passages[i]
			if x.Document == p.Document && x.Section == p.Section && max(x.Order-p.Order, p.Order-x.Order) <= beside {
				out = append(out, *x)
			}
		}
	}
	return out
}

// candidateControls are the controls that fit a threat's weakness, of all
// catalogs: by the reviewed table first, by likeness where a catalog has none.
func (r *run) candidateControls(t *threatmodel.Threat) []CandidateControl {
	var out []CandidateControl
	share := maxControls / max(1, len(r.in.Catalogs))
	for _, c := range r.in.Catalogs {
		n := 0
		add := func(id string, primary bool) {
			ctl, ok := c.Control(id)
			if !ok || n >= share || slices.ContainsFunc(out, func(x CandidateControl) bool { return x.Catalog == c.ID && x.ID == id }) {
				return
			}
			n++
			out = append(out, CandidateControl{Catalog: c.ID, ID: ctl.ID, Title: ctl.Title, Summary: ctl.Summary, LookFor: ctl.LookFor, Primary: primary})
		}
		for _, fit := range c.Fit(t.CWE[0], t.Family) {
			add(fit.Control, fit.Primary())
		}
		if n == 0 {
			for _, id := range c.Similar(t.Title+" "+t.Statement, 5) {
				add(id, false)
			}
		}
	}
	return out
}

// treated is the accepted part of an answer.
type treated struct {
	controls    []threatmodel.ControlRef
	none        string
	mitigations []threatmodel.Mitigation
}

func (r *run) checkTreat(a *TreatAnswer, q *Question) (treated, []refusal) {
	var (
		out      treated
		refusals []refusal
	)
	about := q.About.(*TreatAbout)
	for _, x := range a.Controls {
		if isNone(x.Control) {
			continue
		}
		i := aliasIndex("C", x.Control, len(about.Controls))
		if i < 0 {
			refusals = append(refusals, refusal{What: "control", Title: x.Control, Reason: x.Control + " is not one of the controls listed", Repairable: true})
			continue
		}
		ref, reason := checkControl(x, &about.Controls[i], q)
		if reason != "" {
			refusals = append(refusals, refusal{What: "control", Title: x.Control, Reason: reason, Repairable: true})
			continue
		}
		out.controls = append(out.controls, ref)
	}
	out.none = passage.Fold(deref(a.NoneReason))
	for _, m := range a.Mitigations {
		text := passage.Fold(m.Text)
		if text == "" {
			continue
		}
		x := threatmodel.Mitigation{Text: text}
		if i := aliasIndex("C", m.Control, len(about.Controls)); i >= 0 {
			x.Control = about.Controls[i].Catalog + ":" + about.Controls[i].ID
		}
		out.mitigations = append(out.mitigations, x)
	}
	return out, refusals
}

// checkControl holds a verdict to its ground: enforced and partial quote the
// mechanism, claimed the assertion, bypassed the statement and what goes round
// it, inherited where a platform provides it; absent at most the sentence that
// says outright that there is none.
func checkControl(x TreatControl, c *CandidateControl, q *Question) (threatmodel.ControlRef, string) {
	ref := threatmodel.ControlRef{
		Catalog: c.Catalog, ID: c.ID, Title: c.Title, Verdict: x.Verdict,
		Rationale: passage.Fold(x.Rationale), Evidence: []threatmodel.Evidence{},
	}
	if ref.Rationale == "" {
		return ref, "the rationale is empty"
	}
	states, _, badStates := ground.FindAll(x.States, q.Passages, threatmodel.States)
	contradicts, _, badContra := ground.FindAll(x.Contradicts, q.Passages, threatmodel.Contradicts)
	needs := func(what string, bad []*ground.Refusal) (threatmodel.ControlRef, string) {
		return ref, fmt.Sprintf("%s must quote %s: %s", x.Verdict, what, citationReason(bad))
	}
	switch x.Verdict {
	case threatmodel.Absent:
		states = nil
	case threatmodel.Enforced, threatmodel.Partial, threatmodel.Claimed, threatmodel.Inherited:
		if len(states) == 0 {
			return needs("the sentence that states it", badStates)
		}
		if x.Verdict == threatmodel.Enforced {
			contradicts = nil
		}
	case threatmodel.Bypassed:
		if len(states) == 0 {
			return needs("the sentence that states the control", badStates)
		}
		contradicts = slices.DeleteFunc(contradicts, func(e threatmodel.Evidence) bool {
			return slices.ContainsFunc(states, func(s threatmodel.Evidence) bool { return sameSpot(s, e) })
		})
		if len(contradicts) == 0 {
			return needs("a second sentence that goes round the control", badContra)
		}
	default:
		return ref, fmt.Sprintf("%q is no verdict", x.Verdict)
	}
	ref.Evidence = append(ref.Evidence, append(states, contradicts...)...)
	return ref, ""
}

// treat takes over the controls, the better ground first where a control is
// given twice.
func (c *candidate) treat(part treated) {
	t := &c.threat
	for _, ref := range part.controls {
		if !slices.ContainsFunc(t.Controls, func(x threatmodel.ControlRef) bool { return x.Catalog == ref.Catalog && x.ID == ref.ID }) {
			t.Controls = append(t.Controls, ref)
		}
	}
	if t.NoControl == "" {
		t.NoControl = part.none
	}
	if len(part.mitigations) > 0 {
		t.Mitigations = part.mitigations
	}
}
