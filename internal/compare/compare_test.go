package compare_test

import (
	"os"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/bartizan-security/bartizan/internal/compare"
	"github.com/bartizan-security/bartizan/internal/reconcile"
	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

const quote = "The Order Gateway calls the Price Service over plain HTTP."

// model is a model of two documents and three threats, all open.
func model() *threatmodel.Model {
	m := &threatmodel.Model{
		SchemaVersion: threatmodel.SchemaVersion,
		Documents: []threatmodel.Document{
			{ID: "D-1", Name: "a.md", SHA256: "1", Sentences: hashes(quote, "Changes are not logged.", "Anybody may export.")},
			{ID: "D-2", Name: "b.md", SHA256: "2"},
		},
		Elements: []threatmodel.Element{{ID: "E-1", Name: "Order Gateway", Kind: threatmodel.Process}, {ID: "E-2", Name: "Order Store", Kind: threatmodel.DataStore}},
		Analysis: threatmodel.Analysis{ID: "a-1"},
	}
	for i, q := range []string{quote, "Changes are not logged.", "Anybody may export."} {
		m.Threats = append(m.Threats, threatmodel.Threat{
			ID: []string{"T-1", "T-2", "T-3"}[i], Title: q, Statement: q, Family: "logging", Elements: []string{"E-1"}, Status: threatmodel.StatusOpen, Risk: threatmodel.Medium,
			Evidence: []threatmodel.Evidence{{Quote: q, Document: "D-1", Locator: threatmodel.Locator{HeadingPath: []string{"Orders"}}}},
			Controls: []threatmodel.ControlRef{{Catalog: "iso", ID: "A.8.15", Verdict: threatmodel.Partial}},
		})
	}
	return m
}

func hashes(sentences ...string) []string {
	var out []string
	for _, s := range sentences {
		out = append(out, reconcile.Hash(s)[:16])
	}
	return out
}

// next is the model after, as another analysis left it.
func next() *threatmodel.Model {
	m := model()
	m.Analysis.ID = "a-2"
	m.Analysis.History = []string{"a-1"}
	return m
}

func of(t *testing.T, c *threatmodel.Changes, id string) threatmodel.ThreatChange {
	t.Helper()
	i := slices.IndexFunc(c.Threats, func(x threatmodel.ThreatChange) bool { return x.Threat == id })
	if i < 0 {
		t.Fatalf("nothing is said of %s", id)
	}
	return c.Threats[i]
}

func TestWhatBecameOfAThreat(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(*threatmodel.Model)
		kind   threatmodel.ChangeKind
		cause  string
		says   string
	}{
		{"nothing", func(*threatmodel.Model) {}, threatmodel.ThreatUnchanged, "", ""},
		{"other words", func(m *threatmodel.Model) { m.Threats[0].Title = "Prices" }, threatmodel.ThreatReworded, threatmodel.CauseAnalyst, ""},
		{"under another heading", func(m *threatmodel.Model) { m.Threats[0].Evidence[0].Locator.HeadingPath = []string{"Prices"} }, threatmodel.ThreatMoved, "", ""},
		{"in another document", func(m *threatmodel.Model) { m.Threats[0].Evidence[0].Document = "D-2" }, threatmodel.ThreatMoved, "", ""},
		{"resolved", func(m *threatmodel.Model) { m.Threats[0].Status = threatmodel.StatusResolved }, threatmodel.ThreatResolved, threatmodel.CauseAnalyst, "It is resolved now; it was open."},
		{"its text gone", func(m *threatmodel.Model) {
			m.Threats[0].Status, m.Documents[0].Sentences = threatmodel.StatusResolved, hashes("Anybody may export.")
		}, threatmodel.ThreatResolved, threatmodel.CauseDocument, ""},
		{"merged", func(m *threatmodel.Model) { m.Threats[0].MergedInto = "T-2" }, threatmodel.ThreatMerged, threatmodel.CauseAnalyst, "It is one with T-2 now."},
		{"accepted", func(m *threatmodel.Model) { m.Threats[0].Status = threatmodel.StatusAccepted }, threatmodel.ThreatChanged, threatmodel.CauseAnalyst, "It is accepted now; it was open."},
		{"another verdict", func(m *threatmodel.Model) { m.Threats[0].Controls[0].Verdict = threatmodel.Bypassed }, threatmodel.ThreatChanged, threatmodel.CauseAnalyst, "The verdict on iso:A.8.15 went from partial to bypassed."},
		{"another control", func(m *threatmodel.Model) { m.Threats[0].Controls[0].ID = "A.8.16" }, threatmodel.ThreatChanged, threatmodel.CauseAnalyst, "iso:A.8.16 is among its controls now: partial."},
		{"another risk", func(m *threatmodel.Model) { m.Threats[0].Risk = threatmodel.High }, threatmodel.ThreatChanged, threatmodel.CauseAnalyst, "The risk went from medium to high."},
		{"another element", func(m *threatmodel.Model) { m.Threats[0].Elements = []string{"E-2"} }, threatmodel.ThreatChanged, threatmodel.CauseAnalyst, "It concerns Order Store now; it was Order Gateway."},
		{"another family", func(m *threatmodel.Model) { m.Threats[0].Family = "session" }, threatmodel.ThreatChanged, threatmodel.CauseAnalyst, "of the family session now; it was logging."},
		{"another quote", func(m *threatmodel.Model) { m.Threats[0].Evidence[0].Quote = "The Order Gateway calls nobody." }, threatmodel.ThreatChanged, threatmodel.CauseDocument, "1 of its quotes is gone."},
		{"not reproduced", func(m *threatmodel.Model) { m.Threats[0].NotReproduced = true }, threatmodel.ThreatNotReproduced, threatmodel.CauseAnalyst, ""},
		{"up for review", func(m *threatmodel.Model) {
			m.Threats[0].ReviewDue = &threatmodel.ReviewDue{Reason: "A quote was edited.", Cause: threatmodel.CauseDocument, Before: "x", After: "y"}
		}, threatmodel.ThreatUnchanged, threatmodel.CauseDocument, "looked at again: A quote was edited."},
		{"unknown to the newer", func(m *threatmodel.Model) { m.Threats = m.Threats[1:] }, threatmodel.ThreatResolved, threatmodel.CauseAnalyst, "The newer model does not know it."},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m := next()
			tt.change(m)
			c := of(t, compare.Models(model(), m), "T-1")
			if c.Kind != tt.kind || c.Cause != tt.cause {
				t.Errorf("%s by %q, want %s by %q", c.Kind, c.Cause, tt.kind, tt.cause)
			}
			if !strings.Contains(strings.Join(c.Details, "\n"), tt.says) || (tt.says == "" && len(c.Details) > 0 && tt.kind != threatmodel.ThreatResolved) {
				t.Errorf("the details are %q, want %q", c.Details, tt.says)
			}
		})
	}
}

