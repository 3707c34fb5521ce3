package dataflow

import (
	"fmt"
	"slices"

	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

// Most and MostFlows are how many nodes and edges one diagram shows. Layout
// takes time that grows with the square, and more cannot be read either.
const (
	Most      = 40
	MostFlows = 60
)

// View is one diagram of a model.
type View struct {
	Title string
	// Note says what is left out; empty where nothing is.
	Note  string
	Graph Graph
}

// Views are the diagrams of a model: one of everything, or for a large system
// one with each outermost boundary as a single box, and then one a boundary.
// A model without elements has none.
func Views(m *threatmodel.Model) []View {
	g := New(m)
	switch {
	case len(g.Nodes) == 0:
		return nil
	case len(g.Nodes) <= Most && len(g.Edges) <= MostFlows, len(g.Nodes) <= Most && len(g.Zones) == 0:
		return []View{{Title: "Data flow diagram", Graph: g}}
	}
	over, left := collapse(g).limit()
	views := []View{{
		Title: "Overview", Graph: over,
		Note: sentence(fmt.Sprintf("The system has %d elements: each outermost trust boundary is drawn as one box.", len(g.Nodes)), left),
	}}
	for _, z := range g.Zones {
		if z.Parent != "" {
			continue
		}
		inside, left := zoom(g, z.ID).limit()
		views = append(views, View{
			Title: z.Name, Graph: inside,
			Note: sentence("Dashed boxes stand outside of this boundary.", left),
		})
	}
	return views
}

func sentence(note string, left int) string {
	if left > 0 {
		note += fmt.Sprintf(" %d elements with the fewest threats and flows are left out.", left)
	}
	return note
}

// collapse makes each outermost zone one node.
func collapse(g Graph) Graph {
	var out Graph
	home := map[string]string{}
	for _, z := range g.Zones {
		if z.Parent == "" {
			out.Nodes = append(out.Nodes, Node{ID: z.ID, Name: z.Name, Kind: threatmodel.TrustBoundary})
		}
	}
	for _, z := range g.Zones {
		out.grow(g.outermost(z.ID), 0, z.Mark)
	}
	for _, n := range g.Nodes {
		if n.Zone == "" {
			home[n.ID] = n.ID
			out.Nodes = append(out.Nodes, n)
			continue
		}
		home[n.ID] = g.outermost(n.Zone)
		out.grow(home[n.ID], 1, n.Mark)
	}
	out.Edges = rejoin(g.Edges, home)
	return out
}

func (g *Graph) grow(id string, by int, mark Mark) {
	for i := range g.Nodes {
		if g.Nodes[i].ID == id {
			g.Nodes[i].Holds += by
			g.Nodes[i].Mark = g.Nodes[i].Mark.with(mark)
		}
	}
}

// rejoin leads edges to the nodes that stand for their ends, and joins those
// that then lead the same way. An edge within one node is not shown.
func rejoin(edges []Edge, home map[string]string) []Edge {
	var out []Edge
	for _, e := range edges {
		e.From, e.To = home[e.From], home[e.To]
		if e.From == "" || e.To == "" || e.From == e.To {
			continue
		}
		i := slices.IndexFunc(out, func(o Edge) bool { return o.From == e.From && o.To == e.To })
		if i < 0 {
			e.Labels = slices.Clone(e.Labels)
			out = append(out, e)
			continue
		}
		for _, l := range e.Labels {
			if !slices.Contains(out[i].Labels, l) {
				out[i].Labels = append(out[i].Labels, l)
			}
		}
		out[i].Crosses = out[i].Crosses || e.Crosses
		out[i].Mark = out[i].Mark.with(e.Mark)
	}
	return out
}

// zoom shows what stands in an outermost zone, and its neighbours as guests.
func zoom(g Graph, zone string) Graph {
	var out Graph
	for _, z := range g.Zones {
		if g.outermost(z.ID) == zone {
			out.Zones = append(out.Zones, z)
		}
	}
	for _, n := range g.Nodes {
		if g.outermost(n.Zone) == zone {
			out.Nodes = append(out.Nodes, n)
		}
	}
	for _, e := range g.Edges {
		from, to := out.inside(e.From), out.inside(e.To)
		if !from && !to {
			continue
		}
		for _, end := range []string{e.From, e.To} {
			if !out.has(end) {
				n := g.node(end)
				n.Zone, n.Guest = "", true
				out.Nodes = append(out.Nodes, n)
			}
		}
		out.Edges = append(out.Edges, e)
	}
	return out
}

func (g *Graph) inside(id string) bool { return g.has(id) && !g.node(id).Guest }

// limit keeps the Most nodes with the highest risk, most threats and most
// flows, and says how many it left out.
func (g Graph) limit() (Graph, int) {
	left := len(g.Nodes) - Most
	if left <= 0 {
		return g, 0
	}
	flows := map[string]int{}
	for _, e := range g.Edges {
		flows[e.From]++
		flows[e.To]++
	}
	ranked := slices.Clone(g.Nodes)
	slices.SortStableFunc(ranked, func(a, b Node) int {
		if a.Mark.Threats != b.Mark.Threats {
			return b.Mark.Threats - a.Mark.Threats
		}
		return flows[b.ID] - flows[a.ID]
	})
	keep := map[string]string{}
	for _, n := range ranked[:Most] {
		keep[n.ID] = n.ID
	}
	g.Nodes = slices.DeleteFunc(slices.Clone(g.Nodes), func(n Node) bool { return keep[n.ID] == "" })
	g.Edges = rejoin(g.Edges, keep)
	g.Zones = slices.DeleteFunc(slices.Clone(g.Zones), func(z Zone) bool { return !g.holds(z.ID) })
	return g, left
}

// holds reports whether a node stands in a zone or in a zone inside it.
func (g *Graph) holds(zone string) bool {
	for _, n := range g.Nodes {
		for at := n.Zone; at != ""; at = g.parent(at) {
			if at == zone {
				return true
			}
		}
	}
	return false
}

func (g *Graph) parent(zone string) string {
	for _, z := range g.Zones {
		if z.ID == zone {
			return z.Parent
		}
	}
	return ""
}
