package office

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bartizan-security/bartizan/internal/extract/sourcetest"
	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

const namespace = `xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"` +
	` xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"` +
	` xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006"` +
	` xmlns:wp="http://schemas.openxmlformats.org/drawingml/2006/wordprocessingDrawing"` +
	` xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main"` +
	` xmlns:pic="http://schemas.openxmlformats.org/drawingml/2006/picture"` +
	` xmlns:dgm="http://schemas.openxmlformats.org/drawingml/2006/diagram"` +
	` xmlns:m="http://schemas.openxmlformats.org/officeDocument/2006/math"` +
	` xmlns:o="urn:schemas-microsoft-com:office:office"` +
	` xmlns:wps="http://schemas.microsoft.com/office/word/2010/wordprocessingShape"` +
	` xmlns:v="urn:schemas-microsoft-com:vml"`

// file is a Word document that a test makes: its text, and further parts by
// the kind of their relation.
type file struct {
	body  string
	parts map[string]string
	// links are targets of links, by id.
	links map[string]string
	// stored leaves the parts uncompressed, which takes less time.
	stored bool
}

const stylesPart = `
<w:style w:type="paragraph" w:default="1" w:styleId="Standard"><w:name w:val="Normal"/></w:style>
<w:style w:type="paragraph" w:styleId="berschrift1"><w:name w:val="heading 1"/><w:pPr><w:outlineLvl w:val="0"/></w:pPr></w:style>
<w:style w:type="paragraph" w:styleId="Section"><w:name w:val="Section head"/><w:basedOn w:val="berschrift1"/><w:pPr><w:outlineLvl w:val="1"/></w:pPr></w:style>
<w:style w:type="paragraph" w:styleId="Deep"><w:name w:val="Deep"/><w:basedOn w:val="Section"/></w:style>
<w:style w:type="paragraph" w:styleId="Num1"><w:name w:val="Numbered head"/><w:basedOn w:val="berschrift1"/><w:pPr><w:numPr><w:numId w:val="2"/></w:numPr></w:pPr></w:style>
<w:style w:type="paragraph" w:styleId="Num2"><w:name w:val="Numbered head 2"/><w:basedOn w:val="Num1"/><w:pPr><w:outlineLvl w:val="1"/></w:pPr></w:style>
<w:style w:type="paragraph" w:styleId="Titel"><w:name w:val="Title"/></w:style>
<w:style w:type="paragraph" w:styleId="Verzeichnis1"><w:name w:val="toc 1"/></w:style>
<w:style w:type="paragraph" w:styleId="Beschriftung"><w:name w:val="caption"/></w:style>
<w:style w:type="paragraph" w:styleId="Code"><w:name w:val="HTML Preformatted"/></w:style>
<w:style w:type="paragraph" w:styleId="Listenabsatz"><w:name w:val="List Paragraph"/></w:style>
<w:style w:type="paragraph" w:styleId="Loop"><w:name w:val="Loop"/><w:basedOn w:val="Loop"/></w:style>
<w:style w:type="table" w:styleId="Blau"><w:name w:val="Light List Accent 1"/></w:style>`

const numberingPart = `
<w:abstractNum w:abstractNumId="0"><w:lvl w:ilvl="0"><w:numFmt w:val="bullet"/><w:lvlText w:val="&#xf0b7;"/></w:lvl><w:lvl w:ilvl="1"><w:numFmt w:val="bullet"/><w:lvlText w:val="o"/></w:lvl></w:abstractNum>
<w:abstractNum w:abstractNumId="1"><w:lvl w:ilvl="0"><w:start w:val="1"/><w:numFmt w:val="decimal"/><w:pStyle w:val="Num1"/><w:lvlText w:val="%1"/></w:lvl><w:lvl w:ilvl="1"><w:start w:val="1"/><w:numFmt w:val="decimal"/><w:pStyle w:val="Num2"/><w:lvlText w:val="%1.%2"/></w:lvl></w:abstractNum>
<w:abstractNum w:abstractNumId="2"><w:lvl w:ilvl="0"><w:start w:val="3"/><w:numFmt w:val="decimal"/><w:lvlText w:val="%1."/></w:lvl><w:lvl w:ilvl="1"><w:start w:val="1"/><w:numFmt w:val="lowerLetter"/><w:lvlText w:val="%2)"/></w:lvl><w:lvl w:ilvl="2"><w:start w:val="1"/><w:numFmt w:val="upperRoman"/><w:isLgl/><w:lvlText w:val="%1.%2.%3"/></w:lvl></w:abstractNum>
<w:num w:numId="1"><w:abstractNumId w:val="0"/></w:num>
<w:num w:numId="2"><w:abstractNumId w:val="1"/></w:num>
<w:num w:numId="3"><w:abstractNumId w:val="2"/></w:num>
<w:num w:numId="4"><w:abstractNumId w:val="2"/><w:lvlOverride w:ilvl="0"><w:startOverride w:val="1"/></w:lvlOverride></w:num>`

