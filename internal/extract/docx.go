package extract

import (
	"archive/zip"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"

	"github.com/bartizan-security/bartizan/internal/extract/office"
	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

// office reads a zip file that is an office document. It reports false where
// the file is none.
func (s *session) office(in input, zr *zip.Reader) bool {
	kind := office.KindOf(zr)
	switch {
	case kind == office.None:
		return false
	case kind != office.Word:
		s.fail(in.error(KindNotDocument, fmt.Errorf("this is %s", kind),
			"Workbooks, presentations and drawings are not read; save what describes the design as PDF"))
	case in.size > s.limit.Bytes:
		s.fail(in.error(KindTooLarge, fmt.Errorf("the document is %s, more than the limit of %s", megabytes(in.size), megabytes(s.limit.Bytes)), "Split the document"))
	default:
		s.docx(in, zr)
	}
	return true
}

// docx reads a Word document.
func (s *session) docx(in input, zr *zip.Reader) {
	sum := sha256.New()
	if _, err := io.Copy(sum, io.NewSectionReader(in.r, 0, in.size)); err != nil {
		s.fail(in.error(KindUnreadable, fmt.Errorf("read: %w", err), ""))
		return
	}
	doc := threatmodel.Document{Name: in.name, SHA256: hex.EncodeToString(sum.Sum(nil))}
	source, err := office.Read(doc, zr, office.Options{
		MaxBytes: min(s.limit.Bytes, s.limit.Expanded), Ratio: s.limit.Ratio, MaxDepth: s.limit.XMLDepth, MaxTableCells: s.limit.TableCells,
	})
	if err != nil {
		s.fail(officeError(in, err))
		return
	}
	s.emit(source)
}

// officeKinds are the kinds of the errors of package office; others are
// unreadable. Each of the errors says itself what a person can do.
var officeKinds = []struct {
	err  error
	kind Kind
}{
	{office.ErrUnsafe, KindUnsafe},
	{office.ErrTooLarge, KindTooLarge},
	{office.ErrDamaged, KindDamaged},
	{office.ErrEmpty, KindEmpty},
}

func officeError(in input, err error) *Error {
	for _, k := range officeKinds {
		if errors.Is(err, k.err) {
			return in.error(k.kind, err, "")
		}
	}
	return in.error(KindUnreadable, err, "")
}
