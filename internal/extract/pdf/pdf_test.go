package pdf_test

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jung-kurt/gofpdf"
	"go.uber.org/goleak"

	"github.com/bartizan-security/bartizan/internal/extract/pdf"
	"github.com/bartizan-security/bartizan/internal/extract/sourcetest"
	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

var update = flag.Bool("update", false, "write the golden files")

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m)
}

// read reads a document that is in order.
func read(t *testing.T, data []byte) threatmodel.Source {
	t.Helper()
	src, err := pdf.Read(t.Context(), "design.pdf", bytes.NewReader(data), int64(len(data)), pdf.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := sourcetest.Check(src, 0); err != nil {
		t.Error(err)
	}
	return src
}

// describe writes the structure of a document, a block a line.
func describe(s threatmodel.Source) string {
	var b strings.Builder
	fmt.Fprintf(&b, "title %q, pages %d, language %q\n", s.Title, *s.Pages, s.Language)
	for _, n := range s.Notices {
		fmt.Fprintf(&b, "notice %s: %s\n", n.Kind, n.Text)
	}
	for _, blk := range s.Blocks {
		fmt.Fprintf(&b, "%d %s %s", *blk.Locator.Page, blk.Role, blk.Kind)
		if blk.Level > 0 {
			fmt.Fprintf(&b, " level %d", blk.Level)
		}
		if blk.Group > 0 {
			fmt.Fprintf(&b, " group %d", blk.Group)
		}
		if blk.Header {
			b.WriteString(" header")
		}
		if blk.Joins {
			b.WriteString(" joins")
		}
		fmt.Fprintf(&b, ": %s\n", strings.ReplaceAll(blk.Text, "\n", " / "))
	}
	return b.String()
}

func telemetry(t *testing.T) threatmodel.Source {
	t.Helper()
	data, err := os.ReadFile(filepath.FromSlash("../../../testdata/designs/telemetry/telemetry.pdf"))
	if err != nil {
		t.Fatal(err)
	}
	return read(t, data)
}

// The golden file was read beside the rendered pages.
func TestTheStructureOfADesignDocument(t *testing.T) {
	got := describe(telemetry(t))
	golden := filepath.Join("testdata", "telemetry.golden")
	if *update {
		if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), got); d != "" {
		t.Errorf("the structure differs (-want +got):\n%s", d)
	}
}

func TestASentenceCutByAPageEndJoins(t *testing.T) {
	src := telemetry(t)
	var last threatmodel.Block
	for _, b := range src.Blocks {
		if b.Role != threatmodel.RoleBody {
			continue
		}
		if strings.HasPrefix(b.Text, "end; it can be deleted by hand.") {
			if !b.Joins || *b.Locator.Page != 9 || *last.Locator.Page != 8 || !strings.HasSuffix(last.Text, "and does not") {
				t.Errorf("block %+v does not join %+v", b, last)
			}
			return
		}
		last = b
	}
	t.Error("the second half of the sentence is not found")
}

func TestWordsAreWholeInTheText(t *testing.T) {
	src := telemetry(t)
	folded := strings.Join(strings.Fields(src.Body), " ")
	for _, s := range []string{
		"Roadgrid collects data from vehicles and gives it to the people who run them.",
		"alarms of all fleets were down for fifty minutes. The rule was switched off by hand.",
		"The password is changed when a partner leaves.",
		"hides those that carry the flag.¹",
	} {
		if !strings.Contains(folded, s) {
			t.Errorf("the text does not hold %q", s)
		}
	}
}

func TestErrorsSayWhatIsWrong(t *testing.T) {
	encrypted := made(t, func(p *gofpdf.Fpdf) {
		p.SetProtection(0, "open sesame", "owner")
		p.AddPage()
		p.Text(60, 100, "Behind a password.")
	})
	whole := scan(t, "A page with text.")
	tests := []struct {
		name     string
		data     []byte
		password string
		want     error
		says     string
	}{
		{"empty", nil, "", pdf.ErrNotPDF, "empty"},
		{"no PDF", []byte("This is a letter."), "", pdf.ErrNotPDF, "no"},
		{"header alone", []byte("%PDF-1.7\n"), "", pdf.ErrTruncated, "cut short"},
		{"cut in the middle", whole[:len(whole)/2], "", nil, ""},
		{"no pages", rawPDF("<< /Type /Catalog /Pages 2 0 R >>", "<< /Type /Pages /Kids [] /Count 0 >>"), "", pdf.ErrNoPages, "no pages"},
		{"encrypted", encrypted, "", pdf.ErrEncrypted, "password"},
		{"wrong password", encrypted, "sesame", pdf.ErrPassword, "password"},
		{"scanned", scan(t, "", "", ""), "", pdf.ErrNoText, "Pages 1-3"},
		{"blank", made(t, func(p *gofpdf.Fpdf) { p.AddPage() }), "", pdf.ErrNoText, "blank"},
	}
	reader := pdf.NewReader(pdf.Options{})
	defer reader.Close()
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := reader.Read(t.Context(), "x.pdf", bytes.NewReader(tt.data), int64(len(tt.data)), pdf.How{Password: tt.password})
			if tt.want == nil {
				// How much of a damaged file can be read is the engine's affair;
				// it must be said or read, not hang or crash.
				if err != nil && !errors.Is(err, pdf.ErrTruncated) && !errors.Is(err, pdf.ErrNoText) && !errors.Is(err, pdf.ErrNoPages) {
					t.Errorf("error %v", err)
				}
				return
			}
			if !errors.Is(err, tt.want) || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("error %v, want %v with %q", err, tt.want, tt.says)
			}
		})
	}
	// The reader is as good as before.
	src, err := reader.Read(t.Context(), "x.pdf", bytes.NewReader(encrypted), int64(len(encrypted)), pdf.How{Password: "open sesame"})
	if err != nil || !strings.Contains(src.Body, "Behind a password.") {
		t.Errorf("with the password: %q, error %v", src.Body, err)
	}
}

