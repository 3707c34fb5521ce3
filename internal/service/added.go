package service

import (
	"fmt"
	"slices"
	"strings"

	"github.com/bartizan-security/bartizan/internal/catalog/weakness"
	"github.com/bartizan-security/bartizan/internal/passage"
	"github.com/bartizan-security/bartizan/internal/reconcile"
	"github.com/bartizan-security/bartizan/pkg/resource"
	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

// personsThreat makes a threat of what a person says: checked as what an analyst
// says is, and under an id minted in the same way.
func personsThreat(m *threatmodel.Model, now *material, in resource.NewThreat, by string) (threatmodel.Threat, error) {
	t := threatmodel.Threat{
		Title: strings.TrimSpace(in.Title), Statement: strings.TrimSpace(in.Statement), STRIDE: in.STRIDE, CWE: []int{in.CWE}, CAPEC: []int{}, ATTACK: []string{},
		Assets: []string{}, Controls: []threatmodel.ControlRef{}, Mitigations: []threatmodel.Mitigation{}, FormerEvidence: []threatmodel.FormerEvidence{},
		Steps: []threatmodel.Step{}, Decisions: []threatmodel.Decision{}, Provenance: []string{},
		Likelihood: threatmodel.Score{Value: in.Likelihood, Rationale: ratedBy(by, in.Reason)}, Impact: threatmodel.Score{Value: in.Impact, Rationale: ratedBy(by, in.Reason)},
		Source: threatmodel.SourcePerson, Wording: threatmodel.WordingPerson, Status: threatmodel.StatusOpen, Rating: threatmodel.RatingProposed,
		Confidence: threatmodel.ConfidenceHigh, FirstSeen: m.Analysis.ID,
		Facts: threatmodel.Facts{Exposure: threatmodel.ExposureUnknown, Properties: []string{}},
	}
	t.Risk = threatmodel.Risk(in.Likelihood, in.Impact)
	t.Proposed = threatmodel.Proposal{Likelihood: in.Likelihood, Impact: in.Impact, Risk: t.Risk}
	passages := passage.Split(now.documents)
	evidence, quote := findQuote(passages, in.Quote, in.Document)
	err := together(
		unless(t.Title != "", invalid("/title", "a title is needed")), unless(t.Statement != "", invalid("/statement", "a statement is needed")),
		checkSTRIDE(in.STRIDE), checkRating("/likelihood", in.Likelihood), checkRating("/impact", in.Impact),
		place(&t, m, in.Element), weaken(&t, in.CWE), control(&t, now, in.Controls, by), quote,
	)
	if err != nil {
		return t, err
	}
	return t, rest(&t, m, passages, evidence)
}

func ratedBy(name, reason string) string {
	if r := strings.TrimSpace(reason); r != "" {
		return r
	}
	return "Rated by " + name + "."
}

// place names the element that carries the weakness, given by id, name or alias.
func place(t *threatmodel.Threat, m *threatmodel.Model, element string) error {
	var found []*threatmodel.Element
	for i := range m.Elements {
		e := &m.Elements[i]
		if e.ID == element {
			found = []*threatmodel.Element{e}
			break
		}
		same := func(name string) bool { return strings.EqualFold(strings.TrimSpace(name), strings.TrimSpace(element)) }
		if same(e.Name) || slices.ContainsFunc(e.Aliases, same) {
			found = append(found, e)
		}
	}
	switch len(found) {
	case 0:
		return invalid("/element", "the model has no element of the id or name %q", element)
	case 1:
		t.Elements, t.Facts.Exposure = []string{found[0].ID}, found[0].Exposure
		return nil
	}
	return invalid("/element", "%d elements are called %q: give the id of one", len(found), element)
}

func weaken(t *threatmodel.Threat, cwe int) error {
	table, err := weakness.Load()
	if err != nil {
		return err
	}
	switch name, known := table.CWE(cwe); {
	case !known:
		return invalid("/cwe", "there is no weakness CWE-%d", cwe)
	case !table.Mappable(cwe):
		return invalid("/cwe", "CWE-%d (%s) is too general to map a finding to: choose a narrower one, such as %s", cwe, name, numbers(table.Narrower(cwe, 5)))
	}
	t.Family, t.CAPEC = table.Family(cwe), table.CAPECOf(cwe)
	if t.CAPEC == nil {
		t.CAPEC = []int{}
	}
	return nil
}

func numbers(list []int) string {
	var out []string
	for _, n := range list {
		out = append(out, fmt.Sprintf("CWE-%d", n))
	}
	if len(out) == 0 {
		return "one of its children"
	}
	return strings.Join(out, ", ")
}

// control adds the controls that a person names. Whether the design has them is
// for the next analysis and for people to say.
func control(t *threatmodel.Threat, now *material, refs []string, by string) error {
	var faults []error
	for i, ref := range refs {
		pointer := fmt.Sprintf("/controls/%d", i)
		id, control, ok := strings.Cut(ref, ":")
		at := slices.Index(now.system.Catalogs, id)
		if !ok || at < 0 {
			faults = append(faults, invalid(pointer, "%q is no control of a catalog that the system uses (%s), written as catalog:id", ref, strings.Join(now.system.Catalogs, ", ")))
			continue
		}
		c, known := now.catalogs[at].Control(control)
		if !known || c.Withdrawn {
			faults = append(faults, invalid(pointer, "the catalog %s has no control %s, or it is withdrawn", id, control))
			continue
		}
		t.Controls = append(t.Controls, threatmodel.ControlRef{
			Catalog: id, ID: c.ID, Title: c.Title, Verdict: threatmodel.Absent, Rationale: "Named by " + by + ".", Evidence: []threatmodel.Evidence{},
		})
	}
	if len(t.Controls) == 0 {
		t.NoControl = "The person who added the threat named none."
	}
	return together(faults...)
}

// rest grounds the threat in sentences of the current documents, and gives it its
// id.
func rest(t *threatmodel.Threat, m *threatmodel.Model, passages []threatmodel.Passage, evidence []threatmodel.Evidence) error {
	t.Evidence = evidence
	t.Anchors = reconcile.NewText(passages).Anchors(evidence)
	if len(t.Anchors) == 0 {
		return invalid("/quote", "it holds no sentence to rest on")
	}
	taken := map[string]bool{}
	for i := range m.Threats {
		taken[m.Threats[i].ID] = true
	}
	t.ID = reconcile.Mint(reconcile.KeyOf(t), t.Anchors[0], taken)
	return nil
}

// leastWords is how many words a part of a sentence needs to point to it.
const leastWords = 4

// findQuote finds the sentences that a quote is, or is a part of. The quote that
// people see is the slice of the document's text, never what was typed.
func findQuote(passages []threatmodel.Passage, quote, document string) ([]threatmodel.Evidence, error) {
	wanted := reconcile.Fold(quote)
	if wanted == "" {
		return nil, invalid("/quote", "a quote is needed: a sentence of a current document")
	}
	var out []threatmodel.Evidence
	var documents []string
	for i := range passages {
		p := &passages[i]
		if document != "" && p.Document != document {
			continue
		}
		found := quoted(p, wanted)
		if len(found) == 0 || slices.Contains(documents, p.Document) {
			continue // the first place within a document stands for all
		}
		documents = append(documents, p.Document)
		out = found
	}
	switch {
	case len(out) == 0:
		return nil, invalid("/quote", "no current document holds this: copy a whole sentence, list item or table row out of the text as it was read (its first %d words at least)", leastWords)
	case len(documents) > 1:
		return nil, invalid("/document", "%d documents hold this quote: name one of %s", len(documents), strings.Join(documents, ", "))
	}
	return out, nil
}

// quoted is the evidence of the sentences of a passage that a folded quote
// covers, or the one that it is a part of.
func quoted(p *threatmodel.Passage, wanted string) []threatmodel.Evidence {
	var covered, part []threatmodel.Evidence
	for i := range p.Sentences {
		folded := reconcile.Fold(p.Sentences[i].Text)
		switch {
		case folded == wanted, strings.Contains(wanted, folded) && strings.Contains(reconcile.Fold(p.Text), wanted):
			covered = append(covered, evidenceOf(p, &p.Sentences[i])...)
		case strings.Contains(folded, wanted) && len(strings.Fields(wanted)) >= leastWords && part == nil:
			part = evidenceOf(p, &p.Sentences[i])
		}
	}
	if len(covered) > 0 {
		return covered
	}
	return part
}

func evidenceOf(p *threatmodel.Passage, s *threatmodel.Sentence) []threatmodel.Evidence {
	var out []threatmodel.Evidence
	for _, span := range s.Spans {
		out = append(out, threatmodel.Evidence{Quote: span.Text, Document: p.Document, Passage: p.ID, Role: threatmodel.States, Locator: span.Locator})
	}
	return out
}
