package diagram

import (
	"fmt"
	"slices"
	"strings"

	"github.com/bartizan-security/bartizan/internal/extract/diagram/mxfile"
)

// role is the part that a cell plays on its page.
type role int

const (
	roleNothing role = iota // a layer, decoration, or hidden
	roleShape
	roleText
	roleNote
	roleRow
	roleLabel // of an arrow
	roleEdge
)

// shape is a cell where it stands on the page.
type shape struct {
	mxfile.Cell
	role role
	// above is the index of the parent, -1 for none.
	above int
	// x and y count from the page's corner.
	x, y float64
	// name is what the shape is called, more what its label says besides.
	name, technology, more string
	// lines are how many the label of a shape has.
	lines int
	look
	// c4 is its type in the C4 library.
	c4 string
	// boundary is the name of the vendor's group that it is.
	boundary string
	// sign is true where the stencil is that of a known product.
	sign bool
	// solid is true for what may be an element or boundary by itself.
	solid bool
	// joined counts the ends of arrows at the shape; pointed is true where any
	// of the arrows has a head.
	joined  int
	pointed bool
	// container is true for what others stand in, around is the index of the
	// innermost container, -1 for none.
	container bool
	around    int
	// part is the index of the shape that this is only a part of, -1 for none.
	part int
	// junction is true where arrows only cross.
	junction bool
	// used is true for a text that became the name of something.
	used bool
	// labels are the texts along an arrow.
	labels []string
}

// canvas is a page being read.
type canvas struct {
	page     mxfile.Page
	words    drawioWords
	shapes   []shape
	index    map[string]int
	hidden   map[string]bool
	problems []string
	// cells are those that have a trouble.
	cells map[trouble][]string
}

func newCanvas(page mxfile.Page) *canvas {
	c := &canvas{page: page, words: drawioVocabulary(), index: map[string]int{}, hidden: map[string]bool{}, cells: map[trouble][]string{}}
	for i, cell := range page.Cells {
		if _, ok := c.index[cell.ID]; ok || cell.ID == "" {
			cell.ID = fmt.Sprintf("%s (%d)", cell.ID, i) // the first of an id is meant
		}
		c.index[cell.ID] = i
		c.shapes = append(c.shapes, shape{Cell: cell, above: -1, around: -1, part: -1})
	}
	return c
}

// read settles what each cell is.
func (c *canvas) read() {
	for i := range c.shapes {
		if above, ok := c.index[c.shapes[i].Parent]; ok && above != i {
			c.shapes[i].above = above
		}
	}
	c.cutLoops()
	for i := range c.shapes {
		c.place(i)
		c.give(i)
	}
	c.labelEdges()
	c.countEnds()
	c.nameByTexts()
	c.settleCards()
	c.settleSolid()
	c.settleParts()
	c.settleContainers()
	c.nameByPlace()
	c.settleUnnamed()
	c.settleLegends()
}

func (c *canvas) problem(format string, args ...any) {
	const most = 10
	if len(c.problems) < most {
		c.problems = append(c.problems, fmt.Sprintf(format, args...))
	}
}

// trouble is something that several cells may have.
type trouble int

const (
	unnamedShape trouble = iota // a shape without a name, at which arrows end
	looseArrow                  // an arrow of which an end touches nothing
	looseText                   // the same with a label, which is kept
	looseLine                   // a line that joins nothing, whose label is kept
)

// troubles say what is the matter.
var troubles = map[trouble]string{
	unnamedShape: "shapes at which arrows end, without a label, are no elements",
	looseArrow:   "arrows of which an end touches no shape are left out",
	looseText:    "arrows of which an end touches no shape are kept as text",
	looseLine:    "lines that join nothing are kept as text",
}

// untold notes that a cell has a trouble.
func (c *canvas) untold(t trouble, cell string) { c.cells[t] = append(c.cells[t], cell) }

// tell makes a problem of each trouble, and names its first cells.
func (c *canvas) tell() {
	const named = 5
	for t := unnamedShape; t <= looseLine; t++ {
		cells := c.cells[t]
		if len(cells) == 0 {
			continue
		}
		names := strings.Join(cells[:min(named, len(cells))], ", ")
		if len(cells) > named {
			names += " …"
		}
		c.problem("%s: %d (cells %s)", troubles[t], len(cells), oneLine(names))
	}
}

// maxNesting is how deep cells may lie in cells.
const maxNesting = 100

// cutLoops takes a cell out of its parent where parents lead back to it, or
// too far up.
func (c *canvas) cutLoops() {
	for i := range c.shapes {
		steps := 0
		for at := c.shapes[i].above; at >= 0; at = c.shapes[at].above {
			if steps++; at == i || steps > maxNesting {
				c.shapes[i].above = -1
				break
			}
		}
	}
}

