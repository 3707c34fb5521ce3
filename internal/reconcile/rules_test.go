package reconcile_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bartizan-security/bartizan/internal/reconcile"
	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

var design = corpus{
	"a.md": `# Metering

## Collection

Meters reach the broker from the internet. The broker is reachable without a client certificate. It buffers readings for an hour.

## Console

Operators sign in to the console with a shared password. Sessions of the console never expire.
`,
	"b.md": `# Storage

The store keeps readings for ten years. Readings in the store are not encrypted. Backups of the store lie in a public bucket.
`,
}

const (
	noCertificate = "The broker is reachable without a client certificate."
	sharedLogin   = "Operators sign in to the console with a shared password."
	noExpiry      = "Sessions of the console never expire."
	notEncrypted  = "Readings in the store are not encrypted."
	publicBucket  = "Backups of the store lie in a public bucket."
)

func standard() []find {
	return []find{
		{element: "E-broker", family: "authentication", words: []string{"The broker is reachable"}},
		{element: "E-console", family: "credentials", words: []string{"Operators sign in"}},
		{element: "E-console", family: "session", words: []string{"Sessions of the console"}},
		{element: "E-store", family: "cleartext", words: []string{"Readings in the store", "The store keeps"}},
		{element: "E-store", family: "permissions", words: []string{"Backups of the store"}},
	}
}

func firstModel() *threatmodel.Model { return round{text: design, finds: standard()}.run() }

// allUnchangedBut checks that nothing else is told than of the given threats.
func allUnchangedBut(t *testing.T, m *threatmodel.Model, ids ...string) {
	t.Helper()
	for _, c := range m.Changes.Threats {
		if !slices.Contains(ids, c.Threat) && c.Kind != threatmodel.ThreatUnchanged {
			t.Errorf("%s %q is told to be %s: %v", c.Threat, c.Title, c.Kind, c.Details)
		}
	}
}

func TestNothingChanged(t *testing.T) {
	old := firstModel()
	m := round{old: old, text: design, finds: standard()}.run()
	if diff := cmp.Diff(ids(old), ids(m)); diff != "" {
		t.Errorf("ids changed:\n%s", diff)
	}
	allUnchangedBut(t, m)
}

func TestMovedTextIsNoChange(t *testing.T) {
	old := firstModel()
	brokerID := idOf(t, old, "E-broker", "authentication")
	decision := decide(t, old, brokerID, threatmodel.ActionAccept)
	for name, text := range map[string]corpus{
		"to another document":          {"a.md": strings.Replace(design["a.md"], noCertificate+" ", "", 1), "b.md": design["b.md"] + "\n## Broker\n\n" + noCertificate + "\n"},
		"to another section":           {"a.md": strings.Replace(design["a.md"], noCertificate+" ", "", 1) + "\n## Broker\n\n" + noCertificate + "\n", "b.md": design["b.md"]},
		"under a renamed heading":      design.edited("## Collection", "## Ingest"),
		"to a renamed document":        {"z.md": design["a.md"], "b.md": design["b.md"]},
		"with other line breaks":       design.edited("reachable without", "reachable\nwithout"),
		"with other quotes and dashes": design.edited(noCertificate, "The broker is  reachable without a client certificate."),
	} {
		t.Run(name, func(t *testing.T) {
			m := round{old: old, text: text, finds: standard(), decisions: []threatmodel.Decision{decision}}.run()
			if diff := cmp.Diff(ids(old), ids(m)); diff != "" {
				t.Errorf("ids changed:\n%s", diff)
			}
			if got := reviews(m); len(got) > 0 {
				t.Errorf("%v are put to review though no word changed: %s", got, threatOf(t, m, got[0]).ReviewDue.Reason)
			}
			for _, c := range m.Changes.Threats {
				if c.Kind != threatmodel.ThreatUnchanged && c.Kind != threatmodel.ThreatMoved {
					t.Errorf("%q is told to be %s: %v", c.Title, c.Kind, c.Details)
				}
			}
			if x := threatOf(t, m, brokerID); x.Status != threatmodel.StatusAccepted || x.IsOpen() {
				t.Errorf("the acceptance does not count: %s, %+v", x.Status, x.ReviewDue)
			}
		})
	}
}

