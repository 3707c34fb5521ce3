package layout

import "github.com/bartizan-security/bartizan/pkg/threatmodel"

// part is a block before it is written.
type part struct {
	kind  threatmodel.BlockKind
	role  threatmodel.Role
	lines []line
	page  int
	box   Box
	// level is the depth of a heading or item.
	level int
	// marker is what a list item begins with.
	marker string
	// cells are the cells of a table row.
	cells  []string
	header bool
	// group numbers lists and tables.
	group int
	joins bool
	// text stands for the lines where there are none.
	text string
	// picture is true for a picture, which may have no text.
	picture bool
}

func newPart(kind threatmodel.BlockKind, lines ...line) part {
	p := part{kind: kind, role: threatmodel.RoleBody}
	for _, l := range lines {
		p.add(l)
	}
	return p
}

func (p *part) add(l line) {
	p.lines = append(p.lines, l)
	p.box = p.box.Union(l.box)
	p.page = l.page
}

func (p *part) first() *line { return &p.lines[0] }
func (p *part) last() *line  { return &p.lines[len(p.lines)-1] }

// look is the style of all lines.
func (p *part) look() style {
	var s style
	for _, l := range p.lines {
		s.merge(l.style)
	}
	return s
}

// raw is the text of the lines, joined by spaces.
func (p *part) raw() string {
	s := ""
	for i, l := range p.lines {
		if i > 0 {
			s += " "
		}
		s += l.text()
	}
	return s
}

func (p *part) words() int { return words(p.raw()) }

// flows reports whether the part is prose that may go on elsewhere.
func (p *part) flows() bool {
	return p.role == threatmodel.RoleBody && len(p.lines) > 0 &&
		(p.kind == threatmodel.BlockParagraph || p.kind == threatmodel.BlockListItem)
}
