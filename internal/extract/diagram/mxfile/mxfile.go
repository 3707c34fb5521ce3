// Package mxfile reads the file format of draw.io: pages of cells, as XML,
// packed or not, alone or inside an SVG or PNG picture that shows the drawing.
//
// It knows the format and not what the cells mean. All sizes are bounded, so
// that a small file cannot ask for much.
package mxfile

import (
	"errors"
	"fmt"
)

// Limits bound what one file may cost. A limit of 0 stands for its default.
type Limits struct {
	// Bytes of XML, unpacked, of all pages together; default 64 MiB.
	Bytes int64
	// Pages of the file; default 200.
	Pages int
	// Cells of all pages together; default 20,000.
	Cells int
	// Depth of elements in elements; default 100.
	Depth int
}

// WithDefaults are the limits with the defaults of those that are not set.
func (l Limits) WithDefaults() Limits {
	defaultTo(&l.Bytes, 64<<20)
	defaultTo(&l.Pages, 200)
	defaultTo(&l.Cells, 20_000)
	defaultTo(&l.Depth, 100)
	return l
}

func defaultTo[N int | int64](limit *N, value N) {
	if *limit <= 0 {
		*limit = value
	}
}

// Page is one page of a drawing.
type Page struct {
	// Name is as its tab shows it; it may be empty.
	Name string
	// Cells are in the order in which they are drawn: later ones lie on top.
	Cells []Cell
}

// Cell is a shape, a text, an arrow, a group or a layer.
type Cell struct {
	ID, Parent string
	// Source and Target are the cells that an arrow joins; empty where an end
	// hangs free.
	Source, Target string
	// Label is what is shown, in HTML where the style says html=1.
	Label string
	Style Style
	// Vertex and Edge are both false for a layer and for the root.
	Vertex, Edge bool
	// Hidden is true for what the drawing does not show.
	Hidden bool
	// X, Y, Width and Height are in pixels. The place counts from the parent's
	// corner; where Relative is true, from 0 to 1 along or within it.
	X, Y, Width, Height float64
	Relative            bool
	// Start and End are the free ends of an arrow; nil where not given.
	Start, End *Point
	// Attributes are those of the object around the cell: its properties.
	Attributes map[string]string
}

// Point is a place on the page, in pixels from the parent's corner.
type Point struct{ X, Y float64 }

// ErrNotDrawing says that a file holds no drawing of draw.io.
var ErrNotDrawing = errors.New("the file holds no draw.io drawing")

// limitError says which limit a file goes over.
type limitError struct{ text string }

func (e limitError) Error() string { return e.text }

// TooMuch is an error of which [IsLimit] is true.
func TooMuch(format string, args ...any) error { return tooMuch(format, args...) }

func tooMuch(format string, args ...any) error { return limitError{fmt.Sprintf(format, args...)} }

// IsLimit reports whether an error says that a file goes over a limit.
func IsLimit(err error) bool {
	var l limitError
	return errors.As(err, &l)
}

// Read reads the pages of a drawing. With an error it returns the pages, and
// the cells of the last one, that were read until then.
func Read(data []byte, limits Limits) ([]Page, error) {
	limits = limits.WithDefaults()
	source, err := payload(data, limits.Bytes)
	if err != nil {
		return nil, err
	}
	r := reader{limits: limits, left: limits.Bytes}
	if err := r.file(source); err != nil {
		return r.pages, fmt.Errorf("read the drawing: %w", err)
	}
	if len(r.pages) == 0 {
		return nil, ErrNotDrawing
	}
	return r.pages, nil
}
