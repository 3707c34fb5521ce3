package office

import (
	"regexp"
	"strings"
)

// table writes a table. One of a single cell only frames what stands in it.
func (d *document) table(n *node) {
	rows := elements(n, "w:tr")
	if len(rows) == 0 {
		return
	}
	if cells := elements(rows[0], "w:tc"); len(rows) == 1 && len(cells) == 1 {
		d.all(cells[0])
		return
	}
	d.endParagraphs()
	first := d.firstRowHeads(n)
	fields := d.fields
	d.fields = nil
	d.w.OpenTable()
	for i, row := range rows {
		d.row(row, i == 0 && first)
	}
	d.w.CloseTable()
	d.fields = fields
	d.blocks++
	d.settle()
}

// elements are the rows of a table or the cells of a row, in whatever wraps
// them.
func elements(n *node, name string) []*node {
	var found []*node
	for _, k := range n.kids {
		switch k.name {
		case name:
			found = append(found, k)
		case "w:sdt":
			if content := k.child("w:sdtContent"); content != nil {
				found = append(found, elements(content, name)...)
			}
		case "w:customXml", "w:ins", "w:moveTo", "w:smartTag":
			found = append(found, elements(k, name)...)
		case "mc:AlternateContent":
			found = append(found, elements(alternative(k), name)...)
		}
	}
	return found
}

// plainTable are styles that do not set a first row apart.
var plainTable = regexp.MustCompile(`(?i)^(?:|table ?normal|normal ?table|table ?grid(?: ?light)?)$`)

// firstRowHeads reports whether the look of a table sets its first row apart.
func (d *document) firstRowHeads(n *node) bool {
	props := n.child("w:tblPr")
	look := props.child("w:tblLook")
	on := look.attr("w:firstRow") == "1" || look.attr("w:firstRow") == "true"
	if old := look.attr("w:val"); look.attr("w:firstRow") == "" && len(old) == 4 {
		on = strings.ContainsAny(old[2:3], "2367aAbBeEfF")
	}
	id := props.val("w:tblStyle")
	name := d.styles.byID["table "+id].name
	if name == "" {
		name = id
	}
	return on && !plainTable.MatchString(name)
}

func (d *document) row(n *node, first bool) {
	props := n.child("w:trPr")
	if props.child("w:del") != nil {
		d.deletedRow(n)
		return
	}
	d.w.OpenRow()
	d.gap(props.val("w:gridBefore"))
	bold, cells := true, 0
	for _, c := range elements(n, "w:tc") {
		shown, all := d.cell(c)
		if shown {
			cells++
		}
		bold = bold && all
	}
	d.gap(props.val("w:gridAfter"))
	if first || props.on("w:tblHeader") || bold && cells > 1 {
		d.w.HeaderRow()
	}
	d.w.CloseRow()
}

// deletedRow keeps the text of a row that was struck out.
func (d *document) deletedRow(n *node) {
	p := &paragraph{}
	for _, c := range elements(n, "w:tc") {
		c.each("w:p", func(k *node) {
			p.run.Space()
			d.inlines(p, k)
		})
	}
	rest := append(p.deleted, p.run)
	for _, r := range rest {
		d.later = append(d.later, func() { d.annotation("[deleted] ", r) })
	}
}

// gap writes the columns that a row leaves out.
func (d *document) gap(columns string) {
	if n := number(columns, 0); n > 0 {
		d.w.OpenCell(false, n, 1)
		d.w.CloseCell()
	}
}

// cell writes a cell. A cell that goes on with the one above is empty. It
// reports whether it shows text, and whether all of that is bold.
func (d *document) cell(n *node) (shown, bold bool) {
	props := n.child("w:tcPr")
	d.w.OpenCell(false, number(props.val("w:gridSpan"), 1), 1)
	defer d.w.CloseCell()
	if merge := props.child("w:vMerge"); merge != nil && merge.attr("w:val") != "restart" {
		return false, true
	}
	if merge := props.child("w:hMerge"); merge != nil && merge.attr("w:val") != "restart" {
		return false, true
	}
	d.all(n)
	d.endParagraphs()
	shown = strings.TrimSpace(n.content()) != ""
	return shown, !shown || d.isBold(n)
}

// isBold reports whether all text of a cell is bold.
func (d *document) isBold(n *node) bool {
	bold := true
	n.each("w:p", func(p *node) {
		style := d.styles.get(p.path("w:pPr", "w:pStyle").attr("w:val")).bold
		p.each("w:r", func(r *node) {
			props := r.child("w:rPr")
			own := style
			if props.child("w:b") != nil {
				own = props.on("w:b")
			}
			if strings.TrimSpace(r.content()) != "" {
				bold = bold && own
			}
		})
	})
	return bold
}