func TestPagesWithoutTextAreNamed(t *testing.T) {
	src := read(t, scan(t, "The first page has text.", "", "", "The fourth has too."))
	if len(src.Notices) != 1 || src.Notices[0].Kind != threatmodel.NoticeUnreadable || !strings.HasPrefix(src.Notices[0].Text, "Pages 2-3 not read") {
		t.Errorf("notices %+v", src.Notices)
	}
}

func TestFontsWithoutCharactersAreNamed(t *testing.T) {
	// The font maps its glyphs to characters of a private range.
	cmap := "/CIDInit /ProcSet findresource begin 12 dict begin begincmap /CMapName /X def 1 begincodespacerange <00> <FF> endcodespacerange " +
		"1 beginbfrange <00> <FF> <E000> endbfrange endcmap end end"
	data := rawPDF(
		"<< /Type /Catalog /Pages 2 0 R >>",
		"<< /Type /Pages /Kids [3 0 R 7 0 R] /Count 2 >>",
		"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 600 800] /Contents 4 0 R /Resources << /Font << /F 5 0 R >> >> >>",
		stream("", show(12, 60, 700, "These words mean nothing.")),
		"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /ToUnicode 6 0 R >>",
		stream("", cmap),
		"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 600 800] /Contents 8 0 R /Resources << /Font << /F 9 0 R >> >> >>",
		stream("", show(12, 60, 700, "These words mean something.")),
		"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
	)
	src := read(t, data)
	if src.Body != "These words mean something." || len(src.Notices) != 1 || !strings.HasPrefix(src.Notices[0].Text, "Page 1 not read: fonts") {
		t.Errorf("text %q, notices %+v", src.Body, src.Notices)
	}
}

