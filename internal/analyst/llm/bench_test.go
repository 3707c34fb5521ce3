package llm_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	analyst "github.com/bartizan-security/bartizan/internal/analyst/llm"
	"github.com/bartizan-security/bartizan/internal/analyze"
	"github.com/bartizan-security/bartizan/internal/catalog"
	"github.com/bartizan-security/bartizan/internal/decision"
	"github.com/bartizan-security/bartizan/internal/embed"
	"github.com/bartizan-security/bartizan/internal/extract"
	client "github.com/bartizan-security/bartizan/internal/llm"
	"github.com/bartizan-security/bartizan/internal/llm/llmtest"
	"github.com/bartizan-security/bartizan/internal/retrieve"
	"github.com/bartizan-security/bartizan/pkg/threatmodel"
	"github.com/bartizan-security/bartizan/prompts"
)

func TestMain(m *testing.M) {
	extract.ChildIfAsked()
	os.Exit(m.Run())
}

// design is a set of documents, by name.
type design map[string]string

// orders is a small system with eight stated weaknesses, of which two are
// ruled out elsewhere: the callbacks are signed, and uploads were removed.
func orders() design {
	return design{
		"overview.md": `# Orders

Orders takes orders of shops over the internet and hands them to the warehouse.

## Parts

The Shop User calls the Order Gateway over HTTPS.
The Order Gateway stands inside the Shop Zone.

The Order Gateway calls the Price Service over plain HTTP between two data centres.

The Order Gateway writes orders to the Order Store.
The Order Store keeps customer addresses.

Changes in the Order Store are not logged by anything.
`,
		"exports.md": `# Exports

The Export Job reads orders from the Order Store every night.
The Export Job does not check which shop an order belongs to.

## Support

The Support Desk reads orders from the Order Store for callers.
The Support Desk uses one shared password for all agents.
Lookups in the Support Desk are not logged anywhere.
`,
		"payments.md": `# Payments

The Payment Partner posts events to the Callback Worker.
The Callback Worker takes callbacks from the internet.
`,
		"security.md": `# Security notes

The Callback Worker refuses callbacks unless their signature verifies against the partner key.

File uploads were removed from the Order Gateway in March.
`,
		"operations.md": `# Operations

The Order Gateway has no limit on requests of one caller.
The Order Gateway accepts file uploads from old clients.
`,
	}
}

// change returns a copy in which each old text is replaced by a new one; a
// text that does not stand there fails the test.
func (d design) change(t *testing.T, oldNew ...string) design {
	t.Helper()
	out := maps.Clone(d)
	for i := 0; i < len(oldNew); i += 2 {
		found := false
		for name, text := range out {
			if strings.Contains(text, oldNew[i]) {
				out[name], found = strings.ReplaceAll(text, oldNew[i], oldNew[i+1]), true
			}
		}
		if !found {
			t.Fatalf("%q does not stand in the design", oldNew[i])
		}
	}
	return out
}

// bench runs analyses against one test server.
type bench struct {
	t      *testing.T
	server *llmtest.Server
	memo   *client.DiskMemo
	set    *prompts.Set
	cat    *catalog.Catalog
	embed  embed.Embedder
}

func newBench(t *testing.T) *bench {
	t.Helper()
	b := &bench{t: t, server: llmtest.New(t)}
	var err error
	if b.set, err = prompts.Load(); err != nil {
		t.Fatal(err)
	}
	if b.cat, err = catalog.Open("iso27001-2022"); err != nil {
		t.Fatal(err)
	}
	if b.embed, err = embed.Builtin(); err != nil {
		t.Fatal(err)
	}
	b.coldMemo()
	return b
}

// coldMemo forgets every answer.
func (b *bench) coldMemo() {
	b.t.Helper()
	memo, err := client.NewDiskMemo(b.t.TempDir())
	if err != nil {
		b.t.Fatal(err)
	}
	b.memo = memo
}

// read extracts a design from a folder, as a user's would lie there.
func (b *bench) read(d design) []threatmodel.Source {
	b.t.Helper()
	dir := filepath.Join(b.t.TempDir(), "docs")
	for name, text := range d {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			b.t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			b.t.Fatal(err)
		}
	}
	var out []threatmodel.Source
	for doc, err := range extract.ReadPaths(b.t.Context(), []string{dir}, extract.Options{}) {
		if err != nil {
			b.t.Fatal(err)
		}
		out = append(out, doc)
	}
	return out
}

// options of one run.
type options struct {
	baseline  *threatmodel.Model
	decisions []threatmodel.Decision
	fresh     bool
	// change adjusts what the run is made with.
	change func(*analyze.Config)
	client func(*client.Config)
}

// run analyses a design.
func (b *bench) run(d design, o options) *threatmodel.Model {
	b.t.Helper()
	m, err := b.try(d, o)
	if err != nil {
		b.t.Fatal(err)
	}
	return m
}

