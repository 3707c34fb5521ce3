package analyze_test

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/bartizan-security/bartizan/internal/analyze"
	"github.com/bartizan-security/bartizan/internal/extract/markdown"
	"github.com/bartizan-security/bartizan/internal/ground"
	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

// shop is a design with a path from an entry to an asset, so that there are
// chains, and a weakness that is told only when a cell is asked about, so that
// there is a second round of challenge.
const shop = `# Shop

The Order User calls the Order Gateway over the internet.

The Order Gateway writes orders to the Order Store.

The Order Store keeps customer addresses.

The Order Gateway does not check which customer an order belongs to.

The Order Store is not encrypted at rest.

Changes in the Order Store are not logged by anything.
`

// scripted is an analyst that answers from the question alone. Before answers it
// is held up.
type scripted struct {
	before func(context.Context, *analyze.Question) error

	mu    sync.Mutex
	asked []string // subjects with their stage
}

func (s *scripted) Name() string { return "llm" }

func (s *scripted) Answers(stage threatmodel.Stage) bool {
	return stage != threatmodel.StageResolve && stage != threatmodel.StageMerge
}

func (s *scripted) InputHash(q *analyze.Question) (string, error) {
	shown := *q
	shown.Former, shown.Repair = nil, nil
	raw, err := json.Marshal(shown)
	return fmt.Sprintf("%x", sha256.Sum256(raw)), err
}

func (s *scripted) Ask(ctx context.Context, q *analyze.Question) (analyze.Reply, error) {
	s.mu.Lock()
	s.asked = append(s.asked, string(q.Stage)+" "+q.Subject)
	s.mu.Unlock()
	if s.before != nil {
		if err := s.before(ctx, q); err != nil {
			return analyze.Reply{}, err
		}
	}
	raw, err := json.Marshal(answer(q))
	return analyze.Reply{Answer: raw, CallHash: q.Subject, Calls: 1, TokensIn: 10, TokensOut: 1}, err
}

// cite points to the sentence that holds some words.
func cite(q *analyze.Question, words string) []ground.Citation {
	for i, p := range q.Passages {
		for j, s := range p.Sentences {
			if strings.Contains(s.Text, words) {
				return []ground.Citation{{At: fmt.Sprintf("P%d.%d", i+1, j+1), Words: strings.Join(strings.Fields(s.Text)[:5], " ")}}
			}
		}
	}
	return nil
}

func answer(q *analyze.Question) any {
	switch about := q.About.(type) {
	case *analyze.SurveyAbout:
		return surveyed(q)
	case *analyze.ElicitAbout:
		out := analyze.ElicitAnswer{}
		switch {
		case about.OfFlow:
		case about.Elements[0].Name == "Order Gateway":
			out.Threats = threatOn(q, "does not check", "E1", "spoofing", 639)
		case about.Elements[0].Name == "Order Store":
			out.Threats = threatOn(q, "not encrypted", "E1", "information_disclosure", 312)
		}
		return out
	case *analyze.ChainAbout:
		return chained(q, about)
	case *analyze.ChallengeAbout:
		return challenged(q, about)
	case *analyze.TreatAbout:
		none := "No control of the list answers it."
		return analyze.TreatAnswer{NoneReason: &none}
	}
	return struct{}{}
}

func surveyed(q *analyze.Question) analyze.SurveyAnswer {
	part := func(name string, kind threatmodel.Kind, exposure threatmodel.Exposure, words string) analyze.SurveyElement {
		return analyze.SurveyElement{Name: name, Kind: kind, Exposure: exposure, Citations: cite(q, words)}
	}
	return analyze.SurveyAnswer{
		Elements: []analyze.SurveyElement{
			part("Order User", threatmodel.ExternalEntity, threatmodel.ExposureInternet, "User calls"),
			part("Order Gateway", threatmodel.Process, threatmodel.ExposureUnknown, "User calls"),
			part("Order Store", threatmodel.DataStore, threatmodel.ExposureUnknown, "writes orders"),
		},
		Flows: []analyze.SurveyFlow{
			{From: "Order User", To: "Order Gateway", What: "orders", Citations: cite(q, "User calls")},
			{From: "Order Gateway", To: "Order Store", What: "orders", Citations: cite(q, "writes orders")},
		},
		Assets: []analyze.SurveyAsset{{Name: "customer addresses", Class: "confidential", HeldBy: []string{"Order Store"}, Citations: cite(q, "keeps customer")}},
	}
}

