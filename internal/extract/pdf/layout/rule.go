package layout

import (
	"cmp"
	"math"
	"slices"
)

// rule is a horizontal line that is drawn on a page.
type rule struct{ l, r, y float64 }

// rules finds horizontal lines among shapes. Those drawn cell by cell become
// one; the sides of boxes are lines too.
func rules(shapes []Box) []rule {
	var all []rule
	for _, b := range shapes {
		switch {
		case b.Width() > 8 && b.Height() < 2.5:
			all = append(all, rule{b.L, b.R, (b.T + b.B) / 2})
		case b.Width() > 20 && b.Height() > 6:
			all = append(all, rule{b.L, b.R, b.T}, rule{b.L, b.R, b.B})
		}
	}
	slices.SortFunc(all, func(a, b rule) int {
		return cmp.Or(cmp.Compare(math.Round(a.y), math.Round(b.y)), cmp.Compare(a.l, b.l))
	})
	var out []rule
	for _, r := range all {
		if n := len(out) - 1; n >= 0 && math.Abs(out[n].y-r.y) < 1.6 && r.l-out[n].r < 3 && r.r > out[n].l {
			out[n].l, out[n].r = min(out[n].l, r.l), max(out[n].r, r.r)
			continue
		}
		out = append(out, r)
	}
	return slices.DeleteFunc(out, func(r rule) bool { return r.r-r.l < 40 })
}

// ruled is a table that lines part into rows: their heights, from the line
// above the first to the one below the last; and the places of its vertical
// lines, where it has some.
type ruled struct {
	l, r float64
	ys   []float64
	xs   []float64
}

// vertical is a vertical line.
type vertical struct{ x, top, bottom float64 }

// verticals finds vertical lines among shapes; the sides of boxes are such.
func verticals(shapes []Box) []vertical {
	var out []vertical
	for _, b := range shapes {
		switch {
		case b.Height() < 6:
		case b.Width() < 2.5:
			out = append(out, vertical{(b.L + b.R) / 2, b.T, b.B})
		case b.Width() > 12:
			out = append(out, vertical{b.L, b.T, b.B}, vertical{b.R, b.T, b.B})
		}
	}
	slices.SortFunc(out, func(a, b vertical) int { return cmp.Compare(a.x, b.x) })
	return out
}

// part parts tables of one width that stand below one another: where one has
// vertical lines, there are none between it and the next.
func (t ruled) part(lines []vertical) []ruled {
	crossed := func(top, bottom float64) bool {
		middle := (top + bottom) / 2
		return slices.ContainsFunc(lines, func(l vertical) bool {
			return l.x > t.l-4 && l.x < t.r+4 && l.top < middle && l.bottom > middle
		})
	}
	var out []ruled
	cur := ruled{l: t.l, r: t.r}
	any := false
	for i, y := range t.ys {
		if i > 0 && !crossed(t.ys[i-1], y) {
			out = append(out, cur)
			cur = ruled{l: t.l, r: t.r}
		} else if i > 0 {
			any = true
		}
		cur.ys = append(cur.ys, y)
	}
	if !any {
		return []ruled{t}
	}
	out = slices.DeleteFunc(append(out, cur), func(t ruled) bool { return len(t.ys) < 3 })
	for i := range out {
		out[i].columns(lines)
	}
	return out
}

// columns finds the vertical lines within a table.
func (t *ruled) columns(lines []vertical) {
	for _, l := range lines {
		inside := l.x > t.l+4 && l.x < t.r-4 && l.bottom > t.top()+1 && l.top < t.bottom()-1
		if inside && (len(t.xs) == 0 || l.x-t.xs[len(t.xs)-1] > 4) {
			t.xs = append(t.xs, l.x)
		}
	}
}

// gaps are the vertical lines, as what parts columns.
func (t *ruled) gaps() []interval {
	var out []interval
	for _, x := range t.xs {
		out = append(out, interval{x, x})
	}
	return out
}

// ruledTables finds lines of one width, below one another.
func ruledTables(rs []rule, height float64) []ruled {
	var open, out []ruled
	for _, r := range rs {
		i := slices.IndexFunc(open, func(t ruled) bool { return math.Abs(t.l-r.l) < 4 && math.Abs(t.r-r.r) < 4 })
		switch {
		case i < 0:
			open = append(open, ruled{l: r.l, r: r.r, ys: []float64{r.y}})
		case r.y-open[i].ys[len(open[i].ys)-1] > 0.3*height:
			out = append(out, open[i])
			open[i].ys = []float64{r.y}
		case r.y-open[i].ys[len(open[i].ys)-1] > 2.5:
			open[i].ys = append(open[i].ys, r.y)
		}
	}
	out = append(out, open...)
	return slices.DeleteFunc(out, func(t ruled) bool { return len(t.ys) < 3 })
}

func (t ruled) top() float64    { return t.ys[0] }
func (t ruled) bottom() float64 { return t.ys[len(t.ys)-1] }

// holds reports whether a row stands in the table.
func (t ruled) holds(w row) bool {
	y := w.baseline - 0.3*w.size
	return y > t.top() && y < t.bottom() && w.box.L > t.l-2 && w.box.R < t.r+2
}

// band is the row of the table in which text on a baseline stands.
func (t ruled) band(w row) int {
	y := w.baseline - 0.3*w.size
	n := 0
	for n < len(t.ys) && t.ys[n] < y {
		n++
	}
	return n
}

// dots are the boxes of bullets that are drawn and not written.
func dots(shapes []Box) []Box {
	var out []Box
	for _, b := range shapes {
		w, h := b.Width(), b.Height()
		if w > 1.2 && w < 8 && h > 1.2 && h < 8 && w < 1.5*h && h < 1.5*w {
			out = append(out, b)
		}
	}
	return out
}

// bulleted finds the drawn bullet of a line: it stands to its left, alone.
func bulleted(l *line, dots []Box) (Box, bool) {
	for _, d := range dots {
		middle := (d.T + d.B) / 2
		if middle < l.baseline && middle > l.baseline-0.75*l.size && d.R < l.box.L && l.box.L-d.R < 2.5*l.size {
			return d, true
		}
	}
	return Box{}, false
}
