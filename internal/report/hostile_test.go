package report_test

import (
	"bytes"
	"context"
	"encoding/xml"
	"io"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/extension"
	unsafe "github.com/yuin/goldmark/renderer/html"
	"golang.org/x/net/html"

	"github.com/bartizan-security/bartizan/internal/report"
	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

// attacks are texts as a document could hold them; each tries to be more than
// text somewhere.
var attacks = []string{
	`<script>alert(1)</script>`, `<img src=x onerror=alert(2)>`, `"><svg onload=alert(3)>`, `</style><script>alert(4)</script>`,
	`javascript:alert(5)`, `[click](javascript:alert(6))`, `![pic](https://evil.example/x.png)`, `<javascript:alert(7)>`,
	"\x1b[2J\x1b[31mred\x1b]0;title\x07", "a\u202Egnp.exe", "tags\U000E0041\U000E0042", "x\r\ny\x00z",
	"| a | b |\n| --- | --- |", "```\n# not a heading\n```", "# heading", "--- \n===", "1. list", "> quote", "* * *",
	"{{.Evil}}", "`code` $math$ ~~gone~~ *bold* _it_ @everyone #1 &lt;b&gt;", "https://evil.example/?q=1 www.evil.example",
	`style="background:url(https://evil.example)"`, `end"] --> x; click x "javascript:alert(8)"`, "-->|</text><a href='javascript:alert(9)'>",
	"|md # x |", "${x} #{y} x.y -> z: {link: https://evil.example}", "]]>", "<!-- --><!--", strings.Repeat("W", 400), strings.Repeat("長", 300),
	"<details open ontoggle=alert(10)>", "</details></article></section>", "<http://evil.example>", "\\\\[x]\\(y)", "[x]: https://evil.example",
}

// hostileModel is a model with every text an attack, ids apart where they must
// agree with one another.
func hostileModel() *threatmodel.Model {
	m := manyThreats(12)
	n := 0
	poison(reflect.ValueOf(m).Elem(), "", func() string { n++; return attacks[n%len(attacks)] })
	m.SchemaVersion = "1.0"
	for i := range m.Threats {
		if i%3 > 0 { // else none would be open
			m.Threats[i].MergedInto = ""
		}
	}
	return m
}

// kept are the fields whose values are the product's own words or must agree
// with others; everything else may come from a document or a model.
var kept = map[string]bool{
	"ID": true, "Kind": true, "Document": true, "Elements": true, "Assets": true, "From": true, "To": true, "Boundary": true, "Crosses": true,
	"STRIDE": true, "Status": true, "Risk": true, "Verdict": true, "Role": true, "Stage": true, "Element": true, "Threat": true, "Threats": true,
}

// poison puts an attack into every string but those of kept fields.
func poison(v reflect.Value, field string, next func() string) {
	switch v.Kind() {
	case reflect.String:
		if !kept[field] {
			v.SetString(next())
		}
	case reflect.Pointer:
		if !v.IsNil() {
			poison(v.Elem(), field, next)
		}
	case reflect.Slice:
		for i := range v.Len() {
			poison(v.Index(i), field, next)
		}
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[time.Time]() {
			return
		}
		for i := range v.NumField() {
			poison(v.Field(i), v.Type().Field(i).Name, next)
		}
	}
}

// hostileTexts are texts that hold the model's quotes.
func hostileTexts(m *threatmodel.Model) report.Texts {
	texts := report.Texts{}
	for _, d := range m.Documents {
		texts[d.ID] = strings.Join(attacks, "\n\n")
	}
	return texts
}

func TestTerminalOfHostileDocumentsHoldsNoControlCharacter(t *testing.T) {
	var b bytes.Buffer
	if err := report.Terminal(&b, hostileModel(), report.TerminalOptions{Width: 80, Folder: "out\x1b[0m"}); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(b.String(), "8 threats open") {
		t.Error("no threats in the table: the test would hold nothing")
	}
	for i, line := range strings.Split(b.String(), "\n") {
		for _, r := range line {
			if unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) {
				t.Errorf("line %d holds %U: %q", i+1, r, line)
			}
		}
		if n := columns(line); n > 80 {
			t.Errorf("line %d is %d columns wide: %q", i+1, n, line)
		}
	}
}

// columns counts the columns of a line by another rule than the package does:
// the CJK letters of the attacks are two wide, all others one.
func columns(s string) int {
	n := 0
	for _, r := range s {
		n++
		if unicode.Is(unicode.Han, r) {
			n++
		}
	}
	return n
}

// TestMarkdownOfHostileDocumentsStaysText renders the report as GitHub does,
// but with raw HTML let through: nothing but the report's own may come of it.
func TestMarkdownOfHostileDocumentsStaysText(t *testing.T) {
	m := hostileModel()
	var b bytes.Buffer
	if err := report.Markdown(&b, m, hostileTexts(m)); err != nil {
		t.Fatal(err)
	}
	tags := tagsOf(t, b.Bytes())
	for _, tag := range tags {
		if !allowedTag[tag.Data] {
			t.Errorf("<%s> came of a document's text: %q", tag.Data, near(tag))
		}
		for _, a := range tag.Attr {
			switch {
			case tag.Data == "a" && a.Key == "id":
			case tag.Data == "a" && a.Key == "href" && (strings.HasPrefix(a.Val, "#") || strings.HasPrefix(a.Val, "https://cwe.mitre.org/") ||
				strings.HasPrefix(a.Val, "https://capec.mitre.org/") || strings.HasPrefix(a.Val, "https://attack.mitre.org/")):
			case tag.Data == "code" && a.Key == "class" && a.Val == "language-mermaid":
			case a.Key == "align" || a.Key == "start":
			default:
				t.Errorf("<%s %s=%q> came of a document's text: %q", tag.Data, a.Key, a.Val, near(tag))
			}
		}
	}
	for _, tag := range tags {
		if tag.Data == "code" || tag.Data == "pre" {
			continue
		}
		for n := range tag.ChildNodes() {
			if n.Type == html.TextNode && calls.MatchString(n.Data) {
				t.Errorf("%q would call or link somebody", n.Data)
			}
		}
	}
}

