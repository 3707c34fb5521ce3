// Package retrieve finds the passages of a system that a question concerns, in
// meaning and in words.
//
// What feeds a prompt must be exact and must not shift when something else is
// added: every passage is compared, and word weights and average length are
// shipped constants, so that the score of a passage depends on the passage and
// the query alone.
package retrieve

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/bartizan-security/bartizan/internal/embed"
	"github.com/bartizan-security/bartizan/internal/embed/lexis"
	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

// Index answers queries over passages. It is safe for concurrent use.
type Index struct {
	passages []threatmodel.Passage // ordered by id: the lower index wins a tie
	embedder embed.Embedder
	vectors  vectors
	words    *fullText

	mu      sync.Mutex
	queries map[string][]float32
}

// New indexes passages, whose ids must differ. The order of passages does not
// matter; they are not modified.
func New(ctx context.Context, passages []threatmodel.Passage, embedder embed.Embedder) (*Index, error) {
	lexicon, err := lexis.Load()
	if err != nil {
		return nil, err
	}
	x := &Index{passages: slices.Clone(passages), embedder: embedder, queries: map[string][]float32{}}
	slices.SortFunc(x.passages, func(a, b threatmodel.Passage) int { return cmp.Compare(a.ID, b.ID) })
	texts := make([]string, len(x.passages))
	for i := range x.passages {
		if i > 0 && x.passages[i].ID == x.passages[i-1].ID {
			return nil, fmt.Errorf("indexing the passages: two have the id %s", x.passages[i].ID)
		}
		texts[i] = textOf(&x.passages[i])
	}
	x.words = newFullText(lexicon, texts)
	found, err := embedder.Embed(ctx, texts)
	if err != nil {
		return nil, fmt.Errorf("indexing the passages by %s: %w", embedder.Name(), err)
	}
	x.vectors = newVectors(found)
	return x, nil
}

// textOf is what a passage is found by: where it stands and what it says.
func textOf(p *threatmodel.Passage) string {
	return strings.Join([]string{p.Heading, p.Header, p.Text}, "\n")
}

const (
	// rankOffset of reciprocal rank fusion: how little the first ranks differ.
	rankOffset = 60
	// leastDepth and depthFactor say how many of each list are fused.
	leastDepth  = 50
	depthFactor = 5
	// mostQueries bounds how many embedded queries an index keeps.
	mostQueries = 10_000
)

// Search gives at most k passages, the best first, ties by id. A passage
// that scores nothing, in meaning and in words, is not given.
func (x *Index) Search(ctx context.Context, query string, k int) ([]threatmodel.Passage, error) {
	if k <= 0 || len(x.passages) == 0 {
		return nil, nil
	}
	v, err := x.vector(ctx, query)
	if err != nil {
		return nil, fmt.Errorf("searching for %q: %w", shortened(query), err)
	}
	depth := max(leastDepth, depthFactor*k)
	ranked := fuse(best(x.vectors.scores(v), depth), best(x.words.scores(query), depth))
	out := make([]threatmodel.Passage, min(k, len(ranked)))
	for i := range out {
		out[i] = x.passages[ranked[i].passage]
	}
	return out, nil
}

// vector embeds a query, once.
func (x *Index) vector(ctx context.Context, query string) ([]float32, error) {
	x.mu.Lock()
	v, ok := x.queries[query]
	x.mu.Unlock()
	if ok {
		return v, nil
	}
	found, err := x.embedder.Embed(ctx, []string{query})
	if err != nil {
		return nil, err
	}
	x.mu.Lock()
	if len(x.queries) >= mostQueries { // an index may live as long as a server
		clear(x.queries)
	}
	x.queries[query] = found[0]
	x.mu.Unlock()
	return found[0], nil
}

func shortened(s string) string {
	const most = 80
	if r := []rune(s); len(r) > most {
		return string(r[:most]) + "…"
	}
	return s
}

// hit is a passage, by index, with what it scores.
type hit struct {
	passage int
	score   float64
}

func compareHits(a, b hit) int {
	return cmp.Or(cmp.Compare(b.score, a.score), cmp.Compare(a.passage, b.passage))
}

// best are the n passages with the highest scores above 0, best first. It sorts
// only what can still be among them: of two equal scores the first passage wins,
// so what comes later must score more than the last of n.
func best(scores []float64, n int) []hit {
	hits := make([]hit, 0, 2*n)
	least := 0.0
	for i, s := range scores {
		if s <= least {
			continue
		}
		hits = append(hits, hit{i, s})
		if len(hits) == cap(hits) {
			slices.SortFunc(hits, compareHits)
			hits = hits[:n]
			least = hits[n-1].score
		}
	}
	slices.SortFunc(hits, compareHits)
	return hits[:min(n, len(hits))]
}

// fuse ranks by the sum of reciprocal ranks. Passages of equal score within a
// list share its rank: their order, which is that of ids, must not decide.
func fuse(lists ...[]hit) []hit {
	sums := map[int]float64{}
	for _, list := range lists {
		rank := 0
		for i, h := range list {
			if i == 0 || h.score != list[i-1].score {
				rank = i + 1
			}
			sums[h.passage] += 1 / float64(rankOffset+rank)
		}
	}
	out := make([]hit, 0, len(sums))
	for p, s := range sums {
		out = append(out, hit{p, s})
	}
	slices.SortFunc(out, compareHits)
	return out
}
