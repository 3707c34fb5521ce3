package web

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bartizan-security/bartizan/internal/extract/sourcetest"
	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

func read(t testing.TB, text string, opt Options) threatmodel.Source {
	t.Helper()
	s, err := Read(threatmodel.Document{Name: "test.html"}, text, opt)
	if err != nil {
		t.Fatal(err)
	}
	if err := sourcetest.Check(s, strings.Count(text, "\n")+1); err != nil {
		t.Fatal(err)
	}
	return s
}

// show renders a block in one line: kind, level, role, lines, text.
func show(b threatmodel.Block) string {
	var s strings.Builder
	s.WriteString(string(b.Kind))
	if b.Level > 0 {
		fmt.Fprintf(&s, " %d", b.Level)
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

// filler makes an element hold most of the words of its page.
var filler = strings.Repeat("word ", 60)

func TestRead(t *testing.T) {
	long := strings.TrimSpace(filler)
	tests := []struct {
		name, text string
		want       []string
	}{
		{
			"headings, paragraphs and lists, with the tags that authors leave out",
			"<!DOCTYPE html><title>T</title>\n<h1>One</h1>\n<p>The <b>gateway</b>\nchecks&nbsp;all.\n<p>Two<br>lines\n<ul><li>a<li>b<ol start=4><li>c</ol><li>d</ul>",
			[]string{
				`heading 1 @2 "One"`, `paragraph @3-4 "The gateway checks all."`, `paragraph @5 "Two\nlines"`,
				`list_item 1 @6 "a"`, `list_item 1 @6 "b"`, `list_item 2 @6 "c"`, `list_item 1 @6 "d"`,
			},
		},
		{
			"what leads around the site has its role",
			"<html><body><header>Brand</header><nav><ul><li><a href=x>Home</a></ul></nav>\n<div class=promo>Buy</div><main><h1>T</h1><aside>Mind this.</aside><nav>On this page</nav><p>" + long + "</p><footer>Edited today</footer></main>\n<aside>Ads</aside><div>More</div><footer>Imprint</footer>",
			[]string{
				`paragraph header @1 "Brand"`, `list_item 1 toc @1 "Home"`, `paragraph header @2 "Buy"`, `heading 1 @2 "T"`, `paragraph @2 "Mind this."`,
				`paragraph toc @2 "On this page"`, `paragraph @2 "` + long + `"`, `paragraph footer @2 "Edited today"`,
				`paragraph annotation @3 "Ads"`, `paragraph footer @3 "More"`, `paragraph footer @3 "Imprint"`,
			},
		},
		{
			"an element for the content that holds little is not it",
			"<html><body><p>" + long + "</p><article><p>Teaser</p></article>",
			[]string{`paragraph @1 "` + long + `"`, `paragraph @1 "Teaser"`},
		},
		{
			"several contents are read together",
			"<html><body><div>Top</div><div><article><p>" + long + "</p></article><article><p>" + long + "</p></article></div>",
			[]string{`paragraph header @1 "Top"`, `paragraph @1 "` + long + `"`, `paragraph @1 "` + long + `"`},
		},
		{
			"a header that holds the title of the page is text",
			"<html><body><header><h1>Plan</h1></header><p>Text.</p>",
			[]string{`heading 1 @1 "Plan"`, `paragraph @1 "Text."`},
		},
		{
			"what is hidden is not text, a tab is",
			"<html><body><p hidden>a</p><p style='color:red; Display : none'>b</p><p aria-hidden=true>c</p><template>d</template><script>e</script><noscript>f</noscript><dialog>g</dialog><div role=tabpanel hidden><p>Tab.</p></div><svg><text>h</text></svg>",
			[]string{`paragraph @1 "Tab."`},
		},
		{
			"what works the page is no text",
			"<html><body><h2>Keys<a class=headerlink href=#keys>¶</a></h2><p>Text.<button>Copy</button><sup><a class=footnote-ref href=#fn1>1</a></sup></p>",
			[]string{`heading 2 @1 "Keys"`, `paragraph @1 "Text."`},
		},
		{
			"tables keep their columns where cells span, and captions",
			"<html><body><table><caption>Stores</caption><thead><tr><th>A<th>B<th>C<tbody>\n<tr><td rowspan=2>1<td colspan=2>2\n<tr><td>3<td>4</table>\n<p>After.",
			[]string{`caption @1 "Stores"`, `table_row header @1 "A | B | C"`, `table_row @2 "1 | 2 | "`, `table_row @3 " | 3 | 4"`, `paragraph @4 "After."`},
		},
		{
			"a table that lays the page out is none",
			"<html><body><table role=presentation><tr><td><p>Left.</p><td><ul><li>Right.</ul></table><table><tr><td><h2>Box</h2><p>Text.</table>",
			[]string{`paragraph @1 "Left."`, `list_item 1 @1 "Right."`, `heading 2 @1 "Box"`, `paragraph @1 "Text."`},
		},
		{
			"terms stand with their description",
			"<html><body><dl>\n<dt>Key\n<dd><p>In Vault.</p><p>Rotated.</p>\n<dt>A<dt>B<dd>Both.<dt>Lone</dl>\n<p>End.",
			[]string{`list_item 1 @2-3 "Key\nIn Vault."`, `paragraph @3 "Rotated."`, `list_item 1 @4 "A\nB\nBoth."`, `list_item 1 @4 "Lone"`, `paragraph @5 "End."`},
		},
		{
			"code keeps its blanks and tells its language",
			"<html><body><div class=highlight-python><div class=highlight><pre><span></span><span>def</span> f():\n  pass\n</pre></div></div><pre class=language-yaml><code>a: 1<br>b: 2</code></pre><p>Run <code>make  all</code>.",
			[]string{`code (python) @1-2 "def f():\n  pass"`, `code (yaml) @3 "a: 1\nb: 2"`, `paragraph @3 "Run make all."`},
		},
		{
			"the numbers of the lines of code are left out",
			"<html><body><table class=highlighttable><tr><td class=linenos><pre>1\n2</pre><td class=code><pre>a\nb</pre></table><table class=js-file-line-container><tr><td class=blob-num>1<td>x = 1\n<tr><td class=blob-num>2<td>  y</table>",
			[]string{`code @2-3 "a\nb"`, `code @3-4 "x = 1\n  y"`},
		},
		{
			"diagrams are read, wherever the page keeps them",
			"<html><body><pre class=mermaid>graph LR\n  a[Web] --&gt; b[(DB)]</pre><pre><code class=language-mermaid>graph LR\n a[X]--&gt;b[Y]</code></pre><section data-type=mermaid><div data-plain='graph LR; a-->b'></div></section>",
			[]string{`diagram (mermaid) @1-2 "graph LR\n  a[Web] --> b[(DB)]"`, `diagram (mermaid) @2-3 "graph LR\n a[X]-->b[Y]"`, `diagram (mermaid) @3 "graph LR; a-->b"`},
		},
		{
			"a diagram that the page draws keeps the line breaks of its labels",
			"<html><body><pre class=mermaid>\n  ---\n  title: Keys\n  ---\n  sequenceDiagram\n  A->>B: first<br>second</pre>",
			[]string{`diagram (mermaid) @2-6 "  ---\n  title: Keys\n  ---\n  sequenceDiagram\n  A->>B: first<br/>second"`},
		},
		{
			"tasks keep their box, images their words",
			"<html><body><ul><li><input type=checkbox checked disabled> TLS<li><input type=checkbox> mTLS</ul><figure><img src=z alt='The zones'><figcaption>Fig. 1</figcaption></figure><p>A <img src=e alt=lock> here <img src=x alt=''>.",
			[]string{`list_item 1 @1 "[x] TLS"`, `list_item 1 @1 "[ ] mTLS"`, `image @1 "The zones"`, `caption @1 "Fig. 1"`, `paragraph @1 "A lock here ."`},
		},
		{
			"notes are footnotes, details are text",
			"<html><body><details><summary>Why</summary><p>So.</p></details><section class=footnotes><ol><li><p>Note. <a data-footnote-backref>x</a></p></ol></section>",
			[]string{`paragraph @1 "Why"`, `paragraph @1 "So."`, `footnote @1 "Note."`},
		},
		{
			"end tags that fit nothing do no harm, and formulas show their source",
			"<html><body></p></table></b><div><b>One</div> two</b><table><tr><td>a</div><td>b</table><p><math><mi>x</mi><annotation>x^2</annotation></math>",
			[]string{`paragraph @1 "One"`, `paragraph @1 "two"`, `table_row @1 "a | b"`, `paragraph @1 "x^2"`},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var got []string
			for _, b := range read(t, tt.text, Options{}).Blocks {
				got = append(got, show(b))
			}
			if d := cmp.Diff(tt.want, got); d != "" {
				t.Errorf("blocks (-want +got):\n%s", d)
			}
		})
	}
}

func TestReadTellsTitleAndLanguage(t *testing.T) {
	s := read(t, "<?xml version='1.0'?>\n<!-- saved from url=(0023)https://x.example/ -->\n<html lang=de-AT><head><title>Der\n Plan</title></head><body><h1>X</h1>", Options{})
	if s.Title != "Der Plan" || s.Language != "de" {
		t.Errorf("title %q, language %q", s.Title, s.Language)
	}
}

func TestReadKeepsLinksToFiles(t *testing.T) {
	for _, tt := range []struct{ base, want string }{
		{"", "../keys.html#rotation"},
		{"<base href=docs/>", "keys.html#rotation"},
		{"<base href=https://x.example/docs/>", ""},
	} {
		s := read(t, "<html><head>"+tt.base+"</head><body><p>See <a href='../keys.html?v=1#rotation'>the keys</a> and <a href='https://u:p@x.example'>web</a>.", Options{})
		var got string
		for _, l := range s.Blocks[0].Links {
			got += l.Target
			if text := s.Blocks[0].Text[l.Start:l.End]; text != "the keys" {
				t.Errorf("base %q: link text %q", tt.base, text)
			}
		}
		if got != tt.want {
			t.Errorf("base %q: links %q, want %q", tt.base, got, tt.want)
		}
	}
}

func TestReadHoldsItsLimits(t *testing.T) {
	tests := []struct {
		name, text string
		opt        Options
		says       string
	}{
		{"depth", "<html><body>" + strings.Repeat("<div>", 300) + "Deep.", Options{}, "more than 200 deep"},
		{"elements", "<html><body>" + strings.Repeat("<i>x</i>", 60) + "<p>Rest.", Options{MaxNodes: 50}, "more than 50 elements"},
		{"cells", "<html><body><table>" + strings.Repeat("<tr><td colspan=100 rowspan=1000>x<td>y", 40) + "</table>", Options{MaxTableCells: 1000}, "more than 1000 cells"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := read(t, tt.text, tt.opt)
			if len(s.Notices) != 1 || !strings.Contains(s.Notices[0].Text, tt.says) {
				t.Errorf("notices %v, want one that says %q", s.Notices, tt.says)
			}
			if len(s.Body) == 0 || len(s.Body) > 20_000 {
				t.Errorf("text of %d bytes", len(s.Body))
			}
		})
	}
}

