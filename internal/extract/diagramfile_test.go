package extract_test

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"html"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bartizan-security/bartizan/internal/extract"
	"github.com/bartizan-security/bartizan/internal/extract/sourcetest"
	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

const drawioFile = `<mxfile><diagram name="Orders"><mxGraphModel><root><mxCell id="0"/><mxCell id="1" parent="0"/>` +
	`<mxCell id="a" value="Web app" vertex="1" parent="1"><mxGeometry width="80" height="40" as="geometry"/></mxCell>` +
	`<mxCell id="b" value="Orders DB" style="shape=cylinder3" vertex="1" parent="1"><mxGeometry x="200" width="80" height="40" as="geometry"/></mxCell>` +
	`<mxCell id="e" value="SQL/TLS" edge="1" source="a" target="b" parent="1"/></root></mxGraphModel></diagram></mxfile>`

func pngWith(drawing string) []byte {
	chunk := func(kind, data string) []byte {
		b := binary.BigEndian.AppendUint32(nil, uint32(len(data)))
		b = append(append(b, kind...), data...)
		return binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE([]byte(kind+data)))
	}
	return bytes.Join([][]byte{
		[]byte("\x89PNG\r\n\x1a\n"), chunk("IHDR", strings.Repeat("\x00", 13)),
		chunk("tEXt", "mxfile\x00"+strings.ReplaceAll(url.QueryEscape(drawing), "+", "%20")), chunk("IEND", ""),
	}, nil)
}

func TestDrawingsAreReadFromEveryFile(t *testing.T) {
	for name, data := range map[string][]byte{
		"orders.drawio":     []byte(drawioFile),
		"orders":            []byte(drawioFile),
		"orders.xml":        []byte(`<?xml version="1.0" encoding="UTF-8"?>` + "\n" + drawioFile),
		"orders.drawio.svg": []byte(`<svg xmlns="http://www.w3.org/2000/svg" content="` + html.EscapeString(drawioFile) + `"><text>Web app</text></svg>`),
		"orders.drawio.png": pngWith(drawioFile),
	} {
		r := readBytes(t, name, data, extract.Options{})
		if len(r.docs) != 1 {
			t.Errorf("%s: %d documents, %s", name, len(r.docs), r.messages())
			continue
		}
		d := r.docs[0]
		if err := sourcetest.Check(d, 0); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if want := "Web app\nOrders DB\nWeb app -> Orders DB: SQL/TLS"; d.Body != want || len(d.Blocks) != 1 || d.Blocks[0].Kind != threatmodel.BlockDiagram {
			t.Errorf("%s: the text is %q in %d blocks, want %q", name, d.Body, len(d.Blocks), want)
		}
		if len(d.Diagrams) != 1 || len(d.Diagrams[0].Nodes) != 2 || len(d.Diagrams[0].Edges) != 1 || d.Diagrams[0].Block != d.Blocks[0].ID {
			t.Errorf("%s: the diagrams are %+v", name, d.Diagrams)
		}
	}
}

func TestADrawingOfGliffyInAFileOfItsOwn(t *testing.T) {
	r := readBytes(t, "flow.gliffy", []byte(gliffy), extract.Options{})
	if len(r.docs) != 1 || len(r.docs[0].Diagrams) != 1 {
		t.Fatalf("%d documents, %s", len(r.docs), r.messages())
	}
	d := r.docs[0]
	if want := "Web & app\nDatabase\nWeb & app -> Database: SQL"; d.Body != want || d.MediaType != "application/gliffy+json" || d.Blocks[0].Language != "gliffy" {
		t.Errorf("%s in %s: %q, want %q", d.MediaType, d.Blocks[0].Language, d.Body, want)
	}
}

func TestDrawingsThatCannotBeRead(t *testing.T) {
	for name, tt := range map[string]struct {
		data []byte
		kind extract.Kind
	}{
		"a library": {[]byte(`<mxlibrary>[{"xml":"&lt;mxGraphModel&gt;"}]</mxlibrary>`), extract.KindNotDocument},
		"damaged":   {[]byte(`<mxfile><diagram>@@@</diagram></mxfile>`), extract.KindDamaged},
		"empty":     {[]byte(`<mxfile><diagram><mxGraphModel><root/></mxGraphModel></diagram></mxfile>`), extract.KindEmpty},
		"many":      {[]byte(`<mxfile>` + strings.Repeat(`<diagram/>`, 300) + `</mxfile>`), extract.KindTooLarge},
		"a picture": {[]byte("\x89PNG\r\n\x1a\n\x00\x00\x00\x00IEND\x00\x00\x00\x00"), extract.KindNotDocument},
	} {
		r := readBytes(t, name, tt.data, extract.Options{})
		if len(r.docs) != 0 || len(r.errors) != 1 || r.errors[0].Kind != tt.kind {
			t.Errorf("%s: %d documents, %s; want an error of the kind %s", name, len(r.docs), r.messages(), tt.kind)
		}
	}
}

