package markdown

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bartizan-security/bartizan/internal/extract/sourcetest"
	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

// show renders a block in one line: kind, level, group, lines, text.
func show(b threatmodel.Block) string {
	var s strings.Builder
	s.WriteString(string(b.Kind))
	if b.Level > 0 {
		fmt.Fprintf(&s, " %d", b.Level)
	}
	if b.Group > 0 {
		fmt.Fprintf(&s, " g%d", b.Group)
	}
	if b.Role != threatmodel.RoleBody {
		fmt.Fprintf(&s, " %s", b.Role)
	}
	if b.Header {
		s.WriteString(" header")
	}
	if b.Language != "" {
		fmt.Fprintf(&s, " (%s)", b.Language)
	}
	fmt.Fprintf(&s, " @%d", *b.Locator.LineStart)
	if *b.Locator.LineEnd != *b.Locator.LineStart {
		fmt.Fprintf(&s, "-%d", *b.Locator.LineEnd)
	}
	fmt.Fprintf(&s, " %q", b.Text)
	return s.String()
}

func read(t *testing.T, text string) threatmodel.Source {
	t.Helper()
	s := Read(threatmodel.Document{Name: "test.md"}, text, Options{})
	if err := sourcetest.Check(s, strings.Count(text, "\n")+1); err != nil {
		t.Fatal(err)
	}
	return s
}

