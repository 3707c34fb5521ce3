package diagram

import (
	"math"
	"slices"
	"strings"

	"github.com/bartizan-security/bartizan/internal/extract/diagram/mxfile"
)

// snap is how far a free end of an arrow may be from the shape that it is
// meant to touch, in pixels.
const snap = 15

// join gives the graph of a page the arrow of a cell.
func (c *canvas) join(g *graph, i int) {
	s := &c.shapes[i]
	from, freely := c.end(i, s.Source, s.Start)
	to, freelyTo := c.end(i, s.Target, s.End)
	label := c.edgeLabel(s)
	switch {
	case from >= 0 && to >= 0:
		c.draw(g, s, from, to, label)
	case from < 0 && to < 0 && label == "" || c.atNote(s.Source) || c.atNote(s.Target):
	case !(from < 0 && freely) && !(to < 0 && freelyTo):
		s.used = label != "" // the shape without a name is told
	case from < 0 && to < 0:
		c.untold(looseLine, s.ID)
		s.used = true
	case label != "":
		c.untold(looseText, s.ID)
		s.used = true
	default:
		c.untold(looseArrow, s.ID)
	}
}

func (c *canvas) atNote(id string) bool {
	at, ok := c.index[id]
	return ok && id != "" && c.shapes[at].role == roleNote
}

// edgeLabel is what is written along an arrow.
func (c *canvas) edgeLabel(s *shape) string {
	label := strings.Join(append(slices.DeleteFunc([]string{s.name}, func(l string) bool { return l == "" }), s.labels...), "; ")
	if slices.Contains(c.words.C4.Relations, strings.ToLower(s.Attributes["c4Type"])) {
		label = first(oneLine(s.Attributes["c4Description"]), label)
		if technology := oneLine(s.Attributes["c4Technology"]); technology != "" {
			label = strings.TrimSpace(label + " [" + technology + "]")
		}
	}
	return label
}

func (c *canvas) draw(g *graph, s *shape, from, to int, label string) {
	left, right := c.heads(s)
	if left && !right {
		from, to = to, from
	}
	g.edge(c.shapes[from].ID, c.shapes[to].ID, label, left == right, place{})
}

// heads reports at which ends an arrow has a head that gives a direction.
func (c *canvas) heads(s *shape) (left, right bool) {
	start, end := strings.ToLower(s.Style.Get("startArrow")), strings.ToLower(s.Style.Get("endArrow"))
	if end == "" {
		end = "classic"
	}
	return slices.Contains(c.words.Heads, start), slices.Contains(c.words.Heads, end)
}

// end finds the shape at an end of an arrow; -1 where there is none, and then
// whether the end hangs free.
func (c *canvas) end(edge int, id string, p *mxfile.Point) (int, bool) {
	if at, ok := c.index[id]; ok && id != "" {
		return c.whole(at), false
	}
	if p == nil {
		return -1, true
	}
	x, y := c.origin(edge)
	return c.nearest(p.X+x, p.Y+y), true
}

// whole is the element or boundary that a cell is or belongs to.
func (c *canvas) whole(at int) int {
	for steps := 0; at >= 0 && steps < maxNesting; steps++ {
		s := &c.shapes[at]
		switch {
		case s.role == roleShape && s.part >= 0:
			at = s.part
		case s.role == roleShape && (s.name != "" || s.junction):
			return at
		default:
			at = s.above
		}
	}
	return -1
}

// nearest is the shape that a point touches: the smallest that it lies in,
// else the closest.
func (c *canvas) nearest(x, y float64) int {
	best, distance := -1, float64(snap)
	for i := range c.shapes {
		s := &c.shapes[i]
		if s.role != roleShape || s.name == "" && !s.junction || s.part >= 0 {
			continue
		}
		above, below := s.labelled()
		dx := max(s.x-x, 0, x-s.right())
		dy := max(s.y-above-y, 0, y-s.bottom()-below)
		d := math.Hypot(dx, dy)
		if s.container && d == 0 {
			// In a container, only its border is touched.
			d = min(x-s.x, s.right()-x, y-s.y, s.bottom()-y)
		}
		if d < distance || d == distance && best >= 0 && s.area() < c.shapes[best].area() {
			best, distance = i, d
		}
	}
	return best
}

// labelled is how far the label of a shape reaches above and below it, in
// pixels: arrows are drawn up to there.
func (s *shape) labelled() (above, below float64) {
	const line = 15
	switch s.Style.Get("verticalLabelPosition") {
	case "top":
		return line * float64(s.lines), 0
	case "bottom":
		return 0, line * float64(s.lines)
	}
	return 0, 0
}
