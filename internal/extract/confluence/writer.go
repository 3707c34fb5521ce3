package confluence

import (
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"strings"

	"github.com/bartizan-security/bartizan/internal/extract/block"
	"github.com/bartizan-security/bartizan/internal/extract/diagram"
	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

// pageWriter lays a page out as blocks.
type pageWriter struct {
	b    block.Builder
	book *book
	self *page
	// name is that of the page's document, called its title.
	name, called string
	// arena holds the trees of the page.
	arena *arena
	// files are those that belong to the page; shown those of them that it
	// shows or links to.
	files *pageFiles
	shown []Attachment
	// sheets are what was read from drawings, by the text of their block.
	sheets map[string]threatmodel.Diagram
	flow   flow
	// groups counts lists and tables.
	groups int
	lists  []list
	// marker is the bullet of an item whose text has not come yet.
	marker string
	// cell is the innermost open table cell; nil outside of tables.
	cell *cell
	// cells counts those of all tables.
	cells int
	// role and kind are what blocks are written as; empty for body and for
	// paragraph.
	role threatmodel.Role
	kind threatmodel.BlockKind
	last threatmodel.Block
	// pre counts open elements whose white space counts.
	pre int
	// including are the pages that are being included; included counts all,
	// includedSize the bytes of their source.
	including    []*page
	included     int
	includedSize int64
	// listings counts lists of pages and headings, listed the titles in
	// those of pages; inContents is true inside one of headings.
	listings, listed int
	inContents       bool
	// aside is what parameters of unknown macros say; it is written after
	// the paragraph, which it is no part of.
	aside []string
	// root is the page itself, for its table of contents.
	root *node
	// told holds the notices that were given, which need no second time.
	told map[string]bool
}

// list is an open list.
type list struct {
	group   int
	ordered bool
	next    int
}

func newPageWriter(b *book, p *page, a *arena) *pageWriter {
	return &pageWriter{book: b, self: p, arena: a, told: map[string]bool{}}
}

// title writes the title of the page, under which all its headings stand.
func (w *pageWriter) title(title string) {
	w.called = title
	w.flow.add(title)
	text, _, _ := w.flow.take()
	if text != "" {
		w.write(threatmodel.Block{Kind: threatmodel.BlockHeading, Level: 1}, "", text)
	}
}

// page is what was written.
func (w *pageWriter) page(mediaType string, source []byte) Page {
	sum := sha256.Sum256(source)
	doc := threatmodel.Document{
		Name:      w.name,
		Title:     block.Fold(block.Clean(w.called)),
		MediaType: mediaType,
		SHA256:    hex.EncodeToString(sum[:]),
	}
	p := Page{Source: w.b.Source(doc), Number: int(w.self.number), Parent: -1, Attachments: w.shown}
	if above := w.book.pages.page(w.self.above); above != nil {
		p.Parent = int(above.number)
	}
	return p
}

// notice tells something about the page, once.
func (w *pageWriter) notice(kind threatmodel.NoticeKind, text string) {
	if !w.told[text] {
		w.told[text] = true
		w.b.Notice(kind, "%s", text)
	}
}

// as writes what f writes in another role.
func (w *pageWriter) as(role threatmodel.Role, f func()) {
	w.endParagraph()
	outer := w.role
	if outer == "" {
		w.role = role
	}
	f()
	w.endParagraph()
	w.role = outer
}

// endParagraph writes the text that has come so far: that of an item where
// one has just begun, a paragraph otherwise.
func (w *pageWriter) endParagraph() {
	w.endText()
	if len(w.aside) > 0 && w.cell == nil {
		w.writeAside()
	}
}

// writeAside writes what was said beside the text.
func (w *pageWriter) writeAside() {
	said := w.aside
	w.aside = nil
	outer, marker := w.role, w.marker
	w.role, w.marker = threatmodel.RoleAnnotation, ""
	for _, s := range said {
		w.flow.add(s)
		w.endText()
	}
	w.role, w.marker = outer, marker
}

func (w *pageWriter) endText() {
	if len(w.flow.text) == 0 && !w.flow.image {
		return
	}
	text, links, image := w.flow.take()
	switch {
	case image:
		w.add(threatmodel.Block{Kind: threatmodel.BlockImage, Links: links}, text)
	case text != "" && w.kind != "":
		w.add(threatmodel.Block{Kind: w.kind, Links: links}, text)
	case text != "":
		w.add(threatmodel.Block{Kind: threatmodel.BlockParagraph, Links: links}, text)
	}
}

// heading writes a heading. Inside a list or a table cell it is no part of
// the page's outline, and is text.
func (w *pageWriter) heading(level int) {
	if len(w.lists) > 0 || w.cell != nil || w.role == threatmodel.RoleAnnotation {
		w.endParagraph()
		return
	}
	text, links, image := w.flow.take()
	defer w.endParagraph()
	switch {
	case image:
		w.add(threatmodel.Block{Kind: threatmodel.BlockImage, Links: links}, text)
	case text != "":
		w.add(threatmodel.Block{Kind: threatmodel.BlockHeading, Links: links, Level: min(6, level+1)}, text)
	}
}

// code writes text of which every byte counts; the language may be that of a
// diagram.
func (w *pageWriter) code(language, text string) {
	w.endParagraph()
	text = lines(text)
	if text == "" {
		return
	}
	kind := threatmodel.BlockCode
	if diagram.Is(language) {
		kind = threatmodel.BlockDiagram
	}
	w.add(threatmodel.Block{Kind: kind, Language: language}, text)
}

// caption writes the title of something.
func (w *pageWriter) caption(text string, kind threatmodel.BlockKind) {
	w.endParagraph()
	w.flow.add(text)
	if text, _, _ := w.flow.take(); text != "" {
		w.add(threatmodel.Block{Kind: kind}, text)
	}
}

func (w *pageWriter) openList(ordered bool, start int) {
	w.endParagraph()
	group := 0
	if len(w.lists) > 0 {
		group = w.lists[0].group
	} else {
		w.groups++
		group = w.groups
	}
	w.marker = ""
	w.lists = append(w.lists, list{group: group, ordered: ordered, next: start})
}

func (w *pageWriter) closeList() {
	w.endParagraph()
	w.marker = ""
	w.lists = w.lists[:len(w.lists)-1]
}

func (w *pageWriter) openItem() {
	w.endParagraph()
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

// maxIndent is how far items are indented, in levels.
const maxIndent = 20

// add writes a block whose place follows from the open lists.
func (w *pageWriter) add(blk threatmodel.Block, text string) {
	marker := ""
	if depth := len(w.lists); depth > 0 {
		blk.Group = w.lists[0].group
		marker = strings.Repeat("  ", min(depth, maxIndent))
		if w.marker != "" && blk.Kind == threatmodel.BlockParagraph {
			blk.Kind = threatmodel.BlockListItem
			blk.Level = depth
			marker = strings.Repeat("  ", min(depth-1, maxIndent)) + w.marker
			w.marker = ""
		}
	}
	w.write(blk, marker, text)
}

// write puts a block where it belongs: into the open table cell, else into the
// page after its marker.
func (w *pageWriter) write(blk threatmodel.Block, marker, text string) {
	if w.cell != nil {
		w.cell.parts = append(w.cell.parts, part{blk, marker, text})
		return
	}
	w.b.Break(w.distance(blk))
	w.b.Layout(marker)
	if blk.Role == "" {
		blk.Role = w.role
	}
	i := w.b.Add(blk, text)
	w.last = *w.b.Block(i)
	if blk.Kind == threatmodel.BlockDiagram {
		w.readDiagram(i, blk.Language, text)
	}
}

// distance is the number of newlines before a block: one between the parts of
// a list or the rows of a table, two elsewhere.
func (w *pageWriter) distance(blk threatmodel.Block) int {
	if blk.Group != 0 && blk.Group == w.last.Group {
		return 1
	}
	return 2
}

func (w *pageWriter) readDiagram(i int, language, text string) {
	if diagram.IsDrawn(language) {
		if d, ok := w.sheets[text]; ok && d.Type != "" {
			w.b.Diagram(i, d)
		}
		return
	}
	read, problems := diagram.Read(language, text)
	if read.Type != "" {
		w.b.Diagram(i, read)
	}
	for _, p := range problems {
		w.b.Notice(threatmodel.NoticeFormat, "Diagram, its line %d: %s.", p.Line, p.Text)
	}
}
