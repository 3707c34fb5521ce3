package pdf

import (
	"errors"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strings"

	"github.com/klippa-app/go-pdfium/requests"
	"github.com/klippa-app/go-pdfium/responses"
	"github.com/klippa-app/go-pdfium/structs"

	"github.com/bartizan-security/bartizan/internal/extract/pdf/layout"
)

// page reads one page. A page that the engine cannot load is marked so; an
// error ends the document.
func (d *document) page(index int) (layout.Page, error) {
	page := requests.Page{ByIndex: &requests.PageByIndex{Document: d.ref, Index: index}}
	frame, err := d.frame(page)
	if err != nil {
		return layout.Page{Failed: true}, onlyPage(err)
	}
	out := layout.Page{Width: frame.width, Height: frame.height}
	text, err := d.text(page)
	if err != nil {
		out.Failed = true
		return out, onlyPage(err)
	}
	d.glyphs += len(text.chars)
	if d.glyphs > maxGlyphs {
		return out, &detailed{ErrTooLarge, fmt.Sprintf("it has more than %d characters", maxGlyphs)}
	}
	out.Runs, err = d.runs(text, frame)
	if err != nil {
		return out, err
	}
	if _, err = d.engine.FPDFText_ClosePage(&requests.FPDFText_ClosePage{TextPage: text.ref}); err != nil {
		return out, err
	}
	offPage(&out)
	unmapped(&out)
	d.shapes(page, frame, &out)
	out.Drawn = d.drawn(page, index+1, frame)
	return out, d.recognize(page, index+1, &out)
}

// unmapped takes the text out of a page that is not what the page shows: set in
// fonts that do not say which characters their glyphs stand for, where the
// engine gives the numbers of the glyphs.
func unmapped(p *layout.Page) {
	type count struct{ drawn, bad int }
	fonts := map[int]count{}
	total, lost := 0, 0
	for _, run := range p.Runs {
		c := fonts[run.Font]
		for _, g := range run.Glyphs {
			if drawnGlyph(g) {
				c.drawn++
				total++
				if !mapped(g.Rune) {
					c.bad++
				}
			}
		}
		fonts[run.Font] = c
	}
	for _, c := range fonts {
		if c.bad*4 > c.drawn {
			lost += c.drawn
		}
	}
	if lost == 0 {
		return
	}
	p.Runs = slices.DeleteFunc(p.Runs, func(r layout.Run) bool { c := fonts[r.Font]; return c.bad*4 > c.drawn })
	p.Broken = lost*partly > total
}

// partly is the share of a page's text, as its inverse, that may be lost
// without a word: a few symbols.
const partly = 20

// mapped reports whether a character can be one of a text.
func mapped(r rune) bool {
	switch {
	case r == layout.Hyphen, r == '\t', r == '\n', r == '\r':
		return true
	}
	return r >= 0x20 && !(r >= 0x7f && r < 0xa0) && r != 0xfffd && r != 0xffff && !(r >= 0xe000 && r < 0xf000)
}

// onlyPage lets an error pass that breaks the engine, and holds back one that
// concerns the page alone.
func onlyPage(err error) error {
	if strings.Contains(err.Error(), "wasm error") {
		return err
	}
	return nil
}

// frame is how a page is shown: which part of it, and turned how.
type frame struct {
	left, bottom, right, top float64
	turn                     int
	width, height            float64
}

func (d *document) frame(page requests.Page) (frame, error) {
	box, err := d.engine.FPDF_GetPageBoundingBox(&requests.FPDF_GetPageBoundingBox{Page: page})
	if err != nil {
		return frame{}, err
	}
	rotation, err := d.engine.FPDFPage_GetRotation(&requests.FPDFPage_GetRotation{Page: page})
	if err != nil {
		return frame{}, err
	}
	f := frame{
		left: float64(box.Rect.Left), bottom: float64(box.Rect.Bottom),
		right: float64(box.Rect.Right), top: float64(box.Rect.Top),
		turn: int(rotation.PageRotation),
	}
	if !(f.right > f.left) || !(f.top > f.bottom) {
		return frame{}, errors.New("the page has no extent")
	}
	f.width, f.height = f.right-f.left, f.top-f.bottom
	if f.turn%2 == 1 {
		f.width, f.height = f.height, f.width
	}
	return f, nil
}

