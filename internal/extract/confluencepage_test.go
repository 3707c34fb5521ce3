package extract_test

import (
	"archive/tar"
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bartizan-security/bartizan/internal/extract"
	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

func tarOf(t *testing.T, members ...member) []byte {
	t.Helper()
	var buf bytes.Buffer
	w := tar.NewWriter(&buf)
	for _, m := range members {
		err := w.WriteHeader(&tar.Header{Name: m.name, Size: int64(len(m.text)), Mode: 0o600, Typeflag: tar.TypeReg})
		if _, bad := w.Write([]byte(m.text)); err != nil || bad != nil {
			t.Fatal(err, bad)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

// xmlPage is a page of an XML export, with its body.
func xmlPage(id int, title, body string) string {
	return fmt.Sprintf(`<object class="Page"><id name="id">%d</id><property name="title">%s</property></object>`+
		`<object class="BodyContent"><id name="id">9%d</id><property name="body"><![CDATA[%s]]></property><property name="content" class="Page"><id name="id">%d</id></property></object>`,
		id, title, id, strings.ReplaceAll(body, "]]>", "]] >"), id)
}

// xmlFile is a file attached to a page.
func xmlFile(id, page, version int, name, kind string) string {
	return fmt.Sprintf(`<object class="Attachment"><id name="id">%d</id><property name="title">%s</property><property name="contentType">%s</property><property name="version">%d</property>`+
		`<property name="containerContent" class="Page"><id name="id">%d</id></property></object>`, id, name, kind, version, page)
}

func entities(objects ...string) member {
	return member{"entities.xml", "<hibernate-generic>" + strings.Join(objects, "") + "</hibernate-generic>"}
}

const viewFile = `<ac:structured-macro ac:name="view-file"><ac:parameter ac:name="name"><ri:attachment ri:filename="%s" /></ac:parameter></ac:structured-macro>`

func TestAnExportMayBeATarFile(t *testing.T) {
	xml, html := filesOf(t, samples+"forge/source", "space/"), filesOf(t, samples+"appointments/export/BWA", "")
	zipped := readBytes(t, "x.zip", zipOf(t, xml...), extract.Options{})
	tests := map[string]struct {
		data []byte
		name string
		want int
	}{
		"XML, tar":                   {tarOf(t, xml...), "x.tar", len(zipped.docs)},
		"XML, tar, entities at last": {tarOf(t, append(xml[1:], xml[0])...), "x.tar", len(zipped.docs)},
		"XML, tar.gz":                {tarGzOf(t, xml...), "x.tar.gz", len(zipped.docs)},
		"HTML, tar.gz":               {tarGzOf(t, html...), "x.tgz", 21},
		"XML and another, tar.gz":    {tarGzOf(t, append([]member{{"README.md", "# Other\n\nText."}}, xml...)...), "x.tgz", len(zipped.docs) + 1},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			r := readBytes(t, tt.name, tt.data, extract.Options{})
			if len(r.errors) > 0 || len(r.docs) != tt.want {
				t.Fatalf("%d documents, want %d: %v; errors:\n%s", len(r.docs), tt.want, r.names(), r.messages())
			}
			if strings.HasPrefix(name, "XML, ") {
				if diff := cmp.Diff(zipped.names(), r.names()); diff != "" {
					t.Errorf("documents (-zip +tar):\n%s", diff)
				}
			}
		})
	}
}

func TestExportsInTarFilesKeepToTheLimits(t *testing.T) {
	big := entities(xmlPage(1, "A", strings.Repeat("a", 4<<20)))
	tests := map[string]struct {
		data  []byte
		limit extract.Limits
		says  string
	}{
		"beyond the limit":             {tarGzOf(t, big), extract.Limits{Expanded: 1 << 20}, "beyond the limit"},
		"a bomb":                       {tarGzOf(t, big), extract.Limits{Ratio: 2}, "bomb"},
		"beyond the limit, not packed": {tarOf(t, big), extract.Limits{Expanded: 1 << 20}, "beyond the limit"},
		"a name that leads out":        {tarOf(t, entities(xmlPage(1, "A", "x")), member{"../x.md", "# x"}), extract.Limits{}, "leads out"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			r := readBytes(t, "x.tar", tt.data, extract.Options{Limits: tt.limit})
			if len(r.errors) == 0 || r.errors[0].Kind != extract.KindUnsafe || !strings.Contains(r.messages(), tt.says) {
				t.Errorf("documents %v, errors:\n%s", r.names(), r.messages())
			}
		})
	}
}

const mxfile = `<mxfile><diagram name="Zones"><mxGraphModel><root><mxCell id="0"/><mxCell id="1" parent="0"/>` +
	`<mxCell id="a" value="Web app" vertex="1" parent="1"><mxGeometry x="0" y="0" width="80" height="40" as="geometry"/></mxCell>` +
	`<mxCell id="b" value="Orders DB" style="shape=cylinder3" vertex="1" parent="1"><mxGeometry x="200" y="0" width="80" height="40" as="geometry"/></mxCell>` +
	`<mxCell id="e" value="SQL" edge="1" source="a" target="b" parent="1"><mxGeometry as="geometry"/></mxCell></root></mxGraphModel></diagram></mxfile>`

const gliffy = `{"contentType":"application/gliffy+json","stage":{"objects":[` +
	`{"id":1,"graphic":{"type":"Shape"},"children":[{"id":2,"graphic":{"type":"Text","Text":{"html":"<p><span>Web &amp; app</span></p>"}}}]},` +
	`{"id":3,"graphic":{"type":"Shape"},"children":[{"id":4,"graphic":{"type":"Text","Text":{"html":"Database"}}}]},` +
	`{"id":5,"graphic":{"type":"Line","Line":{"endArrow":1}},"constraints":{"startConstraint":{"StartPositionConstraint":{"nodeId":1}},"endConstraint":{"EndPositionConstraint":{"nodeId":3}}},"children":[{"id":6,"graphic":{"type":"Text","Text":{"html":"SQL"}}}]}]}}`

// docx is a Word document of one paragraph.
func docx(t *testing.T, text string) string {
	return string(zipOf(t,
		member{"[Content_Types].xml", `<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Override PartName="/word/document.xml" ContentType="application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"/></Types>`},
		member{"_rels/.rels", `<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="r" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="word/document.xml"/></Relationships>`},
		member{"word/document.xml", `<w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"><w:body><w:p><w:r><w:t>` + text + `</w:t></w:r></w:p></w:body></w:document>`}))
}

func TestAttachmentsThatAPageShowsAreDocuments(t *testing.T) {
	export := []member{
		entities(
			xmlPage(1, "A", fmt.Sprintf(viewFile, "design.md")+`<p>See <ac:link><ri:attachment ri:filename="notes.txt" /></ac:link>.</p>`),
			xmlPage(2, "B", `<ac:structured-macro ac:name="attachments" />`),
			xmlPage(3, "C", "<p>x</p>"),
			xmlFile(11, 1, 2, "design.md", "text/markdown"), xmlFile(10, 1, 1, "design.md", "text/markdown"),
			xmlFile(12, 1, 1, "notes.txt", "text/plain"), xmlFile(13, 1, 1, "hidden.txt", "text/plain"),
			xmlFile(21, 2, 3, "report.docx", "application/octet-stream"), xmlFile(22, 2, 1, "photo.png", "image/png"), xmlFile(23, 2, 1, "gone.txt", "text/plain"),
			xmlFile(24, 2, 1, "main.go", "text/plain"), xmlFile(25, 2, 1, "net.drawio", "application/vnd.jgraph.mxfile"),
		),
		{"attachments/1/10/1", "# Old"},
		{"attachments/1/11/2", "# Design\n\nThe gateway checks tokens."},
		{"attachments/1/12/1", "The disk is encrypted."},
		{"attachments/1/13/1", "Nobody links here."},
		{"attachments/2/21/2", docx(t, "Backups run each night.")}, // the export says version 3
		{"attachments/2/22/1", "\x89PNG\r\n\x1a\n\x00\x00"},
		{"attachments/2/24/1", "package main"},
		{"attachments/2/25/1", mxfile},
	}
	want := []string{"A", "A/design.md", "A/notes.txt", "B", "B/net.drawio", "B/report.docx", "C"}
	for name, read := range map[string]func(extract.Options) result{
		"in a zip file": func(opt extract.Options) result { return readBytes(t, "x.zip", zipOf(t, export...), opt) },
		"in a tar file": func(opt extract.Options) result { return readBytes(t, "x.tgz", tarGzOf(t, export...), opt) },
		"in a folder":   func(opt extract.Options) result { return readPaths(t, opt, write(t, t.TempDir(), export...)) },
	} {
		t.Run(name, func(t *testing.T) {
			sum := &extract.Summary{}
			r := read(extract.Options{Summary: sum})
			if diff := cmp.Diff(want, r.names()); diff != "" || len(r.errors) > 0 {
				t.Fatalf("documents (-want +got):\n%s\nerrors:\n%s", diff, r.messages())
			}
			if r.docs[1].Parent != r.docs[0].ID || !strings.Contains(r.docs[1].Body, "checks tokens") || !strings.Contains(r.docs[5].Body, "each night") {
				t.Errorf("attachments %+v", r.docs)
			}
			var skipped []string
			for _, s := range sum.Skipped {
				skipped = append(skipped, s.Path+" "+s.Reason)
			}
			for _, s := range []string{"gone.txt", "photo.png", "main.go", "that no page shows"} {
				if !strings.Contains(strings.Join(skipped, "\n"), s) {
					t.Errorf("%q is not told of in %q", s, skipped)
				}
			}
		})
	}
}

func TestDrawingsInAttachmentsAreReadWhereTheyAreShown(t *testing.T) {
	macro := func(name, params string) string {
		return `<p>Before.</p><ac:structured-macro ac:name="` + name + `">` + params + `</ac:structured-macro><p>After.</p>`
	}
	name := func(key, value string) string {
		return `<ac:parameter ac:name="` + key + `">` + value + `</ac:parameter>`
	}
	r := readBytes(t, "x.zip", zipOf(t,
		entities(
			xmlPage(1, "A", macro("drawio", name("diagramName", "zones"))), xmlFile(11, 1, 1, "zones", "application/vnd.jgraph.mxfile"),
			xmlPage(2, "B", macro("gliffy", name("name", "flow"))), xmlFile(21, 2, 1, "flow", "application/gliffy+json"), xmlFile(22, 2, 1, "flow.png", "image/png"),
			xmlPage(3, "C", macro("lucidchart", name("name", "far"))),
		),
		member{"attachments/1/11/1", mxfile}, member{"attachments/2/21/1", gliffy},
	), extract.Options{})
	if len(r.errors) > 0 || len(r.docs) != 3 {
		t.Fatalf("documents %v, errors:\n%s", r.names(), r.messages())
	}
	drawio := r.docs[0]
	if len(drawio.Diagrams) != 1 || len(drawio.Diagrams[0].Nodes) != 2 || len(drawio.Diagrams[0].Edges) != 1 || !strings.Contains(drawio.Body, "Web app -> Orders DB: SQL") {
		t.Errorf("draw.io: %q, %+v", drawio.Body, drawio.Diagrams)
	}
	if got, want := r.docs[1].Body, "B\n\nBefore.\n\nflow\n\nWeb & app\nDatabase\nWeb & app -> Database: SQL\n\nAfter."; got != want || len(r.docs[1].Diagrams) != 1 {
		t.Errorf("Gliffy: %q, want %q; %+v", got, want, r.docs[1].Diagrams)
	}
	if n := r.docs[2].Notices; len(n) != 1 || n[0].Kind != threatmodel.NoticeTruncated || !strings.Contains(n[0].Text, "lucidchart far") {
		t.Errorf("notices %+v", n)
	}
}

func TestFilesThatAPageOfAnHTMLExportLinksToAreDocuments(t *testing.T) {
	export := filesOf(t, samples+"appointments/export/BWA", "")
	for i, m := range export {
		if strings.HasPrefix(m.name, "Architecture_") {
			export[i].text = strings.Replace(m.text, `<span class="confluence-embedded-file-wrapper`, `<a href="attachments/48300041/9.md">the rules</a> `+
				`<a href="attachments/48300041/../../x.md">out</a><span class="confluence-embedded-file-wrapper`, 1)
		}
	}
	export = append(export, member{"attachments/48300041/9.md", "# Rules\n\nNo default routes."})
	r := readBytes(t, "x.zip", zipOf(t, export...), extract.Options{})
	if names := strings.Join(r.names(), "\n"); !strings.Contains(names, "Architecture/9.md") || len(r.docs) != 22 || len(r.errors) > 0 {
		t.Errorf("documents:\n%s\nerrors:\n%s", names, r.messages())
	}
}

const restPage = `{"id":"1","type":"page","status":"current","title":"Gateway","body":{"storage":{"value":"<p>The gateway checks tokens.<\/p>","representation":"storage"}}}`

func word(subject, html string) string {
	return "Date: Wed, 22 May 2024 10:00:00 +0000 (UTC)\r\nMessage-ID: <1.2@wiki>\r\nSubject: " + subject + "\r\nMIME-Version: 1.0\r\n" +
		"Content-Type: multipart/related; \r\n\tboundary=\"----=_Part_1\"\r\n\r\n------=_Part_1\r\nContent-Type: text/html; charset=UTF-8\r\nContent-Transfer-Encoding: quoted-printable\r\n" +
		"Content-Location: file:///C:/exported.html\r\n\r\n" + strings.ReplaceAll(html, "=", "=3D") + "\r\n------=_Part_1\r\nContent-Type: application/octet-stream\r\nContent-Transfer-Encoding: base64\r\nContent-Location: file:///C:/a\r\n\r\nAAAA\r\n------=_Part_1--\r\n"
}

func TestAPageOfConfluenceInAFileOfItsOwn(t *testing.T) {
	wordHTML := "<html xmlns:w='urn:schemas-microsoft-com:office:word'><head><title>Gateway</title><style>p {}</style></head><body><h1>Gateway</h1><div class=\"Section1\"><h2>Flow</h2>" +
		"<p>The gateway =\r\nchecks tokens.</p><table class=\"confluenceTable\"><tr><th>A</th><th>B</th></tr><tr><td>1</td><td>2</td></tr></table></div></body></html>"
	wordHTML = strings.ReplaceAll(wordHTML, " =\r\n", " ")
	tests := map[string]struct{ name, data, title, text string }{
		"REST":               {"page.json", restPage, "Gateway", "Gateway\n\nThe gateway checks tokens."},
		"the editor's":       {"page.json", `{"type":"doc","version":1,"content":[{"type":"heading","attrs":{"level":1},"content":[{"type":"text","text":"Gateway"}]}]}`, "", "Gateway"},
		"the storage format": {"page.xml", `<h1>Gateway</h1><p>It asks <ac:link><ri:page ri:content-title="Vault"/></ac:link>.</p>`, "Gateway", "Gateway\n\nIt asks Vault."},
		"the Word export":    {"Gateway.doc", word("Exported From Confluence", wordHTML), "Gateway", "Gateway\n\nFlow\n\nThe gateway checks tokens.\n\nA | B\n1 | 2"},
		"a web archive":      {"page.mhtml", word("Gateway", "<html><head><title>Gateway</title></head><body><p>The gateway checks tokens.</p></body></html>"), "Gateway", "The gateway checks tokens."},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			for place, r := range map[string]result{
				"alone":         readBytes(t, tt.name, []byte(tt.data), extract.Options{}),
				"in a folder":   readPaths(t, extract.Options{}, write(t, t.TempDir(), member{tt.name, tt.data})),
				"in an archive": readBytes(t, "x.zip", zipOf(t, member{tt.name, tt.data}), extract.Options{}),
			} {
				if len(r.errors) > 0 || len(r.docs) != 1 {
					t.Fatalf("%s: documents %v, errors:\n%s", place, r.names(), r.messages())
				}
				d := r.docs[0]
				if d.Name != tt.name || d.Title != tt.title || strings.TrimSpace(d.Body) != tt.text {
					t.Errorf("%s: %s (%s): %q, want %q", place, d.Name, d.Title, d.Body, tt.text)
				}
				for _, b := range d.Blocks {
					if b.Locator.LineStart != nil || b.Marks != nil {
						t.Errorf("%s: the block %q says that it stands on a line", place, b.Text)
					}
				}
			}
		})
	}
}

