package pdf_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bartizan-security/bartizan/internal/extract/pdf"
	"github.com/bartizan-security/bartizan/internal/extract/sourcetest"
)

// readAll reads a document and what comes with it.
func readAll(t *testing.T, data []byte, how pdf.How) pdf.Result {
	t.Helper()
	reader := pdf.NewReader(pdf.Options{MaxFiles: 1 << 20})
	defer reader.Close()
	out, err := reader.Read(t.Context(), "design.pdf", bytes.NewReader(data), int64(len(data)), how)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(sourcetest.Check(out.Source, 0), sourcetest.Check(out.Notes, 0)); err != nil {
		t.Error(err)
	}
	return out
}

func TestChoicesBoxesAndStampsSayWhatTheyShow(t *testing.T) {
	data := onePage(show(12, 60, 700, "Where it runs:")+show(12, 60, 600, "It holds card numbers."),
		"/Annots [7 0 R 8 0 R 9 0 R 10 0 R 11 0 R]",
		"<< /Fields [7 0 R 8 0 R 9 0 R 10 0 R] /DA (/F 12 Tf) /DR << /Font << /F 5 0 R >> >> >>",
		"<< /Type /Annot /Subtype /Widget /FT /Ch /Ff 131072 /T (region) /Opt [[(eu1) (Frankfurt)] [(us1) (Ohio)]] /V (eu1) /Rect [200 690 400 715] /P 3 0 R /F 4 >>",
		"<< /Type /Annot /Subtype /Widget /FT /Ch /Ff 2097152 /T (data) /Opt [(names) (cards) (keys)] /V [(names) (keys)] /Rect [200 650 400 670] /P 3 0 R /F 4 >>",
		"<< /Type /Annot /Subtype /Widget /FT /Btn /T (yes) /V /Yes /AS /Yes /AP << /N << /Yes 12 0 R /Off 12 0 R >> >> /Rect [300 590 320 610] /P 3 0 R /F 4 >>",
		"<< /Type /Annot /Subtype /Widget /FT /Btn /T (no) /V /Off /AS /Off /AP << /N << /Yes 12 0 R /Off 12 0 R >> >> /Rect [340 590 360 610] /P 3 0 R /F 4 >>",
		"<< /Type /Annot /Subtype /Stamp /Name /NotApproved /Contents (Ask Ms Castellane) /Rect [100 400 200 450] /P 3 0 R /F 4 >>",
		stream("/Type /XObject /Subtype /Form /BBox [0 0 20 20]", ""),
	)
	got := readAll(t, data, pdf.How{})
	want := `title "", pages 1, language ""
1 body paragraph: Where it runs:
1 form paragraph: Frankfurt
1 form paragraph: names, keys
1 body paragraph: It holds card numbers.
1 form paragraph: [x]
1 annotation paragraph: Not Approved
`
	if d := cmp.Diff(want, describe(got.Source)); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	if got.Notes.Body != "Ask Ms Castellane" {
		t.Errorf("comments %q", got.Notes.Body)
	}
}

func TestCommentsThatOpenAreNoPartOfTheText(t *testing.T) {
	data := onePage(show(12, 60, 700, "Tokens live for a day."),
		"/Annots [6 0 R 7 0 R 8 0 R 9 0 R]",
		"<< /Type /Annot /Subtype /Highlight /Contents (Why so long?) /Rect [60 690 200 712] /QuadPoints [60 712 200 712 60 690 200 690] /P 3 0 R /F 4 >>",
		"<< /Type /Annot /Subtype /Text /Contents (An hour is enough.) /Rect [500 590 520 610] /P 3 0 R /F 4 >>",
		"<< /Type /Annot /Subtype /Popup /Contents (An hour is enough.) /Parent 7 0 R /Rect [300 500 520 610] /P 3 0 R >>",
		"<< /Type /Annot /Subtype /Text /Contents (Nobody sees this.) /Rect [500 590 520 610] /P 3 0 R /F 2 >>",
	)
	got := readAll(t, data, pdf.How{})
	if got.Body != "Tokens live for a day." {
		t.Errorf("text %q", got.Body)
	}
	want := `title "Comments", pages 1, language ""
1 annotation paragraph: Why so long?
1 annotation paragraph: An hour is enough.
`
	if d := cmp.Diff(want, describe(got.Notes)); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	if d := cmp.Diff([]float64{60, 88, 200, 110}, got.Notes.Blocks[0].Locator.Box); d != "" {
		t.Errorf("box (-want +got):\n%s", d)
	}
}

