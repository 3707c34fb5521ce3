package analyze

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/bartizan-security/bartizan/internal/ground"
	"github.com/bartizan-security/bartizan/internal/passage"
	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

const (
	// briefWords bounds the brief as other prompts show it.
	briefWords = 120
	// openingWords is how much of a document's first prose section the
	// brief's question shows; it is cut at the end of a passage.
	openingWords = 150
	// openingsWords bounds all openings together; the titles of further
	// documents are still listed.
	openingsWords = 3000
)

// briefFacts are the fixed facts, in the order in which they are rendered.
var briefFacts = []struct{ name, label string }{
	{"purpose", "Purpose"},
	{"users", "Users"},
	{"exposure", "Exposure"},
	{"tenancy", "Tenancy"},
	{"deployment", "Deployment"},
	{"data_classes", "Data"},
}

// makeBrief asks what the system is. A fact stays as the baseline has it while
// the sentences it cites stand.
func (r *run) makeBrief(ctx context.Context) error {
	if !r.cfg.Analyst.Answers(threatmodel.StageBrief) {
		return nil
	}
	q := &Question{Stage: threatmodel.StageBrief, Subject: r.in.System, Context: r.contextFor(), Titles: r.titles}
	q.Passages, q.About = r.openings()
	var facts []threatmodel.Fact
	err := r.each(ctx, threatmodel.StageBrief, 1, func(ctx context.Context, _ int) error {
		res, err := ask(ctx, r, r.cfg.Analyst, q, func(a *BriefAnswer) ([]threatmodel.Fact, []refusal) { return checkBrief(a, q) })
		for _, part := range res.parts {
			facts = append(facts, part...)
		}
		return err
	})
	r.brief = threatmodel.Brief{Facts: r.steadyFacts(facts)}
	r.briefText = renderBrief(r.in.System, r.brief)
	return err
}

// openings are the first prose sections of the documents, by title: where a
// file lies or what it is called changes no question.
func (r *run) openings() ([]threatmodel.Passage, *BriefAbout) {
	about := &BriefAbout{System: r.in.System}
	var out []threatmodel.Passage
	total := 0
	for _, d := range r.byTitle() {
		about.Documents = append(about.Documents, title(d.Document))
		if total > openingsWords {
			continue
		}
		for _, p := range opening(r.ofDocument(d.ID)) {
			total += wordCount(p.Text)
			out = append(out, p)
		}
	}
	return out, about
}

// byTitle are the documents by title, and by id where two have the same.
func (r *run) byTitle() []*threatmodel.Source {
	var out []*threatmodel.Source
	for i := range r.in.Documents {
		out = append(out, &r.in.Documents[i])
	}
	slices.SortFunc(out, func(a, b *threatmodel.Source) int {
		return cmp.Or(cmp.Compare(title(a.Document), title(b.Document)), cmp.Compare(a.ID, b.ID))
	})
	return out
}

func (r *run) ofDocument(id string) []threatmodel.Passage {
	var out []threatmodel.Passage
	for _, p := range r.passages {
		if p.Document == id {
			out = append(out, p)
		}
	}
	return out
}

// opening is the first section with a paragraph of prose, up to the passage
// that passes openingWords.
func opening(ps []threatmodel.Passage) []threatmodel.Passage {
	const prose = 12 // words: shorter paragraphs are dates, authors, states
	start := -1
	for i, p := range ps {
		if p.Kind == threatmodel.BlockParagraph && wordCount(p.Text) >= prose {
			start = i
			break
		}
	}
	if start < 0 {
		return nil
	}
	var out []threatmodel.Passage
	words := 0
	for _, p := range ps[start:] {
		if p.Section != ps[start].Section || words >= openingWords {
			break
		}
		words += wordCount(p.Text)
		out = append(out, p)
	}
	return out
}

func wordCount(s string) int { return len(strings.Fields(s)) }

func checkBrief(a *BriefAnswer, q *Question) ([]threatmodel.Fact, []refusal) {
	var (
		facts    []threatmodel.Fact
		refusals []refusal
	)
	for _, f := range a.Facts {
		if strings.TrimSpace(f.Value) == "" {
			continue
		}
		evidence, _, bad := ground.FindAll(f.Citations, q.Passages, threatmodel.States)
		if len(evidence) == 0 {
			refusals = append(refusals, refusal{What: "fact", Title: f.Fact, Reason: citationReason(bad), Repairable: true})
			continue
		}
		facts = append(facts, threatmodel.Fact{Name: f.Fact, Value: passage.Fold(f.Value), Evidence: evidence})
	}
	return facts, refusals
}

// citationReason says why nothing was cited.
func citationReason(bad []*ground.Refusal) string {
	if len(bad) == 0 {
		return "no sentence is cited"
	}
	reasons := make([]string, len(bad))
	for i, b := range bad {
		reasons[i] = b.Reason
	}
	return strings.Join(reasons, "; ")
}

// steadyFacts orders the facts, one a name, and keeps the baseline's wording of
// those whose sentences stand, or were edited without a change to the fact.
func (r *run) steadyFacts(found []threatmodel.Fact) []threatmodel.Fact {
	byName := map[string]threatmodel.Fact{}
	for _, f := range found {
		if _, taken := byName[f.Name]; !taken {
			byName[f.Name] = f
		}
	}
	if r.in.Baseline != nil && !r.in.Fresh {
		for _, old := range r.in.Baseline.Brief.Facts {
			if now, ok := r.text.stands(old.Evidence); ok {
				old.Evidence = now
				byName[old.Name] = old
			} else if now, ok := byName[old.Name]; ok && r.stillSaid(&old, &now) {
				old.Evidence = now.Evidence
				byName[old.Name] = old
			}
		}
	}
	out := []threatmodel.Fact{}
	for _, name := range briefFacts {
		if f, ok := byName[name.name]; ok {
			out = append(out, f)
		}
	}
	return out
}

// sameSentence is the share of words in common from which a sentence is an
// edition of another (identity: matching, 11).
const sameSentence = 0.6

// stillSaid reports whether an edited sentence says of a fact what the old one
// said: it is the same sentence, limits and negates as much, and has every word
// that the fact had taken from it. All prompts hold the brief, so a typo mended
// in such a sentence must not make all of them new.
func (r *run) stillSaid(old, now *threatmodel.Fact) bool {
	if len(old.Evidence) == 0 || len(now.Evidence) == 0 {
		return false
	}
	before, after := quotes(old.Evidence), quotes(now.Evidence)
	if r.signals.Limits(before) != r.signals.Limits(after) {
		return false
	}
	a, b := ground.Words(before), ground.Words(after)
	common := 0
	for _, w := range a {
		if slices.Contains(b, w) {
			common++
		}
	}
	if float64(common) < sameSentence*float64(max(len(a), len(b))) {
		return false
	}
	for _, w := range ground.Words(old.Value) {
		if slices.Contains(a, w) && !slices.Contains(b, w) {
			return false
		}
	}
	return true
}

func quotes(evidence []threatmodel.Evidence) string {
	var out []string
	for _, e := range evidence {
		out = append(out, e.Quote)
	}
	return strings.Join(out, " ")
}

// renderBrief is the brief as prompts show it: at most 120 words.
func renderBrief(system string, b threatmodel.Brief) string {
	lines := []string{"System: " + system + "."}
	for _, name := range briefFacts {
		for _, f := range b.Facts {
			if f.Name == name.name {
				lines = append(lines, name.label+": "+limitWords(f.Value, briefWords/len(briefFacts)))
			}
		}
	}
	return limitWords(strings.Join(lines, " "), briefWords)
}
