package dataflow

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"strings"

	"oss.terrastruct.com/d2/d2graph"
	"oss.terrastruct.com/d2/d2layouts/d2dagrelayout"
	"oss.terrastruct.com/d2/d2lib"
	"oss.terrastruct.com/d2/d2renderers/d2svg"
	"oss.terrastruct.com/d2/d2target"
	"oss.terrastruct.com/d2/lib/log"
	"oss.terrastruct.com/d2/lib/textmeasure"
)

// zoomed is how much larger than drawn D2 sees everything: its distance between
// ranks is fixed, and too wide for small print.
const zoomed = 1.45

// point is a place in the diagram, in pixels.
type point struct{ x, y float64 }

// box is a placed node or zone.
type box struct{ x, y, w, h float64 }

func (b box) union(o box) box {
	x, y := min(b.x, o.x), min(b.y, o.y)
	return box{x, y, max(b.x+b.w, o.x+o.w) - x, max(b.y+b.h, o.y+o.h) - y}
}

// placed is a graph with places: boxes by id, and for each edge its route and
// the top left of its label.
type placed struct {
	boxes  map[string]box
	routes [][]point
	labels []point
}

// layout has D2 place the boxes. D2 sees our own short names, sizes, and
// labels made of the letter n: what a document says never becomes D2 source.
//
// D2's layout cannot be interrupted. When ctx ends, layout returns and the
// rest of the work, bounded by Most, ends by itself within seconds.
func layout(ctx context.Context, g Graph, size map[string]box, edge []box) (*placed, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	type result struct {
		p   *placed
		err error
	}
	done := make(chan result, 1)
	go func() {
		defer func() {
			if r := recover(); r != nil {
				done <- result{nil, fmt.Errorf("layout failed: %v", r)}
			}
		}()
		p, err := place(ctx, g, size, edge)
		done <- result{p, err}
	}()
	select {
	case r := <-done:
		return r.p, r.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func place(ctx context.Context, g Graph, size map[string]box, edge []box) (*placed, error) {
	ctx = log.With(ctx, slog.New(slog.DiscardHandler)) // without one, D2 writes stacks to standard output
	ruler, err := textmeasure.NewRuler()
	if err != nil {
		return nil, err
	}
	engine := "dagre"
	options := &d2lib.CompileOptions{Ruler: ruler, Layout: &engine, LayoutResolver: func(string) (d2graph.LayoutGraph, error) {
		return func(ctx context.Context, g *d2graph.Graph) error {
			return d2dagrelayout.Layout(ctx, g, &d2dagrelayout.ConfigurableOpts{NodeSep: 50, EdgeSep: 32})
		}, nil
	}}
	ids := paths(g)
	diagram, _, err := d2lib.Compile(ctx, source(g, ids, size, edge), options, &d2svg.RenderOpts{})
	if err != nil {
		return nil, err
	}
	return read(g, ids, diagram)
}

// paths are D2's names of nodes and zones: those of all zones around them,
// joined by dots.
func paths(g Graph) map[string]string {
	short := names(g)
	out := map[string]string{}
	path := func(id, zone string) string {
		p := short[id]
		for ; zone != ""; zone = g.parent(zone) {
			p = short[zone] + "." + p
		}
		return p
	}
	for _, z := range g.Zones {
		out[z.ID] = path(z.ID, z.Parent)
	}
	for _, n := range g.Nodes {
		out[n.ID] = path(n.ID, n.Zone)
	}
	return out
}

func source(g Graph, ids map[string]string, size map[string]box, edge []box) string {
	var b strings.Builder
	b.WriteString("direction: down\n")
	for _, z := range g.Zones {
		fmt.Fprintf(&b, "%s: %s {label.near: top-left}\n", ids[z.ID], strings.Repeat("n", min(32, max(4, len(z.Name)))))
	}
	for _, n := range g.Nodes {
		s := size[n.ID]
		fmt.Fprintf(&b, "%s: \"\" {width: %.0f; height: %.0f}\n", ids[n.ID], s.w*zoomed, s.h*zoomed)
	}
	for i, e := range g.Edges {
		fmt.Fprintf(&b, "%s -> %s", ids[e.From], ids[e.To])
		if w := edge[i].w; w > 0 {
			fmt.Fprintf(&b, ": %s", strings.Repeat("n", max(1, int(w*zoomed/8.5))))
		}
		b.WriteString("\n")
	}
	for _, pair := range g.grid() {
		fmt.Fprintf(&b, "%s -> %s\n", ids[pair[0]], ids[pair[1]])
	}
	return b.String()
}

// grid pairs the nodes of a zone that no flow reaches, so that layout puts them
// in rows below each other and not all side by side. The pairs are not drawn.
func (g *Graph) grid() [][2]string {
	flows := map[string]bool{}
	for _, e := range g.Edges {
		flows[e.From], flows[e.To] = true, true
	}
	alone := map[string][]string{}
	var zones []string
	for _, n := range g.Nodes {
		if flows[n.ID] {
			continue
		}
		if alone[n.Zone] == nil {
			zones = append(zones, n.Zone)
		}
		alone[n.Zone] = append(alone[n.Zone], n.ID)
	}
	var out [][2]string
	for _, z := range zones {
		ids := alone[z]
		columns := max(2, int(math.Ceil(math.Sqrt(float64(len(ids))))))
		for i := columns; i < len(ids); i++ {
			out = append(out, [2]string{ids[i-columns], ids[i]})
		}
	}
	return out
}

// read takes the places out of D2's diagram.
func read(g Graph, ids map[string]string, d *d2target.Diagram) (*placed, error) {
	p := &placed{boxes: map[string]box{}}
	at := map[string]box{}
	for _, s := range d.Shapes {
		at[s.ID] = box{float64(s.Pos.X) / zoomed, float64(s.Pos.Y) / zoomed, float64(s.Width) / zoomed, float64(s.Height) / zoomed}
	}
	for id, path := range ids {
		b, ok := at[path]
		if !ok {
			return nil, errors.New("layout left out an element")
		}
		p.boxes[id] = b
	}
	flows := map[[2]string]*d2target.Connection{}
	for i := range d.Connections {
		c := &d.Connections[i]
		flows[[2]string{c.Src, c.Dst}] = c
	}
	for _, e := range g.Edges {
		c := flows[[2]string{ids[e.From], ids[e.To]}]
		if c == nil || len(c.Route) < 2 {
			return nil, errors.New("layout left out a flow")
		}
		var route []point
		for _, pt := range c.Route {
			route = append(route, point{pt.X / zoomed, pt.Y / zoomed})
		}
		p.routes = append(p.routes, route)
		var label point
		if c.Label != "" {
			if tl := c.GetLabelTopLeft(); tl != nil {
				label = point{(tl.X + float64(c.LabelWidth)/2) / zoomed, (tl.Y + float64(c.LabelHeight)/2) / zoomed}
			}
		}
		p.labels = append(p.labels, label)
	}
	return p, nil
}
