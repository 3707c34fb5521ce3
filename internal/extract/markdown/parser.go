package markdown

import (
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/util"
)

// newParser is CommonMark with what design documents use beside it: tables,
// task lists, strikethrough, footnotes, admonitions, template tags. Nesting
// and tables are capped, since both cost more than their size.
func newParser(opt Options) parser.Parser {
	return parser.NewParser(
		parser.WithBlockParsers(
			util.Prioritized(includeParser{}, 50),
			util.Prioritized(newVerbatimParser(), 60),
			util.Prioritized(parser.NewSetextHeadingParser(), 100),
			util.Prioritized(parser.NewThematicBreakParser(), 200),
			util.Prioritized(capped(parser.NewListParser(), opt.MaxDepth), 300),
			util.Prioritized(parser.NewListItemParser(), 400),
			util.Prioritized(parser.NewCodeBlockParser(), 500),
			util.Prioritized(parser.NewATXHeadingParser(), 600),
			util.Prioritized(capped(directiveParser{}, opt.MaxDepth), 690),
			util.Prioritized(parser.NewFencedCodeBlockParser(), 700),
			util.Prioritized(capped(admonitionParser{}, opt.MaxDepth), 750),
			util.Prioritized(capped(containerParser{}, opt.MaxDepth), 760),
			util.Prioritized(capped(parser.NewBlockquoteParser(), opt.MaxDepth), 800),
			util.Prioritized(capped(extension.NewDefinitionListParser(), opt.MaxDepth), 770),
			util.Prioritized(extension.NewDefinitionDescriptionParser(), 780),
			util.Prioritized(componentParser{}, 890),
			util.Prioritized(parser.NewHTMLBlockParser(), 900),
			util.Prioritized(capped(newFootnoteParser(), opt.MaxDepth), 950),
			util.Prioritized(parser.NewParagraphParser(), 1000),
		),
		parser.WithInlineParsers(
			util.Prioritized(extension.NewTaskCheckBoxParser(), 0),
			util.Prioritized(parser.NewCodeSpanParser(), 100),
			util.Prioritized(footnoteReferenceParser{}, 101),
			util.Prioritized(templateTagParser{}, 150),
			util.Prioritized(attributeParser{}, 160),
			util.Prioritized(iconParser{}, 170),
			util.Prioritized(wikiLinkParser{}, 180),
			util.Prioritized(templateLinkParser{parser.NewLinkParser()}, 200),
			util.Prioritized(parser.NewAutoLinkParser(), 300),
			util.Prioritized(parser.NewRawHTMLParser(), 400),
			util.Prioritized(parser.NewEmphasisParser(), 500),
			util.Prioritized(extension.NewStrikethroughParser(), 500),
		),
		parser.WithParagraphTransformers(
			util.Prioritized(markTransformer{}, 50),
			util.Prioritized(parser.LinkReferenceParagraphTransformer, 100),
			util.Prioritized(tableTransformer{extension.NewTableParagraphTransformer(), opt.MaxTableCells}, 200),
		),
		parser.WithASTTransformers(
			util.Prioritized(extension.NewTableASTTransformer(), 0),
		),
		parser.WithAttribute(),
	)
}

// depth counts the containers around a place in the tree.
func depth(n ast.Node) int {
	d := 0
	for ; n != nil; n = n.Parent() {
		d++
	}
	return d
}
