package confluence

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// macroXML writes a macro in the storage format.
func macroXML(name, params, body string) string {
	return `<ac:structured-macro ac:name="` + name + `" ac:schema-version="1">` + params + body + `</ac:structured-macro>`
}

func paramXML(name, value string) string {
	return `<ac:parameter ac:name="` + name + `">` + value + `</ac:parameter>`
}

func rich(s string) string { return "<ac:rich-text-body>" + s + "</ac:rich-text-body>" }

func verbatimXML(s string) string {
	return "<ac:plain-text-body><![CDATA[" + s + "]]></ac:plain-text-body>"
}

var macroTests = map[string]struct {
	body string
	// want are the blocks after the title.
	want []string
}{
	"code keeps its bytes and its language": {
		macroXML("code", paramXML("language", "go")+paramXML("title", "main.go"), verbatimXML("\n  a := 1 < 2 && &lt;b\n\tc()\n\n")),
		[]string{"caption: main.go", "code in go:   a := 1 < 2 && &lt;b⏎\tc()"},
	},
	"noformat is code": {macroXML("noformat", "", verbatimXML("x  y")), []string{"code: x  y"}},
	"code in Mermaid is a diagram": {
		macroXML("code", paramXML("language", "mermaid"), verbatimXML("flowchart LR\n a --> b")),
		[]string{"diagram in mermaid: flowchart LR⏎ a --> b", "diagram flowchart in b2: 2 nodes, 1 edges, 0 groups"},
	},
	"a Mermaid macro is a diagram": {
		macroXML("mermaid-cloud", "", verbatimXML("sequenceDiagram\n A->>B: ask")),
		[]string{"diagram in mermaid: sequenceDiagram⏎ A->>B: ask", "diagram sequence in b2: 2 nodes, 1 edges, 0 groups"},
	},
	"PlantUML is a diagram": {
		macroXML("plantuml", "", verbatimXML("A -> B")),
		[]string{"diagram in plantuml: A -> B", "diagram sequence in b2: 2 nodes, 1 edges, 0 groups"},
	},
	"a panel shows title and text": {macroXML("panel", paramXML("title", "Scope")+paramXML("bgColor", "#fff"), rich("<p>In.</p>")), []string{"paragraph: Scope", "paragraph: In."}},
	"an info box":                  {macroXML("info", paramXML("icon", "false"), rich("<p>Be <strong>care</strong>ful.</p>")), []string{"paragraph: Be careful."}},
	"note, tip and warning": {
		macroXML("note", "", rich("<p>A.</p>")) + macroXML("tip", "", rich("<p>B.</p>")) + macroXML("warning", "", rich("<p>C.</p>")),
		[]string{"paragraph: A.", "paragraph: B.", "paragraph: C."},
	},
	"an expand box without a title of its own": {macroXML("expand", paramXML("title", "Click here to expand..."), rich("<p>In.</p>")), []string{"paragraph: In."}},
	"macros in macros": {
		macroXML("expand", paramXML("title", "More"), rich("<p>Before</p>"+macroXML("info", "", rich(macroXML("code", "", verbatimXML("x = 1"))))+"<p>After</p>")),
		[]string{"paragraph: More", "paragraph: Before", "code: x = 1", "paragraph: After"},
	},
	"a status is a word of its sentence": {
		"<p>State: " + macroXML("status", paramXML("colour", "Green")+paramXML("title", "DONE"), "") + " since May.</p>",
		[]string{"paragraph: State: DONE since May."},
	},
	"an issue is its key": {"<p>See " + macroXML("jira", paramXML("server", "Jira")+paramXML("key", "AB-1"), "") + ".</p>", []string{"paragraph: See AB-1."}},
	"a table of contents shows the headings and is no body": {
		macroXML("toc", paramXML("maxLevel", "2"), "") + "<h1>One</h1><h2>Two</h2><h3>Three</h3>",
		[]string{"toc list_item 1 of 1: One", "toc list_item 1 of 1: Two", "heading 2: One", "heading 3: Two", "heading 4: Three"},
	},
	"a table of contents in a heading does not list itself": {
		"<h1>One " + macroXML("toc", "", "") + "</h1>",
		[]string{"paragraph: One", "toc list_item 1 of 1: One"},
	},
	"an excerpt is text, a hidden one is not": {
		macroXML("excerpt", "", rich("<p>Seen.</p>")) + macroXML("excerpt", paramXML("hidden", "true"), rich("<p>Unseen.</p>")),
		[]string{"paragraph: Seen."},
	},
	"an unknown macro keeps its body": {macroXML("acme-badge", paramXML("style", "x"), rich("<p>Kept.</p>")), []string{"paragraph: Kept."}},
	"what parameters of an unknown macro say": {
		"<p>Before " + macroXML("acme-owner", paramXML("team", "Payments")+paramXML("width", "300px")+paramXML("n", "12")+paramXML("page", `<ac:link><ri:page ri:content-title="Far" /></ac:link>`), "") + " after.</p><p>Next.</p>",
		[]string{"paragraph: Before after.", "annotation paragraph: acme-owner (team: Payments; page: Far)", "paragraph: Next."},
	},
	"an unknown macro keeps its plain body":  {macroXML("acme-code", "", verbatimXML("kept  too")), []string{"code: kept  too"}},
	"a macro of the old form keeps its body": {`<ac:macro ac:name="acme"><ac:default-parameter>no</ac:default-parameter><ac:rich-text-body><p>Kept.</p></ac:rich-text-body></ac:macro>`, []string{"paragraph: Kept.", "annotation paragraph: acme (no)"}},
	"a macro that shows no text of the page": {macroXML("recently-updated", paramXML("max", "5"), ""), nil},
	"Markdown is read as such": {
		macroXML("markdown", "", verbatimXML("# Top\n\n- one\n- two\n\n| A | B |\n|---|---|\n| 1 | 2 |")),
		[]string{"heading 2: Top", "list_item 1 of 1: one", "list_item 1 of 1: two", "table_row header of 2: A | B", "table_row of 2: 1 | 2"},
	},
	"HTML is read as such":                    {macroXML("html", "", verbatimXML("<p>Hi <b>you</b></p><script>no()</script>")), []string{"paragraph: Hi you"}},
	"a drawing is said not to be read":        {macroXML("drawio", paramXML("diagramName", "net"), ""), []string{"image: ", "notice not_read: A drawing (drawio net) lies in an attachment and is not read."}},
	"page properties are text":                {macroXML("details", "", rich("<table><tbody><tr><th>Owner</th><td>Ann</td></tr></tbody></table>")), []string{"table_row of 1: Owner | Ann"}},
	"an include of what is not in the export": {macroXML("include", `<ac:parameter ac:name=""><ac:link><ri:page ri:content-title="Far" /></ac:link></ac:parameter>`, ""), []string{"notice format: It includes the page “Far”, which is not in the export."}},
	"tasks": {
		`<ac:task-list><ac:task><ac:task-id>1</ac:task-id><ac:task-status>complete</ac:task-status><ac:task-body><span>Done.</span></ac:task-body></ac:task>` +
			`<ac:task><ac:task-id>2</ac:task-id><ac:task-status>incomplete</ac:task-status><ac:task-body>Open <time datetime="2025-02-01" /></ac:task-body></ac:task></ac:task-list>`,
		[]string{"list_item 1 of 1: [x] Done.", "list_item 1 of 1: [ ] Open 2025-02-01"},
	},
	"links": {
		`<p><ac:link><ri:page ri:content-title="Other" /></ac:link>, <ac:link ac:anchor="x"><ri:page ri:content-title="Other" /><ac:plain-text-link-body><![CDATA[a & b]]></ac:plain-text-link-body></ac:link>, ` +
			`<ac:link><ri:user ri:userkey="k1" /></ac:link>, <ac:link><ri:user ri:userkey="zz" /></ac:link>, <ac:link><ri:attachment ri:filename="f.pdf" /></ac:link>, <ac:link><ri:page ri:content-title="@self" /><ac:link-body>the <em>body</em></ac:link-body></ac:link>, ` +
			`<a href="https://example.org">web</a></p>`,
		[]string{"paragraph: Other, a & b, unknown user, unknown user, f.pdf, the body, web"},
	},
	"images": {
		`<p><ac:image ac:alt="The two zones" ac:width="300"><ri:attachment ri:filename="z.png" /></ac:image></p><p>See <ac:image ac:alt="here"><ri:url ri:value="http://x" /></ac:image> below</p>`,
		[]string{"image: The two zones", "paragraph: See here below"},
	},
	"symbols":              {`<p><ac:emoticon ac:name="tick" /> yes <ac:emoticon ac:name="blue-star" ac:emoji-fallback="🚀" /></p>`, []string{"paragraph: ✓ yes 🚀"}},
	"a marker of comments": {`<p>Some <ac:inline-comment-marker ac:ref="1">words</ac:inline-comment-marker> here.</p>`, []string{"paragraph: Some words here."}},
	"a hint to authors":    {`<p>Text<ac:placeholder>Write here</ac:placeholder></p>`, []string{"paragraph: Text"}},
	"columns": {
		`<ac:layout><ac:layout-section ac:type="two_equal"><ac:layout-cell><h1>L</h1><p>left</p></ac:layout-cell><ac:layout-cell><p>right</p></ac:layout-cell></ac:layout-section></ac:layout>`,
		[]string{"heading 2: L", "paragraph: left", "paragraph: right"},
	},
	"a box of the new editor": {
		`<ac:adf-extension><ac:adf-node type="panel"><ac:adf-attribute key="panel-type">note</ac:adf-attribute><ac:adf-content><p>Once.</p></ac:adf-content></ac:adf-node><ac:adf-fallback><div><p>Once.</p></div></ac:adf-fallback></ac:adf-extension>`,
		[]string{"paragraph: Once."},
	},
	"merged cells": {
		`<table><tbody><tr><th>A</th><th>B</th><th>C</th></tr><tr><td rowspan="2">1</td><td colspan="2">2</td></tr><tr><td>3</td><td>4</td></tr><tr><td>5</td><td>6</td><td>7</td></tr></tbody></table>`,
		[]string{"table_row header of 1: A | B | C", "table_row of 1: 1 | 2 | ", "table_row of 1:  | 3 | 4", "table_row of 1: 5 | 6 | 7"},
	},
	"code of an HTML export": {
		`<div class="code panel"><div class="codeHeader panelHeader"><b>x.sh</b></div><div class="codeContent"><pre class="syntaxhighlighter-pre" data-syntaxhighlighter-params="brush: bash; gutter: false">a &lt; b</pre></div></div>` +
			`<pre class="theme: Confluence; brush: java; gutter: false">c()</pre>`,
		[]string{"caption: x.sh", "code in bash: a < b", "code in java: c()"},
	},
	"a diagram of an HTML export": {
		`<div class="mermaid">flowchart LR<br/>a --&gt; b</div>`,
		[]string{"diagram in mermaid: flowchart LR⏎a --> b", "diagram flowchart in b2: 2 nodes, 1 edges, 0 groups"},
	},
	"boxes of an HTML export": {
		`<div class="confluence-information-macro confluence-information-macro-note"><p class="title">Limits</p><span class="aui-icon aui-iconfont-warning"></span><div class="confluence-information-macro-body"><p>None.</p></div></div>` +
			`<div class="expand-container"><div class="expand-control"><img src="images/icons/grey_arrow_down.png"/><span class="expand-control-text">Click here to expand...</span></div><div class="expand-content"><p>In.</p></div></div>`,
		[]string{"paragraph: Limits", "paragraph: None.", "paragraph: In."},
	},
	"a list in a cell": {
		`<table><tbody><tr><td>x</td><td><ul><li>one</li><li>two</li></ul></td></tr></tbody></table>`,
		[]string{"table_row of 1: x | one⏎two"},
	},
	"code in a cell stands after the row": {
		`<table><tbody><tr><td>x</td><td><p>Run:</p>` + macroXML("code", "", verbatimXML("a\nb")) + `</td></tr></tbody></table>`,
		[]string{"table_row of 1: x | Run:", "code of 1: a⏎b"},
	},
	"a table in a cell": {
		`<table><tbody><tr><td><table><tbody><tr><td>a</td><td>b</td></tr></tbody></table></td><td>c</td></tr></tbody></table>`,
		[]string{"table_row of 1: a | b | c"},
	},
	"lists in lists": {
		`<ol start="3"><li>three<ul><li><p>a</p></li></ul></li><li><p>four</p><p>more</p></li></ol><p>after</p>`,
		[]string{"list_item 1 of 1: three", "list_item 2 of 1: a", "list_item 1 of 1: four", "paragraph of 1: more", "paragraph: after"},
	},
	"line breaks and blanks": {"<p>one<br />two&nbsp; three\n four\u200b</p><p>&nbsp;</p>", []string{"paragraph: one⏎two three four"}},
	"preformatted text":      {"<pre>a  b\n c</pre>", []string{"code: a  b⏎ c"}},
	"markup that is wrong":   {"<p>a<p>b</b></div>c", []string{"paragraph: a", "paragraph: bc"}},
}

