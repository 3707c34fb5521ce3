package markdown

import (
	"regexp"
	"strings"

	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/text"
)

// wikiLink is a link of a wiki: [[Page]], [[page|words]].
type wikiLink struct {
	ast.BaseInline
	shown  text.Segment
	target string
}

var kindWikiLink = ast.NewNodeKind("WikiLink")

// Kind implements ast.Node.
func (*wikiLink) Kind() ast.NodeKind { return kindWikiLink }

// Dump implements ast.Node.
func (n *wikiLink) Dump(source []byte, level int) { ast.DumpHelper(n, source, level, nil, nil) }

// wikiLinkParser reads such links.
type wikiLinkParser struct{}

var wikiLinkText = regexp.MustCompile(`^!?\[\[([^\[\]|\s][^\[\]|\n]*)(?:\|([^\[\]|\n]+))?\]\]`)

// Trigger implements parser.InlineParser.
func (wikiLinkParser) Trigger() []byte { return []byte("[!") }

// Parse implements parser.InlineParser.
func (wikiLinkParser) Parse(_ ast.Node, block text.Reader, _ parser.Context) ast.Node {
	line, at := block.PeekLine()
	m := wikiLinkText.FindSubmatchIndex(line)
	if m == nil || m[1] < len(line) && (line[m[1]] == '(' || line[m[1]] == '[') {
		return nil
	}
	first, second := m[2:4], m[4:6]
	n := &wikiLink{}
	switch {
	case second[0] < 0:
		n.shown, n.target = within(at, first[0], first[1]), string(line[first[0]:first[1]])
	case looksLikePage(string(line[second[0]:second[1]])) && !looksLikePage(string(line[first[0]:first[1]])):
		n.shown, n.target = within(at, first[0], first[1]), string(line[second[0]:second[1]])
	default:
		n.shown, n.target = within(at, second[0], second[1]), string(line[first[0]:first[1]])
	}
	block.Advance(m[1])
	return n
}

// looksLikePage reports whether a text is the name of a page as it stands in
// an address. Wikis do not agree which side of the bar is the page.
func looksLikePage(s string) bool {
	return strings.ContainsAny(s, "/#.") || strings.Contains(s, "-") && !strings.Contains(s, " ")
}

// wikiLink writes the words of the link.
func (d *document) wikiLink(n *wikiLink) {
	from := len(d.flow.Text)
	d.segment(n.shown, false)
	d.flow.Link(from, pageTarget(n.target))
}

// pageTarget is the file in which a page of a wiki stands.
func pageTarget(page string) string {
	page, fragment, has := strings.Cut(page, "#")
	if page = strings.TrimSpace(page); page == "" {
		return ""
	}
	if !strings.Contains(page[strings.LastIndexByte(page, '/')+1:], ".") {
		page += ".md"
	}
	if has {
		return page + "#" + fragment
	}
	return page
}
