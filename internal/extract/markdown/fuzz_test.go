package markdown

import (
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"

	"github.com/bartizan-security/bartizan/internal/extract/sourcetest"
	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

// pieces are what documents of the property test and the first inputs of the
// fuzz target are made of.
var pieces = []string{
	"# Heading {#id}\n", "Under\n===\n", "Some *text* with `code` and [link](a.md \"t\").\n", "- item\n", "  - [x] done\n", "1. one\n", "    indented\n",
	"\n", "\n\n", "> quote\n", "> [!NOTE] Title\n> text\n", "| a | b |\n|---|---|\n| c | d\\|e |\n", "```mermaid\ngraph LR\n a-->b\n```\n", "~~~\nopen\n",
	"!!! note \"T\"\n    in\n", "=== \"Tab\"\n    in\n", ":::tip[T]\nin\n:::\n", "/// note | T\nin\n///\n", ":::\n", "Term\n:   What.\n", "[^1]: note\n", "word[^1]\n",
	"---\ntitle: x\n---\n", "+++\ntitle = 'x'\n+++\n", "{\n\"title\": 1}\n", "{{< figure title=\"T\" caption=\"C\" >}}\n", "{% highlight go %}\nx\n{% endhighlight %}\n", "{{< mermaid >}}\ngraph LR\n{{< /mermaid >}}\n",
	"{/* c\n\nc */}\n", "--8<-- \"a.md\"\n", "![[a.md]]\n", "[[Page|w]] [[a/b|c d]]\n", "import X from './x.mdx'\n", "export const x = {\n a\n}\n", "<Tabs\n a={[{x: 1}]}>\n", "<TabItem label=\"L\">\n", "</Tabs>\n",
	"<table><tr><td colspan=2 rowspan=3>a\n<td>\n\n*b*\n\n</table>\n", "<ul><li>x<li>y</ul>\n", "<pre>\n a\n</pre>\n", "<!-- c\n\n-->\n", "<details><summary>s</summary>\n\n", "</details>\n", "<div hidden>", "<tenant> &amp; &#x202e; \\* ![i](x.png){width=1}\n",
	"```{note} T\n:class: x\nin\n```\n", "```{include} a.md\n```\n", "[h]({{< ref \"x.md\" >}})\n", "\t- tab\n", "-\t<Ab>\n", "-\t{/* x */}\n", ">\t=== \"a\"\n", "-\t:::x y\n", "-\t```{note} T\n", "é\u2028x\x00y\x1b[31m\n", "***", "|", "[toc]\n", "::: mermaid\ngraph LR\n:::\n",
}

// check reads a text and holds the reader to its promises: the blocks are slices
// of the text, in order, with lines within the file, and on each line that a
// mark names stand the words after it.
func check(t interface{ Fatalf(string, ...any) }, text string) {
	s := Read(threatmodel.Document{Name: "x.md"}, text, Options{MaxTableCells: 5000})
	lines := strings.Count(text, "\n") + 1
	if !utf8.ValidString(text) || strings.ContainsAny(text, "\r\u2028\u2029") {
		lines = strings.Count(text, "\n") + strings.Count(text, "\r") + strings.Count(text, "\u2028") + strings.Count(text, "\u2029") + 1
	}
	if err := sourcetest.Check(s, lines); err != nil {
		t.Fatalf("%q: %v", text, err)
	}
	if most := 64*len(text) + 1<<16; len(s.Body) > most {
		t.Fatalf("%d bytes of text from %d", len(s.Body), len(text))
	}
}

func TestPropertyBlocksStandInTheTextAndOnTheirLines(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := strings.Join(rapid.SliceOfN(rapid.SampledFrom(pieces), 1, 12).Draw(t, "pieces"), "")
		check(t, text)
		if strings.ContainsAny(text, "\u2028\x1b") {
			return // these lines are not those of the file
		}
		s := Read(threatmodel.Document{Name: "x.md"}, text, Options{})
		lines := strings.Split(text, "\n")
		for _, b := range s.Blocks {
			if missing := missingWord(b, lines); missing != "" {
				t.Fatalf("%q: %s", text, missing)
			}
		}
	})
}

func FuzzRead(f *testing.F) {
	for _, p := range pieces {
		f.Add(p)
	}
	f.Add(strings.Join(pieces, ""))
	f.Add(strings.Join(pieces, "\n"))
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 20_000 {
			t.Skip("long texts only take long")
		}
		check(t, text)
	})
}
