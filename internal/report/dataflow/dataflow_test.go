package dataflow

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

func element(id string, kind threatmodel.Kind, boundary string) threatmodel.Element {
	return threatmodel.Element{ID: id, Kind: kind, Name: "name of " + id, Boundary: boundary}
}

func flow(id, from, to, label string, crosses ...string) threatmodel.Element {
	return threatmodel.Element{ID: id, Kind: threatmodel.DataFlow, From: from, To: to, Label: label, Crosses: crosses}
}

func threat(id, element string, risk threatmodel.Level, status threatmodel.Status) threatmodel.Threat {
	return threatmodel.Threat{ID: id, Elements: []string{element}, Risk: risk, Status: status}
}

func TestGraphOfAModel(t *testing.T) {
	m := &threatmodel.Model{
		Elements: []threatmodel.Element{
			element("a", threatmodel.Process, "inner"), element("b", threatmodel.DataStore, "outer"), element("c", threatmodel.ExternalEntity, "nowhere"),
			element("outer", threatmodel.TrustBoundary, ""), element("inner", threatmodel.TrustBoundary, "outer"), element("empty", threatmodel.TrustBoundary, ""),
			flow("f1", "a", "b", "SQL"), flow("f2", "a", "b", "backup", "inner"), flow("f3", "a", "b", "SQL"), flow("f4", "a", "unknown", "x"), flow("f5", "c", "c", "timer"),
		},
		Threats: []threatmodel.Threat{
			threat("1", "a", threatmodel.Medium, threatmodel.StatusOpen), threat("2", "a", threatmodel.High, threatmodel.StatusAccepted),
			threat("3", "a", threatmodel.Critical, threatmodel.StatusRejected), threat("4", "a", threatmodel.Critical, threatmodel.StatusResolved),
			threat("5", "f2", threatmodel.Low, threatmodel.StatusConfirmed),
		},
	}
	want := Graph{
		Zones: []Zone{{ID: "outer", Name: "name of outer"}, {ID: "inner", Name: "name of inner", Parent: "outer"}},
		Nodes: []Node{
			{ID: "a", Name: "name of a", Kind: threatmodel.Process, Zone: "inner", Mark: Mark{2, threatmodel.High}},
			{ID: "b", Name: "name of b", Kind: threatmodel.DataStore, Zone: "outer"},
			{ID: "c", Name: "name of c", Kind: threatmodel.ExternalEntity},
		},
		Edges: []Edge{
			{From: "a", To: "b", Labels: []string{"SQL", "backup"}, Crosses: true, Mark: Mark{1, threatmodel.Low}},
			{From: "c", To: "c", Labels: []string{"timer"}},
		},
	}
	if d := cmp.Diff(want, New(m)); d != "" {
		t.Error(d)
	}
}

func TestBoundariesThatContainEachOtherStandOutermost(t *testing.T) {
	m := &threatmodel.Model{Elements: []threatmodel.Element{
		element("x", threatmodel.TrustBoundary, "y"), element("y", threatmodel.TrustBoundary, "x"), element("z", threatmodel.TrustBoundary, "z"),
		element("a", threatmodel.Process, "x"), element("b", threatmodel.Process, "y"), element("c", threatmodel.Process, "z"),
	}}
	g := New(m)
	if len(g.Zones) != 3 {
		t.Fatalf("zones: %+v", g.Zones)
	}
	if _, err := Draw(context.Background(), g); err != nil {
		t.Error(err)
	}
}

