package estimate_test

import (
	"context"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bartizan-security/bartizan/internal/analyst/builtin"
	analyst "github.com/bartizan-security/bartizan/internal/analyst/llm"
	"github.com/bartizan-security/bartizan/internal/analyze"
	"github.com/bartizan-security/bartizan/internal/catalog"
	"github.com/bartizan-security/bartizan/internal/embed"
	"github.com/bartizan-security/bartizan/internal/estimate"
	"github.com/bartizan-security/bartizan/internal/extract"
	client "github.com/bartizan-security/bartizan/internal/llm"
	"github.com/bartizan-security/bartizan/internal/llm/llmtest"
	"github.com/bartizan-security/bartizan/internal/pattern"
	"github.com/bartizan-security/bartizan/internal/retrieve"
	"github.com/bartizan-security/bartizan/pkg/threatmodel"
	"github.com/bartizan-security/bartizan/prompts"
)

func TestMain(m *testing.M) {
	extract.ChildIfAsked()
	os.Exit(m.Run())
}

const model = "test-model"

// bench estimates and runs analyses with one test server.
type bench struct {
	t      *testing.T
	server *llmtest.Server
	memo   *client.DiskMemo
	own    *builtin.Analyst
	dir    string
}

func newBench(t *testing.T) *bench {
	t.Helper()
	library, err := pattern.Load()
	if err != nil {
		t.Fatal(err)
	}
	own, err := builtin.New(library)
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{t: t, server: llmtest.New(t), own: own, dir: t.TempDir()}
	b.forget()
	return b
}

// forget empties the memo.
func (b *bench) forget() {
	b.t.Helper()
	memo, err := client.NewDiskMemo(b.t.TempDir())
	if err != nil {
		b.t.Fatal(err)
	}
	b.memo = memo
}

func (b *bench) write(name, text string) {
	b.t.Helper()
	path := filepath.Join(b.dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		b.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		b.t.Fatal(err)
	}
}

// edit replaces a text in a document.
func (b *bench) edit(name, old, new string) {
	b.t.Helper()
	raw, err := os.ReadFile(filepath.Join(b.dir, name))
	if err != nil {
		b.t.Fatal(err)
	}
	if !strings.Contains(string(raw), old) {
		b.t.Fatalf("%q does not stand in %s", old, name)
	}
	b.write(name, strings.ReplaceAll(string(raw), old, new))
}

func (b *bench) input(baseline *threatmodel.Model) analyze.Input {
	b.t.Helper()
	cat, err := catalog.Open("iso27001-2022")
	if err != nil {
		b.t.Fatal(err)
	}
	in := analyze.Input{System: "Orders", Catalogs: []*catalog.Catalog{cat}, Baseline: baseline}
	for doc, err := range extract.ReadPaths(b.t.Context(), []string{b.dir}, extract.Options{}) {
		if err != nil {
			b.t.Fatal(err)
		}
		in.Documents = append(in.Documents, doc)
	}
	return in
}

func (b *bench) config() (analyze.Config, *analyst.Analyst) {
	b.t.Helper()
	set, err := prompts.Load()
	if err != nil {
		b.t.Fatal(err)
	}
	e, err := embed.Builtin()
	if err != nil {
		b.t.Fatal(err)
	}
	c, err := client.New(client.Config{BaseURL: b.server.URL(), Model: model}, b.memo)
	if err != nil {
		b.t.Fatal(err)
	}
	a := analyst.New(c, model, client.Params{}, set, analyst.NewFence([]byte("a secret of the tests")))
	return analyze.Config{
		Analyst: a, Model: model, Prompts: set.Version(), Hints: b.own.Hints, Concurrency: 4,
		NewRetriever: func(ctx context.Context, ps []threatmodel.Passage) (analyze.Retriever, error) {
			return retrieve.New(ctx, ps, e)
		},
		Similarity: func(ctx context.Context, x, y string) (float64, error) { return embed.Cosine(ctx, e, x, y) },
	}, a
}

func (b *bench) run(baseline *threatmodel.Model) *threatmodel.Model {
	b.t.Helper()
	cfg, _ := b.config()
	m, err := analyze.Run(b.t.Context(), b.input(baseline), cfg)
	if err != nil {
		b.t.Fatal(err)
	}
	if m.Analysis.Incomplete != "" {
		b.t.Fatalf("incomplete: %s", m.Analysis.Incomplete)
	}
	return m
}

