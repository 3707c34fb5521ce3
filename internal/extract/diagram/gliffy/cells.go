package gliffy

import (
	"cmp"
	"slices"
	"strings"

	"github.com/bartizan-security/bartizan/internal/extract/diagram/mxfile"
)

// reader makes cells of objects.
type reader struct {
	limits mxfile.Limits
	pages  []mxfile.Page
	cells  int
	// moved leads from objects that make no cell to the cell that stands for
	// them.
	moved map[string]string
}

// corner is where the place of an object counts from.
type corner struct{ x, y number }

func (r *reader) page(name string, s *scene) error {
	if len(r.pages) >= r.limits.Pages {
		return mxfile.TooMuch("the drawing has more than %d pages", r.limits.Pages)
	}
	r.pages = append(r.pages, mxfile.Page{Name: name})
	r.moved = map[string]string{}
	for _, l := range s.Layers {
		if l.ID != "" {
			r.add(mxfile.Cell{ID: string(l.ID), Label: l.Name, Hidden: l.Visible != nil && !*l.Visible})
		}
	}
	err := r.objects(s.Objects, corner{}, 0)
	cells := r.pages[len(r.pages)-1].Cells
	for i := range cells {
		for _, end := range []*string{&cells[i].Source, &cells[i].Target} {
			if to, ok := r.moved[*end]; ok {
				*end = to
			}
		}
	}
	return err
}

func (r *reader) add(c mxfile.Cell) {
	r.cells++
	p := &r.pages[len(r.pages)-1]
	p.Cells = append(p.Cells, c)
}

// objects reads what stands on the page or in a group, as it is drawn.
func (r *reader) objects(all []object, at corner, depth int) error {
	slices.SortStableFunc(all, func(a, b object) int { return cmp.Compare(a.Order, b.Order) })
	for i := range all {
		if r.cells >= r.limits.Cells {
			return mxfile.TooMuch("the drawing has more than %d cells", r.limits.Cells)
		}
		if depth > r.limits.Depth {
			return mxfile.TooMuch("the drawing has groups nested deeper than %d", r.limits.Depth)
		}
		if err := r.object(&all[i], at, depth); err != nil {
			return err
		}
	}
	return nil
}

func (r *reader) object(o *object, at corner, depth int) error {
	switch {
	case o.Graphic.Type == "Line":
		r.line(o, at)
	case o.Graphic.Type != "":
		return r.shape(o, at, depth)
	case strings.Contains(o.UID, ".swimlanes."):
		return r.lanes(o, at, depth)
	case o.UID == "" || strings.HasSuffix(o.UID, ".group"):
		return r.group(o, at, depth)
	default:
		return r.composed(o, at, depth)
	}
	return nil
}

// cell is the cell of an object, but for its style.
func (o *object) cell(at corner) mxfile.Cell {
	c := mxfile.Cell{
		ID: string(o.ID), Parent: string(o.Layer), Hidden: o.Hidden,
		X: float64(at.x + o.X), Y: float64(at.y + o.Y), Width: float64(o.Width), Height: float64(o.Height),
	}
	for _, l := range o.Links {
		if l.URL != "" {
			c.Attributes = map[string]string{"link": l.URL}
		}
	}
	return c
}

// shape reads a shape, picture or text. The text in it is its label; shapes in
// it are drawn on it.
func (r *reader) shape(o *object, at corner, depth int) error {
	c := o.cell(at)
	c.Vertex = true
	name := o.UID
	if name == "" {
		name = stencilName(o.Graphic.Shape.Stencil)
	}
	style := []string{"html=1", "shape=" + strings.ReplaceAll(name, ";", "")}
	var inside []object
	label := o.Graphic.Text
	for _, child := range o.Children {
		if child.Graphic.Type != "Text" {
			inside = append(inside, child)
		} else if c.Label == "" {
			label, c.Label = child.Graphic.Text, child.Graphic.Text.HTML
		} else {
			c.Label += "<br>" + child.Graphic.Text.HTML
		}
	}
	if o.Graphic.Type == "Text" {
		style, c.Label = []string{"html=1", "text"}, o.Graphic.Text.HTML
	}
	if o.Graphic.Shape.Fill == "none" {
		style = append(style, "fillColor=none")
	}
	if o.Graphic.Shape.Dashes != "" {
		style = append(style, "dashed=1")
	}
	if label.Vertical == "top" || label.Vertical == "bottom" {
		style = append(style, "verticalAlign="+label.Vertical)
	}
	if side := map[string]string{"above": "top", "below": "bottom"}[label.Beside]; side != "" {
		style = append(style, "verticalLabelPosition="+side)
	}
	c.Style = mxfile.ParseStyle(strings.Join(style, ";"))
	r.add(c)
	return r.objects(inside, corner{at.x + o.X, at.y + o.Y}, depth+1)
}

// stencilName is what a stencil is called: rectangle for
// com.gliffy.stencil.rectangle.basic_v1.
func stencilName(id string) string {
	parts := strings.Split(strings.TrimPrefix(id, "com.gliffy.stencil."), ".")
	if len(parts) == 2 {
		return parts[0]
	}
	return id
}