// threatOn is a threat on the sentence that holds some words, where it is shown.
func threatOn(q *analyze.Question, words, element, stride string, cwe int) []analyze.ElicitThreat {
	at := cite(q, words)
	if at == nil {
		return nil
	}
	return []analyze.ElicitThreat{{
		Title: "It is so that " + words, Element: element, Source: "attacker", Prerequisites: "none", Action: "use that it is " + words, Impact: "orders leak",
		Properties: []string{"confidentiality"}, STRIDE: []string{stride}, CWE: cwe, Citations: at,
	}}
}

func chained(q *analyze.Question, about *analyze.ChainAbout) analyze.ChainAnswer {
	c := analyze.Chain{Title: "From the entry to the data", Source: "attacker", Prerequisites: "none", Impact: "all leaks", Properties: []string{"confidentiality"}}
	for i, e := range about.Elements {
		for _, t := range append(threatOn(q, "does not check", "Order Gateway", "spoofing", 639), threatOn(q, "not encrypted", "Order Store", "information_disclosure", 312)...) {
			if t.Element == e.Name {
				c.Steps = append(c.Steps, analyze.ChainStep{Element: fmt.Sprintf("E%d", i+1), Action: t.Action, STRIDE: t.STRIDE[0], CWE: t.CWE, Citations: t.Citations})
			}
		}
	}
	if len(c.Steps) < 2 {
		return analyze.ChainAnswer{}
	}
	return analyze.ChainAnswer{Chains: []analyze.Chain{c}}
}

func challenged(q *analyze.Question, about *analyze.ChallengeAbout) analyze.ChallengeAnswer {
	out := analyze.ChallengeAnswer{}
	for i, x := range about.Candidates {
		v := analyze.ChallengeVerdict{Candidate: fmt.Sprintf("X%d", i+1), Verdict: analyze.Supported, DuplicateOf: "none", Reason: "It stands there."}
		at := x.Quotes[0]
		var p, n int
		fmt.Sscanf(at, "P%d.%d", &p, &n)
		v.Citations = []ground.Citation{{At: at, Words: strings.Join(strings.Fields(q.Passages[p-1].Sentences[n-1].Text)[:5], " ")}}
		out.Verdicts = append(out.Verdicts, v)
	}
	for i, c := range about.Cells {
		if c.Name == "Order Store" && c.STRIDE == threatmodel.Repudiation {
			out.Threats = threatOn(q, "not logged", c.Alias, "repudiation", 778)
			continue
		}
		out.Cells = append(out.Cells, analyze.ChallengeCell{Cell: fmt.Sprintf("U%d", i+1), Reason: "There is no such surface."})
	}
	return out
}

// everything is a retriever that finds all passages, in their order.
type everything []threatmodel.Passage

func (e everything) Search(context.Context, string, int) ([]threatmodel.Passage, error) {
	return e, nil
}

func analysed(t *testing.T, a analyze.Analyst, text string, baseline *threatmodel.Model, concurrency int, progress func(analyze.Progress)) (*threatmodel.Model, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	doc := markdown.Read(threatmodel.Document{ID: "shop.md", Name: "shop.md"}, text, markdown.Options{})
	return analyze.Run(ctx, analyze.Input{System: "Shop", Documents: []threatmodel.Source{doc}, Baseline: baseline}, analyze.Config{
		Analyst: a, Concurrency: concurrency, Progress: progress,
		NewRetriever: func(_ context.Context, ps []threatmodel.Passage) (analyze.Retriever, error) {
			return everything(ps), nil
		},
	})
}