func TestDeletedSentenceResolvesExactlyThatThreat(t *testing.T) {
	old := firstModel()
	id := idOf(t, old, "E-console", "session")
	m := round{old: old, text: design.edited(" "+noExpiry, ""), finds: standard()}.run()
	if got := kinds(m)[threatmodel.ThreatResolved]; !slices.Equal(got, []string{id}) {
		t.Errorf("resolved are %v, want %s alone", got, id)
	}
	allUnchangedBut(t, m, id)
	x := threatOf(t, m, id)
	if x.Status != threatmodel.StatusResolved || len(x.Evidence) != 0 || len(x.FormerEvidence) != 1 || x.FormerEvidence[0].Quote != noExpiry {
		t.Errorf("the tombstone is %s with evidence %v and former %v", x.Status, x.Evidence, x.FormerEvidence)
	}
	if want := old.Document("a.md").SHA256; x.FormerEvidence[0].SHA256 != want {
		t.Errorf("former evidence names the revision %s, want the one that held it, %s", x.FormerEvidence[0].SHA256, want)
	}
	if c := changeOf(t, m, id); c.Cause != threatmodel.CauseDocument || c.Before != noExpiry {
		t.Errorf("the change is told as %+v", c)
	}
}

func TestDeletedSentencePutsADecidedThreatToReviewInstead(t *testing.T) {
	old := firstModel()
	id := idOf(t, old, "E-console", "session")
	for _, action := range []threatmodel.Action{threatmodel.ActionConfirm, threatmodel.ActionReject, threatmodel.ActionAccept, threatmodel.ActionMitigate} {
		m := round{old: old, text: design.edited(" "+noExpiry, ""), finds: standard(), decisions: []threatmodel.Decision{decide(t, old, id, action)}}.run()
		if got := reviews(m); !slices.Equal(got, []string{id}) {
			t.Fatalf("%s: to review are %v, want %s alone", action, got, id)
		}
		x := threatOf(t, m, id)
		if x.Status == threatmodel.StatusResolved || x.ReviewDue.Before != noExpiry || x.ReviewDue.Cause != threatmodel.CauseDocument {
			t.Errorf("%s: the threat is %s, review %+v", action, x.Status, x.ReviewDue)
		}
		if got := kinds(m)[threatmodel.ThreatResolved]; len(got) > 0 {
			t.Errorf("%s: %v are resolved", action, got)
		}
	}
}

func TestNegationPutsExactlyThatDecisionToReview(t *testing.T) {
	old := firstModel()
	broker, console := idOf(t, old, "E-broker", "authentication"), idOf(t, old, "E-console", "credentials")
	decisions := []threatmodel.Decision{decide(t, old, broker, threatmodel.ActionAccept), decide(t, old, console, threatmodel.ActionAccept)}
	negated := design.edited("The broker is reachable", "The broker is not reachable")
	const now = "The broker is not reachable without a client certificate."
	for name, r := range map[string]round{
		"the analyst still says so": {finds: append(standard()[1:], find{element: "E-broker", family: "authentication", words: []string{"The broker is not"}})},
		"the analyst says nothing":  {finds: standard()},
		"challenge contradicts it": {finds: standard(), findings: map[string]reconcile.Finding{broker: {
			Outcome: reconcile.Contradicted, Reason: "A certificate is needed.",
		}}},
	} {
		t.Run(name, func(t *testing.T) {
			r.old, r.text, r.decisions = old, negated, decisions
			m := r.run()
			if got := reviews(m); !slices.Equal(got, []string{broker}) {
				t.Fatalf("to review are %v, want %s alone", got, broker)
			}
			x := threatOf(t, m, broker)
			if x.Status != threatmodel.StatusAccepted || !x.IsOpen() {
				t.Errorf("the threat is %s, open %v: an acceptance does not count until it is renewed", x.Status, x.IsOpen())
			}
			if x.ReviewDue.Before != noCertificate || x.ReviewDue.After != now {
				t.Errorf("the review shows %q and %q", x.ReviewDue.Before, x.ReviewDue.After)
			}
			if !changeOf(t, m, broker).Review {
				t.Error("the change report does not say so")
			}
		})
	}
}

func TestAnEditedSentenceGoesToChallengeWhereNobodyFoundTheThreatAgain(t *testing.T) {
	old := firstModel()
	id := idOf(t, old, "E-broker", "authentication")
	negated := design.edited("The broker is reachable", "The broker is not reachable")
	plan := round{old: old, text: negated, finds: standard()}.plan()
	asked := plan.Challenge()
	if len(asked) != 1 || asked[0].ID != id || len(asked[0].Evidence) != 1 || !strings.Contains(asked[0].Evidence[0].Quote, "is not reachable") {
		t.Fatalf("to challenge are %+v, want the threat on the text as it stands", asked)
	}
	for outcome, want := range map[reconcile.Outcome]threatmodel.Status{
		reconcile.Contradicted: threatmodel.StatusResolved, reconcile.Supported: threatmodel.StatusOpen, reconcile.Insufficient: threatmodel.StatusOpen,
	} {
		m := round{old: old, text: negated, finds: standard(), findings: map[string]reconcile.Finding{id: {Outcome: outcome, Reason: "see text"}}}.run()
		x := threatOf(t, m, id)
		if x.Status != want {
			t.Errorf("%s: the threat is %s, want %s", outcome, x.Status, want)
		}
		if x.NotReproduced != (outcome == reconcile.Insufficient) {
			t.Errorf("%s: not reproduced is %v", outcome, x.NotReproduced)
		}
		if (x.Confidence == threatmodel.ConfidenceLow) != (outcome == reconcile.Insufficient) {
			t.Errorf("%s: the confidence is %s", outcome, x.Confidence)
		}
		allUnchangedBut(t, m, id)
	}
}

