package builtin_test

import (
	"slices"
	"testing"

	"github.com/bartizan-security/bartizan/internal/analyze"
	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

// TestDiagramsOfEveryLanguageReachTheModel holds that elements keep what they
// are built with, where they stand, and the line that states them.
func TestDiagramsOfEveryLanguageReachTheModel(t *testing.T) {
	const c4 = "Person(c, \"Customer\")\nSystem_Boundary(s, \"Shop\") {\nContainer(api, \"Orders API\", \"Go, gRPC\")\nContainerDb(db, \"Orders DB\", \"PostgreSQL\")\n}\nRel(c, api, \"orders\", \"HTTPS\")\nRel(api, db, \"reads\")\n"
	const drawing = `<mxGraphModel><root><mxCell id="0"/><mxCell id="1" parent="0"/>` +
		`<mxCell id="c" value="Customer" style="shape=umlActor" vertex="1" parent="1"><mxGeometry width="30" height="60" as="geometry"/></mxCell>` +
		`<mxCell id="s" value="Shop" style="swimlane" vertex="1" parent="1"><mxGeometry x="100" width="400" height="200" as="geometry"/></mxCell>` +
		`<mxCell id="a" value="Orders API" vertex="1" parent="s"><mxGeometry x="20" y="40" width="80" height="40" as="geometry"/></mxCell>` +
		`<mxCell id="d" value="Orders DB" style="shape=mxgraph.aws4.resourceIcon;resIcon=mxgraph.aws4.rds" vertex="1" parent="s"><mxGeometry x="200" y="40" width="80" height="40" as="geometry"/></mxCell>` +
		`<mxCell id="e" value="orders" edge="1" source="c" target="a" parent="1"/><mxCell id="f" value="reads" edge="1" source="a" target="d" parent="1"/></root></mxGraphModel>`
	b := newBench(t)
	for name, tt := range map[string]struct{ text, technology, line string }{
		"orders.mmd":    {"C4Container\n" + c4, "PostgreSQL", `ContainerDb(db, "Orders DB", "PostgreSQL")`},
		"orders.puml":   {"@startuml\n" + c4 + "@enduml\n", "PostgreSQL", `ContainerDb(db, "Orders DB", "PostgreSQL")`},
		"orders.drawio": {drawing, "Amazon RDS", "Orders DB [Amazon RDS]"},
	} {
		t.Run(name, func(t *testing.T) {
			m := b.analyze(t, analyze.Input{Documents: read(t, name, tt.text)})
			i := slices.IndexFunc(m.Elements, func(e threatmodel.Element) bool { return e.Name == "Orders DB" })
			if i < 0 {
				t.Fatalf("the elements are %+v", m.Elements)
			}
			db := m.Elements[i]
			if db.Kind != threatmodel.DataStore || !slices.Contains(db.Technologies, tt.technology) {
				t.Errorf("the store is a %s built with %q, want %q", db.Kind, db.Technologies, tt.technology)
			}
			if len(db.Evidence) == 0 || db.Evidence[0].Quote != tt.line {
				t.Errorf("the store is stated by %+v, want %q", db.Evidence, tt.line)
			}
			flows := 0
			for _, e := range m.Elements {
				if e.Kind == threatmodel.DataFlow {
					flows++
				}
			}
			if flows != 2 {
				t.Errorf("%d flows, want 2", flows)
			}
		})
	}
}