func TestReadBlocks(t *testing.T) {
	tests := []struct {
		name, text string
		want       []string
	}{
		{
			"headings open the path, in both styles",
			"# One\n\nTwo\n---\n\n### Three ###\n",
			[]string{`heading 1 @1 "One"`, `heading 2 @3 "Two"`, `heading 3 @6 "Three"`},
		},
		{
			"a heading loses its anchor",
			"## Keys {#keys .wide}\n",
			[]string{`heading 2 @1 "Keys"`},
		},
		{
			"a paragraph keeps its line breaks",
			"The gateway\nchecks *every*  \ntoken\\\nagain.\n",
			[]string{`paragraph @1-4 "The gateway\nchecks every\ntoken\nagain."`},
		},
		{
			"markup shows its words",
			"A **bold** and ~~old~~ [link](https://x.example \"t\") with `co de` <https://y.example> ![a map](m.png) &amp; \\*.\n",
			[]string{`paragraph @1 "A bold and old link with co de https://y.example a map & *."`},
		},
		{
			"a reference link shows its text and its definition nothing",
			"See [the plan][p].\n\n[p]: https://x.example\n",
			[]string{`paragraph @1 "See the plan."`},
		},
		{
			"a list item is its own paragraph, with its depth",
			"- one\n  - two\n    goes on\n- three\n\n  more of three\n",
			[]string{
				`list_item 1 g1 @1 "one"`, `list_item 2 g1 @2-3 "two\ngoes on"`,
				`list_item 1 g1 @4 "three"`, `paragraph g1 @6 "more of three"`,
			},
		},
		{
			"a task shows its box and its text",
			"- [x] done\n- [ ] open\n",
			[]string{`list_item 1 g1 @1 "[x] done"`, `list_item 1 g1 @2 "[ ] open"`},
		},
		{
			"a table is a block a row",
			"| Store | Holds |\n|---|---|\n| A | `a\\|b` and\\|c |\n| B |\n",
			[]string{
				`table_row g1 header @1 "Store | Holds"`, `table_row g1 @3 "A | a|b and|c"`,
				`table_row g1 @4 "B | "`,
			},
		},
		{
			"an empty row is none",
			"| | |\n|---|---|\n| A | b |\n| | |\n",
			[]string{`table_row g1 @3 "A | b"`},
		},
		{
			"a fence keeps every byte and its language",
			"```go title=\"x\"\n\n  a := 1\n\n```\n",
			[]string{`code (go) @3 "  a := 1"`},
		},
		{
			"indented code is code",
			"Run:\n\n    make  all\n    make test\n",
			[]string{`paragraph @1 "Run:"`, `code @3-4 "make  all\nmake test"`},
		},
		{
			"a fence in a list loses the list's indentation",
			"1. Do\n   ```sh\n   x\n     y\n   ```\n",
			[]string{`list_item 1 g1 @1 "Do"`, `code g1 (sh) @3-4 "x\n  y"`},
		},
		{
			"a quote is text, and its heading no part of the outline",
			"> ## Aside\n> Said *so*.\n\nEnd.\n",
			[]string{`paragraph @1 "Aside"`, `paragraph @2 "Said so."`, `paragraph @4 "End."`},
		},
		{
			"an alert loses its mark",
			"> [!WARNING]\n> Keys are shared.\n",
			[]string{`paragraph @2 "Keys are shared."`},
		},
		{
			"an indented box shows its title and its blocks",
			"!!! danger \"Open port\"\n    Port 22 is open.\n\n    - to all\n\nAfter.\n",
			[]string{`paragraph @1 "Open port"`, `paragraph @2 "Port 22 is open."`, `list_item 1 g1 @4 "to all"`, `paragraph @6 "After."`},
		},
		{
			"a fenced box shows its title and its blocks",
			":::note Beware\n\nPort 22 is *open*.\n\n:::\n\nAfter.\n",
			[]string{`paragraph @1 "Beware"`, `paragraph @3 "Port 22 is open."`, `paragraph @7 "After."`},
		},
		{
			"a footnote stands where it was written, its reference shows nothing",
			"Keys rotate[^1] daily.\n\n[^1]: By *cron*.\n\n# Next\n",
			[]string{`paragraph @1 "Keys rotate daily."`, `footnote @3 "By cron."`, `heading 1 @5 "Next"`},
		},
		{
			"brackets that name no footnote are text",
			"The regex [^a-z] matches.\n",
			[]string{`paragraph @1 "The regex [^a-z] matches."`},
		},
		{
			"front matter is no text",
			"---\ntitle: \"The Plan\"\ntags: [a, b]\n---\n\nText.\n",
			[]string{`paragraph @6 "Text."`},
		},
		{
			"a rule is no front matter",
			"---\n\nText one.\n\n---\n\nText two.\n",
			[]string{`paragraph @3 "Text one."`, `paragraph @7 "Text two."`},
		},
		{
			"a comment is dropped, also across blank lines",
			"A.\n\n<!-- secret\n\nplan -->\n\nB<!-- x -->C.\n",
			[]string{`paragraph @1 "A."`, `paragraph @7 "BC."`},
		},
		{
			"an image alone is an image",
			"![The zones](z.png)\n\n![](y.png)\n",
			[]string{`image @1 "The zones"`, `image @3 ""`},
		},
		{
			"template tags show nothing",
			"{{% boxes/note %}}\nKeep {{< ref \"x\" >}} this.\n{{% /boxes/note %}}\n",
			[]string{`paragraph @2 "Keep  this."`},
		},
		{
			"a list of links under Contents is a table of contents",
			"# Plan\n\n## Table of contents\n\n- [One](#one)\n- [Other](other.md)\n\n## One\n",
			[]string{
				`heading 1 @1 "Plan"`, `heading 2 toc @3 "Table of contents"`,
				`list_item 1 g1 toc @5 "One"`, `list_item 1 g1 toc @6 "Other"`, `heading 2 @8 "One"`,
			},
		},
		{
			"a list of links elsewhere is text",
			"## See also\n\n- [One](one.md)\n- [Other](other.md)\n",
			[]string{`heading 2 @1 "See also"`, `list_item 1 g1 @3 "One"`, `list_item 1 g1 @4 "Other"`},
		},
		{
			"a name in angle brackets is text, a tag is not",
			"Send it to <tenant> at <b>once</b>.\n",
			[]string{`paragraph @1 "Send it to <tenant> at once."`},
		},
		{
			"control characters do not get through references",
			"a&#27;[31m b &#x202e;c\n",
			[]string{`paragraph @1 "a[31m b c"`},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var got []string
			for _, b := range read(t, tt.text).Blocks {
				got = append(got, show(b))
			}
			if d := cmp.Diff(tt.want, got); d != "" {
				t.Errorf("blocks of %q (-want +got):\n%s", tt.text, d)
			}
		})
	}
}

