package extract_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/jung-kurt/gofpdf"

	"github.com/bartizan-security/bartizan/internal/extract"
	"github.com/bartizan-security/bartizan/internal/extract/sourcetest"
	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

// pdfOf makes a PDF with a page for each text.
func pdfOf(t *testing.T, password string, texts ...string) []byte {
	t.Helper()
	p := gofpdf.New("P", "pt", "A4", "")
	if password != "" {
		p.SetProtection(0, password, password)
	}
	p.SetFont("Helvetica", "", 11)
	for _, text := range texts {
		p.AddPage()
		p.Text(60, 100, text)
	}
	var b bytes.Buffer
	if err := p.Output(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestAPDFIsADocumentLikeOthers(t *testing.T) {
	dir := write(t, t.TempDir(),
		member{"a.md", "# Gateway\n\nIt listens on port 8883.\n"},
		member{"b.dat", string(pdfOf(t, "", "The store keeps positions.", "It is not encrypted."))},
		member{"c.pdf", string(pdfOf(t, "", "A second document of the kind."))},
	)
	r := readPaths(t, extract.Options{}, dir)
	if len(r.errors) > 0 || len(r.docs) != 3 {
		t.Fatalf("documents %v, errors %v", r.names(), r.errors)
	}
	doc := r.docs[1]
	if err := sourcetest.Check(doc, 0); err != nil {
		t.Error(err)
	}
	if doc.Name != "b.dat" || doc.ID == "" || doc.MediaType != "application/pdf" || doc.Pages == nil || *doc.Pages != 2 || len(doc.SHA256) != 64 {
		t.Errorf("document %+v", doc.Document)
	}
	if doc.Body != "The store keeps positions.\n\nIt is not encrypted." {
		t.Errorf("text %q", doc.Body)
	}
	if l := doc.Blocks[1].Locator; l.Page == nil || *l.Page != 2 || l.LineStart != nil {
		t.Errorf("locator %+v", l)
	}
}

func TestAnEncryptedPDFSaysHowToOpenIt(t *testing.T) {
	dir := write(t, t.TempDir(), member{"a.pdf", string(pdfOf(t, "sesame", "Behind a password."))})
	tests := map[string]struct {
		password string
		says     string // empty where it opens
	}{
		"none":  {"", "the document is encrypted"},
		"wrong": {"open", "the password does not open"},
		"right": {"sesame", ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			r := readPaths(t, extract.Options{Password: tt.password}, dir)
			if tt.says == "" {
				if len(r.errors) > 0 || r.docs[0].Body != "Behind a password." {
					t.Errorf("documents %+v, errors %v", r.docs, r.errors)
				}
				return
			}
			if len(r.errors) != 1 || r.errors[0].Kind != extract.KindEncrypted ||
				!strings.Contains(r.errors[0].Error(), tt.says) || !strings.Contains(r.errors[0].Error(), "--password") {
				t.Errorf("errors %v", r.errors)
			}
		})
	}
}

func TestADamagedPDFDoesNotStopTheOthers(t *testing.T) {
	dir := write(t, t.TempDir(),
		member{"a.pdf", "%PDF-1.7\nand nothing more"},
		member{"b.pdf", string(pdfOf(t, "", "A good one."))},
	)
	r := readPaths(t, extract.Options{}, dir)
	if len(r.docs) != 1 || len(r.errors) != 1 || r.errors[0].Kind != extract.KindDamaged {
		t.Errorf("documents %v, errors %v", r.names(), r.errors)
	}
}

// The paper exists as PDF and as Markdown.
func TestAPDFHasTheHeadingsOfItsMarkdown(t *testing.T) {
	dir := os.Getenv("BARTIZAN_CORPUS")
	if dir == "" {
		t.Skip("BARTIZAN_CORPUS is not set")
	}
	const paper = "kubernetes-policy-management"
	r := readPaths(t, extract.Options{}, filepath.Join(dir, "pdf", paper+".pdf"), filepath.Join(dir, "markdown", paper+".md"))
	if len(r.docs) != 2 {
		t.Fatalf("documents %v, errors %v", r.names(), r.errors)
	}
	own, original := headings(r.docs[0]), headings(r.docs[1])
	same := 0
	for text, level := range original {
		if own[text] == level {
			same++
		}
	}
	// Of the original only the title of its contents is none.
	if same < len(original)-1 || len(own) > len(original)+1 {
		t.Errorf("%d of %d headings are found with their level; the PDF has %d: %v", same, len(original), len(own), own)
	}
	paragraphsInOrder(t, r.docs[0], r.docs[1])
	f := wordF1(r.docs[0].Body, r.docs[1].Body)
	t.Logf("%d of %d headings; word F1 %.3f", same, len(original), f)
	if f < 0.95 {
		t.Errorf("word F1 %.3f", f)
	}
}

// paragraphsInOrder checks that the paragraphs of the original stand in the PDF,
// one after the other, each whole in one block but for those that a page end
// cuts.
func paragraphsInOrder(t *testing.T, own, original extract.Document) {
	t.Helper()
	var blocks []string
	for _, b := range own.Blocks {
		if b.Role == threatmodel.RoleBody {
			blocks = append(blocks, letters(b.Text))
		}
	}
	all, found, whole, at := 0, 0, 0, 0
	for _, b := range original.Blocks {
		text := letters(b.Text)
		if b.Kind != threatmodel.BlockParagraph || b.Role != threatmodel.RoleBody || len(text) < 60 {
			continue
		}
		all++
		i := slices.IndexFunc(blocks[at:], func(s string) bool { return strings.HasPrefix(s, text[:40]) })
		if i < 0 {
			t.Logf("not found after block %d: %.80q", at, b.Text)
			continue
		}
		at += i
		found++
		if blocks[at] == text {
			whole++
		}
		at++
	}
	t.Logf("%d of %d paragraphs in order, %d of them word for word", found, all, whole)
	if found*100 < all*95 || whole*100 < all*80 {
		t.Errorf("%d of %d paragraphs in order, %d of them word for word", found, all, whole)
	}
}

// letters are the letters and digits of a text, in lower case.
func letters(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return unicode.ToLower(r)
		}
		return -1
	}, s)
}

