package layout

import (
	"math"
	"slices"
	"strings"
	"unicode"
)

// fragment is a piece of a line without a wide gap: a line of a column, a cell
// of a table, a bullet.
type fragment struct {
	box      Box
	baseline float64
	size     float64 // of most of its characters
	style    style
	runes    []rune
	// right holds the right edge of each rune, so that the width of a word is
	// known.
	right []float64
	// order is the position in the page's drawing order.
	order int
	// rtl is true where it mostly runs from right to left.
	rtl bool
}

// style is how most characters of a piece of text look. It counts characters
// that are not spaces.
type style struct {
	chars, bold, italic, mono int
	// sizes counts characters by size.
	sizes []sizeCount
}

// sizeCount counts the characters of one size, in quarters of a point.
type sizeCount struct{ size, n int }

func (s *style) add(f Font, size float64) {
	s.chars++
	if f.Bold {
		s.bold++
	}
	if f.Italic {
		s.italic++
	}
	if f.Mono {
		s.mono++
	}
	s.count(quarters(size), 1)
}

func (s *style) count(size, n int) {
	for i := range s.sizes {
		if s.sizes[i].size == size {
			s.sizes[i].n += n
			return
		}
	}
	s.sizes = append(s.sizes, sizeCount{size, n})
}

// merge adds another style; it leaves what others share untouched.
func (s *style) merge(o style) {
	s.chars += o.chars
	s.bold += o.bold
	s.italic += o.italic
	s.mono += o.mono
	s.sizes = slices.Clone(s.sizes)
	for _, c := range o.sizes {
		s.count(c.size, c.n)
	}
}

func quarters(size float64) int { return int(math.Round(min(max(size, 0), 4000) * 4)) }

// mostly reports whether nearly all of n characters of a style have a trait.
func (s style) mostly(n int) bool { return s.chars > 0 && n*10 >= s.chars*9 }

// size is the size of most characters; the larger of two that tie.
func (s style) size() float64 {
	best, count := 0, 0
	for _, c := range s.sizes {
		if c.n > count || c.n == count && c.size > best {
			best, count = c.size, c.n
		}
	}
	return float64(best) / 4
}

// gapEm is the gap that separates fragments, in ems. A space in a justified
// line is narrower, the gap between two columns or cells wider.
const gapEm = 1.1

// fragments builds the fragments of a page's text in one direction.
func fragments(fonts []Font, runs []Run) []fragment {
	b := fragmentBuilder{fonts: fonts}
	lines, rest := rightToLeft(runs)
	for _, run := range rest {
		b.run(run)
	}
	b.flush()
	right, left := sides(runs)
	for _, line := range lines {
		b.out = append(b.out, rtlFragments(fonts, line, len(b.out), right >= left)...)
	}
	return b.out
}

type fragmentBuilder struct {
	fonts []Font
	out   []fragment
	cur   fragment
	// last is the box of the last glyph.
	last Box
	// space and brk are what stands between the last character and the next:
	// a space, the end of a line.
	space, brk bool
}

func (b *fragmentBuilder) run(run Run) {
	size := run.Size
	if size <= 0 || math.IsNaN(size) || math.IsInf(size, 0) {
		size = 1
	}
	var font Font
	if run.Font >= 0 && run.Font < len(b.fonts) {
		font = b.fonts[run.Font]
	}
	for _, g := range run.Glyphs {
		switch r := g.Rune; {
		case r == '\n' || r == '\r':
			b.brk = true
		case unicode.IsSpace(r) || r == '\u200b':
			b.space = true
		case !finite(g.Box):
		default:
			b.glyph(g, run, font, size)
		}
	}
}

func finite(b Box) bool {
	sum := b.L + b.T + b.R + b.B
	return !math.IsNaN(sum) && !math.IsInf(sum, 0) && math.Abs(sum) < 1e7
}

func (b *fragmentBuilder) glyph(g Glyph, run Run, font Font, size float64) {
	runes := expand(g.Rune)
	if len(runes) == 0 {
		return
	}
	if len(b.cur.runes) > 0 && !b.follows(g, run, size) {
		b.flush()
	}
	c := &b.cur
	switch {
	case len(c.runes) == 0:
		c.baseline, c.size, c.order = run.Baseline, size, len(b.out)
	case c.raises(run.Baseline, size) && g.Box.L-c.box.R < 0.15*c.size:
		// The mark of a note stands at its word, and is no digit more.
		runes = superscript(runes)
	case slices.Contains(raised, c.runes[len(c.runes)-1]) && g.Box.L-c.box.R < 0.2*size && !unicode.IsLetter(g.Rune):
		// What stands close behind a raised figure is no word apart.
	case b.space || b.brk && g.Box.L-c.box.R > 0.1*size:
		c.runes = append(c.runes, ' ')
		c.right = append(c.right, c.box.R)
	}
	if len(c.runes) == 0 || size > c.size {
		// A superscript that begins a line does not lift it.
		c.baseline, c.size = run.Baseline, size
	}
	b.space, b.brk = false, false
	b.last = g.Box
	c.box = c.box.Union(g.Box)
	for _, r := range runes {
		c.runes = append(c.runes, r)
		c.right = append(c.right, g.Box.R)
		c.style.add(font, size)
	}
}

