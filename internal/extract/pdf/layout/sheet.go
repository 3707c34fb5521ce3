package layout

import (
	"cmp"
	"slices"

	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

// sheet is a page while it is read.
type sheet struct {
	number        int
	width, height float64
	// frags are the fragments of the text in the page's main direction.
	frags []fragment
	// turned is what stands in another direction, such as a watermark or the
	// label of an axis.
	turned []part
	// rows are all rows; the first head of them are the running header, the
	// last foot the running footer.
	rows       []row
	head, foot int
	regions    []region
	parts      []part
	drawn      []Drawn
	tables     []ruled
	dots       []Box
	pictures   []part
	// broken, failed and scanned say why text is missing, blank that all is.
	broken, failed, scanned, blank bool
	recognized                     bool
}

func newSheet(fonts []Font, p *Page, number int) *sheet {
	s := &sheet{number: number, width: p.Width, height: p.Height, drawn: p.Drawn, broken: p.Broken, failed: p.Failed, recognized: p.Recognized}
	s.blank = len(p.Runs) == 0
	s.scanned = s.blank && (len(p.Pictures) > 0 || p.Outlined)
	s.pictures = pictureParts(p.Pictures, number)
	if p.Failed {
		return s
	}
	byTurn := map[int][]Run{}
	glyphs := map[int]int{}
	for _, r := range p.Runs {
		byTurn[r.Turn] = append(byTurn[r.Turn], upright(r, p.Width, p.Height))
		glyphs[r.Turn] += len(r.Glyphs)
	}
	main := 0
	for _, turn := range []int{1, 2, 3} {
		if glyphs[turn] > 2*glyphs[main] {
			main = turn
		}
	}
	if main%2 == 1 {
		s.width, s.height = s.height, s.width
	}
	s.frags = fragments(fonts, byTurn[main])
	s.rows = rows(s.frags)
	if main == 0 {
		lines := verticals(p.Shapes)
		for _, t := range ruledTables(rules(p.Shapes), p.Height) {
			s.tables = append(s.tables, t.part(lines)...)
		}
		s.dots = dots(p.Shapes)
	}
	for _, turn := range []int{0, 1, 2, 3, -1} {
		if turn != main {
			s.turn(fonts, byTurn[turn])
		}
	}
	return s
}

// turn keeps text that stands in another direction.
func (s *sheet) turn(fonts []Font, runs []Run) {
	for _, r := range rows(fragments(fonts, runs)) {
		for _, f := range r.frags {
			p := newPart(threatmodel.BlockImage, line{fragment: f, page: s.number})
			p.box = Box{} // it is measured in turned coordinates
			s.turned = append(s.turned, p)
		}
	}
}

// upright turns a run so that its text runs from left to right.
func upright(r Run, width, height float64) Run {
	var at func(x, y float64) (float64, float64)
	switch r.Turn {
	case 1:
		at = func(x, y float64) (float64, float64) { return y, width - x }
		r.Baseline = width - r.Baseline
	case 2:
		at = func(x, y float64) (float64, float64) { return width - x, height - y }
		r.Baseline = height - r.Baseline
	case 3:
		at = func(x, y float64) (float64, float64) { return height - y, x }
	default:
		return r
	}
	turned := make([]Glyph, len(r.Glyphs))
	for i, g := range r.Glyphs {
		x1, y1 := at(g.Box.L, g.Box.T)
		x2, y2 := at(g.Box.R, g.Box.B)
		turned[i] = Glyph{g.Rune, Box{min(x1, x2), min(y1, y2), max(x1, x2), max(y1, y2)}}
	}
	r.Glyphs = turned
	return r
}

// order finds columns in what lies between header and footer.
func (s *sheet) order() {
	var frags []fragment
	for _, r := range s.rows[s.head : len(s.rows)-s.foot] {
		frags = append(frags, r.frags...)
	}
	s.regions = regions(frags, s.tables, 0)
}

// furnitureParts are the parts of a running header or footer.
func (s *sheet) furnitureParts(rs []row, role threatmodel.Role) []part {
	var out []part
	for _, r := range rs {
		p := newPart(threatmodel.BlockParagraph, newLine(r, s.number, r.box.L, r.box.R))
		p.role = role
		out = append(out, p)
	}
	return out
}

// finish puts together what stands on the page, in reading order.
func (s *sheet) finish() []part {
	body := s.parts
	slices.SortStableFunc(s.drawn, func(a, b Drawn) int {
		return cmp.Or(cmp.Compare(a.Box.T, b.Box.T), cmp.Compare(a.Box.L, b.Box.L))
	})
	for _, d := range s.drawn {
		body = insert(body, d, s.number)
	}
	var head, foot []part
	for _, p := range s.pictures {
		switch p.role {
		case threatmodel.RoleHeader:
			head = append(head, p)
		case threatmodel.RoleFooter:
			foot = append(foot, p)
		default:
			body = intoColumn(body, p)
		}
	}
	out := append(head, s.furnitureParts(s.rows[:s.head], threatmodel.RoleHeader)...)
	out = append(out, body...)
	out = append(out, s.turned...)
	out = append(out, s.furnitureParts(s.rows[len(s.rows)-s.foot:], threatmodel.RoleFooter)...)
	return append(out, foot...)
}

// insert puts a text that was drawn upon the page after what stands above it
// or to its left.
func insert(parts []part, d Drawn, page int) []part {
	p := part{kind: threatmodel.BlockParagraph, role: threatmodel.RoleAnnotation, text: d.Text, page: page, box: d.Box}
	if d.Form {
		p.role = threatmodel.RoleForm
	}
	at := 0
	for i, o := range parts {
		if o.box.T <= (d.Box.T+d.Box.B)/2 && (o.text != "" || o.box.L <= d.Box.L+1) {
			at = i + 1
		}
	}
	return slices.Insert(parts, at, p)
}