// wordF1 is the harmonic mean of precision and recall of the words of a text.
func wordF1(got, want string) float64 {
	words := func(s string) []string {
		return strings.FieldsFunc(strings.ToLower(s), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
	}
	count := map[string]int{}
	for _, w := range words(want) {
		count[w]++
	}
	same := 0
	for _, w := range words(got) {
		if count[w] > 0 {
			count[w]--
			same++
		}
	}
	return 2 * float64(same) / float64(len(words(got))+len(words(want)))
}

func headings(doc extract.Document) map[string]int {
	out := map[string]int{}
	for _, b := range doc.Blocks {
		if b.Kind == threatmodel.BlockHeading && b.Role == threatmodel.RoleBody {
			out[strings.ToLower(strings.Join(strings.Fields(b.Text), " "))] = b.Level
		}
	}
	return out
}

// attached is a file that a PDF carries.
type attached struct{ name, data string }

// embed makes a PDF that carries files.
func embed(text string, files ...attached) string {
	names := ""
	var more []string
	for i, f := range files {
		names += fmt.Sprintf("(%d) %d 0 R ", i, 6+2*i)
		more = append(more,
			fmt.Sprintf("<< /Type /Filespec /F (%s) /UF (%s) /EF << /F %d 0 R /UF %d 0 R >> >>", f.name, f.name, 7+2*i, 7+2*i),
			fmt.Sprintf("<< /Type /EmbeddedFile /Length %d >>\nstream\n%s\nendstream", len(f.data), f.data))
	}
	content := fmt.Sprintf("BT /F 12 Tf 1 0 0 1 60 700 Tm (%s) Tj ET", text)
	objects := append([]string{
		"<< /Type /Catalog /Pages 2 0 R /Names << /EmbeddedFiles << /Names [" + names + "] >> >> >>",
		"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
		"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 600 800] /Contents 4 0 R /Resources << /Font << /F 5 0 R >> >> >>",
		fmt.Sprintf("<< /Length %d >>\nstream\n%s\nendstream", len(content), content),
		"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
	}, more...)
	var b, xref strings.Builder
	b.WriteString("%PDF-1.7\n")
	for i, o := range objects {
		fmt.Fprintf(&xref, "%010d 00000 n \n", b.Len())
		fmt.Fprintf(&b, "%d 0 obj\n%s\nendobj\n", i+1, o)
	}
	start := b.Len()
	fmt.Fprintf(&b, "xref\n0 %d\n0000000000 65535 f \n%strailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n",
		len(objects)+1, xref.String(), len(objects)+1, start)
	return b.String()
}

func TestWhatIsAttachedToAPDFIsADocumentBesideIt(t *testing.T) {
	note := attached{"notes.md", "# Notes\n\nThe gate keeps no log.\n"}
	inner := embed("The inner design.", attached{"deep.pdf", embed("Too deep.", note)}, note)
	outer := embed("The outer design.", attached{"inner.pdf", inner},
		note, attached{"logo.png", "\x89PNG\r\n\x1a\n"})
	dir := write(t, t.TempDir(), member{"outer.pdf", outer})
	var summary extract.Summary
	r := readPaths(t, extract.Options{Summary: &summary}, filepath.Join(dir, "outer.pdf"))
	if len(r.errors) > 0 {
		t.Fatal(r.errors)
	}
	want := "outer.pdf outer.pdf/inner.pdf outer.pdf/inner.pdf/deep.pdf outer.pdf/inner.pdf/notes.md outer.pdf/notes.md"
	if got := strings.Join(r.names(), " "); got != want {
		t.Fatalf("documents %s, want %s; passed over %v, notices %v", got, want, summary.Skipped, r.docs[0].Notices)
	}
	for i, doc := range r.docs {
		if err := sourcetest.Check(doc, 0); err != nil {
			t.Error(err)
		}
		if extract.Aside(doc) != (i > 0) || (doc.Parent == "") != (i == 0) {
			t.Errorf("%s: aside %v, parent %q", doc.Name, extract.Aside(doc), doc.Parent)
		}
		for _, b := range doc.Blocks {
			if (b.Role == threatmodel.RoleAttachment) != (i > 0) {
				t.Errorf("%s: %q has role %s", doc.Name, b.Text, b.Role)
			}
		}
	}
	if r.docs[2].Parent != r.docs[1].ID || r.docs[4].Parent != r.docs[0].ID {
		t.Errorf("parents %q and %q", r.docs[2].Parent, r.docs[4].Parent)
	}
	if n := r.docs[0].Notices; len(n) != 1 || !strings.Contains(n[0].Text, "notes.md") {
		t.Errorf("notices %+v", n)
	}
	var skipped []string
	for _, s := range summary.Skipped {
		skipped = append(skipped, s.Path+" "+s.Reason)
	}
	if all := strings.Join(skipped, "\n"); len(skipped) != 2 || !strings.Contains(all, "deep.pdf: notes.md attachments are nested more than 2 deep") || !strings.Contains(all, "logo.png") {
		t.Errorf("passed over: %s", all)
	}
}
