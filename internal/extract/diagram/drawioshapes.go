package diagram

import (
	"math"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

// labelEdges gives the labels that lie on arrows to them.
func (c *canvas) labelEdges() {
	for i := range c.shapes {
		s := &c.shapes[i]
		if s.role != roleLabel || s.name == "" {
			continue
		}
		edge := &c.shapes[s.above]
		edge.labels = append(edge.labels, s.name)
	}
}

// countEnds counts the arrows at each shape, and settles what they make of it:
// an element of a text, or of a whole sentence the label of what goes along
// them; and a note of a paragraph from which only lines without heads lead.
func (c *canvas) countEnds() {
	const sentence, paragraph = 4, 80
	for i := range c.shapes {
		s := &c.shapes[i]
		if s.role != roleEdge {
			continue
		}
		left, right := c.heads(s)
		for _, id := range []string{s.Source, s.Target} {
			if at, ok := c.index[id]; ok && id != "" {
				c.shapes[at].joined++
				c.shapes[at].pointed = c.shapes[at].pointed || left || right
			}
		}
	}
	for i := range c.shapes {
		s := &c.shapes[i]
		switch {
		case s.joined == 0 || s.name == "":
		case s.role == roleText && (s.above < 0 || c.shapes[s.above].role != roleShape):
			s.role = roleShape
			s.junction = s.joined > 1 && len(strings.Fields(s.name)) >= sentence
		case s.role == roleShape && !s.pointed && !c.isContainerShape(i) && len(s.name)+len(s.more) > paragraph:
			s.role, s.name = roleNote, joinLines(labelLines(s.Cell))
		}
	}
}

// nameByTexts names a shape without a label by the uppermost text in it.
func (c *canvas) nameByTexts() {
	best := map[int]int{}
	for i := range c.shapes {
		s := &c.shapes[i]
		if s.role != roleText || s.name == "" || s.above < 0 {
			continue
		}
		above := &c.shapes[s.above]
		if above.role != roleShape || above.name != "" {
			continue
		}
		if b, ok := best[s.above]; !ok || s.y < c.shapes[b].y {
			best[s.above] = i
		}
	}
	for above, text := range best {
		c.take(above, text)
	}
}

// take makes a text the name of a shape.
func (c *canvas) take(shape, text int) {
	s := &c.shapes[shape]
	name, technology, more := nameOf(labelLines(c.shapes[text].Cell))
	s.name, s.technology, s.more = name, first(technology, s.technology), first(s.more, more)
	c.shapes[text].used = true
}

// settleCards makes one of a card: a frame without a label, at which arrows
// end, and the icon in it that is a part of it and has the label.
func (c *canvas) settleCards() {
	parts := map[int][]int{}
	for i := range c.shapes {
		s := &c.shapes[i]
		if s.role == roleShape && s.name != "" && s.above >= 0 {
			parts[s.above] = append(parts[s.above], i)
		}
	}
	for above, in := range parts {
		frame, icon := &c.shapes[above], &c.shapes[in[0]]
		if len(in) > 1 || frame.role != roleShape || frame.name != "" || !icon.Style.Is("part") || c.isContainerShape(above) {
			continue
		}
		frame.name, frame.technology, frame.more, frame.look, frame.sign = icon.name, icon.technology, icon.more, icon.look, icon.sign
		frame.joined += icon.joined
		if lines := labelLines(icon.Cell); len(lines) > 1 && frame.technology == "" {
			if product, ok := productNamed(lines[len(lines)-1].text); ok {
				frame.technology, frame.stencil = product.Name, product.Kind
			}
		}
		icon.role = roleNothing
	}
}

// settleSolid finds the shapes that may be elements or boundaries.
func (c *canvas) settleSolid() {
	for i := range c.shapes {
		s := &c.shapes[i]
		if s.role == roleShape && s.isRemark() && !c.isContainerShape(i) {
			s.role = roleText
		}
		s.solid = s.role == roleShape && (s.name != "" || s.sign || s.boundary != "" || s.joined > 0 && !c.inLabelled(i))
	}
	for i := range c.shapes {
		if !c.shapes[i].solid {
			continue
		}
		if above := c.shapeAbove(i); above >= 0 {
			c.shapes[above].container = true
			c.shapes[above].solid = true
		}
	}
}

// isRemark reports whether a shape without arrows only remarks something: a
// number or letter beside what it tells of, or a whole paragraph.
func (s *shape) isRemark() bool {
	const small, badge, long = 26, 40, 100
	if s.joined > 0 || s.name == "" || s.technology != "" {
		return false
	}
	mark := utf8.RuneCountInString(s.name) <= 2 && s.Width <= badge && s.Height <= badge
	return mark || s.Width <= small && s.Height <= small || len(s.name) > long
}

// inLabelled reports whether a shape without a label is only a part of the one
// that it lies in: an icon, a bar on a lifeline.
func (c *canvas) inLabelled(i int) bool {
	above := c.shapeAbove(i)
	return above >= 0 && c.shapes[i].name == "" && c.shapes[above].name != "" && !c.isContainerShape(above)
}

func (c *canvas) isContainerShape(i int) bool {
	s := &c.shapes[i]
	if slices.Contains(c.words.Wholes, s.shape) {
		return false
	}
	return s.boundary != "" || s.Style.Is("container") || s.Style.Has("swimlane") || slices.Contains(c.words.Containers, s.shape) ||
		slices.Contains(c.words.C4.Boundaries, s.c4)
}

// shapeAbove is the innermost shape that a cell is a child of, -1 for none.
func (c *canvas) shapeAbove(i int) int {
	for at := c.shapes[i].above; at >= 0; at = c.shapes[at].above {
		if c.shapes[at].role == roleShape {
			return at
		}
	}
	return -1
}

// settleParts finds the shapes that are parts of others: an icon without a
// label on a box. What it stands for is what the box is built with.
func (c *canvas) settleParts() {
	for i := range c.shapes {
		s := &c.shapes[i]
		if s.role != roleShape || s.name != "" || s.container || s.boundary != "" || s.junction {
			continue
		}
		if above := c.shapeAbove(i); c.inLabelled(i) {
			s.part = above
		} else if on := c.under(i); on >= 0 {
			s.part = on
		}
		if s.part >= 0 {
			whole := &c.shapes[s.part]
			whole.technology = first(whole.technology, s.technology)
			if whole.stencil == "" && s.technology != "" {
				whole.stencil = s.stencil
			}
		}
	}
}

// under is the smallest shape with a label below one without; -1 where there
// is none, or where that is so large that it holds others.
func (c *canvas) under(i int) int {
	best := -1
	s := &c.shapes[i]
	for j := range min(i, maxNodes) {
		o := &c.shapes[j]
		large := o.area() >= 30*s.area() && !slices.Contains(c.words.Wholes, o.shape)
		if o.role == roleShape && o.name != "" && o.area() > s.area() && !large && o.holds(s) && !c.isContainerShape(j) &&
			!c.labelOutside(j) && (best < 0 || o.area() < c.shapes[best].area()) {
			best = j
		}
	}
	return best
}

// labelOutside reports whether a label stands at the edge of its shape or
// beside it, so that there is room in the middle.
func (c *canvas) labelOutside(i int) bool {
	s := c.shapes[i].Style
	vertical := s.Get("verticalAlign")
	return vertical == "top" || vertical == "bottom" || s.Get("verticalLabelPosition") == "bottom" || s.Get("verticalLabelPosition") == "top" ||
		s.Get("labelPosition") == "left" || s.Get("labelPosition") == "right" || s.Is("dashed") || s.Get("fillColor") == "none" || c.shapes[i].name == ""
}

// settleContainers finds what each shape stands in: the shape that it is a
// child of, else the smallest one around it.
func (c *canvas) settleContainers() {
	var solid []int
	for i := range c.shapes {
		s := &c.shapes[i]
		if s.solid && s.part < 0 && len(solid) < maxNodes {
			solid = append(solid, i)
		}
		if s.role == roleShape && (s.boundary != "" || slices.Contains(c.words.C4.Boundaries, s.c4)) {
			s.container = true
		}
	}
	around := map[int][]int{}
	inside := map[int]int{}
	for _, i := range solid {
		for j := range c.shapes {
			if c.mayHold(j, i) && (j < i || c.shapes[j].Style.Get("fillColor") == "none") {
				around[i] = append(around[i], j)
				inside[j]++
			}
		}
	}
	for _, i := range solid {
		s := &c.shapes[i]
		s.around = c.containerAbove(i)
		best := c.smallest(around[i], func(j int) bool { return inside[j] > 1 || c.isContainerShape(j) || c.labelOutside(j) })
		if best >= 0 {
			s.around = best
			c.shapes[best].container = true
		}
	}
	c.nestContainers()
}

// nestContainers finds what the containers without a label stand in.
func (c *canvas) nestContainers() {
	var containers []int
	for i := range c.shapes {
		if c.shapes[i].container && len(containers) < maxNodes {
			containers = append(containers, i)
		}
	}
	for _, i := range containers {
		if s := &c.shapes[i]; !s.solid {
			s.around = c.containerAbove(i)
			if best := c.smallest(containers, func(j int) bool { return j != i && c.mayHold(j, i) }); best >= 0 {
				s.around = best
			}
		}
	}
}

// smallest is the smallest of some shapes that fits; -1 for none.
func (c *canvas) smallest(shapes []int, fits func(int) bool) int {
	best := -1
	for _, j := range shapes {
		if fits(j) && (best < 0 || c.shapes[j].area() < c.shapes[best].area()) {
			best = j
		}
	}
	return best
}

// containerAbove is the innermost container that a cell is a child of.
func (c *canvas) containerAbove(i int) int {
	for at := c.shapes[i].above; at >= 0; at = c.shapes[at].above {
		if c.shapes[at].container {
			return at
		}
	}
	return -1
}

// mayHold reports whether shape j lies around shape i, and both stand in the
// same shape by their parents.
func (c *canvas) mayHold(j, i int) bool {
	o, s := &c.shapes[j], &c.shapes[i]
	return o.role == roleShape && o.part < 0 && o.area() > 1.2*s.area() && o.holds(s) && !o.junction &&
		c.shapeAbove(j) == c.shapeAbove(i) && o.kind("") == threatmodel.Process
}

// nameByPlace names containers and shapes without a label by the texts that
// stand in or below them.
func (c *canvas) nameByPlace() {
	var texts []int
	for i := range c.shapes {
		if t := &c.shapes[i]; t.role == roleText && len(t.name) > 2 && len(t.name) <= shortName && len(texts) < maxNodes {
			texts = append(texts, i)
		}
	}
	for i := range c.shapes {
		s := &c.shapes[i]
		if s.role != roleShape || s.name != "" || s.part >= 0 || s.junction || !s.container && !s.solid {
			continue
		}
		best, distance := -1, math.Inf(1)
		for _, j := range texts {
			if t := &c.shapes[j]; !t.used {
				if d := c.labels(s, t); d < distance {
					best, distance = j, d
				}
			}
		}
		if best >= 0 {
			c.take(i, best)
		} else if sign := c.signOn(i); sign >= 0 {
			t := &c.shapes[sign]
			s.name, s.technology, t.part = t.name, first(s.technology, t.technology), i
		} else {
			s.name = first(first(s.boundary, s.technology), s.stencilWords())
		}
	}
}

// signOn is the sign of a container without a label: an icon above its upper
// side, whose label stands on that side; -1 for none.
func (c *canvas) signOn(i int) int {
	const reach = 35
	s := &c.shapes[i]
	best, distance := -1, math.Inf(1)
	for j := range min(len(c.shapes), maxNodes) {
		t := &c.shapes[j]
		if !s.container || j == i || t.role != roleShape || t.name == "" || t.container || t.part >= 0 || t.joined > 0 || !c.hasIcon(j) {
			continue
		}
		middle := t.x + t.Width/2
		if t.y >= s.y || t.bottom() > s.y+reach/2 || t.bottom() < s.y-reach || middle < s.x || middle > s.right() || t.Width >= s.Width {
			continue
		}
		if d := math.Abs(middle - s.x - s.Width/2); d < distance {
			best, distance = j, d
		}
	}
	return best
}

// hasIcon reports whether a shape is drawn as the picture of a product.
func (c *canvas) hasIcon(i int) bool {
	s := &c.shapes[i]
	return s.sign || s.Style.Get("image") != "" || s.Style.Has("image") || s.Style.Get("resIcon") != ""
}

// stencilWords are the words in the name of a stencil at which arrows end:
// router for mxgraph.cisco.routers.router.
func (s *shape) stencilWords() string {
	shape := s.Style.Get("shape")
	if s.joined == 0 || !strings.HasPrefix(shape, "mxgraph.") || strings.HasPrefix(shape, "mxgraph.basic.") || strings.HasPrefix(shape, "mxgraph.flowchart.") {
		return ""
	}
	return oneLine(strings.ReplaceAll(lastPart(strings.ToLower(shape)), "_", " "))
}

// labels tells how far a text is from where the label of a shape would stand;
// infinite where it is no label of it.
func (c *canvas) labels(s, t *shape) float64 {
	const below = 30
	middle := t.x + t.Width/2
	switch {
	case s.container && t.bottom() <= s.y && t.bottom() >= s.y-below && t.x >= s.x-below && t.right() <= s.right()+below:
		return s.y - t.bottom() + s.Height // what stands in the container comes first
	case middle < s.x-below || middle > s.right()+below:
	case s.container && s.covers(t):
		band := max(40, s.Height/4)
		if d := min(t.y-s.y, s.bottom()-t.bottom()); d <= band {
			return math.Abs(d)
		}
	case s.covers(t):
		return 0
	case !s.container && t.y >= s.bottom()-below/2 && t.y <= s.bottom()+below && t.Width < 4*max(s.Width, 40):
		return t.y - s.bottom() + below
	}
	return math.Inf(1)
}

// settleUnnamed tells what shapes without a name are: crossings of arrows
// where they are small, else nothing.
func (c *canvas) settleUnnamed() {
	const small = 30
	for i := range c.shapes {
		s := &c.shapes[i]
		if s.role != roleShape || s.name != "" || s.part >= 0 || s.container {
			continue
		}
		switch {
		case s.junction || s.joined > 1 && s.Width <= small && s.Height <= small:
			s.junction = true
		default:
			s.role = roleNothing // arrows lead to what is around it
		}
		if s.joined > 0 && c.whole(i) < 0 {
			c.untold(unnamedShape, s.ID)
		}
	}
}

// inLegend reports whether a shape stands in a box that explains the drawing.
func (c *canvas) inLegend(i int) bool {
	for at := c.groupOf(i); at >= 0; at = c.groupOf(at) {
		if slices.Contains(c.words.Legends, strings.ToLower(strings.TrimRight(c.shapes[at].name, ":"))) {
			return true
		}
	}
	return false
}

// settleLegends makes texts of what only explains the drawing, and elements
// of containers in which nothing stands.
func (c *canvas) settleLegends() {
	held := map[int]bool{}
	var legend []int
	for i := range c.shapes {
		s := &c.shapes[i]
		if s.role != roleShape || s.part >= 0 || s.name == "" && !s.junction {
			continue
		}
		if c.inLegend(i) {
			legend = append(legend, i)
		} else if at := c.groupOf(i); at >= 0 {
			held[at] = true
		}
	}
	for _, i := range legend {
		c.shapes[i].role = roleText
	}
	for i := range c.shapes {
		s := &c.shapes[i]
		if s.container && !held[i] && s.boundary == "" && s.c4 == "" {
			s.container = false
			if slices.Contains(c.words.Legends, strings.ToLower(s.name)) {
				s.role = roleText
			}
		}
	}
}

// groupOf is the container with a name around a shape; -1 for none.
func (c *canvas) groupOf(i int) int {
	at := c.shapes[i].around
	for steps := 0; at >= 0 && steps < maxNesting; steps++ {
		if c.shapes[at].name != "" {
			return at
		}
		if c.shapes[at].around < 0 {
			at = c.containerAbove(at)
		} else {
			at = c.shapes[at].around
		}
	}
	return -1
}