func TestTranscode(t *testing.T) {
	page := "<html><head><meta charset=%s></head><body>Schl%ssel"
	tests := []struct{ name, charset, letter, want string }{
		{"what the page declares", "iso-8859-1", "\xfc", "ü"},
		{"another alphabet", "windows-1251", "\xfe", "ю"},
		{"Japanese", "shift_jis", "\x82\xa0", "あ"},
		{"UTF-8 that is declared as another", "iso-8859-1", "ü", "ü"},
		{"UTF-8", "utf-8", "ü", "ü"},
	}
	for _, tt := range tests {
		got := string(Transcode(fmt.Appendf(nil, page, tt.charset, tt.letter)))
		if want := fmt.Sprintf(page, tt.charset, tt.want); got != want {
			t.Errorf("%s: %q, want %q", tt.name, got, want)
		}
	}
	if got := string(Transcode([]byte("# no page \xfc"))); got != "# no page \xfc" {
		t.Errorf("a text that is no page: %q", got)
	}
}

func TestRulesLoad(t *testing.T) {
	r, err := loadRules()
	if err != nil {
		t.Fatal(err)
	}
	for name, list := range map[string]selectors{
		"navigation": r.navigation, "header": r.header, "footer": r.footer,
		"aside": r.aside, "footnotes": r.footnotes, "skip": r.skip, "code tables": r.codeTables,
	} {
		if len(list) == 0 {
			t.Errorf("no selectors for %s", name)
		}
	}
	if len(r.content) == 0 {
		t.Error("no selectors for content")
	}
	if _, err := parseSelector("main p"); err == nil {
		t.Error("a selector of two compounds is taken")
	}
}