func written(t *testing.T, m *threatmodel.Model) string {
	t.Helper()
	c := *m
	c.Analysis.Run = nil
	raw, err := json.MarshalIndent(c, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// chains are the threats of a model that lead over several elements.
func chains(m *threatmodel.Model) (n int) {
	for _, x := range m.Threats {
		if len(x.Steps) > 0 {
			n++
		}
	}
	return n
}

// TestWhichIsFasterChangesNothing: chains are asked for beside the first round of
// challenge, and controls beside the second; the model is the same in whatever
// order the answers come, and however many questions are under way.
func TestWhichIsFasterChangesNothing(t *testing.T) {
	want := ""
	for i := range 12 {
		a := &scripted{before: func(context.Context, *analyze.Question) error {
			time.Sleep(rand.N(3 * time.Millisecond))
			return nil
		}}
		m, err := analysed(t, a, shop, nil, 1+i%6, nil)
		if err != nil {
			t.Fatal(err)
		}
		if m.Analysis.Incomplete != "" || len(m.Threats) != 4 || chains(m) != 1 {
			t.Fatalf("%d threats, %d of them chains, want 4 and 1 (%s)", len(m.Threats), chains(m), m.Analysis.Incomplete)
		}
		for _, x := range m.Threats {
			if x.Confidence != threatmodel.ConfidenceHigh || x.NoControl == "" || x.Risk == "" {
				t.Errorf("%s was not challenged, treated or rated: %+v", x.Title, x)
			}
		}
		if got := written(t, m); want == "" {
			want = got
		} else if got != want {
			t.Fatalf("run %d gave another model", i)
		}
	}
}

// TestStagesRunSideBySide holds up each of two stages until the other has begun.
func TestStagesRunSideBySide(t *testing.T) {
	begun := map[string]chan struct{}{}
	for _, what := range []string{"chain", "challenge", "second", "treat"} {
		begun[what] = make(chan struct{})
	}
	other := map[string]string{"chain": "challenge", "challenge": "chain", "second": "treat", "treat": "second"}
	var mu sync.Mutex
	seen := map[string]bool{}
	a := &scripted{before: func(ctx context.Context, q *analyze.Question) error {
		what := string(q.Stage)
		if about, ok := q.About.(*analyze.ChallengeAbout); ok && len(about.Cells) == 0 {
			what = "second"
		}
		if begun[what] == nil {
			return nil
		}
		mu.Lock()
		if !seen[what] {
			seen[what] = true
			close(begun[what])
		}
		mu.Unlock()
		select {
		case <-begun[other[what]]:
			return nil
		case <-ctx.Done():
			return fmt.Errorf("%s waits for %s: %w", what, other[what], ctx.Err())
		}
	}}
	m, err := analysed(t, a, shop, nil, 20, nil)
	if err != nil {
		t.Fatal(err)
	}
	if m.Analysis.Incomplete != "" {
		t.Error(m.Analysis.Incomplete)
	}
}

// TestConcurrencyHoldsOverStages: what runs side by side shares the places.
func TestConcurrencyHoldsOverStages(t *testing.T) {
	var mu sync.Mutex
	active, most := 0, 0
	a := &scripted{before: func(context.Context, *analyze.Question) error {
		mu.Lock()
		active++
		most = max(most, active)
		mu.Unlock()
		time.Sleep(time.Millisecond)
		mu.Lock()
		defer mu.Unlock()
		active--
		return nil
	}}
	if _, err := analysed(t, a, shop, nil, 2, nil); err != nil {
		t.Fatal(err)
	}
	if most != 2 {
		t.Errorf("%d questions were under way at once, want 2", most)
	}
}

// TestProgressGoesStageByStage: of two that run side by side the later is told
// when the earlier has ended, and each comes to its total.
func TestProgressGoesStageByStage(t *testing.T) {
	order := []threatmodel.Stage{
		threatmodel.StageBrief, threatmodel.StageSurvey, threatmodel.StageElicit, threatmodel.StageChain, threatmodel.StageChallenge,
		threatmodel.StageChallenge, threatmodel.StageTreat,
	}
	var list []analyze.Progress
	if _, err := analysed(t, &scripted{}, shop, nil, 8, func(p analyze.Progress) { list = append(list, p) }); err != nil {
		t.Fatal(err)
	}
	at := 0
	for i, p := range list {
		for at < len(order) && order[at] != p.Stage {
			at++
		}
		if at == len(order) {
			t.Fatalf("%s is told after %s", p.Stage, list[i-1].Stage)
		}
		if i > 0 && p.Stage != list[i-1].Stage && list[i-1].Done != list[i-1].Total {
			t.Errorf("%s was left at %d of %d", list[i-1].Stage, list[i-1].Done, list[i-1].Total)
		}
	}
	if last := list[len(list)-1]; last.Stage != threatmodel.StageTreat || last.Done != last.Total || last.Total == 0 {
		t.Errorf("the last is %+v", last)
	}
}

// TestAStopEndsBoth: where one of two stages is stopped the other begins nothing
// more, and the model says that it is not whole.
func TestAStopEndsBoth(t *testing.T) {
	for _, stage := range []threatmodel.Stage{threatmodel.StageChain, threatmodel.StageTreat} {
		stop := fmt.Errorf("%w: the budget is spent", analyze.ErrStop)
		a := &scripted{before: func(_ context.Context, q *analyze.Question) error {
			if q.Stage == stage {
				return stop
			}
			return nil
		}}
		m, err := analysed(t, a, shop, nil, 2, nil)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(m.Analysis.Incomplete, "the budget is spent") {
			t.Errorf("stopped at %s it says %q", stage, m.Analysis.Incomplete)
		}
		for _, x := range m.Threats {
			if x.NoControl == "" {
				t.Errorf("stopped at %s, %s does not say why it has no control", stage, x.Title)
			}
		}
	}
}

// TestOldChainsAreAskedAboutOnce: with a baseline nothing is asked again where
// nothing changed; where a sentence of a chain was edited the chain keeps its id,
// and no question is put twice.
func TestOldChainsAreAskedAboutOnce(t *testing.T) {
	first, err := analysed(t, &scripted{}, shop, nil, 4, nil)
	if err != nil {
		t.Fatal(err)
	}
	again := &scripted{}
	same, err := analysed(t, again, shop, first, 4, nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(again.asked) != 0 {
		t.Errorf("nothing changed, and these were asked: %v", again.asked)
	}
	if got, want := identities(same), identities(first); !slices.Equal(got, want) {
		t.Errorf("the ids %v became %v", want, got)
	}
	for name, change := range map[string][2]string{
		"the edited sentence is found again":     {"is not encrypted at rest", "is still not encrypted at rest"},
		"the edited sentence is not found again": {"is not encrypted at rest", "has no encryption at rest"},
	} {
		t.Run(name, func(t *testing.T) {
			edited := &scripted{}
			m, err := analysed(t, edited, strings.Replace(shop, change[0], change[1], 1), first, 4, nil)
			if err != nil {
				t.Fatal(err)
			}
			if got, want := identities(m), identities(first); !slices.Equal(got, want) {
				t.Errorf("the ids %v became %v", want, got)
			}
			seen := map[string]bool{}
			for _, q := range edited.asked {
				if seen[q] {
					t.Errorf("%s was asked twice", q)
				}
				seen[q] = true
			}
		})
	}
}

// identities are the ids of the live threats, sorted.
func identities(m *threatmodel.Model) []string {
	var out []string
	for i := range m.Threats {
		if m.Threats[i].Live() {
			out = append(out, m.Threats[i].ID)
		}
	}
	slices.Sort(out)
	return out
}

var errNever = errors.New("no answer")

// TestAnUnansweredChainLeavesTheRest: a question without an answer costs its own
// unit alone, also beside another stage.
func TestAnUnansweredChainLeavesTheRest(t *testing.T) {
	a := &scripted{before: func(_ context.Context, q *analyze.Question) error {
		if q.Stage == threatmodel.StageChain {
			return errNever
		}
		return nil
	}}
	m, err := analysed(t, a, shop, nil, 4, nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(m.Threats) != 3 || !strings.Contains(m.Analysis.Incomplete, "1 question got no answer") {
		t.Errorf("%d threats; it says %q", len(m.Threats), m.Analysis.Incomplete)
	}
}
