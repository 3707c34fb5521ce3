package llm_test

import (
	"testing"

	"github.com/bartizan-security/bartizan/internal/analyst/builtin"
	"github.com/bartizan-security/bartizan/internal/analyze"
	"github.com/bartizan-security/bartizan/internal/pattern"
	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

// withColleague puts the built-in analyst beside the model.
func withColleague(t *testing.T) func(*analyze.Config) {
	t.Helper()
	library, err := pattern.Load()
	if err != nil {
		t.Fatal(err)
	}
	own, err := builtin.New(library)
	if err != nil {
		t.Fatal(err)
	}
	return func(c *analyze.Config) {
		c.Colleague, c.Hints, c.Patterns = own, own.Hints, library.Version()
	}
}

// TestTheColleagueConfirmsWhatTheModelFinds: what both find is one threat that
// says so, in the model's words.
func TestTheColleagueConfirmsWhatTheModelFinds(t *testing.T) {
	b := newBench(t)
	m := b.run(orders(), options{change: withColleague(t)})
	sources := map[string]int{}
	for i := range m.Threats {
		sources[m.Threats[i].Source]++
	}
	if sources[threatmodel.SourceBoth] == 0 {
		t.Errorf("nothing was found by both: %v\n%s", sources, describe(m))
	}
	if len(live(m)) < len(standing) {
		t.Errorf("with a colleague fewer threats are found\n%s", describe(m))
	}
	if m.Analysis.Analyst != "both" {
		t.Errorf("the analyst is said to be %s", m.Analysis.Analyst)
	}
}

// TestThreatsKeepTheirIDsWithBothAnalysts holds the promise of identity where
// candidates come from two sides and are merged.
func TestThreatsKeepTheirIDsWithBothAnalysts(t *testing.T) {
	for _, tt := range sameThreats {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			first := b.run(orders(), options{change: withColleague(t)})
			var decisions []threatmodel.Decision
			for _, id := range ids(first) {
				decisions = append(decisions, decide(t, first, id, threatmodel.ActionConfirm))
			}
			for _, fresh := range []bool{true, false} {
				b.coldMemo()
				b.server.NextRound()
				second := b.run(tt.change(t, orders()), options{baseline: first, fresh: fresh, decisions: decisions, change: withColleague(t)})
				checkKept(t, first, second, tt.review)
			}
		})
	}
}

// TestThreatsKeepTheirIDsWithTheBuiltinAlone: the same promise without a model.
func TestThreatsKeepTheirIDsWithTheBuiltinAlone(t *testing.T) {
	alone := func(t *testing.T) func(*analyze.Config) {
		both := withColleague(t)
		return func(c *analyze.Config) {
			both(c)
			c.Analyst, c.Colleague, c.Model, c.Prompts = c.Colleague, nil, "", ""
		}
	}
	for _, tt := range sameThreats {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			first := b.run(orders(), options{change: alone(t)})
			if len(ids(first)) < 3 {
				t.Fatalf("too little is found for the test to prove anything\n%s", describe(first))
			}
			var decisions []threatmodel.Decision
			for _, id := range ids(first) {
				decisions = append(decisions, decide(t, first, id, threatmodel.ActionConfirm))
			}
			for _, fresh := range []bool{true, false} {
				second := b.run(tt.change(t, orders()), options{baseline: first, fresh: fresh, decisions: decisions, change: alone(t)})
				checkKept(t, first, second, tt.review)
			}
			if n := b.calls(); n != 0 {
				t.Errorf("a model was asked %d times", n)
			}
		})
	}
}
