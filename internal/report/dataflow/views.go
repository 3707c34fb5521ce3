package dataflow

import (
	"fmt"
	"slices"
	"strings"

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

// Views are the diagrams of a model: one of everything, or of a large system one
// without what no flow reaches and no threat concerns; where that is still too
// much, one with each outermost boundary as a single box, and then one a
// boundary. A model without elements has none.
func Views(m *threatmodel.Model) []View {
	g := New(m)
	all := len(g.Nodes)
	switch {
	case all == 0:
		return nil
	case g.fits():
		return []View{{Title: "Data flow diagram", Graph: g}}
	}
	g = g.reached()
	note := notDrawn(all-len(g.Nodes), "that no flow reaches and no threat concerns")
	if g.fits() {
		return []View{{Title: "Data flow diagram", Note: note, Graph: g}}
	}
	over := collapse(g)
	few := over.limit()
	views := []View{{
		Title: "Overview", Graph: few,
		Note: joined("Each outermost trust boundary is drawn as one box.", note, notDrawn(len(over.Nodes)-len(few.Nodes), fewest)),
	}}
	for _, z := range g.Zones {
		if z.Parent != "" {
			continue
		}
		near := zoom(g, z.ID)
		few := near.limit()
		views = append(views, View{
			Title: z.Name, Graph: few,
			Note: joined("Dashed boxes stand outside of this boundary.", notDrawn(len(near.Nodes)-len(few.Nodes), fewest)),
		})
	}
	return views
}

const fewest = "with the fewest threats and flows"

// fits reports whether a graph can be laid out in time and be read.
func (g *Graph) fits() bool { return len(g.Nodes) <= Most && len(g.Edges) <= MostFlows }

func notDrawn(n int, which string) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprintf("Not drawn: %s %s.", elements(n), which)
}

func joined(sentences ...string) string {
	return strings.Join(slices.DeleteFunc(sentences, func(s string) bool { return s == "" }), " ")
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

// reached leaves out the nodes that no flow reaches and no threat concerns, and
// the zones in which nothing is left.
func (g Graph) reached() Graph {
	flows := map[string]bool{}
	for _, e := range g.Edges {
		flows[e.From], flows[e.To] = true, true
	}
	return g.without(func(n Node) bool { return !flows[n.ID] && n.Mark.Threats == 0 })
}

// without leaves out nodes, their edges, and zones around nothing.
func (g Graph) without(drop func(Node) bool) Graph {
	kept := map[string]string{}
	g.Nodes = slices.DeleteFunc(slices.Clone(g.Nodes), drop)
	for _, n := range g.Nodes {
		kept[n.ID] = n.ID
	}
	g.Edges = slices.DeleteFunc(slices.Clone(g.Edges), func(e Edge) bool { return kept[e.From] == "" || kept[e.To] == "" })
	g.Zones = slices.DeleteFunc(slices.Clone(g.Zones), func(z Zone) bool { return !g.holds(z.ID) && z.Mark.Threats == 0 })
	return g
}

// limit keeps the nodes with most threats and then most flows, and the flows
// with most threats, as many as a diagram may show.
func (g Graph) limit() Graph {
	if len(g.Nodes) > Most {
		keep := g.ranked()[:Most]
		g = g.without(func(n Node) bool { return !slices.Contains(keep, n.ID) })
	}
	if len(g.Edges) > MostFlows {
		g.Edges = slices.Clone(g.Edges)
		slices.SortStableFunc(g.Edges, func(a, b Edge) int { return b.Mark.Threats - a.Mark.Threats })
		g.Edges = g.Edges[:MostFlows]
	}
	return g
}

// ranked are the ids of the nodes, those with most threats and then most flows
// first.
func (g *Graph) ranked() []string {
	flows := map[string]int{}
	for _, e := range g.Edges {
		flows[e.From]++
		flows[e.To]++
	}
	nodes := slices.Clone(g.Nodes)
	slices.SortStableFunc(nodes, func(a, b Node) int {
		if a.Mark.Threats != b.Mark.Threats {
			return b.Mark.Threats - a.Mark.Threats
		}
		return flows[b.ID] - flows[a.ID]
	})
	var ids []string
	for _, n := range nodes {
		ids = append(ids, n.ID)
	}
	return ids
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
