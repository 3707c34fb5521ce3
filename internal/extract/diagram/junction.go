package diagram

import (
	"slices"
	"strings"

	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

// throughJunctions replaces arrows that meet in a crossing by arrows between
// those that they join. A crossing with a name, such as an interface, that
// joins no two is an element after all.
func (g *graph) throughJunctions() {
	made := map[threatmodel.DiagramEdge]bool{}
	for i := range g.nodes {
		n := &g.nodes[i]
		if !n.junction || n.name != "" && g.neighbours(n.id) < 2 {
			n.junction = false
			continue
		}
		g.dissolve(*n, made)
	}
	stores := g.stores()
	g.edges = slices.DeleteFunc(g.edges, func(e threatmodel.DiagramEdge) bool {
		return made[way(e)] && e.Bidirectional && stores[e.From] && stores[e.To]
	})
}

// stores are the nodes that are data stores. Lines without heads that meet
// join them to what uses them, not to each other.
func (g *graph) stores() map[string]bool {
	stores := map[string]bool{}
	for _, n := range g.nodes {
		if n.kind(first(n.name, n.id)) == threatmodel.DataStore {
			stores[n.id] = true
		}
	}
	return stores
}

// way is an arrow apart from where it stands, and, where it leads both ways,
// from where it begins.
func way(e threatmodel.DiagramEdge) threatmodel.DiagramEdge {
	e.Start, e.End = 0, 0
	if e.Bidirectional && e.From > e.To {
		e.From, e.To = e.To, e.From
	}
	return e
}

// neighbours counts what arrows join to a node.
func (g *graph) neighbours(id string) int {
	seen := map[string]bool{}
	for _, e := range g.edges {
		switch id {
		case e.From:
			seen[e.To] = true
		case e.To:
			seen[e.From] = true
		}
	}
	return len(seen)
}

// dissolve joins the ends of the arrows at a crossing.
func (g *graph) dissolve(n node, made map[threatmodel.DiagramEdge]bool) {
	var at, rest []threatmodel.DiagramEdge
	for _, e := range g.edges {
		switch n.id {
		case e.From:
			if e.Bidirectional {
				e.From, e.To = e.To, e.From
			}
			at = append(at, e)
		case e.To:
			at = append(at, e)
		default:
			rest = append(rest, e)
		}
	}
	g.edges = rest
	for i, in := range at {
		if in.To != n.id || g.full {
			continue // it only leads away
		}
		for j, out := range at {
			both := in.Bidirectional && out.Bidirectional
			if i == j || both && j < i || out.To == n.id && !out.Bidirectional {
				continue
			}
			to := out.To
			if out.Bidirectional {
				to = out.From
			}
			label := joinLabels(in.Label, n.name, out.Label)
			if key := way(threatmodel.DiagramEdge{From: in.From, To: to, Label: label, Bidirectional: both}); !made[key] {
				made[key] = true
				g.edge(in.From, to, label, both, place{in.Start, in.End})
			}
		}
	}
}

// joinLabels joins what is said of parts of a way, each once.
func joinLabels(labels ...string) string {
	var kept []string
	for _, l := range labels {
		if l != "" && (len(kept) == 0 || kept[len(kept)-1] != l) {
			kept = append(kept, l)
		}
	}
	return strings.Join(kept, ", ")
}
