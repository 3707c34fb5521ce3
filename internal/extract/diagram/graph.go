package diagram

import (
	"fmt"
	"slices"
	"strings"

	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

// graph collects what a diagram declares.
type graph struct {
	language, kind, source string
	nodes                  []node
	index                  map[string]int
	groups                 []group
	open                   []int
	edges                  []threatmodel.DiagramEdge
	problems               []Problem
	full                   bool
	// declaring is true where a node belongs to the group in which it is
	// declared; otherwise to the first that closes with a mention of it.
	declaring bool
	// stating are the starts of the lines that state something, some more than
	// once; stated is the place that was noted last.
	stating []int
	stated  place
	// line is the line that was looked for last, lineFrom and lineTo are its
	// ends with the blanks around it: a source may be one long line.
	line             place
	lineFrom, lineTo int
}

// node is a node on its way; its kind is settled at the end.
type node struct {
	id, name, group, technology string
	look
	// junction is true for a crossing of arrows, which is none of the
	// system's elements. One with a name is told in the labels of the
	// arrows through it.
	junction bool
	// declared is true where a statement of its own says what the node is.
	declared bool
	place
}

// group is a subgraph, a box or a container.
type group struct {
	id, name, parent, technology string
	// look is set for what is a group only while it holds something: an empty
	// one is a node.
	look
	place
	// members are the nodes mentioned inside, in order.
	members []string
	// inside counts what is declared and mentioned in it.
	inside int
}

func newGraph(language, kind, source string) *graph {
	const most = 8 // of nodes and of arrows, in most diagrams
	return &graph{
		language: language, kind: kind, source: source, index: map[string]int{}, stated: place{-1, -1}, lineTo: -1,
		nodes: make([]node, 0, most), edges: make([]threatmodel.DiagramEdge, 0, most),
	}
}

// lineOf is the line around an offset of the source.
func (g *graph) lineOf(offset int) place {
	if offset < g.lineFrom || offset > g.lineTo {
		g.line = lineOf(g.source, offset)
		g.lineFrom = strings.LastIndexByte(g.source[:offset], '\n') + 1
		g.lineTo = offset + lineLength(g.source[offset:])
	}
	return g.line
}

// mention notes that a node occurs at a place, and returns it to be filled
// in; nil where the diagram is full.
func (g *graph) mention(id string, at place) *node {
	g.states(at)
	i, ok := g.index[id]
	if !ok {
		if len(g.nodes) >= maxNodes {
			g.overflow(at)
			return nil
		}
		i = len(g.nodes)
		g.index[id] = i
		g.nodes = append(g.nodes, node{id: id, place: at})
		if g.declaring {
			g.put(&g.nodes[i])
		}
	}
	if n := len(g.open); n > 0 {
		inner := &g.groups[g.open[n-1]]
		inner.inside++
		if !g.declaring {
			inner.members = append(inner.members, id)
		}
	}
	return &g.nodes[i]
}

// declare is a mention by a statement of its own: it moves a node that was
// only pointed at before into the open group.
func (g *graph) declare(id string, at place) *node {
	n := g.mention(id, at)
	if n != nil && g.declaring && !n.declared {
		n.declared, n.place = true, at
		g.put(n)
	}
	return n
}

// put places a node in the innermost open group.
func (g *graph) put(n *node) {
	if last := len(g.open); last > 0 {
		n.group = g.groups[g.open[last-1]].id
	}
}

// states notes that the lines of a place state something.
func (g *graph) states(at place) {
	if at == g.stated {
		return
	}
	g.stated = at
	for start := strings.LastIndexByte(g.source[:at.start], '\n') + 1; start <= at.end; {
		if n := len(g.stating); n == 0 || g.stating[n-1] != start {
			g.stating = append(g.stating, start)
		}
		start += lineLength(g.source[start:]) + 1
	}
}

// label gives a node its name, at the place that declares it.
func (n *node) label(name string, at place) {
	if n == nil || name == "" {
		return
	}
	n.name, n.place = name, at
}

func (g *graph) edge(from, to, label string, both bool, at place) {
	g.states(at)
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

// openGroup opens a group, and returns it to be filled in.
func (g *graph) openGroup(id, name string, at place) *group {
	g.states(at)
	for i := range g.groups {
		if g.groups[i].id == id {
			g.open = append(g.open, i) // a second part of the same group
			return &g.groups[i]
		}
	}
	parent := ""
	if n := len(g.open); n > 0 {
		parent = g.groups[g.open[n-1]].id
		g.groups[g.open[n-1]].inside++
	}
	if len(g.groups) >= maxNodes {
		g.overflow(at)
	}
	g.open = append(g.open, len(g.groups))
	g.groups = append(g.groups, group{id: id, name: first(name, id), parent: parent, place: at})
	return &g.groups[len(g.groups)-1]
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
	at := g.lineOf(offset)
	g.states(at)
	line := strings.TrimSpace(g.source[max(offset, at.start):max(offset, at.end)])
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
	g.settleGroups()
	g.throughJunctions()
	d := threatmodel.Diagram{
		Language: g.language, Type: g.kind,
		Nodes: []threatmodel.DiagramNode{}, Edges: g.edges, Groups: []threatmodel.DiagramNode{},
	}
	if d.Edges == nil {
		d.Edges = []threatmodel.DiagramEdge{}
	}
	grouped := map[string]bool{}
	for _, gr := range g.groups {
		grouped[gr.id] = true
		if gr.shape != "" && gr.inside == 0 {
			d.Nodes = append(d.Nodes, gr.node().shown())
			continue
		}
		d.Groups = append(d.Groups, threatmodel.DiagramNode{
			ID: gr.id, Name: gr.name, Kind: threatmodel.TrustBoundary, Technology: gr.technology, Group: gr.parent, Start: gr.start, End: gr.end,
		})
	}
	for _, n := range g.nodes {
		if !grouped[n.id] && !n.junction { // an arrow to a group mentions it like a node
			d.Nodes = append(d.Nodes, n.shown())
		}
	}
	d.Lines = g.lines()
	return d
}

// settleGroups takes nodes and groups out of groups that are not there, and
// out of circles.
func (g *graph) settleGroups() {
	parents := map[string]string{}
	for _, gr := range g.groups {
		parents[gr.id] = gr.parent
	}
	for i := range g.groups {
		gr := &g.groups[i]
		_, found := parents[gr.parent]
		steps := 0
		for at := gr.parent; found && at != "" && steps <= len(g.groups); at = parents[at] {
			steps++
			if at == gr.id {
				found = false
			}
		}
		if !found || steps > len(g.groups) {
			gr.parent, parents[gr.id] = "", ""
		}
	}
	for i := range g.nodes {
		if _, found := parents[g.nodes[i].group]; !found {
			g.nodes[i].group = ""
		}
	}
}

// node is a group that holds nothing.
func (gr group) node() node {
	return node{id: gr.id, name: gr.name, group: gr.parent, technology: gr.technology, look: gr.look, place: gr.place}
}

func (n node) shown() threatmodel.DiagramNode {
	name := first(n.name, n.id)
	return threatmodel.DiagramNode{
		ID: n.id, Name: name, Kind: n.kind(name), Technology: n.technology, Group: n.group, Start: n.start, End: n.end,
	}
}

func (g *graph) lines() []int {
	if g.stating == nil {
		return []int{}
	}
	slices.Sort(g.stating)
	return slices.Compact(g.stating)
}
