package builtin_test

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/bartizan-security/bartizan/internal/analyst/builtin"
	"github.com/bartizan-security/bartizan/internal/analyze"
	"github.com/bartizan-security/bartizan/internal/catalog"
	"github.com/bartizan-security/bartizan/internal/embed"
	"github.com/bartizan-security/bartizan/internal/extract"
	"github.com/bartizan-security/bartizan/internal/passage"
	"github.com/bartizan-security/bartizan/internal/pattern"
	"github.com/bartizan-security/bartizan/internal/retrieve"
	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

func TestMain(m *testing.M) {
	extract.ChildIfAsked()
	os.Exit(m.Run())
}

// bench runs the whole built-in analysis on texts.
type bench struct {
	lib      *pattern.Library
	analyst  *builtin.Analyst
	catalogs []*catalog.Catalog
	embedder embed.Embedder
}

func newBench(t testing.TB) *bench {
	t.Helper()
	lib, err := pattern.Load()
	if err != nil {
		t.Fatal(err)
	}
	a, err := builtin.New(lib)
	if err != nil {
		t.Fatal(err)
	}
	c, err := catalog.Open("iso27001-2022")
	if err != nil {
		t.Fatal(err)
	}
	e, err := embed.Builtin()
	if err != nil {
		t.Fatal(err)
	}
	return &bench{lib, a, []*catalog.Catalog{c}, e}
}

// model analyses a text as a document of its own.
func (b *bench) model(t testing.TB, text string, context *threatmodel.Context) *threatmodel.Model {
	t.Helper()
	return b.analyze(t, analyze.Input{System: "The system", Documents: read(t, "fragment.md", text), Catalogs: b.catalogs, Context: context})
}

func (b *bench) analyze(t testing.TB, in analyze.Input) *threatmodel.Model {
	t.Helper()
	m, err := analyze.Run(context.Background(), in, analyze.Config{
		Analyst: b.analyst, Concurrency: 2,
		Similarity: func(ctx context.Context, x, y string) (float64, error) { return embed.Cosine(ctx, b.embedder, x, y) },
		NewRetriever: func(ctx context.Context, ps []threatmodel.Passage) (analyze.Retriever, error) {
			return retrieve.New(ctx, ps, b.embedder)
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func read(t testing.TB, name, text string) []threatmodel.Source {
	t.Helper()
	var out []threatmodel.Source
	for d, err := range extract.Read(context.Background(), name, strings.NewReader(text), int64(len(text)), extract.Options{}) {
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, d)
	}
	return out
}

// by are the threats of a model that a pattern gave.
func by(m *threatmodel.Model, p *pattern.Pattern) []*threatmodel.Threat {
	var out []*threatmodel.Threat
	for i := range m.Threats {
		if strings.HasPrefix(m.Threats[i].Title, p.Title+" (") {
			out = append(out, &m.Threats[i])
		}
	}
	return out
}

func names(m *threatmodel.Model, ids []string) []string {
	var out []string
	for _, id := range ids {
		out = append(out, m.Element(id).Name)
	}
	return out
}

// TestPatternsFireOnTheirFragmentsAndNotOnNearMisses is the proof that every
// pattern brings.
func TestPatternsFireOnTheirFragmentsAndNotOnNearMisses(t *testing.T) {
	b := newBench(t)
	for _, p := range b.lib.Patterns() {
		for i, f := range p.Fragments.Fires {
			t.Run(fmt.Sprintf("%s/fires-%d", p.ID, i+1), func(t *testing.T) { b.fires(t, p, &f) })
		}
		for i, f := range p.Fragments.Silent {
			t.Run(fmt.Sprintf("%s/silent-%d-%s", p.ID, i+1, f.Because), func(t *testing.T) {
				m := b.model(t, f.Text, nil)
				for _, x := range by(m, p) {
					t.Errorf("%s, although it is %s: %q at %v", x.Title, f.Because, x.Evidence[0].Quote, names(m, x.Elements))
				}
			})
		}
	}
}

func (b *bench) fires(t *testing.T, p *pattern.Pattern, f *pattern.Fires) {
	m := b.model(t, f.Text, nil)
	found := by(m, p)
	if len(found) == 0 {
		t.Errorf("not found in %q", f.Text)
		b.explain(t, m, p, f.Text)
		return
	}
	for _, x := range found {
		carrier := names(m, x.Elements)[0]
		if f.Element == "" || strings.EqualFold(carrier, f.Element) {
			return
		}
		t.Errorf("carried by %q, not by %q", carrier, f.Element)
	}
}

// explain says what the analysis made of a fragment.
func (b *bench) explain(t *testing.T, m *threatmodel.Model, p *pattern.Pattern, text string) {
	around := b.lib.Read(text)
	matched := 0
	for _, s := range passage.Split(read(t, "fragment.md", text)) {
		for _, x := range s.Sentences {
			for _, h := range b.lib.Find(b.lib.Read(x.Text), around) {
				if h.Role == pattern.Weakness && b.lib.Patterns()[h.Owner] == p {
					matched++
				}
			}
		}
	}
	t.Logf("signals that match: %d", matched)
	var elements []string
	for _, e := range m.Elements {
		elements = append(elements, fmt.Sprintf("%s (%s)", e.Name, e.Kind))
	}
	t.Logf("elements: %s", strings.Join(elements, ", "))
	for _, x := range m.Threats {
		t.Logf("found instead: %s: %q", x.Title, x.Evidence[0].Quote)
	}
	for _, r := range m.Analysis.Rejections {
		t.Logf("rejected: %s %s: %s", r.What, r.Title, r.Reason)
	}
}