// place counts the place of a cell from the page's corner.
func (c *canvas) place(i int) {
	s := &c.shapes[i]
	s.x, s.y = s.X, s.Y
	child := s.Cell
	for at := s.above; at >= 0; at = c.shapes[at].above {
		p := c.shapes[at].Cell
		if child.Relative && p.Vertex {
			s.x += child.X*p.Width - child.X
			s.y += child.Y*p.Height - child.Y
		}
		if p.Vertex && !p.Relative {
			s.x, s.y = s.x+p.X, s.y+p.Y
		}
		child = p
	}
}

// origin is where the points of a cell count from.
func (c *canvas) origin(i int) (x, y float64) {
	for at := c.shapes[i].above; at >= 0; at = c.shapes[at].above {
		if p := c.shapes[at].Cell; p.Vertex {
			return c.shapes[at].x, c.shapes[at].y
		}
	}
	return 0, 0
}

// give settles the role of a cell, and reads its label and looks.
func (c *canvas) give(i int) {
	s := &c.shapes[i]
	if c.isHidden(i) || !s.Vertex && !s.Edge {
		return
	}
	lines := labelLines(s.Cell)
	key := shapeKey(s.Style)
	switch above := s.above; {
	case s.Edge:
		s.role, s.name = roleEdge, joinLines(lines)
	case above >= 0 && c.shapes[above].Edge:
		s.role, s.name = roleLabel, joinLines(lines)
	case c.isRow(key, above):
		s.role, s.name = roleRow, joinLines(lines)
	case slices.Contains(c.words.Notes, key):
		s.role, s.name = roleNote, joinLines(lines)
	case s.Style.Has("text") || slices.Contains(c.words.Texts, key):
		s.role, s.name = roleText, joinLines(lines)
	case slices.Contains(c.words.Decorations, key) && len(lines) == 0:
	default:
		s.role = roleShape
		s.name, s.technology, s.more = nameOf(lines)
		s.lines = len(lines)
		s.lookAt(key)
		s.junction = slices.Contains(c.words.Junctions, key)
	}
}

// isRow reports whether a cell is a row of a table or list, or a part of one.
func (c *canvas) isRow(key string, above int) bool {
	if slices.Contains(c.words.Rows, key) {
		return true
	}
	return above >= 0 && (c.shapes[above].role == roleRow ||
		c.shapes[above].Style.Get("childLayout") == "stackLayout" && slices.Contains(c.words.Stacked, key))
}

// isHidden reports whether a cell or what it lies in is not shown. A layer that
// is not shown is told once.
func (c *canvas) isHidden(i int) bool {
	for at := i; at >= 0; at = c.shapes[at].above {
		s := &c.shapes[at]
		if !s.Hidden {
			continue
		}
		if !s.Vertex && !s.Edge && !c.hidden[s.ID] {
			c.hidden[s.ID] = true
			c.problem("the layer %q is hidden; what is on it is not read", first(joinLines(labelLines(s.Cell)), oneLine(s.ID)))
		}
		return true
	}
	return false
}

// shapeKey is the word for the shape of a cell.
func shapeKey(style mxfile.Style) string {
	if shape := style.Get("shape"); shape != "" {
		return lastPart(strings.ToLower(shape))
	}
	for _, name := range style.Names {
		if name != "rounded" && name != "html" {
			return strings.ToLower(lastPart(name))
		}
	}
	return ""
}

// lookAt reads what the style and the properties of a shape say of it.
func (s *shape) lookAt(key string) {
	s.shape = key
	for _, name := range []string{s.Style.Get("resIcon"), s.Style.Get("prIcon"), s.Style.Get("grIcon"), s.Style.Get("shape"), s.Style.Get("image")} {
		if name == "" {
			continue
		}
		if group := groupName(name); group != "" && (s.Style.Is("container") || strings.Contains(name, "group") || s.Style.Get("grIcon") != "") {
			s.boundary = group
			break
		}
		if found, ok := findStencil(name); ok {
			s.technology, s.stencil, s.sign = first(s.technology, found.Name), found.Kind, found.Kind != ""
			break
		}
	}
	if s.c4 = strings.ToLower(s.Attributes["c4Type"]); s.c4 != "" {
		s.name = first(oneLine(s.Attributes["c4Name"]), s.name)
		s.technology = first(oneLine(s.Attributes["c4Technology"]), s.technology)
		s.more = oneLine(s.Attributes["c4Description"])
		if s.shape == "" || s.c4 == "person" {
			s.shape = s.c4
		}
	}
}

// right and bottom are the far sides of a shape.
func (s *shape) right() float64  { return s.x + s.Width }
func (s *shape) bottom() float64 { return s.y + s.Height }
func (s *shape) area() float64   { return s.Width * s.Height }

// holds reports whether a shape lies within this one, but for a few pixels.
func (s *shape) holds(o *shape) bool {
	const slack = 5
	return o.x >= s.x-slack && o.y >= s.y-slack && o.right() <= s.right()+slack && o.bottom() <= s.bottom()+slack
}

// covers reports whether the middle of a shape lies within this one.
func (s *shape) covers(o *shape) bool {
	x, y := o.x+o.Width/2, o.y+o.Height/2
	return x >= s.x && x <= s.right() && y >= s.y && y <= s.bottom()
}
