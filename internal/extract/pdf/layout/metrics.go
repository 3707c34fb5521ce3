package layout

import "math"

// metrics are the measures of a document's ordinary text.
type metrics struct {
	// size of most characters, in points.
	size float64
	// bold is true where most of the text is.
	bold, mono bool
	// pitch is the usual distance of baselines by size in quarters of a point.
	pitch map[int]float64
}

func measure(pages []*sheet) metrics {
	var all style
	for _, p := range pages {
		for _, f := range p.frags {
			all.merge(f.style)
		}
	}
	m := metrics{size: max(all.size(), 1), bold: all.bold*2 > all.chars, mono: all.mono*2 > all.chars}
	m.pitch = pitches(pages)
	return m
}

// pitches finds the most frequent distance of successive lines of one size.
func pitches(pages []*sheet) map[int]float64 {
	counts := map[int]map[int]int{}
	for _, p := range pages {
		for _, r := range p.regions {
			for i := 1; i < len(r.rows); i++ {
				a, b := &r.rows[i-1], &r.rows[i]
				size, gap := quarters(a.size), b.baseline-a.baseline
				if size != quarters(b.size) || gap < 0.8*a.size || gap > 2.2*a.size {
					continue
				}
				if counts[size] == nil {
					counts[size] = map[int]int{}
				}
				counts[size][quarters(gap)]++
			}
		}
	}
	out := map[int]float64{}
	for size, gaps := range counts {
		best, n := 0, 0
		for gap, c := range gaps {
			// Neighbouring quarters count as one; rounding parts them.
			c += gaps[gap+1]
			if c > n || c == n && gap < best {
				best, n = gap, c
			}
		}
		if n >= 4 {
			out[size] = float64(best)/4 + 0.25
		}
	}
	return out
}

// between is the usual distance of baselines at a size.
func (m metrics) between(size float64) float64 {
	if p, ok := m.pitch[quarters(size)]; ok {
		return p
	}
	return 1.3 * size
}

// near reports whether two sizes look the same.
func near(a, b float64) bool { return math.Abs(a-b) <= 0.06*max(a, b) }