// point maps a point of the page's own coordinates to where it is shown.
func (f frame) point(x, y float64) (float64, float64) {
	switch f.turn {
	case 1:
		return y - f.bottom, x - f.left
	case 2:
		return f.right - x, y - f.bottom
	case 3:
		return f.top - y, f.right - x
	}
	return x - f.left, f.top - y
}

func (f frame) box(p responses.CharPosition) layout.Box {
	x1, y1 := f.point(p.Left, p.Top)
	x2, y2 := f.point(p.Right, p.Bottom)
	return layout.Box{L: min(x1, x2), T: min(y1, y2), R: max(x1, x2), B: max(y1, y2)}
}

// rect is the box of a rectangle of the page as shown.
func (f frame) rect(r structs.FPDF_FS_RECTF) layout.Box {
	return f.box(responses.CharPosition{Left: float64(r.Left), Top: float64(r.Top), Right: float64(r.Right), Bottom: float64(r.Bottom)})
}

// quarter is the direction of text as shown: its own angle, in radians
// clockwise, and that of the page.
func (f frame) quarter(angle float64) int {
	turns := angle / (math.Pi / 2)
	whole := math.Round(turns)
	if math.Abs(turns-whole) > 0.05 {
		return -1
	}
	return ((int(whole)+f.turn)%4 + 4) % 4
}

// runs cuts the characters of a page into runs: those that stand in one
// rectangle of the engine, which holds what was drawn at once.
func (d *document) runs(text *pageText, f frame) ([]layout.Run, error) {
	glyphs := make([]layout.Glyph, len(text.chars))
	for i, c := range text.chars {
		glyphs[i] = layout.Glyph{Rune: c.rune, Box: f.box(c.box)}
	}
	columns, err := d.columns(text)
	if err != nil {
		return nil, err
	}
	var runs []layout.Run
	start := 0
	for _, c := range columns {
		first, last := c.chars[0].index, c.chars[len(c.chars)-1].index
		if runs, err = d.rows(runs, text, glyphs, start, first, f); err != nil {
			return nil, err
		}
		style, err := d.style(text, first, f)
		if err != nil {
			return nil, err
		}
		runs = append(runs, c.run(style, text.chars, f))
		start = last + 1
	}
	return d.rows(runs, text, glyphs, start, len(glyphs), f)
}

// rows appends the runs of the characters from start to end, which stand beside
// one another.
func (d *document) rows(runs []layout.Run, text *pageText, glyphs []layout.Glyph, start, end int, f frame) ([]layout.Run, error) {
	chars := text.chars[start:end]
	all := pieces(chars, rectsFrom(chars, text.rects, start))
	runs = slices.Grow(runs, len(all))
	for _, piece := range all {
		run, err := d.style(text, start+piece.first, f)
		if err != nil {
			return nil, err
		}
		run.Glyphs = glyphs[start+piece.start : start+piece.end : start+piece.end]
		runs = append(runs, run)
	}
	return runs, nil
}

// rectsFrom are the rectangles from that of the first of the characters on, where
// others come before them.
func rectsFrom(chars []char, rects []responses.CharPosition, before int) []responses.CharPosition {
	first := slices.IndexFunc(chars, func(c char) bool { return !inferred(c.box) })
	if before == 0 || first < 0 {
		return rects
	}
	i := slices.IndexFunc(rects, func(r responses.CharPosition) bool { return contains(r, chars[first].box) })
	return rects[max(0, i):]
}

