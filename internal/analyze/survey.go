package analyze

import (
	"context"
	"strings"

	"github.com/bartizan-security/bartizan/internal/ground"
	"github.com/bartizan-security/bartizan/internal/passage"
	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

// finding is what one section, or one diagram, says of the system: names, not
// yet elements.
type finding struct {
	elements []foundElement
	flows    []foundFlow
	assets   []foundAsset
	controls []foundControl
}

type foundElement struct {
	name         string
	kind         threatmodel.Kind
	aliases      []string
	technologies []string
	exposure     threatmodel.Exposure
	inside       string
	evidence     []threatmodel.Evidence
	source       string
}

type foundFlow struct {
	from, to, label string
	evidence        []threatmodel.Evidence
	source          string
}

type foundAsset struct {
	name, class string
	kinds       []string
	heldBy      []string
	evidence    []threatmodel.Evidence
}

type foundControl struct {
	name     string
	elements []string
	verdict  threatmodel.Verdict
	evidence []threatmodel.Evidence
}

// survey asks, section by section, what the system consists of.
func (r *run) survey(ctx context.Context) error {
	r.graph = newGraph(r)
	for i := range r.in.Documents {
		r.graph.add(diagramFinding(&r.in.Documents[i], r.text))
	}
	a := r.cfg.Analyst
	if !a.Answers(threatmodel.StageSurvey) {
		return nil
	}
	var parts []section
	for i := range r.in.Documents {
		id := r.in.Documents[i].ID
		parts = append(parts, sections(id, r.ofDocument(id))...)
	}
	found := make([][]finding, len(parts))
	notices := make([][]threatmodel.Notice, len(parts))
	err := r.each(ctx, threatmodel.StageSurvey, len(parts), func(ctx context.Context, i int) error {
		q := r.surveyQuestion(&parts[i])
		res, err := ask(ctx, r, a, q, func(ans *SurveyAnswer) (surveyed, []refusal) { return checkSurvey(ans, q) })
		for _, s := range res.parts {
			found[i] = append(found[i], s.finding)
			notices[i] = append(notices[i], s.notices...)
		}
		return err
	})
	for i := range parts {
		for _, f := range found[i] {
			r.graph.add(f)
		}
		r.notices = append(r.notices, notices[i]...)
	}
	return err
}

func (r *run) surveyQuestion(s *section) *Question {
	return &Question{
		Stage:    threatmodel.StageSurvey,
		Subject:  s.subject(),
		Brief:    r.briefText,
		Context:  r.contextFor(),
		Passages: s.passages,
		Titles:   r.titles,
		About:    &SurveyAbout{Document: r.titles[s.document], Path: s.path},
	}
}

type surveyed struct {
	finding finding
	notices []threatmodel.Notice
}

// checkSurvey grounds a survey's answer: what cites no sentence is refused.
func checkSurvey(a *SurveyAnswer, q *Question) (surveyed, []refusal) {
	c := surveyChecker{shown: q.Passages}
	for _, e := range a.Elements {
		c.element(e)
	}
	for _, f := range a.Flows {
		c.flow(f)
	}
	for _, x := range a.Assets {
		c.asset(x)
	}
	for _, x := range a.Controls {
		c.control(x)
	}
	for _, x := range a.AimedAtModel {
		c.aimed(x)
	}
	return c.out, c.refusals
}

type surveyChecker struct {
	shown    []threatmodel.Passage
	out      surveyed
	refusals []refusal
}

// ground finds the evidence for a part of the answer; ok is false where there
// is none, which is then refused.
func (c *surveyChecker) ground(what, title string, cs []ground.Citation, names ...string) ([]threatmodel.Evidence, bool) {
	evidence, _, bad := ground.FindAll(cs, c.shown, threatmodel.States)
	if len(evidence) > 0 {
		return evidence, true
	}
	c.refuse(what, title, citationReason(bad), names...)
	return nil, false
}

func (c *surveyChecker) refuse(what, title, reason string, names ...string) {
	c.refusals = append(c.refusals, refusal{What: what, Title: title, Reason: reason, Names: names, Repairable: true})
}

func (c *surveyChecker) element(e SurveyElement) {
	name := passage.Fold(e.Name)
	if name == "" {
		return
	}
	if !isNode(e.Kind) {
		c.refuse("element", name, "the kind "+string(e.Kind)+" is none of the kinds of element")
		return
	}
	evidence, ok := c.ground("element", name, e.Citations)
	if !ok {
		return
	}
	c.out.finding.elements = append(c.out.finding.elements, foundElement{
		name: name, kind: e.Kind, aliases: foldAll(e.Aliases), technologies: foldAll(e.Technologies),
		exposure: e.Exposure, inside: passage.Fold(deref(e.Inside)), evidence: evidence, source: threatmodel.SourceModel,
	})
}

// isNode reports whether a kind stands for a node of the diagram: flows have a
// list of their own.
func isNode(k threatmodel.Kind) bool {
	switch k {
	case threatmodel.ExternalEntity, threatmodel.Process, threatmodel.DataStore, threatmodel.TrustBoundary:
		return true
	}
	return false
}

func (c *surveyChecker) flow(f SurveyFlow) {
	from, to := passage.Fold(f.From), passage.Fold(f.To)
	if from == "" || to == "" || foldName(from) == foldName(to) {
		return
	}
	evidence, ok := c.ground("flow", from+" -> "+to, f.Citations, f.From, f.To)
	if !ok {
		return
	}
	label := passage.Fold(f.What)
	if p := passage.Fold(deref(f.Protocol)); p != "" && !strings.Contains(strings.ToLower(label), strings.ToLower(p)) {
		label = strings.TrimPrefix(label+", "+p, ", ")
	}
	c.out.finding.flows = append(c.out.finding.flows, foundFlow{from: from, to: to, label: label, evidence: evidence, source: threatmodel.SourceModel})
}

func (c *surveyChecker) asset(x SurveyAsset) {
	name := passage.Fold(x.Name)
	evidence, ok := c.ground("asset", name, x.Citations)
	if !ok || name == "" {
		return
	}
	c.out.finding.assets = append(c.out.finding.assets, foundAsset{name: name, class: x.Class, kinds: x.Kinds, heldBy: foldAll(x.HeldBy), evidence: evidence})
}

func (c *surveyChecker) control(x SurveyControl) {
	name := passage.Fold(x.Name)
	switch x.Verdict {
	case threatmodel.Enforced, threatmodel.Partial, threatmodel.Claimed, threatmodel.Inherited:
	default:
		c.refuse("stated_control", name, "a survey may say enforced, partial, claimed or inherited, not "+string(x.Verdict))
		return
	}
	evidence, ok := c.ground("stated_control", name, x.Citations)
	if !ok || name == "" {
		return
	}
	c.out.finding.controls = append(c.out.finding.controls, foundControl{name: name, elements: foldAll(x.Elements), verdict: x.Verdict, evidence: evidence})
}

// aimed makes a notice of text that speaks to a model. It changes nothing
// else.
func (c *surveyChecker) aimed(x ground.Citation) {
	q, err := ground.Find(x, c.shown)
	if err != nil {
		return
	}
	c.out.notices = append(c.out.notices, threatmodel.Notice{
		Kind: threatmodel.NoticeInstruction, Document: q.Passage.Document,
		Text:     "The document speaks to a language model. Nothing was done because of it.",
		Evidence: q.Evidence(threatmodel.States),
	})
}

func deref(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

func foldAll(in []string) []string {
	var out []string
	for _, s := range in {
		if s = passage.Fold(s); s != "" {
			out = append(out, s)
		}
	}
	return out
}

// diagramFinding takes the elements and flows of a document's diagrams, with
// the diagram's line as evidence.
func diagramFinding(d *threatmodel.Source, text textIndex) finding {
	var f finding
	blocks := map[string]*threatmodel.Block{}
	for i := range d.Blocks {
		blocks[d.Blocks[i].ID] = &d.Blocks[i]
	}
	for _, diagram := range d.Diagrams {
		b := blocks[diagram.Block]
		if b == nil || b.Role != threatmodel.RoleBody {
			continue
		}
		f.addDiagram(diagram, func(start, end int) []threatmodel.Evidence { return lineEvidence(b, start, end, text) })
	}
	return f
}

// lineEvidence quotes the line of a diagram that declares something.
func lineEvidence(b *threatmodel.Block, start, end int, text textIndex) []threatmodel.Evidence {
	if start < 0 || end > len(b.Text) || start >= end {
		return nil
	}
	line := b.Text[lineStart(b.Text, start):lineEnd(b.Text, end)]
	now, ok := text.stands([]threatmodel.Evidence{{Quote: passage.Fold(line), Role: threatmodel.States}})
	if !ok {
		return nil
	}
	return now
}

func lineStart(s string, i int) int { return strings.LastIndexByte(s[:i], '\n') + 1 }

func lineEnd(s string, i int) int {
	i = max(0, i-1)
	if n := strings.IndexByte(s[i:], '\n'); n >= 0 {
		return i + n
	}
	return len(s)
}

func (f *finding) addDiagram(d threatmodel.Diagram, evidence func(start, end int) []threatmodel.Evidence) {
	names := map[string]string{}
	for _, g := range d.Groups {
		names[g.ID] = g.Name
	}
	for _, n := range d.Nodes {
		names[n.ID] = n.Name
	}
	for _, g := range append(append([]threatmodel.DiagramNode{}, d.Groups...), d.Nodes...) {
		name := passage.Fold(g.Name)
		if ev := evidence(g.Start, g.End); name != "" && len(ev) > 0 {
			f.elements = append(f.elements, foundElement{
				name: name, kind: g.Kind, technologies: foldAll(strings.Split(g.Technology, ",")), inside: passage.Fold(names[g.Group]),
				evidence: ev, source: "document",
			})
		}
	}
	for _, e := range d.Edges {
		from, to := passage.Fold(names[e.From]), passage.Fold(names[e.To])
		ev := evidence(e.Start, e.End)
		if from == "" || to == "" || from == to || len(ev) == 0 {
			continue
		}
		f.flows = append(f.flows, foundFlow{from: from, to: to, label: passage.Fold(e.Label), evidence: ev, source: "document"})
	}
}
