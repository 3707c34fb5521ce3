package reconcile_test

import (
	"strings"
	"testing"

	"github.com/bartizan-security/bartizan/internal/reconcile"
	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

func TestOfTwoAsGoodTheEarlierGoesOn(t *testing.T) {
	one := find{element: "E-store", family: "cleartext", words: []string{"Readings in the store", "The store keeps"}}
	two := find{element: "E-store", family: "cleartext", words: []string{"Backups of the store", "It buffers"}}
	half := find{element: "E-store", family: "cleartext", words: []string{"Readings in the store", "Backups of the store"}}
	for name, order := range map[string][2]find{"one, then two": {one, two}, "two, then one": {two, one}} {
		t.Run(name, func(t *testing.T) {
			first := round{text: design, finds: order[:1]}.run()
			old := round{old: first, text: design, finds: order[:]}.run()
			m := round{old: old, text: design, finds: []find{half}}.run()
			id := first.Threats[0].ID
			for _, x := range m.Threats {
				if on := !x.NotReproduced; on != (x.ID == id) {
					t.Errorf("%s, first seen in %s, goes on: %v; the earlier is %s", x.ID, x.FirstSeen, on, id)
				}
			}
		})
	}
}

// TestElsewhereASentenceMustBeMoreAlikeToBeTheEditedOne: 5 words of 9 in common
// are enough under the same heading only.
func TestElsewhereASentenceMustBeMoreAlikeToBeTheEditedOne(t *testing.T) {
	old := firstModel()
	id := idOf(t, old, "E-broker", "authentication")
	const alike = "The broker is reachable without any proof of identity."
	for name, c := range map[string]struct {
		text corpus
		want threatmodel.Status
	}{
		"same heading":    {design.edited(noCertificate, alike), threatmodel.StatusOpen},
		"another heading": {corpus{"a.md": strings.Replace(design["a.md"], noCertificate+" ", "", 1) + "\n## Broker\n\n" + alike + "\n", "b.md": design["b.md"]}, threatmodel.StatusResolved},
	} {
		t.Run(name, func(t *testing.T) {
			if x := threatOf(t, round{old: old, text: c.text, finds: standard()[1:]}.run(), id); x.Status != c.want {
				t.Errorf("the threat is %s, want %s", x.Status, c.want)
			}
		})
	}
}

// TestASentenceThatStoodBeforeIsNoEditedOne, however alike it is.
func TestASentenceThatStoodBeforeIsNoEditedOne(t *testing.T) {
	text := design.edited(noCertificate, noCertificate+" The broker is reachable without a client password.")
	old := round{text: text, finds: standard()}.run()
	id := idOf(t, old, "E-broker", "authentication")
	m := round{old: old, text: text.edited(noCertificate+" ", ""), finds: standard()[1:]}.run()
	if x := threatOf(t, m, id); x.Status != threatmodel.StatusResolved {
		t.Errorf("the threat is %s and rests on %v", x.Status, x.Evidence)
	}
}

func TestWhatAPersonWroteIsAskedOfPersons(t *testing.T) {
	f := find{element: "E-broker", family: "authentication", words: []string{"The broker is reachable"}, source: threatmodel.SourcePerson}
	old := round{text: design, finds: []find{f}}.run()
	negated := design.edited("The broker is reachable", "The broker is not reachable")
	r := round{old: old, text: negated, change: func(in *reconcile.Input) { in.Patterns = true }}
	if asked := r.plan().Challenge(); len(asked) > 0 {
		t.Errorf("it goes to challenge: %+v", asked)
	}
	m := r.run()
	x := m.Threats[0]
	if x.Status != threatmodel.StatusOpen || x.NotReproduced || x.ReviewDue == nil || x.ReviewDue.Before != noCertificate || !strings.Contains(x.ReviewDue.After, "is not reachable") {
		t.Errorf("%s, not reproduced %v, review %+v", x.Status, x.NotReproduced, x.ReviewDue)
	}
}

// TestAnEditThatNoUnitReadsChangesNothing: the units that gave a threat were not
// asked again although its sentence was edited; it goes on with the new text.
func TestAnEditThatNoUnitReadsChangesNothing(t *testing.T) {
	old := firstModel()
	id := idOf(t, old, "E-broker", "authentication")
	r := round{
		old: old, text: design.edited("a client certificate", "client certificates"), finds: standard()[1:],
		change: func(in *reconcile.Input) { in.Reused = map[string]bool{"U-E-broker": true}; in.Patterns = true },
	}
	if asked := r.plan().Challenge(); len(asked) > 0 {
		t.Errorf("it goes to challenge: %+v", asked)
	}
	if x := threatOf(t, r.run(), id); x.Status != threatmodel.StatusOpen || x.NotReproduced || len(x.Evidence) != 1 {
		t.Errorf("%s, not reproduced %v, on %v", x.Status, x.NotReproduced, x.Evidence)
	}
}

// TestASentenceThatCameIsTheDocumentsChange, also where another analyst is at
// work.
func TestASentenceThatCameIsTheDocumentsChange(t *testing.T) {
	old := firstModel()
	id := idOf(t, old, "E-broker", "authentication")
	text := design.edited("It buffers readings for an hour.", "It buffers readings for an hour. Any host may publish to it.")
	finds := standard()
	finds[0].words = append(finds[0].words, "Any host may publish")
	m := round{old: old, text: text, finds: finds, change: func(in *reconcile.Input) { in.New.Analysis.Model = "m2" }}.run()
	if c := changeOf(t, m, id); c.Kind != threatmodel.ThreatChanged || c.Cause != threatmodel.CauseDocument {
		t.Errorf("told as %s by %s", c.Kind, c.Cause)
	}
}

// TestDocumentsThatAreAsTheyWereKeepTheOrderOfAnalyses: back and forth, what was
// seen first stays the earlier.
func TestDocumentsThatAreAsTheyWereKeepTheOrderOfAnalyses(t *testing.T) {
	one := find{element: "E-store", family: "cleartext", words: []string{"Readings in the store", "The store keeps"}}
	two := find{element: "E-store", family: "cleartext", words: []string{"Backups of the store", "It buffers"}}
	as := func(id string) func(*reconcile.Input) {
		return func(in *reconcile.Input) { in.New.Analysis.ID = id }
	}
	a := round{text: design, finds: []find{one}, change: as("a-A")}.run()
	b := round{old: a, text: design, finds: []find{one, two}, change: as("a-B")}.run()
	again := round{old: b, text: design, finds: []find{one, two}, change: as("a-A")}.run()
	if got := strings.Join(again.Analysis.History, " "); got != "a-A a-B" {
		t.Errorf("the history is %q", got)
	}
	same := round{old: again, text: design, finds: []find{one, two}, change: as("a-A")}.run()
	if got := strings.Join(same.Analysis.History, " "); got != "a-A a-B" {
		t.Errorf("once more on the same input, the history is %q", got)
	}
	half := find{element: "E-store", family: "cleartext", words: []string{"Readings in the store", "Backups of the store"}}
	m := round{old: same, text: design, finds: []find{half}, change: as("a-C")}.run()
	if x := threatOf(t, m, a.Threats[0].ID); x.NotReproduced {
		t.Errorf("the threat first seen in %s went on as the later one", x.FirstSeen)
	}
}

// repeated has the same sentence under two headings.
var repeated = corpus{"a.md": `# Zone

The zone holds meters. Nobody checks who connects here. It is large.

# Annex

The annex holds gateways. Nobody checks who connects here. It is small.
`}

// at puts the evidence of a threat under a heading.
func at(ps []threatmodel.Passage, x *threatmodel.Threat, heading string) {
	for _, p := range ps {
		if p.Heading == heading {
			x.Evidence = quote([]threatmodel.Passage{p}, "Nobody checks")
		}
	}
}

func twoPlaces() *threatmodel.Model {
	return round{text: repeated, finds: []find{
		{element: "E-broker", family: "authentication", words: []string{"Nobody checks"}},
		{element: "E-gateway", family: "authentication", words: []string{"Nobody checks"}},
	}, change: func(in *reconcile.Input) {
		at(repeated.passages(), &in.New.Threats[0], "Zone")
		at(repeated.passages(), &in.New.Threats[1], "Annex")
	}}.run()
}

// TestRepeatedQuotesAreToldApartByTheTextAround, where headings no longer
// do.
func TestRepeatedQuotesAreToldApartByTheTextAround(t *testing.T) {
	m := round{old: twoPlaces(), text: repeated.edited("# Zone", "# First").edited("# Annex", "# Second")}.run()
	for element, heading := range map[string]string{"E-broker": "First", "E-gateway": "Second"} {
		x := threatOf(t, m, idOf(t, m, element, "authentication"))
		if path := x.Evidence[0].Locator.HeadingPath; path[len(path)-1] != heading {
			t.Errorf("the threat at %s is quoted from under %v, want %s", element, path, heading)
		}
	}
}

// TestOneOfTwoRepeatedQuotesEdited: the words still stand elsewhere, yet the
// sentence that the decision was taken on reads otherwise now.
func TestOneOfTwoRepeatedQuotesEdited(t *testing.T) {
	old := twoPlaces()
	annex, zone := idOf(t, old, "E-gateway", "authentication"), idOf(t, old, "E-broker", "authentication")
	text := corpus{"a.md": strings.Replace(repeated["a.md"], "gateways. Nobody checks who connects here.", "gateways. A guard checks who connects here.", 1)}
	decisions := []threatmodel.Decision{decide(t, old, annex, threatmodel.ActionAccept), decide(t, old, zone, threatmodel.ActionAccept)}
	m := round{old: old, text: text, decisions: decisions}.run()
	if got := reviews(m); len(got) != 1 || got[0] != annex {
		t.Fatalf("to review are %v, want %s alone", got, annex)
	}
	if due := threatOf(t, m, annex).ReviewDue; due.After != "A guard checks who connects here." {
		t.Errorf("the review shows %q", due.After)
	}
}

// TestASentenceCutByAPageIsOneAnchor: the two pieces of evidence bind as the one
// sentence that they are, and do so wherever the page ends.
func TestASentenceCutByAPageIsOneAnchor(t *testing.T) {
	cut := func(first, second string) ([]threatmodel.Passage, []threatmodel.Evidence) {
		one, two := 1, 2
		var spans []threatmodel.Span
		start := 0
		for _, piece := range []struct {
			text string
			page *int
		}{{first, &one}, {second, &two}} {
			if piece.text != "" {
				spans = append(spans, threatmodel.Span{Text: piece.text, Locator: threatmodel.Locator{Page: piece.page, ByteStart: start, ByteEnd: start + len(piece.text)}})
				start += len(piece.text) + 1
			}
		}
		whole := strings.TrimSpace(first + " " + second)
		p := threatmodel.Passage{ID: "p-1", Document: "d.pdf", Text: whole, Sentences: []threatmodel.Sentence{{Text: whole, Spans: spans}}}
		return []threatmodel.Passage{p}, quote([]threatmodel.Passage{p}, "The broker")
	}
	old := threatmodel.Threat{Elements: []string{"E-broker"}, Family: "authentication"}
	ps, evidence := cut("The broker accepts every client", "without a certificate.")
	if len(evidence) != 2 {
		t.Fatalf("%d pieces of evidence, want one a page", len(evidence))
	}
	old.Evidence = evidence
	anchors := reconcile.Anchors(evidence)
	if len(anchors) != 1 || anchors[0].Quote != "The broker accepts every client without a certificate." {
		t.Fatalf("the anchors are %+v", anchors)
	}
	in := reconcile.Input{New: &threatmodel.Model{Threats: []threatmodel.Threat{old}, Elements: system()}, Text: reconcile.NewText(ps)}
	first := reconcile.NewPlan(in).Apply(nil).Model
	ps, evidence = cut("The broker accepts every client without a certificate.", "")
	found := old
	found.Evidence = evidence
	in = reconcile.Input{Old: first, New: &threatmodel.Model{Threats: []threatmodel.Threat{found}, Elements: system()}, Text: reconcile.NewText(ps)}
	m := reconcile.NewPlan(in).Apply(nil).Model
	if len(m.Threats) != 1 || m.Threats[0].ID != first.Threats[0].ID || m.Changes.Threats[0].Kind != threatmodel.ThreatUnchanged {
		t.Errorf("where the page ends elsewhere it is told as %+v", m.Changes.Threats)
	}
}
