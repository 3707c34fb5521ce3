package pdf

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/klippa-app/go-pdfium/references"
	"github.com/klippa-app/go-pdfium/requests"
	"github.com/klippa-app/go-pdfium/responses"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental"
)

// The characters of a page are asked for one by one, so that every call counts:
// half of the time that a page takes went into calls that only some characters
// need, and into the loading of its text a second time for those that the
// library does not have together. So they are asked of the engine's module
// itself.

// loadText is the function that gives the text of a page.
const loadText = "FPDFText_LoadPage"

// tap learns of the engine's module, and of the text page that it loaded last.
// The library keeps both to itself.
type tap struct {
	module api.Module
	page   uint64
}

// NewFunctionListener implements experimental.FunctionListenerFactory: all but
// one function go on unwatched.
func (t *tap) NewFunctionListener(def api.FunctionDefinition) experimental.FunctionListener {
	if slices.Contains(def.ExportNames(), loadText) {
		return t
	}
	return nil
}

// Before implements experimental.FunctionListener.
func (t *tap) Before(context.Context, api.Module, api.FunctionDefinition, []uint64, experimental.StackIterator) {
}

// After implements experimental.FunctionListener.
func (t *tap) After(_ context.Context, module api.Module, _ api.FunctionDefinition, results []uint64) {
	t.module, t.page = module, results[0]
}

// Abort implements experimental.FunctionListener.
func (t *tap) Abort(context.Context, api.Module, api.FunctionDefinition, error) {}

// textCalls are the functions that tell of characters.
type textCalls struct {
	module api.Module
	count, unicode, box, origin, angle, size, matrix, font,
	countRects, rect api.Function
	// scratch is where they put their results, in the engine's memory.
	scratch uint32
	stack   [8]uint64
}

// scratchSize has room for the results of any, and for the name of a font.
const (
	scratchSize = 64 + maxFontName
	maxFontName = 512
)

func newTextCalls(module api.Module) (*textCalls, error) {
	c := &textCalls{module: module}
	for name, f := range map[string]*api.Function{
		"FPDFText_CountChars": &c.count, "FPDFText_GetUnicode": &c.unicode, "FPDFText_GetCharBox": &c.box,
		"FPDFText_GetCharOrigin": &c.origin, "FPDFText_GetCharAngle": &c.angle, "FPDFText_GetFontSize": &c.size,
		"FPDFText_GetMatrix": &c.matrix, "FPDFText_GetFontInfo": &c.font, "FPDFText_CountRects": &c.countRects, "FPDFText_GetRect": &c.rect,
	} {
		if *f = module.ExportedFunction(name); *f == nil {
			return nil, fmt.Errorf("the engine has no function %s", name)
		}
	}
	allocate := module.ExportedFunction("malloc")
	if allocate == nil {
		return nil, errors.New("the engine has no function malloc")
	}
	at, err := c.call(allocate, scratchSize)
	if err == nil && at == 0 {
		err = errors.New("the engine has no memory left")
	}
	c.scratch = uint32(at)
	return c, err
}

// call calls a function, which has at most one result.
func (c *textCalls) call(f api.Function, params ...uint64) (uint64, error) {
	copy(c.stack[:], params)
	if err := f.CallWithStack(context.Background(), c.stack[:]); err != nil {
		return 0, err
	}
	return c.stack[0], nil
}

// at is the place of a result in the scratch memory, by its number.
func (c *textCalls) at(n uint32) uint64 { return uint64(c.scratch + 8*n) }

// results reads what stands in the scratch memory. It holds until the next call.
func (c *textCalls) results() ([]byte, error) {
	b, ok := c.module.Memory().Read(c.scratch, scratchSize)
	if !ok {
		return nil, errors.New("the engine's memory ends early")
	}
	return b, nil
}

func double(b []byte, n int) float64 {
	return math.Float64frombits(binary.LittleEndian.Uint64(b[8*n:]))
}

// pageText are the characters of a page, and the rectangles that the engine
// makes of them.
type pageText struct {
	calls *textCalls
	ref   references.FPDF_TEXTPAGE
	page  uint64
	chars []char
	// half is the last code unit read, which may be half of a character.
	half  rune
	rects []responses.CharPosition
}

// char is a character where it stands; 0 stands for one that has no text.
type char struct {
	rune rune
	box  responses.CharPosition
}

// text loads the text of a page. It must be closed.
func (d *document) text(page requests.Page) (*pageText, error) {
	loaded, err := d.engine.FPDFText_LoadPage(&requests.FPDFText_LoadPage{Page: page})
	if err != nil {
		return nil, err
	}
	if d.calls == nil {
		if d.calls, err = newTextCalls(d.tap.module); err != nil {
			return nil, err
		}
	}
	t := &pageText{calls: d.calls, ref: loaded.TextPage, page: d.tap.page}
	if err := t.readChars(); err != nil {
		return nil, err
	}
	return t, t.readRects()
}

