package analyze

import (
	"context"
	"slices"
	"strings"

	"github.com/bartizan-security/bartizan/internal/ground"
	"github.com/bartizan-security/bartizan/internal/passage"
	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

// appliesTo gives the STRIDE categories of a kind of element (the usual
// STRIDE-per-element chart, with authorization at a process).
func appliesTo(k threatmodel.Kind) []threatmodel.STRIDE {
	switch k {
	case threatmodel.ExternalEntity:
		return []threatmodel.STRIDE{threatmodel.Spoofing, threatmodel.Repudiation}
	case threatmodel.Process:
		return threatmodel.STRIDECategories()
	case threatmodel.DataStore:
		return []threatmodel.STRIDE{threatmodel.Tampering, threatmodel.Repudiation, threatmodel.InformationDisclosure, threatmodel.DenialOfService}
	case threatmodel.DataFlow:
		return []threatmodel.STRIDE{threatmodel.Tampering, threatmodel.InformationDisclosure, threatmodel.DenialOfService}
	}
	return nil
}

// subjects are the elements and flows that are asked about: processes, data
// stores, and flows that cross a boundary.
func (r *run) subjects() []*threatmodel.Element {
	var out []*threatmodel.Element
	for i := range r.graph.elements {
		e := &r.graph.elements[i]
		switch {
		case e.Kind == threatmodel.Process, e.Kind == threatmodel.DataStore:
			out = append(out, e)
		case e.Kind == threatmodel.DataFlow && len(e.Crosses) > 0:
			out = append(out, e)
		}
	}
	return out
}

// elicited is the accepted part of an answer.
type elicited struct {
	candidates    []*candidate
	questions     []threatmodel.Question
	notApplicable []NotApplicable
}

// elicit asks, element by element and crossing flow by crossing flow, what can
// go wrong.
func (r *run) elicit(ctx context.Context) ([]*candidate, error) {
	subjects := r.subjects()
	analysts := []Analyst{r.cfg.Analyst}
	if r.cfg.Colleague != nil {
		analysts = append(analysts, r.cfg.Colleague)
	}
	answers := make([][]elicited, len(subjects)*len(analysts))
	err := r.each(ctx, threatmodel.StageElicit, len(answers), func(ctx context.Context, i int) error {
		subject, a := subjects[i/len(analysts)], analysts[i%len(analysts)]
		if !a.Answers(threatmodel.StageElicit) {
			return nil
		}
		q, err := r.elicitQuestion(ctx, subject)
		if err != nil {
			return err
		}
		al := elicitAliases(q)
		res, err := ask(ctx, r, a, q, func(ans *ElicitAnswer) (elicited, []refusal) { return r.checkElicit(ans, q, al) })
		for _, part := range res.parts {
			for _, c := range part.candidates {
				c.threat.Provenance = []string{res.unit}
				c.threat.Source = source(a)
			}
			for j := range part.questions {
				part.questions[j].Source = source(a)
			}
			answers[i] = append(answers[i], part)
		}
		return err
	})
	var found []*candidate
	for i, parts := range answers {
		for _, part := range parts {
			found = append(found, part.candidates...)
			r.questions = append(r.questions, part.questions...)
			for _, n := range part.notApplicable {
				r.excuse(subjects[i/len(analysts)].ID, n.STRIDE, n.Reason)
			}
		}
	}
	if err != nil {
		return found, err
	}
	return r.mergeUnder(ctx, found, r.plainCarrier)
}

func elicitAliases(q *Question) *aliases {
	about := q.About.(*ElicitAbout)
	return &aliases{elements: about.Elements, flows: about.Flows, assets: about.Assets}
}

// excuse records why a STRIDE category yields no threat for an element.
func (r *run) excuse(element, stride, reason string) {
	if reason = passage.Fold(reason); strings.EqualFold(strings.Trim(reason, `."`), "not stated") {
		reason = "The documents do not say."
	}
	for _, s := range knownSTRIDE([]string{stride}) {
		if reason != "" {
			r.notApplicable[cell{element, s}] = reason
		}
	}
}

// elicitQuestion lays out one element, or one flow with both its ends.
func (r *run) elicitQuestion(ctx context.Context, e *threatmodel.Element) (*Question, error) {
	about := &ElicitAbout{Categories: appliesTo(e.Kind), OfFlow: e.Kind == threatmodel.DataFlow}
	ids := []string{e.ID}
	var names []string
	var evidence []threatmodel.Evidence
	if about.OfFlow {
		from, to := r.element(e.From), r.element(e.To)
		about.Elements = append(about.Elements, r.viewElement(from), r.viewElement(to))
		about.Flows = append(about.Flows, r.viewFlow(e))
		ids = append(ids, e.From, e.To)
		names = []string{from.Name, to.Name}
		evidence = e.Evidence
	} else {
		about.Elements = append(about.Elements, r.viewElement(e))
		for _, n := range r.neighbours(e) {
			about.Elements = append(about.Elements, r.viewElement(n))
		}
		evidence = append(evidence, e.Evidence...)
		for _, f := range r.flowsOf(e.ID) {
			about.Flows = append(about.Flows, r.viewFlow(f))
			evidence = append(evidence, f.Evidence...)
		}
		names = r.namesOf(e)
	}
	for _, x := range e.Evidence {
		about.Stated = append(about.Stated, x.Quote)
	}
	var stated []threatmodel.Evidence
	if about.OfFlow {
		about.Assets = r.assetsOnFlow(e)
		about.Controls, stated = r.controlsOnFlow(e)
		evidence = append(evidence, r.onTheWay(e)...)
	} else {
		about.Assets = r.assetsOf(ids...)
		about.Controls, stated = r.controlsOf(ids...)
	}
	evidence = append(append(evidence, stated...), r.statingAssets(about.Assets)...)
	if r.cfg.Hints != nil {
		about.Patterns = r.cfg.Hints(about)
	}
	query := strings.Join(append(append([]string{}, names...), append(e.Technologies, e.Label)...), " ")
	passages, err := r.gather(ctx, subjectWords, evidence, r.mentionNames(e), query)
	if err != nil {
		return nil, err
	}
	passages = linesOf(passages, evidence, names)
	return &Question{
		Stage: threatmodel.StageElicit, Subject: e.ID, Brief: r.briefText, Context: r.contextFor(names...),
		Passages: passages, Titles: r.titles, About: about,
	}, nil
}

// statingAssets is the evidence of assets: the sentence that says what a part
// holds often says how it is kept.
func (r *run) statingAssets(assets []AssetView) []threatmodel.Evidence {
	var out []threatmodel.Evidence
	for i := range r.graph.holdings {
		a := &r.graph.holdings[i]
		if slices.ContainsFunc(assets, func(v AssetView) bool { return v.ID == a.ID }) {
			out = append(out, r.telling(a.Evidence, assetWords)...)
		}
	}
	return out
}

// assetWords bounds what is shown of one asset.
const assetWords = 120

// transport are the weakness families of what can go wrong on the way.
var transport = []string{"cleartext-transmission", "certificate-validation", "authentication", "data-authenticity", "replay"}

// onTheWay is what the documents say of connections to the end of a flow, and of
// who may make one: it stands where the end is described, not where the flow is.
func (r *run) onTheWay(e *threatmodel.Element) []threatmodel.Evidence {
	names := r.namesOf(r.element(e.To))
	var out []threatmodel.Evidence
	for i := range r.passages {
		p := &r.passages[i]
		if namesAny(p, names) && slices.ContainsFunc(transport, func(f string) bool { return r.signals.Speaks(p.Text, f) }) {
			out = append(out, threatmodel.Evidence{Document: p.Document, Passage: p.ID})
		}
	}
	return r.telling(out, onTheWayWords)
}

// onTheWayWords bounds what is shown of the connections to an end.
const onTheWayWords = 250

// mentionNames are the names whose mention makes a passage one of the subject.
// A flow is shown through its own evidence and what is near in meaning: the
// mentions of its ends belong to their own questions.
func (r *run) mentionNames(e *threatmodel.Element) []string {
	if e.Kind == threatmodel.DataFlow {
		return nil
	}
	return r.namesOf(e)
}

func (r *run) checkElicit(a *ElicitAnswer, q *Question, al *aliases) (elicited, []refusal) {
	var (
		out      elicited
		refusals []refusal
	)
	for i := range a.Threats {
		c, refused := r.checkThreat(&a.Threats[i], q, al)
		if refused != nil {
			refusals = append(refusals, *refused)
			continue
		}
		out.candidates = append(out.candidates, c)
	}
	about := q.About.(*ElicitAbout)
	subject := about.Elements[0].ID
	if about.OfFlow {
		subject = about.Flows[0].ID
	}
	for _, x := range a.Questions {
		text := passage.Fold(x.Question)
		if text == "" {
			continue
		}
		evidence, _, _ := ground.FindAll(x.Citations, q.Passages, threatmodel.States)
		out.questions = append(out.questions, threatmodel.Question{
			ID: mint("Q", subject+foldWords(text)), Text: text, Why: passage.Fold(x.Why), Elements: []string{subject}, Evidence: evidence,
		})
	}
	out.notApplicable = a.NotApplicable
	return out, refusals
}
