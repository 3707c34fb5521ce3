package markdown

import (
	"bytes"
	"regexp"

	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/text"
	"github.com/yuin/goldmark/util"
)

// admonition is a box around other blocks. Its title, where the author gave
// one, is text.
type admonition struct {
	ast.BaseBlock
	title text.Segment
	// colons is the length of the fence; 0 for an indented box.
	colons int
}

var kindAdmonition = ast.NewNodeKind("Admonition")

// Kind implements ast.Node.
func (*admonition) Kind() ast.NodeKind { return kindAdmonition }

// Dump implements ast.Node.
func (n *admonition) Dump(source []byte, level int) { ast.DumpHelper(n, source, level, nil, nil) }

// admonitionParser reads the indented form:
//
//	!!! note "Title"
//	    Text.
type admonitionParser struct{}

var admonitionLine = regexp.MustCompile(`^ {0,3}(?:!!!|\?\?\?\+?) +[A-Za-z][\w -]*?(?: +"([^"\n]*)")?\s*$`)

// Trigger implements parser.BlockParser.
func (admonitionParser) Trigger() []byte { return []byte{'!', '?'} }

// Open implements parser.BlockParser.
func (admonitionParser) Open(_ ast.Node, reader text.Reader, _ parser.Context) (ast.Node, parser.State) {
	line, at := reader.PeekLine()
	m := admonitionLine.FindSubmatchIndex(line)
	if m == nil {
		return nil, parser.NoChildren
	}
	reader.AdvanceToEOL()
	return &admonition{title: within(at, m[2], m[3])}, parser.HasChildren
}

// Continue implements parser.BlockParser.
func (admonitionParser) Continue(_ ast.Node, reader text.Reader, _ parser.Context) parser.State {
	line, _ := reader.PeekLine()
	if util.IsBlank(line) {
		return parser.Continue | parser.HasChildren
	}
	pos, padding := util.IndentPosition(line, reader.LineOffset(), 4)
	if pos < 0 {
		return parser.Close
	}
	reader.AdvanceAndSetPadding(pos, padding)
	return parser.Continue | parser.HasChildren
}

// Close implements parser.BlockParser.
func (admonitionParser) Close(ast.Node, text.Reader, parser.Context) {}

// CanInterruptParagraph implements parser.BlockParser.
func (admonitionParser) CanInterruptParagraph() bool { return true }

// CanAcceptIndentedLine implements parser.BlockParser.
func (admonitionParser) CanAcceptIndentedLine() bool { return false }

// containerParser reads the fenced form, which ends at as many colons:
//
//	:::note Title
//	Text.
//	:::
type containerParser struct{}

var containerLine = regexp.MustCompile(`^ {0,3}(:{3,}) *\{?[A-Za-z][\w-]*\}?(?:[ \[]+([^\]\n{]*?)\]?)?(?: *\{[^}\n]*\})?\s*$`)

// Trigger implements parser.BlockParser.
func (containerParser) Trigger() []byte { return []byte{':'} }

// Open implements parser.BlockParser.
func (containerParser) Open(_ ast.Node, reader text.Reader, _ parser.Context) (ast.Node, parser.State) {
	line, at := reader.PeekLine()
	m := containerLine.FindSubmatchIndex(line)
	if m == nil {
		return nil, parser.NoChildren
	}
	reader.AdvanceToEOL()
	return &admonition{title: within(at, m[4], m[5]), colons: m[3] - m[2]}, parser.HasChildren
}

// Continue implements parser.BlockParser.
func (containerParser) Continue(node ast.Node, reader text.Reader, _ parser.Context) parser.State {
	line, _ := reader.PeekLine()
	fence := bytes.TrimSpace(line)
	if len(fence) == node.(*admonition).colons && len(bytes.Trim(fence, ":")) == 0 && len(fence) > 0 {
		reader.AdvanceToEOL()
		return parser.Close
	}
	return parser.Continue | parser.HasChildren
}

// Close implements parser.BlockParser.
func (containerParser) Close(ast.Node, text.Reader, parser.Context) {}

// CanInterruptParagraph implements parser.BlockParser.
func (containerParser) CanInterruptParagraph() bool { return true }

// CanAcceptIndentedLine implements parser.BlockParser.
func (containerParser) CanAcceptIndentedLine() bool { return false }

// within is the part from start to end of a line; nothing where start is
// negative.
func within(line text.Segment, start, end int) text.Segment {
	if start < 0 {
		return text.Segment{}
	}
	return text.NewSegment(line.Start+start-line.Padding, line.Start+end-line.Padding)
}
