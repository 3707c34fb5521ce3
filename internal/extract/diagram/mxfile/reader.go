package mxfile

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
)

// reader collects pages.
type reader struct {
	limits Limits
	// left is how many bytes of XML may still be unpacked.
	left  int64
	cells int
	pages []Page
}

// model reads the cells of one page from its XML.
type model struct {
	*reader
	page *Page
	// object is the open object around a cell, inCell the open cell.
	object *Cell
	inCell bool
	depth  int
}

// file reads a whole drawing: several pages, or the cells of one.
func (r *reader) file(source []byte) error {
	d := newDecoder(source)
	m := &model{reader: r}
	packed, inDiagram := strings.Builder{}, false
	for {
		token, err := d.RawToken()
		if errors.Is(err, io.EOF) {
			return m.whole(inDiagram)
		}
		if err != nil {
			return fmt.Errorf("line %d: %w", lineAt(source, d.InputOffset()), err)
		}
		switch t := token.(type) {
		case xml.StartElement:
			switch {
			case t.Name.Local == "diagram":
				if err := r.newPage(attribute(t, "name")); err != nil {
					return err
				}
				inDiagram = true
				packed.Reset()
				m = &model{reader: r}
			case t.Name.Local == "mxGraphModel" && m.page == nil:
				if !inDiagram {
					if err := r.newPage(""); err != nil {
						return err
					}
				}
				m.page = &r.pages[len(r.pages)-1]
			}
			if err := m.start(t); err != nil {
				return err
			}
		case xml.EndElement:
			if t.Name.Local == "diagram" && inDiagram {
				inDiagram = false
				if err := r.packedPage(packed.String(), m); err != nil {
					return err
				}
				m = &model{reader: r}
				continue
			}
			m.end(t)
		case xml.CharData:
			if inDiagram && m.page == nil {
				packed.Write(t)
			}
		}
	}
}

// whole reports whether the end of the text is that of the drawing.
func (m *model) whole(inDiagram bool) error {
	if inDiagram || m.depth > 0 {
		return fmt.Errorf("page %d: %w", len(m.pages), io.ErrUnexpectedEOF)
	}
	return nil
}

func lineAt(source []byte, offset int64) int {
	return 1 + strings.Count(string(source[:min(int64(len(source)), offset)]), "\n")
}

func (r *reader) newPage(name string) error {
	if len(r.pages) >= r.limits.Pages {
		return tooMuch("the drawing has more than %d pages", r.limits.Pages)
	}
	r.pages = append(r.pages, Page{Name: strings.Join(strings.Fields(name), " ")})
	return nil
}

// packedPage reads a page that is no XML yet. One that cannot be unpacked
// costs only itself.
func (r *reader) packedPage(packed string, m *model) error {
	if strings.TrimSpace(packed) == "" || m.page != nil {
		return nil
	}
	page := len(r.pages) - 1
	source := []byte(unescaped(packed))
	if !strings.HasPrefix(strings.TrimSpace(string(source)), "<") {
		var err error
		if source, err = unpack(packed, r.left); err != nil {
			return fmt.Errorf("page %d: %w", page+1, err)
		}
	}
	r.left -= int64(len(source))
	if r.left < 0 {
		return tooMuch("the drawing unpacks to more than %d bytes", r.limits.Bytes)
	}
	return r.model(source, &model{reader: r, page: &r.pages[page]})
}

// model reads the XML of one page.
func (r *reader) model(source []byte, m *model) error {
	d := newDecoder(source)
	for {
		token, err := d.RawToken()
		if errors.Is(err, io.EOF) {
			return m.whole(false)
		}
		if err != nil {
			return fmt.Errorf("page %d: %w", len(r.pages), err)
		}
		switch t := token.(type) {
		case xml.StartElement:
			if err := m.start(t); err != nil {
				return err
			}
		case xml.EndElement:
			m.end(t)
		}
	}
}