func (b *bench) try(d design, o options) (*threatmodel.Model, error) {
	b.t.Helper()
	return b.tryWith(b.t.Context(), d, o)
}

func (b *bench) tryWith(ctx context.Context, d design, o options) (*threatmodel.Model, error) {
	b.t.Helper()
	cc := client.Config{BaseURL: b.server.URL(), Model: "test", APIKey: "key", RetryDelay: time.Millisecond, Timeout: 10 * time.Second}
	if o.client != nil {
		o.client(&cc)
	}
	c, err := client.New(cc, b.memo)
	if err != nil {
		b.t.Fatal(err)
	}
	a := analyst.New(c, "test", client.Params{}, b.set, analyst.NewFence([]byte("the secret of the test")))
	cfg := analyze.Config{
		Analyst: a, Concurrency: 4, Model: "test", Prompts: b.set.Version(), Version: "test",
		NewRetriever: func(ctx context.Context, ps []threatmodel.Passage) (analyze.Retriever, error) {
			return retrieve.New(ctx, ps, b.embed)
		},
		Similarity: func(ctx context.Context, x, y string) (float64, error) { return embed.Cosine(ctx, b.embed, x, y) },
	}
	if o.change != nil {
		o.change(&cfg)
	}
	m, err := analyze.Run(ctx, analyze.Input{
		System: "Orders", Documents: b.read(d), Catalogs: []*catalog.Catalog{b.cat}, Baseline: o.baseline, Decisions: o.decisions, Fresh: o.fresh,
	}, cfg)
	if err != nil {
		return nil, err
	}
	decision.Apply(m, o.decisions, time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC))
	return m, nil
}

// calls is how many requests the server saw since it was last asked.
func (b *bench) calls() int {
	n := len(b.server.Requests())
	b.server.Forget()
	return n
}

// live are the ids of the threats that stand, by the quote that carries them.
func live(m *threatmodel.Model) map[string]string {
	out := map[string]string{}
	for i := range m.Threats {
		t := &m.Threats[i]
		if t.Live() && len(t.Steps) == 0 {
			key := ""
			if len(t.Evidence) > 0 {
				key = t.Evidence[0].Quote
			}
			out[key] = t.ID
		}
	}
	return out
}

// ids are all live threats' ids, sorted.
func ids(m *threatmodel.Model) []string {
	var out []string
	for i := range m.Threats {
		if m.Threats[i].Live() {
			out = append(out, m.Threats[i].ID)
		}
	}
	slices.Sort(out)
	return out
}

// byQuote finds the live threat whose evidence holds a text.
func byQuote(t *testing.T, m *threatmodel.Model, text string) *threatmodel.Threat {
	t.Helper()
	for i := range m.Threats {
		x := &m.Threats[i]
		if len(x.Steps) == 0 && x.MergedInto == "" && slices.ContainsFunc(x.Evidence, func(e threatmodel.Evidence) bool { return strings.Contains(e.Quote, text) }) {
			return x
		}
	}
	t.Fatalf("no threat quotes %q; there are:\n%s", text, describe(m))
	return nil
}

// describe lists the threats of a model, for messages.
func describe(m *threatmodel.Model) string {
	var b strings.Builder
	for i := range m.Threats {
		t := &m.Threats[i]
		quote := ""
		if len(t.Evidence) > 0 {
			quote = t.Evidence[0].Quote
		}
		fmt.Fprintf(&b, "%s %s %s review=%v %q\n", t.ID, t.Status, t.Family, t.ReviewDue != nil, quote)
	}
	for _, r := range m.Analysis.Rejections {
		fmt.Fprintf(&b, "rejected %s %s: %s\n", r.What, r.Title, r.Reason)
	}
	if m.Changes != nil {
		for _, c := range m.Changes.Threats {
			fmt.Fprintf(&b, "change %s %s %s review=%v %v\n", c.Threat, c.Kind, c.Cause, c.Review, c.Details)
		}
	}
	fmt.Fprintf(&b, "incomplete: %s\n", m.Analysis.Incomplete)
	return b.String()
}

// kinds counts the changes by kind.
func kinds(m *threatmodel.Model) map[threatmodel.ChangeKind]int {
	out := map[threatmodel.ChangeKind]int{}
	if m.Changes != nil {
		for _, c := range m.Changes.Threats {
			out[c.Kind]++
		}
	}
	return out
}

// decide confirms a threat as a person would.
func decide(t *testing.T, m *threatmodel.Model, id string, action threatmodel.Action) threatmodel.Decision {
	t.Helper()
	d, err := decision.New(m, id, action, decision.Details{Reason: "looked at it", By: "Ada", At: time.Date(2026, 5, 1, 9, 0, 0, 0, time.UTC)})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// withoutRun is a model as JSON without what a run cost.
func withoutRun(t *testing.T, m *threatmodel.Model) string {
	t.Helper()
	c := *m
	c.Analysis.Run = nil
	raw, err := json.MarshalIndent(&c, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}