func TestListsOfPagesAreADocumentEach(t *testing.T) {
	second := strings.NewReplacer(`"id":"1"`, `"id":"2","ancestors":[{"id":"1"}]`, "Gateway", "Vault").Replace(restPage)
	r := readBytes(t, "pages.json", []byte(`{"results":[`+restPage+","+second+`]}`), extract.Options{})
	if diff := cmp.Diff([]string{"pages.json/Gateway", "pages.json/Gateway/Vault"}, r.names()); diff != "" || len(r.errors) > 0 {
		t.Fatalf("documents (-want +got):\n%s\nerrors:\n%s", diff, r.messages())
	}
	if r.docs[1].Parent != r.docs[0].ID {
		t.Errorf("%q does not stand below %q", r.docs[1].Name, r.docs[0].Name)
	}
}

func TestOtherDataIsNoDocument(t *testing.T) {
	r := readBytes(t, "package.json", []byte(`{"name":"x","version":"1"}`), extract.Options{})
	if len(r.errors) != 1 || r.errors[0].Kind != extract.KindNotDocument || !strings.Contains(r.messages(), "no page of Confluence") || !strings.Contains(r.errors[0].Remedy, "body.storage") {
		t.Errorf("documents %v, errors:\n%s", r.names(), r.messages())
	}
	sum := &extract.Summary{}
	r = readPaths(t, extract.Options{Summary: sum}, write(t, t.TempDir(), member{"a.json", `{"name":"x"}`}, member{"b.xml", "<project/>"}, member{"c.json", "broken"}, member{"README.md", "# x\n\ny"}))
	if len(r.errors) > 0 || len(r.docs) != 1 || len(sum.Skipped) != 3 || sum.Skipped[0].Reason != "source code or data" {
		t.Errorf("documents %v, skipped %+v, errors:\n%s", r.names(), sum.Skipped, r.messages())
	}
}
