package decision_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/bartizan-security/bartizan/internal/decision"
	"github.com/bartizan-security/bartizan/internal/reconcile"
	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

// model has three open threats of medium risk, each on a sentence of its own.
func model() *threatmodel.Model {
	m := &threatmodel.Model{}
	for i, id := range []string{"T-AAAAAA", "T-BBBBBB", "T-CCCCCC"} {
		quote := []string{"The broker accepts every client.", "Operators share a password.", "Readings are not encrypted."}[i]
		t := threatmodel.Threat{
			ID: id, Title: id, Elements: []string{"E-1"}, Family: "authentication", Status: threatmodel.StatusOpen, Source: threatmodel.SourceModel,
			Evidence: []threatmodel.Evidence{{Quote: quote, Document: "d1", Role: threatmodel.States}},
			Controls: []threatmodel.ControlRef{{Catalog: "iso", ID: "A.8.5", Verdict: threatmodel.Absent}},
			Proposed: threatmodel.Proposal{Likelihood: 3, Impact: 3, Risk: threatmodel.Medium}, Risk: threatmodel.Medium, Rating: threatmodel.RatingProposed,
		}
		t.Likelihood.Value, t.Impact.Value = 3, 3
		t.Anchors = reconcile.Anchors(t.Evidence)
		m.Threats = append(m.Threats, t)
	}
	return m
}

