package pdf

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/klippa-app/go-pdfium"
	pdfium_errors "github.com/klippa-app/go-pdfium/errors"
	"github.com/klippa-app/go-pdfium/references"
	"github.com/klippa-app/go-pdfium/requests"

	"github.com/bartizan-security/bartizan/internal/extract/pdf/layout"
	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

// document is an open document in the engine.
type document struct {
	engine pdfium.Pdfium
	tap    *tap
	calls  *textCalls // nil before the first page
	ref    references.FPDF_DOCUMENT
	pages  int
	about  layout.About
	out    layout.Pages
	set    []layout.Font
	fonts  map[fontKey]int // indexes of set
	glyphs int
	// form is the document's form, once it was asked for.
	form      references.FPDF_FORMHANDLE
	formAsked bool
	comments  []note
	pinned    []pinned
	portfolio bool
	// ocr recognises text in pictures; nil where it is not to.
	ocr *recognition
	// unsaid are annotations of the page at hand whose text only their drawing
	// has; appeared counts the pages with such.
	unsaid   []unsaid
	appeared int
	// fault is what broke the engine where nobody was told.
	fault error
}

// maxGlyphs bounds the characters of a document: a book of 5,000 pages has 15
// million.
const maxGlyphs = 20_000_000

// headerWithin is how far into a file its header may stand, in bytes.
const headerWithin = 1024

func looksLikePDF(req request) error {
	if req.size == 0 {
		return &detailed{ErrNotPDF, "it is empty"}
	}
	head := make([]byte, min(req.size, headerWithin))
	if _, err := req.file.ReadAt(head, 0); err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("read the document: %w", err)
	}
	if !bytes.Contains(head, []byte("%PDF-")) {
		return &detailed{ErrNotPDF, fmt.Sprintf("it begins with %q", head[:min(len(head), 8)])}
	}
	return nil
}

func openDocument(engine pdfium.Pdfium, tap *tap, req request) (*document, error) {
	open := &requests.OpenDocument{FileReader: io.NewSectionReader(req.file, 0, req.size), FileReaderSize: req.size}
	if req.size <= inMemory {
		data := make([]byte, req.size)
		if _, err := req.file.ReadAt(data, 0); err != nil && !errors.Is(err, io.EOF) {
			return nil, fmt.Errorf("read the document: %w", err)
		}
		open = &requests.OpenDocument{File: &data}
	}
	if req.how.Password != "" {
		open.Password = &req.how.Password
	}
	opened, err := engine.OpenDocument(open)
	if err != nil {
		return nil, openError(err, req.how.Password)
	}
	d := &document{engine: engine, tap: tap, ref: opened.Document, fonts: map[fontKey]int{}, ocr: newRecognition(req.how)}
	count, err := engine.FPDF_GetPageCount(&requests.FPDF_GetPageCount{Document: d.ref})
	if err != nil {
		return nil, err
	}
	d.pages = count.PageCount
	switch {
	case d.pages == 0:
		return nil, ErrNoPages
	case d.pages > req.maxPages:
		return nil, &detailed{ErrTooLarge, fmt.Sprintf("it has %d pages, the limit is %d", d.pages, req.maxPages)}
	}
	return d, nil
}

// inMemory is up to which size a file is copied into the engine, in bytes; a
// larger one is read piece by piece, and leaves the engine's memory to what is
// in it.
const inMemory = 32 << 20

func openError(err error, password string) error {
	switch {
	case errors.Is(err, pdfium_errors.ErrPassword) && password == "":
		return ErrEncrypted
	case errors.Is(err, pdfium_errors.ErrPassword):
		return ErrPassword
	case errors.Is(err, pdfium_errors.ErrSecurity):
		return &detailed{ErrEncrypted, "in a way that the engine does not know"}
	case errors.Is(err, pdfium_errors.ErrFormat), errors.Is(err, pdfium_errors.ErrFile), errors.Is(err, pdfium_errors.ErrPage):
		return ErrTruncated
	}
	return err
}

// read reads all pages, and takes the files out.
func (d *document) read(req request) (Result, error) {
	out := Result{Portfolio: d.portfolio}
	for i := range d.pages {
		p, err := d.page(i)
		if err == nil {
			err = d.fault
		}
		if err != nil {
			return out, err
		}
		d.out.Add(d.set, p)
	}
	if err := d.closeForm(); err != nil {
		return out, err
	}
	d.about.Unread = d.ocr.unread()
	out.Source, out.Notes = d.out.Read(d.about), d.notes()
	var broken error
	if out.Files, broken = d.files(req.maxFiles); broken != nil {
		out.broken = true
	}
	if !hasText(out.Source) {
		return out, noText(out.Source)
	}
	return out, nil
}

// hasText reports whether anything but pictures without a text was read.
func hasText(src threatmodel.Source) bool {
	return slices.ContainsFunc(src.Blocks, func(b threatmodel.Block) bool { return b.Text != "" })
}

// noText says why there is nothing to read.
func noText(src threatmodel.Source) error {
	var why []string
	for _, n := range src.Notices {
		why = append(why, n.Text)
	}
	if why == nil {
		why = []string{"All pages are blank."}
	}
	return &detailed{ErrNoText, strings.Join(why, " ")}
}

// metadata reads title and language. A document without them is as good.
func (d *document) metadata() {
	if title, err := d.engine.FPDF_GetMetaText(&requests.FPDF_GetMetaText{Document: d.ref, Tag: "Title"}); err == nil {
		d.about.Title = strings.TrimSpace(title.Value)
	}
	if language, err := d.engine.FPDFCatalog_GetLanguage(&requests.FPDFCatalog_GetLanguage{Document: d.ref}); err == nil {
		d.about.Language = language.Language
	}
}

// fontKey is what the engine says of a font.
type fontKey struct {
	name  string
	flags int
}

// font gives the index of the font of a character.
func (d *document) font(text *pageText, index int) (int, error) {
	key, err := text.fontKey(index)
	if err != nil {
		return 0, err
	}
	i, ok := d.fonts[key]
	if !ok {
		i = len(d.set)
		d.fonts[key] = i
		d.set = append(d.set, fontOf(key.name, key.flags))
	}
	return i, nil
}