func TestWhatADrawingHoldsUntilItBreaksIsKept(t *testing.T) {
	broken := strings.TrimSuffix(drawioFile, "</mxfile>") + `<diagram name="Two">@@@</diagram></mxfile>`
	r := readBytes(t, "orders.drawio", []byte(broken), extract.Options{})
	if len(r.docs) != 1 || !strings.Contains(r.docs[0].Body, "Web app -> Orders DB: SQL/TLS") {
		t.Fatalf("%d documents, %s", len(r.docs), r.messages())
	}
	notices := r.docs[0].Notices
	if len(notices) != 1 || notices[0].Kind != threatmodel.NoticeTruncated || notices[0].Document == "" || !strings.Contains(notices[0].Text, "page 2") {
		t.Errorf("the notices are %+v, want one that names file and page", notices)
	}
}

func TestPagesOfADrawingHaveHeadings(t *testing.T) {
	two := strings.TrimSuffix(drawioFile, "</mxfile>") + strings.Replace(strings.TrimPrefix(drawioFile, "<mxfile>"), `name="Orders"`, `name="Billing"`, 1)
	r := readBytes(t, "orders.drawio", []byte(two), extract.Options{})
	if len(r.docs) != 1 || len(r.docs[0].Blocks) != 4 || len(r.docs[0].Diagrams) != 2 {
		t.Fatalf("%+v, %s", r.docs, r.messages())
	}
	if b := r.docs[0].Blocks[3]; !cmp.Equal(b.Locator.HeadingPath, []string{"Billing"}) {
		t.Errorf("the second page stands under %q", b.Locator.HeadingPath)
	}
}

func TestDiagramsInTextFiles(t *testing.T) {
	const mermaid, plant = "flowchart LR\n  a --> b\n", "@startuml\n[a] --> [b]\n@enduml\n"
	for name, tt := range map[string]struct {
		text   string
		blocks string
		types  string
	}{
		"a.mmd":      {"%% c\n" + mermaid, "diagram", "flowchart"},
		"a.txt":      {mermaid, "diagram", "flowchart"},
		"a.puml":     {plant, "diagram", "component"},
		"b.txt":      {"' by hand\n\n" + plant, "paragraph diagram", "component"},
		"several":    {"How it works.\n\n" + plant + "\nAnd then:\n" + plant + "The end.", "paragraph diagram paragraph diagram paragraph", "component component"},
		"a.iuml":     {"component a\ncomponent b\na --> b\n", "diagram", "component"},
		"a.wsd":      {"alice -> bob: # [x](y) **b**\n", "diagram", "sequence"},
		"open.puml":  {"@startuml\n[a] --> [b]\n\n[c]\n", "diagram", "component"},
		"class.puml": {"@startuml\nclass A\n@enduml\n", "diagram", ""},
		"none.txt":   {"The word @startuml alone.\n", "paragraph", ""},
		"fence.md":   {"# T\n\n```\n" + plant + "```\n\n```\nflowchart LR\n a --> b\n```\n\n```\nls -l\n```\n", "heading diagram diagram code", "component flowchart"},
	} {
		r := readBytes(t, name, []byte(tt.text), extract.Options{})
		if len(r.docs) != 1 {
			t.Errorf("%s: %s", name, r.messages())
			continue
		}
		var blocks, types []string
		for _, b := range r.docs[0].Blocks {
			blocks = append(blocks, string(b.Kind))
		}
		for _, d := range r.docs[0].Diagrams {
			types = append(types, d.Type)
		}
		if got := strings.Join(blocks, " "); got != tt.blocks || strings.Join(types, " ") != tt.types {
			t.Errorf("%s: blocks %q, diagrams %q; want %q, %q", name, got, types, tt.blocks, tt.types)
		}
		if err := sourcetest.Check(r.docs[0], strings.Count(tt.text, "\n")+1); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestABrokenDiagramIsToldWithFileAndLine(t *testing.T) {
	r := readBytes(t, "a.puml", []byte("@startuml\n[a] --> [b]\n@enduml\n\ntext\n\n@startuml\n[a] --> [b]\nwhat is this\n@enduml\n"), extract.Options{})
	if len(r.docs) != 1 || len(r.docs[0].Notices) != 1 {
		t.Fatalf("%+v, %s", r.docs, r.messages())
	}
	if n := r.docs[0].Notices[0]; n.Document != r.docs[0].ID || !strings.Contains(n.Text, "line 9:") || !strings.Contains(n.Text, "what is this") {
		t.Errorf("the notice is %+v", n)
	}
	if !strings.Contains(r.docs[0].Body, "what is this") {
		t.Error("the line that was not understood is lost")
	}
}

func TestDrawingsInAFolderAreReadAndOtherPicturesPassedOver(t *testing.T) {
	dir := t.TempDir()
	for name, data := range map[string][]byte{
		"a.drawio": []byte(drawioFile), "b.drawio.svg": []byte(`<svg content="` + html.EscapeString(drawioFile) + `"/>`), "c.drawio.png": pngWith(drawioFile),
		"d.svg": []byte(`<svg><text>Web app</text></svg>`), "e.png": []byte("\x89PNG\r\n\x1a\nx"), "f.puml": []byte("@startuml\n[a] --> [b]\n@enduml\n"),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	r := readPaths(t, extract.Options{}, dir)
	if diff := cmp.Diff([]string{"a.drawio", "b.drawio.svg", "c.drawio.png", "f.puml"}, r.names()); diff != "" || len(r.errors) != 0 {
		t.Errorf("documents (-want +got):\n%s%s", diff, r.messages())
	}
}
