package analyze

import (
	"slices"
	"testing"

	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

// TestNamesOfOneThingArePutSideBySide: which drafts are asked about does not hang
// on their names alone.
func TestNamesOfOneThingArePutSideBySide(t *testing.T) {
	node := func(name string, kind threatmodel.Kind, technologies ...string) foundElement {
		return foundElement{name: name, kind: kind, technologies: technologies, evidence: []threatmodel.Evidence{{Quote: name}}}
	}
	const store, process = threatmodel.DataStore, threatmodel.Process
	for _, c := range []struct {
		name  string
		found finding
		want  []string
	}{
		{"two stores of one product", finding{elements: []foundElement{node("Invoice DB", store, "PostgreSQL"), node("the database", store, "postgresql")}}, []string{"Invoice DB", "the database"}},
		{"two stores of two products", finding{elements: []foundElement{node("Invoice DB", store, "PostgreSQL"), node("Sessions", store, "Redis")}}, nil},
		{"two services of one language", finding{elements: []foundElement{node("Billing", process, "Go"), node("Mailer", process, "Go")}}, nil},
		{"the same flows", finding{
			elements: []foundElement{node("Event Bus", store), node("Brokers", store), node("Billing", process), node("Mailer", process)},
			flows: []foundFlow{
				{from: "Billing", to: "Event Bus"}, {from: "Billing", to: "Brokers"}, {from: "Mailer", to: "Event Bus"}, {from: "Mailer", to: "Brokers"},
			},
		}, []string{"Brokers", "Event Bus"}},
		{"one flow of many in common", finding{
			elements: []foundElement{node("Event Bus", store), node("Archive", store), node("Billing", process), node("Mailer", process)},
			flows:    []foundFlow{{from: "Billing", to: "Event Bus"}, {from: "Billing", to: "Archive"}, {from: "Mailer", to: "Event Bus"}},
		}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := newGraph(&run{})
			g.add(c.found)
			var got []string
			for _, group := range g.suspects() {
				for _, d := range group {
					if d.kind() == store || d.kind() == process && len(c.found.flows) == 0 {
						got = append(got, d.names[0])
					}
				}
			}
			slices.Sort(got)
			if !slices.Equal(got, c.want) {
				t.Errorf("asked about %q, want %q", got, c.want)
			}
		})
	}
}