func TestTheStorageFormat(t *testing.T) {
	for name, tt := range macroTests {
		t.Run(name, func(t *testing.T) {
			out := readXML(t, export(doc{id: "1", title: "T", body: tt.body}), Options{})
			if len(out.errs) > 0 {
				t.Fatal(out.errs)
			}
			got := strings.Split(strings.TrimSuffix(structure(out.pages), "\n"), "\n")
			if diff := cmp.Diff(append([]string{"== T (below -1): T", "heading 1: T"}, tt.want...), got); diff != "" {
				t.Errorf("blocks (-want +got):\n%s", diff)
			}
		})
	}
}

func include(macro, title string) string {
	return macroXML(macro, `<ac:parameter ac:name=""><ac:link><ri:page ri:content-title="`+title+`" /></ac:link></ac:parameter>`, "")
}

func TestIncludesAreFollowedInsideTheExport(t *testing.T) {
	out := readXML(t, export(
		doc{id: "1", title: "A", body: "<p>Start.</p>" + include("include", "B") + include("excerpt-include", "c")},
		doc{id: "2", title: "B", body: "<h1>Of B</h1><p>Text of B.</p>"},
		doc{id: "3", title: "C", body: "<p>Not this.</p>" + macroXML("excerpt", "", rich("<p>Only this.</p>"))},
	), Options{})
	if got, want := out.pages[0].Source.Body, "A\n\nStart.\n\nOf B\n\nText of B.\n\nOnly this."; got != want {
		t.Errorf("text %q, want %q", got, want)
	}
}

