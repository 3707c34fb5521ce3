package flow

import (
	"strconv"
	"strings"

	"github.com/bartizan-security/bartizan/internal/extract/block"
	"github.com/bartizan-security/bartizan/internal/extract/diagram"
	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

// Separator stands between the cells of a table row.
const Separator = " | "

// Writer lays blocks out as a document. The zero value is ready.
type Writer struct {
	B block.Builder
	// MaxCells is how many cells tables may have before spans no longer count;
	// 0 for no limit. Spans of a few bytes can ask for millions of cells.
	MaxCells int
	// Role is what blocks are written as; empty for body.
	Role threatmodel.Role
	// Kind replaces the kind of paragraphs, inside a footnote; empty for none.
	Kind threatmodel.BlockKind
	// FirstHeading names a document that does not name itself.
	FirstHeading string

	// groups counts lists and tables, cells those of all tables.
	groups, cells int
	lists         []list
	// marker is the bullet of an item whose text has not come yet.
	marker string
	tables []*table
	last   threatmodel.Block
}

// list is an open list.
type list struct {
	group   int
	ordered bool
	next    int
	html    bool
}

// OpenList begins a list; ordered ones count from start. A list of HTML may
// be left open by its author: see [Writer.DropLists].
func (w *Writer) OpenList(ordered bool, start int, html bool) {
	group := 0
	if len(w.lists) > 0 {
		group = w.lists[0].group
	} else {
		group = w.NextGroup()
	}
	w.marker = ""
	w.lists = append(w.lists, list{group: group, ordered: ordered, next: start, html: html})
}

// NextGroup numbers a list or table.
func (w *Writer) NextGroup() int {
	w.groups++
	return w.groups
}

// CloseList ends the innermost list, also where a table that was opened in it
// still stands open.
func (w *Writer) CloseList() {
	w.marker = ""
	if n := len(w.lists); n > 0 {
		w.lists = w.lists[:n-1]
		return
	}
	for i := len(w.tables) - 1; i >= 0; i-- {
		if n := len(w.tables[i].lists); n > 0 {
			w.tables[i].lists = w.tables[i].lists[:n-1]
			return
		}
	}
}

// Lists is how many lists are open here.
func (w *Writer) Lists() int { return len(w.lists) }

// OpenItem begins an item of the innermost list.
func (w *Writer) OpenItem() {
	if len(w.lists) == 0 {
		return
	}
	l := &w.lists[len(w.lists)-1]
	w.marker = "- "
	if l.ordered {
		w.marker = strconv.Itoa(l.next) + ". "
		l.next++
	}
}

// Mark sets a bullet of its own, such as "2.1 ", before the next item, heading
// or footnote.
func (w *Writer) Mark(marker string) { w.marker = marker }

// CloseItem ends an item; one without text leaves nothing.
func (w *Writer) CloseItem() { w.marker = "" }

// DropOpen closes what HTML opened and never closed, at a place where it
// cannot go on.
func (w *Writer) DropOpen() {
	for len(w.tables) > 0 {
		w.CloseTable()
	}
	w.DropLists()
}

// DropLists closes the lists that HTML opened and never closed.
func (w *Writer) DropLists() {
	for w.InHTMLList() {
		w.CloseList()
	}
}

// InHTMLList reports whether the innermost list is one that HTML opened.
func (w *Writer) InHTMLList() bool {
	return len(w.lists) > 0 && w.lists[len(w.lists)-1].html
}

// Paragraph writes flowing text: the text of an item where one has just
// begun, a paragraph otherwise.
func (w *Writer) Paragraph(r Run) {
	r.Trim()
	if r.Image && !r.Words {
		w.add(threatmodel.Block{Kind: threatmodel.BlockImage}, r)
		return
	}
	if r.Empty() {
		return
	}
	kind := threatmodel.BlockParagraph
	if w.Kind != "" {
		kind = w.Kind
	}
	w.add(threatmodel.Block{Kind: kind}, r)
}

// Caption writes the caption of a table or figure.
func (w *Writer) Caption(r Run) {
	r.Trim()
	if !r.Empty() {
		w.add(threatmodel.Block{Kind: threatmodel.BlockCaption}, r)
	}
}

// Heading writes a heading. Inside a list or a table cell it is no part of
// the document's outline, and becomes text.
func (w *Writer) Heading(level int, r Run) {
	r.Trim()
	if r.Image && !r.Words {
		w.Paragraph(r)
		return
	}
	if r.Empty() {
		return
	}
	if len(w.lists) > 0 || len(w.tables) > 0 {
		w.Paragraph(r)
		return
	}
	if w.FirstHeading == "" && w.Role == "" {
		w.FirstHeading = strings.Join(strings.Fields(string(r.Text)), " ")
	}
	w.add(threatmodel.Block{Kind: threatmodel.BlockHeading, Level: max(1, min(6, level))}, r)
}

// Code writes text whose line breaks and indentation count. Where it is
// written in a language of diagrams, the diagram is read.
func (w *Writer) Code(language string, r Run) {
	r.TrimLines()
	if r.Empty() {
		return
	}
	if language == "" {
		language = diagram.LanguageOf("", string(r.Text))
	}
	kind := threatmodel.BlockCode
	if diagram.Is(language) {
		kind = threatmodel.BlockDiagram
	}
	w.add(threatmodel.Block{Kind: kind, Language: language}, r)
}

// InCell reports whether text goes into a table cell.
func (w *Writer) InCell() bool {
	for _, t := range w.tables {
		if t.cell != nil {
			return true
		}
	}
	return false
}

// maxIndent is how far items are indented, in levels.
const maxIndent = 50

// add writes a block whose place follows from the open lists and tables.
func (w *Writer) add(blk threatmodel.Block, r Run) {
	marker := ""
	if depth := len(w.lists); depth > 0 {
		blk.Group = w.lists[0].group
		marker = strings.Repeat("  ", min(depth, maxIndent))
		footnote := blk.Kind == threatmodel.BlockFootnote
		if w.marker != "" && (footnote || blk.Kind == threatmodel.BlockParagraph) {
			if !footnote {
				blk.Kind, blk.Level = threatmodel.BlockListItem, depth
			}
			marker = strings.Repeat("  ", min(depth-1, maxIndent)) + w.marker
			w.marker = ""
		}
	} else {
		marker, w.marker = w.marker, ""
	}
	w.write(blk, marker, r)
}

// Write puts a block outside of the open lists: into the open table cell,
// else into the document after its marker, which belongs to no block.
func (w *Writer) Write(blk threatmodel.Block, marker string, r Run) {
	r.Trim()
	if !r.Empty() {
		w.write(blk, marker, r)
	}
}

func (w *Writer) write(blk threatmodel.Block, marker string, r Run) {
	if blk.Role == "" {
		blk.Role = w.Role
	}
	for i := len(w.tables) - 1; i >= 0; i-- {
		if c := w.tables[i].cell; c != nil {
			c.parts = append(c.parts, part{blk, marker, r})
			return
		}
	}
	w.B.Break(w.distance(blk))
	w.B.Layout(marker)
	blk.Marks = r.Marks
	blk.Links = append(blk.Links, r.Links...)
	blk.Locator = r.locator()
	w.last = blk
	i := w.B.Add(blk, string(r.Text))
	if blk.Kind == threatmodel.BlockDiagram {
		w.diagram(i, blk.Language, r)
	}
}

// diagram reads what a diagram declares.
func (w *Writer) diagram(i int, language string, r Run) {
	read, problems := diagram.Read(language, string(r.Text))
	if read.Type != "" {
		w.B.Diagram(i, read)
	}
	for _, p := range problems {
		w.B.Notice(threatmodel.NoticeFormat, "Diagram, line %d: %s.", r.Line(p.Line), p.Text)
	}
}

// distance is the number of newlines before a block: one between the parts
// of a list or the rows of a table, two elsewhere.
func (w *Writer) distance(blk threatmodel.Block) int {
	if blk.Group != 0 && blk.Group == w.last.Group {
		return 1
	}
	return 2
}
