package flow

import (
	"strings"
	"unicode"

	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

// table is an open table.
type table struct {
	group int
	// rows counts the rows written.
	rows int
	// covers holds, by column, how many more rows a cell from above covers.
	covers []int
	row    *row
	cell   *cell
	head   bool
	// lists and marker are those around the table, which count again after it.
	lists  []list
	marker string
}

// row is an open row of a table.
type row struct {
	cells []Run
	// headers counts the cells that are headers.
	headers, shown int
	// header is true for a row that says itself that it is one.
	header bool
	// next holds, by column, how many rows after this one a cell covers.
	next []int
	// rest is prose that stands in the row's cells; see cell.split.
	rest []part
}

// part is a block inside a cell, with the bullet it had.
type part struct {
	block  threatmodel.Block
	marker string
	Run
}

// cell is an open cell.
type cell struct {
	parts         []part
	columns, rows int
	header        bool
}

// maxCell is the length, in bytes, up to which a cell of several blocks is
// still the cell of a row.
const maxCell = 300

// split divides a cell into the text that stands in the row and the blocks
// that follow the row. Many tables only lay prose out: a cell that holds
// several paragraphs or a list gives the row its first block, and the others
// stay blocks, so that a sentence of them can be found and quoted. Code and
// diagrams of several lines are never squeezed into a row.
func (c *cell) split() (Run, []part) {
	size := 0
	for _, p := range c.parts {
		size += len(p.Text)
	}
	var shown Run
	for i, p := range c.parts {
		switch {
		case p.verbatim(), i > 0 && size > maxCell, p.before(shown):
			return shown, c.parts[i:]
		case i > 0:
			shown.Text = append(shown.Text, '\n')
		}
		shown.Text = append(shown.Text, p.number()...)
		shown.Join("", p.Run)
	}
	return shown, nil
}

// number is the bullet of a part as the row shows it: one that says something,
// such as the number of a requirement.
func (p *part) number() string {
	marker := strings.TrimLeft(p.marker, " ")
	if strings.ContainsFunc(marker, func(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }) {
		return marker
	}
	return ""
}

func (p *part) verbatim() bool {
	code := p.block.Kind == threatmodel.BlockCode || p.block.Kind == threatmodel.BlockDiagram
	return code && strings.Contains(string(p.Text), "\n")
}

// before reports whether a part stands above a text in the source: words that
// an author wrote between the cells of a table inside the cell.
func (p *part) before(r Run) bool {
	return len(p.Marks) > 0 && p.Marks[0].Line < r.last
}

// Largest spans that a table may ask for.
const (
	maxColumnSpan = 100
	maxRowSpan    = 1000
)

// table is the innermost open table; nil where there is none.
func (w *Writer) table() *table {
	if len(w.tables) == 0 {
		return nil
	}
	return w.tables[len(w.tables)-1]
}

// OpenTable begins a table; it may stand in a cell of another.
func (w *Writer) OpenTable() {
	w.tables = append(w.tables, &table{group: w.NextGroup(), lists: w.lists, marker: w.marker})
	w.lists, w.marker = nil, ""
}

// CloseTable ends the innermost table.
func (w *Writer) CloseTable() {
	t := w.table()
	if t == nil {
		return
	}
	w.CloseRow()
	w.tables = w.tables[:len(w.tables)-1]
	w.lists, w.marker = t.lists, t.marker
}

// Head notes whether the rows that follow stand in the head of the table.
func (w *Writer) Head(head bool) {
	w.CloseRow()
	if t := w.table(); t != nil {
		t.head = head
	}
}

// OpenRow begins a row of the innermost table.
func (w *Writer) OpenRow() {
	t := w.table()
	if t == nil {
		return
	}
	w.CloseRow()
	t.row = &row{}
}

// HeaderRow makes the open row the header of its table, if it is the first.
func (w *Writer) HeaderRow() {
	if t := w.table(); t != nil && t.row != nil {
		t.row.header = true
	}
}

// CloseRow ends the row and writes it, unless all its cells are empty.
func (w *Writer) CloseRow() {
	t := w.table()
	if t == nil || t.row == nil {
		return
	}
	w.CloseCell()
	w.cover(t)
	r := t.row
	t.settle()
	t.row = nil
	header := t.rows == 0 && (r.header || r.headers > 0 && (t.head || r.headers == r.shown))
	if w.TableRow(t.group, header, r.cells) {
		t.rows++
	}
	for _, p := range r.rest {
		p.block.Group = t.group
		w.write(p.block, p.marker, p.Run)
	}
}

// OpenCell begins a cell that spans some columns and rows, 1 for none.
func (w *Writer) OpenCell(header bool, columns, rows int) {
	t := w.table()
	if t == nil {
		return
	}
	w.CloseCell()
	if t.row == nil {
		t.row = &row{}
	}
	w.cover(t)
	if w.TooManyCells() {
		columns, rows = 1, 1
	}
	t.cell = &cell{
		header:  header,
		columns: max(1, min(columns, maxColumnSpan)),
		rows:    max(1, min(rows, maxRowSpan)),
	}
}

// CloseCell puts the cell into its row. The further columns that it spans
// are empty cells, so that those after it stand under their headers.
func (w *Writer) CloseCell() {
	t := w.table()
	if t == nil || t.cell == nil {
		return
	}
	c := t.cell
	t.cell = nil
	w.lists, w.marker = nil, ""
	shown, rest := c.split()
	t.row.rest = append(t.row.rest, rest...)
	for range c.columns {
		if c.rows > 1 {
			t.row.span(len(t.row.cells), c.rows-1)
		}
		t.row.cells = append(t.row.cells, shown)
		shown = Run{}
	}
	w.cells += c.columns
	t.row.shown++
	if c.header {
		t.row.headers++
	}
}

// TooManyCells reports whether the tables have more cells than MaxCells, so
// that spans no longer counted.
func (w *Writer) TooManyCells() bool { return w.MaxCells > 0 && w.cells > w.MaxCells }

// span notes that a column is covered for some rows after this one.
func (r *row) span(column, rows int) {
	for len(r.next) <= column {
		r.next = append(r.next, 0)
	}
	r.next[column] = rows
}

// settle lets the spans of the row count for the rows after it.
func (t *table) settle() {
	for c, rows := range t.row.next {
		if rows > 0 {
			for len(t.covers) <= c {
				t.covers = append(t.covers, 0)
			}
			t.covers[c] = rows
		}
	}
}

// cover adds empty cells where cells from rows above reach down.
func (w *Writer) cover(t *table) {
	for c := len(t.row.cells); c < len(t.covers) && t.covers[c] > 0 && !w.TooManyCells(); c = len(t.row.cells) {
		t.covers[c]--
		t.row.cells = append(t.row.cells, Run{})
		w.cells++
	}
}

// TableRow writes one row. It reports whether there was anything to write.
func (w *Writer) TableRow(group int, header bool, cells []Run) bool {
	var whole Run
	texts := make([]string, len(cells))
	shown := false
	for i, c := range cells {
		if i > 0 {
			whole.Text = append(whole.Text, Separator...)
		}
		whole.Join("", c)
		texts[i] = string(c.Text)
		shown = shown || strings.TrimSpace(texts[i]) != ""
	}
	if !shown {
		return false
	}
	if len(whole.Marks) > 0 {
		whole.Marks[0].Offset = 0
	}
	w.write(threatmodel.Block{
		Kind:   threatmodel.BlockTableRow,
		Group:  group,
		Header: header,
		Cells:  texts,
	}, "", whole)
	return true
}
