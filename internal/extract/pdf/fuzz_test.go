package pdf_test

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/bartizan-security/bartizan/internal/extract/pdf"
	"github.com/bartizan-security/bartizan/internal/extract/sourcetest"
)

// FuzzContent reads a page whose content, dictionary and further objects are
// made up: whatever stands there, an error of ours comes of it or a document
// that holds what every document promises.
func FuzzContent(f *testing.F) {
	f.Add(show(12, 60, 700, "A heading of the page")+show(10, 60, 680, "and its text."), "/Rotate 90", "")
	f.Add("BT /F 12 Tf 0 1 -1 0 40 300 Tm (Along the edge) Tj ET", "/CropBox [10 10 300 300]", "")
	f.Add("BT /F 12 Tf 1 0 0 1 60 700 Tm [(Ke) -120 (rned) 900 (apart)] TJ T* <00FF> Tj ET", "", "")
	f.Add(show(12, 60, 700, "Name:"), "/Annots [7 0 R]",
		"<< /Fields [7 0 R] /DA (/F 12 Tf) >>\x00<< /Type /Annot /Subtype /Widget /FT /Ch /T (name) /Opt [[(a) (b)]] /V (a) /Rect [200 690 400 715] /F 4 >>")
	f.Add(show(12, 60, 700, "x"), "/Annots [6 0 R]", "<< /Type /Annot /Subtype /FileAttachment /FS 7 0 R /Rect [0 0 9 9] >>\x00<< /Type /Filespec /UF (a/../b) /EF << /F 8 0 R >> >>\x00<< /Length 1 >>\nstream\nx\nendstream")
	f.Add("q 200 0 0 100 60 500 cm BI /W 1 /H 1 /BPC 8 /CS /G ID x EI Q 0 0 m 9 9 l S 1 1 8 8 re f", "/StructParents 0", "")
	f.Add(show(12, 60, 700, "x"), "/Annots [6 0 R]", "<< /Type /Annot /Subtype /FreeText /Rect [72 600 312 640] /F 4 /AP << /N 7 0 R >> >>\x00"+drawing("Drawn only."))
	f.Add("BT /K 14 Tf 1 0 0 1 500 700 Tm <"+hexOf("認証基盤は、検証する。")+"> Tj ET", kanji, strings.Join(downFont(), "\x00"))
	reader := pdf.NewReader(pdf.Options{Memory: 64 << 20, MaxPages: 20, MaxFiles: 1 << 20})
	f.Cleanup(reader.Close)
	recognize := func(p pdf.Picture) ([]pdf.RecognizedLine, error) {
		if len(p.Grey) != p.Width*p.Height {
			return nil, errors.New("the picture is not whole")
		}
		return []pdf.RecognizedLine{{Size: 30, Baseline: 90, Words: []pdf.RecognizedWord{{Text: "found", L: 10, T: 70, R: 90, B: 95}}}}, nil
	}
	f.Fuzz(func(t *testing.T, content, entries, objects string) {
		var more []string
		for o := range bytes.SplitSeq([]byte(objects), []byte{0}) {
			more = append(more, string(o))
		}
		data := onePage(content, entries, more...)
		out, err := reader.Read(context.Background(), "x.pdf", bytes.NewReader(data), int64(len(data)), pdf.How{OCR: pdf.OCRAuto, Recognize: recognize})
		if err != nil {
			known := false
			for _, e := range []error{
				pdf.ErrNoText, pdf.ErrTruncated, pdf.ErrNoPages, pdf.ErrMemory, pdf.ErrTooLarge, pdf.ErrEncrypted, pdf.ErrPassword, pdf.ErrNotPDF, pdf.ErrCrashed,
			} {
				known = known || errors.Is(err, e)
			}
			if !known {
				t.Errorf("error %v", err)
			}
		}
		if err := errors.Join(sourcetest.Check(out.Source, 0), sourcetest.Check(out.Notes, 0)); err != nil {
			t.Error(err)
		}
	})
}