var roots = map[string]string{
	"styles": "w:styles", "numbering": "w:numbering", "footnotes": "w:footnotes", "endnotes": "w:endnotes",
	"comments": "w:comments", "header": "w:hdr", "footer": "w:ftr", "diagramData": "dgm:dataModel",
}

func (f file) zip(t testing.TB) []byte {
	t.Helper()
	var rels strings.Builder
	members := map[string]string{
		"[Content_Types].xml": `<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Override PartName="/word/document.xml" ContentType="application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"/></Types>`,
		"_rels/.rels":         `<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="a" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="word/document.xml"/></Relationships>`,
		"word/document.xml":   `<?xml version="1.0" encoding="UTF-8"?><w:document ` + namespace + `><w:body>` + f.body + `</w:body></w:document>`,
	}
	all := map[string]string{"styles": stylesPart, "numbering": numberingPart}
	for kind, text := range f.parts {
		all[kind] = text
	}
	for kind, text := range all {
		root := roots[strings.TrimRight(kind, "0123456789")]
		members["word/"+kind+".xml"] = "<" + root + " " + namespace + ">" + text + "</" + root + ">"
		fmt.Fprintf(&rels, `<Relationship Id="%s" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/%s" Target="%s.xml"/>`, kind, strings.TrimRight(kind, "0123456789"), kind)
	}
	for id, target := range f.links {
		fmt.Fprintf(&rels, `<Relationship Id="%s" Type="http://x/hyperlink" Target="%s" TargetMode="External"/>`, id, target)
	}
	members["word/_rels/document.xml.rels"] = `<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">` + rels.String() + `</Relationships>`
	if f.stored {
		return pack(t, zip.Store, members)
	}
	return zipOf(t, members)
}

func zipOf(t testing.TB, members map[string]string) []byte {
	t.Helper()
	return pack(t, zip.Deflate, members)
}

