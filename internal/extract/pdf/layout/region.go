package layout

import (
	"cmp"
	"math"
	"slices"
)

// region is a part of a page that is read from top to bottom: a column, or
// what runs over the whole width.
type region struct {
	rows []row
	box  Box
}

// maxColumns bounds how deep columns are split.
const maxColumns = 6

// regions orders the fragments of a page as a person reads them.
func regions(frags []fragment, tables []ruled, depth int) []region {
	rs := rows(frags)
	if depth >= maxColumns || len(rs) > 2000 {
		return single(rs)
	}
	var out []region
	var pending []row
	for i := 0; i < len(rs); {
		if inTable(tables, rs[i]) {
			pending = append(pending, rs[i])
			i++
			continue
		}
		end := i + 1
		for end < len(rs) && !inTable(tables, rs[end]) {
			end++
		}
		c, ok := columns(rs[i:end], end < len(rs))
		if !ok {
			// Rows that share a gap and are no columns are none from the next
			// row on either, until something sets a block off.
			next := i + 1
			for next < i+c.to && !setOff(rs, next) {
				next++
			}
			pending = append(pending, rs[i:next]...)
			i = next
			continue
		}
		pending = append(pending, rs[i:i+c.from]...)
		out = append(out, single(pending)...)
		pending = nil
		left, right := split(rs[i+c.from:i+c.to], c.x)
		out = append(out, regions(left, tables, depth+1)...)
		out = append(out, regions(right, tables, depth+1)...)
		i += c.to
	}
	return append(out, single(pending)...)
}

// inTable reports whether lines of a table go round a row and across all of
// it, so that it is not text in columns.
func inTable(tables []ruled, w row) bool {
	return slices.ContainsFunc(tables, func(t ruled) bool { return t.holds(w) })
}

func single(rs []row) []region {
	if len(rs) == 0 {
		return nil
	}
	r := region{rows: rs}
	for _, row := range rs {
		r.box = r.box.Union(row.box)
	}
	return []region{r}
}

// pair are two columns: the rows that they share, and where they part.
type pair struct {
	from, to int
	x        float64
}

// maxCuts bounds how often columns are sought in fewer rows.
const maxCuts = 12

// columns finds text in two columns that begins with the rows. Where there are
// none it tells how many rows share a gap. What stands on
// the left alone, above or below and set off, belongs to neither column. More
// is true where other rows follow.
func columns(rs []row, more bool) (pair, bool) {
	n, _ := gutters(rs, 0.7*rs[0].size)
	for to, cuts := n, 0; to >= 3 && cuts < maxCuts; to, cuts = boundaryBefore(rs, to), cuts+1 {
		m, found := gutters(rs[:to], 0.7*rs[0].size)
		if m < 3 {
			break
		}
		widest := slices.MaxFunc(found, func(a, b interval) int {
			return cmp.Or(cmp.Compare(a.width(), b.width()), cmp.Compare(b.lo, a.lo))
		})
		c := pair{to: m, x: (widest.lo + widest.hi) / 2}
		c.trim(rs, more || m < len(rs))
		if left, right := split(rs[c.from:c.to], c.x); twoColumns(left, right) {
			c.shorten(rs)
			return c, true
		}
	}
	return pair{to: n}, false
}

// trim takes rows off that stand on the left alone: before the columns, and
// after them where text over the whole width follows.
func (c *pair) trim(rs []row, more bool) {
	first, last := c.from, c.to
	for first < last && rs[first].box.R <= c.x {
		first++
	}
	for last > first && rs[last-1].box.R <= c.x {
		last--
	}
	for i := first; i > c.from; i-- {
		if setOff(rs, i) {
			c.from = i
			break
		}
	}
	if !more {
		return
	}
	for i := last; i < c.to; i++ {
		if setOff(rs, i) {
			c.to = i
			break
		}
	}
}