// carrying is a PDF with a file of its own and one that is pinned to its page.
func carrying(catalog, own, pinned string) []byte {
	return rawPDF(
		"<< /Type /Catalog /Pages 2 0 R /Names << /EmbeddedFiles << /Names [(a) 6 0 R] >> >> "+catalog+" >>",
		"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
		"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 600 800] /Contents 4 0 R /Resources << /Font << /F 5 0 R >> >> /Annots [8 0 R] >>",
		stream("", show(12, 60, 700, "The design is attached.")),
		"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
		"<< /Type /Filespec /F (a.md) /UF (../../etc/a.md) /EF << /F 7 0 R >> >>",
		own,
		"<< /Type /Annot /Subtype /FileAttachment /Contents (The old design) /FS 9 0 R /Rect [60 600 80 620] /P 3 0 R /F 4 >>",
		"<< /Type /Filespec /F (b.txt) /UF (b.txt) /EF << /F 10 0 R >> >>",
		pinned,
	)
}

func TestFilesAreTakenOut(t *testing.T) {
	file := func(text string) string { return stream("/Type /EmbeddedFile", text) }
	got := readAll(t, carrying("", file("# A"), file("B")), pdf.How{})
	want := []pdf.File{{Name: "a.md", Data: []byte("# A")}, {Name: "b.txt", Page: 1, Data: []byte("B")}}
	if d := cmp.Diff(want, got.Files); d != "" || got.Portfolio {
		t.Errorf("portfolio %v, (-want +got):\n%s", got.Portfolio, d)
	}
	if got.Body != "The design is attached." || got.Notes.Body != "The old design" {
		t.Errorf("text %q, comments %q", got.Body, got.Notes.Body)
	}
	if got := readAll(t, carrying("/Collection << /Type /Collection >>", file("# A"), file("B")), pdf.How{}); !got.Portfolio {
		t.Error("a portfolio is not known as one")
	}
}

func TestAFileThatExpandsLeavesTheDocument(t *testing.T) {
	for name, size := range map[string]int{"more than the limit": 2, "more than the engine has": 600} {
		t.Run(name, func(t *testing.T) {
			got := readAll(t, carrying("", spaces(size), stream("/Type /EmbeddedFile", "B")), pdf.How{})
			if got.Body != "The design is attached." {
				t.Errorf("text %q", got.Body)
			}
			if len(got.Files) == 0 || got.Files[0].Err == nil || got.Files[0].Data != nil {
				t.Errorf("files %v", got.Files)
			}
		})
	}
}

func TestPicturesAreListedWithTheirPlaceAndText(t *testing.T) {
	data := rawPDF(
		"<< /Type /Catalog /Pages 2 0 R /MarkInfo << /Marked true >> /StructTreeRoot 7 0 R >>",
		"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
		"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 600 800] /Contents 4 0 R /StructParents 0 /Resources << /Font << /F 5 0 R >> /XObject << /I 6 0 R >> >> >>",
		stream("", show(12, 60, 700, "Above the picture.")+
			"/Figure << /MCID 0 >> BDC q 200 0 0 100 60 500 cm /I Do Q EMC\n"+
			"q 80 0 0 40 60 300 cm /I Do Q q 5 0 0 5 60 200 cm /I Do Q\n"+show(12, 60, 100, "Below the pictures.")),
		"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
		stream("/Type /XObject /Subtype /Image /Width 1 /Height 1 /BitsPerComponent 8 /ColorSpace /DeviceGray", "x"),
		"<< /Type /StructTreeRoot /K 8 0 R /ParentTree << /Nums [0 [8 0 R]] >> >>",
		"<< /Type /StructElem /S /Figure /P 7 0 R /Pg 3 0 R /Alt (The gateway calls the store) /K 0 >>",
	)
	got := readAll(t, data, pdf.How{})
	want := `title "", pages 1, language ""
1 body paragraph: Above the picture.
1 body image: The gateway calls the store
1 body image: 
1 body paragraph: Below the pictures.
`
	if d := cmp.Diff(want, describe(got.Source)); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	if d := cmp.Diff([]float64{60, 460, 140, 500}, got.Blocks[2].Locator.Box); d != "" {
		t.Errorf("box (-want +got):\n%s", d)
	}
}