func TestTypingErrorMendedKeepsTheID(t *testing.T) {
	old := firstModel()
	for name, c := range map[string]struct{ from, to, words string }{
		"a word":                          {"client certificate", "client-side certificate", "The broker is reachable"},
		"in the middle":                   {"is reachable without a client", "is reacheable without a client", "The broker is reacheable"},
		"half the words, same heading":    {noCertificate, "The broker is reachable without any proof of identity.", "The broker is reachable without any"},
		"a sentence added in front of it": {noCertificate, "It is old. " + noCertificate, "The broker is reachable"},
	} {
		t.Run(name, func(t *testing.T) {
			finds := append(standard()[1:], find{element: "E-broker", family: "authentication", words: []string{c.words}, title: "another wording of it"})
			m := round{old: old, text: design.edited(c.from, c.to), finds: finds}.run()
			if diff := cmp.Diff(ids(old), ids(m)); diff != "" {
				t.Errorf("ids changed:\n%s", diff)
			}
			allUnchangedBut(t, m, idOf(t, old, "E-broker", "authentication"))
		})
	}
}

func TestAnotherSentenceIsNoEditedOne(t *testing.T) {
	old := firstModel()
	id := idOf(t, old, "E-broker", "authentication")
	m := round{old: old, text: design.edited(noCertificate, "A firewall of the data centre guards every port."), finds: standard()}.run()
	if x := threatOf(t, m, id); x.Status != threatmodel.StatusResolved {
		t.Errorf("the threat is %s with %v: its sentence is gone", x.Status, x.Evidence)
	}
}

func TestTombstoneReturnsUnderItsID(t *testing.T) {
	old := firstModel()
	id := idOf(t, old, "E-console", "session")
	gone := round{old: old, text: design.edited(" "+noExpiry, ""), finds: standard()}.run()
	still := round{old: gone, text: design.edited(" "+noExpiry, ""), finds: standard()}.run()
	if x := threatOf(t, still, id); x.Status != threatmodel.StatusResolved {
		t.Errorf("the tombstone is %s a round later", x.Status)
	}
	for _, c := range still.Changes.Threats {
		if c.Threat == id {
			t.Errorf("the tombstone is told of again: %+v", c)
		}
	}
	back := round{old: still, text: design, finds: standard()}.run()
	if x := threatOf(t, back, id); x.Status != threatmodel.StatusOpen || len(x.Evidence) != 1 || len(x.FormerEvidence) != 0 {
		t.Errorf("it came back as %s with %v, former %v", x.Status, x.Evidence, x.FormerEvidence)
	}
	if got := kinds(back)[threatmodel.ThreatReturned]; !slices.Equal(got, []string{id}) {
		t.Errorf("returned are %v, want %s", got, id)
	}
	if len(back.Threats) != len(old.Threats) {
		t.Errorf("%d threats, want %d: nothing may be minted twice", len(back.Threats), len(old.Threats))
	}
}

func TestASilentModelResolvesNothing(t *testing.T) {
	old := firstModel()
	id := idOf(t, old, "E-console", "session")
	finds := slices.DeleteFunc(standard(), func(f find) bool { return f.family == "session" })
	m := round{old: old, text: design, finds: finds}.run()
	x := threatOf(t, m, id)
	if x.Status != threatmodel.StatusOpen || !x.NotReproduced || changeOf(t, m, id).Kind != threatmodel.ThreatNotReproduced {
		t.Errorf("the threat is %s, not reproduced %v, told as %s", x.Status, x.NotReproduced, changeOf(t, m, id).Kind)
	}
	t.Run("and is not marked where its unit was not asked", func(t *testing.T) {
		m := round{old: old, text: design, finds: finds, change: func(in *reconcile.Input) { in.Reused = map[string]bool{"U-E-console": true} }}.run()
		if x := threatOf(t, m, id); x.NotReproduced {
			t.Error("it is marked as not reproduced")
		}
		allUnchangedBut(t, m)
	})
	t.Run("and is found again later", func(t *testing.T) {
		again := round{old: m, text: design, finds: standard()}.run()
		if x := threatOf(t, again, id); x.NotReproduced {
			t.Error("it is still marked as not reproduced")
		}
	})
}

