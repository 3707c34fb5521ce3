package office

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

// within puts text into so many tables, each of one cell.
func within(tables int, text string) string {
	return strings.Repeat("<w:tbl><w:tr><w:tc>", tables) + text + strings.Repeat("</w:tc></w:tr></w:tbl>", tables)
}

// What lies too deep is read as text in the place where it stands.
func TestReadFlattensWhatLiesTooDeep(t *testing.T) {
	two := p("", "One.") + p("", "Two.")
	box := func(text string) string {
		return "<w:p>" + run("Before.") + "<w:r><w:pict><v:shape><v:textbox><w:txbxContent>" + text + "</w:txbxContent></v:textbox></v:shape></w:pict></w:r></w:p>"
	}
	tests := []struct {
		name  string
		depth int
		body  string
		want  string
	}{
		{"nothing is too deep", 200, within(60, two), "One.\n\nTwo."},
		{"a paragraph", 2, two, "One.\n\nTwo."},
		{"a run in its paragraph", 3, two, "One.\n\nTwo."},
		{"the text of a run", 4, two, "One.\n\nTwo."},
		{"a table in a cell", 20, p("", "Zero.") + within(60, two) + p("", "Three."), "Zero.\n\nOne.\n\nTwo.\n\nThree."},
		{"a row", 18, within(60, two), "One.\n\nTwo."},
		{"a cell", 19, within(60, two), "One.\n\nTwo."},
		{"controls without end", 200, strings.Repeat("<w:sdt><w:sdtContent>", 300) + two + strings.Repeat("</w:sdtContent></w:sdt>", 300) + p("", "Three."), "One.\n\nTwo.\n\nThree."},
		{"a text box", 6, box(two), "Before.\nOne.\nTwo."},
		{"the paragraphs of a text box", 9, box(two), "Before.\n\nOne.\n\nTwo."},
		{"what was moved away or is a fallback", 2, "<w:p>" + run("One.") + "<w:moveFrom>" + run("Old.") + "</w:moveFrom><mc:AlternateContent><mc:Choice>" + run("New.") + "</mc:Choice><mc:Fallback>" + run("Plain.") + "</mc:Fallback></mc:AlternateContent></w:p>", "One.New."},
		{"a word in two runs", 3, para("", "", run("One ")+run("wo")+run("rd.")), "One word."},
		{"a tab", 4, para("", "", "<w:r><w:t>One.</w:t><w:tab/><w:t>Two.</w:t></w:r>"), "One. Two."},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s, err := readZip(t, file{body: tt.body}.zip(t), Options{MaxDepth: tt.depth})
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(tt.want, s.Body); d != "" {
				t.Errorf("text (-want +got):\n%s", d)
			}
			said := fmt.Sprintf("more than %d deep", tt.depth)
			told := len(s.Notices) == 1 && s.Notices[0].Kind == threatmodel.NoticeTruncated && strings.Contains(s.Notices[0].Text, said)
			if told != (tt.name != "nothing is too deep") {
				t.Errorf("notices %v", s.Notices)
			}
		})
	}
}

// A file of elements in elements costs no more than its size.
func TestReadIsNotHarmedByElementsWithoutEnd(t *testing.T) {
	s, err := readZip(t, file{stored: true, body: p("", "One.") + strings.Repeat("<w:customXml>", 200_000) + p("", "Two.") + strings.Repeat("</w:customXml>", 200_000)}.zip(t), Options{})
	if err != nil || s.Body != "One.\n\nTwo." {
		t.Errorf("text %.40q, error %v", s.Body, err)
	}
}

// A document type that only has a name is passed over, as in other formats.
func TestReadPassesOverADocumentTypeThatOnlyHasAName(t *testing.T) {
	s, err := readZip(t, zipOf(t, map[string]string{
		"[Content_Types].xml": "<x/>", "word/document.xml": `<?xml version="1.0"?><!DOCTYPE w:document><w:document ` + namespace + "><w:body>" + p("", "One.") + "</w:body></w:document>",
	}), Options{})
	if err != nil || s.Body != "One." {
		t.Errorf("text %q, error %v", s.Body, err)
	}
}
