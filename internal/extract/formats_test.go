package extract_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bartizan-security/bartizan/internal/extract"
	"github.com/bartizan-security/bartizan/internal/extract/sourcetest"
)

// wordDocument is a small Word document.
func wordDocument(t *testing.T, paragraphs ...string) string {
	t.Helper()
	var body strings.Builder
	for _, p := range paragraphs {
		body.WriteString("<w:p><w:r><w:t>" + p + "</w:t></w:r></w:p>")
	}
	return string(zipOf(t,
		member{"[Content_Types].xml", `<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"/>`},
		member{"word/document.xml", `<w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"><w:body>` + body.String() + `</w:body></w:document>`},
	))
}

func TestReadWordDocumentsAndPagesInArchives(t *testing.T) {
	page := "<!doctype html><html><head><meta charset=iso-8859-1><title>Schl\xfcssel</title></head><body><nav>Home</nav><p>Schl\xfcssel\nrotieren.</p></body></html>"
	inner := zipOf(t, member{"plan.docx", wordDocument(t, "In an archive in an archive.")})
	r := readBytes(t, "given", zipOf(t, member{"a.docx", wordDocument(t, "One.", "Two.")}, member{"b.html", page}, member{"c.zip", string(inner)}), extract.Options{})
	if len(r.errors) > 0 {
		t.Fatal(r.messages())
	}
	if d := cmp.Diff([]string{"a.docx", "b.html", "c.zip/plan.docx"}, r.names()); d != "" {
		t.Fatal(d)
	}
	for i, want := range []struct{ mediaType, title, body string }{
		{"application/vnd.openxmlformats-officedocument.wordprocessingml.document", "", "One.\n\nTwo."},
		{"text/html", "Schlüssel", "Home\n\nSchlüssel rotieren."},
		{"application/vnd.openxmlformats-officedocument.wordprocessingml.document", "", "In an archive in an archive."},
	} {
		doc := r.docs[i]
		if doc.MediaType != want.mediaType || doc.Title != want.title || doc.Body != want.body {
			t.Errorf("%s: %s, title %q, text %q; want %v", doc.Name, doc.MediaType, doc.Title, doc.Body, want)
		}
		if err := sourcetest.Check(doc, 0); err != nil {
			t.Errorf("%s: %v", doc.Name, err)
		}
		for _, b := range doc.Blocks {
			if lines := b.Locator.LineStart != nil; lines != (want.mediaType == "text/html") {
				t.Errorf("%s: block %q has lines: %v", doc.Name, b.Text, lines)
			}
		}
	}
}

func TestFormatKeepsTheBoxOfATask(t *testing.T) {
	r := readBytes(t, "a.md", []byte("- [x] TLS *now*\n- [ ] mTLS [a]\n"), extract.Options{})
	var out strings.Builder
	if err := extract.Format(&out, r.docs[0], "markdown"); err != nil {
		t.Fatal(err)
	}
	if want := "- [x] TLS now\n- [ ] mTLS \\[a\\]\n"; out.String() != want {
		t.Errorf("Markdown %q, want %q", out.String(), want)
	}
}