func (b *bench) estimate(in analyze.Input) *estimate.Forecast {
	b.t.Helper()
	cfg, a := b.config()
	f, err := estimate.Run(b.t.Context(), in, cfg, estimate.Config{Analyst: a, StandIn: b.own, Kept: b.memo, Model: model})
	if err != nil {
		b.t.Fatal(err)
	}
	return f
}

// seen counts the calls of a stage that the server saw since the last look.
func (b *bench) seen() map[string]int {
	out := map[string]int{}
	for _, r := range b.server.Requests() {
		out[r.Stage]++
		out[""]++
	}
	b.server.Forget()
	return out
}

func (b *bench) orders() {
	b.write("overview.md", `# Orders

Orders takes orders of shops over the internet and hands them to the warehouse.

## Parts

The Shop User calls the Order Gateway over HTTPS.
The Order Gateway stands inside the Shop Zone.

The Order Gateway calls the Price Service over plain HTTP between two data centres.

The Order Gateway writes orders to the Order Store.
The Order Store keeps customer addresses.
`)
	b.write("exports.md", `# Exports

The Export Job reads orders from the Order Store every night.
The Export Job does not check which shop an order belongs to.

## Support

The Support Desk reads orders from the Order Store for callers.
The Support Desk uses one shared password for all agents.
Lookups in the Support Desk are not logged anywhere.
`)
	b.write("operations.md", `# Operations

The Order Gateway has no limit on requests of one caller.
The Order Gateway accepts file uploads from old clients.
`)
}

// within checks that two figures differ by at most a share of the true one, or by
// so few that nobody pays for it.
func within(t *testing.T, what string, got, want int, share float64) {
	t.Helper()
	const few = 2 // calls, or tokens
	if diff := math.Abs(float64(got - want)); diff > share*float64(want) && diff > few {
		t.Errorf("%s: %d were foretold, %d came", what, got, want)
	} else {
		t.Logf("%s: %d were foretold, %d came", what, got, want)
	}
}

// TestForetellsARunOverABaseline holds the promise of a dry run with a
// baseline: calls and tokens within a quarter.
func TestForetellsARunOverABaseline(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(*bench)
	}{
		{"a word in a paragraph", func(b *bench) { b.edit("exports.md", "every night", "every hour") }},
		{"a quoted sentence", func(b *bench) {
			b.edit("exports.md", "does not check which shop an order belongs to", "never checks which shop an order belongs to")
		}},
		{"a sentence more", func(b *bench) {
			b.edit("operations.md", "old clients.\n", "old clients.\nThe Price Service has no limit on requests of one caller.\n")
		}},
		{"a section in front", func(b *bench) {
			b.edit("exports.md", "# Exports\n", "# Exports\n\n## History\n\nExports were sent by post until 2019, on disks and on paper.\n\n## Today\n")
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := newBench(t)
			b.orders()
			base := b.run(nil)
			b.forget()
			b.seen()
			tt.change(b)
			f := b.estimate(b.input(base))
			if n := b.seen()[""]; n != 0 {
				t.Fatalf("the estimate made %d calls", n)
			}
			m := b.run(base)
			if m.Analysis.Run.Calls == 0 || f.Cold {
				t.Fatalf("%d calls, cold %v: the change changed nothing", m.Analysis.Run.Calls, f.Cold)
			}
			within(t, "calls", f.Low.Calls, m.Analysis.Run.Calls, 0.25)
			within(t, "tokens in", f.Low.TokensIn, m.Analysis.Run.TokensIn, 0.25)
			within(t, "tokens out", f.Low.TokensOut, m.Analysis.Run.TokensOut, 0.25)
			if f.Low != f.High {
				t.Errorf("a range with a baseline: %+v to %+v", f.Low, f.High)
			}
		})
	}
}