func TestReadHTML(t *testing.T) {
	tests := []struct {
		name, text string
		want       []string
	}{
		{
			"details and summary are paragraphs, with Markdown between them",
			"<details>\n<summary>How it\nworks</summary>\n\nBy *magic*.\n\n</details>\n",
			[]string{`paragraph @2-3 "How it\nworks"`, `paragraph @5 "By magic."`},
		},
		{
			"a table keeps its columns where cells span",
			"<table>\n<tr><th>A<th>B<th>C\n<tr><td rowspan=2>1<td colspan=2>2\n<tr><td>3<td>4\n</table>\n",
			[]string{`table_row g1 header @2 "A | B | C"`, `table_row g1 @3 "1 | 2 | "`, `table_row g1 @4 " | 3 | 4"`},
		},
		{
			"Markdown inside a cell belongs to the cell",
			"<table>\n<tr><td>Key\n<td>\n\nRotated *daily*\nby cron.\n\n<td>yes\n</table>\n\nAfter.\n",
			[]string{`table_row g1 @2-8 "Key | Rotated daily by cron. | yes"`, `paragraph @11 "After."`},
		},
		{
			"prose laid out in a cell stays prose",
			"<table>\n<tr><td>Key<td>\n\n" + strings.Repeat("Long text here. ", 20) + "\n\n- Item one.\n\n<td>yes</tr>\n</table>\n",
			[]string{`table_row g1 @2-8 "Key | ` + strings.TrimSpace(strings.Repeat("Long text here. ", 20)) + ` | yes"`, `list_item 1 g1 @6 "Item one."`},
		},
		{
			"a table that never ends does not swallow the document",
			"<table><tr><td>\n\nText.\n\n# Next\n",
			[]string{`paragraph @3 "Text."`, `heading 1 @5 "Next"`},
		},
		{
			"lists nest",
			"<ul>\n<li>one\n<ol start=4><li>two</li></ol></li>\n<li><p>three</p><p>four</p></li>\n</ul>\n",
			[]string{`list_item 1 g1 @2 "one"`, `list_item 2 g1 @3 "two"`, `list_item 1 g1 @4 "three"`, `paragraph g1 @4 "four"`},
		},
		{
			"scripts, styles and drawings show nothing",
			"<style>p { color: red }</style>\n\n<script>\nalert(1)\n\n</script>\n\n<svg><text>no</text></svg>\n\nText.\n",
			[]string{`paragraph @10 "Text."`},
		},
		{
			"pre keeps its white space",
			"<pre>\n a &lt; b\n\n c\n</pre>\n",
			[]string{`code @2-4 " a < b\n\n c"`},
		},
		{
			"a diagram in HTML is one",
			"<pre class=\"mermaid\">\ngraph LR\n  a --&gt; b\n</pre>\n",
			[]string{`diagram (mermaid) @2-3 "graph LR\n  a --> b"`},
		},
		{
			"a line break breaks the line and an image shows its text",
			"One<br>two <img src=x alt=\"a  map\"> three.\n",
			[]string{`paragraph @1 "One\ntwo a map three."`},
		},
		{
			"headings and captions",
			"<h2 id=x>Two <em>words</em></h2>\n<figure><img alt=Zones><figcaption>The zones</figcaption></figure>\n",
			[]string{`heading 2 @1 "Two words"`, `image @2 "Zones"`, `caption @2 "The zones"`},
		},
		{
			"a tag within Markdown ends the cell",
			"<table>\n<tr><td>\n\nText</td></tr></table>\n\nAfter.\n",
			[]string{`table_row g1 @4 "Text"`, `paragraph @6 "After."`},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var got []string
			for _, b := range read(t, tt.text).Blocks {
				got = append(got, show(b))
			}
			if d := cmp.Diff(tt.want, got); d != "" {
				t.Errorf("blocks of %q (-want +got):\n%s", tt.text, d)
			}
		})
	}
}

func TestBody(t *testing.T) {
	text := "# Plan\n\nIntro.\n\n1. one\n   - [x] two\n2. three\n\n   more\n\n| a | b |\n|---|---|\n| c | d |\n"
	want := "Plan\n\nIntro.\n\n1. one\n  - [x] two\n2. three\n  more\n\na | b\nc | d"
	if d := cmp.Diff(want, read(t, text).Body); d != "" {
		t.Errorf("text (-want +got):\n%s", d)
	}
}