func take(t testing.TB, m *threatmodel.Model, threat string, action threatmodel.Action, x decision.Details) threatmodel.Decision {
	t.Helper()
	if x.By == "" {
		x.By = "ada"
	}
	if x.Reason == "" {
		x.Reason = "because"
	}
	if x.At.IsZero() {
		x.At = noon
	}
	d, err := decision.New(m, threat, action, x)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestTheLastDecisionThatSetsAStatusCounts(t *testing.T) {
	type action = threatmodel.Action
	for name, c := range map[string]struct {
		actions []action
		status  threatmodel.Status
		rating  string
	}{
		"none":                          {nil, threatmodel.StatusOpen, threatmodel.RatingProposed},
		"confirm":                       {[]action{threatmodel.ActionConfirm}, threatmodel.StatusConfirmed, threatmodel.RatingProposed},
		"mitigate":                      {[]action{threatmodel.ActionMitigate}, threatmodel.StatusMitigated, threatmodel.RatingProposed},
		"resolve":                       {[]action{threatmodel.ActionResolve}, threatmodel.StatusResolved, threatmodel.RatingProposed},
		"reject, then accept":           {[]action{threatmodel.ActionReject, threatmodel.ActionAccept}, threatmodel.StatusAccepted, threatmodel.RatingProposed},
		"accept, then reopen":           {[]action{threatmodel.ActionAccept, threatmodel.ActionReopen}, threatmodel.StatusOpen, threatmodel.RatingProposed},
		"resolve, then reopen":          {[]action{threatmodel.ActionResolve, threatmodel.ActionReopen}, threatmodel.StatusOpen, threatmodel.RatingProposed},
		"reopen, then confirm":          {[]action{threatmodel.ActionReopen, threatmodel.ActionConfirm}, threatmodel.StatusConfirmed, threatmodel.RatingProposed},
		"a rerating sets no status":     {[]action{threatmodel.ActionAccept, threatmodel.ActionRerate}, threatmodel.StatusAccepted, threatmodel.RatingConfirmed},
		"a rerating of an open one":     {[]action{threatmodel.ActionRerate}, threatmodel.StatusOpen, threatmodel.RatingConfirmed},
		"a rerating outlives reopening": {[]action{threatmodel.ActionRerate, threatmodel.ActionReopen}, threatmodel.StatusOpen, threatmodel.RatingConfirmed},
	} {
		t.Run(name, func(t *testing.T) {
			m := model()
			decisions := []threatmodel.Decision{}
			for i, a := range c.actions {
				x := decision.Details{At: noon.AddDate(0, 0, i)}
				if a == threatmodel.ActionRerate {
					x.Likelihood, x.Impact = 5, 4
				}
				decisions = append(decisions, take(t, m, "T-AAAAAA", a, x))
			}
			decision.Apply(m, decisions, noon.AddDate(0, 1, 0))
			x := m.Threat("T-AAAAAA")
			if x.Status != c.status || x.Rating != c.rating || x.ReviewDue != nil || len(x.Decisions) != len(c.actions) {
				t.Errorf("status %s, rating %s, review %+v, %d decisions", x.Status, x.Rating, x.ReviewDue, len(x.Decisions))
			}
			if c.rating == threatmodel.RatingConfirmed && (x.Likelihood.Value != 5 || x.Impact.Value != 4 || x.Risk != threatmodel.Critical || x.Proposed.Risk != threatmodel.Medium) {
				t.Errorf("rated %d x %d, %s; proposed %s", x.Likelihood.Value, x.Impact.Value, x.Risk, x.Proposed.Risk)
			}
			if other := m.Threat("T-BBBBBB"); other.Status != threatmodel.StatusOpen || len(other.Decisions) > 0 {
				t.Errorf("another threat became %s", other.Status)
			}
		})
	}
}

func TestADecisionTakenBackLeavesNothing(t *testing.T) {
	m := model()
	decision.Apply(m, []threatmodel.Decision{
		take(t, m, "T-AAAAAA", threatmodel.ActionAccept, decision.Details{}), take(t, m, "T-AAAAAA", threatmodel.ActionRerate, decision.Details{Likelihood: 5, Impact: 5}),
		take(t, m, "T-BBBBBB", threatmodel.ActionDuplicate, decision.Details{Of: "T-AAAAAA"}),
	}, noon)
	decision.Apply(m, []threatmodel.Decision{}, noon) // the entries are gone from the file
	if got, want := asJSON(t, emptied(m)), asJSON(t, emptied(model())); got != want {
		t.Errorf("something stays:\n%s", got)
	}
}

// emptied makes no decisions and nil decisions the same.
func emptied(m *threatmodel.Model) *threatmodel.Model {
	for i := range m.Threats {
		if len(m.Threats[i].Decisions) == 0 {
			m.Threats[i].Decisions = nil
		}
	}
	return m
}

func asJSON(t testing.TB, v any) string {
	t.Helper()
	raw, err := json.MarshalIndent(v, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

func TestAnAcceptancePastItsDateIsOpenAgain(t *testing.T) {
	m := model()
	until, err := decision.ParseDay("2026-06-30")
	if err != nil {
		t.Fatal(err)
	}
	decisions := []threatmodel.Decision{take(t, m, "T-AAAAAA", threatmodel.ActionAccept, decision.Details{Until: &until})}
	for at, status := range map[string]threatmodel.Status{
		"2026-03-02T00:00:00Z": threatmodel.StatusAccepted, "2026-06-30T23:59:59Z": threatmodel.StatusAccepted,
		"2026-07-01T00:00:00Z": threatmodel.StatusOpen, "2026-07-01T00:30:00+02:00": threatmodel.StatusAccepted, "2030-01-01T00:00:00Z": threatmodel.StatusOpen,
	} {
		now, err := time.Parse(time.RFC3339, at)
		if err != nil {
			t.Fatal(err)
		}
		decision.Apply(m, decisions, now)
		x := m.Threat("T-AAAAAA")
		if x.Status != status || (x.ReviewDue != nil) != (status == threatmodel.StatusOpen) {
			t.Errorf("at %s: %s, review %+v", at, x.Status, x.ReviewDue)
		}
		if x.ReviewDue != nil && (x.ReviewDue.Cause != threatmodel.CauseTime || x.ReviewDue.Reason != "The acceptance ended on 2026-06-30.") {
			t.Errorf("at %s: the review says %+v", at, x.ReviewDue)
		}
	}
	t.Run("one without end does not end", func(t *testing.T) {
		m := model()
		decision.Apply(m, []threatmodel.Decision{take(t, m, "T-AAAAAA", threatmodel.ActionAccept, decision.Details{})}, noon.AddDate(50, 0, 0))
		if x := m.Threat("T-AAAAAA"); x.Status != threatmodel.StatusAccepted || x.ReviewDue != nil {
			t.Errorf("%s, review %+v", x.Status, x.ReviewDue)
		}
	})
	t.Run("a renewed one counts", func(t *testing.T) {
		later := until.AddDate(1, 0, 0)
		renewed := append(slices.Clone(decisions), take(t, m, "T-AAAAAA", threatmodel.ActionAccept, decision.Details{At: until.AddDate(0, 1, 0), Until: &later}))
		decision.Apply(m, renewed, until.AddDate(0, 2, 0))
		if x := m.Threat("T-AAAAAA"); x.Status != threatmodel.StatusAccepted || x.ReviewDue != nil {
			t.Errorf("%s, review %+v", x.Status, x.ReviewDue)
		}
	})
	t.Run("other reasons stay beside it", func(t *testing.T) {
		m := model()
		d := take(t, m, "T-AAAAAA", threatmodel.ActionAccept, decision.Details{Until: &until})
		m.Threats[0].Controls[0].Verdict = threatmodel.Bypassed
		decision.Apply(m, []threatmodel.Decision{d}, until.AddDate(0, 0, 1))
		due := m.Threats[0].ReviewDue
		if due == nil || !strings.Contains(due.Reason, "ended on 2026-06-30") || !strings.Contains(due.Reason, "from absent to bypassed") {
			t.Errorf("the review says %+v", due)
		}
	})
}

func TestADecisionOnAnotherTextIsToBeLookedAt(t *testing.T) {
	for name, change := range map[string]func(*threatmodel.Threat){
		"another sentence": func(x *threatmodel.Threat) {
			x.Evidence[0].Quote = "The broker accepts no client."
			x.Anchors = reconcile.Anchors(x.Evidence)
		},
		"another verdict":       func(x *threatmodel.Threat) { x.Controls[0].Verdict = threatmodel.Claimed },
		"another proposed risk": func(x *threatmodel.Threat) { x.Proposed.Risk = threatmodel.High },
		"another element":       func(x *threatmodel.Threat) { x.Elements[0] = "E-2" },
		"another family":        func(x *threatmodel.Threat) { x.Family = "session" },
	} {
		t.Run(name, func(t *testing.T) {
			m := model()
			d := take(t, m, "T-AAAAAA", threatmodel.ActionAccept, decision.Details{})
			change(&m.Threats[0])
			decision.Apply(m, []threatmodel.Decision{d}, noon)
			if x := m.Threats[0]; x.ReviewDue == nil || x.Status != threatmodel.StatusAccepted || !x.IsOpen() {
				t.Errorf("%s, review %+v", x.Status, x.ReviewDue)
			}
			anew := take(t, m, "T-AAAAAA", threatmodel.ActionAccept, decision.Details{At: noon.AddDate(0, 0, 1)})
			decision.Apply(m, []threatmodel.Decision{d, anew}, noon.AddDate(0, 0, 2))
			if x := m.Threats[0]; x.ReviewDue != nil {
				t.Errorf("decided anew, yet to review: %+v", x.ReviewDue)
			}
		})
	}
}

func TestWhatAnalysisMarkedStaysUntilAPersonDecides(t *testing.T) {
	m := model()
	d := take(t, m, "T-AAAAAA", threatmodel.ActionAccept, decision.Details{})
	m.Threats[0].Decisions = []threatmodel.Decision{d}
	m.Threats[0].ReviewDue = &threatmodel.ReviewDue{Reason: "A sentence was edited.", Cause: threatmodel.CauseDocument, Before: "a", After: "b"}
	want := *m.Threats[0].ReviewDue
	for range 2 {
		decision.Apply(m, nil, noon)
		if due := m.Threats[0].ReviewDue; due == nil || *due != want {
			t.Fatalf("the mark became %+v", due)
		}
	}
	decision.Apply(m, []threatmodel.Decision{d, take(t, m, "T-AAAAAA", threatmodel.ActionReject, decision.Details{At: noon.AddDate(0, 0, 1)})}, noon)
	if x := m.Threats[0]; x.ReviewDue != nil || x.Status != threatmodel.StatusRejected {
		t.Errorf("%s, review %+v", x.Status, x.ReviewDue)
	}
}

func TestADecisionOnNoThreatBecomesANotice(t *testing.T) {
	m := model()
	m.Notices = []threatmodel.Notice{{Kind: threatmodel.NoticeFormat, Text: "stays"}, {Kind: threatmodel.NoticeDecision, Text: "of an earlier file"}}
	d := accept("T-ZZZZZZ")
	for range 2 {
		decision.Apply(m, []threatmodel.Decision{d}, noon)
	}
	if len(m.Notices) != 2 || m.Notices[0].Text != "stays" || !strings.Contains(m.Notices[1].Text, "T-ZZZZZZ") || !strings.Contains(m.Notices[1].Text, "ada on 2026-03-01") {
		t.Errorf("the notices are %+v", m.Notices)
	}
}

func TestDuplicate(t *testing.T) {
	m := model()
	d := take(t, m, "T-BBBBBB", threatmodel.ActionDuplicate, decision.Details{Of: "t-aaaaaa"})
	decision.Apply(m, []threatmodel.Decision{d}, noon)
	if x := m.Threat("T-BBBBBB"); x.Status != threatmodel.StatusDuplicate || x.DuplicateOf != "T-AAAAAA" || x.ReviewDue != nil || x.IsOpen() {
		t.Errorf("%s of %q, review %+v", x.Status, x.DuplicateOf, x.ReviewDue)
	}
	t.Run("of itself, or in a circle, is refused", func(t *testing.T) {
		for threat, of := range map[string]string{"T-BBBBBB": "T-BBBBBB", "T-AAAAAA": "T-BBBBBB"} {
			if _, err := decision.New(m, threat, threatmodel.ActionDuplicate, decision.Details{By: "ada", At: noon, Of: of}); err == nil {
				t.Errorf("%s became a duplicate of %s", threat, of)
			}
		}
	})
	t.Run("of what is no more, is to be looked at", func(t *testing.T) {
		m.Threats = m.Threats[1:]
		decision.Apply(m, []threatmodel.Decision{d}, noon)
		if x := m.Threat("T-BBBBBB"); x.ReviewDue == nil || !strings.Contains(x.ReviewDue.Reason, "T-AAAAAA") {
			t.Errorf("review %+v", x.ReviewDue)
		}
	})
}

func TestNewFindsThreatsAsPeopleTypeThem(t *testing.T) {
	m := model()
	m.Threats[0].ID = "T-10V0AB"
	for typed, want := range map[string]string{"T-10V0AB": "", "t-IOVoab": "", " 10v0ab ": "", "T-10V0AC": "near: T-10V0AB", "T-XXXXXX": "the model has 3 threats"} {
		d, err := decision.New(m, typed, threatmodel.ActionConfirm, decision.Details{By: "ada", At: noon})
		if want == "" && (err != nil || d.Threat != "T-10V0AB") || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%q gave %s, %v", typed, d.Threat, err)
		}
	}
	m.Threats[1].MergedInto = "T-10V0AB"
	if _, err := decision.New(m, "T-BBBBBB", threatmodel.ActionConfirm, decision.Details{By: "ada", At: noon}); err == nil || !strings.Contains(err.Error(), "decide on that") {
		t.Errorf("a threat for which another stands was decided on: %v", err)
	}
}

func TestADecisionIsBoundToWhatItWasTakenOn(t *testing.T) {
	m := model()
	m.Threats[0].Controls[0].Evidence = []threatmodel.Evidence{{Quote: "Legacy meters skip it.", Document: "d1", Role: threatmodel.Contradicts}}
	d := take(t, m, "T-AAAAAA", threatmodel.ActionAccept, decision.Details{})
	var quotes []string
	for _, a := range d.Anchors {
		quotes = append(quotes, a.Quote)
	}
	if !slices.Equal(quotes, []string{"The broker accepts every client.", "Legacy meters skip it."}) || d.Verdicts["iso:A.8.5"] != threatmodel.Absent || d.Proposed != threatmodel.Medium || d.Element != "E-1" || d.Family != "authentication" {
		t.Errorf("bound to %q and %+v", quotes, d)
	}
}

// TestApplyingTwiceChangesNothing, with any decisions at any time.
func TestApplyingTwiceChangesNothing(t *testing.T) {
	base := t
	rapid.Check(t, func(t *rapid.T) {
		m := model()
		decisions := []threatmodel.Decision{}
		for i := range rapid.IntRange(0, 6).Draw(t, "decisions") {
			x := decision.Details{At: noon.AddDate(0, 0, i)}
			action := rapid.SampledFrom(threatmodel.Actions()).Draw(t, "action")
			threat := rapid.IntRange(0, 2).Draw(t, "threat")
			switch action {
			case threatmodel.ActionDuplicate:
				x.Of = m.Threats[(threat+1)%3].ID
			case threatmodel.ActionRerate:
				x.Likelihood, x.Impact = rapid.IntRange(1, 5).Draw(t, "likelihood"), rapid.IntRange(1, 5).Draw(t, "impact")
			case threatmodel.ActionAccept:
				until := noon.AddDate(0, 0, i+rapid.IntRange(0, 9).Draw(t, "days"))
				x.Until = &until
			}
			decisions = append(decisions, take(base, m, m.Threats[threat].ID, action, x))
		}
		if len(decisions) > 0 && rapid.Bool().Draw(t, "another text") {
			decisions[0].Anchors[0].Hash = "other"
		}
		now := noon.AddDate(0, 0, rapid.IntRange(0, 20).Draw(t, "days later"))
		decision.Apply(m, decisions, now)
		once := asJSON(base, m)
		decision.Apply(m, decisions, now)
		if twice := asJSON(base, m); once != twice {
			t.Fatalf("applied once:\n%s\ntwice:\n%s", once, twice)
		}
		decision.Apply(m, nil, now)
		if copies := asJSON(base, m); once != copies {
			t.Fatalf("from the file:\n%s\nfrom the copies:\n%s", once, copies)
		}
		for i := range m.Threats {
			if x := m.Threats[i]; x.Status == threatmodel.StatusAccepted && x.ReviewDue == nil {
				if d := reconcile.Standing(x.Decisions); d.Until != nil && now.After(*d.Until) {
					t.Fatalf("%s is accepted past %s", x.ID, d.Until)
				}
			}
		}
	})
}
