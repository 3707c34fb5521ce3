package llm_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/bartizan-security/bartizan/internal/llm/llmtest"
	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

// both is one sentence of which two readers make two threats, and the test server
// says, when it is shown them side by side, that they are one.
const both = "The Support Desk uses one shared password for all agents whose lookups are not logged anywhere."

func twiceTold(t *testing.T) design {
	return orders().change(t, password+"\n"+noLog+"\n", both+"\n")
}

// carried are the live threats that rest on a sentence.
func carried(m *threatmodel.Model, quote string) []*threatmodel.Threat {
	var out []*threatmodel.Threat
	for i := range m.Threats {
		x := &m.Threats[i]
		if x.Live() && len(x.Steps) == 0 && slices.ContainsFunc(x.Evidence, func(e threatmodel.Evidence) bool { return e.Quote == quote }) {
			out = append(out, x)
		}
	}
	return out
}

// TestAThreatToldTwiceIsOne: what only a reader can tell is put to the model, and
// the record says what became of the other.
func TestAThreatToldTwiceIsOne(t *testing.T) {
	b := newBench(t)
	m := b.run(twiceTold(t), options{})
	list := carried(m, both)
	if len(list) != 1 {
		t.Fatalf("%d threats on the sentence:\n%s", len(list), describe(m))
	}
	if !slices.Contains(list[0].CWE, 778) || len(list[0].CWE) < 2 || len(list[0].STRIDE) != 2 {
		t.Errorf("the one that stayed did not take over what the other knew: %v %v", list[0].CWE, list[0].STRIDE)
	}
	i := slices.IndexFunc(m.Analysis.Rejections, func(r threatmodel.Rejection) bool { return r.Stage == threatmodel.StageMerge })
	if i < 0 {
		t.Fatalf("nothing tells of the other:\n%s", describe(m))
	}
	r := m.Analysis.Rejections[i]
	if !strings.Contains(r.Reason, list[0].Title) || len(r.Evidence) == 0 || r.Unit == "" {
		t.Errorf("the record does not say which it repeats, on which sentence, by which unit: %+v", r)
	}
	if !slices.ContainsFunc(m.Analysis.Units, func(u threatmodel.Unit) bool { return u.ID == r.Unit && u.Stage == threatmodel.StageMerge }) {
		t.Errorf("the unit %s is not in the record", r.Unit)
	}
}

// TestARepeatStaysARepeat: neither an edit beside it, nor new words, nor a fresh
// run brings back as new what was found to repeat another.
func TestARepeatStaysARepeat(t *testing.T) {
	b := newBench(t)
	d := twiceTold(t)
	first := b.run(d, options{})
	want := carried(first, both)[0].ID
	b.calls()
	again := b.run(d, options{baseline: first})
	if n := b.calls(); n != 0 || len(ids(again)) != len(ids(first)) {
		t.Fatalf("%d calls, %v after %v, with nothing changed", n, ids(again), ids(first))
	}
	for name, o := range map[string]options{
		"an edit beside it": {baseline: first},
		"a fresh run":       {baseline: first, fresh: true},
	} {
		t.Run(name, func(t *testing.T) {
			b.coldMemo()
			b.server.NextRound()
			edited := d
			if !o.fresh {
				edited = d.change(t, "The Support Desk reads orders from the Order Store for callers.", "The Support Desk reads orders from the Order Store for callers by telephone.")
			}
			m := b.run(edited, o)
			list := carried(m, both)
			if len(list) != 1 || list[0].ID != want {
				t.Errorf("want %s alone on the sentence:\n%s", want, describe(m))
			}
			if k := kinds(m); k[threatmodel.ThreatAdded] != 0 || k[threatmodel.ThreatResolved] != 0 {
				t.Errorf("something is said to be new or gone:\n%s", describe(m))
			}
		})
	}
}

// TestWhatIsMendedApartStaysApart: threats that look alike are asked about, and
// stay as many as the model says.
func TestWhatIsMendedApartStaysApart(t *testing.T) {
	b := newBench(t)
	m := b.run(orders(), options{})
	if !slices.ContainsFunc(b.server.Requests(), func(r llmtest.Request) bool { return r.Stage == string(threatmodel.StageMerge) }) {
		t.Error("nothing was shown side by side")
	}
	for _, quote := range standing {
		if len(carried(m, quote)) != 1 {
			t.Errorf("%d threats on %q:\n%s", len(carried(m, quote)), quote, describe(m))
		}
	}
}
