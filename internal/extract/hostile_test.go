package extract_test

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/zlib"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bartizan-security/bartizan/internal/extract"
)

// Each document of these tests is made to do harm. It lies between two good
// ones, which are read whatever it does.

// small are limits that a test reaches quickly.
var small = extract.Limits{Bytes: 8 << 20, TextBytes: 8 << 20, Expanded: 16 << 20, Members: 50}

func TestHostileArchives(t *testing.T) {
	zeros := strings.Repeat("0", 4<<20)
	words := strings.Repeat("All work and no play makes Jack a dull boy. 0123456789 ", 60_000)
	tests := map[string]struct {
		data []byte
		kind extract.Kind
		says []string
	}{
		"a path that leads out of a zip file": {zipOf(t, member{"../../../tmp/x.md", "# X"}), extract.KindUnsafe, []string{"leads out of the archive", "unpack it by hand"}},
		"a path that leads out of a tar file": {tarGzOf(t, member{"a/../../x.md", "# X"}), extract.KindUnsafe, []string{"leads out of the archive"}},
		"a zip bomb":                          {zipOf(t, member{"x.md", zeros}), extract.KindUnsafe, []string{"x.md", "an archive bomb"}},
		"a bomb in zip files in a zip file": {
			zipOf(t, member{"1.zip", string(zipOf(t, member{"2.md", zeros}))}), extract.KindUnsafe, []string{"1.zip: 2.md", "an archive bomb"},
		},
		"zip files in zip files without end": {nested(t, 5), extract.KindUnsafe, []string{"more than 2 deep", "Unpack it first"}},
		"members that are the same bytes":    {overlapping(t, words, 40), extract.KindUnsafe, []string{`"00.md" and "01.md"`, "overlap", "unpack it by hand"}},
		"members within members":             {quoting(t, words, 40), extract.KindUnsafe, []string{"overlap", "unpack it by hand"}},
		"a Word document that overlaps":      {overlapping(t, words, 2, "[Content_Types].xml", "word/document.xml"), extract.KindUnsafe, []string{`"word/document.xml"`, "overlap"}},
		"an archive beyond the limit":        {zipOf(t, beyond()...), extract.KindUnsafe, []string{"expands beyond the limit"}},
		"a gzip bomb":                        {gzOf(t, []byte(zeros)), extract.KindUnsafe, []string{"an archive bomb"}},
		"more members than may be":           {zipOf(t, numbered(51)...), extract.KindTooLarge, []string{"51 members", "the limit of 50"}},
		"a method from long ago":             {imploded(t), extract.KindUnreadable, []string{"x.md", "a method that is not read (number 6)", "give the folder"}},
		"a size that is a lie":               {lying(t, "# X\n\nThe directory says that this is short."), extract.KindDamaged, []string{"x.md", "damaged or cut short"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			r := readPaths(t, extract.Options{Limits: small}, between(t, "m.zip", string(tt.data)))
			if len(r.docs) < 2 || r.docs[0].Name != "a.md" || r.docs[len(r.docs)-1].Name != "z.md" {
				t.Errorf("documents %v", r.names())
			}
			theError(t, r, tt.kind, "m.zip", tt.says...)
		})
	}
}

func nested(t *testing.T, depth int) []byte {
	data := zipOf(t, member{"x.md", "# X"})
	for range depth {
		data = zipOf(t, member{"x.zip", string(data)})
	}
	return data
}

func numbered(n int) []member {
	var all []member
	for i := range n {
		all = append(all, member{fmt.Sprintf("%d.md", i), "# X"})
	}
	return all
}

// beyond are members that are each within all limits and not together.
func beyond() []member {
	var all []member
	for i := range 20 {
		all = append(all, member{fmt.Sprintf("%02d.md", i), strings.Repeat("text ", 200_000)})
	}
	return all
}

