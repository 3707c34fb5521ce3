package office

import "strings"

// field is an open field: an instruction, then the result that is shown.
type field struct {
	instruction strings.Builder
	result      bool
	contents    bool
}

// maxInstruction is how much of an instruction is kept, in bytes.
const maxInstruction = 100

// fieldMark begins a field, its result, or ends it.
func (d *document) fieldMark(p *paragraph, n *node) {
	switch n.attr("w:fldCharType") {
	case "begin":
		d.fields = append(d.fields, field{})
		if box := n.path("w:ffData", "w:checkBox"); box != nil && p != nil {
			d.checkBox(p, box)
		}
	case "separate":
		if f := d.field(); f != nil {
			f.result = true
			f.contents = strings.HasPrefix(strings.TrimSpace(f.instruction.String()), "TOC")
		}
	case "end":
		if len(d.fields) > 0 {
			d.fields = d.fields[:len(d.fields)-1]
		}
	}
}

// fieldMarks acts on the marks of a run that is not shown.
func (d *document) fieldMarks(n *node) {
	for _, k := range n.kids {
		switch k.name {
		case "w:fldChar":
			d.fieldMark(nil, k)
		case "w:instrText":
			d.instruction(k.content())
		}
	}
}

func (d *document) instruction(s string) {
	if f := d.field(); f != nil && !f.result && f.instruction.Len() < maxInstruction {
		f.instruction.WriteString(s[:min(len(s), maxInstruction)])
	}
}

func (d *document) field() *field {
	if len(d.fields) == 0 {
		return nil
	}
	return &d.fields[len(d.fields)-1]
}

// checkBox writes the box of a form as a task.
func (d *document) checkBox(p *paragraph, box *node) {
	checked := box.on("w:checked") || box.child("w:checked") == nil && box.on("w:default")
	if checked {
		d.words(p, "[x] ")
	} else {
		d.words(p, "[ ] ")
	}
}

// inResult reports whether text at this place is shown: it is no part of an
// instruction.
func (d *document) inResult() bool {
	for i := range d.fields {
		if !d.fields[i].result {
			return false
		}
	}
	return true
}

// inContents reports whether the place lies in a table of contents.
func (d *document) inContents() bool {
	for i := range d.fields {
		if d.fields[i].contents {
			return true
		}
	}
	return d.contents > 0
}

// endInstructions gives up fields that have no result by the end of their
// paragraph: one whose end is lost must not hide the rest of the document.
func (d *document) endInstructions() {
	for i := range d.fields {
		if !d.fields[i].result {
			d.fields = d.fields[:i]
			return
		}
	}
}
