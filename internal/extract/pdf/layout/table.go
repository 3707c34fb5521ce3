package layout

import (
	"cmp"
	"slices"
	"strings"

	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

// table reads a table that begins at a row, and returns of how many rows of
// text it is; 0 where there is none.
func (r *reader) table(reg region, at, page int) ([]part, int) {
	if len(reg.rows[at].frags) < 2 || marksOnly(reg.rows[at]) {
		return nil, 0
	}
	n, gaps := gutters(reg.rows[at:], 0.45*reg.rows[at].size)
	n = r.tableEnd(reg.rows[at:at+n], gaps)
	if n < 2 {
		return nil, 0
	}
	_, gaps = gutters(reg.rows[at:at+n], 0.45*reg.rows[at].size)
	if r.allCode(reg.rows[at : at+n]) {
		return nil, 0
	}
	g := newGrid(reg.rows[at:at+n], gaps)
	if !g.holds() {
		return nil, 0
	}
	r.groups++
	return g.parts(page, reg.box, r.groups, r.m), n
}

// ruled reads a table whose rows are parted by lines, as [reader.table] does.
func (r *reader) ruled(reg region, at int, s *sheet) ([]part, int) {
	for _, t := range s.tables {
		n := 0
		for at+n < len(reg.rows) && t.holds(reg.rows[at+n]) {
			n++
		}
		if n < 2 || at > 0 && t.holds(reg.rows[at-1]) {
			continue
		}
		rs := reg.rows[at : at+n]
		m, gaps := gutters(rs, 0.3*rs[0].size)
		if m < n || len(t.xs) > len(gaps) {
			// A cell that spans columns leaves no gap: then the lines decide.
			gaps = t.gaps()
		}
		if len(gaps) == 0 || r.allCode(rs) {
			continue
		}
		g := newGrid(rs, gaps)
		starts := bands(t, rs)
		if len(starts) > 2 || len(starts) == len(g.starts) {
			g.starts = starts
		} else if len(starts) == 2 && len(g.starts) > 1 {
			g.headed = starts[1] == g.starts[1]
		}
		if g.holds() {
			r.groups++
			return g.parts(s.number, reg.box, r.groups, r.m), n
		}
	}
	return nil, 0
}

// bands are the indexes of the rows of text that stand first between two lines
// of a table.
func bands(t ruled, rs []row) []int {
	var starts []int
	last := -1
	for i, w := range rs {
		if b := t.band(w); b != last {
			starts = append(starts, i)
			last = b
		}
	}
	return starts
}

// allCode reports whether rows are lines of code.
func (r *reader) allCode(rs []row) bool {
	any := false
	for _, w := range rs {
		l := newLine(w, 0, 0, 0)
		code := r.code(&l)
		if !code && !listingLine(&l) {
			return false
		}
		any = any || code
	}
	return any
}

// marksOnly reports whether a row is an item of a list: a mark and its text.
func marksOnly(r row) bool {
	if len(r.frags) != 2 || len(r.frags[0].runes) > 5 {
		return false
	}
	l := newLine(r, 0, 0, 0)
	return marker(&l) != ""
}

// tableEnd shortens a table to the rows that belong to it: what follows after
// a wide gap, or is the text after the table, does not.
func (r *reader) tableEnd(rs []row, gaps []interval) int {
	if len(gaps) == 0 {
		return 0
	}
	end := 0
	for i, w := range rs {
		if i > 0 && w.baseline-rs[i-1].baseline > 3.4*max(w.size, rs[i-1].size) {
			break
		}
		if i > 0 && marksOnly(w) && len(rs[0].frags) > 2 {
			break
		}
		cells := 0
		for c := range g(gaps) {
			if slices.ContainsFunc(w.frags, func(f fragment) bool { return column(gaps, f) == c }) {
				cells++
			}
		}
		if cells >= 2 {
			end = i + 1
		}
	}
	// Lines below that only one column has go on with its cell while they
	// keep the distance of lines.
	for end > 0 && end < len(rs) && len(rs[end].frags) == 1 && column(gaps, rs[end].frags[0]) > 0 &&
		rs[end].baseline-rs[end-1].baseline < 1.5*rs[end].size {
		end++
	}
	return end
}

// g is the number of columns that gaps make.
func g(gaps []interval) int { return len(gaps) + 1 }

// column is the column of a fragment: the number of gaps to its left.
func column(gaps []interval, f fragment) int {
	n := 0
	for _, v := range gaps {
		if (v.lo+v.hi)/2 < (f.box.L+f.box.R)/2 {
			n++
		}
	}
	return n
}

// grid is a table being read.
type grid struct {
	rows    []row
	gaps    []interval
	columns int
	// starts are the indexes of the rows of text that begin a row of the
	// table.
	starts []int
	// headed is true where a line sets the first row off from all others.
	headed bool
}

func newGrid(rs []row, gaps []interval) *grid {
	slices.SortFunc(gaps, func(a, b interval) int { return cmp.Compare(a.lo, b.lo) })
	t := &grid{rows: rs, gaps: gaps, columns: g(gaps)}
	t.starts = t.cut()
	return t
}

// cut finds where rows of the table begin. Where the lines of a cell stand
// closer than rows do, rows part where no cell reaches across; else a row
// begins with its first cell.
func (t *grid) cut() []int {
	pitch, widest := t.pitches()
	if widest > 1.18*pitch {
		if starts := t.cutBetween(1.12 * pitch); len(starts) > 2 || !t.filled(starts) {
			return starts
		}
	}
	starts := []int{0}
	for i := 1; i < len(t.rows); i++ {
		if column(t.gaps, t.rows[i].frags[0]) == 0 {
			starts = append(starts, i)
		}
	}
	return starts
}

// filled reports whether all rows of text below the first of the table have
// all cells: then each is a row, and the first only stands apart.
func (t *grid) filled(starts []int) bool {
	if len(starts) < 2 {
		return false
	}
	for _, w := range t.rows[starts[1]:] {
		if len(w.frags) < t.columns {
			return false
		}
	}
	return len(t.rows)-starts[1] >= 2
}

// pitches are the least and the greatest distance of successive lines in one
// column.
func (t *grid) pitches() (least, greatest float64) {
	last := make([]float64, t.columns)
	for _, w := range t.rows {
		for _, f := range w.frags {
			c := column(t.gaps, f)
			if last[c] != 0 && f.baseline-last[c] > 0.8*f.size {
				d := f.baseline - last[c]
				if least == 0 || d < least {
					least = d
				}
				greatest = max(greatest, d)
			}
			last[c] = f.baseline
		}
	}
	return least, greatest
}

// cutBetween parts the rows where no cell has lines on both sides that are
// nearer than limit.
func (t *grid) cutBetween(limit float64) []int {
	starts := []int{0}
	last := make([]float64, t.columns)
	// reach is how far down the cells of the current row go.
	for i, w := range t.rows {
		joined := i == 0
		for _, f := range w.frags {
			c := column(t.gaps, f)
			joined = joined || last[c] != 0 && f.baseline-last[c] <= limit
		}
		// A cell set in the middle of its row stands between the lines of others.
		if i > 0 && w.baseline-t.rows[i-1].baseline < 0.85*w.size {
			joined = true
		}
		if i > 0 && !joined && t.spans(i, limit) {
			joined = true
		}
		if !joined {
			starts = append(starts, i)
		}
		for _, f := range w.frags {
			last[column(t.gaps, f)] = f.baseline
		}
	}
	return starts
}

// spans reports whether a cell has lines before and after row i that belong
// together.
func (t *grid) spans(i int, limit float64) bool {
	before, after := make([]float64, t.columns), make([]float64, t.columns)
	for j := max(0, i-3); j < i; j++ {
		for _, f := range t.rows[j].frags {
			before[column(t.gaps, f)] = f.baseline
		}
	}
	for j := min(len(t.rows)-1, i+3); j >= i; j-- {
		for _, f := range t.rows[j].frags {
			after[column(t.gaps, f)] = f.baseline
		}
	}
	for c := range before {
		if before[c] != 0 && after[c] != 0 && after[c]-before[c] <= limit {
			return true
		}
	}
	return false
}

// holds reports whether the grid is a table at all.
func (t *grid) holds() bool {
	if len(t.starts) < 2 {
		return false
	}
	paired, marks := 0, 0
	for i := range t.starts {
		cells := t.cells(i)
		if n := len(slices.DeleteFunc(slices.Clone(cells), func(s string) bool { return s == "" })); n >= 2 {
			paired++
		}
		if bulletMark.MatchString(cells[0]) || numberLead.MatchString(cells[0]+" x") {
			marks++
		}
	}
	return paired >= 2 && paired*2 >= len(t.starts) && marks*2 < len(t.starts)
}

// span are the rows of text of row i of the table.
func (t *grid) span(i int) []row {
	end := len(t.rows)
	if i+1 < len(t.starts) {
		end = t.starts[i+1]
	}
	return t.rows[t.starts[i]:end]
}

// cells are the texts of the cells of row i.
func (t *grid) cells(i int) []string {
	out := make([]string, t.columns)
	for c := range out {
		var ls []line
		for _, w := range t.span(i) {
			for _, f := range w.frags {
				if column(t.gaps, f) == c {
					ls = append(ls, line{fragment: f})
				}
			}
		}
		out[c] = strings.ReplaceAll(joinLines(ls, nil), "\n", " ")
	}
	return out
}

// parts are the rows of the table.
func (t *grid) parts(page int, box Box, group int, m metrics) []part {
	var out []part
	for i := range t.starts {
		p := part{kind: threatmodel.BlockTableRow, role: threatmodel.RoleBody, group: group, cells: t.cells(i)}
		for _, w := range t.span(i) {
			p.add(newLine(w, page, box.L, box.R))
		}
		out = append(out, p)
	}
	out[0].header = t.heads(out, m)
	return out
}

// heads reports whether the first row names the columns: it looks unlike the
// second.
func (t *grid) heads(parts []part, m metrics) bool {
	a, b := parts[0].look(), parts[1].look()
	if slices.Contains(parts[0].cells[1:], "") {
		return false
	}
	if t.headed {
		return true
	}
	bold := a.mostly(a.bold) && !b.mostly(b.bold)
	return bold || !near(a.size(), b.size()) && parts[0].words() <= 4*t.columns
}
