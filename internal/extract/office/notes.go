package office

import (
	"strings"

	"github.com/bartizan-security/bartizan/internal/extract/flow"
	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

// note is a footnote, an endnote or a comment.
type note struct {
	kind, author string
	content      *node
	shown        bool
}

// readNotes keeps the notes of one kind until a place refers to them.
func (d *document) readNotes(kind string, root *node) {
	name := map[string]string{"footnotes": "w:footnote", "endnotes": "w:endnote", "comments": "w:comment"}[kind]
	root.each(name, func(n *node) {
		if t := n.attr("w:type"); t != "" && t != "normal" {
			return // the line above the notes
		}
		d.notes[kind+" "+n.attr("w:id")] = &note{kind: kind, author: n.attr("w:author"), content: n}
		if kind == "comments" {
			d.comments = append(d.comments, d.notes[kind+" "+n.attr("w:id")])
		}
	})
}

// noteAt notes that a paragraph refers to a note.
func (d *document) noteAt(p *paragraph, kind string, n *node) {
	if found := d.notes[kind+" "+n.attr("w:id")]; found != nil && !found.shown {
		found.shown = true
		p.notes = append(p.notes, found)
	}
}

// refer writes a note below the paragraph or table that refers to it; an
// endnote below the text.
func (d *document) refer(n *note) {
	switch n.kind {
	case "footnotes":
		d.footnotes++
		marker := "[" + printNumber("decimal", d.footnotes) + "] "
		d.later = append(d.later, func() { d.note(n, marker) })
	case "endnotes":
		d.ends = append(d.ends, n)
	case "comments":
		d.later = append(d.later, func() { d.comment(n) })
	}
}

func (d *document) endnotes() {
	for i, n := range d.ends {
		d.note(n, "["+printNumber("lowerRoman", i+1)+"] ")
	}
	d.ends = nil
	d.settle()
}

// note writes the text of a note.
func (d *document) note(n *note, marker string) {
	d.apart(func() {
		outer := d.w.Kind
		d.w.Kind = threatmodel.BlockFootnote
		d.w.Mark(marker)
		d.all(n.content)
		d.w.CloseItem()
		d.w.Kind = outer
	})
}

// comment writes a comment.
func (d *document) comment(n *note) {
	var r flow.Run
	p := &paragraph{}
	n.content.each("w:p", func(k *node) {
		p.run.Newline()
		d.inlines(p, k)
	})
	r = p.run
	author := strings.Join(strings.Fields(clean(n.author)), " ")
	if author != "" {
		author = ", " + author
	}
	d.annotation("[comment"+author+"] ", r)
}

// commentsLeft writes the comments that no place refers to.
func (d *document) commentsLeft() {
	for _, n := range d.comments {
		if !n.shown {
			n.shown = true
			d.comment(n)
		}
	}
}

// margins writes the headers or footers, each text once.
func (d *document) margins(kind string, role threatmodel.Role) error {
	seen := map[string]bool{}
	for _, name := range d.parts.related(kind) {
		root, err := d.parts.tree(name)
		if err != nil {
			return err
		}
		if text := strings.Join(strings.Fields(root.content()), " "); seen[text] {
			continue
		} else {
			seen[text] = true
		}
		rels := d.parts.rels
		if own, _, err := d.parts.relations(name); err == nil {
			d.parts.rels = own
		}
		d.as(role, func() { d.apart(func() { d.all(root) }) })
		d.parts.rels = rels
	}
	return nil
}
