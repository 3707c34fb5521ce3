package extract

import (
	"context"
	"errors"
	"fmt"

	"github.com/bartizan-security/bartizan/internal/extract/pdf"
)

// ChildIfAsked makes this process the child that reads PDF documents, where it
// was started as one; it does not return then. A program that reads documents
// calls it at the very start of main, a test binary in TestMain.
func ChildIfAsked() { pdf.RunChildIfAsked() }

// pdf reads a PDF document in a child process.
func (s *session) pdf(in input) {
	if in.size > s.limit.Bytes {
		s.fail(in.error(KindTooLarge, fmt.Errorf("the PDF is %s, more than the limit of %s", megabytes(in.size), megabytes(s.limit.Bytes)), "Split the document"))
		return
	}
	doc, err := s.pdfReader().Read(s.ctx, in.name, in.r, in.size, s.opt.Password)
	switch {
	case s.ctx.Err() != nil:
		s.stopped()
	case err != nil:
		s.fail(pdfError(in, err))
	default:
		s.emit(doc)
	}
}

// WarmPDF compiles the PDF engine into its cache, so that the first document
// is read as quickly as those after it. Empty stands for the default folder.
func WarmPDF(ctx context.Context, cacheDir string) error { return pdf.Warm(ctx, cacheDir) }

// pdfReader is the one reader of the session, whose child processes serve all
// its documents.
func (s *session) pdfReader() *pdf.Reader {
	if s.pdfs == nil {
		s.pdfs = pdf.NewReader(pdf.Options{CacheDir: s.opt.CacheDir, MaxPages: s.limit.Pages})
	}
	return s.pdfs
}

// close ends what the session started.
func (s *session) close() {
	if s.pdfs != nil {
		s.pdfs.Close()
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
	{pdf.ErrTimeout, KindUnsafe},
}

func pdfError(in input, err error) *Error {
	for _, k := range pdfKinds {
		if errors.Is(err, k.err) {
			return in.error(k.kind, err, "")
		}
	}
	return in.error(KindUnreadable, err, "")
}
