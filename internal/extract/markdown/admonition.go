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
	// fence is what opened the box and ends it; empty for an indented box.
	fence string
	// options is true while lines may be options of the box.
	options bool
}

var kindAdmonition = ast.NewNodeKind("Admonition")

// Kind implements ast.Node.
func (*admonition) Kind() ast.NodeKind { return kindAdmonition }

// Dump implements ast.Node.
func (n *admonition) Dump(source []byte, level int) { ast.DumpHelper(n, source, level, nil, nil) }

// admonitionParser reads the indented form, and the tabs that are written
// like it:
//
//	!!! note "Title"
//	    Text.
//
//	=== "Tab"
//	    Text.
type admonitionParser struct{}

var admonitionLine = regexp.MustCompile(`^ {0,3}(?:(?:!!!|\?\?\?\+?) +[A-Za-z][\w -]*?(?: +"([^"\n]*)")?|===[!+]? +"([^"\n]*)")\s*$`)

// Trigger implements parser.BlockParser.
func (admonitionParser) Trigger() []byte { return []byte("!?=") }

// Open implements parser.BlockParser.
func (admonitionParser) Open(_ ast.Node, reader text.Reader, _ parser.Context) (ast.Node, parser.State) {
	line, at := reader.PeekLine()
	m := admonitionLine.FindSubmatchIndex(line)
	if m == nil {
		return nil, parser.NoChildren
	}
	reader.AdvanceToEOL()
	title := within(at, m[2], m[3])
	if m[4] >= 0 {
		title = within(at, m[4], m[5])
	}
	return &admonition{title: title}, parser.HasChildren
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

// containerParser reads the fenced forms, which end at as many colons or
// slashes:
//
//	:::note Title        /// note | Title
//	Text.                Text.
//	:::                  ///
type containerParser struct{}

// containerLines are the forms, with the groups of fence and title.
var containerLines = []*regexp.Regexp{
	regexp.MustCompile(`^ {0,3}(:{3,}) *\{?[A-Za-z][\w-]*\}?(?:[ \[]+([^\]\n{]*?)\]?)?(?: *\{[^}\n]*\})?\s*$`),
	regexp.MustCompile(`^ {0,3}(:{3,}) *\{[^}\n]*?(?:title="([^"\n]*)"[^}\n]*)?\}\s*$`),
	regexp.MustCompile(`^ {0,3}(/{3,}) *[A-Za-z][\w-]*(?: *\| *([^\n]*?))?\s*$`),
}

// straySign is the end of a box that is no longer open.
var straySign = regexp.MustCompile(`^ {0,3}(?::{3,}|/{3,})\s*$`)

// Trigger implements parser.BlockParser.
func (containerParser) Trigger() []byte { return []byte(":/") }

// Open implements parser.BlockParser.
func (containerParser) Open(_ ast.Node, reader text.Reader, _ parser.Context) (ast.Node, parser.State) {
	line, at := reader.PeekLine()
	for _, form := range containerLines {
		if m := form.FindSubmatchIndex(line); m != nil {
			reader.AdvanceToEOL()
			return &admonition{title: within(at, m[4], m[5]), fence: string(line[m[2]:m[3]])}, parser.HasChildren
		}
	}
	if straySign.Match(line) {
		reader.AdvanceToEOL()
		return &component{}, parser.NoChildren
	}
	return nil, parser.NoChildren
}

// Continue implements parser.BlockParser.
func (containerParser) Continue(node ast.Node, reader text.Reader, _ parser.Context) parser.State {
	n, ok := node.(*admonition)
	if !ok {
		return parser.Close
	}
	line, _ := reader.PeekLine()
	if string(bytes.TrimSpace(line)) == n.fence {
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
