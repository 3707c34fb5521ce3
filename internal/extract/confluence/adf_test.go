package confluence

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bartizan-security/bartizan/internal/extract/sourcetest"
	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

// adfTests are contents of documents in the editor's format.
var adfTests = map[string]struct {
	content string
	want    []string
}{
	"paragraphs, headings and marks": {
		`{"type":"heading","attrs":{"level":2},"content":[{"type":"text","text":"Scope"}]},
		 {"type":"paragraph","content":[{"type":"text","text":"All of "},{"type":"text","text":"it","marks":[{"type":"strong"},{"type":"link","attrs":{"href":"https://x.example"}}]},{"type":"hardBreak"},{"type":"text","text":"and more."}]}`,
		[]string{"heading 3: Scope", "paragraph: All of it⏎and more."},
	},
	"lists, with the number they begin at": {
		`{"type":"bulletList","content":[{"type":"listItem","content":[{"type":"paragraph","content":[{"type":"text","text":"a"}]},
		   {"type":"orderedList","attrs":{"order":3},"content":[{"type":"listItem","content":[{"type":"paragraph","content":[{"type":"text","text":"b"}]}]}]}]}]}`,
		[]string{"list_item 1 of 1: a", "list_item 2 of 1: b"},
	},
	"tasks and decisions with their state": {
		`{"type":"taskList","attrs":{"localId":"1"},"content":[{"type":"taskItem","attrs":{"state":"DONE"},"content":[{"type":"text","text":"done"}]},
		   {"type":"taskList","content":[{"type":"taskItem","attrs":{"state":"TODO"},"content":[{"type":"text","text":"open"}]}]}]},
		 {"type":"decisionList","content":[{"type":"decisionItem","attrs":{"state":"DECIDED"},"content":[{"type":"text","text":"Use TLS"}]}]}`,
		[]string{"list_item 1 of 1: [x] done", "list_item 2 of 1: [ ] open", "list_item 1 of 2: [decided] Use TLS"},
	},
	"a table with merged cells": {
		`{"type":"table","content":[
		  {"type":"tableRow","content":[{"type":"tableHeader","content":[{"type":"paragraph","content":[{"type":"text","text":"A"}]}]},{"type":"tableHeader","content":[{"type":"paragraph","content":[{"type":"text","text":"B"}]}]}]},
		  {"type":"tableRow","content":[{"type":"tableCell","attrs":{"colspan":2,"rowspan":1},"content":[{"type":"paragraph","content":[{"type":"text","text":"both"}]}]}]}]}`,
		[]string{"table_row header of 1: A | B", "table_row of 1: both | "},
	},
	"panels and boxes": {
		`{"type":"panel","attrs":{"panelType":"warning"},"content":[{"type":"paragraph","content":[{"type":"text","text":"Careful."}]}]},
		 {"type":"expand","attrs":{"title":"More"},"content":[{"type":"nestedExpand","attrs":{"title":"Still"},"content":[{"type":"paragraph","content":[{"type":"text","text":"In."}]}]}]}`,
		[]string{"paragraph: Careful.", "paragraph: More", "paragraph: Still", "paragraph: In."},
	},
	"code, and code that is a diagram": {
		`{"type":"codeBlock","attrs":{"language":"go"},"content":[{"type":"text","text":"a  := 1\n\tb()"}]},
		 {"type":"codeBlock","attrs":{"language":"mermaid"},"content":[{"type":"text","text":"flowchart LR\n a --> b"}]}`,
		[]string{"code in go: a  := 1⏎\tb()", "diagram in mermaid: flowchart LR⏎ a --> b", "diagram flowchart in b2: 2 nodes, 1 edges, 0 groups"},
	},
	"quotes, rules, columns": {
		`{"type":"blockquote","content":[{"type":"paragraph","content":[{"type":"text","text":"q"}]}]},{"type":"rule"},
		 {"type":"layoutSection","content":[{"type":"layoutColumn","attrs":{"width":50},"content":[{"type":"paragraph","content":[{"type":"text","text":"l"}]}]},{"type":"layoutColumn","content":[{"type":"paragraph","content":[{"type":"text","text":"r"}]}]}]}`,
		[]string{"paragraph: q", "paragraph: l", "paragraph: r"},
	},
	"pictures by their alternative text": {
		`{"type":"mediaSingle","content":[{"type":"media","attrs":{"id":"1","type":"file","alt":"The zones"}},{"type":"caption","content":[{"type":"text","text":"Figure 1"}]}]},
		 {"type":"mediaGroup","content":[{"type":"media","attrs":{"type":"file","__fileName":"a.pdf"}}]}`,
		[]string{"image: The zones", "caption: Figure 1", "image: a.pdf"},
	},
	"words that are nodes": {
		`{"type":"paragraph","content":[{"type":"mention","attrs":{"id":"7","text":"@Ann"}},{"type":"text","text":" "},{"type":"status","attrs":{"text":"LIVE","color":"green"}},{"type":"text","text":" since "},
		   {"type":"date","attrs":{"timestamp":"1716336000000"}},{"type":"text","text":" "},{"type":"emoji","attrs":{"shortName":":tada:","text":"🎉"}},{"type":"text","text":" "},{"type":"inlineCard","attrs":{"url":"https://x.example/1"}},{"type":"placeholder","attrs":{"text":"type here"}}]},
		 {"type":"blockCard","attrs":{"url":"https://x.example/2"}}`,
		[]string{"paragraph: @Ann LIVE since 2024-05-22 🎉 https://x.example/1", "paragraph: https://x.example/2"},
	},
	"macros keep their bodies and parameters": {
		`{"type":"bodiedExtension","attrs":{"extensionKey":"excerpt","parameters":{"macroParams":{}}},"content":[{"type":"paragraph","content":[{"type":"text","text":"E."}]}]},
		 {"type":"extension","attrs":{"extensionKey":"mermaid-cloud","parameters":{"macroParams":{"__bodyContent":{"value":"flowchart LR\n a --> b"}}}}},
		 {"type":"extension","attrs":{"extensionKey":"acme","parameters":{"macroParams":{"team":{"value":"Payments"}}}}},
		 {"type":"paragraph","content":[{"type":"inlineExtension","attrs":{"extensionKey":"status","parameters":{"macroParams":{"title":{"value":"OK"}}}}}]}`,
		[]string{"paragraph: E.", "diagram in mermaid: flowchart LR⏎ a --> b", "annotation paragraph: acme (team: Payments)", "paragraph: OK", "diagram flowchart in b2: 2 nodes, 1 edges, 0 groups"},
	},
	"a node that nobody knows keeps what is inside": {
		`{"type":"newThing","content":[{"type":"paragraph","content":[{"type":"text","text":"kept"}]}]}`,
		[]string{"paragraph: kept"},
	},
	"values of the wrong type": {
		`7, null, "x", {"type":5,"content":[{"type":"text","text":"a"}]}, {"type":"heading","attrs":[],"content":{"type":"text","text":"b"}}`,
		[]string{"paragraph: a", "heading 2: b"},
	},
}