func TestAnExcerptMayBeChosenByItsName(t *testing.T) {
	named := func(macro, name, rest string) string { return macroXML(macro, paramXML("name", name), rest) }
	out := readXML(t, export(
		doc{id: "1", title: "A", body: macroXML("excerpt-include", paramXML("", `<ac:link><ri:page ri:content-title="B" /></ac:link>`)+paramXML("name", "two"), "")},
		doc{id: "2", title: "B", body: named("excerpt", "one", rich("<p>First.</p>")) + named("excerpt", "two", rich("<p>Second.</p>"))},
	), Options{})
	if got := out.pages[0].Source.Body; got != "A\n\nSecond." {
		t.Errorf("text %q", got)
	}
}

func TestBlogPostsComeLastUnderTheirDay(t *testing.T) {
	post := func(id, title, date string) string {
		return strings.NewReplacer(`class="Page" package`, `class="BlogPost" package`, `class="Page"><id`, `class="BlogPost"><id`).Replace(doc{
			id: id, title: title, body: "<p>x</p>",
			more: `<property name="creationDate">` + date + `</property>`,
		}.object())
	}
	content := strings.Replace(export(doc{id: "1", title: "Z", body: include("include", "Second")}), "</hibernate-generic>",
		post("2", "Second", "2024-05-22 10:00:00.000")+post("3", "First", "2023-01-02 10:00:00.000")+post("4", "No day", "")+"</hibernate-generic>", 1)
	out := readXML(t, content, Options{})
	if diff := cmp.Diff([]string{"Z", "Blog/No day", "Blog/2023-01-02 First", "Blog/2024-05-22 Second"}, out.names()); diff != "" {
		t.Errorf("documents (-want +got):\n%s", diff)
	}
	if out.pages[0].Source.Body != "Z\n\nx" {
		t.Errorf("text %q", out.pages[0].Source.Body)
	}
}

