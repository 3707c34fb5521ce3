package office

import (
	"archive/zip"
	"bytes"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/bartizan-security/bartizan/internal/extract/sourcetest"
	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

// pieces are what documents of the property test and the first inputs of the
// fuzz target are made of.
var pieces = []string{
	p("berschrift1", "Heading"), p("Num2", "Numbered"), p("", "Some words."), item(1, 0, "bullet"), item(3, 2, "deep"), item(4, 0, "anew"), p("Verzeichnis1", "One 1"), p("Code", "  x = 1"),
	tbl(tr(`<w:tblHeader/>`, cell("", "A"), cell("", "B")), tr("", cell(`<w:gridSpan w:val="9"/>`, "c")), tr(`<w:gridBefore w:val="3"/>`, cell(`<w:vMerge/>`, "d"))),
	tbl(tr("", `<w:tc>`+tbl(tr("", cell("", "in"), cell("", "ner")))+p("", "x")+`</w:tc>`, cell("", "y"))),
	`<w:p><w:r><w:fldChar w:fldCharType="begin"/></w:r><w:r><w:instrText>TOC</w:instrText></w:r><w:r><w:fldChar w:fldCharType="separate"/></w:r>` + run("toc") + `</w:p>`,
	`<w:p><w:r><w:fldChar w:fldCharType="end"/></w:r></w:p>`,
	`<w:p><w:ins>` + run("in") + `</w:ins><w:del><w:r><w:delText>out</w:delText></w:r></w:del></w:p>`,
	para("", `<w:rPr><w:del/></w:rPr>`, run("joined ")),
	`<w:p>` + run("note") + `<w:r><w:footnoteReference w:id="2"/><w:endnoteReference w:id="2"/><w:commentReference w:id="0"/></w:r></w:p>`,
	`<w:p><w:r><w:pict><v:shape><v:textbox><w:txbxContent>` + item(1, 0, "box") + `</w:txbxContent></v:textbox></v:shape></w:pict></w:r></w:p>`,
	`<w:sdt><w:sdtPr><w:docPartObj><w:docPartGallery w:val="Table of Contents"/></w:docPartObj></w:sdtPr><w:sdtContent>` + p("", "c") + `</w:sdtContent></w:sdt>`,
	`<w:p><w:r><w:drawing><wp:inline><wp:docPr descr="Zones"/><pic:pic/></wp:inline></w:drawing></w:r></w:p>`, `<w:altChunk/>`, "&#8203; &amp; &#x202e;", "<w:p>", "</w:p>", "<", "<!DOCTYPE x [<!ENTITY a 'b'>]>",
}

func fuzzed(t testing.TB, body string) []byte {
	t.Helper()
	return file{stored: true, body: body, parts: map[string]string{
		"footnotes": `<w:footnote w:id="2">` + p("", "foot") + `</w:footnote>`, "endnotes": `<w:endnote w:id="2">` + p("", "end") + `</w:endnote>`,
		"comments": `<w:comment w:id="0" w:author="A">` + p("", "hm") + `</w:comment>`, "header1": p("", "head"),
	}}.zip(t)
}

func check(t interface{ Fatalf(string, ...any) }, data []byte) {
	zr, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatalf("%v", err)
	}
	s, err := Read(threatmodel.Document{Name: "x.docx"}, zr, Options{MaxTableCells: 5000, MaxBytes: 1 << 20})
	if err != nil {
		return // refused, which is an answer
	}
	if err := sourcetest.Check(s, 0); err != nil {
		t.Fatalf("%v", err)
	}
}

func TestPropertyBlocksStandInTheText(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		body := strings.Join(rapid.SliceOfN(rapid.SampledFrom(pieces), 1, 10).Draw(rt, "pieces"), "")
		check(rt, fuzzed(t, body))
	})
}

func FuzzRead(f *testing.F) {
	for _, piece := range pieces {
		f.Add(piece, stylesPart, numberingPart)
	}
	f.Add(strings.Join(pieces[:16], ""), stylesPart, numberingPart)
	f.Fuzz(func(t *testing.T, body, styles, numbering string) {
		if len(body)+len(styles)+len(numbering) > 20_000 {
			t.Skip("long documents only take long")
		}
		check(t, file{stored: true, body: body, parts: map[string]string{
			"styles": styles, "numbering": numbering, "footnotes": `<w:footnote w:id="2">` + body + `</w:footnote>`,
			"comments": `<w:comment w:id="0">` + body + `</w:comment>`, "diagramData1": body,
		}}.zip(t))
	})
}
