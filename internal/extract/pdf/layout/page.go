// Package layout finds the structure of a document in the glyphs on its
// pages: lines, columns, paragraphs, headings, lists, tables, what runs along
// every page, and the order in which a person reads them.
//
// All of it is arithmetic on boxes. Nothing here knows PDF. Coordinates are in
// points from the top left corner of the page as it is shown; y grows
// downward.
package layout

// About is what a document says of itself.
type About struct {
	// Title is the title in the document's metadata; it may be empty or
	// useless.
	Title string
	// Language is the language that the document states, as it states it.
	Language string
	// Outline holds the entries of the document's outline, in its order.
	Outline []Entry
	// Unread says why the text in pictures was not recognised, and what to do
	// about it; empty where nobody asked for it.
	Unread string
}

// Font is a typeface that glyphs are set in.
type Font struct {
	// Name is the name in the document, without the prefix of a subset.
	Name   string
	Bold   bool
	Italic bool
	// Mono is true where all glyphs have one width.
	Mono bool
}

// Entry is an entry of an outline.
type Entry struct {
	Title string
	// Level counts from 1.
	Level int
	// Page is 1-based; 0 where the entry leads nowhere.
	Page int
	// Y is the height on the page, or -1.
	Y float64
}

// Page is a page as it is shown.
type Page struct {
	Width, Height float64
	// Runs are pieces of text, in the order in which the page draws them.
	Runs []Run
	// Drawn are the texts of annotations and the values of form fields.
	Drawn []Drawn
	// Shapes are the boxes of what is drawn: lines of tables, bullets.
	Shapes []Box
	// Broken is true where text of the page, or all of it, cannot be read and
	// stands in no run: its fonts don't say which characters their glyphs
	// stand for.
	Broken bool
	// Failed is true where the engine could not read the page.
	Failed bool
	// Pictures are what is shown of images.
	Pictures []Picture
	// Outlined is true for a page without text that has so many drawings that
	// they may be its letters.
	Outlined bool
	// Recognized is true where text of the page was recognised in its picture.
	Recognized bool
}

// Picture is an image on a page.
type Picture struct {
	Box Box
	// Alt says what it shows; it may be empty.
	Alt string
}

// Run is a piece of text drawn at once, in one font and on one line.
type Run struct {
	// Font is an index into the document's fonts.
	Font int
	// Size of the type as shown, in points.
	Size float64
	// Baseline is the height on which the glyphs stand; their distance from
	// the left where the text runs up or down the page.
	Baseline float64
	// Turn is how the text stands: 0 upright, 1 to 3 quarter turns clockwise,
	// -1 at another angle.
	Turn   int
	Glyphs []Glyph
}

// Glyph is a character where it stands. One that the engine inferred from a
// gap, such as a space, has a box without area.
type Glyph struct {
	Rune rune
	Box  Box
}

// Hyphen stands for a hyphen at the end of a line.
const Hyphen = '\u0002'

// Drawn is a text that stands on a page without being part of its content.
type Drawn struct {
	Text string
	Box  Box
	// Form is true for the value of a form field, and false for an annotation.
	Form bool
}

// Box is a rectangle: left, top, right, bottom.
type Box struct{ L, T, R, B float64 }

// Union is the smallest box around both. A box without extent is neutral.
func (b Box) Union(o Box) Box {
	switch {
	case b == Box{}:
		return o
	case o == Box{}:
		return b
	}
	return Box{min(b.L, o.L), min(b.T, o.T), max(b.R, o.R), max(b.B, o.B)}
}

// Width and Height may be 0.
func (b Box) Width() float64  { return b.R - b.L }
func (b Box) Height() float64 { return b.B - b.T }
