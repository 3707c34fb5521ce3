package markdown

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

func TestReadDialects(t *testing.T) {
	tests := []struct {
		name, text string
		want       []string
	}{
		{
			"GitHub: an alert keeps its title",
			"> [!NOTE]- Mind *this*\n> Keys are shared.\n\n> [!TIP]\n\n> [!x] y\n",
			[]string{`paragraph @1 "Mind this"`, `paragraph @2 "Keys are shared."`, `paragraph @6 "y"`},
		},
		{
			"GitLab: contents, quotes over several lines, includes",
			"[[_TOC_]]\n\n>>>\nQuoted.\n>>>\n\n::include{file=keys.md}\n",
			[]string{`paragraph @4 "Quoted."`, `paragraph annotation @7 "::include{file=keys.md}"`},
		},
		{
			"MkDocs: tabs, nested boxes",
			"=== \"Linux\"\n\n    Run *it*.\n\n    !!! note\n        Inner.\n\n=== \"Windows\"\n    Never.\n\nAfter.\n",
			[]string{`paragraph @1 "Linux"`, `paragraph @3 "Run it."`, `paragraph @6 "Inner."`, `paragraph @8 "Windows"`, `paragraph @9 "Never."`, `paragraph @11 "After."`},
		},
		{
			"MkDocs: blocks with slashes",
			"/// warning | Open *port*\nPort 22.\n///\n\nAfter.\n",
			[]string{`paragraph @1 "Open *port*"`, `paragraph @2 "Port 22."`, `paragraph @5 "After."`},
		},
		{
			"MkDocs: snippets, attributes, icons",
			"--8<-- \"shared/keys.md\"\n\nThe [plan](x.md){ .wide target=_blank } of `x`{.sh} :material-lock: is {not} dropped :warning:.\n{: .note }\n",
			[]string{`paragraph annotation @1 "--8<-- \"shared/keys.md\""`, `paragraph @3 "The plan of x  is {not} dropped :warning:."`},
		},
		{
			"MkDocs: a term and its descriptions are an item",
			"Vault\n:   Holds *keys*.\n    For all.\n\n    More.\n\nCron\nDaemon\n:   Rotates.\n\nEnd.\n",
			[]string{`list_item 1 g1 @1-3 "Vault\nHolds keys.\nFor all."`, `paragraph g1 @5 "More."`, `list_item 1 g1 @7-9 "Cron\nDaemon\nRotates."`, `paragraph @11 "End."`},
		},
		{
			"Docusaurus: boxes, code lines, components over several lines",
			"import Tabs from '@theme/Tabs';\nimport Keys from './_keys.mdx';\n\nexport const x = {\n  a: 1,\n};\n\n<Tabs\n  defaultValue=\"a\"\n  values={[{label: 'A > B', value: 'a'}]}>\n<TabItem value=\"a\" label=\"Apple\">\n\nRed.\n\n</TabItem>\n</Tabs>\n\n<Keys />\n\n:::tip[Do]\n\nThis.\n\n:::\n\n{/* not\n\nshown */}\n\nEnd.\n",
			[]string{`paragraph annotation @2 "import Keys from './_keys.mdx';"`, `paragraph @11 "Apple"`, `paragraph @13 "Red."`, `paragraph @20 "Do"`, `paragraph @22 "This."`, `paragraph @30 "End."`},
		},
		{
			"a name in angle brackets is text although it begins with a capital",
			"<Tenant> sends it.\n",
			[]string{`paragraph @1 "<Tenant> sends it."`},
		},
		{
			"Hugo: short codes show their titles, code and diagrams are read",
			"{{< figure src=\"z.png\" title=\"The zones\" >}}\n\n{{% tab \"Linux\" %}}\nRun.\n{{% /tab %}}\n\n{{< highlight go \"linenos=table\" >}}\na  := 1\n{{< /highlight >}}\n\n{{< mermaid >}}\ngraph LR\n  a --> b\n{{< /mermaid >}}\n\n{{/* gone */}}\n\n[Keys]({{< ref \"keys.md\" >}}).\n",
			[]string{
				`paragraph @1 "The zones"`, `paragraph @3-4 "Linux\nRun."`, `code (go) @8 "a  := 1"`,
				`diagram (mermaid) @12-13 "graph LR\n  a --> b"`, `paragraph @18 "Keys."`,
			},
		},
		{
			"Jekyll: tags, includes, comments and code",
			"{% include_relative keys.md %}\n\n{% comment %}\nNot *shown*.\n\n{% endcomment %}\n\n{% highlight ruby %}\nx = 1\n{% endhighlight %}\n\n[a]({% link b.md %}) and [c]({{ site.baseurl }}/d.html).\n",
			[]string{`paragraph annotation @1 "{% include_relative keys.md %}"`, `code (ruby) @9 "x = 1"`, `paragraph @12 "a and c."`},
		},
		{
			"MyST: directives hold Markdown, code and includes are told",
			"```{admonition} Mind\n:class: tip\nKeys are *shared*.\n```\n\n```{code-block} python\nx = 1\n```\n\n```{mermaid}\ngraph LR\n  a --> b\n```\n\n```{include} keys.md\n```\n\n:::{note}\nText.\n:::\n",
			[]string{
				`paragraph @1 "Mind"`, `paragraph @3 "Keys are shared."`, `code (python) @7 "x = 1"`, `diagram (mermaid) @11-12 "graph LR\n  a --> b"`,
				"paragraph annotation @15 \"```{include} keys.md\"", `paragraph @19 "Text."`,
			},
		},
		{
			"Azure DevOps and Pandoc: diagrams and boxes in colons",
			"::: mermaid\ngraph LR\n  a --> b\n:::\n\n::: {.callout-note title=\"Mind\"}\nText.\n:::\n:::\n",
			[]string{`diagram (mermaid) @2-3 "graph LR\n  a --> b"`, `paragraph @6 "Mind"`, `paragraph @7 "Text."`},
		},
		{
			"wikis: links show their words, whichever side they stand on",
			"See [[Key Rotation]], [[keys/rotate|the keys]], [[The stores|stores-page]] and [[1]](x.md).\n\n![[zones.md]]\n",
			[]string{`paragraph @1 "See Key Rotation, the keys, The stores and [1]."`, `paragraph annotation @3 "![[zones.md]]"`},
		},
		{
			"a diagram that a service draws is one, by any name",
			"```kroki-plantuml\n@startuml\n[A] --> [B]\n@enduml\n```\n\n```kroki {type=mermaid}\ngraph LR\n  a --> b\n```\n\n```d2\na -> b\n```\n",
			[]string{"diagram (plantuml) @2-4 \"@startuml\\n[A] --> [B]\\n@enduml\"", `diagram (mermaid) @8-9 "graph LR\n  a --> b"`, `code (d2) @13 "a -> b"`},
		},
		{
			"templates: comments of an ADR or RFC are dropped, its list stays",
			"# ADR 7\n\n* Status: accepted <!-- optional -->\n* Deciders: [names] <!-- all -->\n\n## Context\n\n<!-- Describe. -->\nWe need keys.\n",
			[]string{`heading 1 @1 "ADR 7"`, `list_item 1 g1 @3 "Status: accepted"`, `list_item 1 g1 @4 "Deciders: [names]"`, `heading 2 @6 "Context"`, `paragraph @9 "We need keys."`},
		},
		{
			"tags that nothing ends hide nothing",
			"{% comment %}\nShown.\n\n{/* also\n\n<Tabs\n\nText.\n",
			[]string{`paragraph @2 "Shown."`, `paragraph @4 "{/* also"`, `paragraph @6 "<Tabs"`, `paragraph @8 "Text."`},
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

func TestLinksAndIncludesKeepTheirTarget(t *testing.T) {
	s := read(t, "--8<-- \"inc/a.md\"\n\n[b](../b.md#x \"t\") [w](https://u:p@x.example) [h]({{< ref \"c.md\" >}}) [[Page D|d]] <a href=\"e.html\">e</a> [l]\n\n[l]: f.md\n")
	var got []string
	for _, b := range s.Blocks {
		for _, l := range b.Links {
			kind := ""
			if l.Include {
				kind = " include"
			}
			got = append(got, b.Text[l.Start:l.End]+" -> "+l.Target+kind)
		}
	}
	want := []string{"--8<-- \"inc/a.md\" -> inc/a.md include", "b -> ../b.md#x", "h -> c.md", "d -> Page D.md", "e -> e.html", "l -> f.md"}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("links (-want +got):\n%s", d)
	}
}

func TestTagsThatStandForTextAreTold(t *testing.T) {
	s := read(t, "Keep {{< ref \"x\" >}} and {{< param \"y\" >}}.\n")
	if len(s.Notices) != 1 || s.Notices[0].Kind != threatmodel.NoticeFormat || !strings.Contains(s.Notices[0].Text, `1 template tag was left out`) || !strings.Contains(s.Notices[0].Text, `param`) {
		t.Errorf("notices %v", s.Notices)
	}
}
