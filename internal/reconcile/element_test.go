package reconcile_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/bartizan-security/bartizan/internal/reconcile"
	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

// landscape is a map of a system: a gateway between meters, a queue and a store.
const landscape = `# Map

Meters talk to the gateway over MQTT. The gateway puts readings on the queue. A worker takes readings from the queue and writes them to the store.
The gateway runs in the edge zone. The archive holds what the store gives up.
`

// plot reads elements off a text: name, kind, words of the sentences that state
// them.
func plot(ps []threatmodel.Passage, name string, kind threatmodel.Kind, words ...string) threatmodel.Element {
	e := threatmodel.Element{ID: "N-" + name, Kind: kind, Name: name}
	for _, w := range words {
		e.Evidence = append(e.Evidence, quote(ps, w)...)
	}
	return e
}

func flow(from, to, label string) threatmodel.Element {
	return threatmodel.Element{ID: fmt.Sprintf("N-%s-%s-%s", from, to, label), Kind: threatmodel.DataFlow, Name: from + " to " + to, From: "N-" + from, To: "N-" + to, Label: label}
}

// mapOf reads the landscape, with the gateway under another name where one is
// given.
func mapOf(text corpus, gateway string) []threatmodel.Element {
	ps := text.passages()
	return []threatmodel.Element{
		plot(ps, "meters", threatmodel.ExternalEntity, "Meters talk to"),
		plot(ps, gateway, threatmodel.Process, "Meters talk to", "The "+gateway+" puts", "The "+gateway+" runs"),
		plot(ps, "queue", threatmodel.DataStore, "The "+gateway+" puts", "A worker takes"),
		plot(ps, "worker", threatmodel.Process, "A worker takes"),
		plot(ps, "store", threatmodel.DataStore, "A worker takes", "The archive holds"),
		flow("meters", gateway, "MQTT"), flow(gateway, "queue", ""), flow("queue", "worker", ""), flow("worker", "store", ""),
	}
}

func mapped(text corpus, elements []threatmodel.Element) *threatmodel.Model {
	m := reconcile.Elements(nil, elements, reconcile.Follow(nil, nil, reconcile.NewText(text.passages())))
	out := &threatmodel.Model{Elements: m.Elements, Documents: text.documents()}
	for i := range out.Documents {
		out.Documents[i].Sentences = reconcile.NewText(text.passages()).Sentences(out.Documents[i].ID)
	}
	return out
}

func rematch(old *threatmodel.Model, text corpus, elements []threatmodel.Element) reconcile.ElementMatch {
	return reconcile.Elements(old.Elements, elements, reconcile.Follow(old, nil, reconcile.NewText(text.passages())))
}

func named(list []threatmodel.Element, name string) *threatmodel.Element {
	for i := range list {
		if list[i].Name == name {
			return &list[i]
		}
	}
	return &threatmodel.Element{}
}

func TestElementsKeepTheirIDsByName(t *testing.T) {
	text := corpus{"m.md": landscape}
	old := mapped(text, mapOf(text, "gateway"))
	now := mapOf(text, "gateway")
	for i := range now { // names as another answer writes them
		if now[i].Name == "gateway" {
			now[i].Name = "The Gateway"
		}
		if now[i].Kind != threatmodel.DataFlow {
			now[i].Kind = threatmodel.Process
		}
	}
	m := rematch(old, text, now)
	for i := range old.Elements {
		if !slices.ContainsFunc(m.Elements, func(e threatmodel.Element) bool { return e.ID == old.Elements[i].ID }) {
			t.Errorf("%s %q lost its id", old.Elements[i].Kind, old.Elements[i].Name)
		}
	}
	if len(m.Diffs) > 0 {
		t.Errorf("told as changed: %+v", m.Diffs)
	}
}

