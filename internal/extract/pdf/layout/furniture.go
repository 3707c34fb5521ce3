package layout

import (
	"math"
	"regexp"
	"strconv"
	"strings"
)

// The shares of a page's height, at its top and at its bottom, in which running
// headers and footers stand.
const (
	topMargin    = 0.16
	bottomMargin = 0.2
)

// maxFurniture is the most rows of a header or footer.
const maxFurniture = 6

// furniture finds what runs along the pages: rows that stand in the same place
// with the same words, numbers aside, and page numbers.
func furniture(pages []*sheet) {
	if len(pages) < 2 {
		return
	}
	for _, top := range []bool{true, false} {
		f := running{top: top, pages: pages, seen: map[string][]place{}}
		f.collect()
		f.number()
		f.peel()
	}
}

// running looks for headers or for footers.
type running struct {
	top   bool
	pages []*sheet
	// seen holds where the text of a row stands, by its text without numbers.
	seen map[string][]place
	// numbered holds the heights at which page numbers count up.
	numbered []float64
}

// place is a row in a margin.
type place struct {
	page int
	y    float64
}

// candidates are the rows in the margin of a page, from its edge inward.
func (f *running) candidates(s *sheet) []row {
	var out []row
	for i := range min(len(s.rows), maxFurniture) {
		r := s.rows[i]
		if !f.top {
			r = s.rows[len(s.rows)-1-i]
		}
		if f.top && r.baseline > topMargin*s.height || !f.top && r.baseline < (1-bottomMargin)*s.height || inTable(s.tables, r) {
			break
		}
		out = append(out, r)
	}
	return out
}

// height is that of a row from the edge of its page.
func (f *running) height(s *sheet, r row) float64 {
	if f.top {
		return r.baseline
	}
	return s.height - r.baseline
}

func (f *running) collect() {
	for _, s := range f.pages {
		for _, r := range f.candidates(s) {
			key := furnitureKey(r)
			f.seen[key] = append(f.seen[key], place{s.number, f.height(s, r)})
		}
	}
}

var (
	digits = regexp.MustCompile(`[0-9]+`)
	roman  = regexp.MustCompile(`^[ivxlc]{1,6}$`)
)

func furnitureKey(r row) string {
	m := r.merged()
	s := strings.ToLower(strings.Join(strings.Fields(m.text()), " "))
	if roman.MatchString(s) {
		return "#"
	}
	return digits.ReplaceAllString(s, "#")
}

// slack is by how much the height of a running row may vary, in points.
const slack = 3

// repeats reports whether the text of a row stands on other pages too, at the
// same height: on three pages of a long document.
func (f *running) repeats(s *sheet, r row) bool {
	need := 3
	if len(f.pages) <= 4 {
		need = 2
	}
	y, n := f.height(s, r), 0
	for _, p := range f.seen[furnitureKey(r)] {
		if math.Abs(p.y-y) <= slack {
			n++
		}
	}
	return n >= need
}

// number finds the heights at which outermost rows begin or end with a number
// that grows with the pages.
func (f *running) number() {
	type key struct{ y, offset int }
	count := map[key]int{}
	for _, s := range f.pages {
		cs := f.candidates(s)
		if len(cs) == 0 {
			continue
		}
		for _, n := range pageNumbers(cs[0]) {
			count[key{int(math.Round(f.height(s, cs[0]))), n - s.number}]++
		}
	}
	for k, n := range count {
		if n >= 3 {
			f.numbered = append(f.numbered, float64(k.y))
		}
	}
}

// pageNumbers are the numbers at the ends of a row.
func pageNumbers(r row) []int {
	m := r.merged()
	fields := strings.Fields(m.text())
	var out []int
	for _, s := range []string{fields[0], fields[len(fields)-1]} {
		if n, err := strconv.Atoi(strings.Trim(s, "-–|[]()")); err == nil && n > 0 {
			out = append(out, n)
		}
	}
	return out
}

// peel marks the running rows of each page, from its edge inward.
func (f *running) peel() {
	known := f.numbered
	for _, s := range f.pages {
		for _, r := range f.candidates(s) {
			if f.repeats(s, r) {
				known = append(known, f.height(s, r))
			}
		}
	}
	for _, s := range f.pages {
		n := 0
		for i, r := range f.candidates(s) {
			// A chapter's title changes; that others stand there stays.
			if !f.repeats(s, r) && !(i == 0 && f.often(known, f.height(s, r)) && len(pageNumbers(r)) > 0) {
				break
			}
			n = i + 1
		}
		n = f.outside(s, n)
		if f.top {
			s.head = min(n, len(s.rows))
		} else {
			s.foot = min(n, len(s.rows)-s.head)
		}
	}
}

// outside is how many of the rows found stand outside of the text: a line that a
// paragraph goes on from, or begins on, is one of its own, even where the same
// line stands on other pages.
func (f *running) outside(s *sheet, n int) int {
	for ; n > 0 && n < len(s.rows); n-- {
		above, below := s.rows[n-1], s.rows[n]
		if !f.top {
			above, below = s.rows[len(s.rows)-1-n], s.rows[len(s.rows)-n]
		}
		if !wraps(above, below, s.width) {
			break
		}
	}
	return n
}

// The shapes of two lines of which the second goes on from the first: how wide
// the first is, of the page, and how far the second lies below it, of its size.
const (
	fullLine  = 0.6
	lineSpace = 1.45
)

// wraps reports whether a row is a full line of running text that goes on in the
// next.
func wraps(above, below row, width float64) bool {
	return len(above.frags) == 1 && len(below.frags) == 1 && above.box.Width() >= fullLine*width &&
		math.Abs(above.size-below.size) <= 0.02*above.size && above.box.L >= below.box.L-slack && above.box.L <= below.box.L+3*above.size &&
		below.baseline-above.baseline <= lineSpace*above.size && above.box.R >= below.box.R-2*above.size
}

// often reports whether running rows stand at a height.
func (f *running) often(known []float64, y float64) bool {
	for _, k := range known {
		if math.Abs(k-y) <= slack {
			return true
		}
	}
	return false
}
