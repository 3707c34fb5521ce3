package web

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/bartizan-security/bartizan/internal/extract/sourcetest"
	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

// pieces are what pages of the property test and the first inputs of the fuzz
// target are made of.
var pieces = []string{
	"<html lang=de><head><title>T</title><base href='docs/'></head><body>\n", "<nav><ul><li><a href=x>Home</a></ul></nav>\n", "<header>Brand</header>", "<main>", "</main>\n",
	"<article class='markdown-body'>", "</article>", "<aside>Side</aside>\n", "<footer>Foot</footer>\n", "<h1>One</h1>\n", "<h2>Two<a class=headerlink>x</a></h2>", "<p>Some <b>bold</b>\nand words.\n", "<p>", "</p>", "<br>",
	"<ul><li>a\n<li>b<ol start=3><li>c</ol></ul>\n", "<li>stray", "<dl><dt>Key<dd><p>Value\n</p><p>More</dl>", "<dt>lone", "<dd>lone", "<table><caption>C</caption><thead><tr><th>A<th>B<tbody>\n<tr><td rowspan=2>1<td colspan=2>2\n<tr><td>3</table>\n",
	"<table role=presentation><tr><td>x</table>", "<table><tr><td>", "</table>", "<td>", "<tr>", "</td>", "<pre class=language-go>\n a\n  b\n</pre>\n", "<pre class=mermaid>\ngraph LR\n a--&gt;b\n</pre>", "<b class=mermaid><br>", "<table class=highlighttable><tr><td class=linenos>1<td><pre>x\ny</pre></table>",
	"<figure><img alt='Zones' src=z><figcaption>Fig</figcaption></figure>", "<details><summary>S</summary>in</details>", "<div hidden>no</div>", "<div style='display: none'>no</div>", "<template>no</template>", "<script>if (a<b) x()</script>", "<!-- c -->", "<div role=tabpanel hidden>tab</div>",
	"<section class=footnotes><ol><li>note</ol></section>", " <input type=checkbox checked>", "&amp; &nbsp;&#x202e;&#10;&lt;p&gt;", " <math><annotation>x</annotation></math> ", "</div>", "<div>", "<b>", "</b>", "\n\n", " text ", "<section data-type=mermaid><div data-plain='graph LR;a-->b'></div></section>", "<svg><text>no</text></svg>", " <ruby>a<rt>b</rt></ruby> ",
}

func check(t interface{ Fatalf(string, ...any) }, text string) threatmodel.Source {
	s, err := Read(threatmodel.Document{Name: "x.html"}, text, Options{MaxTableCells: 5000})
	if err != nil {
		t.Fatalf("%q: %v", text, err)
	}
	if err := sourcetest.Check(s, strings.Count(text, "\n")+strings.Count(text, "\r")+strings.Count(text, "\u2028")+strings.Count(text, "\u2029")+1); err != nil {
		t.Fatalf("%q: %v", text, err)
	}
	if most := 64*len(text) + 1<<16; len(s.Body) > most {
		t.Fatalf("%d bytes of text from %d", len(s.Body), len(text))
	}
	return s
}

var tags = regexp.MustCompile(`<[^>]*>`)

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
			if line := lines[m.Line-1]; !strings.Contains(line, word) && !strings.Contains(tags.ReplaceAllString(line, ""), word) && word != "x" {
				return fmt.Sprintf("line %d lacks %q of %q: %q", m.Line, word, b.Text, lines[m.Line-1])
			}
		}
	}
	return ""
}

func TestPropertyBlocksStandInTheTextAndOnTheirLines(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := strings.Join(rapid.SliceOfN(rapid.SampledFrom(pieces), 1, 14).Draw(t, "pieces"), "")
		lines := strings.Split(text, "\n")
		for _, b := range check(t, text).Blocks {
			if missing := missingWord(b, lines); missing != "" {
				t.Fatalf("%q: %s", text, missing)
			}
		}
	})
}

func FuzzRead(f *testing.F) {
	for _, p := range pieces {
		f.Add("<html>" + p)
	}
	f.Add(strings.Join(pieces, ""))
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 20_000 {
			t.Skip("long pages only take long")
		}
		check(t, text)
		Transcode([]byte(text))
	})
}