// style asks for the font and direction of a character.
func (d *document) style(text *pageText, index int, f frame) (layout.Run, error) {
	var run layout.Run
	angle, err := text.angle(index)
	if err != nil {
		return run, err
	}
	run.Turn = f.quarter(angle)
	if run.Size, err = text.fontSize(index); err != nil {
		return run, err
	}
	if run.Font, err = d.font(text, index); err != nil {
		return run, err
	}
	x, y, ok, err := text.originOf(index)
	if err != nil || !ok {
		return run, err
	}
	x, y = f.point(x, y)
	run.Baseline = y
	if run.Turn == 1 || run.Turn == 3 {
		run.Baseline = x
	}
	return run, nil
}

// piece is a run of characters in one rectangle; first is the first of them
// that is drawn.
type piece struct{ start, end, first int }

// pieces assigns the characters to rectangles. The engine makes a rectangle
// from the boxes of successive characters, and skips those that it inferred;
// so the rectangles come in the order of the characters.
func pieces(chars []char, rects []responses.CharPosition) []piece {
	var out []piece
	next := 0 // the rectangle after the current one
	var current, grown responses.CharPosition
	open := false
	for i, c := range chars {
		if inferred(c.box) {
			if open {
				out[len(out)-1].end = i + 1
			}
			continue
		}
		if open && contains(current, c.box) &&
			!(grown == current && next < len(rects) && contains(rects[next], c.box)) {
			out[len(out)-1].end = i + 1
			grown = union(grown, c.box)
			continue
		}
		current = c.box
		for j := next; j < min(next+8, len(rects)); j++ {
			if r := rects[j]; contains(r, c.box) {
				current, next = r, j+1
				break
			}
		}
		grown, open = c.box, true
		out = append(out, piece{start: i, end: i + 1, first: i})
	}
	return out
}

// inferred reports whether a box belongs to a character that is not drawn.
func inferred(p responses.CharPosition) bool {
	return math.Abs(p.Right-p.Left) < 0.01 || math.Abs(p.Top-p.Bottom) < 0.01
}

func normal(p responses.CharPosition) responses.CharPosition {
	return responses.CharPosition{
		Left: min(p.Left, p.Right), Right: max(p.Left, p.Right),
		Bottom: min(p.Top, p.Bottom), Top: max(p.Top, p.Bottom),
	}
}

func contains(r, c responses.CharPosition) bool {
	const slack = 0.001
	return c.Left >= r.Left-slack && c.Right <= r.Right+slack && c.Bottom >= r.Bottom-slack && c.Top <= r.Top+slack
}

func union(a, b responses.CharPosition) responses.CharPosition {
	return responses.CharPosition{
		Left: min(a.Left, b.Left), Right: max(a.Right, b.Right),
		Bottom: min(a.Bottom, b.Bottom), Top: max(a.Top, b.Top),
	}
}

var (
	subsetPrefix = regexp.MustCompile(`^[A-Z]{6}\+`)
	boldName     = regexp.MustCompile(`(?i)bold|black|heavy|demi|[-,]b$|cmbx|medi$|sfbx`)
	italicName   = regexp.MustCompile(`(?i)italic|oblique|slanted|[-,]i$|[-,]bi$|cmti|cmsl`)
	monoName     = regexp.MustCompile(`(?i)mono|nimbusmon|courier|consol|code|typewriter|cmtt|menlo|terminal`)
)

// Flags of a font descriptor (ISO 32000-1, table 123).
const (
	fixedPitch = 1 << 0
	italic     = 1 << 6
	forceBold  = 1 << 18
)

func fontOf(name string, flags int) layout.Font {
	name = subsetPrefix.ReplaceAllString(name, "")
	return layout.Font{
		Name:   name,
		Bold:   flags&forceBold != 0 || boldName.MatchString(name),
		Italic: flags&italic != 0 || italicName.MatchString(name),
		Mono:   flags&fixedPitch != 0 || monoName.MatchString(name),
	}
}
