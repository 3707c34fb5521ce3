package office

import (
	"strings"
	"unicode"

	"github.com/bartizan-security/bartizan/internal/extract/block"
	"github.com/bartizan-security/bartizan/internal/extract/flow"
	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

// paragraph is a paragraph being read.
type paragraph struct {
	run flow.Run
	// deleted are pieces that were struck out and stay in the file.
	deleted []flow.Run
	// boxes are text boxes whose anchor stands in the paragraph.
	boxes []*node
	// images are the texts of images that stand alone or between words.
	images []string
	// notes are what the paragraph refers to.
	notes []*note
	// drawings are parts with the text of a drawing.
	drawings []string
	props    *node
	contents bool
}

// paragraph writes a paragraph.
func (d *document) paragraph(n *node) {
	p := d.open
	d.open = nil
	if p == nil {
		p = &paragraph{}
	}
	p.props = n.child("w:pPr")
	p.contents = p.contents || d.inContents()
	for _, k := range n.kids {
		d.inline(p, k)
	}
	p.contents = p.contents || d.inContents()
	d.endInstructions()
	mark := p.props.child("w:rPr")
	if mark.child("w:del") != nil || mark.child("w:moveFrom") != nil {
		d.open = p
		return
	}
	d.finish(p)
}

// finish writes a paragraph that is complete, and what is anchored in it.
func (d *document) finish(p *paragraph) {
	d.write(p)
	for _, i := range p.images {
		d.flushCode()
		d.w.Paragraph(image(i))
		d.blocks++
	}
	for _, b := range p.boxes {
		d.apart(func() { d.all(b) })
	}
	for _, part := range p.drawings {
		d.drawing(part)
	}
	for _, r := range p.deleted {
		d.later = append(d.later, func() { d.annotation("[deleted] ", r) })
	}
	for _, n := range p.notes {
		d.refer(n)
	}
	d.settle()
}

func image(text string) flow.Run {
	r := flow.Run{Image: true}
	r.Add(text, 0)
	return r
}

// write writes the text of a paragraph as what its style makes of it.
func (d *document) write(p *paragraph) {
	id := p.props.val("w:pStyle")
	st := d.styles.get(id)
	if d.styles.is(id, codeStyle) && len(d.lists.numberingOf(p, id, st).id) == 0 {
		d.addCode(p)
		return
	}
	d.flushCode()
	number := d.lists.numberingOf(p, id, st)
	p.run.Trim()
	if p.run.Empty() {
		d.numberAlone(number)
		return
	}
	d.wrote(p.run.Text)
	outline := st.outline
	if o := outlineOf(p.props); o >= 0 {
		outline = o
	}
	if p.contents || d.styles.is(id, tocStyle) {
		d.closeLists()
		d.as(threatmodel.RoleTOC, func() { d.w.Paragraph(p.run) })
		return
	}
	switch {
	case d.w.Kind != "":
		d.w.Paragraph(p.run)
	case titleStyle.MatchString(st.name):
		d.title(p)
	case outline > 0 && number.id == "":
		d.closeLists()
		d.w.Heading(outline, p.run)
	case outline > 0:
		d.closeLists()
		marker, _ := d.lists.next(number)
		d.w.Mark(strings.TrimPrefix(marker, "- "))
		d.w.Heading(outline, p.run)
		d.w.CloseItem()
	case d.styles.is(id, captionStyle):
		d.closeLists()
		d.w.Caption(p.run)
	case number.id != "":
		d.item(number, p.run)
	default:
		if !d.styles.is(id, listStyle) {
			d.closeLists()
		}
		d.w.Paragraph(p.run)
	}
}

// numberingOf is the list that a paragraph belongs to by itself or its style.
// List 0 takes it out of any.
func (l *lists) numberingOf(p *paragraph, styleID string, st style) numbering {
	n := numberingOf(p.props)
	if n.id == "" {
		own := n
		n = st.numbering
		if own.levelSet {
			n.level = own.level
		} else if level, ok := l.levelOf(n.id, styleID); ok {
			n.level = level
		}
	} else if !n.levelSet && st.numbering.levelSet {
		n.level = st.numbering.level
	}
	if n.id == "0" || l.instances[n.id] == nil {
		return numbering{}
	}
	return n
}

// item writes an item of a list, on its level.
func (d *document) item(n numbering, r flow.Run) {
	marker, ok := d.lists.next(n)
	if !ok || marker == "" {
		d.w.Paragraph(r)
		return
	}
	if n.level == 0 && n.id != d.listID {
		d.closeLists()
	}
	if n.level == 0 {
		d.listID = n.id
	}
	for d.w.Lists() > n.level+1 {
		d.w.CloseList()
	}
	for d.w.Lists() <= n.level {
		d.w.OpenList(marker != "- ", 1, false)
	}
	d.w.Mark(marker)
	d.w.Paragraph(r)
	d.w.CloseItem()
}

// numberAlone counts a paragraph that shows nothing but its number. In a cell
// that is what the cell says: the column that numbers the rows.
func (d *document) numberAlone(n numbering) {
	if n.id == "" {
		return
	}
	marker, _ := d.lists.next(n)
	if marker = strings.TrimRight(marker, " "); marker != "-" && d.w.InCell() {
		var r flow.Run
		r.Add(marker, 0)
		d.w.Paragraph(r)
	}
}

// title writes the title of the document, which heads everything.
func (d *document) title(p *paragraph) {
	if d.shownTitle == "" {
		d.shownTitle = string(p.run.Text)
	}
	d.closeLists()
	d.w.Heading(1, p.run)
}

// addCode keeps a line of code; lines that follow one another are one block.
func (d *document) addCode(p *paragraph) {
	if len(d.code.Text) > 0 {
		d.code.Text = append(d.code.Text, '\n')
	}
	d.closeLists()
	d.code.Join("", p.run)
	d.code.Words = true
}

// as writes what f writes in another role, unless one is set already.
func (d *document) as(role threatmodel.Role, f func()) {
	outer := d.w.Role
	if outer == "" {
		d.w.Role = role
	}
	f()
	d.w.Role = outer
}

// apart writes what stands in a story of its own, such as a text box: lists and
// fields around it do not reach into it.
func (d *document) apart(f func()) {
	d.endParagraphs()
	fields := d.fields
	d.fields = nil
	f()
	d.endParagraphs()
	d.fields = fields
}

// annotation writes text that is no part of the final document.
func (d *document) annotation(marker string, r flow.Run) {
	d.flushCode()
	d.closeLists()
	r.Links = nil
	d.w.Write(threatmodel.Block{Kind: threatmodel.BlockParagraph, Role: threatmodel.RoleAnnotation}, marker, r)
	d.blocks++
}

// clean makes text of a run what is shown of it: no soft hyphens or characters
// without width, blanks of any kind as blanks.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		switch r {
		case '\n', '\r', '\t', '\u00a0', '\u2007', '\u202f':
			return ' '
		case '\u00ad', '\u200b', '\u2060', '\ufeff':
			return -1
		}
		if unicode.Is(unicode.Co, r) {
			return symbol(r)
		}
		return r
	}, block.Clean(s))
}

// symbol is what the usual symbol fonts show for characters of the private
// area; a bullet for what is not known.
func symbol(r rune) rune {
	if known, ok := symbols[r&0xff]; ok && r >= 0xf000 && r <= 0xf0ff {
		return known
	}
	return '•'
}

// symbols are characters of Symbol and Wingdings that carry meaning.
var symbols = map[rune]rune{
	0xfc: '✓', 0xfe: '☑', 0xfb: '✗', 0xa8: '☐', 0x6f: '☐', 0xe0: '→', 0xdf: '←', 0xe8: '→', 0xae: '→', 0xac: '←',
	0xab: '↔', 0xb3: '≥', 0xa3: '≤', 0xb9: '≠', 0xb1: '±', 0xb4: '×', 0xd7: '·', 0x6d: 'µ',
}
