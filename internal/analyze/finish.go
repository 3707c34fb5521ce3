package analyze

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"slices"
	"sort"
	"strings"

	"github.com/bartizan-security/bartizan/internal/reconcile"
	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

// finish reconciles what was found with the baseline and completes the model.
func (r *run) finish(ctx context.Context, found []*candidate) (*threatmodel.Model, error) {
	var err error
	if r.questions, err = r.oneOfEach(ctx, r.questions); err != nil {
		return nil, err
	}
	plan := r.plan(found)
	out := plan.Apply(r.findings(found, plan))
	m := out.Model
	m.StatedControls = goneRound(m.StatedControls, m.Threats)
	m.Coverage = r.coverage(m)
	r.nameProvenance(m)
	return m, nil
}

// findings tell what became of the old threats that went to challenge.
func (r *run) findings(found []*candidate, plan *reconcile.Plan) map[string]reconcile.Finding {
	out := map[string]reconcile.Finding{}
	due := map[string]bool{}
	for _, t := range plan.Challenge() {
		due[t.ID] = true
	}
	for _, c := range found {
		if c.old == "" || !due[c.old] || c.verdict == "" {
			continue // without a verdict nothing was found out: the old threat stays
		}
		f := reconcile.Finding{Outcome: reconcile.Insufficient, Reason: c.reason, Against: c.counter}
		switch c.verdict {
		case Supported:
			f.Outcome = reconcile.Supported
		case Contradicted:
			f.Outcome = reconcile.Contradicted
		}
		if len(c.threat.Controls) > 0 && !c.rejected {
			treated := c.threat
			f.Threat = &treated
		}
		out[c.old] = f
	}
	return out
}

// model is the model as far as it is known, without threats.
func (r *run) model() *threatmodel.Model {
	m := &threatmodel.Model{
		SchemaVersion: threatmodel.SchemaVersion,
		System:        r.in.System,
		Context:       r.in.Context,
		Brief:         r.brief,
		Elements:      slices.Clone(r.graph.elements),
		Assets:        slices.Clone(r.graph.holdings),

		StatedControls: slices.Clone(r.graph.stated),
		Threats:        []threatmodel.Threat{},
		Questions:      uniqueQuestions(r.questions),
		Notices:        uniqueNotices(r.notices),
		Analysis:       r.analysis(),
	}
	for i := range r.in.Documents {
		m.Documents = append(m.Documents, r.in.Documents[i].Document)
	}
	return m
}

func uniqueQuestions(in []threatmodel.Question) []threatmodel.Question {
	out := []threatmodel.Question{}
	seen := map[string]bool{}
	for _, q := range in {
		if !seen[q.ID] {
			seen[q.ID] = true
			out = append(out, q)
		}
	}
	sort.SliceStable(out, func(i, j int) bool { return out[i].ID < out[j].ID })
	return out
}

func uniqueNotices(in []threatmodel.Notice) []threatmodel.Notice {
	out := []threatmodel.Notice{}
	seen := map[string]bool{}
	for _, n := range in {
		key := string(n.Kind) + "\x00" + n.Document + "\x00" + n.Text
		for _, e := range n.Evidence {
			key += "\x00" + e.Quote
		}
		if !seen[key] {
			seen[key] = true
			out = append(out, n)
		}
	}
	return out
}

// analysis is the record of the run but for what it cost.
func (r *run) analysis() threatmodel.Analysis {
	a := threatmodel.Analysis{
		ID: r.analysisID(), Analyst: r.cfg.Analyst.Name(), Model: r.cfg.Model, Prompts: r.cfg.Prompts, Patterns: r.cfg.Patterns,
		Version: r.cfg.Version, Weaknesses: r.weakness.Version(), Catalogs: map[string]string{}, Incomplete: r.incomplete(),
		Units: []threatmodel.Unit{}, Rejections: slices.Clone(r.rejections),
	}
	if r.cfg.Colleague != nil {
		a.Analyst = "both"
	}
	for _, c := range r.in.Catalogs {
		a.Catalogs[c.ID] = c.Version()
	}
	for _, u := range r.units {
		a.Units = append(a.Units, *u)
	}
	sort.Slice(a.Units, func(i, j int) bool { return compareUnits(&a.Units[i], &a.Units[j]) < 0 })
	sort.SliceStable(a.Rejections, func(i, j int) bool { return rejectionKey(&a.Rejections[i]) < rejectionKey(&a.Rejections[j]) })
	if a.Rejections == nil {
		a.Rejections = []threatmodel.Rejection{}
	}
	return a
}

