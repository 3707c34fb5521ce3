package markdown

import (
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/text"
)

// cappedParser stops a container from opening too deep inside others: each
// line is offered to every open container, so time grows with depth. What
// would have been deeper becomes text of the deepest.
type cappedParser struct {
	parser.BlockParser
	max int
}

func capped(p parser.BlockParser, maxDepth int) parser.BlockParser {
	return cappedParser{p, maxDepth}
}

var depthKey = parser.NewContextKey()

// Open implements parser.BlockParser.
func (p cappedParser) Open(parent ast.Node, reader text.Reader, pc parser.Context) (ast.Node, parser.State) {
	if depth(parent) <= p.max {
		return p.BlockParser.Open(parent, reader, pc)
	}
	if pc.Get(depthKey) == nil {
		_, at := reader.PeekLine()
		pc.Set(depthKey, at.Start)
	}
	return nil, parser.NoChildren
}