// group reads the members of a group, which is not seen itself. A line that
// ends at it ends at the largest of them.
func (r *reader) group(o *object, at corner, depth int) error {
	first := len(r.pages[len(r.pages)-1].Cells)
	err := r.objects(o.Children, corner{at.x + o.X, at.y + o.Y}, depth+1)
	best, area := "", -1.0
	for _, c := range r.pages[len(r.pages)-1].Cells[first:] {
		if c.Vertex && c.Width*c.Height > area {
			best, area = c.ID, c.Width*c.Height
		}
	}
	if best != "" {
		r.moved[string(o.ID)] = best
	}
	return err
}

// composed reads a shape of a library that is made of several, such as a class
// with its rows: one cell, with the texts of all from above to below.
func (r *reader) composed(o *object, at corner, depth int) error {
	c := o.cell(at)
	c.Vertex = true
	texts, lines := r.texts(o, string(o.ID), depth)
	if len(texts) > 1 {
		texts[0] = "<b>" + texts[0] + "</b>"
	}
	c.Label = strings.Join(texts, "<br>")
	c.Style = mxfile.ParseStyle("html=1;shape=" + strings.ReplaceAll(o.UID, ";", ""))
	r.add(c)
	return r.objects(lines, corner{at.x + o.X, at.y + o.Y}, depth+1)
}

// texts are those in an object, from above to below, and the lines that it
// holds. The ends of lines at what is in it move to the whole.
func (r *reader) texts(o *object, whole string, depth int) (texts []string, lines []object) {
	if depth > r.limits.Depth {
		return nil, nil
	}
	inside := slices.Clone(o.Children)
	slices.SortStableFunc(inside, func(a, b object) int { return cmp.Compare(a.Y, b.Y) })
	for i := range inside {
		switch child := &inside[i]; child.Graphic.Type {
		case "Line":
			lines = append(lines, *child)
		case "Text":
			if shown(child.Graphic.Text.HTML) {
				texts = append(texts, child.Graphic.Text.HTML)
			}
		default:
			r.moved[string(child.ID)] = whole
			t, l := r.texts(child, whole, depth+1)
			texts, lines = append(texts, t...), append(lines, l...)
		}
	}
	return texts, lines
}

// shown reports whether markup shows anything.
func shown(markup string) bool {
	inTag := false
	text := strings.Map(func(r rune) rune {
		switch {
		case r == '<':
			inTag = true
		case r == '>':
			inTag = false
		case !inTag:
			return r
		}
		return -1
	}, markup)
	return strings.TrimSpace(strings.ReplaceAll(text, "&nbsp;", " ")) != ""
}

// lanes reads a pool: a bar with its title, and lanes. The pool is around all
// that stands on it, and so is a lane that has a title of its own.
func (r *reader) lanes(o *object, at corner, depth int) error {
	pool := o.cell(at)
	pool.Vertex = true
	pool.Style = mxfile.ParseStyle("html=1;swimlane;container=1")
	inner := corner{at.x + o.X, at.y + o.Y}
	var lanes []mxfile.Cell
	var rest []object
	for i := range o.Children {
		child := &o.Children[i]
		if child.Graphic.Type != "Shape" && child.Graphic.Type != "" {
			rest = append(rest, *child)
			continue
		}
		r.moved[string(child.ID)] = string(o.ID)
		texts, lines := r.texts(child, string(o.ID), depth+1)
		rest = append(rest, lines...)
		label := strings.Join(texts, "<br>")
		switch {
		case label == "":
		case pool.Label == "":
			pool.Label = label
		default:
			lane := child.cell(inner)
			lane.Parent, lane.Vertex, lane.Style, lane.Label = pool.Parent, true, pool.Style, label
			delete(r.moved, lane.ID)
			lanes = append(lanes, lane)
		}
	}
	r.add(pool)
	for _, lane := range lanes {
		r.add(lane)
	}
	return r.objects(rest, inner, depth+1)
}

// line reads a line, with what is written along it.
func (r *reader) line(o *object, at corner) {
	c := o.cell(at)
	c.Vertex, c.Edge = false, true
	c.X, c.Y = 0, 0
	c.Source, c.Target = string(o.Constraints.Start.At.Node), string(o.Constraints.End.At.Node)
	var labels []string
	for _, child := range o.Children {
		if child.Graphic.Type == "Text" && shown(child.Graphic.Text.HTML) {
			labels = append(labels, child.Graphic.Text.HTML)
		}
	}
	c.Label = strings.Join(labels, "<br>")
	if path := o.Graphic.Line.Path; len(path) > 1 {
		c.Start, c.End = o.point(path[0], at), o.point(path[len(path)-1], at)
	}
	c.Style = mxfile.ParseStyle("html=1;startArrow=" + head(o.Graphic.Line.Start) + ";endArrow=" + head(o.Graphic.Line.End))
	r.add(c)
}

func (o *object) point(p []number, at corner) *mxfile.Point {
	if len(p) < 2 {
		return nil
	}
	return &mxfile.Point{X: float64(at.x + o.X + p[0]), Y: float64(at.y + o.Y + p[1])}
}

// head is the head of a line, in the words of draw.io. Those that give no
// direction are the diamonds of UML and the feet of crows.
func head(code number) string {
	const aggregation, composition, firstOther = 5, 7, 8
	switch {
	case code == 0 || code == aggregation || code == composition || code >= firstOther:
		return "none"
	}
	return "classic"
}