func TestAddedAndReturned(t *testing.T) {
	older, newer := model(), next()
	older.Threats[1].Status = threatmodel.StatusResolved
	older.Threats = older.Threats[:2]
	newer.Threats[2].Evidence[0].Quote = "A sentence that is new."
	c := compare.Models(older, newer)
	if x := of(t, c, "T-3"); x.Kind != threatmodel.ThreatAdded || x.Cause != threatmodel.CauseDocument || x.RaisedTo != threatmodel.Medium {
		t.Errorf("%+v", x)
	}
	if x := of(t, c, "T-2"); x.Kind != threatmodel.ThreatReturned {
		t.Errorf("%+v", x)
	}
	newer.Threats[2].Evidence[0].Quote = "Anybody may export."
	if x := of(t, compare.Models(older, newer), "T-3"); x.Cause != threatmodel.CauseAnalyst {
		t.Errorf("its sentence stood before: %+v", x)
	}
	newer.Threats[2].Status = threatmodel.StatusResolved
	if n := len(compare.Models(older, newer).Threats); n != 2 {
		t.Errorf("a threat that came and went is told of: %d", n)
	}
}

func TestDocumentsAndElements(t *testing.T) {
	m := next()
	m.Documents[0].SHA256 = "other"
	m.Documents[1] = threatmodel.Document{ID: "D-3", Name: "c.md"}
	m.Elements[0].Name = "Gateway"
	m.Elements[1] = threatmodel.Element{ID: "E-3", Name: "Cache"}
	c := compare.Models(model(), m)
	var got []string
	for _, d := range c.Documents {
		got = append(got, d.Change+" "+d.Name)
	}
	for _, e := range c.Elements {
		got = append(got, e.Change+" "+e.Name)
	}
	want := []string{"edited a.md", "removed b.md", "added c.md", "added Cache", "removed Order Store", "renamed Gateway"}
	if !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

// TestTheAnalysisKnowsBest: where the newer was made on the older, its own record
// is given.
func TestTheAnalysisKnowsBest(t *testing.T) {
	m := next()
	m.Changes = &threatmodel.Changes{Baseline: "a-1"}
	if compare.Models(model(), m) != m.Changes {
		t.Error("the record is not given")
	}
	m.Changes.Baseline = "a-0"
	if compare.Models(model(), m) == m.Changes {
		t.Error("the record of another comparison is given")
	}
}

func TestRelated(t *testing.T) {
	if !compare.Related(model(), next()) || !compare.Related(model(), model()) {
		t.Error("one made on the other is not related")
	}
	stranger := next()
	stranger.Analysis.History = nil
	if compare.Related(model(), stranger) || compare.Related(next(), model()) {
		t.Error("a stranger, or the older one, is taken for made on it")
	}
}

// TestNothingChangedInTheSameModel holds for any selection of threats, whatever
// their state.
func TestNothingChangedInTheSameModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := next()
		for i := range m.Threats {
			m.Threats[i].Status = rapid.SampledFrom([]threatmodel.Status{
				threatmodel.StatusOpen, threatmodel.StatusAccepted, threatmodel.StatusResolved, threatmodel.StatusRejected,
			}).Draw(t, "status")
			m.Threats[i].Risk = rapid.SampledFrom(threatmodel.Levels()).Draw(t, "risk")
		}
		c := compare.Models(m, m)
		for _, x := range c.Threats {
			if x.Kind != threatmodel.ThreatUnchanged || x.RaisedTo != "" || x.Review {
				t.Fatalf("%+v", x)
			}
		}
		if len(c.Elements) > 0 || slices.ContainsFunc(c.Documents, func(d threatmodel.DocumentDiff) bool { return d.Change != "unchanged" }) {
			t.Fatalf("%+v", c)
		}
	})
}

func ExampleText() {
	m := next()
	m.Threats[0].Risk = threatmodel.High
	m.Threats[0].Title = "Prices can be\x1b[31m changed"
	m.Threats[1].Status = threatmodel.StatusResolved
	_ = compare.Text(os.Stdout, compare.Models(model(), m))
	// Output:
	// The documents are the same.
	//
	// Changed (1)
	//   T-1  Prices can be changed  [by the analyst]
	//       The risk went from medium to high.
	//       Its risk was raised to high.
	//
	// Resolved (1)
	//   T-2  Changes are not logged.  [by the analyst]
	//       It is resolved now; it was open.
	//
	// Unchanged (1)
}
