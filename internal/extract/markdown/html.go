package markdown

import (
	"strconv"
	"strings"

	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/text"
	"golang.org/x/net/html"

	"github.com/bartizan-security/bartizan/internal/extract/block"
	"github.com/bartizan-security/bartizan/internal/extract/flow"
)

// htmlState is what HTML tags have set. It outlives an HTML block: CommonMark
// ends one at a blank line, and what follows up to the next tag is Markdown
// inside the open elements.
type htmlState struct {
	// heading is the level of an open heading; 0 where none is.
	heading int
	caption bool
	// pre counts open elements whose white space counts; language is that of
	// the code in them.
	pre      int
	language string
	// skip names an open element whose content is not shown.
	skip string
	// title is true inside the title element.
	title bool
	// link is where an open link leads, linkFrom where its words begin.
	link     string
	linkFrom int
}

// htmlBlock writes an HTML block.
func (d *document) htmlBlock(n *ast.HTMLBlock) {
	lines := n.Lines()
	parts := make([]text.Segment, 0, lines.Len()+1)
	for i := range lines.Len() {
		parts = append(parts, lines.At(i))
	}
	if n.HasClosure() {
		parts = append(parts, n.ClosureLine)
	}
	d.markup(parts)
	d.endParagraph()
	// A hidden element that does not end in its block would hide the rest of
	// the document.
	d.html.skip = ""
	d.html.pre, d.html.language = 0, ""
}

// inlineHTML writes a tag that stands among words.
func (d *document) inlineHTML(n *ast.RawHTML) {
	parts := make([]text.Segment, 0, n.Segments.Len())
	for i := range n.Segments.Len() {
		parts = append(parts, n.Segments.At(i))
	}
	d.tagLine = d.src.line(parts[0].Start)
	if d.placeholder(d.value(parts)) && d.html.skip == "" {
		d.flow.Words = true
		for _, p := range parts {
			d.segment(p, true)
		}
		return
	}
	d.markup(parts)
}

func (d *document) value(parts []text.Segment) string {
	var b strings.Builder
	for _, p := range parts {
		b.Write(p.Value(d.src.text))
	}
	return b.String()
}

// placeholder reports whether a tag is no HTML but a name in angle brackets,
// as in "send it to <tenant>": without attributes, unknown to HTML, and no
// component that another tag ends.
func (d *document) placeholder(tag string) bool {
	name := strings.TrimSuffix(strings.TrimPrefix(tag, "<"), ">")
	if name == "" || strings.HasPrefix(tag, "</") || len(name)+2 != len(tag) {
		return false
	}
	for _, c := range name {
		if !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '_') {
			return false
		}
	}
	lower := strings.ToLower(name)
	return !htmlElements[lower] && (lower == name || !d.closesLater(lower))
}

// markup reads a stretch of HTML that stands in the given pieces of the
// source.
func (d *document) markup(parts []text.Segment) {
	raw := d.value(parts)
	z := html.NewTokenizer(strings.NewReader(raw))
	at := position{parts: parts}
	for {
		kind := z.Next()
		if kind == html.ErrorToken {
			return
		}
		size := len(z.Raw())
		switch kind {
		case html.TextToken:
			d.htmlText(string(z.Raw()), at)
		case html.StartTagToken, html.SelfClosingTagToken:
			d.tagLine = d.src.line(at.source())
			d.openTag(z.Token())
		case html.EndTagToken:
			name, _ := z.TagName()
			d.closeTag(string(name))
		}
		at.advance(size)
	}
}

// position walks through pieces of the source.
type position struct {
	parts  []text.Segment
	offset int
}

// source is the offset in the source.
func (p *position) source() int {
	if len(p.parts) == 0 {
		return 0
	}
	return min(p.parts[0].Start+max(0, p.offset-p.parts[0].Padding), p.parts[0].Stop)
}

func (p *position) advance(n int) {
	p.offset += n
	for len(p.parts) > 1 && p.offset >= p.parts[0].Len() {
		p.offset -= p.parts[0].Len()
		p.parts = p.parts[1:]
	}
}

// htmlText writes text between tags. White space is folded, as a browser
// does, but a line break stays one outside of tables.
func (d *document) htmlText(raw string, at position) {
	if d.html.skip != "" {
		return
	}
	for raw != "" {
		line, rest, broken := strings.Cut(raw, "\n")
		d.htmlLine(line, d.src.line(at.source()))
		at.advance(len(line))
		if broken {
			d.breakLine()
			at.advance(1)
		}
		raw = rest
	}
}

func (d *document) breakLine() {
	switch {
	case d.html.pre > 0:
		d.flow.Text = append(d.flow.Text, '\n')
	case d.w.InCell():
		d.flow.Space()
	default:
		d.flow.Newline()
	}
}

func (d *document) htmlLine(line string, number int) {
	shown := block.Clean(html.UnescapeString(line))
	if d.html.title {
		d.title = strings.TrimSpace(d.title + " " + shown)
		return
	}
	if d.html.pre > 0 {
		d.flow.Words = d.flow.Words || strings.TrimSpace(shown) != ""
		d.flow.Add(shown, number)
		return
	}
	words := strings.Fields(shown)
	if len(words) == 0 {
		if shown != "" {
			d.flow.Space()
		}
		return
	}
	if strings.TrimLeft(shown, " \t") != shown {
		d.flow.Space()
	}
	d.flow.Words = true
	d.flow.Add(strings.Join(words, " "), number)
	if strings.TrimRight(shown, " \t") != shown {
		d.flow.Space()
	}
}

// openTag acts on a start tag, unless it stands in what is not shown.
func (d *document) openTag(t html.Token) {
	if d.html.skip != "" {
		return
	}
	d.startTag(t)
	if t.Type == html.SelfClosingTagToken && d.html.skip == t.Data {
		d.html.skip = ""
	}
}

// closeTag acts on an end tag; it may end what is not shown.
func (d *document) closeTag(name string) {
	switch d.html.skip {
	case "":
		d.endTag(name)
	case name:
		d.html.skip = ""
	}
}

// endParagraph writes the text that has flowed so far.
func (d *document) endParagraph() {
	r := d.flow
	d.flow = flow.Run{}
	d.html.link = ""
	switch {
	case d.html.pre > 0:
		d.w.Code(d.html.language, r)
	case d.html.heading > 0:
		d.w.Heading(d.html.heading, r)
	case d.html.caption:
		d.w.Caption(r)
	default:
		d.w.Paragraph(r)
	}
}

func attribute(t html.Token, name string) string {
	for _, a := range t.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

func number(t html.Token, name string) int {
	n, err := strconv.Atoi(strings.TrimSpace(attribute(t, name)))
	if err != nil {
		return 1
	}
	return n
}
