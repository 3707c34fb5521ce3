package diagram

import (
	"cmp"
	"slices"
	"strings"

	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

// sheet lays a page out as text and tells what it declares.
func (c *canvas) sheet(language string) Sheet {
	g := newGraph(language, Drawing, "")
	g.declaring = true
	for i := range c.shapes {
		if s := &c.shapes[i]; s.role == roleShape && s.part < 0 && (s.name != "" || s.junction) {
			c.add(g, i)
		}
	}
	for i := range c.shapes {
		if c.shapes[i].role == roleEdge {
			c.join(g, i)
		}
	}
	if g.full {
		c.problem("the page has more than %d shapes or %d arrows; the rest is not read", maxNodes, maxEdges)
	}
	c.tell()
	d := g.diagram()
	l := layout{canvas: c, diagram: &d}
	l.page()
	sheet := Sheet{Language: language, Name: oneLine(c.page.Name), Text: l.text.String(), Links: l.links, Problems: c.problems}
	if len(d.Nodes)+len(d.Groups) > 0 {
		sheet.Diagram = d
	}
	return sheet
}

// add gives a shape to the graph. An id that was given before is not given
// again.
func (c *canvas) add(g *graph, i int) {
	s := &c.shapes[i]
	if c.index[s.ID] != i || g.full {
		return
	}
	group := ""
	if at := c.groupOf(i); at >= 0 {
		group = c.shapes[at].ID
	}
	if s.container {
		gr := g.openGroup(s.ID, s.name, place{})
		gr.parent, gr.technology = group, s.technology
		g.open = nil
		return
	}
	if n := g.declare(s.ID, place{}); n != nil {
		n.name, n.group, n.technology, n.look, n.junction = s.name, group, s.technology, s.look, s.junction
	}
}

// layout writes the text of a page.
type layout struct {
	*canvas
	diagram *threatmodel.Diagram
	text    strings.Builder
	lines   []int
	links   []threatmodel.Link
	// items are what stands directly in each group.
	items map[string][]item
}

// item is something that the page shows, for its order of reading.
type item struct {
	x, y  float64
	write func(depth int)
}

func (l *layout) page() {
	l.collect()
	l.write("", 0)
	names := map[string]string{}
	for _, n := range slices.Concat(l.diagram.Groups, l.diagram.Nodes) {
		names[n.ID] = n.Name
	}
	for i := range l.diagram.Edges {
		e := &l.diagram.Edges[i]
		arrow := " -> "
		if e.Bidirectional {
			arrow = " <-> "
		}
		line := names[e.From] + arrow + names[e.To]
		if e.Label != "" {
			line += ": " + e.Label
		}
		e.Start, e.End = l.line(0, line)
	}
	for i := range l.shapes {
		if s := &l.shapes[i]; s.role == roleEdge && s.used {
			l.line(0, l.edgeLabel(s))
		}
	}
	l.diagram.Lines = l.lines
}

// line writes a line and returns where it stands.
func (l *layout) line(depth int, text string) (start, end int) {
	if l.text.Len() > 0 {
		l.text.WriteByte('\n')
	}
	l.lines = append(l.lines, l.text.Len())
	l.text.WriteString(strings.Repeat("  ", min(depth, 10)))
	start = l.text.Len()
	l.text.WriteString(text)
	return start, l.text.Len()
}

// shapeLine writes the line of a shape, with its link where that leads out of
// the drawing.
func (l *layout) shapeLine(depth int, text string, s *shape) (start, end int) {
	start, end = l.line(depth, text)
	if target := oneLine(s.Attributes["link"]); target != "" && !strings.HasPrefix(target, "data:") && len(target) < maxLabel {
		l.links = append(l.links, threatmodel.Link{Start: start, End: end, Target: target})
	}
	return start, end
}

// collect finds what stands in each group.
func (l *layout) collect() {
	l.items = map[string][]item{}
	put := func(group string, s *shape, write func(depth int)) {
		l.items[group] = append(l.items[group], item{s.x, s.y, write})
	}
	for i := range l.diagram.Groups {
		g := &l.diagram.Groups[i]
		s := &l.shapes[l.index[g.ID]]
		put(g.Group, s, func(depth int) { l.group(g, s, depth) })
	}
	for i := range l.diagram.Nodes {
		n := &l.diagram.Nodes[i]
		s := &l.shapes[l.index[n.ID]]
		put(n.Group, s, func(depth int) { n.Start, n.End = l.shapeLine(depth, elementLine(n.Name, n.Technology, s.more), s) })
	}
	for i := range l.shapes {
		s := &l.shapes[i]
		if (s.role == roleText || s.role == roleNote || s.role == roleRow) && s.name != "" && !s.used {
			put(l.textGroup(i), s, func(depth int) { l.shapeLine(depth, s.name, s) })
		}
	}
}

// write writes what stands directly in a group, in the order of reading: from
// above to below, and in a row from left to right.
func (l *layout) write(group string, depth int) {
	if depth > maxNesting {
		return
	}
	all := l.items[group]
	const row = 20
	slices.SortStableFunc(all, func(a, b item) int { return cmp.Compare(a.y, b.y) })
	for i := 0; i < len(all); {
		j := i + 1
		for j < len(all) && all[j].y-all[i].y < row {
			j++
		}
		slices.SortStableFunc(all[i:j], func(a, b item) int { return cmp.Compare(a.x, b.x) })
		i = j
	}
	for _, it := range all {
		it.write(depth)
	}
}

func (l *layout) group(g *threatmodel.DiagramNode, s *shape, depth int) {
	g.Start, g.End = l.shapeLine(depth, elementLine(g.Name, g.Technology, s.more)+":", s)
	l.write(g.ID, depth+1)
}

func elementLine(name, technology, more string) string {
	if technology != "" && technology != name {
		name += " [" + technology + "]"
	}
	if more != "" {
		name += ": " + more
	}
	return name
}

// textGroup is the id of the smallest boundary around a text.
func (l *layout) textGroup(i int) string {
	best := -1
	t := &l.shapes[i]
	for j := range l.diagram.Groups {
		at := l.index[l.diagram.Groups[j].ID]
		if s := &l.shapes[at]; s.covers(t) && (best < 0 || s.area() < l.shapes[best].area()) {
			best = at
		}
	}
	if best < 0 {
		return ""
	}
	return l.shapes[best].ID
}
