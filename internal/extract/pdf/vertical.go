package pdf

import (
	"math"
	"slices"
	"unicode"

	"github.com/klippa-app/go-pdfium/responses"

	"github.com/bartizan-security/bartizan/internal/extract/pdf/layout"
)

// Text that is written in columns, from top to bottom and from right to left,
// reaches the engine as characters that stand upright one below the other. It
// reads as text does that is turned clockwise, and so it is given on.

// The shape of a column: how many characters it has at least, how far each lies
// below the one before, and how far beside it, of their size. Lines of one
// character each, as in the cells of a table, lie further apart.
const (
	columnLength      = 4
	leastStep, noStep = 0.6, 1.28
	beside            = 0.12
)

// placed is a character with the place where it stands, in the page's own
// coordinates.
type placed struct {
	index int
	x, y  float64
}

// column is a sequence of characters that stand one below the other.
type column struct {
	chars []placed
	size  float64
}

// columns finds the columns of a page, in the order of its characters.
func (d *document) columns(text *pageText) ([]column, error) {
	if !slices.ContainsFunc(text.chars, func(c char) bool { return ideographic(c.rune) }) {
		return nil, nil
	}
	var found []column
	var open column
	flush := func() {
		if open.isColumn(text.chars) {
			found = append(found, open)
		}
		open = column{}
	}
	for i, c := range text.chars {
		if inferred(c.box) {
			continue
		}
		x, y, ok, err := text.originOf(i)
		if err != nil {
			return nil, err
		}
		if !ok {
			flush()
			continue
		}
		p := placed{i, x, y}
		if !open.takes(p) {
			flush()
			if open.size, err = text.fontSize(i); err != nil {
				return nil, err
			}
		}
		open.chars = append(open.chars, p)
	}
	flush()
	return found, nil
}

// takes reports whether a character goes on with the column.
func (c *column) takes(p placed) bool {
	if len(c.chars) == 0 || c.size <= 0 {
		return false
	}
	last := c.chars[len(c.chars)-1]
	down := last.y - p.y
	return down >= leastStep*c.size && down <= noStep*c.size && math.Abs(p.x-c.chars[0].x) <= beside*c.size
}

// isColumn reports whether it is long enough, and in a script that is written
// so.
func (c *column) isColumn(chars []char) bool {
	n := 0
	for _, p := range c.chars {
		if ideographic(chars[p.index].rune) {
			n++
		}
	}
	return len(c.chars) >= columnLength && 2*n > len(c.chars)
}

// ideographic reports whether a character is of a script that is also written in
// columns.
func ideographic(r rune) bool {
	return r >= 0x2e80 && (unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Hangul, unicode.Bopomofo) ||
		r >= 0x3000 && r <= 0x303f || r >= 0xfe10 && r <= 0xfe4f || r >= 0xff01 && r <= 0xff60)
}

// horizontal gives signs of which there is a form for columns as they are
// written elsewhere, so that words are found however they were set.
var horizontal = map[rune]rune{
	'︐': '，', '︑': '、', '︒': '。', '︓': '：', '︔': '；', '︕': '！', '︖': '？', '︗': '〖', '︘': '〗', '︙': '…',
	'︰': '‥', '︱': '—', '︲': '–', '︳': '＿', '︵': '（', '︶': '）', '︷': '｛', '︸': '｝', '︹': '〔', '︺': '〕',
	'︻': '【', '︼': '】', '︽': '《', '︾': '》', '︿': '〈', '﹀': '〉', '﹁': '「', '﹂': '」', '﹃': '『', '﹄': '』', '﹇': '［', '﹈': '］',
}

// run is the column as a run of text that is turned clockwise. Every character
// fills its place, so that no blank seems to stand beside a small one.
func (c *column) run(style layout.Run, chars []char, f frame) layout.Run {
	middle, rise := c.centre(chars)
	style.Size, style.Turn = c.size, (1+f.turn)%4
	x, y := f.point(middle-0.38*c.size, 0)
	style.Baseline = y
	if style.Turn%2 == 1 {
		style.Baseline = x
	}
	half := 0.45 * c.size
	style.Glyphs = make([]layout.Glyph, 0, len(c.chars))
	for _, p := range c.chars {
		y := p.y + rise
		r := chars[p.index].rune
		if usual, ok := horizontal[r]; ok {
			r = usual
		}
		box := f.box(responses.CharPosition{Left: middle - half, Right: middle + half, Top: y + half, Bottom: y - half})
		style.Glyphs = append(style.Glyphs, layout.Glyph{Rune: r, Box: box})
	}
	return style
}

// centre is the abscissa of the middle of the column, and how far the middle of
// a character lies above its origin: what is so of most of them.
func (c *column) centre(chars []char) (middle, rise float64) {
	var xs, rises []float64
	for _, p := range c.chars {
		box := chars[p.index].box
		xs = append(xs, (box.Left+box.Right)/2)
		rises = append(rises, (box.Top+box.Bottom)/2-p.y)
	}
	slices.Sort(xs)
	slices.Sort(rises)
	return xs[len(xs)/2], rises[len(rises)/2]
}