func TestPeopleAreCalledByTheirNames(t *testing.T) {
	people := `<object class="InternalUser"><id name="id">5</id><property name="name">ann</property><property name="displayName">Ann Lee</property></object>` +
		`<object class="ConfluenceUserImpl"><id name="key">k1</id><property name="name">ann</property></object>`
	body := `<p><ac:link><ri:user ri:userkey="k1" /></ac:link>, <ac:link><ri:user ri:username="ann" /></ac:link>, <ac:link><ri:user ri:username="bob" /></ac:link></p>`
	content := strings.Replace(export(doc{id: "1", title: "A", body: body}), "</hibernate-generic>", people+"</hibernate-generic>", 1)
	if got := readXML(t, content, Options{}).pages[0].Source.Body; got != "A\n\nAnn Lee, Ann Lee, bob" {
		t.Errorf("text %q", got)
	}
}

func TestPagesThatIncludeOneAnotherEnd(t *testing.T) {
	bomb := func(title string) string { return "<p>x</p>" + strings.Repeat(include("include", title), 100) }
	out := readXML(t, export(
		doc{id: "1", title: "A", body: bomb("B")},
		doc{id: "2", title: "B", body: bomb("C")},
		doc{id: "3", title: "C", body: bomb("D")},
		doc{id: "4", title: "D", body: bomb("A")},
	), Options{})
	for _, p := range out.pages {
		if n := strings.Count(p.Source.Body, "x"); n > maxIncludes+1 || n < 2 {
			t.Errorf("%s: %d paragraphs", p.Source.Name, n)
		}
		if len(p.Source.Notices) == 0 {
			t.Errorf("%s does not say that something was left out", p.Source.Name)
		}
	}
}

