package extract

import (
	"errors"
	"fmt"

	"github.com/bartizan-security/bartizan/internal/extract/pdf"
)

// pdf reads a PDF document.
func (s *session) pdf(in input) {
	if in.size > s.limit.Bytes {
		s.fail(in.error(KindTooLarge, fmt.Errorf("the PDF is %s, more than the limit of %s", megabytes(in.size), megabytes(s.limit.Bytes)), "Split the document"))
		return
	}
	read := s.pdfs.Read
	if s.trace.careful(in) {
		read = s.pdfs.ReadAlone
	}
	doc, err := read(s.ctx, in.name, in.r, in.size, s.opt.Password)
	switch {
	case s.ctx.Err() != nil:
		s.stopped()
	case err != nil:
		s.fail(pdfError(in, err))
	default:
		s.emit(doc)
	}
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