// lying is a zip file whose directory understates the size of a member.
func lying(t *testing.T, text string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	f, err := w.CreateRaw(&zip.FileHeader{Name: "x.md", Method: zip.Store, UncompressedSize64: 4, CompressedSize64: uint64(len(text)), CRC32: crc32.ChecksumIEEE([]byte(text))})
	if err == nil {
		_, err = f.Write([]byte(text))
	}
	if err := errors.Join(err, w.Close()); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// imploded is an archive whose member says that it is packed by a method that
// none of today's programs packs by.
func imploded(t *testing.T) []byte {
	t.Helper()
	const method, local, central = 6, 8, 10
	data := zipOf(t, member{"x.md", "# X"})
	data[local] = method
	data[bytes.Index(data, []byte("PK\x01\x02"))+central] = method
	return data
}

func TestLinksInArchivesAreNotFollowed(t *testing.T) {
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	err := errors.Join(
		w.WriteHeader(&tar.Header{Name: "passwd.md", Typeflag: tar.TypeSymlink, Linkname: "/etc/passwd"}),
		w.WriteHeader(&tar.Header{Name: "hard.md", Typeflag: tar.TypeLink, Linkname: "/etc/passwd"}),
		w.WriteHeader(&tar.Header{Name: "device.md", Typeflag: tar.TypeChar}),
		w.Close(),
	)
	if err != nil {
		t.Fatal(err)
	}
	dir := between(t, "m.tar", b.String())
	summary := &extract.Summary{}
	r := readPaths(t, extract.Options{Summary: summary}, dir, filepath.Join(dir, "m.tar"))
	others(t, r)
	var skipped []string
	for _, s := range summary.Skipped {
		skipped = append(skipped, strings.TrimPrefix(s.Path, filepath.Join(dir, "m.tar"))+": "+s.Reason)
	}
	want := []string{": passwd.md: a symbolic link", ": hard.md: the file is empty", ": device.md: not a regular file", ": read already"}
	if d := cmp.Diff(want, skipped); d != "" {
		t.Errorf("passed over (-want +got):\n%s", d)
	}
}

func TestHostileXML(t *testing.T) {
	const page = `<hibernate-generic datetime="2024-01-01 00:00:00"><object class="Page" package="com.atlassian.confluence.pages"><id name="id">1</id>` +
		`<property name="title"><![CDATA[T]]></property><property name="contentStatus"><![CDATA[current]]></property></object></hibernate-generic>`
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte("hunter2"), 0o600); err != nil {
		t.Fatal(err)
	}
	laughs := `<!DOCTYPE x [<!ENTITY a0 "ha">`
	for i := range 30 {
		laughs += fmt.Sprintf(`<!ENTITY a%d "&a%d;&a%d;&a%d;&a%d;">`, i+1, i, i, i, i)
	}
	tests := map[string]string{
		"an entity that is a file": `<?xml version="1.0"?><!DOCTYPE x [<!ENTITY e SYSTEM "file://` + secret + `">]>` + strings.Replace(page, "[T]", "[T]]>&e;<![CDATA[", 1),
		"entities from a network":  `<?xml version="1.0"?><!DOCTYPE x [<!ENTITY % e SYSTEM "http://127.0.0.1:9/x.dtd"> %e;]>` + page,
		"entities that multiply":   `<?xml version="1.0"?>` + laughs + "]>" + strings.Replace(page, "<![CDATA[T]]>", "&a30;", 1),
		"elements in elements":     strings.Replace(page, "</object>", strings.Repeat("<element>", 100_000)+"</object>", 1),
	}
	for name, text := range tests {
		t.Run(name, func(t *testing.T) {
			r := readPaths(t, extract.Options{}, between(t, "m.zip", string(zipOf(t, member{"entities.xml", text}))))
			others(t, r)
			theError(t, r, extract.KindUnsafe, "m.zip", "Nothing was fetched from outside")
			if strings.Contains(r.messages(), "hunter2") {
				t.Error("the file was read")
			}
		})
	}
}

// hostilePDF puts objects together into a PDF; the first is the catalog.
func hostilePDF(objects ...string) string {
	var b bytes.Buffer
	b.WriteString("%PDF-1.7\n")
	var offsets []int
	for i, o := range objects {
		offsets = append(offsets, b.Len())
		fmt.Fprintf(&b, "%d 0 obj\n%s\nendobj\n", i+1, o)
	}
	start := b.Len()
	fmt.Fprintf(&b, "xref\n0 %d\n0000000000 65535 f \n", len(objects)+1)
	for _, o := range offsets {
		fmt.Fprintf(&b, "%010d 00000 n \n", o)
	}
	fmt.Fprintf(&b, "trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n", len(objects)+1, start)
	return b.String()
}

func streamOf(dict, data string) string {
	return fmt.Sprintf("<< %s /Length %d >>\nstream\n%s\nendstream", dict, len(data), data)
}

