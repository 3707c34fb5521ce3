package markdown

import (
	"bytes"
	"strings"

	"github.com/yuin/goldmark/ast"
	extast "github.com/yuin/goldmark/extension/ast"
	"github.com/yuin/goldmark/text"

	"github.com/bartizan-security/bartizan/internal/extract/flow"
	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

// children writes the blocks inside a node.
func (d *document) children(n ast.Node) {
	for c := n.FirstChild(); c != nil; c = c.NextSibling() {
		d.block(c)
	}
}

// block writes one block.
func (d *document) block(n ast.Node) {
	switch n := n.(type) {
	case *ast.Heading:
		d.heading(n)
	case *ast.Paragraph, *ast.TextBlock:
		d.inline(n)
		d.endParagraph()
	case *ast.List:
		d.list(n)
	case *ast.FencedCodeBlock:
		d.fence(n)
	case *ast.CodeBlock:
		d.w.Code("", d.lines(n.Lines()))
	case *ast.HTMLBlock:
		d.htmlBlock(n)
	case *extast.Table:
		d.table(n)
	case *bigTable:
		d.bigTable(n)
	case *extast.Footnote:
		d.footnote(n)
	case *admonition:
		d.admonition(n)
	case *extast.DefinitionList:
		d.definitions(n)
	case *verbatim:
		if !n.comment {
			d.w.Code(n.language, d.lines(n.Lines()))
		}
	case *include:
		d.include(n)
	case *component:
		d.component(n)
	case *ast.ThematicBreak, *ast.LinkReferenceDefinition:
	default:
		d.children(n)
	}
}

// heading writes a heading. One inside a quote or a box heads only that, and
// is text.
func (d *document) heading(n *ast.Heading) {
	outline := n.Parent().Kind() == ast.KindDocument
	if outline {
		d.w.DropLists()
	}
	d.inline(n)
	r := d.flow
	d.flow = flow.Run{}
	switch {
	case !outline:
		d.w.Paragraph(r)
	case isContents(n, d.src.text):
		d.w.Role = threatmodel.RoleTOC
		d.w.Heading(n.Level, r)
		d.w.Role = ""
	default:
		d.w.Heading(n.Level, r)
	}
}

func (d *document) list(n *ast.List) {
	outer := d.w.Role
	if outer == "" && isTableOfContents(n, d.src.text) {
		d.w.Role = threatmodel.RoleTOC
	}
	d.w.OpenList(n.IsOrdered(), n.Start, false)
	for item := n.FirstChild(); item != nil; item = item.NextSibling() {
		d.w.OpenItem()
		d.children(item)
		d.w.CloseItem()
	}
	d.w.CloseList()
	d.w.Role = outer
}

func (d *document) admonition(n *admonition) {
	if n.title.Len() > 0 {
		d.segment(n.title, false)
		d.endParagraph()
	}
	d.children(n)
}

// definitions writes a list of terms; each is an item with the first paragraph
// of its description.
func (d *document) definitions(n *extast.DefinitionList) {
	d.w.OpenList(false, 1, false)
	var terms flow.Run
	for c := n.FirstChild(); c != nil; c = c.NextSibling() {
		if c.Kind() == extast.KindDefinitionTerm {
			if terms.Empty() {
				d.w.OpenItem()
			}
			d.inline(c)
			d.flow.Trim()
			terms.Join("\n", d.flow)
			terms.Trim()
			d.flow = flow.Run{}
			continue
		}
		if terms.Empty() {
			d.w.OpenItem()
		}
		d.flow = terms
		terms = flow.Run{}
		d.description(c)
	}
	d.flow = terms
	d.endParagraph()
	d.w.CloseList()
}

// description writes the description of the terms that wait in the flow.
func (d *document) description(n ast.Node) {
	if first := n.FirstChild(); first == nil || first.Kind() != ast.KindParagraph && first.Kind() != ast.KindTextBlock {
		d.endParagraph()
	}
	d.flow.Newline()
	d.children(n)
	d.w.CloseItem()
}

func (d *document) footnote(n *extast.Footnote) {
	d.w.Kind = threatmodel.BlockFootnote
	d.children(n)
	d.w.Kind = ""
}

// fence writes a fenced block: code, or the source of a diagram.
func (d *document) fence(n *ast.FencedCodeBlock) {
	language := ""
	if n.Info != nil {
		language = fenceLanguage(unescape(string(n.Info.Segment.Value(d.src.text))))
	}
	d.w.Code(language, d.lines(n.Lines()))
}

// lines are text of which every byte counts.
func (d *document) lines(lines *text.Segments) flow.Run {
	r := flow.Run{Words: true}
	for i := range lines.Len() {
		at := lines.At(i)
		value := at.Value(d.src.text)
		r.At(d.src.line(at.Start))
		r.Text = append(r.Text, value...)
		if !bytes.HasSuffix(value, []byte("\n")) {
			r.Text = append(r.Text, '\n')
		}
	}
	return r
}

func (d *document) table(n *extast.Table) {
	group := d.w.NextGroup()
	for row := n.FirstChild(); row != nil; row = row.NextSibling() {
		var cells []flow.Run
		for c := row.FirstChild(); c != nil; c = c.NextSibling() {
			cells = append(cells, d.cell(c))
		}
		d.w.TableRow(group, row.Kind() == extast.KindTableHeader, cells)
	}
}

func (d *document) cell(n ast.Node) flow.Run {
	d.flow = flow.Run{}
	d.inline(n)
	r := d.flow
	d.flow = flow.Run{}
	r.Trim()
	return r
}

func (d *document) bigTable(n *bigTable) {
	group := d.w.NextGroup()
	for i := range n.Lines().Len() {
		at := n.Lines().At(i)
		line := d.src.line(at.Start)
		var cells []flow.Run
		for _, text := range splitRow(strings.TrimSpace(string(at.Value(d.src.text)))) {
			var r flow.Run
			r.Add(text, line)
			r.Trim()
			cells = append(cells, r)
		}
		d.w.TableRow(group, i == 0, cells)
	}
}
