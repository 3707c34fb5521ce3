package layout

import (
	"cmp"
	"math"
	"slices"
	"unicode"
)

// Text that runs from right to left is drawn in any order, letters singly and
// lines from either end. So what counts is where its letters stand: a line is
// put together from left to right, and then written in the order in which it is
// read.

// rightToLeft takes out the runs that stand on lines with letters that run from
// right to left.
func rightToLeft(runs []Run) (lines [][]Run, rest []Run) {
	if !slices.ContainsFunc(runs, isRTL) {
		return nil, runs
	}
	var marks []Run
	for _, r := range runs {
		if isRTL(r) && !slices.ContainsFunc(marks, func(m Run) bool { return level(m, r) }) {
			marks = append(marks, r)
		}
	}
	lines = make([][]Run, len(marks))
	for _, r := range runs {
		if i := slices.IndexFunc(marks, func(m Run) bool { return level(m, r) }); i >= 0 {
			lines[i] = append(lines[i], r)
			continue
		}
		rest = append(rest, r)
	}
	return lines, rest
}

// level reports whether two runs stand on one line.
func level(a, b Run) bool { return sameLine(a.Baseline, a.Size, b.Baseline, b.Size) }

func isRTL(r Run) bool {
	return slices.ContainsFunc(r.Glyphs, func(g Glyph) bool { return rtlLetter(g.Rune) })
}

func rtlLetter(r rune) bool {
	return r >= 0x590 && unicode.IsLetter(r) && unicode.In(r, unicode.Arabic, unicode.Hebrew, unicode.Syriac, unicode.Thaana, unicode.Nko)
}

// placed is a character where it stands, with what is written over it.
type placed struct {
	runes []rune
	box   Box
	font  int
	size  float64
}

func (p placed) middle() float64 { return (p.box.L + p.box.R) / 2 }

// The least gap between words of a line from right to left, in ems, and the
// least overlap of two characters that are one sign.
const (
	wordEm = 0.2
	oneBox = 0.01
)

// rtlFragments are the fragments of one line; page is true where most of its page
// runs from right to left.
func rtlFragments(fonts []Font, runs []Run, order int, page bool) []fragment {
	signs := placeSigns(runs)
	var out []fragment
	start := 0
	for i := 1; i <= len(signs); i++ {
		if i < len(signs) && signs[i].box.L-signs[i-1].box.R <= gapEm*max(signs[i].size, signs[i-1].size) {
			continue
		}
		f := signsFragment(fonts, signs[start:i], page)
		start = i
		if len(f.runes) > 0 {
			f.baseline, f.order = runs[0].Baseline, order+len(out)
			out = append(out, f)
		}
	}
	return out
}

// placeSigns sorts the characters of a line from left to right. A mark goes with
// the letter that it stands at.
func placeSigns(runs []Run) []placed {
	var signs, marks []placed
	for _, r := range runs {
		for _, g := range r.Glyphs {
			size := r.Size
			if !(size > 0) || math.IsInf(size, 0) || !finite(g.Box) || g.Box.Width() < oneBox && !unicode.Is(unicode.Mn, g.Rune) {
				continue
			}
			p := placed{expand(g.Rune), g.Box, r.Font, size}
			switch {
			case unicode.IsSpace(g.Rune):
				p.runes = []rune{' '}
				signs = append(signs, p)
			case unicode.Is(unicode.Mn, g.Rune):
				marks = append(marks, p)
			case len(p.runes) > 0:
				signs = append(signs, p)
			}
		}
	}
	slices.SortStableFunc(signs, func(a, b placed) int { return cmp.Compare(a.middle(), b.middle()) })
	for _, m := range marks {
		best := -1
		for i, s := range signs {
			if s.runes[0] != ' ' && (best < 0 || math.Abs(s.middle()-m.middle()) < math.Abs(signs[best].middle()-m.middle())) {
				best = i
			}
		}
		if best >= 0 {
			signs[best].runes = append(slices.Clip(signs[best].runes), m.runes...)
		}
	}
	return ligatures(signs)
}

// ligatures makes one sign of lam and alef that share a box, in their order.
func ligatures(signs []placed) []placed {
	var out []placed
	for _, s := range signs {
		if n := len(out) - 1; n >= 0 && out[n].box == s.box && len(out[n].runes) > 0 {
			if s.runes[0] == 'ل' {
				out[n].runes = slices.Concat(s.runes, out[n].runes)
			} else {
				out[n].runes = slices.Concat(out[n].runes, s.runes)
			}
			continue
		}
		out = append(out, s)
	}
	return out
}

// signsFragment writes signs that stand from left to right in the order in which
// they are read.
func signsFragment(fonts []Font, signs []placed, page bool) fragment {
	var spaced []placed
	for i, s := range signs {
		blank := s.runes[0] == ' '
		last := len(spaced) - 1
		switch {
		case blank && (last < 0 || spaced[last].runes[0] == ' '):
			continue
		case !blank && last >= 0 && spaced[last].runes[0] != ' ' && s.box.L-signs[i-1].box.R > wordEm*s.size:
			spaced = append(spaced, placed{[]rune{' '}, Box{signs[i-1].box.R, s.box.T, s.box.L, s.box.B}, s.font, s.size})
		}
		spaced = append(spaced, s)
	}
	if n := len(spaced); n > 0 && spaced[n-1].runes[0] == ' ' {
		spaced = spaced[:n-1]
	}
	f := fragment{rtl: mostlyRTL(spaced, page)}
	for _, s := range asRead(spaced, f.rtl) {
		f.box = f.box.Union(s.box)
		for _, r := range s.runes {
			f.runes, f.right = append(f.runes, r), append(f.right, s.box.R)
			if r != ' ' {
				var font Font
				if s.font >= 0 && s.font < len(fonts) {
					font = fonts[s.font]
				}
				f.style.add(font, s.size)
			}
		}
	}
	f.size = max(f.style.size(), 1)
	return f
}

// sides counts the letters that run from the right and from the left.
func sides(runs []Run) (right, left int) {
	for _, r := range runs {
		for _, g := range r.Glyphs {
			switch {
			case rtlLetter(g.Rune):
				right++
			case unicode.IsLetter(g.Rune):
				left++
			}
		}
	}
	return right, left
}

// mostlyRTL reports whether a text is one from right to left. One that has more
// letters of the other kind is where its page is: it may be mostly names.
func mostlyRTL(signs []placed, page bool) bool {
	right, left := 0, 0
	for _, s := range signs {
		switch r := s.runes[0]; {
		case rtlLetter(r):
			right++
		case unicode.IsLetter(r):
			left++
		}
	}
	return right > 0 && (page || right > left)
}

// asRead puts signs that stand from left to right into the order of reading:
// from the right, but words and numbers that run from the left as they stand;
// the other way round in a text that mostly runs from the left.
func asRead(signs []placed, rtl bool) []placed {
	against := func(s placed) bool {
		r := s.runes[0]
		if rtl {
			return !rtlLetter(r) && (unicode.IsLetter(r) || unicode.IsDigit(r))
		}
		return rtlLetter(r)
	}
	with := func(s placed) bool {
		r := s.runes[0]
		return unicode.IsLetter(r) && !against(s)
	}
	out := slices.Clone(signs)
	if rtl {
		slices.Reverse(out)
	}
	for i := 0; i < len(out); i++ {
		if !against(out[i]) {
			continue
		}
		end := i + 1
		for j := end; j < len(out) && !with(out[j]); j++ {
			if against(out[j]) {
				end = j + 1
			}
		}
		slices.Reverse(out[i:end])
		i = end - 1
	}
	return out
}