// bombOf is a compressed stream that expands to so many megabytes.
func bombOf(t *testing.T, dict string, megabytes int) string {
	t.Helper()
	var b bytes.Buffer
	w := zlib.NewWriter(&b)
	piece := bytes.Repeat([]byte{' '}, 1<<20)
	for range megabytes {
		if _, err := w.Write(piece); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return streamOf(dict+" /Filter /FlateDecode", b.String())
}

// pageWith is a PDF of one page that says "A text.", with more in its catalog,
// its page and its font, and objects from number 6 on.
func pageWith(catalog, page, font string, more ...string) string {
	return hostilePDF(append([]string{
		"<< /Type /Catalog /Pages 2 0 R " + catalog + " >>",
		"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
		"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 600 800] /Contents 4 0 R /Resources << /Font << /F 5 0 R >> >> " + page + " >>",
		streamOf("", "BT /F 12 Tf 60 700 Td (A text.) Tj ET"),
		"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica " + font + " >>",
	}, more...)...)
}

func TestHostilePDFs(t *testing.T) {
	mark := filepath.Join(t.TempDir(), "launched")
	const text = "A text."
	tests := map[string]struct {
		data string
		kind extract.Kind // empty where it is read
	}{
		"an outline that holds itself": {pageWith("/Outlines 6 0 R", "", "", "<< /First 7 0 R /Last 7 0 R /Count 1 >>", "<< /Title (Again) /Parent 6 0 R /First 7 0 R /Next 7 0 R >>"), ""},
		"a form that holds itself": {pageWith("/AcroForm << /Fields [6 0 R] >>", "/Annots [6 0 R]", "",
			"<< /Type /Annot /Subtype /Widget /FT /Tx /T (a) /V (b) /Rect [0 0 9 9] /Parent 6 0 R /Kids [6 0 R] >>"), ""},
		"a page tree that holds itself":          {hostilePDF("<< /Type /Catalog /Pages 2 0 R >>", "<< /Type /Pages /Kids [2 0 R 2 0 R] /Count 100000 >>"), extract.KindTooLarge},
		"a page that is its own parent":          {hostilePDF("<< /Type /Catalog /Pages 2 0 R >>", "<< /Type /Pages /Kids [2 0 R] /Count 1 /Parent 2 0 R >>"), extract.KindEmpty},
		"a drawing that draws itself":            {pageWith("", "/Contents 6 0 R /Resources << /XObject << /X 7 0 R >> /Font << /F 5 0 R >> >>", "", streamOf("", "BT /F 12 Tf 60 700 Td (A text.) Tj ET /X Do"), streamOf("/Type /XObject /Subtype /Form /BBox [0 0 9 9] /Resources << /XObject << /X 7 0 R >> >>", "/X Do /X Do")), extract.KindUnsafe},
		"a stream that expands to 700 MB":        {pageWith("", "/Contents 6 0 R", "", bombOf(t, "", 700)), extract.KindUnsafe},
		"a font that expands to 700 MB":          {pageWith("", "", "/FirstChar 32 /LastChar 32 /Widths [500] /FontDescriptor 6 0 R", "<< /Type /FontDescriptor /FontName /X /Flags 32 /FontFile 7 0 R >>", bombOf(t, "/Length1 734003200", 700)), extract.KindUnsafe},
		"a map of characters that expands":       {pageWith("", "", "/ToUnicode 6 0 R", bombOf(t, "", 700)), extract.KindUnsafe},
		"a script that runs when it is opened":   {pageWith("/OpenAction << /S /JavaScript /JS (while \\(true\\) {}; app.launchURL\\('http://127.0.0.1:9/'\\)) >>", "", ""), ""},
		"a program to launch":                    {pageWith("/OpenAction << /S /Launch /F (/usr/bin/touch) /Unix << /F (/usr/bin/touch) /P ("+mark+") >> >>", "/AA << /O << /S /Launch /F ("+mark+") >> >>", ""), ""},
		"a file to open and a form to send":      {pageWith("/OpenAction << /S /SubmitForm /F (http://127.0.0.1:9/) >>", "/AA << /O << /S /GoToR /F (/etc/passwd) >> >>", ""), ""},
		"a stream that lies in a file elsewhere": {pageWith("", "/Contents 6 0 R", "", streamOf("/F (/etc/passwd)", "")), ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			r := readPaths(t, extract.Options{}, between(t, "m.pdf", tt.data))
			switch {
			case tt.kind != "":
				others(t, r)
				theError(t, r, tt.kind, "m.pdf", "PDF")
			case strings.Contains(name, "elsewhere"):
				others(t, r)
				theError(t, r, extract.KindEmpty, "m.pdf", "no page has text")
			default:
				others(t, r, "m.pdf")
				if len(r.docs) == 3 && !strings.Contains(r.docs[1].Body, text) {
					t.Errorf("text %q", r.docs[1].Body)
				}
			}
			if _, err := os.Stat(mark); err == nil {
				t.Error("a program was launched")
			}
			if strings.Contains(r.messages(), "root:") {
				t.Error("a file was read")
			}
		})
	}
}

