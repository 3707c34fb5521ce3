package diagram

import (
	"fmt"
	"strings"

	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

// graph collects what a diagram declares.
type graph struct {
	kind     string
	source   string
	nodes    []node
	index    map[string]int
	groups   []group
	open     []int
	edges    []threatmodel.DiagramEdge
	problems []Problem
	full     bool
}

// node is a node on its way; its kind is settled at the end.
type node struct {
	id, name, shape, icon, group string
	place
}

// group is a subgraph or box.
type group struct {
	id, name, parent string
	place
	// members are the nodes mentioned inside, in order.
	members []string
}

func newGraph(kind, source string) *graph {
	return &graph{kind: kind, source: source, index: map[string]int{}}
}

// mention notes that a node occurs at a place, and returns it to be filled
// in; nil where the diagram is full.
func (g *graph) mention(id string, at place) *node {
	i, ok := g.index[id]
	if !ok {
		if len(g.nodes) >= maxNodes {
			g.overflow(at)
			return nil
		}
		i = len(g.nodes)
		g.index[id] = i
		g.nodes = append(g.nodes, node{id: id, place: at})
	}
	if n := len(g.open); n > 0 {
		inner := &g.groups[g.open[n-1]]
		inner.members = append(inner.members, id)
	}
	return &g.nodes[i]
}

// label gives a node its name, at the place that declares it.
func (n *node) label(name string, at place) {
	if n == nil || name == "" {
		return
	}
	n.name, n.place = name, at
}

func (g *graph) edge(from, to, label string, both bool, at place) {
	switch {
	case from == to:
	case len(g.edges) >= maxEdges:
		g.overflow(at)
	default:
		g.edges = append(g.edges, threatmodel.DiagramEdge{
			From: from, To: to, Label: label, Bidirectional: both, Start: at.start, End: at.end,
		})
	}
}

func (g *graph) overflow(at place) {
	if !g.full {
		g.problem(at.start, fmt.Sprintf("the diagram has more than %d nodes or %d arrows; the rest is not read", maxNodes, maxEdges))
	}
	g.full = true
}

func (g *graph) openGroup(id, name string, at place) {
	for i := range g.groups {
		if g.groups[i].id == id {
			g.open = append(g.open, i) // a second part of the same group
			return
		}
	}
	parent := ""
	if n := len(g.open); n > 0 {
		parent = g.groups[g.open[n-1]].id
	}
	g.open = append(g.open, len(g.groups))
	g.groups = append(g.groups, group{id: id, name: name, parent: parent, place: at})
}

// closeGroup ends the innermost group. A node belongs to the first group that
// closes with the node in it, as Mermaid draws it.
func (g *graph) closeGroup() bool {
	n := len(g.open)
	if n == 0 {
		return false
	}
	closed := g.groups[g.open[n-1]]
	g.open = g.open[:n-1]
	for _, id := range closed.members {
		if node := &g.nodes[g.index[id]]; node.group == "" && id != closed.id {
			node.group = closed.id
		}
	}
	return true
}

func (g *graph) problem(offset int, text string) {
	const most = 10
	if len(g.problems) < most {
		g.problems = append(g.problems, Problem{lineNumber(g.source, offset), text})
	}
}

// misread notes that a statement was not understood.
func (g *graph) misread(offset int) {
	line := strings.TrimSpace(g.source[offset : offset+lineLength(g.source[offset:])])
	const most = 60
	if len(line) > most {
		line = strings.ToValidUTF8(line[:most], "") + "…"
	}
	g.problem(offset, fmt.Sprintf("%q is not understood", line))
}

// diagram is the result.
func (g *graph) diagram() threatmodel.Diagram {
	for g.closeGroup() {
		// A group that was never closed ends with the diagram.
	}
	d := threatmodel.Diagram{
		Language: "mermaid", Type: g.kind,
		Nodes: []threatmodel.DiagramNode{}, Edges: g.edges, Groups: []threatmodel.DiagramNode{},
	}
	if d.Edges == nil {
		d.Edges = []threatmodel.DiagramEdge{}
	}
	grouped := map[string]bool{}
	for _, gr := range g.groups {
		grouped[gr.id] = true
		d.Groups = append(d.Groups, threatmodel.DiagramNode{
			ID: gr.id, Name: gr.name, Kind: threatmodel.TrustBoundary, Group: gr.parent, Start: gr.start, End: gr.end,
		})
	}
	for _, n := range g.nodes {
		if grouped[n.id] {
			continue // an arrow to a group mentions it like a node
		}
		name := n.name
		if name == "" {
			name = n.id
		}
		d.Nodes = append(d.Nodes, threatmodel.DiagramNode{
			ID: n.id, Name: name, Kind: kindOf(n.shape, n.icon, name), Group: n.group, Start: n.start, End: n.end,
		})
	}
	return d
}