// reads is a recognizer that finds the same line on each page, and counts.
func reads(pages *[]int, text string) pdf.Recognizer {
	return func(p pdf.Picture) ([]pdf.RecognizedLine, error) {
		*pages = append(*pages, p.Page)
		line := pdf.RecognizedLine{Size: 50, Baseline: 440}
		for i, w := range strings.Fields(text) {
			l := 250 + 300*float64(i)
			line.Words = append(line.Words, pdf.RecognizedWord{Text: w, L: l, T: 400, R: l + 250, B: 450})
		}
		return []pdf.RecognizedLine{line}, nil
	}
}

func TestPagesWithoutTextAreRecognized(t *testing.T) {
	data := scan(t, "A page that has a text of its own, and more of it.", "", "")
	tests := map[string]struct {
		mode  pdf.OCR
		pages []int
		text  string
	}{
		"auto":  {pdf.OCRAuto, []int{2, 3}, "A page that has a text of its own, and more of it.\n\nFound it\n\nFound it"},
		"force": {pdf.OCRForce, []int{1, 2, 3}, "Found it\n\nFound it\n\nFound it"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			var pages []int
			got := readAll(t, data, pdf.How{OCR: tt.mode, Recognize: reads(&pages, "Found it")})
			text := strings.Join(strings.Split(got.Body, "\n\n"), "\n\n")
			if d := cmp.Diff(tt.pages, pages); d != "" || text != tt.text {
				t.Errorf("text %q, pages (-want +got):\n%s", text, d)
			}
			if len(got.Notices) != 1 || !strings.Contains(got.Notices[0].Text, "recognised in pictures") {
				t.Errorf("notices %+v", got.Notices)
			}
			last := got.Blocks[len(got.Blocks)-1]
			for _, b := range got.Blocks {
				if b.Text == "Found it" {
					last = b
				}
			}
			// 300 points of the picture are an inch of the page.
			if d := cmp.Diff([]float64{60, 96, 192, 108}, last.Locator.Box); d != "" || *last.Locator.Page != 3 {
				t.Errorf("page %d, box (-want +got):\n%s", *last.Locator.Page, d)
			}
		})
	}
}

func TestTextThatCannotBeRecognizedIsToldOf(t *testing.T) {
	data := scan(t, "A page that has a text of its own, and more of it.", "")
	fails := func(pdf.Picture) ([]pdf.RecognizedLine, error) { return nil, errors.New("install what reads pictures") }
	got := readAll(t, data, pdf.How{OCR: pdf.OCRAuto, Recognize: fails})
	if len(got.Notices) != 1 || !strings.Contains(got.Notices[0].Text, "Page 2 not read") || !strings.Contains(got.Notices[0].Text, "install what reads pictures") {
		t.Errorf("notices %+v", got.Notices)
	}
	reader := pdf.NewReader(pdf.Options{})
	defer reader.Close()
	_, err := reader.Read(t.Context(), "x.pdf", bytes.NewReader(data), int64(len(data)), pdf.How{OCR: pdf.OCRForce, Recognize: fails})
	if !errors.Is(err, pdf.ErrRecognize) || !strings.Contains(err.Error(), "install what reads pictures") {
		t.Errorf("error %v", err)
	}
}
