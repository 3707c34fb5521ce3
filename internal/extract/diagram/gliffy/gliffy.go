// Package gliffy reads the file format of Gliffy, the drawings of many a
// Confluence: pages of shapes, texts and lines, as JSON.
//
// It gives them as the cells of draw.io, so that one reader of drawings finds
// the elements, flows and boundaries in both. It knows the format, and of what
// it means only which shapes make one: a lane with its title, a class with its
// rows.
package gliffy

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/bartizan-security/bartizan/internal/extract/diagram/mxfile"
)

// Is reports whether a file, of which the beginning or all is given, is a
// drawing of Gliffy.
func Is(head []byte) bool {
	head = bytes.TrimLeft(bytes.TrimPrefix(head, []byte("\xef\xbb\xbf")), " \t\r\n")
	if len(head) == 0 || head[0] != '{' {
		return false
	}
	d := json.NewDecoder(bytes.NewReader(head))
	_, _ = d.Token()
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return false
		}
		var value json.RawMessage
		if d.Decode(&value) != nil {
			return false
		}
		if key == "contentType" {
			return bytes.HasPrefix(value, []byte(`"application/gliffy`))
		}
	}
	return false
}

// file is a drawing: of one page, or of several.
type file struct {
	Stage *scene `json:"stage"`
	Pages []struct {
		Title string `json:"title"`
		Scene *scene `json:"scene"`
	} `json:"pages"`
}

type scene struct {
	Objects []object `json:"objects"`
	Layers  []struct {
		ID      ident  `json:"guid"`
		Name    string `json:"name"`
		Visible *bool  `json:"visible"`
	} `json:"layers"`
}

// object is a shape, a text, a line, or a group of these.
type object struct {
	ID     ident  `json:"id"`
	UID    string `json:"uid"`
	Layer  ident  `json:"layerId"`
	Hidden bool   `json:"hidden"`
	// X, Y, Width and Height are in pixels; the place counts from the corner
	// of the object around.
	X      number `json:"x"`
	Y      number `json:"y"`
	Width  number `json:"width"`
	Height number `json:"height"`
	// Order is the higher, the later it is drawn.
	Order   number `json:"order"`
	Graphic struct {
		Type string `json:"type"`
		Text struct {
			HTML string `json:"html"`
			// Vertical is where in the shape the text stands, Beside whether
			// above or below it.
			Vertical string `json:"valign"`
			Beside   string `json:"vposition"`
		} `json:"Text"`
		Shape struct {
			Stencil string `json:"tid"`
			Fill    string `json:"fillColor"`
			Dashes  string `json:"dashStyle"`
		} `json:"Shape"`
		Line struct {
			Start number     `json:"startArrow"`
			End   number     `json:"endArrow"`
			Path  [][]number `json:"controlPath"`
		} `json:"Line"`
	} `json:"graphic"`
	Constraints struct {
		Start struct {
			At struct {
				Node ident `json:"nodeId"`
			} `json:"StartPositionConstraint"`
		} `json:"startConstraint"`
		End struct {
			At struct {
				Node ident `json:"nodeId"`
			} `json:"EndPositionConstraint"`
		} `json:"endConstraint"`
	} `json:"constraints"`
	Links []struct {
		URL string `json:"url"`
	} `json:"linkMap"`
	Children []object `json:"children"`
}

// ident is a number or a text that names an object.
type ident string

// UnmarshalJSON takes either.
func (i *ident) UnmarshalJSON(data []byte) error {
	var text string
	if json.Unmarshal(data, &text) != nil {
		text = strings.Trim(string(data), `"`)
	}
	if text != "null" {
		*i = ident(text)
	}
	return nil
}

// number is a number; texts such as "auto" stand for 0.
type number float64

// UnmarshalJSON takes any value.
func (n *number) UnmarshalJSON(data []byte) error {
	var value float64
	if json.Unmarshal(bytes.Trim(data, `"`), &value) == nil {
		*n = number(value)
	}
	return nil
}

// Read reads the pages of a drawing. With an error it returns the pages, and
// the cells of the last one, that were read until then;
// [mxfile.ErrNotDrawing] is the error about what is none.
func Read(data []byte, limits mxfile.Limits) ([]mxfile.Page, error) {
	limits = limits.WithDefaults()
	if int64(len(data)) > limits.Bytes {
		return nil, mxfile.TooMuch("the drawing has more than %d bytes", limits.Bytes)
	}
	if !Is(data) {
		return nil, mxfile.ErrNotDrawing
	}
	var f file
	err := json.Unmarshal(bytes.TrimPrefix(data, []byte("\xef\xbb\xbf")), &f)
	if odd := (*json.UnmarshalTypeError)(nil); err != nil && !errors.As(err, &odd) {
		return nil, fmt.Errorf("read the drawing: %w", err)
	}
	r := reader{limits: limits}
	if f.Stage != nil {
		err = r.page("", f.Stage)
	} else {
		err = nil
	}
	for _, p := range f.Pages {
		if err == nil && p.Scene != nil {
			err = r.page(p.Title, p.Scene)
		}
	}
	return r.pages, err
}
