package markdown

import (
	"bytes"
	"regexp"

	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/text"
)

// markTransformer takes marks off paragraphs before their text is read: the
// [!NOTE] of a quote that is an alert, with a title of its own where one
// follows, and lines at which a generator puts a table of contents.
type markTransformer struct{}

var (
	alertMark    = regexp.MustCompile(`^\[![A-Za-z][\w-]*\][+-]?[ \t]*`)
	contentsMark = regexp.MustCompile(`(?i)^(?:\[toc\]|\[\[_?toc_?\]\]|\$\{toc\}|\{:toc\}|@\[toc\](?:\([^)\n]*\))?|\[\[_tosp_\]\]|<toc ?/?>)$`)
)

// Transform implements parser.ParagraphTransformer.
func (markTransformer) Transform(node *ast.Paragraph, reader text.Reader, _ parser.Context) {
	lines := node.Lines()
	if lines.Len() == 0 {
		return
	}
	first := lines.At(0)
	value := first.Value(reader.Source())
	switch {
	case lines.Len() == 1 && contentsMark.Match(bytes.TrimSpace(value)):
		node.Parent().RemoveChild(node.Parent(), node)
	case node.Parent().Kind() == ast.KindBlockquote && node.PreviousSibling() == nil:
		if mark := alertMark.Find(value); mark != nil {
			dropAlertMark(node, first.WithStart(first.Start+len(mark)), reader.Source())
		}
	}
}

// dropAlertMark leaves the title of an alert as a paragraph before its text.
func dropAlertMark(node *ast.Paragraph, title text.Segment, source []byte) {
	lines := node.Lines()
	rest := text.NewSegments()
	rest.AppendAll(lines.Sliced(1, lines.Len()))
	if len(bytes.TrimSpace(title.Value(source))) > 0 {
		heading := ast.NewParagraph()
		heading.Lines().Append(title)
		node.Parent().InsertBefore(node.Parent(), node, heading)
	}
	if rest.Len() == 0 {
		node.Parent().RemoveChild(node.Parent(), node)
		return
	}
	node.SetLines(rest)
}
