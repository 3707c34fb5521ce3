package analyze

import (
	"context"
	"fmt"
	"slices"
	"sort"

	"github.com/bartizan-security/bartizan/internal/embed"
	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

// askedTwice is the cosine, by the built-in embedding, from which two questions
// about one part, or raised by one passage, are the same.
const askedTwice = 0.75

// oneOfEach leaves one of each question. The same is asked at a part, at its
// neighbour and at the flow between them; the one that the baseline has stays,
// since somebody may have answered it, else the one with the smallest id.
func (r *run) oneOfEach(ctx context.Context, in []threatmodel.Question) ([]threatmodel.Question, error) {
	list := uniqueQuestions(in)
	if r.in.Baseline != nil {
		known := map[string]bool{}
		for i := range r.in.Baseline.Questions {
			known[r.in.Baseline.Questions[i].ID] = true
		}
		sort.SliceStable(list, func(i, j int) bool { return known[list[i].ID] && !known[list[j].ID] })
	}
	e, err := embed.Builtin()
	if err != nil {
		return nil, err
	}
	texts := make([]string, len(list))
	for i := range list {
		texts[i] = list[i].Text
	}
	vectors, err := e.Embed(ctx, texts)
	if err != nil {
		return nil, fmt.Errorf("comparing the questions: %w", err)
	}
	out := []threatmodel.Question{}
	var kept []int
	for i := range list {
		same := slices.IndexFunc(kept, func(j int) bool {
			return sameMatter(&list[i], &list[j]) && embed.Dot(vectors[i], vectors[j]) >= askedTwice
		})
		if same < 0 {
			kept = append(kept, i)
			out = append(out, list[i])
			continue
		}
		q := &out[same]
		q.Elements, q.Evidence = union(slices.Clone(q.Elements), list[i].Elements), uniteEvidence(slices.Clone(q.Evidence), list[i].Evidence)
	}
	return uniqueQuestions(out), nil
}

// sameMatter reports whether two questions are about one part or were raised by
// one passage. Two of the built-in analyst's are not compared: they are made from
// a template, and alike by nature.
func sameMatter(a, b *threatmodel.Question) bool {
	if a.Source == threatmodel.SourcePattern && b.Source == threatmodel.SourcePattern {
		return false
	}
	return sharePassage(a.Evidence, b.Evidence) || slices.ContainsFunc(a.Elements, func(id string) bool { return contains(b.Elements, id) })
}