// raises reports whether what follows a fragment is smaller than it and stands
// higher.
func (f *fragment) raises(baseline, size float64) bool {
	return size < 0.8*f.size && baseline < f.baseline-0.15*f.size
}

// raised are the digits as they stand raised in a line: written as others, they
// would become part of the word or number before them.
var raised = []rune("⁰¹²³⁴⁵⁶⁷⁸⁹")

// superscript raises digits.
func superscript(runes []rune) []rune {
	out := slices.Clone(runes)
	for i, r := range out {
		if r >= '0' && r <= '9' {
			out[i] = raised[r-'0']
		}
	}
	return out
}

// follows reports whether a glyph continues the current fragment.
func (b *fragmentBuilder) follows(g Glyph, run Run, size float64) bool {
	c := &b.cur
	em := max(size, c.size)
	if !sameLine(c.baseline, c.size, run.Baseline, size) {
		return false
	}
	gap := g.Box.L - c.box.R
	if gap > gapEm*em {
		return false
	}
	if g.Box == b.last {
		// The letters of a ligature share its box.
		return true
	}
	if b.brk {
		return gap > -0.2*em
	}
	return gap > -0.7*em
}

// sameLine reports whether two pieces of text stand on one line; a raised or
// lowered small piece does.
func sameLine(base1, size1, base2, size2 float64) bool {
	small, large := min(size1, size2), max(size1, size2)
	d := math.Abs(base1 - base2)
	if small > 0.9*large {
		return d <= 0.35*large
	}
	return d <= 0.55*large
}

func (b *fragmentBuilder) flush() {
	if c := b.cur; len(c.runes) > 0 {
		c.size = max(c.style.size(), 1)
		b.out = append(b.out, c)
	}
	b.cur, b.space, b.brk = fragment{}, false, false
}

// text of a fragment.
func (f *fragment) text() string { return string(f.runes) }

// firstWord is the width of the first word.
func (f *fragment) firstWord() float64 {
	for i, r := range f.runes {
		switch {
		case r == ' ' && f.rtl:
			return f.box.R - f.right[i]
		case r == ' ':
			return f.right[i] - f.box.L
		}
	}
	return f.box.Width()
}

// join appends a fragment that follows on the same line: to the right, or to the
// left of one that runs from there.
func (f *fragment) join(o fragment) {
	f.runes, f.right = slices.Clip(f.runes), slices.Clip(f.right)
	gap, more := max(o.box.L-f.box.R, f.box.L-o.box.R), o.runes
	switch {
	case f.raises(o.baseline, o.size) && gap < 0.15*f.size:
		more = superscript(more)
	case gap > 0.15*min(f.size, o.size):
		f.runes = append(f.runes, ' ')
		f.right = append(f.right, f.box.R)
	}
	f.runes = append(f.runes, more...)
	f.right = append(f.right, o.right...)
	f.box = f.box.Union(o.box)
	f.style.merge(o.style)
	if o.size > f.size && o.style.chars > f.style.chars/2 {
		f.baseline = o.baseline
	}
	f.size = max(f.style.size(), 1)
	f.order = min(f.order, o.order)
}

// expand writes ligatures out, gives symbols of private fonts their
// characters, and drops what is invisible.
func expand(r rune) []rune {
	if s, ok := spelled[r]; ok {
		return s
	}
	switch {
	case r == Hyphen || r == softHyphen:
		return []rune{r}
	case r < 0x20, r >= 0x7f && r < 0xa0, r >= 0xfdd0 && r <= 0xfdef, r&0xfffe == 0xfffe,
		r >= 0x200c && r <= 0x200f, r >= 0x202a && r <= 0x202e, r >= 0x2060 && r <= 0x206f, r == 0xfeff, !validRune(r):
		return nil
	}
	return []rune{r}
}

func validRune(r rune) bool { return r >= 0 && r <= unicode.MaxRune && (r < 0xd800 || r > 0xdfff) }

const softHyphen = '\u00ad'

// spelled are characters that stand for others.
var spelled = map[rune][]rune{
	'\ufb00': []rune("ff"), '\ufb01': []rune("fi"), '\ufb02': []rune("fl"),
	'\ufb03': []rune("ffi"), '\ufb04': []rune("ffl"), '\ufb05': []rune("st"), '\ufb06': []rune("st"),
	'\uf0b7': {'•'}, '\uf0a7': {'▪'}, '\uf0d8': {'➢'}, '\uf0fc': {'✓'}, '\uf06f': {'◦'}, '\uf0a8': {'◆'}, '\uf0e0': {'→'},
	'\u2010': {'-'}, '\u2011': {'-'},
}

// words counts the words of a text.
func words(s string) int { return len(strings.Fields(s)) }