func TestAListOfChildrenIsNavigation(t *testing.T) {
	out := readXML(t, export(
		doc{id: "100", title: "Home", body: macroXML("children", paramXML("all", "true"), "") + "<p>Text.</p>"},
		doc{id: "2", title: "A", parent: "100"},
		doc{id: "3", title: "B", parent: "2"},
	), Options{})
	want := "== Home (below -1): Home\nheading 1: Home\ntoc list_item 1 of 1: A\ntoc list_item 2 of 1: B\nparagraph: Text.\n"
	if got := structure(out.pages[:1]); got != want {
		t.Errorf("blocks (-want +got):\n%s", cmp.Diff(want, got))
	}
}

func TestCommentsAreReadWhereTheyAreAskedForAndAreNoBody(t *testing.T) {
	comment := `<object class="Comment"><id name="id">7</id><property name="containerContent" class="Page"><id name="id">1</id></property></object>` +
		`<object class="BodyContent"><id name="id">77</id><property name="body"><![CDATA[<h1>Why</h1><p>Is that so?</p>]]></property><property name="content" class="Comment"><id name="id">7</id></property></object>`
	content := strings.Replace(export(doc{id: "1", title: "A", body: "<p>x</p>"}), "</hibernate-generic>", comment+"</hibernate-generic>", 1)
	want := "== A (below -1): A\nheading 1: A\nparagraph: x\nannotation paragraph: Why\nannotation paragraph: Is that so?\n"
	if got := structure(readXML(t, content, Options{Comments: true}).pages); got != want {
		t.Errorf("blocks (-want +got):\n%s", cmp.Diff(want, got))
	}
	out := readXML(t, content, Options{})
	if out.pages[0].Source.Body != "A\n\nx" || out.left["comment"] != 1 {
		t.Errorf("text %q, left out %v", out.pages[0].Source.Body, out.left)
	}
}

func TestPeopleAreNamedWhereTheExportNamesThem(t *testing.T) {
	person := `<object class="ConfluenceUserImpl"><id name="key">k1</id><property name="name">ann</property></object>`
	content := strings.Replace(export(doc{id: "1", title: "A", body: `<p>Ask <ac:link><ri:user ri:userkey="k1" /></ac:link>.</p>`}), "</hibernate-generic>", person+"</hibernate-generic>", 1)
	if got := readXML(t, content, Options{}).pages[0].Source.Body; got != "A\n\nAsk ann." {
		t.Errorf("text %q", got)
	}
}

func TestTablesOfTooManyCellsAreReadInASimplerWay(t *testing.T) {
	body := "<table><tbody>" + strings.Repeat("<tr><td>a</td><td>b</td></tr>", 30) + "</tbody></table>"
	out := readXML(t, export(doc{id: "1", title: "A", body: body}), Options{MaxTableCells: 20})
	src := out.pages[0].Source
	if strings.Count(src.Body, "a") != 30 || len(src.Notices) != 1 {
		t.Errorf("text %q, notices %v", src.Body, src.Notices)
	}
}

func TestSpansDoNotMakeMillionsOfCells(t *testing.T) {
	row := "<tr>" + strings.Repeat(`<td colspan="100" rowspan="1000">a</td>`, 3000) + "</tr>"
	body := "<table><tbody>" + row + strings.Repeat("<tr><td>b</td></tr>", 500) + "</tbody></table>"
	src := readXML(t, export(doc{id: "1", title: "A", body: body}), Options{}).pages[0].Source
	cells := 0
	for _, b := range src.Blocks {
		cells += len(b.Cells)
	}
	if n := strings.Count(src.Body, "a"); n != 3000 || strings.Count(src.Body, "b") < 500 || cells > 300_000 {
		t.Errorf("%d of 3000 and %d of 500 are left, in %d cells", n, strings.Count(src.Body, "b"), cells)
	}
}

func TestElementsThatNestTooDeepAreReadInASimplerWay(t *testing.T) {
	body := strings.Repeat("<div>", 100_000) + "<p>bottom</p>" + strings.Repeat("</div>", 100_000) + "<p>after</p>"
	src := readXML(t, export(doc{id: "1", title: "A", body: body}), Options{}).pages[0].Source
	if src.Body != "A\n\nbottom\n\nafter" || len(src.Notices) != 1 {
		t.Errorf("text %q, notices %v", src.Body, src.Notices)
	}
}
