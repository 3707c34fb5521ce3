package office

import (
	"strconv"
	"strings"

	"github.com/bartizan-security/bartizan/internal/extract/flow"
)

// inline reads a piece of a paragraph.
func (d *document) inline(p *paragraph, n *node) {
	switch n.name {
	case "w:r":
		d.run(p, n)
	case "w:hyperlink":
		d.link(p, n)
	case "w:fldSimple":
		contents := strings.HasPrefix(strings.TrimSpace(n.attr("w:instr")), "TOC")
		p.contents = p.contents || contents
		d.inlines(p, n)
	case "w:sdt":
		if !n.child("w:sdtPr").on("w:showingPlcHdr") {
			d.inlines(p, n.child("w:sdtContent"))
		}
	case "w:ins", "w:moveTo", "w:smartTag", "w:customXml", "w:dir", "w:bdo", "m:oMathPara":
		d.inlines(p, n)
	case "w:del", "w:moveFrom":
		d.deletion(p, n)
	case "m:oMath":
		n.each("m:t", func(k *node) { p.run.Add(clean(k.content()), 0) })
		p.run.Words = true
	case "mc:AlternateContent":
		d.inlines(p, alternative(n))
	case "w:commentRangeEnd":
		d.noteAt(p, "comments", n)
	}
}

func (d *document) inlines(p *paragraph, n *node) {
	if n == nil {
		return
	}
	for _, k := range n.kids {
		d.inline(p, k)
	}
}

// link reads the words of a link and, where it leads to another file, that.
func (d *document) link(p *paragraph, n *node) {
	from := len(p.run.Text)
	d.inlines(p, n)
	r, ok := d.parts.rels[n.attr("r:id")]
	if ok && r.external {
		p.run.Link(from, flow.FileTarget(r.target))
	}
}

// deletion keeps what was struck out.
func (d *document) deletion(p *paragraph, n *node) {
	aside := &paragraph{}
	fields := d.fields
	d.fields = nil
	d.inlines(aside, n)
	d.fields = fields
	aside.run.Trim()
	if !aside.run.Empty() {
		p.deleted = append(p.deleted, aside.run)
	}
}

// run reads a run of text with one look.
func (d *document) run(p *paragraph, n *node) {
	props := n.child("w:rPr")
	if props.on("w:vanish") {
		d.fieldMarks(n)
		return
	}
	for _, k := range n.kids {
		switch {
		case k.name == "w:fldChar":
			d.fieldMark(p, k)
		case k.name == "w:instrText":
			d.instruction(k.content())
		case d.inResult():
			d.piece(p, k)
		}
	}
}

// piece reads a piece of a run.
func (d *document) piece(p *paragraph, n *node) {
	switch n.name {
	case "w:t", "w:delText":
		d.words(p, clean(n.content()))
	case "w:tab", "w:ptab":
		p.run.Add("\t", 0)
	case "w:br":
		if kind := n.attr("w:type"); kind == "" || kind == "textWrapping" {
			p.run.Newline()
		}
	case "w:cr":
		p.run.Newline()
	case "w:noBreakHyphen":
		d.words(p, "-")
	case "w:sym":
		if code, err := strconv.ParseUint(n.attr("w:char"), 16, 21); err == nil {
			d.words(p, clean(string(rune(code))))
		}
	case "w:footnoteReference":
		d.noteAt(p, "footnotes", n)
	case "w:endnoteReference":
		d.noteAt(p, "endnotes", n)
	case "w:commentReference":
		d.noteAt(p, "comments", n)
	case "w:ruby":
		d.inlines(p, n.child("w:rubyBase"))
	case "w:drawing", "w:pict", "w:object":
		d.drawn(p, n)
	case "mc:AlternateContent":
		for _, k := range alternative(n).kids {
			d.piece(p, k)
		}
	}
}

func (d *document) words(p *paragraph, s string) {
	p.run.Add(s, 0)
	p.run.Words = p.run.Words || strings.TrimSpace(s) != ""
}

// drawn reads what is drawn at a place: text boxes, images, drawings made of
// parts.
func (d *document) drawn(p *paragraph, n *node) {
	boxes := len(p.boxes)
	d.textBoxes(p, n)
	n.each("dgm:relIds", func(k *node) {
		if r, ok := d.parts.rels[k.attr("r:dm")]; ok && !r.external {
			p.drawings = append(p.drawings, r.target)
		}
	})
	objects := 0
	n.each("o:OLEObject", func(*node) { objects++ })
	d.objects += objects
	if len(p.boxes) == boxes && (objects > 0 || holds(n, "pic:pic") || holds(n, "v:imagedata")) {
		d.image(p, n)
	}
}

func holds(n *node, name string) bool {
	found := false
	n.each(name, func(*node) { found = true })
	return found
}

// textBoxes finds the text boxes below, each once although newer and older
// programs have one each.
func (d *document) textBoxes(p *paragraph, n *node) {
	for _, k := range n.kids {
		switch k.name {
		case "w:txbxContent":
			p.boxes = append(p.boxes, k)
		case "mc:AlternateContent":
			d.textBoxes(p, alternative(k))
		default:
			d.textBoxes(p, k)
		}
	}
}

// image notes an image with its alternative text; within a sentence the text
// stands where the image is.
func (d *document) image(p *paragraph, n *node) {
	text := ""
	for _, place := range []struct{ element, attr string }{
		{"wp:docPr", "descr"}, {"wp:docPr", "title"}, {"pic:cNvPr", "descr"}, {"v:shape", "alt"}, {"v:imagedata", "o:title"},
	} {
		n.each(place.element, func(k *node) {
			if text == "" {
				text = strings.Join(strings.Fields(clean(k.attr(place.attr))), " ")
			}
		})
	}
	p.images = append(p.images, text)
}

// drawing writes the text of a drawing that has a part of its own, a line a
// shape.
func (d *document) drawing(part string) {
	if d.drawings[part] {
		return
	}
	d.drawings[part] = true
	root, err := d.parts.tree(part)
	if err != nil {
		return // the shapes are decoration where their part is damaged
	}
	root.each("dgm:pt", func(k *node) {
		var r flow.Run
		k.each("a:p", func(par *node) {
			r.Newline()
			par.each("a:t", func(t *node) { r.Add(clean(t.content()), 0) })
		})
		r.Words = true
		r.Trim()
		if !r.Empty() {
			d.flushCode()
			d.wrote(r.Text)
			d.w.Paragraph(r)
		}
	})
}