func attribute(t xml.StartElement, name string) string {
	for _, a := range t.Attr {
		if a.Name.Local == name {
			return a.Value
		}
	}
	return ""
}

func (m *model) start(t xml.StartElement) error {
	m.depth++
	if m.depth > m.limits.Depth {
		return tooMuch("the drawing has elements nested deeper than %d", m.limits.Depth)
	}
	if m.page == nil {
		return nil
	}
	switch t.Name.Local {
	case "object", "UserObject":
		m.object = newObject(t)
	case "mxCell":
		m.cells++
		if m.cells > m.limits.Cells {
			return tooMuch("the drawing has more than %d cells", m.limits.Cells)
		}
		m.page.Cells = append(m.page.Cells, m.cell(t))
		m.inCell = true
	case "mxGeometry":
		if m.inCell {
			m.geometry(t)
		}
	case "mxPoint":
		if m.inCell {
			m.point(t)
		}
	}
	return nil
}

func (m *model) end(t xml.EndElement) {
	m.depth--
	switch t.Name.Local {
	case "object", "UserObject":
		m.object = nil
	case "mxCell":
		m.inCell = false
	}
}

func newObject(t xml.StartElement) *Cell {
	c := &Cell{ID: attribute(t, "id"), Label: attribute(t, "label"), Attributes: map[string]string{}}
	for _, a := range t.Attr {
		c.Attributes[a.Name.Local] = a.Value
	}
	return c
}

func (m *model) cell(t xml.StartElement) Cell {
	c := Cell{
		ID: attribute(t, "id"), Parent: attribute(t, "parent"), Source: attribute(t, "source"), Target: attribute(t, "target"),
		Label: attribute(t, "value"), Style: ParseStyle(attribute(t, "style")),
		Vertex: attribute(t, "vertex") == "1", Edge: attribute(t, "edge") == "1", Hidden: attribute(t, "visible") == "0",
	}
	if o := m.object; o != nil {
		c.ID, c.Label, c.Attributes = o.ID, o.Label, o.Attributes
		if o.Attributes["placeholders"] == "1" {
			c.Label = fill(c.Label, o.Attributes)
		}
	}
	return c
}

// maxLabel is the longest label, in bytes, also with its placeholders filled
// in.
const maxLabel = 64 << 10

// fill puts the values of attributes in the place of their names: %name%.
func fill(label string, attributes map[string]string) string {
	var out strings.Builder
	parts := strings.Split(label, "%")
	for i := 0; i < len(parts); i++ {
		value, ok := attributes[parts[i]]
		between := i > 0 && i < len(parts)-1
		switch {
		case ok && between && parts[i] != "label" && out.Len()+len(value) < maxLabel:
			out.WriteString(value)
			if i+1 < len(parts) {
				i++
				out.WriteString(parts[i])
			}
		case i > 0:
			out.WriteString("%" + parts[i])
		default:
			out.WriteString(parts[i])
		}
	}
	return out.String()
}

func (m *model) geometry(t xml.StartElement) {
	c := &m.page.Cells[len(m.page.Cells)-1]
	c.X, c.Y = number(attribute(t, "x")), number(attribute(t, "y"))
	c.Width, c.Height = number(attribute(t, "width")), number(attribute(t, "height"))
	c.Relative = attribute(t, "relative") == "1"
}

func (m *model) point(t xml.StartElement) {
	c := &m.page.Cells[len(m.page.Cells)-1]
	p := &Point{number(attribute(t, "x")), number(attribute(t, "y"))}
	switch attribute(t, "as") {
	case "sourcePoint":
		c.Start = p
	case "targetPoint":
		c.End = p
	}
}

// maxPixels bounds the places on a page.
const maxPixels = 1e7

func number(s string) float64 {
	f, err := strconv.ParseFloat(s, 64)
	if err != nil || math.IsNaN(f) {
		return 0
	}
	return max(-maxPixels, min(maxPixels, f))
}
