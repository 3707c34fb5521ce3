package confluence

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// linksOf are the links of pages, a line each: where the words stand, the words,
// what the author wrote, and the document.
func linksOf(pages []Page) []string {
	var all []string
	for _, p := range pages {
		for _, b := range p.Source.Blocks {
			for _, l := range b.Links {
				all = append(all, fmt.Sprintf("%s: %s → %s (%s)", p.Source.Name, b.Text[l.Start:l.End], l.Target, l.Document))
			}
		}
	}
	return all
}

func pageLink(attrs, body string) string {
	return `<ac:link` + attrs + `>` + body + `</ac:link>`
}

func TestLinksOfTheStorageFormatLeadToDocuments(t *testing.T) {
	const to = `<ri:page ri:content-title="B" />`
	tests := map[string]struct {
		body string
		want []string
	}{
		"by the title of the page":          {"<p>See " + pageLink("", to) + ".</p>", []string{"A: B → B (A/B)"}},
		"with words of their own":           {"<p>See " + pageLink(` ac:anchor="keys"`, to+"<ac:plain-text-link-body><![CDATA[ the  keys ]]></ac:plain-text-link-body>") + ".</p>", []string{"A: the keys → B#keys (A/B)"}},
		"with words in bold":                {"<p>See " + pageLink("", to+"<ac:link-body>the <strong>keys</strong></ac:link-body>") + ".</p>", []string{"A: the keys → B (A/B)"}},
		"to a space that is there":          {"<p>" + pageLink("", `<ri:page ri:space-key="S" ri:content-title="B" />`) + "</p>", []string{"A: B → S:B (A/B)"}},
		"to a page that is not there":       {"<p>" + pageLink("", `<ri:page ri:content-title="Gone" />`) + "</p>", []string{"A: Gone → Gone ()"}},
		"to the page itself":                {"<p>" + pageLink(` ac:anchor="x"`, "<ac:link-body>up</ac:link-body>") + pageLink("", `<ri:page ri:content-title="@self" />`) + "</p>", nil},
		"to people":                         {"<p>" + pageLink("", `<ri:user ri:username="ann" />`) + "</p>", nil},
		"in a list":                         {"<ul><li>One " + pageLink("", to) + " two</li></ul>", []string{"A: B → B (A/B)"}},
		"in a heading":                      {"<h2>On " + pageLink("", to) + "</h2>", []string{"A: B → B (A/B)"}},
		"in the cells of a table":           {"<table><tr><td rowspan='2'>x</td><td>y</td></tr><tr><td>see " + pageLink("", to) + "</td></tr></table>", []string{"A: B → B (A/B)"}},
		"in the paragraphs of a cell":       {"<table><tr><td><p>one</p><p>see " + pageLink("", to) + "</p></td></tr></table>", []string{"A: B → B (A/B)"}},
		"two in a paragraph":                {"<p>" + pageLink("", to) + " and " + pageLink("", `<ri:page ri:content-title="C" />`) + "</p>", []string{"A: B → B (A/B)", "A: C → C (C)"}},
		"with characters that nobody sees":  {"<p>\u202ea\u200b " + pageLink("", to) + "</p>", []string{"A: B → B (A/B)"}},
		"to an address of the wiki":         {`<p><a href="https://wiki.example/pages/viewpage.action?pageId=2&amp;token=secret">keys</a></p>`, []string{"A: keys → /pages/viewpage.action?pageId=2 (A/B)"}},
		"to an address of the cloud":        {`<p><a href="https://x.example/wiki/spaces/S/pages/2/B#h">keys</a></p>`, []string{"A: keys → /wiki/spaces/S/pages/2/B#h (A/B)"}},
		"to an address by the title":        {`<p><a href="https://wiki.example/display/S/B">keys</a></p>`, []string{"A: keys → /display/S/B (A/B)"}},
		"to other places of the web":        {`<p><a href="https://user:pw@example.org/pages/3">x</a> <a href="mailto:a@example.org">y</a> <a href="#top">z</a></p>`, nil},
		"that hold paragraphs":              {`<a href="/wiki/spaces/S/pages/2"><p>one</p><p>two</p></a>`, nil},
		"of the list of pages below":        {`<ac:structured-macro ac:name="children" />`, []string{"A: B → B (A/B)"}},
		"in the editor's format":            {`{"type":"doc","content":[{"type":"paragraph","content":[{"type":"text","text":"the "},{"type":"text","text":"keys","marks":[{"type":"link","attrs":{"href":"/wiki/spaces/S/pages/2/B"}}]}]}]}`, []string{"A: keys → /wiki/spaces/S/pages/2/B (A/B)"}},
		"of the editor's format, as a card": {`{"type":"doc","content":[{"type":"blockCard","attrs":{"url":"https://x.example/wiki/spaces/S/pages/2"}}]}`, []string{"A: https://x.example/wiki/spaces/S/pages/2 → /wiki/spaces/S/pages/2 (A/B)"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			out := readXML(t, `<hibernate-generic><object class="Space"><id name="id">9</id><property name="key">S</property></object>`+
				linkedPage(1, 0, "A", tt.body)+linkedPage(2, 1, "B", "<p>b</p>")+linkedPage(3, 0, "C", "<p>c</p>")+`</hibernate-generic>`, Options{})
			if len(out.errs) > 0 {
				t.Fatal(out.errs)
			}
			if diff := cmp.Diff(tt.want, linksOf(out.pages)); diff != "" {
				t.Errorf("links (-want +got):\n%s", diff)
			}
		})
	}
}

// linkedPage is a page of the space of id 9, below another.
func linkedPage(id, parent int, title, body string) string {
	above := ""
	if parent > 0 {
		above = fmt.Sprintf(`<property name="parent" class="Page"><id name="id">%d</id></property>`, parent)
	}
	return fmt.Sprintf(`<object class="Page"><id name="id">%d</id><property name="title">%s</property>%s<property name="space" class="Space"><id name="id">9</id></property></object>`+
		`<object class="BodyContent"><id name="id">9%d</id><property name="body"><![CDATA[%s]]></property><property name="content" class="Page"><id name="id">%d</id></property></object>`,
		id, title, above, id, strings.ReplaceAll(body, "]]>", "]] >"), id)
}

func TestLinksOfAnHTMLExportLeadToDocuments(t *testing.T) {
	out := readFolder(t, inMemory(map[string]string{
		"index.html": htmlIndex(`<ul><li><a href="H_1.html">Home</a><ul><li><a href="A%20b_2.html">A b</a></li></ul></li><li><a href="C_3.html">C</a></li></ul>`),
		"H_1.html":   htmlPage("Home", `<p>See <a href="A%20b_2.html#keys">the keys</a>, <a href="gone_9.html">gone</a>, <a href="https://example.org/C_3.html">elsewhere</a>.</p><table><tr><td>x</td><td><a href="C_3.html">C</a></td></tr></table>`),
		"A b_2.html": htmlPage("A b", `<p><a href="H_1.html">up</a></p>`), "C_3.html": htmlPage("C", "<p>c</p>"),
	}))
	want := []string{
		"Home: the keys → A b_2.html#keys (Home/A b)", "Home: gone → gone_9.html ()", "Home: C → C_3.html (C)", "Home/A b: up → H_1.html (Home)",
	}
	if diff := cmp.Diff(want, linksOf(out.pages)); diff != "" {
		t.Errorf("links (-want +got):\n%s", diff)
	}
}
