package markdown

import (
	"bytes"

	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/text"

	extast "github.com/yuin/goldmark/extension/ast"
)

// footnoteParser reads footnotes, as goldmark's does, but leaves them where
// they stand: under their heading, in the order of the source, referenced or
// not.
type footnoteParser struct{ parser.BlockParser }

func newFootnoteParser() parser.BlockParser {
	return footnoteParser{extension.NewFootnoteBlockParser()}
}

var footnotesKey = parser.NewContextKey()

// Close implements parser.BlockParser. It remembers the label, so that
// references can be told from other text in brackets.
func (footnoteParser) Close(node ast.Node, _ text.Reader, pc parser.Context) {
	labels, ok := pc.Get(footnotesKey).(map[string]bool)
	if !ok {
		labels = map[string]bool{}
		pc.Set(footnotesKey, labels)
	}
	labels[string(node.(*extast.Footnote).Ref)] = true
}

// footnoteReferenceParser reads [^label] where a footnote has that label.
type footnoteReferenceParser struct{}

// Trigger implements parser.InlineParser.
func (footnoteReferenceParser) Trigger() []byte { return []byte{'['} }

// maxLabel is the longest label of a footnote, in bytes.
const maxLabel = 999

// Parse implements parser.InlineParser.
func (footnoteReferenceParser) Parse(_ ast.Node, block text.Reader, pc parser.Context) ast.Node {
	line, _ := block.PeekLine()
	if len(line) < 4 || line[1] != '^' {
		return nil
	}
	label, _, ok := bytes.Cut(line[2:min(len(line), maxLabel)], []byte{']'})
	labels, _ := pc.Get(footnotesKey).(map[string]bool)
	if !ok || !labels[string(label)] {
		return nil
	}
	block.Advance(len(label) + 3)
	return &unseen{}
}

// unseen is markup that shows nothing.
type unseen struct{ ast.BaseInline }

var kindUnseen = ast.NewNodeKind("Unseen")

// Kind implements ast.Node.
func (*unseen) Kind() ast.NodeKind { return kindUnseen }

// Dump implements ast.Node.
func (n *unseen) Dump(source []byte, level int) { ast.DumpHelper(n, source, level, nil, nil) }