func TestTitle(t *testing.T) {
	tests := []struct{ name, text, want string }{
		{"front matter names the document", "---\ntitle: From YAML\n---\n# Heading\n", "From YAML"},
		{"so does TOML", "+++\ntitle = \"From TOML\"\n+++\n# Heading\n", "From TOML"},
		{"so does JSON", "{\n  \"title\": \"From JSON\"\n}\n\n# Heading\n", "From JSON"},
		{"else the first heading", "Text.\n\n## A *first*\none\n\n# Other\n", "A first"},
		{"a document may have no name", "Text.\n", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := read(t, tt.text).Title; got != tt.want {
				t.Errorf("title %q, want %q", got, tt.want)
			}
		})
	}
}

func TestMarksTellTheLineOfEachPiece(t *testing.T) {
	s := read(t, "# T\n\none\n*two\nthree* `four\nfive` six\n")
	want := []threatmodel.Mark{{Offset: 0, Line: 3}, {Offset: 4, Line: 4}, {Offset: 8, Line: 5}, {Offset: 19, Line: 6}}
	if d := cmp.Diff(want, s.Blocks[1].Marks); d != "" {
		t.Errorf("marks of %q (-want +got):\n%s", s.Blocks[1].Text, d)
	}
}

func TestDiagrams(t *testing.T) {
	s := read(t, "# Flows\n\n- Here:\n\n  ```mermaid\n  graph LR\n    a[A] --> b[(B)]\n  ```\n\n```mermaid\npie\n```\n\n```dot\ndigraph { a -> b }\n```\n")
	if len(s.Diagrams) != 1 {
		t.Fatalf("diagrams %v", s.Diagrams)
	}
	d := s.Diagrams[0]
	b := s.Blocks[2]
	if b.ID != d.Block || b.Kind != threatmodel.BlockDiagram || b.Text[d.Edges[0].Start:d.Edges[0].End] != "a[A] --> b[(B)]" {
		t.Errorf("block %+v of diagram %+v", b, d)
	}
	if last := s.Blocks[4]; last.Kind != threatmodel.BlockCode || last.Language != "dot" {
		t.Errorf("a language of drawings that is not read: %+v", last)
	}
	if len(s.Notices) != 1 || !strings.HasPrefix(s.Notices[0].Text, "Diagram, line 11: ") {
		t.Errorf("notices %v, want one about line 11", s.Notices)
	}
}

// words of each body block must stand on its lines of the file.
func TestCorpusWordsStandOnTheirLines(t *testing.T) {
	root := os.Getenv("BARTIZAN_CORPUS")
	if root == "" {
		t.Skip("BARTIZAN_CORPUS is not set")
	}
	files, err := filepath.Glob(filepath.Join(root, "markdown", "*.md"))
	if err != nil {
		t.Fatal(err)
	}
	more, _ := filepath.Glob(filepath.Join(root, "markdown", "*", "*.md"))
	if files = append(files, more...); len(files) == 0 {
		t.Fatalf("no Markdown under %s", root)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			s := read(t, string(data))
			lines := strings.Split(string(data), "\n")
			for _, b := range s.Blocks {
				checkWords(t, b, lines)
			}
		})
	}
}

// markup may stand within a word.
var markup = strings.NewReplacer("`", "", "*", "")

func checkWords(t *testing.T, b threatmodel.Block, lines []string) {
	t.Helper()
	if missing := missingWord(b, lines); missing != "" {
		t.Error(missing)
	}
}

// missingWord tells of a word of a block that does not stand on the line which
// the marks of the block name; empty where all do.
func missingWord(b threatmodel.Block, lines []string) string {
	for i, m := range b.Marks {
		end := len(b.Text)
		if i+1 < len(b.Marks) {
			end = b.Marks[i+1].Offset
		}
		for _, word := range strings.FieldsFunc(b.Text[m.Offset:end], func(r rune) bool {
			return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9')
		}) {
			if !strings.Contains(markup.Replace(lines[m.Line-1]), word) {
				return fmt.Sprintf("line %d lacks %q of %q: %q", m.Line, word, b.Text, lines[m.Line-1])
			}
		}
	}
	return ""
}
