package estimate_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/bartizan-security/bartizan/internal/analyst/builtin"
	analyst "github.com/bartizan-security/bartizan/internal/analyst/llm"
	"github.com/bartizan-security/bartizan/internal/analyze"
	"github.com/bartizan-security/bartizan/internal/catalog"
	"github.com/bartizan-security/bartizan/internal/embed"
	"github.com/bartizan-security/bartizan/internal/extract"
	client "github.com/bartizan-security/bartizan/internal/llm"
	"github.com/bartizan-security/bartizan/internal/pattern"
	"github.com/bartizan-security/bartizan/internal/retrieve"
	"github.com/bartizan-security/bartizan/pkg/threatmodel"
	"github.com/bartizan-security/bartizan/prompts"
)

// rendering is an analyst whose questions are those that a model would get, and
// whose answers are the built-in analyst's: what a run over a baseline asks
// again can be measured with it, at the length of real prompts.
type rendering struct {
	*analyst.Analyst
	own *builtin.Analyst

	mu    sync.Mutex
	calls map[threatmodel.Stage]int
	chars map[threatmodel.Stage]int
}

// Answers is true for every stage: where the built-in analyst has nothing to
// say, a model would be asked all the same.
func (r *rendering) Answers(threatmodel.Stage) bool { return true }

func (r *rendering) Ask(ctx context.Context, q *analyze.Question) (analyze.Reply, error) {
	request, err := r.Request(q)
	if err != nil {
		return analyze.Reply{}, err
	}
	n := len(request.Schema.JSON)
	for _, m := range request.Messages {
		n += len(m.Content)
	}
	r.mu.Lock()
	r.calls[q.Stage]++
	r.chars[q.Stage] += n
	r.mu.Unlock()
	if !r.own.Answers(q.Stage) {
		return analyze.Reply{Answer: []byte("{}"), Calls: 1}, nil
	}
	reply, err := r.own.Ask(ctx, q)
	reply.Calls = 1
	return reply, err
}

func sum(m map[threatmodel.Stage]int) int {
	n := 0
	for _, x := range m {
		n += x
	}
	return n
}

// BenchmarkOneParagraphChanged reports what a re-analysis asks again after one
// paragraph was changed, as a share of the first run: in the documents below
// BARTIZAN_BENCH_DOCUMENTS, or all samples as one system. The aim for 100 pages
// is 5 % of the tokens.
func BenchmarkOneParagraphChanged(b *testing.B) {
	roots := strings.Fields(os.Getenv("BARTIZAN_BENCH_DOCUMENTS"))
	if len(roots) == 0 {
		for _, s := range []string{"portal/docs", "telemetry/telemetry.pdf", "appointments/export", "forge/forge.zip"} {
			roots = append(roots, filepath.Join("../../testdata/designs", s))
		}
	}
	var documents []threatmodel.Source
	words := 0
	for doc, err := range extract.ReadPaths(b.Context(), roots, extract.Options{}) {
		if err != nil {
			b.Fatal(err)
		}
		documents = append(documents, doc)
		words += len(strings.Fields(doc.Body))
	}
	library, err := pattern.Load()
	if err != nil {
		b.Fatal(err)
	}
	own, err := builtin.New(library)
	if err != nil {
		b.Fatal(err)
	}
	e, err := embed.Builtin()
	if err != nil {
		b.Fatal(err)
	}
	iso, err := catalog.Open("iso27001-2022")
	if err != nil {
		b.Fatal(err)
	}
	set, err := prompts.Load()
	if err != nil {
		b.Fatal(err)
	}
	run := func(docs []threatmodel.Source, baseline *threatmodel.Model) (*threatmodel.Model, *rendering) {
		r := &rendering{
			Analyst: analyst.New(nil, "m", client.Params{}, set, analyst.NewFence([]byte("a secret of the benchmark"))), own: own,
			calls: map[threatmodel.Stage]int{}, chars: map[threatmodel.Stage]int{},
		}
		m, err := analyze.Run(b.Context(), analyze.Input{System: "S", Documents: docs, Catalogs: []*catalog.Catalog{iso}, Baseline: baseline}, analyze.Config{
			Analyst: r, Hints: own.Hints, Concurrency: 2,
			NewRetriever: func(ctx context.Context, ps []threatmodel.Passage) (analyze.Retriever, error) {
				return retrieve.New(ctx, ps, e)
			},
			Similarity: func(ctx context.Context, x, y string) (float64, error) { return embed.Cosine(ctx, e, x, y) },
		})
		if err != nil {
			b.Fatal(err)
		}
		return m, r
	}
	for b.Loop() {
		base, first := run(documents, nil)
		_, again := run(documents, base)
		if n := sum(again.calls); n != 0 {
			b.Fatalf("%d calls with nothing changed", n)
		}
		var calls, chars float64
		byStage := map[threatmodel.Stage]float64{}
		const places = 5
		for i := range places {
			_, r := run(edited(b, documents, i, places), base)
			calls += float64(sum(r.calls)) / float64(sum(first.calls)) / places
			chars += float64(sum(r.chars)) / float64(sum(first.chars)) / places
			b.Logf("place %d of %d: %d of %d calls again, %.1f %% of the tokens: %v", i+1, places, sum(r.calls), sum(first.calls), 100*float64(sum(r.chars))/float64(sum(first.chars)), r.calls)
			for s, n := range r.chars {
				byStage[s] += float64(n) / float64(sum(first.chars)) / places
			}
		}
		b.ReportMetric(100*calls, "%calls")
		b.ReportMetric(100*chars, "%tokens")
		b.ReportMetric(float64(words), "words")
		b.ReportMetric(float64(sum(first.calls)), "first-calls")
		for s, x := range byStage {
			b.ReportMetric(100*x, "%"+string(s))
			b.Logf("%s: %.1f %% of the first run's %d characters, of which this stage's were %.1f %%", s, 100*x, sum(first.chars), 100*float64(first.chars[s])/float64(sum(first.chars)))
		}
	}
}

// edited changes one paragraph, at one of several places spread evenly over the
// documents: its last sentence gets another word at the end.
func edited(b *testing.B, documents []threatmodel.Source, place, places int) []threatmodel.Source {
	b.Helper()
	type at struct{ doc, block int }
	var prose []at
	for i := range documents {
		for j := range documents[i].Blocks {
			x := &documents[i].Blocks[j]
			if x.Kind == threatmodel.BlockParagraph && x.Role == threatmodel.RoleBody && len(x.Text) > 150 && strings.HasSuffix(x.Text, ".") {
				prose = append(prose, at{i, j})
			}
		}
	}
	if len(prose) < places {
		b.Fatalf("only %d paragraphs", len(prose))
	}
	p := prose[(2*place+1)*len(prose)/(2*places)]
	out := append([]threatmodel.Source(nil), documents...)
	d := &out[p.doc]
	d.Blocks = append([]threatmodel.Block(nil), d.Blocks...)
	block := &d.Blocks[p.block]
	end := block.Locator.ByteEnd
	const more = " today"
	block.Text = strings.TrimSuffix(block.Text, ".") + more + "."
	d.Body = d.Body[:end-1] + more + d.Body[end-1:]
	for j := range d.Blocks {
		l := &d.Blocks[j].Locator
		if l.ByteStart >= end {
			l.ByteStart += len(more)
		}
		if l.ByteEnd >= end {
			l.ByteEnd += len(more)
		}
	}
	return out
}