func TestFormValuesAndAnnotationsHaveTheirRole(t *testing.T) {
	data := onePage(show(12, 60, 700, "Name of the system:")+show(12, 60, 600, "It is used by everybody."),
		"/Annots [7 0 R 8 0 R 9 0 R 10 0 R 11 0 R]",
		"<< /Fields [7 0 R 8 0 R 12 0 R] /DA (/F 12 Tf) /DR << /Font << /F 5 0 R >> >> >>",
		"<< /Type /Annot /Subtype /Widget /FT /Tx /T (name) /V (Payment hub) /Rect [200 690 400 715] /P 3 0 R /F 4 >>",
		"<< /Type /Annot /Subtype /Widget /FT /Tx /Ff 8192 /T (secret) /V (hunter2) /Rect [200 650 400 670] /P 3 0 R /F 4 >>",
		"<< /Type /Annot /Subtype /FreeText /Contents (Check with operations) /Rect [300 590 500 610] /P 3 0 R /F 4 >>",
		"<< /Type /Annot /Subtype /Text /Contents (A note that opens) /Rect [500 590 520 610] /P 3 0 R /F 4 >>",
		"<< /Type /Annot /Subtype /Widget /Parent 12 0 R /Rect [200 560 400 580] /P 3 0 R /F 4 >>",
		"<< /FT /Tx /T (owner) /V (Ms Castellane) /Kids [11 0 R] >>",
	)
	got := describe(read(t, data))
	want := `title "", pages 1, language ""
1 body paragraph: Name of the system:
1 form paragraph: Payment hub
1 body paragraph: It is used by everybody.
1 annotation paragraph: Check with operations
1 form paragraph: Ms Castellane
`
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

func TestPagesThatAreTurnedReadUpright(t *testing.T) {
	content := show(12, 60, 700, "The first line of a page.") + show(12, 60, 685, "Another line below it.")
	for _, turn := range []int{0, 90, 180, 270} {
		src := read(t, onePage(content, fmt.Sprintf("/Rotate %d", turn)))
		if want := "The first line of a page.\n\nAnother line below it."; src.Body != strings.ReplaceAll(want, "\n\n", "\n") && src.Body != want {
			t.Errorf("turned by %d: %q", turn, src.Body)
		}
	}
}

func TestTextThatRunsUpThePageIsKept(t *testing.T) {
	content := show(12, 60, 700, "Upright text.") + "BT /F 12 Tf 0 1 -1 0 40 300 Tm (Along the edge) Tj ET\n"
	src := read(t, onePage(content, ""))
	if src.Body != "Upright text.\n\nAlong the edge" {
		t.Errorf("text %q", src.Body)
	}
}

func TestHostileDocumentsEndInAnErrorOrAText(t *testing.T) {
	outline := onePage(show(12, 60, 700, "A text."), "")
	outline = bytes.Replace(outline, []byte("/Pages 2 0 R  >>"), []byte("/Pages 2 0 R /Outlines 6 0 R >>"), 1)
	looping := rawPDF(
		"<< /Type /Catalog /Pages 2 0 R /Outlines 6 0 R >>",
		"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
		"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 600 800] /Contents 4 0 R /Resources << /Font << /F 5 0 R >> >> >>",
		stream("", show(12, 60, 700, "A text.")),
		"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
		"<< /First 7 0 R /Last 7 0 R /Count 1 >>",
		"<< /Title (Again) /Parent 6 0 R /First 7 0 R /Next 7 0 R >>",
	)
	tests := map[string]struct {
		data []byte
		text string // where it must be read
	}{
		"an outline that holds itself": {looping, "A text."},
		"pages that hold themselves": {rawPDF(
			"<< /Type /Catalog /Pages 2 0 R >>",
			"<< /Type /Pages /Kids [2 0 R 2 0 R] /Count 1000000 >>"), ""},
		"a page tree that says too much": {rawPDF(
			"<< /Type /Catalog /Pages 2 0 R >>",
			"<< /Type /Pages /Kids [3 0 R] /Count 2147483647 >>",
			"<< /Type /Page /Parent 2 0 R >>"), ""},
		"a stream that expands to 600 MB": {rawPDF(
			"<< /Type /Catalog /Pages 2 0 R >>",
			"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
			"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 600 800] /Contents 4 0 R >>",
			spaces(600)), ""},
		"an outline that is not there":           {outline, "A text."},
		"a cross-reference that leads to itself": {[]byte("%PDF-1.4\nxref\n0 1\n0000000000 65535 f \ntrailer\n<< /Size 1 /Root 1 0 R /Prev 9 >>\nstartxref\n9\n%%EOF\n"), ""},
	}
	reader := pdf.NewReader(pdf.Options{})
	defer reader.Close()
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			src, err := reader.Read(t.Context(), "x.pdf", bytes.NewReader(tt.data), int64(len(tt.data)), pdf.How{})
			switch {
			case tt.text != "" && (err != nil || !strings.Contains(src.Body, tt.text)):
				t.Errorf("text %q, error %v", src.Body, err)
			case tt.text == "" && err == nil && len(src.Blocks) == 0:
				t.Error("neither text nor error")
			}
			if err != nil {
				t.Log(err)
			}
		})
	}
	after := scan(t, "The reader still works.")
	if _, err := reader.Read(t.Context(), "x.pdf", bytes.NewReader(after), int64(len(after)), pdf.How{}); err != nil {
		t.Errorf("a good document after the bad ones: %v", err)
	}
}

func TestTheContextEndsTheReading(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	data := scan(t, "A text.")
	if _, err := pdf.Read(ctx, "x.pdf", bytes.NewReader(data), int64(len(data)), pdf.Options{}); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}

func TestACacheThatOthersMayWriteIsRefused(t *testing.T) {
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	data := scan(t, "A text.")
	_, err := pdf.Read(t.Context(), "x.pdf", bytes.NewReader(data), int64(len(data)), pdf.Options{CacheDir: dir})
	if !errors.Is(err, pdf.ErrCache) || !strings.Contains(err.Error(), dir) {
		t.Errorf("error %v", err)
	}
}

func TestTheEnvironmentNamesTheCache(t *testing.T) {
	// A file is no folder: the error shows which was taken.
	file := filepath.Join(t.TempDir(), "cache")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("BARTIZAN_PDF_CACHE", file)
	if err := pdf.Warm(""); !errors.Is(err, pdf.ErrCache) || !strings.Contains(err.Error(), file) {
		t.Errorf("error %v", err)
	}
}

func TestMorePagesThanTheLimit(t *testing.T) {
	data := scan(t, "One.", "Two.", "Three.")
	_, err := pdf.Read(t.Context(), "x.pdf", bytes.NewReader(data), int64(len(data)), pdf.Options{MaxPages: 2})
	if !errors.Is(err, pdf.ErrTooLarge) || !strings.Contains(err.Error(), "3 pages") {
		t.Errorf("error %v", err)
	}
}