func TestRenamedElementKeepsItsIDAndItsOldNameAsAlias(t *testing.T) {
	text := corpus{"m.md": landscape}
	old := mapped(text, mapOf(text, "gateway"))
	renamed := text.edited("gateway", "concentrator")
	m := rematch(old, renamed, mapOf(renamed, "concentrator"))
	was, is := named(old.Elements, "gateway"), named(m.Elements, "concentrator")
	if was.ID != is.ID || !slices.Contains(is.Aliases, "gateway") {
		t.Errorf("the gateway was %s; the concentrator is %s, also called %v", was.ID, is.ID, is.Aliases)
	}
	for _, f := range m.Elements {
		if f.Kind == threatmodel.DataFlow && old.Element(f.ID) == nil {
			t.Errorf("the flow %s got a new id with the name of its end", f.Name)
		}
	}
	if len(m.Diffs) != 1 || m.Diffs[0].Change != "renamed" || m.Diffs[0].Before != "gateway" {
		t.Errorf("told as %+v", m.Diffs)
	}
	// Its old name still finds it.
	later := rematch(&threatmodel.Model{Elements: m.Elements, Documents: renamed.documents()}, renamed, mapOf(renamed, "gateway"))
	if id := named(later.Elements, "gateway").ID; id != was.ID {
		t.Errorf("called by its old name it is %s", id)
	}
}

func TestInDoubtAnElementIsNew(t *testing.T) {
	text := corpus{"m.md": landscape}
	old := mapped(text, mapOf(text, "gateway"))
	was := named(old.Elements, "gateway")
	for name, change := range map[string]func([]threatmodel.Element) []threatmodel.Element{
		"other neighbours": func(list []threatmodel.Element) []threatmodel.Element {
			return slices.DeleteFunc(list, func(e threatmodel.Element) bool { return e.Kind == threatmodel.DataFlow && e.To == "N-queue" })
		},
		"other evidence": func(list []threatmodel.Element) []threatmodel.Element {
			named(list, "concentrator").Evidence = quote(text.passages(), "The archive")
			return list
		},
		"two as good": func(list []threatmodel.Element) []threatmodel.Element {
			twin := *named(list, "concentrator")
			twin.ID, twin.Name = "N-twin", "twin"
			a, b := flow("meters", "twin", "MQTT"), flow("twin", "queue", "")
			return append(list, twin, a, b)
		},
	} {
		t.Run(name, func(t *testing.T) {
			renamed := text.edited("gateway", "concentrator")
			m := rematch(old, renamed, change(mapOf(renamed, "concentrator")))
			if id := named(m.Elements, "concentrator").ID; id == was.ID {
				t.Errorf("it went on as %s", id)
			}
			if len(m.Missing) == 0 || !slices.ContainsFunc(m.Missing, func(e threatmodel.Element) bool { return e.ID == was.ID }) {
				t.Errorf("missing are %+v, want the gateway among them", m.Missing)
			}
		})
	}
}

func TestABoundaryIsNoElementOfTheSameName(t *testing.T) {
	text := corpus{"m.md": landscape}
	ps := text.passages()
	old := mapped(text, []threatmodel.Element{plot(ps, "edge", threatmodel.TrustBoundary, "The gateway runs")})
	m := rematch(old, text, []threatmodel.Element{plot(ps, "edge", threatmodel.Process, "The gateway runs")})
	if m.Elements[0].ID == old.Elements[0].ID {
		t.Error("a process took the id of a trust boundary")
	}
}

