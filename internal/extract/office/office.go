// Package office reads Word documents (.docx, .docm, .dotx, .dotm) into blocks:
// what a reader sees in the final text, with headings, lists with their printed
// numbers, tables, text boxes and notes, and apart from it by role what
// stands in headers, footers, comments and deletions.
//
// A document is read as a stream of its paragraphs and tables, so that memory
// grows with the text and not with the markup around it.
package office

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/bartizan-security/bartizan/internal/extract/block"
	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

// Errors of a document. Each says itself what a person can do.
var (
	ErrDamaged  = errors.New("the document is damaged or cut short; open and save it again")
	ErrUnsafe   = errors.New("the document is made to do harm")
	ErrTooLarge = errors.New("the document is larger than the limit; split it")
	ErrEmpty    = errors.New("the document holds no text")
)

// Options bound what a document may cost. The zero value stands for the
// defaults.
type Options struct {
	// MaxBytes of all parts of the document, unpacked; default 256 MiB.
	MaxBytes int64
	// Ratio of unpacked to packed bytes of a part, from 1 MiB on; default 200.
	Ratio int64
	// MaxDepth is how deep elements may nest before their text is read without
	// structure; default 200. A table in a table takes three levels, a text box
	// about twelve.
	MaxDepth int
	// MaxTableCells is how many cells the tables may have before merged cells
	// are no longer told apart; default 200,000.
	MaxTableCells int
}

func (o Options) withDefaults() Options {
	if o.MaxBytes <= 0 {
		o.MaxBytes = 256 << 20
	}
	if o.Ratio <= 0 {
		o.Ratio = 200
	}
	if o.MaxDepth <= 0 {
		o.MaxDepth = 200
	}
	if o.MaxTableCells <= 0 {
		o.MaxTableCells = 200_000
	}
	return o
}

// Kind is what a zip file is, if it is an office document.
type Kind string

// Kinds of office document. Only Word documents are read.
const (
	None       Kind = ""
	Word       Kind = "a Word document"
	Excel      Kind = "an Excel workbook"
	PowerPoint Kind = "a PowerPoint presentation"
	Visio      Kind = "a Visio drawing"
)

// KindOf tells the kind of a zip file by its members.
func KindOf(zr *zip.Reader) Kind {
	kind, types := None, false
	for _, f := range zr.File {
		folder, _, _ := strings.Cut(f.Name, "/")
		switch {
		case f.Name == "[Content_Types].xml":
			types = true
		case kind != None:
		case folder == "word":
			kind = Word
		case folder == "ppt":
			kind = PowerPoint
		case folder == "xl":
			kind = Excel
		case folder == "visio":
			kind = Visio
		}
	}
	if !types {
		return None
	}
	return kind
}

// IsEncrypted reports whether a file in the old container format of Office
// holds an encrypted new one.
func IsEncrypted(r io.ReaderAt, size int64) bool {
	const most = 1 << 20
	name := []byte("E\x00n\x00c\x00r\x00y\x00p\x00t\x00e\x00d\x00P\x00a\x00c\x00k\x00a\x00g\x00e\x00")
	for _, start := range []int64{0, max(0, size-most)} {
		part, err := io.ReadAll(io.NewSectionReader(r, start, most))
		if err == nil && bytes.Contains(part, name) {
			return true
		}
	}
	return false
}

// Read reads a Word document. doc holds what is known of it already; its title
// and media type are filled in. Where a document breaks off, what came before
// is returned with a notice.
func Read(doc threatmodel.Document, zr *zip.Reader, opt Options) (threatmodel.Source, error) {
	d := newDocument(zr, opt.withDefaults())
	if err := d.read(); err != nil {
		return threatmodel.Source{}, err
	}
	if doc.Title == "" {
		doc.Title = d.documentTitle()
	}
	doc.MediaType = d.parts.mediaType
	d.notices()
	return d.w.B.Source(doc), nil
}

// read reads the parts of the document in the order in which they are shown.
func (d *document) read() error {
	if err := d.parts.open(); err != nil {
		return err
	}
	if err := d.knowledge(); err != nil {
		return err
	}
	if err := d.margins("header", threatmodel.RoleHeader); err != nil {
		return err
	}
	err := d.body()
	if err != nil {
		if d.blocks == 0 || !errors.Is(err, ErrDamaged) {
			return err
		}
		d.w.B.Notice(threatmodel.NoticeUnreadable, "The document is damaged: what comes after %q was not read.", d.lastWords)
	}
	if err := d.rest(); err != nil {
		return err
	}
	switch {
	case d.blocks == 0 && d.chunks > 0:
		return fmt.Errorf("%w of its own: what it shows is another file within it. Open and save it in Word, which takes that in", ErrEmpty)
	case d.blocks == 0:
		return ErrEmpty
	}
	return nil
}

// rest writes what stands below the text: endnotes, footers, and comments
// that no place refers to.
func (d *document) rest() error {
	d.endParagraphs()
	d.endnotes()
	d.commentsLeft()
	return d.margins("footer", threatmodel.RoleFooter)
}

// documentTitle is the title that the document shows, else the one in its
// properties, else its first heading.
func (d *document) documentTitle() string {
	for _, t := range []string{d.shownTitle, d.parts.title(), d.w.FirstHeading} {
		if t = strings.Join(strings.Fields(block.Clean(t)), " "); t != "" {
			return t
		}
	}
	return ""
}

// notices tells what is in the document and was not read.
func (d *document) notices() {
	tell := func(n int, kind threatmodel.NoticeKind, one, many string) {
		switch {
		case n == 1:
			d.w.B.Notice(kind, "%s", one)
		case n > 1:
			d.w.B.Notice(kind, many, n)
		}
	}
	tell(d.objects, threatmodel.NoticeUnreadable,
		"An embedded object, such as a drawing or a workbook, is not read; if it shows the design, add it as a document of its own.",
		"%d embedded objects, such as drawings or workbooks, are not read; if they show the design, add them as documents of their own.")
	tell(d.chunks, threatmodel.NoticeUnreadable,
		"A part of the document is another file that is shown within it; it is not read. Open and save the document in Word, which takes it in.",
		"%d parts of the document are other files that are shown within it; they are not read. Open and save the document in Word, which takes them in.")
	if d.parts.macros {
		d.w.B.Notice(threatmodel.NoticeFormat, "The document holds macros; they were neither run nor read.")
	}
	if d.parts.cut {
		d.w.B.Notice(threatmodel.NoticeTruncated, "Elements of the document nest more than %d deep: what lies deeper is read as text without structure.", d.opt.MaxDepth)
	}
	if d.w.TooManyCells() {
		d.w.B.Notice(threatmodel.NoticeTruncated, "The tables have more than %d cells: merged cells of those after them may stand under the wrong header.", d.opt.MaxTableCells)
	}
}

func damaged(what string, err error) error {
	return fmt.Errorf("%w: %s: %w", ErrDamaged, what, err)
}