func TestContentDecidesAgainstEveryName(t *testing.T) {
	pdf := string(pdfOf(t, "", "The text of a page."))
	archive := string(zipOf(t, member{"inside.md", "# Inside"}))
	tests := map[string]struct {
		name, data string
		want       []string // documents
		kind       extract.Kind
		says       string
	}{
		"an image that is called Markdown":      {"m.md", "\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR", nil, extract.KindNotDocument, "a PNG image"},
		"a program that is called a PDF":        {"m.pdf", "\x7fELF\x02\x01\x01\x00", nil, extract.KindNotDocument, "a program"},
		"a PDF that is called Markdown":         {"m.md", pdf, []string{"m.md"}, "", ""},
		"Markdown that is called a PDF":         {"m.pdf", "# A plan\n\nWith `code`.", []string{"m.pdf"}, "", ""},
		"a zip file that is called text":        {"m.txt", archive, []string{"inside.md"}, "", ""},
		"a PDF with a zip file behind it":       {"m.zip", pdf + archive, []string{"m.zip"}, "", ""},
		"a zip file with the header of a PDF":   {"m.pdf", string(zipOf(t, member{"%PDF-1.7 inside.md", "# Inside"})), []string{"%PDF-1.7 inside.md"}, "", ""},
		"an image with a PDF behind it":         {"m.png", "\x89PNG\r\n\x1a\n" + strings.Repeat("\x00", 2000) + pdf, nil, extract.KindNotDocument, "a PNG image"},
		"a PDF behind bytes of something else":  {"m.bin", "\x00junk\n" + pdf, []string{"m.bin"}, "", ""},
		"text that speaks of the header of PDF": {"m.md", "# PDF\n\nA file begins with %PDF-1.7, and `%%EOF` ends it.", []string{"m.md"}, "", ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			dir := between(t, tt.name, tt.data)
			r := readPaths(t, extract.Options{}, filepath.Join(dir, "a.md"), filepath.Join(dir, tt.name), filepath.Join(dir, "z.md"))
			others(t, r, tt.want...)
			if tt.kind != "" {
				theError(t, r, tt.kind, tt.name, tt.says)
			} else if len(r.errors) > 0 {
				t.Errorf("errors: %s", r.messages())
			}
		})
	}
}

func TestHostileText(t *testing.T) {
	tests := map[string]struct{ data, notice string }{
		"one line of 6 MB":              {strings.Repeat("word ", 6<<20/5), ""},
		"one word of 6 MB":              {strings.Repeat("w", 6<<20), ""},
		"bytes that are no UTF-8":       {"# Design\n\nA good line.\nA bad one: \xff\xfe\xc3(\xa0\xa1.\n" + strings.Repeat("Good. ", 200), "UTF-8"},
		"a table of 25 million cells":   {strings.Repeat("|a", 5000) + "|\n" + strings.Repeat("|-", 5000) + "|\n" + strings.Repeat("|\n", 5000), ""},
		"lists in lists":                {deepList(3000), ""},
		"quotes in quotes":              {strings.Repeat(">", 100_000) + " a\n", ""},
		"brackets that never close":     {"# A\n\n" + strings.Repeat("[", 100_000) + strings.Repeat("![a](", 20_000), ""},
		"emphasis that never ends":      {"# A\n\n" + strings.Repeat("*a **b ", 50_000), ""},
		"links that refer to nothing":   {"# A\n\n" + strings.Repeat("[a][b]", 100_000), ""},
		"elements in elements":          {"<html><body>" + strings.Repeat("<div>", 100_000) + "A text.", ""},
		"a table in tables of HTML":     {"<html><body>" + strings.Repeat("<table><tr><td>", 20_000) + "A text.", ""},
		"spans that make a large table": {"<html><body><table><tr><td colspan=1000 rowspan=65534>A text.</td></tr>" + strings.Repeat("<tr><td colspan=1000>b</td></tr>", 1000) + "</table>", ""},
		"front matter that has no end":  {"---\n" + strings.Repeat("a: &a [*a, *a]\n", 20_000), ""},
		"characters that turn text":     {"# A\n\nThe \u202egnirts\u202c is turned, and \u001b[31mred\u001b[0m.", ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			r := readPaths(t, extract.Options{Limits: small}, between(t, "m.md", tt.data))
			if len(r.errors) > 0 {
				// It may be too much, and then says so.
				others(t, r)
				if e := r.errors[0]; len(r.errors) > 1 || e.Kind != extract.KindTooLarge && e.Kind != extract.KindUnsafe && e.Kind != extract.KindNotDocument || filepath.Base(e.Path) != "m.md" {
					t.Errorf("errors: %s", r.messages())
				}
				t.Log(r.messages())
				return
			}
			others(t, r, "m.md")
			doc := r.docs[1]
			if len(doc.Body) == 0 || strings.ContainsAny(doc.Body, "\x00\x1b") {
				t.Errorf("text of %d bytes, with control characters or none", len(doc.Body))
			}
			if tt.notice != "" && (len(doc.Notices) == 0 || !strings.Contains(doc.Notices[0].Text, tt.notice)) {
				t.Errorf("notices %v", doc.Notices)
			}
		})
	}
}

func deepList(depth int) string {
	var b strings.Builder
	for i := range depth {
		b.WriteString(strings.Repeat("  ", i) + "- item\n")
	}
	return b.String()
}
