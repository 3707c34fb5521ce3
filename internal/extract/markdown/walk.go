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
	case *ast.Blockquote:
		d.quote(n)
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

func (d *document) quote(n *ast.Blockquote) {
	if p, ok := n.FirstChild().(*ast.Paragraph); ok {
		dropAlertMark(p, d.src.text)
	}
	d.children(n)
}

// dropAlertMark takes the [!NOTE] off the front of a quote that is an alert.
func dropAlertMark(p *ast.Paragraph, source []byte) {
	if p.Lines().Len() == 0 {
		return
	}
	first := p.Lines().At(0)
	mark := bytes.TrimSpace(first.Value(source))
	if !bytes.HasPrefix(mark, []byte("[!")) || !bytes.HasSuffix(mark, []byte("]")) {
		return
	}
	for c := p.FirstChild(); c != nil; {
		next := c.NextSibling()
		t, ok := c.(*ast.Text)
		if !ok || t.Segment.Start >= first.Stop {
			return
		}
		p.RemoveChild(p, c)
		c = next
	}
}

func (d *document) admonition(n *admonition) {
	if n.title.Len() > 0 {
		d.segment(n.title, false)
		d.endParagraph()
	}
	d.children(n)
}

func (d *document) footnote(n *extast.Footnote) {
	d.w.Kind = threatmodel.BlockFootnote
	d.children(n)
	d.w.Kind = ""
}

// fence writes a fenced block: code, or the source of a diagram.
func (d *document) fence(n *ast.FencedCodeBlock) {
	language := fenceLanguage(n, d.src.text)
	d.w.Code(language, d.lines(n.Lines()))
}

// fenceLanguage is the first word of the info string.
func fenceLanguage(n *ast.FencedCodeBlock, source []byte) string {
	if n.Info == nil {
		return ""
	}
	info := strings.TrimLeft(unescape(string(n.Info.Segment.Value(source))), "{. ")
	if i := strings.IndexAny(info, " \t,{}:;"); i >= 0 {
		info = info[:i]
	}
	return info
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
