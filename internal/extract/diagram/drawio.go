package diagram

import (
	_ "embed"
	"fmt"
	"io"
	"sync"

	"github.com/goccy/go-yaml"

	"github.com/bartizan-security/bartizan/internal/extract/diagram/gliffy"
	"github.com/bartizan-security/bartizan/internal/extract/diagram/mxfile"
	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

//go:embed drawio.yaml
var drawioYAML []byte

// drawioWords are the words of styles.
type drawioWords struct {
	Texts       []string `yaml:"texts"`
	Notes       []string `yaml:"notes"`
	Rows        []string `yaml:"rows"`
	Stacked     []string `yaml:"stacked"`
	Legends     []string `yaml:"legends"`
	Containers  []string `yaml:"containers"`
	Wholes      []string `yaml:"wholes"`
	Junctions   []string `yaml:"junctions"`
	Decorations []string `yaml:"decorations"`
	Heads       []string `yaml:"heads"`
	C4          struct {
		Boundaries []string `yaml:"boundaries"`
		Relations  []string `yaml:"relations"`
	} `yaml:"c4"`
}

var drawioVocabulary = sync.OnceValue(func() drawioWords {
	var w drawioWords
	if err := yaml.UnmarshalWithOptions(drawioYAML, &w, yaml.Strict()); err != nil {
		panic(fmt.Sprintf("diagram: embedded drawio.yaml: %v", err))
	}
	return w
})

// Sheet is one page of a drawing, or a diagram in it that was written.
type Sheet struct {
	// Language is drawio or gliffy, what the drawing was made in, or that in
	// which the diagram was written; its text is the source then.
	Language string
	// Name is as the page's tab shows it; it may be empty.
	Name string
	// Text says what the page shows, a line each: boundaries, with what they
	// hold indented below them; elements; texts; then the flows, as
	// "Web app -> Orders DB: SQL". It is empty where the page shows nothing.
	Text string
	// Diagram is what the page declares; offsets are those in Text. It has no
	// type where the page shows no elements.
	Diagram threatmodel.Diagram
	// Links are those of shapes; their offsets are those in Text.
	Links []threatmodel.Link
	// Problems say what could not be read, and name the cell.
	Problems []string
}

// IsDrawing reports whether a file, of which the beginning is given, is a
// draw.io drawing as XML.
func IsDrawing(head []byte) bool { return mxfile.Is(head) }

// IsGliffy reports whether a file, of which the beginning is given, is a
// drawing of Gliffy.
func IsGliffy(head []byte) bool { return gliffy.Is(head) }

// IsShapeLibrary reports whether a file, of which the beginning is given, is a
// library of shapes for draw.io.
func IsShapeLibrary(head []byte) bool { return mxfile.IsLibrary(head) }

// IsDrawingSVG reports whether an SVG picture, given whole, holds the draw.io
// drawing that it shows.
func IsDrawingSVG(data []byte) bool { return mxfile.IsSVG(data) }

// IsSVG reports whether a file, of which the beginning is given, is an SVG
// picture.
func IsSVG(head []byte) bool { return mxfile.IsPicture(head) }

// HasDrawing reports whether a PNG picture holds the draw.io drawing that it
// shows, without reading all of it.
func HasDrawing(r io.ReaderAt, size int64) bool { return mxfile.HasPNG(r, size) }

// ReadDrawing reads a drawing of Gliffy, or of draw.io: XML, packed or not, or
// an SVG or PNG picture that holds it. With an error, it also returns the
// pages that were read until then. [mxfile.IsLimit] tells an error about too
// large a drawing, [mxfile.ErrNotDrawing] is the error about a file that holds
// none.
func ReadDrawing(data []byte, limits mxfile.Limits) ([]Sheet, error) {
	read, language := mxfile.Read, drawioLanguage
	if gliffy.Is(data) {
		read, language = gliffy.Read, gliffyLanguage
	}
	pages, err := read(data, limits)
	sheets := make([]Sheet, 0, len(pages))
	for _, page := range pages {
		c := newCanvas(page)
		c.read()
		sheet, more := c.sheet(language), written(page)
		if sheet.Text == "" && len(more) > 0 {
			more[0].Name = sheet.Name // the page shows nothing else
		}
		sheets = append(append(sheets, sheet), more...)
	}
	return sheets, err
}

// IsDrawn reports whether a block in this language is the text of a drawing,
// and not its source.
func IsDrawn(language string) bool { return language == drawioLanguage || language == gliffyLanguage }

// What drawings are made in.
const (
	drawioLanguage = "drawio"
	gliffyLanguage = "gliffy"
)