// TestLayout holds what makes a diagram true: a node stands inside its zone and
// nowhere else, nodes do not overlap, and a flow begins and ends at its nodes.
func TestLayout(t *testing.T) {
	g := ring(9)
	g.Zones = append(g.Zones, Zone{ID: "inner", Name: "Inner", Parent: "z0"})
	g.Nodes = append(g.Nodes, Node{ID: "i", Name: "Inside", Kind: threatmodel.DataStore, Zone: "inner"})
	for i := range 6 { // no flow reaches them
		g.Nodes = append(g.Nodes, Node{ID: fmt.Sprint("alone", i), Name: "Alone", Kind: threatmodel.Process})
	}
	g.Edges = append(g.Edges, Edge{From: "n0", To: "i"})
	size := map[string]box{}
	for _, n := range g.Nodes {
		size[n.ID] = box{w: 120, h: 50}
	}
	p, err := layout(context.Background(), g, size, make([]box, len(g.Edges)))
	if err != nil {
		t.Fatal(err)
	}
	for i, n := range g.Nodes {
		b := p.boxes[n.ID]
		for _, z := range g.Zones {
			within := n.Zone == z.ID || n.Zone == "inner" && z.ID == "z0"
			if inside := overlap(b, p.boxes[z.ID]); inside != within {
				t.Errorf("%s in %s: %v, want %v", n.ID, z.ID, inside, within)
			}
		}
		for _, o := range g.Nodes[:i] {
			if overlap(b, p.boxes[o.ID]) {
				t.Errorf("%s and %s overlap", n.ID, o.ID)
			}
		}
	}
	for i, e := range g.Edges {
		r := p.routes[i]
		if !near(r[0], p.boxes[e.From]) || !near(r[len(r)-1], p.boxes[e.To]) {
			t.Errorf("the flow from %s to %s leads from %v to %v", e.From, e.To, r[0], r[len(r)-1])
		}
	}
}

func overlap(a, b box) bool {
	return a.x < b.x+b.w && b.x < a.x+a.w && a.y < b.y+b.h && b.y < a.y+a.h
}

func near(p point, b box) bool {
	const slack = 3
	return p.x > b.x-slack && p.x < b.x+b.w+slack && p.y > b.y-slack && p.y < b.y+b.h+slack
}

func TestDrawingStopsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := Draw(ctx, ring(3)); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want that of the context", err)
	}
}

func TestTheSameGraphIsDrawnTheSame(t *testing.T) {
	a, err := Draw(context.Background(), ring(6))
	if err != nil {
		t.Fatal(err)
	}
	b, err := Draw(context.Background(), ring(6))
	if err != nil {
		t.Fatal(err)
	}
	if string(a) != string(b) {
		t.Error("two drawings differ")
	}
}

// system is a model of n processes in two boundaries; the first linked of them
// hang together in a ring.
func system(n, linked int) *threatmodel.Model {
	m := &threatmodel.Model{Elements: []threatmodel.Element{element("x", threatmodel.TrustBoundary, ""), element("y", threatmodel.TrustBoundary, "")}}
	for i := range n {
		m.Elements = append(m.Elements, element(fmt.Sprint("e", i), threatmodel.Process, []string{"x", "y"}[i*2/n]))
	}
	for i := range linked {
		m.Elements = append(m.Elements, flow(fmt.Sprint("f", i), fmt.Sprint("e", i), fmt.Sprint("e", (i+1)%linked), "HTTPS"))
	}
	return m
}

func TestViewsOfSmallAndLargeSystems(t *testing.T) {
	tests := []struct {
		rule   string
		model  *threatmodel.Model
		titles []string
		note   string
	}{
		{"no elements, no diagram", &threatmodel.Model{}, nil, ""},
		{"what fits is one diagram", system(Most, Most), []string{"Data flow diagram"}, ""},
		{"of more, what no flow reaches is left out", system(Most+5, Most), []string{"Data flow diagram"}, "Not drawn: 5 elements that no flow reaches and no threat concerns."},
		{
			"what is still too much has an overview and a diagram a boundary", system(Most+5, Most+5),
			[]string{"Overview", "name of x", "name of y"},
			"Each outermost trust boundary is drawn as one box.",
		},
	}
	for _, tt := range tests {
		t.Run(tt.rule, func(t *testing.T) {
			views := Views(tt.model)
			var titles []string
			for _, v := range views {
				titles = append(titles, v.Title)
				if len(v.Graph.Nodes) > Most || len(v.Graph.Edges) > MostFlows {
					t.Errorf("%s has %d nodes and %d edges", v.Title, len(v.Graph.Nodes), len(v.Graph.Edges))
				}
			}
			if d := cmp.Diff(tt.titles, titles); d != "" {
				t.Error(d)
			}
			if len(views) > 0 && views[0].Note != tt.note {
				t.Errorf("note %q, want %q", views[0].Note, tt.note)
			}
		})
	}
}

