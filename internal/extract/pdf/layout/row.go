package layout

import (
	"cmp"
	"math"
	"slices"
)

// row is what stands on one height, from left to right.
type row struct {
	frags    []fragment
	box      Box
	baseline float64
	size     float64
}

// rows groups fragments into rows, from top to bottom.
func rows(frags []fragment) []row {
	sorted := slices.Clone(frags)
	slices.SortStableFunc(sorted, func(a, b fragment) int {
		return cmp.Or(cmp.Compare(a.baseline, b.baseline), cmp.Compare(a.box.L, b.box.L), cmp.Compare(a.order, b.order))
	})
	var out []row
	for _, f := range sorted {
		if i := home(out, f); i >= 0 {
			out[i].add(f)
			continue
		}
		r := row{baseline: f.baseline, size: f.size}
		r.add(f)
		out = append(out, r)
	}
	for i := range out {
		out[i].settle()
	}
	return out
}

// home finds the row, among the last, that a fragment belongs to.
func home(rows []row, f fragment) int {
	for i := len(rows) - 1; i >= max(0, len(rows)-3); i-- {
		if sameLine(rows[i].baseline, rows[i].size, f.baseline, f.size) && !rows[i].covers(f) {
			return i
		}
	}
	return -1
}

// covers reports whether a fragment would lie upon another of the row.
func (r *row) covers(f fragment) bool {
	for _, o := range r.frags {
		if min(o.box.R, f.box.R)-max(o.box.L, f.box.L) > 0.5*min(o.box.Width(), f.box.Width())+0.1 {
			return true
		}
	}
	return false
}

func (r *row) add(f fragment) {
	r.frags = append(r.frags, f)
	r.box = r.box.Union(f.box)
	if f.size > r.size {
		r.baseline, r.size = f.baseline, f.size
	}
}

// settle sorts the fragments and joins those that nothing separates.
func (r *row) settle() {
	slices.SortStableFunc(r.frags, func(a, b fragment) int {
		return cmp.Or(cmp.Compare(a.box.L, b.box.L), cmp.Compare(a.order, b.order))
	})
	out := slices.Clone(r.frags[:1])
	for _, f := range r.frags[1:] {
		last := &out[len(out)-1]
		if f.box.L-last.box.R <= 0.4*max(f.size, last.size) {
			if last.rtl {
				*last, f = f, *last
			}
			last.join(f)
			continue
		}
		out = append(out, f)
	}
	r.frags = out
}

// merged is the row as one fragment.
func (r *row) merged() fragment {
	if slices.ContainsFunc(r.frags, func(f fragment) bool { return f.rtl }) {
		last := len(r.frags) - 1
		f := r.frags[last]
		for i := last - 1; i >= 0; i-- {
			f.join(r.frags[i])
		}
		f.rtl = true
		return f
	}
	f := r.frags[0]
	for _, o := range r.frags[1:] {
		f.join(o)
	}
	return f
}

// interval is a stretch on the horizontal axis.
type interval struct{ lo, hi float64 }

func (i interval) width() float64 { return i.hi - i.lo }

// subtract takes the ink of a row out of free intervals, and drops what
// becomes narrower than least.
func subtract(free []interval, r row, least float64) []interval {
	for _, f := range r.frags {
		var rest []interval
		for _, v := range free {
			left := interval{v.lo, min(v.hi, f.box.L)}
			right := interval{max(v.lo, f.box.R), v.hi}
			if f.box.R <= v.lo || f.box.L >= v.hi {
				rest = append(rest, v)
				continue
			}
			if left.width() >= least {
				rest = append(rest, left)
			}
			if right.width() >= least {
				rest = append(rest, right)
			}
		}
		free = rest
	}
	return free
}

// maxOneSided is how many rows on one side a search for a gutter looks past.
const maxOneSided = 60

// gutters finds how far, from the first row on, rows leave a stretch free that
// has ink on both sides. It returns the rows' number and the stretches.
func gutters(rows []row, least float64) (n int, found []interval) {
	free := []interval{{math.Inf(-1), math.Inf(1)}}
	var ink Box
	for i, r := range rows {
		free = subtract(free, r, least)
		ink = ink.Union(r.box)
		inner := inside(free, ink)
		if len(inner) == 0 {
			// Rows on one side only may still meet others.
			if n > 0 || i >= maxOneSided {
				return n, found
			}
			continue
		}
		n, found = i+1, inner
	}
	return n, found
}

// inside are the intervals that lie within a box.
func inside(free []interval, ink Box) []interval {
	var out []interval
	for _, v := range free {
		if v.lo > ink.L && v.hi < ink.R {
			out = append(out, v)
		}
	}
	return out
}

// split parts rows at an abscissa.
func split(rs []row, x float64) (left, right []fragment) {
	for _, r := range rs {
		for _, f := range r.frags {
			if f.box.L+f.box.R < 2*x {
				left = append(left, f)
			} else {
				right = append(right, f)
			}
		}
	}
	return left, right
}
