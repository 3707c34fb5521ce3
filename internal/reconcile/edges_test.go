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