// TestForetellsTheSamples holds the same on documents of real length: the portal
// and the second version of its documents, and the source of the telemetry PDF
// with two sentences edited.
func TestForetellsTheSamples(t *testing.T) {
	const portal, telemetry = "../../testdata/designs/portal", "../../testdata/designs/telemetry/source"
	for _, tt := range []struct {
		name   string
		first  string
		change func(*bench)
	}{
		{"portal", portal + "/docs", func(b *bench) { b.from(portal + "/docs-v2") }},
		{"telemetry", telemetry, func(b *bench) {
			b.edit("roadgrid.html", "It is not checked at present, because", "It is not yet checked, because")
			b.edit("roadgrid.html", "In May 2024 a unit", "In June 2024 a unit")
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := newBench(t)
			b.from(tt.first)
			base := b.run(nil)
			b.forget()
			tt.change(b)
			f := b.estimate(b.input(base))
			b.seen()
			m := b.run(base)
			if m.Analysis.Run.Calls == 0 || f.Cold {
				t.Fatalf("%d calls, cold %v: the change changed nothing", m.Analysis.Run.Calls, f.Cold)
			}
			came := b.seen()
			// The test server finds no threat in these documents, where the
			// forecast counts on what the built-in analyst finds in their new
			// sentences: the stages that ask about threats are left out.
			var foretold estimate.Total
			for _, s := range f.Stages {
				t.Logf("%s: %d calls foretold, %d came", s.Stage, s.Calls, came[string(s.Stage)])
				if s.Stage != threatmodel.StageChallenge && s.Stage != threatmodel.StageTreat {
					foretold.Calls += s.Calls
					foretold.TokensIn += s.TokensIn
					foretold.TokensOut += s.TokensOut
				}
			}
			t.Logf("%d calls of %d in the first run", m.Analysis.Run.Calls, base.Analysis.Run.Calls)
			if n := came[string(threatmodel.StageChallenge)] + came[string(threatmodel.StageTreat)]; n > 0 {
				t.Fatalf("%d questions about threats came", n)
			}
			within(t, "calls", foretold.Calls, m.Analysis.Run.Calls, 0.25)
			within(t, "tokens in", foretold.TokensIn, m.Analysis.Run.TokensIn, 0.25)
			within(t, "tokens out", foretold.TokensOut, m.Analysis.Run.TokensOut, 0.25)
		})
	}
}

// from takes the documents of a folder in place of those before.
func (b *bench) from(dir string) {
	b.t.Helper()
	b.dir = b.t.TempDir()
	if err := os.CopyFS(b.dir, os.DirFS(dir)); err != nil {
		b.t.Fatal(err)
	}
}

func TestWhatWasAnsweredCostsNothing(t *testing.T) {
	b := newBench(t)
	b.orders()
	base := b.run(nil)
	if f := b.estimate(b.input(nil)); f.High.Calls != 0 {
		t.Errorf("the memo has all answers; %d calls are foretold", f.High.Calls)
	}
	b.forget()
	f := b.estimate(b.input(base))
	if f.High != (estimate.Total{}) {
		t.Errorf("the baseline has all answers; %+v is foretold", f.High)
	}
	reused := 0
	for _, s := range f.Stages {
		reused += s.Reused
	}
	if reused != len(base.Analysis.Units) {
		t.Errorf("%d questions are answered by a baseline of %d", reused, len(base.Analysis.Units))
	}
}

// TestFreshAsksAsMuchAsTheFirstRun: the baseline tells how much that is.
func TestFreshAsksAsMuchAsTheFirstRun(t *testing.T) {
	b := newBench(t)
	b.orders()
	base := b.run(nil)
	b.forget()
	in := b.input(base)
	in.Fresh = true
	f := b.estimate(in)
	within(t, "calls", f.Low.Calls, base.Analysis.Run.Calls, 0.25)
	within(t, "tokens in", f.Low.TokensIn, base.Analysis.Run.TokensIn, 0.25)
}

// TestColdRangeSaysWhatItRestsOn: sections are exact, and the range is a factor
// of two wide.
func TestColdRangeSaysWhatItRestsOn(t *testing.T) {
	b := newBench(t)
	b.orders()
	f := b.estimate(b.input(nil))
	if !f.Cold || len(f.Basis) < 2 {
		t.Fatalf("%+v", f)
	}
	b.run(nil)
	seen := b.seen()
	for _, s := range f.Stages {
		if (s.Stage == threatmodel.StageBrief || s.Stage == threatmodel.StageSurvey) && s.Calls != seen[string(s.Stage)] {
			t.Errorf("%s: %d were foretold, %d came", s.Stage, s.Calls, seen[string(s.Stage)])
		}
	}
	for what, pair := range map[string][2]int{
		"calls": {f.Low.Calls, f.High.Calls}, "tokens in": {f.Low.TokensIn, f.High.TokensIn}, "tokens out": {f.Low.TokensOut, f.High.TokensOut},
	} {
		if ratio := float64(pair[1]) / float64(pair[0]); ratio > 2.1 || ratio < 1.8 {
			t.Errorf("%s from %d to %d are no factor of 2", what, pair[0], pair[1])
		}
	}
}