func adf(content string) string { return `{"version":1,"type":"doc","content":[` + content + `]}` }

func readREST(t *testing.T, data string, opt Options) outcome {
	t.Helper()
	out := outcome{left: map[string]int{}}
	if !IsREST([]byte(data)) {
		t.Fatalf("not taken for a page: %.200s", data)
	}
	for p, err := range ReadREST(t.Context(), []byte(data), opt, func(kind string, n int) { out.left[kind] += n }) {
		out.take(t, p, err)
	}
	return out
}

func TestTheEditorsFormat(t *testing.T) {
	for name, tt := range adfTests {
		t.Run(name, func(t *testing.T) {
			inText, err := json.Marshal(adf(tt.content))
			if err != nil {
				t.Fatal(err)
			}
			forms := map[string]string{
				"alone":             adf(tt.content),
				"as text in a page": `{"id":"1","type":"page","title":"","body":{"atlas_doc_format":{"value":` + string(inText) + `,"representation":"atlas_doc_format"}}}`,
				"as JSON in a page": `{"id":1,"body":{"atlas_doc_format":{"value":` + adf(tt.content) + `}}}`,
			}
			for form, data := range forms {
				out := readREST(t, data, Options{})
				got := strings.Split(strings.TrimSuffix(structure(out.pages), "\n"), "\n")
				if len(out.errs) > 0 {
					t.Fatal(out.errs)
				}
				if diff := cmp.Diff(tt.want, got[1:]); diff != "" {
					t.Errorf("%s: blocks (-want +got):\n%s", form, diff)
				}
			}
		})
	}
}

func TestTheEditorsFormatMayStandInAnExport(t *testing.T) {
	out := readXML(t, export(doc{id: "1", title: "T", body: adf(`{"type":"paragraph","content":[{"type":"text","text":"New."}]}`)}), Options{})
	if got := out.pages[0].Source.Body; got != "T\n\nNew." {
		t.Errorf("text %q", got)
	}
}

func TestNodesThatNestTooDeepKeepTheirText(t *testing.T) {
	deep := strings.Repeat(`{"type":"blockquote","content":[`, 400) + `{"type":"text","text":"down here"}` + strings.Repeat(`]}`, 400)
	out := readREST(t, adf(deep), Options{})
	src := out.pages[0].Source
	if src.Body != "down here" || len(src.Notices) != 1 {
		t.Errorf("text %q, notices %v", src.Body, src.Notices)
	}
}