func TestNoDiagramIsLargerThanCanBeDrawn(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 90).Draw(t, "elements")
		m := &threatmodel.Model{}
		for z := range 3 {
			m.Elements = append(m.Elements, element(fmt.Sprint("z", z), threatmodel.TrustBoundary, rapid.SampledFrom([]string{"", "z0", "z1", "z2"}).Draw(t, "parent")))
		}
		for i := range n {
			m.Elements = append(m.Elements, element(fmt.Sprint("e", i), threatmodel.Process, rapid.SampledFrom([]string{"", "z0", "z1", "z2"}).Draw(t, "zone")))
			m.Threats = append(m.Threats, threat(fmt.Sprint("t", i), fmt.Sprint("e", rapid.IntRange(0, n).Draw(t, "at")), threatmodel.High, threatmodel.StatusOpen))
		}
		for i := range rapid.IntRange(0, 2*n).Draw(t, "flows") {
			ends := [2]int{rapid.IntRange(0, n-1).Draw(t, "from"), rapid.IntRange(0, n-1).Draw(t, "to")}
			m.Elements = append(m.Elements, flow(fmt.Sprint("f", i), fmt.Sprint("e", ends[0]), fmt.Sprint("e", ends[1]), "HTTPS"))
		}
		for _, v := range Views(m) {
			g := v.Graph
			if len(g.Nodes) > Most || len(g.Edges) > MostFlows {
				t.Fatalf("%s: %d nodes, %d edges", v.Title, len(g.Nodes), len(g.Edges))
			}
			for _, e := range g.Edges {
				if !g.has(e.From) || !g.has(e.To) {
					t.Fatalf("%s: a flow leads from %s to %s, which is not drawn", v.Title, e.From, e.To)
				}
			}
			for _, node := range g.Nodes {
				if node.Zone != "" && !g.hasZone(node.Zone) {
					t.Fatalf("%s: %s stands in %s, which is not drawn", v.Title, node.ID, node.Zone)
				}
			}
		}
	})
}

func (g *Graph) hasZone(id string) bool {
	for _, z := range g.Zones {
		if z.ID == id {
			return true
		}
	}
	return false
}

func TestMermaidHoldsNamesAsTextOnly(t *testing.T) {
	g := Graph{
		Zones: []Zone{{ID: "z", Name: "end\"] click"}},
		Nodes: []Node{
			{ID: "a", Name: "```\n<script>", Kind: threatmodel.DataStore, Zone: "z"},
			{ID: "b", Name: "API (v2), EU", Kind: threatmodel.Process, Mark: Mark{3, threatmodel.High}},
		},
		Edges: []Edge{{From: "a", To: "b", Labels: []string{"x|y;--> %%{init}"}, Crosses: true}},
	}
	want := `flowchart TD
  n2("API (v2), EU ⚠3")
  subgraph z1["end#34;#93; click"]
    n1[("#96;#96;#96;#10;#60;script#62;")]
  end
  n1 ==>|"x#124;y#59;--#62; #37;#37;#123;init#125;"| n2
  classDef high stroke:#e8590c,stroke-width:2px
  class n2 high
`
	if d := cmp.Diff(strings.Split(want, "\n"), strings.Split(Mermaid(g), "\n")); d != "" {
		t.Error(d)
	}
}

func TestWrapKeepsLabelsShort(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.String().Draw(t, "label")
		lines := wrap(s, 20, 3)
		if len(lines) > 3 {
			t.Fatalf("%d lines", len(lines))
		}
		for _, l := range lines {
			if n := len([]rune(l)); n > 20 {
				t.Fatalf("%d letters in %q", n, l)
			}
		}
	})
}
