package markdown

import (
	"strings"

	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

// table is an open HTML table.
type table struct {
	group int
	// rows counts the rows written.
	rows int
	// spans holds, by column, how many more rows a cell from above covers.
	spans []int
	row   *row
	cell  *cell
	head  bool
}

// row is an open row of an HTML table.
type row struct {
	cells []run
	// headers counts the cells that are headers.
	headers, shown int
	// rest is prose that stands in the row's cells; see cell.split.
	rest []part
}

// part is a block inside a cell, with the bullet it had.
type part struct {
	block  threatmodel.Block
	marker string
	run
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
// stay blocks, so that a sentence of them can be found and quoted.
func (c *cell) split() (run, []part) {
	size := 0
	for _, p := range c.parts {
		size += len(p.text)
	}
	var shown run
	for i, p := range c.parts {
		switch {
		case i == 0:
		case size > maxCell:
			return shown, c.parts[i:]
		default:
			shown.text = append(shown.text, '\n')
		}
		shown.join("", p.run)
	}
	return shown, nil
}

// Largest spans that a table may ask for.
const (
	maxColumnSpan = 100
	maxRowSpan    = 1000
)

// table is the innermost open table; nil where there is none.
func (w *writer) table() *table {
	if len(w.tables) == 0 {
		return nil
	}
	return w.tables[len(w.tables)-1]
}

func (w *writer) openTable() {
	w.groups++
	w.tables = append(w.tables, &table{group: w.groups})
}

func (w *writer) closeTable() {
	if len(w.tables) == 0 {
		return
	}
	w.closeRow()
	w.tables = w.tables[:len(w.tables)-1]
}

func (w *writer) openRow() {
	t := w.table()
	if t == nil {
		return
	}
	w.closeRow()
	t.row = &row{}
}

// closeRow ends the row and writes it, unless all its cells are empty.
func (w *writer) closeRow() {
	t := w.table()
	if t == nil || t.row == nil {
		return
	}
	w.closeCell()
	t.cover()
	t.settle()
	r := t.row
	t.row = nil
	header := t.rows == 0 && r.headers > 0 && (t.head || r.headers == r.shown)
	if w.tableRow(t.group, header, r.cells) {
		t.rows++
	}
	for _, p := range r.rest {
		p.block.Group = t.group
		w.write(p.block, p.marker, p.run)
	}
}

func (w *writer) openCell(header bool, columns, rows int) {
	t := w.table()
	if t == nil {
		return
	}
	w.closeCell()
	if t.row == nil {
		t.row = &row{}
	}
	t.cover()
	t.cell = &cell{
		header:  header,
		columns: max(1, min(columns, maxColumnSpan)),
		rows:    max(1, min(rows, maxRowSpan)),
	}
}

// closeCell puts the cell into its row. The further columns that it spans
// are empty cells, so that those after it stand under their headers.
func (w *writer) closeCell() {
	t := w.table()
	if t == nil || t.cell == nil {
		return
	}
	c := t.cell
	t.cell = nil
	shown, rest := c.split()
	t.row.rest = append(t.row.rest, rest...)
	for i := range c.columns {
		if c.rows > 1 {
			t.span(len(t.row.cells), c.rows-1)
		}
		if i == 0 {
			t.row.cells = append(t.row.cells, shown)
		} else {
			t.row.cells = append(t.row.cells, run{})
		}
	}
	t.row.shown++
	if c.header {
		t.row.headers++
	}
}

// span notes that a column is covered for some more rows.
func (t *table) span(column, rows int) {
	for len(t.spans) <= column {
		t.spans = append(t.spans, 0)
	}
	t.spans[column] = -rows // see settle
}

// settle lets the spans that a row has set count for the rows after it.
func (t *table) settle() {
	for c := range t.spans {
		t.spans[c] = max(t.spans[c], -t.spans[c])
	}
}

// cover adds empty cells where cells from rows above reach down.
func (t *table) cover() {
	for c := len(t.row.cells); c < len(t.spans) && t.spans[c] > 0; c = len(t.row.cells) {
		t.spans[c]--
		t.row.cells = append(t.row.cells, run{})
	}
}

// tableRow writes one row. It reports whether there was anything to write.
func (w *writer) tableRow(group int, header bool, cells []run) bool {
	var whole run
	texts := make([]string, len(cells))
	shown := false
	for i, c := range cells {
		if i > 0 {
			whole.text = append(whole.text, cellSeparator...)
		}
		whole.join("", c)
		texts[i] = string(c.text)
		shown = shown || strings.TrimSpace(texts[i]) != ""
	}
	if !shown {
		return false
	}
	whole.marks[0].Offset = 0
	w.write(threatmodel.Block{
		Kind:   threatmodel.BlockTableRow,
		Group:  group,
		Header: header,
		Cells:  texts,
	}, "", whole)
	return true
}