func TestWhatTheRESTAPIGives(t *testing.T) {
	page := func(more string) string { return `{"type":"page","status":"current",` + more + `}` }
	storage := func(body string) string {
		return `"body":{"storage":{"value":"` + body + `","representation":"storage"}}`
	}
	tests := map[string]struct {
		data  string
		names []string
		text  string
	}{
		"a page": {page(`"id":"1","title":"A","ancestors":[{"id":"9"}],` + storage("<p>x<ac:emoticon ac:name=\\\"tick\\\"/></p>")), []string{""}, "A\n\nx✓"},
		"a page as it is shown": {
			page(`"id":"1","title":"A","body":{"view":{"value":"<div class=\"expand-control-text\">More</div><p>seen</p>"}}`), []string{""}, "A\n\nMore\n\nseen",
		},
		"storage before what is shown": {
			page(`"id":"1","title":"A","body":{"export_view":{"value":"<p>no</p>"},"storage":{"value":"<p>yes</p>"}}`), []string{""}, "A\n\nyes",
		},
		"a list, in the order of the tree": {
			`{"results":[` + page(`"id":"2","title":"B","ancestors":[{"id":"7"},{"id":"1"}],`+storage("<p>b</p>")) + `,` + page(`"id":"1","title":"A",`+storage("<p>a</p>")) + `],"size":2}`,
			[]string{"A", "A/B"},
			"A\n\na",
		},
		"a list of the second version": {
			`{"results":[{"id":"2","status":"current","parentId":"1","title":"B","body":{"storage":{"value":"<p>b</p>"}}},{"id":"1","parentId":null,"title":"A","body":{"storage":{"value":"<p>a</p>"}}}]}`,
			[]string{"A", "A/B"},
			"A\n\na",
		},
		"results of a search":       {`{"results":[{"content":` + page(`"id":"1","title":"A",`+storage("<p>a</p>")) + `,"excerpt":"z"},{"content":` + page(`"id":"2","title":"C",`+storage("<p>c</p>")) + `}]}`, []string{"A", "C"}, "A\n\na"},
		"what is in no other thing": {`[` + page(`"id":"1","title":"A",`+storage("<p>a</p>")) + `,` + page(`"id":"2","title":"C",`+storage("")) + `]`, []string{"A", "C"}, "A\n\na"},
		"a blog post":               {`{"results":[{"type":"blogpost","id":"1","title":"News","history":{"createdDate":"2024-05-22T10:00:00Z"},` + storage("<p>a</p>") + `},` + page(`"id":"2","title":"Z",`+storage("<p>z</p>")) + `]}`, []string{"Z", "Blog/2024-05-22 News"}, "Z\n\nz"},
		"pages include one another": {`[` + page(`"id":"1","title":"A",`+storage(`<ac:structured-macro ac:name=\"include\"><ac:parameter ac:name=\"\"><ac:link><ri:page ri:content-title=\"C\"/></ac:link></ac:parameter></ac:structured-macro>`)) + `,` + page(`"id":"2","title":"C",`+storage("<p>c</p>")) + `]`, []string{"A", "C"}, "A\n\nc"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			out := readREST(t, tt.data, Options{})
			if len(out.errs) > 0 {
				t.Fatal(out.errs)
			}
			if diff := cmp.Diff(tt.names, out.names()); diff != "" {
				t.Errorf("pages (-want +got):\n%s", diff)
			}
			if got := out.pages[0].Source.Body; got != tt.text {
				t.Errorf("text %q, want %q", got, tt.text)
			}
		})
	}
	out := readREST(t, `[`+page(`"id":"1","title":"A",`+storage(""))+`,{"id":"2","status":"draft","title":"D",`+storage("")+`},{"id":"3","status":"trashed","title":"D",`+storage("")+`}]`, Options{})
	if diff := cmp.Diff(map[string]int{"draft page": 1, "deleted page": 1}, out.left); diff != "" || len(out.pages) != 1 {
		t.Errorf("left out (-want +got):\n%s", diff)
	}
}

func TestOtherJSONIsNoPage(t *testing.T) {
	for _, data := range []string{`{}`, `[]`, `{"type":"document"}`, `{"body":"text"}`, `{"body":{"html":"x"}}`, `{"results":[1,2,{}]}`, `{"type":"doc"`, `"doc"`, ``, `{"a":{"type":"doc"}}`} {
		if IsREST([]byte(data)) {
			t.Errorf("%s is taken for a page", data)
		}
	}
}

func TestAPageInTheStorageFormatAlone(t *testing.T) {
	body := `<?xml version="1.0"?><h1>Design</h1><p>See <ac:link><ri:user ri:username="ann"/></ac:link>.</p>` + macroXML("info", "", rich("<p>Box.</p>"))
	if !IsStorage([]byte(body)) || IsStorage([]byte("<html><p>x</p></html>")) || IsStorage([]byte("text <ac:link/>")) || IsStorage([]byte(export())) {
		t.Error("the storage format is not told from other texts")
	}
	src, err := ReadStorage(threatmodel.Document{Name: "page.xml"}, body, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := sourcetest.Check(src, 0); err != nil {
		t.Error(err)
	}
	if src.Body != "Design\n\nSee ann.\n\nBox." || src.Title != "Design" || src.Name != "page.xml" {
		t.Errorf("%q (%s): %q", src.Name, src.Title, src.Body)
	}
}
