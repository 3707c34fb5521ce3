package dataflow

import (
	"context"
	_ "embed" // the stylesheet
	"encoding/xml"
	"fmt"
	"strings"

	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

// Style is the stylesheet of the diagrams; the page that holds them holds it
// once.
//
//go:embed diagram.css
var Style string

const (
	margin    = 16.0
	labelSize = 11.5
)

// Draw is the diagram as an SVG element without a stylesheet. It holds text,
// lines and classes: no link, no script, no reference. It fails where ctx ends
// before the layout is done.
func Draw(ctx context.Context, g Graph) ([]byte, error) { return draw(ctx, g, "") }

// Standalone is the diagram as an SVG file.
func Standalone(ctx context.Context, g Graph) ([]byte, error) { return draw(ctx, g, Style) }

func draw(ctx context.Context, g Graph, style string) ([]byte, error) {
	labels := make(map[string][]string, len(g.Nodes))
	size := make(map[string]box, len(g.Nodes))
	for _, n := range g.Nodes {
		labels[n.ID] = wrap(n.Name, lineRunes, mostLines)
		size[n.ID] = nodeSize(n, labels[n.ID])
	}
	flows := make([][]string, len(g.Edges))
	flowSize := make([]box, len(g.Edges))
	for i, e := range g.Edges {
		flows[i] = wrap(e.label(), 26, 2)
		flowSize[i] = box{w: measure(flows[i], labelSize)}
	}
	p, err := layout(ctx, g, size, flowSize)
	if err != nil {
		return nil, fmt.Errorf("drawing the data flow diagram: %w", err)
	}
	d := drawing{g: g, p: p}
	d.open(p.bounds(flowSize), style)
	d.zones(func(z Zone, b box) {
		fmt.Fprintf(&d, `<rect class="df-zone" x="%.1f" y="%.1f" width="%.1f" height="%.1f" rx="8"/>`, b.x, b.y, b.w, b.h)
	})
	for i, e := range g.Edges {
		d.flow(e, p.routes[i])
	}
	d.zones(d.zoneName)
	for _, n := range g.Nodes {
		d.node(n, p.boxes[n.ID], labels[n.ID])
	}
	for i, e := range g.Edges {
		d.flowLabel(e, flows[i], flowSize[i].w, d.labelAt(i))
	}
	d.WriteString("</svg>")
	return []byte(d.String()), nil
}

// nodeSize leaves room around the label, for a cylinder also above.
func nodeSize(n Node, label []string) box {
	b := box{w: max(96, measure(label, fontSize)+34), h: float64(len(label))*lineStep + 26}
	if n.Kind == threatmodel.DataStore {
		b.h += 14
	}
	if n.Holds > 0 {
		b.w, b.h = max(b.w, 140), b.h+24
	}
	return b
}

// bounds is what all boxes, routes and labels need.
func (p *placed) bounds(labels []box) box {
	first := true
	var all box
	add := func(b box) {
		if first {
			all, first = b, false
			return
		}
		all = all.union(b)
	}
	for _, b := range p.boxes {
		add(b)
	}
	for i, r := range p.routes {
		for _, pt := range r {
			add(box{pt.x, pt.y, 0, 0})
		}
		if w := labels[i].w; w > 0 {
			add(box{p.labels[i].x - w/2, p.labels[i].y - lineStep, w, 2 * lineStep})
		}
	}
	return all
}

// drawing writes SVG. Text reaches it through text alone, which escapes.
type drawing struct {
	strings.Builder
	g Graph
	p *placed
}

func (d *drawing) open(b box, style string) {
	x, y, w, h := b.x-margin, b.y-margin, b.w+2*margin, b.h+2*margin
	fmt.Fprintf(d, `<svg xmlns="http://www.w3.org/2000/svg" class="dfd" role="img" aria-label="Data flow diagram" viewBox="%.0f %.0f %.0f %.0f" width="%.0f" height="%.0f">`, x, y, w, h, w, h)
	if style != "" {
		fmt.Fprintf(d, "<style>%s</style><rect x=\"%.0f\" y=\"%.0f\" width=\"%.0f\" height=\"%.0f\" fill=\"var(--df-ground)\"/>", style, x, y, w, h)
	}
}

func (d *drawing) text(class string, x, y float64, s string) {
	fmt.Fprintf(d, `<text class="%s" x="%.1f" y="%.1f">`, class, x, y)
	_ = xml.EscapeText(d, []byte(s)) // a strings.Builder does not fail
	d.WriteString("</text>")
}

func (d *drawing) lines(class string, x, y, step float64, lines []string) {
	y -= step * float64(len(lines)-1) / 2
	for i, l := range lines {
		d.text(class, x, y+step*float64(i), l)
	}
}

// zones draws something of each zone, from the outside in.
func (d *drawing) zones(each func(Zone, box)) {
	var walk func(parent string)
	walk = func(parent string) {
		for _, z := range d.g.Zones {
			if z.Parent == parent {
				each(z, d.p.boxes[z.ID])
				walk(z.ID)
			}
		}
	}
	walk("")
}

// zoneName is written over the flows that enter the zone.
func (d *drawing) zoneName(z Zone, b box) {
	room := int(b.w / (labelSize * 0.62))
	d.text("df-zone-name", b.x+12, b.y+18, strings.Join(wrap(z.Name, max(8, room), 1), ""))
	d.badge(z.Mark, b.x+b.w-6, b.y)
}

func (d *drawing) node(n Node, b box, label []string) {
	class := "df-node" + n.Mark.class()
	if n.Guest {
		class += " df-guest"
	}
	cy := b.y + b.h/2
	switch n.Kind {
	case threatmodel.DataStore:
		const ry = 7.0
		fmt.Fprintf(d, `<path class="%s" d="M%.1f %.1fv%.1fa%.1f %g 0 0 0 %.1f 0v%.1fa%.1f %g 0 0 0 %.1f 0a%.1f %g 0 0 0 %.1f 0"/>`,
			class, b.x, b.y+ry, b.h-2*ry, b.w/2, ry, b.w, -(b.h - 2*ry), b.w/2, ry, -b.w, b.w/2, ry, b.w)
		cy += 5
	case threatmodel.Process:
		fmt.Fprintf(d, `<rect class="%s" x="%.1f" y="%.1f" width="%.1f" height="%.1f" rx="%.1f"/>`, class, b.x, b.y, b.w, b.h, min(b.h/2, 22))
	case threatmodel.TrustBoundary:
		fmt.Fprintf(d, `<rect class="df-zone" x="%.1f" y="%.1f" width="%.1f" height="%.1f" rx="8"/>`, b.x, b.y, b.w, b.h)
	default:
		fmt.Fprintf(d, `<rect class="%s" x="%.1f" y="%.1f" width="%.1f" height="%.1f"/>`, class, b.x, b.y, b.w, b.h)
	}
	if n.Holds > 0 {
		d.text("df-holds", b.x+b.w/2, b.y+b.h-12, elements(n.Holds))
		cy -= 8
	}
	d.lines("df-name", b.x+b.w/2, cy+fontSize*0.35, lineStep, label)
	d.badge(n.Mark, b.x+b.w-6, b.y+2)
}

func elements(n int) string {
	if n == 1 {
		return "1 element"
	}
	return fmt.Sprintf("%d elements", n)
}

// flow draws an edge with its arrow head. D2 gives the points of Bézier
// curves: a start, then three for each curve.
func (d *drawing) flow(e Edge, route []point) {
	class := "df-flow" + e.Mark.class()
	if e.Crosses {
		class += " df-crosses"
	}
	fmt.Fprintf(d, `<path class="%s" d="M%.1f %.1f`, class, route[0].x, route[0].y)
	rest := route[1:]
	for ; len(rest)%3 == 0 && len(rest) > 0; rest = rest[3:] {
		fmt.Fprintf(d, "C%.1f %.1f %.1f %.1f %.1f %.1f", rest[0].x, rest[0].y, rest[1].x, rest[1].y, rest[2].x, rest[2].y)
	}
	for _, p := range rest {
		fmt.Fprintf(d, "L%.1f %.1f", p.x, p.y)
	}
	d.WriteString(`"/>`)
	tip := route[len(route)-1]
	ux, uy := direction(route)
	const long, half = 9.0, 4.5
	bx, by := tip.x-ux*long, tip.y-uy*long
	fmt.Fprintf(d, `<path class="df-head%s" d="M%.1f %.1fL%.1f %.1fL%.1f %.1fZ"/>`, e.Mark.class(),
		tip.x, tip.y, bx-uy*half, by+ux*half, bx+uy*half, by-ux*half)
}

// flowLabel is written over the lines, on a chip of the ground's colour.
func (d *drawing) flowLabel(e Edge, lines []string, w float64, at point) {
	if len(lines) > 0 {
		h := 14*float64(len(lines)) + 3
		fmt.Fprintf(d, `<rect class="df-chip" x="%.1f" y="%.1f" width="%.1f" height="%.1f" rx="3"/>`, at.x-w/2-3, at.y-h/2, w+6, h)
		d.lines("df-label", at.x, at.y+4, 14, lines)
	}
	switch {
	case e.Mark.Threats == 0:
	case len(lines) > 0:
		d.badge(e.Mark, at.x+w/2+13, at.y)
	default:
		d.badge(e.Mark, at.x, at.y)
	}
}

// labelAt is where an edge's label stands: where layout left room for it, else
// in the middle of the route.
func (d *drawing) labelAt(i int) point {
	if at := d.p.labels[i]; at != (point{}) {
		return at
	}
	route := d.p.routes[i]
	if len(route)%2 == 1 {
		return route[len(route)/2]
	}
	a, b := route[len(route)/2-1], route[len(route)/2]
	return point{(a.x + b.x) / 2, (a.y + b.y) / 2}
}

// badge shows the number of threats, in the colour of the highest.
func (d *drawing) badge(m Mark, x, y float64) {
	if m.Threats == 0 {
		return
	}
	n := fmt.Sprint(m.Threats)
	w := 20 + 7*float64(len(n)-1)
	fmt.Fprintf(d, `<rect class="df-badge%s" x="%.1f" y="%.1f" width="%.1f" height="20" rx="10"/>`, m.class(), x-w/2, y-10, w)
	d.text("df-count", x, y+4, n)
}

// class is the class of the highest risk, with a space before it.
func (m Mark) class() string {
	if m.Threats == 0 {
		return ""
	}
	for _, l := range threatmodel.Levels() {
		if m.Risk == l {
			return " df-" + string(l)
		}
	}
	return ""
}
