package markdown

import (
	"strconv"
	"strings"

	"github.com/bartizan-security/bartizan/internal/extract/block"
	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

// cellSeparator stands between the cells of a table row.
const cellSeparator = " | "

// writer lays blocks out as a document. Markdown and HTML write to the same
// one, since each may stand inside the other.
type writer struct {
	b block.Builder
	// groups counts lists and tables.
	groups int
	lists  []list
	// marker is the bullet of an item whose text has not come yet.
	marker string
	tables []*table
	// role is what blocks are written as.
	role threatmodel.Role
	// kind replaces the kind of paragraphs, inside a footnote.
	kind threatmodel.BlockKind
	last threatmodel.Block
	// firstHeading names a document that does not name itself.
	firstHeading string
}

// list is an open list.
type list struct {
	group   int
	ordered bool
	next    int
	html    bool
}

// openList begins a list; ordered ones count from start.
func (w *writer) openList(ordered bool, start int, html bool) {
	group := 0
	if len(w.lists) > 0 {
		group = w.lists[0].group
	} else {
		w.groups++
		group = w.groups
	}
	w.marker = ""
	w.lists = append(w.lists, list{group: group, ordered: ordered, next: start, html: html})
}

// closeList ends the innermost list.
func (w *writer) closeList() {
	w.marker = ""
	if len(w.lists) > 0 {
		w.lists = w.lists[:len(w.lists)-1]
	}
}

// openItem begins an item of the innermost list.
func (w *writer) openItem() {
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

// check notes that the item is a task.
func (w *writer) check(done bool) {
	if done {
		w.marker += "[x] "
	} else {
		w.marker += "[ ] "
	}
}

// closeItem ends an item; one without text leaves nothing.
func (w *writer) closeItem() { w.marker = "" }

// dropHTML closes what HTML opened and never closed, at a place where it
// cannot go on.
func (w *writer) dropHTML() {
	for len(w.tables) > 0 {
		w.closeTable()
	}
	w.dropHTMLLists()
}

func (w *writer) dropHTMLLists() {
	for len(w.lists) > 0 && w.lists[len(w.lists)-1].html {
		w.closeList()
	}
}

// paragraph writes flowing text: the text of an item where one has just
// begun, a paragraph otherwise.
func (w *writer) paragraph(r run) {
	r.trim()
	if r.image && !r.words {
		w.add(threatmodel.Block{Kind: threatmodel.BlockImage}, r)
		return
	}
	if r.empty() {
		return
	}
	kind := threatmodel.BlockParagraph
	if w.kind != "" {
		kind = w.kind
	}
	w.add(threatmodel.Block{Kind: kind}, r)
}

// caption writes the caption of a table or figure.
func (w *writer) caption(r run) {
	r.trim()
	if !r.empty() {
		w.add(threatmodel.Block{Kind: threatmodel.BlockCaption}, r)
	}
}

// heading writes a heading. Inside a list or a table cell it is no part of
// the document's outline, and becomes text.
func (w *writer) heading(level int, r run) {
	r.trim()
	if r.empty() {
		return
	}
	if len(w.lists) > 0 || len(w.tables) > 0 {
		w.paragraph(r)
		return
	}
	if w.firstHeading == "" && w.role == "" {
		w.firstHeading = strings.Join(strings.Fields(string(r.text)), " ")
	}
	w.add(threatmodel.Block{Kind: threatmodel.BlockHeading, Level: level}, r)
}

// code writes text whose line breaks and indentation count. It returns the
// index of the block, or -1 where none was made.
func (w *writer) code(kind threatmodel.BlockKind, language string, r run) int {
	r.trimLines()
	if r.empty() {
		return -1
	}
	return w.add(threatmodel.Block{Kind: kind, Language: language}, r)
}

// inCell reports whether text goes into a table cell.
func (w *writer) inCell() bool {
	for _, t := range w.tables {
		if t.cell != nil {
			return true
		}
	}
	return false
}

// add writes a block whose place follows from the open lists and tables. It
// returns the index of the block, or -1 where none was made yet.
func (w *writer) add(blk threatmodel.Block, r run) int {
	marker := ""
	if depth := len(w.lists); depth > 0 {
		blk.Group = w.lists[0].group
		marker = strings.Repeat("  ", depth)
		if w.marker != "" && blk.Kind == threatmodel.BlockParagraph {
			blk.Kind = threatmodel.BlockListItem
			blk.Level = depth
			marker = strings.Repeat("  ", depth-1) + w.marker
			w.marker = ""
		}
	}
	return w.write(blk, marker, r)
}

// write puts a block where it belongs: into the open table cell, else into
// the document after its marker.
func (w *writer) write(blk threatmodel.Block, marker string, r run) int {
	for i := len(w.tables) - 1; i >= 0; i-- {
		if c := w.tables[i].cell; c != nil {
			c.parts = append(c.parts, part{blk, marker, r})
			return -1
		}
	}
	w.b.Break(w.distance(blk))
	w.b.Layout(marker)
	if blk.Role == "" {
		blk.Role = w.role
	}
	blk.Marks = r.marks
	blk.Locator = r.locator()
	w.last = blk
	return w.b.Add(blk, string(r.text))
}

// distance is the number of newlines before a block: one between the parts
// of a list or the rows of a table, two elsewhere.
func (w *writer) distance(blk threatmodel.Block) int {
	if blk.Group != 0 && blk.Group == w.last.Group {
		return 1
	}
	return 2
}
