package pdf

import (
	"errors"
	"fmt"
	"image"
	"math"
	"slices"
	"strings"
	"unicode"

	"github.com/klippa-app/go-pdfium/requests"

	"github.com/bartizan-security/bartizan/internal/extract/block"
	"github.com/bartizan-security/bartizan/internal/extract/pdf/layout"
)

// OCR says which pages are recognised.
type OCR string

const (
	// OCRAuto recognises pages without text that can be used.
	OCRAuto OCR = "auto"
	// OCRForce recognises all pages, and takes what it finds for the text.
	OCRForce OCR = "force"
)

// Picture is a page as it is shown, a byte for each point, black 0.
type Picture struct {
	// Page is its number, from 1, of Pages.
	Page, Pages   int
	Width, Height int
	// DPI is its resolution.
	DPI  int
	Grey []byte
}

// RecognizedLine is a line of text that was found in a picture. Lengths are in
// its points, from its top left.
type RecognizedLine struct {
	// Size is that of the type, from the deepest stroke to the highest; 0 where
	// it is not known.
	Size float64
	// Baseline is the height on which the letters stand.
	Baseline float64
	Words    []RecognizedWord
}

// RecognizedWord is a word of a line.
type RecognizedWord struct {
	Text       string
	L, T, R, B float64
}

// Recognizer finds the text in a picture. An error says what a person can do.
type Recognizer func(Picture) ([]RecognizedLine, error)

// recognition is the recognition of text in one document.
type recognition struct {
	mode OCR
	find Recognizer
	// err is why it failed; it is not tried again.
	err error
	// font is the index of the font that stands for what is not known.
	font int
	set  bool
}

func newRecognition(how How) *recognition {
	if how.OCR != OCRAuto && how.OCR != OCRForce || how.Recognize == nil {
		return &recognition{}
	}
	return &recognition{mode: how.OCR, find: how.Recognize}
}

// unread says why the text in pictures was not recognised.
func (r *recognition) unread() string {
	if r.err == nil {
		return ""
	}
	return r.err.Error()
}

// The resolution in which pages are recognised, and the most points of a side.
const (
	ocrDPI     = 300
	ocrSide    = 5000
	ocrMinimum = 20
)

// recognize has the text of a page recognised where it is to be, and puts it
// where the page shows it.
func (d *document) recognize(page requests.Page, number int, out *layout.Page) error {
	r := d.ocr
	if r.find == nil || r.err != nil || !(r.mode == OCRForce || unusable(out)) {
		return nil
	}
	p, ok, err := d.render(page, number, out)
	if err != nil || !ok {
		return err
	}
	lines, err := r.find(p)
	if err != nil {
		r.err = err
		if r.mode == OCRForce {
			return &detailed{ErrRecognize, err.Error()}
		}
		return nil
	}
	runs := d.recognizedRuns(lines, 72/float64(p.DPI))
	if len(runs) == 0 {
		return nil
	}
	if r.mode == OCRForce || out.Broken {
		out.Runs = nil
	}
	out.Runs = append(out.Runs, apart(runs, out.Runs)...)
	out.Recognized, out.Broken = true, false
	return nil
}

// fewLetters is up to how many letters a page that is a picture may have of its
// own, as a stamp or a page number, and still be a scanned one.
const fewLetters = 40

// unusable reports whether a page shows text that it does not have.
func unusable(p *layout.Page) bool {
	switch {
	case p.Failed:
		return false
	case len(p.Runs) == 0:
		return p.Broken || p.Outlined || len(p.Pictures) > 0
	case p.Broken:
		return true
	}
	letters := 0
	for _, run := range p.Runs {
		for _, g := range run.Glyphs {
			if unicode.IsLetter(g.Rune) {
				letters++
			}
		}
	}
	if letters > fewLetters {
		return false
	}
	covered := 0.0
	for _, picture := range p.Pictures {
		covered += picture.Box.Width() * picture.Box.Height()
	}
	return covered > 0.6*p.Width*p.Height
}