func (t *pageText) readChars() error {
	c := t.calls
	n, err := c.call(c.count, t.page)
	if err != nil {
		return err
	}
	count := max(0, int(int32(n)))
	t.chars = make([]char, 0, min(count, 1<<16))
	for i := range uint64(count) {
		u, err := c.call(c.unicode, t.page, i)
		if err != nil {
			return err
		}
		if _, err = c.call(c.box, t.page, i, c.at(0), c.at(1), c.at(2), c.at(3)); err != nil {
			return err
		}
		b, err := c.results()
		if err != nil {
			return err
		}
		t.add(rune(uint32(u)), responses.CharPosition{Left: double(b, 0), Right: double(b, 1), Bottom: double(b, 2), Top: double(b, 3)})
	}
	return nil
}

// add appends a character. The engine gives one beyond the 65,536th in halves,
// which stand in the same place; the first becomes the whole, and the second
// has neither text nor extent.
func (t *pageText) add(r rune, box responses.CharPosition) {
	if n := len(t.chars); utf16.IsSurrogate(r) && n > 0 {
		if whole := utf16.DecodeRune(t.half, r); whole != utf8.RuneError {
			t.chars[n-1].rune, r = whole, 0
			box.Left = box.Right
		}
	}
	t.half = r
	if !utf8.ValidRune(r) {
		r = utf8.RuneError
	}
	t.chars = append(t.chars, char{r, box})
}

func (t *pageText) readRects() error {
	c := t.calls
	n, err := c.call(c.countRects, t.page, 0, uint64(len(t.chars)))
	if err != nil {
		return err
	}
	for i := range uint64(max(0, int32(n))) {
		if _, err = c.call(c.rect, t.page, i, c.at(0), c.at(1), c.at(2), c.at(3)); err != nil {
			return err
		}
		b, err := c.results()
		if err != nil {
			return err
		}
		t.rects = append(t.rects, normal(responses.CharPosition{Left: double(b, 0), Top: double(b, 1), Right: double(b, 2), Bottom: double(b, 3)}))
	}
	return nil
}

// angle is the direction in which a character runs, in radians clockwise. Text
// of a negative size stands on its head.
func (t *pageText) angle(index int) (float64, error) {
	bits, err := t.calls.call(t.calls.angle, t.page, uint64(index))
	if err != nil {
		return 0, err
	}
	angle := float64(math.Float32frombits(uint32(bits)))
	size, err := t.calls.call(t.calls.size, t.page, uint64(index))
	if math.Float64frombits(size) < 0 {
		angle += math.Pi
	}
	return angle, err
}

// fontSize is the size of a character's font as shown, in points.
func (t *pageText) fontSize(index int) (float64, error) {
	c := t.calls
	bits, err := c.call(c.size, t.page, uint64(index))
	if err != nil {
		return 0, err
	}
	size := math.Abs(math.Float64frombits(bits))
	known, err := c.call(c.matrix, t.page, uint64(index), c.at(0))
	if err != nil || uint32(known) == 0 {
		return t.sizeAsDrawn(index, size), err
	}
	b, err := c.results()
	if err != nil {
		return 0, err
	}
	element := func(n int) float64 { return float64(math.Float32frombits(binary.LittleEndian.Uint32(b[4*n:]))) }
	return t.sizeAsDrawn(index, size*math.Hypot(element(2), element(3))), nil
}

// sizeAsDrawn corrects a size of which the characters from index on are many
// times as high: fonts that are made of drawings may have any units.
func (t *pageText) sizeAsDrawn(index int, size float64) float64 {
	const (
		looked  = 16
		tooHigh = 5
		capital = 0.75 // the height of a capital in that of its font
	)
	height := 0.0
	for _, c := range t.chars[index:min(index+looked, len(t.chars))] {
		if c.rune == '\n' {
			break
		}
		height = max(height, math.Abs(c.box.Top-c.box.Bottom))
	}
	if height > tooHigh*size {
		return height / capital
	}
	return size
}

// originOf is where a character stands on its line.
func (t *pageText) originOf(index int) (x, y float64, ok bool, err error) {
	c := t.calls
	known, err := c.call(c.origin, t.page, uint64(index), c.at(0), c.at(1))
	if err != nil || uint32(known) == 0 {
		return 0, 0, false, err
	}
	b, err := c.results()
	if err != nil {
		return 0, 0, false, err
	}
	return double(b, 0), double(b, 1), true, nil
}

// fontKey is what the engine says of the font of a character; nothing, where it
// does not know.
func (t *pageText) fontKey(index int) (fontKey, error) {
	c := t.calls
	n, err := c.call(c.font, t.page, uint64(index), c.at(8), maxFontName, c.at(0))
	if err != nil {
		return fontKey{}, err
	}
	b, err := c.results()
	length := int(int32(n))
	if err != nil || length <= 0 || length > maxFontName {
		return fontKey{}, err
	}
	return fontKey{name: string(b[64 : 64+length-1]), flags: int(int32(binary.LittleEndian.Uint32(b)))}, nil
}
