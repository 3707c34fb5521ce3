package analyze

import (
	"slices"

	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

// linesOf leaves of each drawing among the passages of a question the lines that
// the question is about: those that are evidence, and those that name one of the
// names. A drawing of the whole system stands near everything, fills a prompt, and
// is rarely what a reader cites; what it says has become elements and flows. One
// of which nothing is left is left out.
func linesOf(passages []threatmodel.Passage, evidence []threatmodel.Evidence, names []string) []threatmodel.Passage {
	out := passages[:0:0]
	for _, p := range passages {
		if p.Kind != threatmodel.BlockDiagram || len(p.Sentences) < manySentences {
			out = append(out, p)
			continue
		}
		kept := slices.DeleteFunc(slices.Clone(p.Sentences), func(s threatmodel.Sentence) bool {
			return !cites(evidence, p.ID, s) && !namesAny(&threatmodel.Passage{Text: s.Text}, names)
		})
		if len(kept) > 0 {
			p.Sentences = kept
			out = append(out, p)
		}
	}
	return out
}

// cites reports whether evidence is a sentence of a passage.
func cites(evidence []threatmodel.Evidence, passage string, s threatmodel.Sentence) bool {
	return slices.ContainsFunc(evidence, func(e threatmodel.Evidence) bool {
		return e.Passage == passage && slices.ContainsFunc(s.Spans, func(span threatmodel.Span) bool { return span.Text == e.Quote })
	})
}

// evidenceOf is what states the given elements and flows.
func (r *run) evidenceOf(ids ...string) []threatmodel.Evidence {
	var out []threatmodel.Evidence
	for _, id := range ids {
		if e := r.element(id); e != nil {
			out = append(out, e.Evidence...)
		}
	}
	return out
}