// TestElementsMatchInAnyOrder: one to one, whatever the order, and stable.
func TestElementsMatchInAnyOrder(t *testing.T) {
	names := []string{"gateway", "queue", "store", "worker", "archive", "edge zone"}
	text := corpus{"m.md": landscape}
	ps := text.passages()
	words := []string{"Meters talk", "The gateway puts", "A worker takes", "The gateway runs", "The archive holds"}
	draw := func(t *rapid.T, label string) []threatmodel.Element {
		var out []threatmodel.Element
		for i, name := range rapid.SliceOfNDistinct(rapid.SampledFrom(names), 1, 6, rapid.ID[string]).Draw(t, label) {
			e := plot(ps, name, rapid.SampledFrom([]threatmodel.Kind{threatmodel.Process, threatmodel.DataStore, threatmodel.TrustBoundary}).Draw(t, "kind"),
				rapid.SliceOfNDistinct(rapid.SampledFrom(words), 0, 3, rapid.ID[string]).Draw(t, "words")...)
			e.ID = fmt.Sprintf("N-%s-%d", label, i)
			if rapid.Bool().Draw(t, "also called") {
				e.Aliases = []string{rapid.SampledFrom(names).Draw(t, "alias")}
			}
			out = append(out, e)
		}
		for i := range rapid.IntRange(0, 5).Draw(t, "flows") {
			from, to := rapid.SampledFrom(out).Draw(t, "from"), rapid.SampledFrom(out).Draw(t, "to")
			if from.Kind == threatmodel.DataFlow || to.Kind == threatmodel.DataFlow {
				continue
			}
			f := threatmodel.Element{
				ID: fmt.Sprintf("N-%s-flow-%d", label, i), Kind: threatmodel.DataFlow, Name: "flow", From: from.ID, To: to.ID,
				Label: fmt.Sprint(rapid.SampledFrom([]string{"", "MQTT", "HTTPS"}).Draw(t, "label"), i),
			}
			out = append(out, f)
		}
		return out
	}
	rapid.Check(t, func(t *rapid.T) {
		old := mapped(text, draw(t, "old"))
		found := draw(t, "new")
		want := rematch(old, text, found)
		seen := map[string]bool{}
		for _, e := range want.Elements {
			if seen[e.ID] || !strings.HasPrefix(e.ID, "E-") {
				t.Fatalf("the id %q stands twice, or is no final one", e.ID)
			}
			seen[e.ID] = true
			if e.Kind == threatmodel.DataFlow && (!strings.HasPrefix(e.From, "E-") || !strings.HasPrefix(e.To, "E-")) {
				t.Fatalf("a flow goes from %s to %s", e.From, e.To)
			}
		}
		for _, e := range want.Missing {
			if seen[e.ID] {
				t.Fatalf("%s is missing and there", e.ID)
			}
		}
		shuffled := *old
		shuffled.Elements = rapid.Permutation(old.Elements).Draw(t, "old order")
		got := rematch(&shuffled, text, rapid.Permutation(found).Draw(t, "new order"))
		if a, b := asJSON(t, want), asJSON(t, got); a != b {
			t.Fatalf("another order gave\n%s\n---\n%s", a, b)
		}
		again := rematch(&threatmodel.Model{Elements: want.Elements, Documents: old.Documents}, text, found)
		for _, d := range again.Diffs {
			t.Fatalf("matched with its own output: %+v", d)
		}
	})
}

func TestAssetsKeepTheirIDsByName(t *testing.T) {
	first, _ := reconcile.Assets(nil, []threatmodel.Asset{{ID: "n1", Name: "Meter readings"}, {ID: "n2", Name: "keys"}}, &reconcile.ElementMatch{})
	again, ids := reconcile.Assets(first, []threatmodel.Asset{{ID: "x", Name: "the meter-readings", Elements: []string{"N-1"}}, {ID: "y", Name: "tariffs"}}, &reconcile.ElementMatch{IDs: map[string]string{"N-1": "E-1"}})
	if again[1].Name != "the meter-readings" || again[1].ID != first[0].ID || ids["x"] != first[0].ID || again[1].Elements[0] != "E-1" {
		t.Errorf("first %+v, then %+v", first, again)
	}
	if slices.ContainsFunc(first, func(a threatmodel.Asset) bool { return a.ID == ids["y"] }) {
		t.Errorf("a new asset got %s, which was another's", ids["y"])
	}
}