func pack(t testing.TB, method uint16, members map[string]string) []byte {
	t.Helper()
	var buf bytes.Buffer
	w := zip.NewWriter(&buf)
	for name, text := range members {
		m, err := w.CreateHeader(&zip.FileHeader{Name: name, Method: method})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := m.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

func readZip(t testing.TB, data []byte, opt Options) (threatmodel.Source, error) {
	t.Helper()
	zr, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	s, err := Read(threatmodel.Document{Name: "test.docx"}, zr, opt)
	if err != nil {
		return s, err
	}
	if err := sourcetest.Check(s, 0); err != nil {
		t.Fatal(err)
	}
	return s, nil
}

func (f file) read(t testing.TB) threatmodel.Source {
	t.Helper()
	s, err := readZip(t, f.zip(t), Options{})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// p is a paragraph of a style, with properties and runs of text as they are.
func p(style, text string) string { return para(style, "", run(text)) }

func para(style, props, content string) string {
	if style != "" {
		props = `<w:pStyle w:val="` + style + `"/>` + props
	}
	return `<w:p><w:pPr>` + props + `</w:pPr>` + content + `</w:p>`
}

func run(text string) string {
	return `<w:r><w:t xml:space="preserve">` + text + `</w:t></w:r>`
}

func item(list, level int, text string) string {
	return para("", fmt.Sprintf(`<w:numPr><w:ilvl w:val="%d"/><w:numId w:val="%d"/></w:numPr>`, level, list), run(text))
}

func cell(props, text string) string {
	return `<w:tc><w:tcPr>` + props + `</w:tcPr>` + p("", text) + `</w:tc>`
}

func tr(props string, cells ...string) string {
	return `<w:tr><w:trPr>` + props + `</w:trPr>` + strings.Join(cells, "") + `</w:tr>`
}

func tbl(rows ...string) string { return `<w:tbl>` + strings.Join(rows, "") + `</w:tbl>` }

// show renders a block in one line.
func show(s threatmodel.Source, b threatmodel.Block) string {
	var out strings.Builder
	out.WriteString(string(b.Kind))
	if b.Level > 0 {
		fmt.Fprintf(&out, " %d", b.Level)
	}
	if b.Role != threatmodel.RoleBody {
		fmt.Fprintf(&out, " %s", b.Role)
	}
	if b.Header {
		out.WriteString(" header")
	}
	start := strings.LastIndexByte(s.Body[:b.Locator.ByteStart], '\n') + 1
	if marker := s.Body[start:b.Locator.ByteStart]; marker != "" {
		fmt.Fprintf(&out, " after %q", marker)
	}
	fmt.Fprintf(&out, " %q", b.Text)
	return out.String()
}

func TestRead(t *testing.T) {
	tests := []struct {
		name string
		file file
		want []string
	}{
		{
			"headings come from outline levels, also inherited, and from names of any language",
			file{body: p("berschrift1", "One") + p("Section", "Two") + p("Deep", "Three") + p("Überschrift 4", "Four") + para("", `<w:outlineLvl w:val="2"/>`, run("Five")) + para("Deep", `<w:outlineLvl w:val="9"/>`, run("Six"))},
			[]string{`heading 1 "One"`, `heading 2 "Two"`, `heading 2 "Three"`, `heading 4 "Four"`, `heading 3 "Five"`, `paragraph "Six"`},
		},
		{
			"a style that is based on itself ends",
			file{body: p("Loop", "Text.")},
			[]string{`paragraph "Text."`},
		},
		{
			"headings show their number",
			file{body: p("Num1", "One") + p("Num2", "Sub") + p("Num2", "Sub") + p("Num1", "Two") + p("Num2", "Sub")},
			[]string{`heading 1 after "1 " "One"`, `heading 2 after "1.1 " "Sub"`, `heading 2 after "1.2 " "Sub"`, `heading 1 after "2 " "Two"`, `heading 2 after "2.1 " "Sub"`},
		},
		{
			"lists show the numbers that are printed",
			file{body: item(3, 0, "a") + item(3, 1, "b") + item(3, 1, "c") + item(3, 2, "d") + item(3, 0, "e") + item(3, 1, "f") + p("", "between") + item(3, 0, "g") + item(4, 0, "h")},
			[]string{
				`list_item 1 after "3. " "a"`, `list_item 2 after "  a) " "b"`, `list_item 2 after "  b) " "c"`, `list_item 3 after "    3.2.1 " "d"`,
				`list_item 1 after "4. " "e"`, `list_item 2 after "  a) " "f"`, `paragraph "between"`, `list_item 1 after "5. " "g"`, `list_item 1 after "1. " "h"`,
			},
		},
		{
			"bullets are bullets, and what stands in the list without one goes on with it",
			file{body: item(1, 0, "one") + item(1, 1, "two") + p("Listenabsatz", "more") + item(1, 0, "three") + para("", `<w:numPr><w:numId w:val="0"/></w:numPr>`, run("end"))},
			[]string{`list_item 1 after "- " "one"`, `list_item 2 after "  - " "two"`, `paragraph after "    " "more"`, `list_item 1 after "- " "three"`, `paragraph "end"`},
		},
		{
			"table cells that span and merge keep their columns",
			file{body: tbl(
				tr(`<w:tblHeader/>`, cell("", "A"), cell("", "B"), cell("", "C")),
				tr("", cell(`<w:vMerge w:val="restart"/>`, "1"), cell(`<w:gridSpan w:val="2"/>`, "2")),
				tr("", cell(`<w:vMerge/>`, ""), cell("", "3"), cell("", "4")),
				tr(`<w:gridBefore w:val="1"/>`, cell("", "5"), cell("", "6")),
			)},
			[]string{`table_row header "A | B | C"`, `table_row "1 | 2 | "`, `table_row " | 3 | 4"`, `table_row " | 5 | 6"`},
		},
		{
			"numbers stand in table cells, also those of rows that nothing else stands for; bullets do not",
			file{body: tbl(
				tr("", `<w:tc>`+item(2, 0, "")+`</w:tc>`, `<w:tc>`+item(1, 0, "Keys rotate.")+`</w:tc>`),
				tr("", `<w:tc>`+item(2, 0, "")+`</w:tc>`, `<w:tc>`+item(2, 0, "Logs are kept.")+`</w:tc>`),
			) + item(2, 0, "") + item(2, 0, "last")},
			[]string{`table_row "1 | Keys rotate."`, `table_row "2 | 3 Logs are kept."`, `list_item 1 after "5 " "last"`},
		},
		{
			"a table look sets the first row apart, and bold text does",
			file{body: tbl(`<w:tblPr><w:tblStyle w:val="Blau"/><w:tblLook w:firstRow="1"/></w:tblPr>`, tr("", cell("", "A"), cell("", "B")), tr("", cell("", "c"), cell("", "d"))) +
				tbl(`<w:tblPr><w:tblStyle w:val="TableGrid"/><w:tblLook w:val="04A0"/></w:tblPr>`, tr("", cell("", "A"), cell("", "B"))) +
				tbl(tr("", strings.Repeat(`<w:tc><w:p><w:r><w:rPr><w:b/></w:rPr><w:t>H</w:t></w:r></w:p></w:tc>`, 2)))},
			[]string{`table_row header "A | B"`, `table_row "c | d"`, `table_row "A | B"`, `table_row header "H | H"`},
		},
		{
			"a table of one cell frames what stands in it",
			file{body: tbl(tr("", `<w:tc>`+p("", "One.")+item(1, 0, "two")+`</w:tc>`)) + p("", "After.")},
			[]string{`paragraph "One."`, `list_item 1 after "- " "two"`, `paragraph "After."`},
		},
		{
			"a text box is read once, after the paragraph that holds it",
			file{body: `<w:p>` + run("Anchor.") + `<w:r><mc:AlternateContent><mc:Choice Requires="wps"><w:drawing><wp:anchor><a:graphic><a:graphicData><wps:wsp><wps:txbx><w:txbxContent>` + p("", "In the box.") + `</w:txbxContent></wps:txbx></wps:wsp></a:graphicData></a:graphic></wp:anchor></w:drawing></mc:Choice>` +
				`<mc:Fallback><w:pict><v:shape><v:textbox><w:txbxContent>` + p("", "In the box.") + `</w:txbxContent></v:textbox></v:shape></w:pict></mc:Fallback></mc:AlternateContent></w:r>` + run(" On.") + `</w:p>` +
				`<w:p><w:r><w:pict><v:shape><v:textbox><w:txbxContent>` + p("", "Old box.") + `</w:txbxContent></v:textbox></v:shape></w:pict></w:r></w:p>`},
			[]string{`paragraph "Anchor. On."`, `paragraph "In the box."`, `paragraph "Old box."`},
		},
		{
			"notes stand where they are referred to, and comments are annotations",
			file{
				body: para("", "", run("Keys")+`<w:r><w:footnoteReference w:id="2"/></w:r>`+run(" rotate.")+`<w:r><w:endnoteReference w:id="2"/></w:r><w:commentRangeEnd w:id="0"/><w:r><w:commentReference w:id="0"/></w:r>`) + p("", "Next."),
				parts: map[string]string{
					"footnotes": `<w:footnote w:type="separator" w:id="0">` + p("", "no") + `</w:footnote><w:footnote w:id="2">` + p("", "By cron.") + `</w:footnote>`,
					"endnotes":  `<w:endnote w:id="2">` + p("", "In 2024.") + `</w:endnote>`,
					"comments":  `<w:comment w:id="0" w:author="Ann">` + p("", "Really?") + `</w:comment><w:comment w:id="9">` + p("", "Lost.") + `</w:comment>`,
				},
			},
			[]string{
				`paragraph "Keys rotate."`, `footnote after "[1] " "By cron."`, `paragraph annotation after "[comment, Ann] " "Really?"`,
				`paragraph "Next."`, `footnote after "[i] " "In 2024."`, `paragraph annotation after "[comment] " "Lost."`,
			},
		},
		{
			"insertions are text, deletions are annotations, moves are both",
			file{body: para("", "", run("Keys are ")+`<w:ins w:id="1">`+run("never ")+`</w:ins><w:del w:id="2"><w:r><w:delText xml:space="preserve">always </w:delText></w:r></w:del>`+run("shared.")) +
				`<w:p><w:moveFrom w:id="3">` + run("Moved.") + `</w:moveFrom></w:p><w:p><w:moveTo w:id="4">` + run("Moved.") + `</w:moveTo></w:p>`},
			[]string{`paragraph "Keys are never shared."`, `paragraph annotation after "[deleted] " "always"`, `paragraph annotation after "[deleted] " "Moved."`, `paragraph "Moved."`},
		},
		{
			"a paragraph whose end was deleted goes on with the next",
			file{body: para("", `<w:rPr><w:del w:id="1"/></w:rPr>`, run("One ")) + p("", "and two.")},
			[]string{`paragraph "One and two."`},
		},
		{
			"a deleted row is an annotation below its table",
			file{body: tbl(tr("", cell("", "a"), cell("", "b")), tr(`<w:del w:id="1"/>`, `<w:tc><w:p><w:del><w:r><w:delText>gone</w:delText></w:r></w:del></w:p></w:tc>`, cell("", "too"))) + p("", "x")},
			[]string{`table_row "a | b"`, `paragraph annotation after "[deleted] " "gone"`, `paragraph annotation after "[deleted] " "too"`, `paragraph "x"`},
		},
		{
			"headers and footers have their role, each text once",
			file{body: p("", "Text."), parts: map[string]string{
				"header1": p("", "Draft"), "header2": p("", "Draft"), "footer1": p("berschrift1", "Page 1"),
			}},
			[]string{`paragraph header "Draft"`, `paragraph "Text."`, `heading 1 footer "Page 1"`},
		},
		{
			"fields show their result, and their instruction never",
			file{body: para("", "", run("See ")+`<w:r><w:fldChar w:fldCharType="begin"/></w:r><w:r><w:instrText> REF x </w:instrText></w:r><w:r><w:fldChar w:fldCharType="begin"/></w:r>`+run("inner")+`<w:r><w:fldChar w:fldCharType="end"/></w:r><w:r><w:fldChar w:fldCharType="separate"/></w:r>`+run("section 2")+`<w:r><w:fldChar w:fldCharType="end"/></w:r>`+run(".")+`<w:fldSimple w:instr="PAGE">`+run(" 7")+`</w:fldSimple>`) +
				para("", "", `<w:r><w:fldChar w:fldCharType="begin"/></w:r>`+run("lost")) + p("", "Still here.")},
			[]string{`paragraph "See section 2. 7"`, `paragraph "Still here."`},
		},
		{
			"a table of contents is one by its control, its field or its style",
			file{body: `<w:sdt><w:sdtPr><w:docPartObj><w:docPartGallery w:val="Table of Contents"/></w:docPartObj></w:sdtPr><w:sdtContent>` + p("berschrift1", "Contents") + p("", "One 1") + `</w:sdtContent></w:sdt>` +
				para("", "", `<w:r><w:fldChar w:fldCharType="begin"/></w:r><w:r><w:instrText>TOC \o</w:instrText></w:r><w:r><w:fldChar w:fldCharType="separate"/></w:r>`+run("Two 2")) + para("", "", run("Three 3")+`<w:r><w:fldChar w:fldCharType="end"/></w:r>`) +
				p("Verzeichnis1", "Four 4") + p("", "Text.")},
			[]string{`paragraph toc "Contents"`, `paragraph toc "One 1"`, `paragraph toc "Two 2"`, `paragraph toc "Three 3"`, `paragraph toc "Four 4"`, `paragraph "Text."`},
		},
		{
			"controls show what was filled in, not their prompt",
			file{body: `<w:sdt><w:sdtPr/><w:sdtContent>` + p("", "Filled.") + `</w:sdtContent></w:sdt>` + para("", "", run("Owner: ")+`<w:sdt><w:sdtPr><w:showingPlcHdr/></w:sdtPr><w:sdtContent>`+run("Click here")+`</w:sdtContent></w:sdt><w:sdt><w:sdtContent>`+run("Ann")+`</w:sdtContent></w:sdt>`)},
			[]string{`paragraph "Filled."`, `paragraph "Owner: Ann"`},
		},
		{
			"an image is listed with its alternative text",
			file{body: `<w:p><w:r><w:drawing><wp:inline><wp:docPr id="1" name="Picture 1" descr="The  zones"/><a:graphic><a:graphicData><pic:pic/></a:graphicData></a:graphic></wp:inline></w:drawing></w:r></w:p>` + p("Beschriftung", "Figure 1: zones")},
			[]string{`image "The zones"`, `caption "Figure 1: zones"`},
		},
		{
			"lines of code are one block, with their blanks",
			file{body: p("Code", "a:") + p("Code", "  b: 1") + p("", "Text.")},
			[]string{"code \"a:\\n  b: 1\"", `paragraph "Text."`},
		},
		{
			"a diagram in code is read",
			file{body: p("Code", "graph LR") + p("Code", "  a[Web] --&gt; b[(DB)]")},
			[]string{"diagram \"graph LR\\n  a[Web] --> b[(DB)]\""},
		},
		{
			"hidden text is not shown, breaks break, odd blanks are blanks",
			file{body: para("", "", `<w:r><w:rPr><w:vanish/></w:rPr><w:t>secret</w:t></w:r><w:r><w:t>a</w:t><w:br/><w:t>b</w:t><w:tab/><w:t>c&#160;d&#173;e</w:t><w:noBreakHyphen/><w:sym w:font="Wingdings" w:char="F0FC"/></w:r>`)},
			[]string{"paragraph \"a\\nb\\tc de-✓\""},
		},
		{
			"formulas and old checkboxes are text",
			file{body: para("", "", `<m:oMath><m:r><m:t>x=1</m:t></m:r></m:oMath>`) + para("", "", `<w:r><w:fldChar w:fldCharType="begin"><w:ffData><w:checkBox><w:default w:val="0"/><w:checked/></w:checkBox></w:ffData></w:fldChar></w:r><w:r><w:fldChar w:fldCharType="end"/></w:r>`+run("TLS"))},
			[]string{`paragraph "x=1"`, `paragraph "[x] TLS"`},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := tt.file.read(t)
			var got []string
			for _, b := range s.Blocks {
				got = append(got, show(s, b))
			}
			if d := cmp.Diff(tt.want, got); d != "" {
				t.Errorf("blocks (-want +got):\n%s", d)
			}
		})
	}
}

func TestDrawingsOfPartsAreRead(t *testing.T) {
	f := file{
		body:  `<w:p><w:r><w:drawing><wp:inline><a:graphic><a:graphicData><dgm:relIds r:dm="diagramData1"/></a:graphicData></a:graphic></wp:inline></w:drawing></w:r></w:p>`,
		parts: map[string]string{"diagramData1": `<dgm:pt><dgm:t><a:p><a:r><a:t>Web</a:t></a:r></a:p></dgm:t></dgm:pt><dgm:pt><dgm:t><a:p/></dgm:t></dgm:pt><dgm:pt><dgm:t><a:p><a:r><a:t>Queue</a:t></a:r></a:p></dgm:t></dgm:pt>`},
	}
	if got := f.read(t).Body; got != "Web\n\nQueue" {
		t.Errorf("text %q", got)
	}
}

func TestTitle(t *testing.T) {
	if got := (file{body: p("Titel", "The Plan") + p("berschrift1", "Scope")}).read(t).Title; got != "The Plan" {
		t.Errorf("title %q", got)
	}
	if got := (file{body: p("berschrift1", "Scope")}).read(t).Title; got != "Scope" {
		t.Errorf("title %q", got)
	}
}

func TestLinksToFilesAreKept(t *testing.T) {
	s := file{
		body:  para("", "", run("See ")+`<w:hyperlink r:id="l1">`+run("the keys")+`</w:hyperlink> <w:hyperlink r:id="l2">`+run("web")+`</w:hyperlink>`),
		links: map[string]string{"l1": "../keys.docx", "l2": "https://user:pw@x.example/"},
	}.read(t)
	want := []threatmodel.Link{{Start: 4, End: 12, Target: "../keys.docx"}}
	if d := cmp.Diff(want, s.Blocks[0].Links); d != "" {
		t.Error(d)
	}
}

func TestNotices(t *testing.T) {
	s := file{body: p("", "Text.") + `<w:altChunk/><w:p><w:r><w:object><v:shape><v:imagedata/></v:shape><o:OLEObject ProgID="Visio.Drawing.15"/></w:object></w:r></w:p>`}.read(t)
	if len(s.Notices) != 2 || !strings.Contains(s.Notices[0].Text, "embedded object") || !strings.Contains(s.Notices[1].Text, "another file") {
		t.Errorf("notices %v", s.Notices)
	}
}

func TestReadRefuses(t *testing.T) {
	withDocument := func(text string) []byte {
		return zipOf(t, map[string]string{"[Content_Types].xml": "<x/>", "word/document.xml": text})
	}
	bomb := `<!DOCTYPE w:document [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]><w:document ` + namespace + `><w:body>` + p("", "&b;") + `</w:body></w:document>`
	tests := []struct {
		name string
		data []byte
		opt  Options
		err  error
		says string
	}{
		{"entities that expand", withDocument(bomb), Options{}, ErrUnsafe, "entities of its own"},
		{"a part that expands without end", withDocument(strings.Repeat(" ", 3<<20)), Options{}, ErrUnsafe, "many times its size"},
		{"a document beyond the limit", file{body: p("", strings.Repeat("long text ", 1000))}.zip(t), Options{MaxBytes: 5000}, ErrTooLarge, "larger than the limit"},
		{"no text part", zipOf(t, map[string]string{"[Content_Types].xml": "<x/>", "word/styles.xml": "<x/>"}), Options{}, ErrDamaged, "no text part"},
		{"nothing but damage", withDocument("<w:document"), Options{}, ErrDamaged, "damaged"},
		{"no text", file{body: p("", "")}.zip(t), Options{}, ErrEmpty, "no text"},
		{"no text but that of another file", file{body: `<w:altChunk r:id="x"/>`}.zip(t), Options{}, ErrEmpty, "Open and save it in Word"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := readZip(t, tt.data, tt.opt)
			if !errors.Is(err, tt.err) || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("error %v, want %v that says %q", err, tt.err, tt.says)
			}
		})
	}
}

