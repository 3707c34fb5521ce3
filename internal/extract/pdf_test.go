package extract_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

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