func TestAPatternThatNoLongerFiresOnEditedTextResolves(t *testing.T) {
	finds := []find{{element: "E-broker", family: "authentication", words: []string{"The broker is reachable"}, source: threatmodel.SourcePattern}}
	old := round{text: design, finds: finds}.run()
	id := idOf(t, old, "E-broker", "authentication")
	edited := design.edited("The broker is reachable", "The broker is not reachable")
	patterns := func(in *reconcile.Input) { in.Patterns = true }
	if x := threatOf(t, round{old: old, text: edited, change: patterns}.run(), id); x.Status != threatmodel.StatusResolved {
		t.Errorf("the threat is %s", x.Status)
	}
	if x := threatOf(t, round{old: old, text: edited}.run(), id); x.Status != threatmodel.StatusOpen {
		t.Errorf("no pattern looked at the text, yet the threat is %s", x.Status)
	}
	if x := threatOf(t, round{old: old, text: design, change: patterns}.run(), id); x.Status != threatmodel.StatusOpen || !x.NotReproduced {
		t.Errorf("its text stands, yet it is %s, not reproduced %v", x.Status, x.NotReproduced)
	}
}

func TestElementGone(t *testing.T) {
	old := firstModel()
	id := idOf(t, old, "E-broker", "authentication")
	without := slices.DeleteFunc(system(), func(e threatmodel.Element) bool { return e.ID == "E-broker" })
	edited := design.edited("a client certificate", "certificates")
	finds := standard()[1:]
	if x := threatOf(t, round{old: old, text: edited, finds: finds, elements: without}.run(), id); x.Status != threatmodel.StatusResolved {
		t.Errorf("element and text changed, nobody decided: the threat is %s", x.Status)
	}
	m := round{old: old, text: edited, finds: finds, elements: without, decisions: []threatmodel.Decision{decide(t, old, id, threatmodel.ActionAccept)}}.run()
	if x := threatOf(t, m, id); x.Status != threatmodel.StatusAccepted || x.ReviewDue == nil || x.ReviewDue.Before != noCertificate {
		t.Errorf("decided: the threat is %s, review %+v", x.Status, x.ReviewDue)
	}
	stands := round{old: old, text: design, finds: finds, elements: without}.run()
	if stands.Element("E-broker") == nil {
		t.Error("a threat stands at an element that the model does not have")
	}
	if x := threatOf(t, stands, id); x.Status != threatmodel.StatusOpen {
		t.Errorf("all of its text stands: an element that a survey passed over resolves nothing, yet it is %s", x.Status)
	}
}

// TestATombstoneThatAPersonTookUpGetsItsQuotesBack: confirmed although its text
// was gone, it rests on that text again when it returns, and the person who
// decided without it is asked.
func TestATombstoneThatAPersonTookUpGetsItsQuotesBack(t *testing.T) {
	old := firstModel()
	id := idOf(t, old, "E-console", "session")
	gone := round{old: old, text: design.edited(" "+noExpiry, ""), finds: standard()}.run()
	decision := decide(t, gone, id, threatmodel.ActionConfirm)
	for name, text := range map[string]corpus{"as it was": design, "edited": design.edited("console never expire", "console hardly ever expire")} {
		t.Run(name, func(t *testing.T) {
			m := round{old: gone, text: text, finds: standard()[:1], decisions: []threatmodel.Decision{decision}}.run()
			x := threatOf(t, m, id)
			if len(x.Evidence) != 1 || !strings.HasPrefix(x.Evidence[0].Quote, "Sessions of the console") {
				t.Errorf("it rests on %v", x.Evidence)
			}
			if x.Status != threatmodel.StatusConfirmed || x.ReviewDue == nil {
				t.Errorf("it is %s, review %+v", x.Status, x.ReviewDue)
			}
		})
	}
}

// TestAVerdictGoesWithItsSentence: a kept threat loses a control whose ground no
// longer stands, and that is recorded.
func TestAVerdictGoesWithItsSentence(t *testing.T) {
	f := find{element: "E-console", family: "credentials", words: []string{"Operators sign in"}, verdict: threatmodel.Bypassed, against: "Sessions of the console"}
	old := round{text: design, finds: []find{f}}.run()
	m := round{old: old, text: design.edited("never expire", "expire after a day"), finds: nil, change: func(in *reconcile.Input) {
		in.Reused = map[string]bool{"U-E-console": true}
	}}.run()
	x := m.Threats[0]
	if len(x.Controls) != 0 || x.NoControl == "" {
		t.Errorf("controls are %+v, the reason for none %q", x.Controls, x.NoControl)
	}
	if r := m.Analysis.Rejections; len(r) != 1 || r[0].What != "control" || !strings.Contains(r[0].Reason, noExpiry) {
		t.Errorf("recorded as %+v", r)
	}
}