// shorten ends the columns at a heading on the left beside which the right is
// empty, where what follows is in columns no more: a table, say, that leaves
// the same gap.
func (c *pair) shorten(rs []row) {
	for i := c.from + 3; i < c.to; i++ {
		if rs[i].box.R > c.x || !setOff(rs, i) || !c.silent(rs, i) {
			continue
		}
		before, beside := split(rs[c.from:i], c.x)
		left, right := split(rs[i:c.to], c.x)
		if rs[i].size > 1.08*side(before).size && twoColumns(before, beside) && !twoColumns(left, right) {
			c.to = i
			return
		}
	}
}

// silent reports whether the right side is empty beside row i.
func (c *pair) silent(rs []row, i int) bool {
	for _, j := range []int{i - 1, i + 1} {
		if j >= 0 && j < len(rs) && rs[j].box.R > c.x && math.Abs(rs[j].baseline-rs[i].baseline) < 1.4*rs[i].size {
			return false
		}
	}
	return true
}

// setOff reports whether a block of text may begin with row i: the gap above
// it is wide, or its type is of another size.
func setOff(rs []row, i int) bool {
	a, b := rs[i-1], rs[i]
	return b.baseline-a.baseline > 1.7*min(a.size, b.size) || !near(a.size, b.size)
}

// boundaryBefore is the last row before n at which a block of text begins; 0
// where there is none.
func boundaryBefore(rs []row, n int) int {
	for i := n - 1; i > 0; i-- {
		if setOff(rs, i) {
			return i
		}
	}
	return 0
}

// twoColumns tells columns of text from a table. Text in columns is drawn one
// column after the other; a table is drawn row by row.
func twoColumns(left, right []fragment) bool {
	l, r := side(left), side(right)
	if l.lines < 3 || r.lines < 3 {
		return false
	}
	overlap := min(l.box.B, r.box.B) - max(l.box.T, r.box.T)
	if overlap < 0.3*min(l.box.Height(), r.box.Height()) {
		return false
	}
	returns := returnsLeft(left, right)
	least := min(l.lines, r.lines)
	switch {
	case returns <= 1:
		return min(l.chars, r.chars) >= 12 || returns == 0 && min(l.chars, r.chars) >= 8 && !aligned(left, right)
	case returns*10 >= least*6:
		return min(l.chars, r.chars) >= 25 && min(l.fill, r.fill) >= 0.7
	}
	return returns*8 <= least && min(l.chars, r.chars) >= 20
}

// sideTraits sums up one side of a gutter.
type sideTraits struct {
	lines int
	chars float64 // a line, on average
	fill  float64 // share of the lines that nearly fill the width
	size  float64 // of the type
	box   Box
}

func side(frags []fragment) sideTraits {
	var s sideTraits
	var look style
	rs := rows(frags)
	for _, r := range rs {
		s.box = s.box.Union(r.box)
		for _, f := range r.frags {
			s.chars += float64(len(f.runes))
			look.merge(f.style)
		}
	}
	s.lines, s.size = len(rs), look.size()
	full := 0
	for _, r := range rs {
		if r.box.Width() >= 0.8*s.box.Width() {
			full++
		}
	}
	if s.lines > 0 {
		s.chars /= float64(s.lines)
		s.fill = float64(full) / float64(s.lines)
	}
	return s
}

// returnsLeft counts how often the page's drawing goes from the right side
// back to the left.
func returnsLeft(left, right []fragment) int {
	type at struct {
		order int
		right bool
	}
	var all []at
	for _, f := range left {
		all = append(all, at{f.order, false})
	}
	for _, f := range right {
		all = append(all, at{f.order, true})
	}
	slices.SortFunc(all, func(a, b at) int { return cmp.Compare(a.order, b.order) })
	n := 0
	for i := 1; i < len(all); i++ {
		if all[i-1].right && !all[i].right {
			n++
		}
	}
	return n
}

// aligned reports whether most lines of the right side stand level with one of
// the left, as the rows of a table do.
func aligned(left, right []fragment) bool {
	n := 0
	for _, f := range right {
		if slices.ContainsFunc(left, func(o fragment) bool { return sameLine(o.baseline, o.size, f.baseline, f.size) }) {
			n++
		}
	}
	return n*10 >= len(right)*8
}
