package markdown

import (
	"bytes"
	"strings"

	"github.com/yuin/goldmark/ast"
	extast "github.com/yuin/goldmark/extension/ast"
	"github.com/yuin/goldmark/text"

	"github.com/bartizan-security/bartizan/internal/extract/diagram"
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
		d.w.code(threatmodel.BlockCode, "", d.lines(n.Lines()))
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
		d.w.dropHTMLLists()
	}
	d.inline(n)
	r := d.flow
	d.flow = run{}
	switch {
	case !outline:
		d.w.paragraph(r)
	case isContents(n, d.src.text):
		d.w.role = threatmodel.RoleTOC
		d.w.heading(n.Level, r)
		d.w.role = ""
	default:
		d.w.heading(n.Level, r)
	}
}

func (d *document) list(n *ast.List) {
	outer := d.w.role
	if outer == "" && isTableOfContents(n, d.src.text) {
		d.w.role = threatmodel.RoleTOC
	}
	d.w.openList(n.IsOrdered(), n.Start, false)
	for item := n.FirstChild(); item != nil; item = item.NextSibling() {
		d.w.openItem()
		d.children(item)
		d.w.closeItem()
	}
	d.w.closeList()
	d.w.role = outer
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
	d.w.kind = threatmodel.BlockFootnote
	d.children(n)
	d.w.kind = ""
}

// fence writes a fenced block: code, or the source of a diagram.
func (d *document) fence(n *ast.FencedCodeBlock) {
	language := fenceLanguage(n, d.src.text)
	r := d.lines(n.Lines())
	if !diagram.Is(language) {
		d.w.code(threatmodel.BlockCode, language, r)
		return
	}
	d.diagram(language, r)
}

// diagram writes the source of a diagram and what it declares.
func (d *document) diagram(language string, r run) {
	r.trimLines()
	i := d.w.code(threatmodel.BlockDiagram, language, r)
	if i < 0 {
		return
	}
	read, problems := diagram.Read(language, string(r.text))
	if read.Type != "" {
		d.w.b.Diagram(i, read)
	}
	for _, p := range problems {
		d.w.b.Notice(threatmodel.NoticeFormat, "Diagram, line %d: %s.", r.line(p.Line), p.Text)
	}
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
func (d *document) lines(lines *text.Segments) run {
	r := run{words: true}
	for i := range lines.Len() {
		at := lines.At(i)
		value := at.Value(d.src.text)
		r.at(d.src.line(at.Start))
		r.text = append(r.text, value...)
		if !bytes.HasSuffix(value, []byte("\n")) {
			r.text = append(r.text, '\n')
		}
	}
	return r
}

func (d *document) table(n *extast.Table) {
	d.w.groups++
	group := d.w.groups
	for row := n.FirstChild(); row != nil; row = row.NextSibling() {
		var cells []run
		for c := row.FirstChild(); c != nil; c = c.NextSibling() {
			cells = append(cells, d.cell(c))
		}
		d.w.tableRow(group, row.Kind() == extast.KindTableHeader, cells)
	}
}

func (d *document) cell(n ast.Node) run {
	d.flow = run{}
	d.inline(n)
	r := d.flow
	d.flow = run{}
	r.trim()
	return r
}

func (d *document) bigTable(n *bigTable) {
	d.w.groups++
	group := d.w.groups
	for i := range n.Lines().Len() {
		at := n.Lines().At(i)
		line := d.src.line(at.Start)
		var cells []run
		for _, text := range splitRow(strings.TrimSpace(string(at.Value(d.src.text)))) {
			var r run
			r.add(text, line)
			r.trim()
			cells = append(cells, r)
		}
		d.w.tableRow(group, i == 0, cells)
	}
}
