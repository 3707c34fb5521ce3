// Package dataflow draws the data flow diagram of a threat model: as SVG for a
// page, as Mermaid for Markdown.
package dataflow

import (
	"slices"
	"strings"

	"github.com/bartizan-security/bartizan/internal/report/visible"
	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

// Graph is what one diagram shows: nodes in zones, and edges between them.
type Graph struct {
	Zones []Zone
	Nodes []Node
	Edges []Edge
}

// Zone is a trust boundary, drawn around its nodes.
type Zone struct {
	ID, Name string
	// Parent is the zone around this one; empty for the outermost.
	Parent string
	Mark   Mark
}

// Node is an element, or a whole boundary where the diagram shows one level
// only; then Holds is the number of elements in it.
type Node struct {
	ID, Name string
	Kind     threatmodel.Kind
	Zone     string
	Holds    int
	// Guest marks a node that stands in another zone than the one shown.
	Guest bool
	Mark  Mark
}

// Edge is a data flow, or several that lead the same way.
type Edge struct {
	From, To string
	Labels   []string
	// Crosses is true where a flow crosses a trust boundary.
	Crosses bool
	Mark    Mark
}

// Mark says how an element is threatened.
type Mark struct {
	// Threats counts those that stand; Risk is the highest of them.
	Threats int
	Risk    threatmodel.Level
}

func (m Mark) with(o Mark) Mark {
	if o.Threats > 0 && (m.Threats == 0 || o.Risk.AtLeast(m.Risk)) {
		m.Risk = o.Risk
	}
	m.Threats += o.Threats
	return m
}

// New takes the diagram from a model. Flows that lead nowhere known are left
// out, as are boundaries around nothing.
func New(m *threatmodel.Model) Graph {
	marks := marks(m)
	zones := zones(m)
	var g Graph
	used := map[string]bool{}
	for _, e := range m.Elements {
		if e.Kind == threatmodel.DataFlow || e.Kind == threatmodel.TrustBoundary {
			continue
		}
		n := Node{ID: e.ID, Name: visible.Line(e.Name), Kind: e.Kind, Mark: marks[e.ID]}
		if _, ok := zones[e.Boundary]; ok {
			n.Zone = e.Boundary
		}
		for z := n.Zone; z != ""; z = zones[z].Parent {
			used[z] = true
		}
		g.Nodes = append(g.Nodes, n)
	}
	for _, e := range m.Elements {
		if e.Kind == threatmodel.TrustBoundary && used[e.ID] {
			z := zones[e.ID]
			z.Mark = marks[e.ID]
			g.Zones = append(g.Zones, z)
		}
	}
	g.Edges = edges(m, &g, marks)
	return g
}

// marks counts threats by the element that carries the weakness.
func marks(m *threatmodel.Model) map[string]Mark {
	out := map[string]Mark{}
	for i := range m.Threats {
		t := &m.Threats[i]
		if len(t.Elements) == 0 || !t.Live() || t.Status == threatmodel.StatusRejected || t.Status == threatmodel.StatusDuplicate {
			continue
		}
		id := t.Elements[0]
		out[id] = out[id].with(Mark{1, t.Risk})
	}
	return out
}

// zones are the boundaries by id. A boundary that contains itself, over any
// number of steps, stands outermost.
func zones(m *threatmodel.Model) map[string]Zone {
	out := map[string]Zone{}
	for _, e := range m.Elements {
		if e.Kind == threatmodel.TrustBoundary {
			out[e.ID] = Zone{ID: e.ID, Name: visible.Line(e.Name), Parent: e.Boundary}
		}
	}
	for _, e := range m.Elements {
		z, ok := out[e.ID]
		if !ok {
			continue
		}
		if _, known := out[z.Parent]; !known || loops(out, e.ID) {
			z.Parent = ""
			out[e.ID] = z
		}
	}
	return out
}

func loops(zones map[string]Zone, id string) bool {
	at := zones[id].Parent
	for range len(zones) + 1 {
		if at == "" || at == id {
			return at == id
		}
		at = zones[at].Parent
	}
	return true
}

// edges joins the flows that lead from the same node to the same node.
func edges(m *threatmodel.Model, g *Graph, marks map[string]Mark) []Edge {
	var out []Edge
	at := map[[2]string]int{}
	for _, e := range m.Elements {
		if e.Kind != threatmodel.DataFlow || !g.has(e.From) || !g.has(e.To) {
			continue
		}
		k := [2]string{e.From, e.To}
		i, ok := at[k]
		if !ok {
			i = len(out)
			at[k] = i
			out = append(out, Edge{From: e.From, To: e.To})
		}
		if l := visible.Line(e.Label); l != "" && !slices.Contains(out[i].Labels, l) {
			out[i].Labels = append(out[i].Labels, l)
		}
		out[i].Crosses = out[i].Crosses || len(e.Crosses) > 0
		out[i].Mark = out[i].Mark.with(marks[e.ID])
	}
	return out
}

func (g *Graph) has(id string) bool {
	return slices.ContainsFunc(g.Nodes, func(n Node) bool { return n.ID == id })
}

func (g *Graph) node(id string) Node {
	for _, n := range g.Nodes {
		if n.ID == id {
			return n
		}
	}
	return Node{}
}

// outermost is the outermost zone around a zone.
func (g *Graph) outermost(id string) string {
	for _, z := range g.Zones {
		if z.ID == id && z.Parent != "" {
			return g.outermost(z.Parent)
		}
	}
	return id
}

// label is what an edge says: its first two labels, and how many more there are.
func (e *Edge) label() string {
	const most = 2
	if len(e.Labels) <= most {
		return strings.Join(e.Labels, ", ")
	}
	return strings.Join(e.Labels[:most], ", ") + ", …"
}
