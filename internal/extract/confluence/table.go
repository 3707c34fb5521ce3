package confluence

import (
	"strconv"
	"strings"

	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

// cell is an open cell of a table.
type cell struct{ parts []part }

// part is a block inside a cell, with the bullet it had.
type part struct {
	block  threatmodel.Block
	marker string
	text   string
}

// verbatim reports whether the part has lines that are not to be put into one.
func (p *part) verbatim() bool {
	return (p.block.Kind == threatmodel.BlockCode || p.block.Kind == threatmodel.BlockDiagram) && strings.Contains(p.text, "\n")
}

// maxCell is the length, in bytes, up to which a cell of several blocks is
// still the cell of a row.
const maxCell = 300

// Largest spans that a cell may ask for, and how many columns of a table may
// have them: a few bytes can ask for millions of empty cells.
const (
	maxColumnSpan  = 100
	maxRowSpan     = 1000
	maxSpanColumns = 1000
)

// split divides a cell into what stands in the row and the blocks
// that follow it. Many tables only lay a page out: of a cell that holds much,
// the row shows the first block, and the others stay blocks, so that a sentence
// of them can be quoted. Code and diagrams are never squeezed into a row.
func (c *cell) split() (string, []threatmodel.Link, []part) {
	size := 0
	for _, p := range c.parts {
		size += len(p.text)
	}
	if len(c.parts) == 1 && !c.parts[0].verbatim() { // as in most cells
		return c.parts[0].text, c.parts[0].block.Links, nil
	}
	var shown strings.Builder
	var links []threatmodel.Link
	for i, p := range c.parts {
		switch {
		case p.verbatim(), i > 0 && size > maxCell:
			return shown.String(), links, c.parts[i:]
		case shown.Len() > 0:
			shown.WriteByte('\n')
		}
		links = append(links, shifted(p.block.Links, shown.Len())...)
		shown.WriteString(p.text)
	}
	return shown.String(), links, nil
}

// grid knows which columns cells from the rows above cover.
type grid struct {
	group, rows int
	// covers holds, by column, how many more rows a cell from above reaches
	// down.
	covers []int
}

// row is a row on its way into the table.
type row struct {
	texts []string
	// links are those of the cells, by column.
	links map[int][]threatmodel.Link
	// covered are the columns that cells from above reach, next those that
	// cells reach in the row after this one.
	covered, next []int
}

func (g *grid) open() *row {
	r := &row{covered: g.covers, next: make([]int, len(g.covers))}
	for i, rows := range g.covers {
		r.next[i] = max(0, rows-1)
	}
	return r
}

// cover adds empty cells where cells from the rows above reach down.
func (r *row) cover() {
	for len(r.texts) < len(r.covered) && r.covered[len(r.texts)] > 0 {
		r.texts = append(r.texts, "")
	}
}

// add adds a cell. The further columns that it spans are empty, so that those
// after it stand under their headers.
func (r *row) add(text string, links []threatmodel.Link, columns, rows int) {
	r.cover()
	if len(links) > 0 {
		if r.links == nil {
			r.links = map[int][]threatmodel.Link{}
		}
		r.links[len(r.texts)] = links
	}
	for range columns {
		if len(r.texts) >= maxSpanColumns {
			r.texts = append(r.texts, text)
			return
		}
		for len(r.next) <= len(r.texts) {
			r.next = append(r.next, 0)
		}
		r.next[len(r.texts)] = max(r.next[len(r.texts)], rows-1)
		r.texts = append(r.texts, text)
		text = ""
	}
}

// close ends a row and returns its cells.
func (g *grid) close(r *row) []string {
	r.cover()
	g.covers = r.next
	return r.texts
}

// table writes a table, row by row.
func (w *pageWriter) table(n *node) {
	w.endParagraph()
	w.groups++
	g := &grid{group: w.groups}
	lists, marker := w.lists, w.marker
	w.lists, w.marker = nil, ""
	w.rows(g, n, false)
	w.lists, w.marker = lists, marker
}

func (w *pageWriter) rows(g *grid, n *node, head bool) {
	for _, c := range n.children {
		switch c.name {
		case "thead", "tbody", "tfoot":
			w.rows(g, c, c.name == "thead")
		case "tr":
			w.row(g, c, head)
		case "caption":
			w.walk(c)
			w.endCaption()
		case "colgroup", "col":
		default:
			w.walk(c)
		}
	}
	w.endParagraph()
}

func (w *pageWriter) endCaption() {
	if text, links, _ := w.flow.take(); text != "" {
		w.add(threatmodel.Block{Kind: threatmodel.BlockCaption, Links: links}, text)
	}
}

// row writes one row, unless all its cells are empty, and after it what was
// too much for its cells.
func (w *pageWriter) row(g *grid, n *node, head bool) {
	if w.cells > w.book.opt.MaxTableCells {
		w.notice(threatmodel.NoticeTruncated, "The tables have more than "+strconv.Itoa(w.book.opt.MaxTableCells)+" cells: the rest of them is read as paragraphs.")
		w.walkAll(n)
		return
	}
	r := g.open()
	var rest []part
	headers, cells := 0, 0
	for _, c := range n.children {
		if c.name != "td" && c.name != "th" {
			continue
		}
		var text string
		var links []threatmodel.Link
		text, links, rest = w.readCell(c, rest)
		r.add(text, links, span(c, "colspan", maxColumnSpan), span(c, "rowspan", maxRowSpan))
		cells++
		if c.name == "th" {
			headers++
		}
	}
	texts := g.close(r)
	w.cells += len(texts)
	w.writeRow(g, r, g.rows == 0 && headers > 0 && (head || headers == cells))
	for _, p := range rest {
		p.block.Group = g.group
		w.write(p.block, p.marker, p.text)
	}
}

func (w *pageWriter) writeRow(g *grid, r *row, header bool) {
	empty := true
	for _, t := range r.texts {
		empty = empty && t == ""
	}
	if empty {
		return
	}
	g.rows++
	w.write(threatmodel.Block{Kind: threatmodel.BlockTableRow, Group: g.group, Header: header, Cells: r.texts, Links: r.allLinks()}, "", strings.Join(r.texts, cellGap))
}

// cellGap stands between the cells of a row.
const cellGap = " | "

// allLinks are the links of all cells, with their places in the row.
func (r *row) allLinks() []threatmodel.Link {
	if len(r.links) == 0 {
		return nil
	}
	var all []threatmodel.Link
	at := 0
	for i, text := range r.texts {
		all = append(all, shifted(r.links[i], at)...)
		at += len(text) + len(cellGap)
	}
	return all
}

// readCell reads the blocks of a cell. It returns what stands in the row with
// its links, and appends what follows it.
func (w *pageWriter) readCell(n *node, rest []part) (string, []threatmodel.Link, []part) {
	outer := w.cell
	w.cell = w.arena.cell()
	w.walkAll(n)
	w.endParagraph()
	text, links, more := w.cell.split()
	rest = append(rest, more...)
	w.arena.giveBack(w.cell)
	w.cell = outer
	return text, links, rest
}

func span(n *node, key string, most int) int {
	written := n.attr(key)
	if written == "" {
		return 1
	}
	v, err := strconv.Atoi(strings.TrimSpace(written))
	if err != nil {
		return 1
	}
	return max(1, min(v, most))
}
