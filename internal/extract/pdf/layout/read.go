package layout

import (
	"math"
	"strings"

	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

// Pages collects the pages of a document. What it keeps of a page is a third
// of its glyphs. The zero value is ready.
type Pages struct{ sheets []*sheet }

// Add adds the page after those before, set in some of the fonts.
func (p *Pages) Add(fonts []Font, page Page) {
	p.sheets = append(p.sheets, newSheet(fonts, &page, len(p.sheets)+1))
}

// Read finds the structure of the document that the pages make up. Every block
// of the result is a slice of its text, and says on which page it stands. The
// pages must not be used afterwards.
func (p *Pages) Read(about About) threatmodel.Source {
	pages := p.sheets
	furniture(pages)
	logos(pages)
	for _, s := range pages {
		s.order()
	}
	r := reader{about: about, pages: pages, m: measure(pages), known: vocabulary(pages)}
	for _, s := range pages {
		r.page(s)
	}
	r.headings()
	r.linkedContents()
	r.joinPages()
	r.joinTables()
	r.listLevels()
	return r.write()
}

// reader is a document being read.
type reader struct {
	about About
	pages []*sheet
	m     metrics
	// inContents is true while a table of contents may go on to the next page.
	inContents bool
	// groups counts lists and tables.
	groups int
	// known holds the words of the document.
	known map[string]bool
}

// page finds the parts of a page.
func (r *reader) page(s *sheet) {
	var notes []part
	for _, reg := range s.regions {
		parts := r.region(reg, s)
		parts, more := footnotes(parts, r.m)
		notes = append(notes, more...)
		s.parts = joinColumns(s.parts, parts)
	}
	s.parts = figures(s.parts, r.m, s.width)
	s.parts = append(s.parts, notes...)
}

// region finds the parts of a column: contents, tables, and what is between.
func (r *reader) region(reg region, s *sheet) []part {
	page := s.number
	var out []part
	start := 0
	flush := func(end int) {
		out = append(out, r.prose(region{reg.rows[start:end], reg.box}.lines(s))...)
	}
	for i := 0; i < len(reg.rows); {
		found, n := r.contents(reg, i, page)
		if n == 0 {
			found, n = r.ruled(reg, i, s)
		}
		if n == 0 {
			found, n = r.table(reg, i, page)
		}
		if n == 0 {
			i++
			continue
		}
		flush(i)
		out = append(out, found...)
		i += n
		start = i
	}
	flush(len(reg.rows))
	return out
}

// joinColumns appends the parts of a column to those of the columns before. A
// paragraph that the end of a column cuts becomes whole.
func joinColumns(before, next []part) []part {
	if len(before) > 0 && len(next) > 0 {
		a, b := &before[len(before)-1], &next[0]
		// The next column begins higher than the last ends.
		if b.box.T < a.box.B-0.5*a.last().size && continues(a, b) {
			for _, l := range b.lines {
				a.add(l)
			}
			next = next[1:]
		}
	}
	return append(before, next...)
}

// continues reports whether b goes on with the sentence that a leaves open.
func continues(a, b *part) bool {
	if !a.flows() || len(b.lines) == 0 || b.kind != threatmodel.BlockParagraph || !near(a.last().size, b.first().size) {
		return false
	}
	last, first := a.last(), b.first()
	if last.bold() != first.bold() && last.style.chars > 3 && first.style.chars > 3 && len(a.lines)+len(b.lines) > 2 {
		return false
	}
	switch {
	case last.hyphenated():
		return true
	case last.ends():
		return false
	}
	return first.opensLower() || last.full(first) && first.box.L <= first.left+0.5*first.size
}

// joinPages marks the parts that go on from the page before.
func (r *reader) joinPages() {
	var last *part
	for _, s := range r.pages {
		if first := firstFlow(s.parts); last != nil && first != nil && continues(last, first) {
			first.joins = true
			first.kind = last.kind
		}
		if p := lastFlow(s.parts); p != nil || len(s.parts) > 0 {
			last = p
		}
	}
}

// joinTables makes one table of those that a page end cuts: the rows that begin
// a page have the columns of those that end the page before, and no header.
func (r *reader) joinTables() {
	for i := 1; i < len(r.pages); i++ {
		before, after := r.pages[i-1].parts, r.pages[i].parts
		if len(before) == 0 || len(after) == 0 {
			continue
		}
		lastRow(&before[len(before)-1], &after[0])
		if !sameTable(&before[len(before)-1], &after[0]) {
			continue
		}
		for j, group := 0, after[0].group; j < len(after) && after[j].group == group; j++ {
			after[j].group = before[len(before)-1].group
		}
	}
}

// lastRow makes a line that begins a page the row that it is: alone, it was no
// table, but it has the columns of the one that the page end cut.
func lastRow(a, b *part) {
	if a.kind != threatmodel.BlockTableRow || b.kind != threatmodel.BlockParagraph || len(b.lines) != 1 || len(a.lines) == 0 {
		return
	}
	above, below := a.first().parts, b.first().parts
	if len(below) < 2 || len(above) != len(below) || len(below) != len(a.cells) {
		return
	}
	for i := range below {
		if math.Abs(above[i].box.L-below[i].box.L) > 3 {
			return
		}
	}
	b.kind, b.group, b.joins = threatmodel.BlockTableRow, a.group, false
	for _, f := range below {
		b.cells = append(b.cells, plainText(f.runes))
	}
}

func sameTable(a, b *part) bool {
	return a.kind == threatmodel.BlockTableRow && b.kind == threatmodel.BlockTableRow && !b.header &&
		len(a.cells) == len(b.cells) && math.Abs(a.box.L-b.box.L) < 3
}

// aside reports whether prose goes on past a part: a figure at the top of a
// page, a footnote at its end.
func aside(p *part) bool {
	switch p.kind {
	case threatmodel.BlockImage, threatmodel.BlockCaption, threatmodel.BlockFootnote, threatmodel.BlockTableRow:
		return true
	}
	return p.role != threatmodel.RoleBody
}

func firstFlow(parts []part) *part {
	for i := range parts {
		if !aside(&parts[i]) {
			return &parts[i]
		}
	}
	return nil
}

func lastFlow(parts []part) *part {
	for i := len(parts) - 1; i >= 0; i-- {
		if !aside(&parts[i]) {
			return &parts[i]
		}
	}
	return nil
}

// title is the document's title: what its metadata says where that is one,
// else its first large heading.
func (r *reader) title() string {
	if t := usefulTitle(r.about.Title); t != "" {
		return t
	}
	best, size := "", 0.0
	for _, s := range r.pages[:min(2, len(r.pages))] {
		for i := range s.parts {
			p := &s.parts[i]
			if p.kind == threatmodel.BlockHeading && p.role == threatmodel.RoleBody && p.first().size > 1.05*size {
				best, size = strings.Join(strings.Fields(r.text(p)), " "), p.first().size
			}
		}
	}
	return best
}

// usefulTitle drops titles that a program made up from a file name.
func usefulTitle(s string) string {
	s = strings.Join(strings.Fields(s), " ")
	lower := strings.ToLower(s)
	for _, made := range []string{"microsoft word - ", "untitled", "powerpoint presentation", "document"} {
		if strings.HasPrefix(lower, made) && (strings.HasSuffix(made, " ") || len(lower) <= len(made)+2) {
			return ""
		}
	}
	for _, ext := range []string{".doc", ".docx", ".pdf", ".tex", ".dvi", ".odt", ".indd", ".html", ".htm", ".rtf", ".qxd"} {
		if strings.HasSuffix(lower, ext) {
			return ""
		}
	}
	return s
}
