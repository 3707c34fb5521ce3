package markdown

import (
	"bytes"
	"html"
	"strings"
	"unicode/utf8"

	"github.com/yuin/goldmark/ast"
	extast "github.com/yuin/goldmark/extension/ast"
	"github.com/yuin/goldmark/text"

	"github.com/bartizan-security/bartizan/internal/extract/block"
	"github.com/bartizan-security/bartizan/internal/extract/flow"
)

// inline writes the text that the inline content of a node shows: the words
// of a link, the alternative text of an image, code without its marks.
func (d *document) inline(n ast.Node) {
	for c := n.FirstChild(); c != nil; c = c.NextSibling() {
		switch c := c.(type) {
		case *ast.Text:
			d.text(c)
		case *ast.CodeSpan:
			d.codeSpan(c)
		case *ast.Image:
			d.image(c)
		case *ast.Link:
			from := len(d.flow.Text)
			d.inline(c)
			d.flow.Link(from, flow.FileTarget(string(c.Destination)))
		case *wikiLink:
			d.wikiLink(c)
		case *parameters:
			d.parameters(c)
		case *ast.AutoLink:
			d.flow.Words = true
			d.flow.Add(string(c.Label(d.src.text)), d.src.line(max(0, c.Pos())))
		case *extast.TaskCheckBox:
			d.checkBox(c)
		case *ast.RawHTML:
			d.inlineHTML(c)
		case *ast.String:
			d.flow.Words = true
			d.flow.Text = append(d.flow.Text, c.Value...)
		default:
			d.inline(c)
		}
	}
}

func (d *document) text(t *ast.Text) {
	if d.html.skip == "" {
		d.segment(t.Segment, t.IsRaw())
	}
	switch {
	case t.HardLineBreak():
		d.flow.Newline()
	case t.SoftLineBreak():
		d.breakLine()
	}
}

// segment writes a piece of the source. Raw text knows no escapes.
func (d *document) segment(s text.Segment, raw bool) {
	value := d.src.text[s.Start:s.Stop]
	if len(bytes.TrimSpace(value)) > 0 {
		d.flow.Words = true
	}
	shown := string(value)
	if !raw {
		shown = unescape(shown)
	}
	d.flow.Add(shown, d.src.line(s.Start))
}

// codeSpan writes code; a line break in it is one.
func (d *document) codeSpan(n *ast.CodeSpan) {
	for c := n.FirstChild(); c != nil; c = c.NextSibling() {
		t, ok := c.(*ast.Text)
		if !ok {
			continue
		}
		s := t.Segment
		broken := s.Stop > s.Start && d.src.text[s.Stop-1] == '\n'
		if broken {
			s.Stop--
		}
		d.segment(s, true)
		if broken {
			d.breakLine()
		}
	}
}

// checkBox writes the box of a task as part of its text: whether a thing is
// done or only planned changes what the item says.
func (d *document) checkBox(c *extast.TaskCheckBox) {
	box := "[ ] "
	if c.IsChecked {
		box = "[x] "
	}
	d.flow.Add(box, d.src.line(max(0, c.Pos())))
}

// image writes the alternative text. An image without any still is one.
func (d *document) image(n *ast.Image) {
	words := d.flow.Words
	d.flow.At(d.src.line(max(0, n.Pos())))
	d.inline(n)
	d.flow.Image = true
	d.flow.Words = words
}

// unescape resolves backslash escapes and character references.
func unescape(s string) string {
	if !strings.ContainsAny(s, `\&`) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); {
		switch {
		case s[i] == '\\' && i+1 < len(s) && isPunctuation(s[i+1]):
			b.WriteByte(s[i+1])
			i += 2
		case s[i] == '&':
			shown, size := reference(s[i:])
			b.WriteString(shown)
			i += size
		default:
			b.WriteByte(s[i])
			i++
		}
	}
	return b.String()
}

// maxReference is the longest character reference, with & and ;.
const maxReference = 34

// reference resolves the character reference at the start of s, and returns
// what it shows and the bytes it takes. What is no reference stays.
func reference(s string) (string, int) {
	end := strings.IndexByte(s[:min(len(s), maxReference)], ';')
	if end < 2 {
		return "&", 1
	}
	name := s[:end+1]
	shown := html.UnescapeString(name)
	if shown == name || strings.HasSuffix(shown, ";") && shown != ";" {
		return "&", 1
	}
	if !utf8.ValidString(shown) {
		shown = "\uFFFD"
	}
	return block.Clean(shown), end + 1
}

func isPunctuation(c byte) bool {
	return c >= '!' && c <= '/' || c >= ':' && c <= '@' || c >= '[' && c <= '`' || c >= '{' && c <= '~'
}