func compareUnits(a, b *threatmodel.Unit) int {
	return cmp.Or(
		cmp.Compare(stageOrder(a.Stage), stageOrder(b.Stage)), cmp.Compare(a.Subject, b.Subject), cmp.Compare(a.ID, b.ID),
	)
}

var stageList = []threatmodel.Stage{
	threatmodel.StageBrief, threatmodel.StageSurvey, threatmodel.StageResolve, threatmodel.StageElicit,
	threatmodel.StageMerge, threatmodel.StageChain, threatmodel.StageChallenge, threatmodel.StageTreat,
}

func stageOrder(s threatmodel.Stage) int { return slices.Index(stageList, s) }

func rejectionKey(r *threatmodel.Rejection) string {
	return strings.Join([]string{string(r.Stage), r.Unit, r.What, r.Title, r.Reason}, "\x00")
}

// analysisID is a hash of what the analysis was made from.
func (r *run) analysisID() string {
	type document struct{ Name, SHA256 string }
	in := struct {
		System                          string
		Documents                       []document
		Context                         *threatmodel.Context
		Catalogs                        []string
		Analysts                        []string
		Model, Prompts, Patterns, Extra string
	}{System: r.in.System, Context: r.in.Context, Model: r.cfg.Model, Prompts: r.cfg.Prompts, Patterns: r.cfg.Patterns}
	for i := range r.in.Documents {
		in.Documents = append(in.Documents, document{r.in.Documents[i].Name, r.in.Documents[i].SHA256})
	}
	slices.SortFunc(in.Documents, func(a, b document) int { return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.SHA256, b.SHA256)) })
	for _, c := range r.in.Catalogs {
		in.Catalogs = append(in.Catalogs, c.Version())
	}
	in.Analysts = []string{r.cfg.Analyst.Name()}
	if r.cfg.Colleague != nil {
		in.Analysts = append(in.Analysts, r.cfg.Colleague.Name())
	}
	raw, err := json.Marshal(in)
	if err != nil {
		panic(err) // plain data always marshals
	}
	return fmt.Sprintf("a-%x", sha256.Sum256(raw))[:18]
}

// incomplete says why the run is not whole.
func (r *run) incomplete() string {
	if len(r.unanswered) == 0 && r.stopped == nil {
		return ""
	}
	reasons := slices.Clone(r.unanswered)
	if r.stopped != nil {
		reasons = []string{withoutStop(r.stopped)}
	}
	slices.Sort(reasons)
	questions := "1 question"
	if n := len(r.unanswered); n != 1 {
		questions = fmt.Sprintf("%d questions", n)
	}
	return fmt.Sprintf("%s (%s got no answer)", limitWords(reasons[0], 50), questions)
}

// withoutStop is the reason why a run was stopped, without saying again that
// it was.
func withoutStop(err error) string {
	return strings.TrimPrefix(err.Error(), ErrStop.Error()+": ")
}

// coverage is the matrix of elements and STRIDE categories.
func (r *run) coverage(m *threatmodel.Model) []threatmodel.CoverageCell {
	threats := map[cell][]string{}
	for i := range m.Threats {
		t := &m.Threats[i]
		if !t.Live() {
			continue
		}
		for _, e := range t.Elements {
			for _, s := range t.STRIDE {
				threats[cell{e, s}] = append(threats[cell{e, s}], t.ID)
			}
		}
	}
	out := []threatmodel.CoverageCell{}
	for _, k := range r.cells() {
		c := threatmodel.CoverageCell{Element: k.element, STRIDE: k.stride, Status: threatmodel.CoverageNotLooked}
		switch {
		case len(threats[k]) > 0:
			c.Status, c.Threats = threatmodel.CoverageThreats, threats[k]
			slices.Sort(c.Threats)
		case r.notApplicable[k] != "":
			c.Status, c.Reason = threatmodel.CoverageDoesNotApply, r.notApplicable[k]
		}
		out = append(out, c)
	}
	return out
}

// nameProvenance sorts what came together from several goroutines.
func (r *run) nameProvenance(m *threatmodel.Model) {
	for i := range m.Threats {
		slices.Sort(m.Threats[i].Provenance)
		m.Threats[i].Provenance = slices.Compact(m.Threats[i].Provenance)
	}
}
