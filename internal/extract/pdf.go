package extract

import (
	"bytes"
	"errors"
	"fmt"
	"path"
	"strings"

	"github.com/bartizan-security/bartizan/internal/extract/pdf"
	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

// pdf reads a PDF document, and what comes with it: the comments, and the files
// that it carries.
func (s *session) pdf(in input) {
	if in.size > s.limit.Bytes {
		s.fail(in.error(KindTooLarge, fmt.Errorf("the PDF is %s, more than the limit of %s", megabytes(in.size), megabytes(s.limit.Bytes)), "Split the document"))
		return
	}
	how := pdf.How{Password: s.opt.Password, Alone: s.trace.careful(in)}
	if s.opt.OCR != "" && s.opt.OCR != OCROff {
		how.OCR, how.Recognize = pdf.OCR(s.opt.OCR), s.recognizer(in)
	}
	doc, err := s.pdfs.Read(s.ctx, in.name, in.r, in.size, how)
	if s.ctx.Err() != nil {
		s.stopped()
		return
	}
	id := ""
	if err != nil {
		s.fail(pdfError(in, err))
	} else {
		tellOfFiles(&doc.Source, doc)
		id = s.emit(doc.Source)
	}
	if len(doc.Notes.Blocks) > 0 {
		doc.Notes.Name, doc.Notes.Parent = in.name+"/comments", id
		s.emit(doc.Notes)
	}
	s.carried(in, id, doc)
}

// tellOfFiles says what a PDF carries. It is not analysed, but for a portfolio,
// which wraps the documents that were given.
func tellOfFiles(doc *Document, from pdf.Result) {
	var names []string
	for _, f := range from.Files {
		name := f.Name
		if f.Page > 0 {
			name += fmt.Sprintf(" (page %d)", f.Page)
		}
		if f.Err != nil {
			name += ", not read: " + f.Err.Error()
		}
		names = append(names, name)
	}
	if len(names) == 0 {
		return
	}
	text := fmt.Sprintf("Attached to the PDF: %s.", strings.Join(names, "; "))
	if !from.Portfolio {
		text += " What is attached is not analysed; give it as a document of its own where it describes the design."
	}
	doc.Notices = append(doc.Notices, threatmodel.Notice{Kind: threatmodel.NoticeFormat, Text: text})
}

// carried reads the files that a PDF carries, as documents below it. Their text
// has the role of attachments, as it is not what the PDF shows; that of a
// portfolio is the text of documents.
func (s *session) carried(in input, id string, from pdf.Result) {
	outer := s.yield
	defer func() { s.yield = outer }()
	s.yield = func(doc Document, err error) bool {
		if err == nil && doc.Parent == "" {
			doc.Parent = id
		}
		if err == nil && !from.Portfolio {
			attach(&doc)
		}
		return outer(doc, err)
	}
	for _, f := range from.Files {
		if s.stopped() {
			return
		}
		m := in.member(f.Name)
		m.name = path.Join(in.name, f.Name)
		skip := func(reason string) { s.opt.Summary.skip(m.display(), reason) }
		s.expanded += int64(len(f.Data))
		switch reason := passOver(f.Name, 0); {
		case f.Err != nil:
			skip(f.Err.Error())
		case reason != "":
			skip(reason)
		case in.nesting >= s.limit.Nesting:
			skip(fmt.Sprintf("attachments are nested more than %d deep", s.limit.Nesting))
		case s.expanded > s.limit.Expanded:
			skip("what is attached is larger than the limit of " + megabytes(s.limit.Expanded))
		case len(f.Data) > 0:
			m.r, m.size = bytes.NewReader(f.Data), int64(len(f.Data))
			s.file(m)
		}
	}
}

// attach makes a document that of an attachment.
func attach(doc *Document) {
	for i := range doc.Blocks {
		doc.Blocks[i].Role = threatmodel.RoleAttachment
	}
	doc.Diagrams = nil // they state nothing of the design that was given
}

// Aside reports whether a document is none that was given, but what is attached
// to one or noted on it: the text form leaves it out.
func Aside(doc Document) bool {
	if doc.Parent == "" && !strings.HasSuffix(doc.Name, "/comments") || len(doc.Blocks) == 0 {
		return false
	}
	for _, b := range doc.Blocks {
		if b.Role != threatmodel.RoleAttachment && b.Role != threatmodel.RoleAnnotation {
			return false
		}
	}
	return true
}

// pdfKinds are the kinds of the errors of package pdf; others are unreadable.
// Each of the errors says itself what a person can do.
var pdfKinds = []struct {
	err  error
	kind Kind
}{
	{pdf.ErrEncrypted, KindEncrypted},
	{pdf.ErrPassword, KindEncrypted},
	{pdf.ErrNotPDF, KindNotDocument},
	{pdf.ErrNoPages, KindEmpty},
	{pdf.ErrNoText, KindEmpty},
	{pdf.ErrTruncated, KindDamaged},
	{pdf.ErrTooLarge, KindTooLarge},
	{pdf.ErrMemory, KindUnsafe},
}

func pdfError(in input, err error) *Error {
	for _, k := range pdfKinds {
		if errors.Is(err, k.err) {
			return in.error(k.kind, err, "")
		}
	}
	return in.error(KindUnreadable, err, "")
}