func TestReadKeepsWhatCameBeforeDamage(t *testing.T) {
	s := file{body: p("", "Sound.") + "</w:body></w:document>\x01<"}
	data := zipOf(t, map[string]string{"[Content_Types].xml": "<x/>", "word/document.xml": "<w:document " + namespace + "><w:body>" + s.body[:len(p("", "Sound."))] + "<w:p><w:r><w:t>Half"})
	got, err := readZip(t, data, Options{})
	if err != nil || !strings.HasPrefix(got.Body, "Sound.") {
		t.Fatalf("text %q, error %v", got.Body, err)
	}
	if len(got.Notices) != 1 || got.Notices[0].Kind != threatmodel.NoticeUnreadable || !strings.Contains(got.Notices[0].Text, "was not read") {
		t.Errorf("notices %v", got.Notices)
	}
}

func TestReadUTF16(t *testing.T) {
	var text bytes.Buffer
	text.WriteString("\xff\xfe")
	for _, c := range `<?xml version="1.0" encoding="UTF-16"?><w:document ` + namespace + `><w:body>` + p("", "Schlüssel") + `</w:body></w:document>` {
		text.Write([]byte{byte(c), byte(c >> 8)})
	}
	s, err := readZip(t, zipOf(t, map[string]string{"[Content_Types].xml": "<x/>", "word/document.xml": text.String()}), Options{})
	if err != nil || s.Body != "Schlüssel" {
		t.Errorf("text %q, error %v", s.Body, err)
	}
}

func TestKindOf(t *testing.T) {
	for _, tt := range []struct {
		member string
		want   Kind
	}{{"word/document.xml", Word}, {"xl/workbook.xml", Excel}, {"ppt/presentation.xml", PowerPoint}, {"docs/a.md", None}} {
		for _, types := range []bool{true, false} {
			members := map[string]string{tt.member: "<x/>"}
			want := None
			if types {
				members["[Content_Types].xml"], want = "<x/>", tt.want
			}
			data := zipOf(t, members)
			zr, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
			if err != nil {
				t.Fatal(err)
			}
			if got := KindOf(zr); got != want {
				t.Errorf("%s (types %v): %q, want %q", tt.member, types, got, want)
			}
		}
	}
}