// calls are what GitHub makes links of by itself: mentions and issues.
var calls = regexp.MustCompile(`@[A-Za-z0-9]|#[0-9]`)

// near is the text around an element, to find where it came from.
func near(n *html.Node) string {
	var b bytes.Buffer
	if err := html.Render(&b, n.Parent); err != nil {
		return err.Error()
	}
	return b.String()[:min(b.Len(), 400)]
}

var allowedTag = map[string]bool{
	"html": true, "head": true, "body": true, "h1": true, "h2": true, "h3": true, "p": true, "ul": true, "ol": true, "li": true, "table": true,
	"thead": true, "tbody": true, "tr": true, "th": true, "td": true, "strong": true, "em": true, "del": true, "code": true, "pre": true, "a": true,
	"br": true, "blockquote": true, "details": true, "summary": true,
}

// tagsOf are the elements that a Markdown text becomes.
func tagsOf(t *testing.T, source []byte) []*html.Node {
	t.Helper()
	var out bytes.Buffer
	md := goldmark.New(goldmark.WithExtensions(extension.GFM), goldmark.WithRendererOptions(unsafe.WithUnsafe()))
	if err := md.Convert(source, &out); err != nil {
		t.Fatal(err)
	}
	root, err := html.Parse(&out)
	if err != nil {
		t.Fatal(err)
	}
	var tags []*html.Node
	for n := range root.Descendants() {
		if n.Type == html.ElementNode {
			tags = append(tags, n)
		}
	}
	return tags
}

// TestMarkdownTablesKeepTheirColumns: a pipe in a document parts no cell.
func TestMarkdownTablesKeepTheirColumns(t *testing.T) {
	m := hostileModel()
	var b bytes.Buffer
	if err := report.Markdown(&b, m, nil); err != nil {
		t.Fatal(err)
	}
	for _, tag := range tagsOf(t, b.Bytes()) {
		if tag.Data != "table" {
			continue
		}
		want := 0
		for n := range tag.Descendants() {
			if n.Data != "tr" || n.Type != html.ElementNode {
				continue
			}
			cells := 0
			for c := range n.ChildNodes() {
				if c.Type == html.ElementNode {
					cells++
				}
			}
			if want == 0 {
				want = cells
			}
			if cells != want {
				t.Errorf("a row has %d cells, its table %d", cells, want)
			}
		}
	}
	// goldmark drops what is too much in a row, so the pipes are counted too.
	for line := range strings.Lines(b.String()) {
		if strings.HasPrefix(line, "| critical |") || strings.HasPrefix(line, "| high |") {
			if n := strings.Count(strings.ReplaceAll(line, `\|`, ""), "|"); n != 6 {
				t.Errorf("%d pipes in %s", n, line)
			}
		}
	}
}

func TestDiagramOfHostileNamesHoldsNothingButShapesAndText(t *testing.T) {
	svg, err := report.Diagram(context.Background(), hostileModel())
	if err != nil {
		t.Fatal(err)
	}
	d := xml.NewDecoder(bytes.NewReader(svg))
	allowed := map[string]bool{"svg": true, "style": true, "rect": true, "path": true, "text": true}
	for {
		tok, err := d.Token()
		if err == io.EOF {
			return
		}
		if err != nil {
			t.Fatalf("the SVG is no XML: %v", err)
		}
		start, ok := tok.(xml.StartElement)
		if !ok {
			continue
		}
		if !allowed[start.Name.Local] {
			t.Errorf("<%s> in the diagram", start.Name.Local)
		}
		for _, a := range start.Attr {
			if strings.HasPrefix(a.Name.Local, "on") || strings.Contains(a.Name.Local, "href") {
				t.Errorf("%s on <%s>", a.Name.Local, start.Name.Local)
			}
		}
	}
}

// TestPageOfHostileDocumentsHoldsOneScript is the rule without a browser; with
// one see TestPageInABrowser.
func TestPageOfHostileDocumentsHoldsOneScript(t *testing.T) {
	m := hostileModel()
	var b bytes.Buffer
	if err := report.HTML(context.Background(), &b, m, hostileTexts(m)); err != nil {
		t.Fatal(err)
	}
	root, err := html.Parse(bytes.NewReader(b.Bytes()))
	if err != nil {
		t.Fatal(err)
	}
	count := map[string]int{}
	for n := range root.Descendants() {
		if n.Type != html.ElementNode {
			continue
		}
		count[n.Data]++
		for _, a := range n.Attr {
			if strings.HasPrefix(a.Key, "on") || a.Key == "style" || strings.Contains(strings.ToLower(a.Val), "javascript:") && a.Key == "href" {
				t.Errorf("%s=%q on <%s>", a.Key, a.Val, n.Data)
			}
		}
	}
	if count["script"] != 1 || count["style"] != 1 || count["img"] != 0 || count["iframe"] != 0 {
		t.Errorf("elements: %v", count)
	}
}