// render draws a page in grey.
func (d *document) render(page requests.Page, number int, out *layout.Page) (Picture, bool, error) {
	dpi := int(min(ocrDPI, ocrSide*72/max(out.Width, out.Height, 1)))
	if dpi < ocrMinimum {
		return Picture{}, false, nil // a poster of 18 m
	}
	drawn, err := d.engine.RenderPageInDPI(&requests.RenderPageInDPI{Page: page, DPI: dpi, ImageFormat: requests.RenderImageFormatGrayscale})
	if err != nil {
		return Picture{}, false, onlyPage(err)
	}
	defer drawn.Cleanup()
	grey, ok := drawn.Result.RenderedImage.(*image.Gray)
	if !ok {
		return Picture{}, false, fmt.Errorf("the engine drew a %T", drawn.Result.RenderedImage)
	}
	p := Picture{Page: number, Pages: d.pages, DPI: dpi, Width: grey.Rect.Dx(), Height: grey.Rect.Dy()}
	p.Grey = make([]byte, 0, p.Width*p.Height)
	for y := range p.Height {
		p.Grey = append(p.Grey, grey.Pix[y*grey.Stride:y*grey.Stride+p.Width]...)
	}
	if len(p.Grey) == 0 {
		return Picture{}, false, errors.New("the engine drew nothing")
	}
	return p, true, nil
}

// recognizedRuns makes text of a page from lines; scale is the length of a
// point of the picture.
func (d *document) recognizedRuns(lines []RecognizedLine, scale float64) []layout.Run {
	if !d.ocr.set {
		d.ocr.font, d.ocr.set = len(d.set), true
		d.set = append(d.set, layout.Font{Name: "recognised"})
	}
	var out []layout.Run
	for _, l := range lines {
		run := layout.Run{Font: d.ocr.font, Baseline: l.Baseline * scale}
		for i, w := range l.Words {
			if i == 0 && len(l.Words) > 1 && dot(w, l) {
				w.Text = "•"
			}
			if i > 0 {
				run.Glyphs = append(run.Glyphs, layout.Glyph{Rune: ' ', Box: layout.Box{L: w.L * scale, T: w.T * scale, R: w.L * scale, B: w.T * scale}})
			}
			run.Glyphs = append(run.Glyphs, wordGlyphs(w, scale)...)
			run.Size = max(run.Size, (w.B-w.T)*scale)
		}
		if l.Size > 0 {
			run.Size = l.Size * scale
		}
		if len(run.Glyphs) > 0 {
			out = append(out, run)
		}
	}
	evenSizes(out)
	return out
}

// evenSizes gives lines the size that most of them have, where theirs is nearly
// that: what is measured varies from line to line with its letters.
func evenSizes(runs []layout.Run) {
	var sizes []float64
	for _, r := range runs {
		for range r.Glyphs {
			sizes = append(sizes, r.Size)
		}
	}
	if len(sizes) == 0 {
		return
	}
	slices.Sort(sizes)
	most := max(1, math.Round(sizes[len(sizes)/2]))
	for i := range runs {
		size := &runs[i].Size
		*size = max(1, math.Round(*size))
		if *size > 0.8*most && *size < 1.2*most {
			*size = most
		}
	}
}

// dots are what the bullet of a list is taken for.
var dots = map[string]bool{"e": true, "o": true, "¢": true, "«": true, "©": true, "®": true, "°": true, "*": true, "e¢": true, "e«": true, "«e": true}

// dot reports whether the first word of a line is a bullet: it is too low for a
// letter.
func dot(w RecognizedWord, l RecognizedLine) bool {
	return dots[w.Text] && l.Size > 0 && w.B-w.T < 0.42*l.Size
}

// wordGlyphs gives each character of a word its share of the width.
func wordGlyphs(w RecognizedWord, scale float64) []layout.Glyph {
	runes := []rune(strings.TrimSpace(block.Clean(w.Text)))
	out := make([]layout.Glyph, len(runes))
	step := (w.R - w.L) / float64(max(1, len(runes)))
	for i, r := range runes {
		l := w.L + float64(i)*step
		out[i] = layout.Glyph{Rune: r, Box: layout.Box{L: l * scale, T: w.T * scale, R: (l + step) * scale, B: w.B * scale}}
	}
	return out
}

// apart leaves out the lines that the page has as text already.
func apart(lines, have []layout.Run) []layout.Run {
	var out []layout.Run
	for _, l := range lines {
		box := runBox(l)
		taken := false
		for _, h := range have {
			b := runBox(h)
			taken = taken || min(b.R, box.R) > max(b.L, box.L) && min(b.B, box.B) > max(b.T, box.T)
		}
		if !taken {
			out = append(out, l)
		}
	}
	return out
}

func runBox(r layout.Run) layout.Box {
	var b layout.Box
	for _, g := range r.Glyphs {
		b = b.Union(g.Box)
	}
	return b
}
