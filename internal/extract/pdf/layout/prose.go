package layout

import (
	"regexp"

	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

// prose cuts the lines of a column into paragraphs, headings, items and code.
func (r *reader) prose(lines []line) []part {
	var out []part
	for i := range lines {
		l := lines[i]
		if i > 0 && len(out) > 0 && !r.breaks(&out[len(out)-1], &l) {
			out[len(out)-1].add(l)
			continue
		}
		out = append(out, r.open(l))
	}
	return out
}

// open begins a part with a line.
func (r *reader) open(l line) part {
	p := newPart(threatmodel.BlockParagraph, l)
	switch {
	case r.code(&l):
		p.kind = threatmodel.BlockCode
	case captioned(&l, r.m):
		p.kind = threatmodel.BlockCaption
	case r.stands(&l):
	default:
		if m := marker(&l); m != "" {
			p.kind, p.marker = threatmodel.BlockListItem, m
		}
	}
	return p
}

// code reports whether a line is code: all of one width in a document that is
// not, the number of the line aside.
func (r *reader) code(l *line) bool {
	// One such character alone may be a bullet.
	return l.style.chars > 1 && r.codeGoesOn(l)
}

// codeGoesOn reports whether a line below code is code too.
func (r *reader) codeGoesOn(l *line) bool {
	return !r.m.mono && (l.mono() || len(l.parts) > 1 && listingLine(l) || numberedCode(l))
}

// numberedCode reports whether a line is code but for the number before it.
func numberedCode(l *line) bool {
	n := 0
	for n < len(l.runes) && l.runes[n] >= '0' && l.runes[n] <= '9' {
		n++
	}
	code := l.style.chars - n
	return n > 0 && n < 6 && n < len(l.runes) && l.runes[n] == ' ' && code > 1 && l.style.mono*10 >= code*9
}

// listingLine reports whether a line is one of a numbered listing: a number,
// and code or nothing after it.
func listingLine(l *line) bool {
	if !lineNumber.MatchString(l.parts[0].text()) {
		return false
	}
	for _, f := range l.parts[1:] {
		if !f.style.mostly(f.style.mono) {
			return false
		}
	}
	return true
}

var lineNumber = regexp.MustCompile(`^\d{1,5}$`)

// stands reports whether a line looks like a heading: larger than the text, or
// bold.
func (r *reader) stands(l *line) bool {
	return l.size > 1.1*r.m.size || l.bold() && !r.m.bold && l.size > 0.94*r.m.size
}

// breaks reports whether a line begins a part of its own, after those of p.
func (r *reader) breaks(p *part, l *line) bool {
	last := p.last()
	gap := l.baseline - last.baseline
	pitch := r.m.between(max(l.size, last.size))
	switch {
	case p.kind == threatmodel.BlockCode:
		return !r.codeGoesOn(l) && !(listingLine(l) && listingLine(p.first())) || gap > 2.6*pitch
	case r.code(l):
		return true
	case gap < -0.2*l.size:
		return true
	case gap > pitch+0.22*l.size:
		return true
	case !near(l.size, last.size) && l.style.chars > 2 && last.style.chars > 2:
		return true
	case r.stands(l) != r.stands(last) && (r.stands(l) || !last.full(l) || len(p.lines) < 3):
		return true
	case captioned(l, r.m):
		return true
	}
	return r.breaksItem(p, l) || r.breaksParagraph(p, l)
}

// breaksItem decides for lists.
func (r *reader) breaksItem(p *part, l *line) bool {
	last := p.last()
	if m := marker(l); m != "" && !r.stands(l) {
		if bulletMark.MatchString(m) || len(l.parts) > 1 && l.parts[0].text() == m {
			return true
		}
		if last.ends() || !last.full(l) {
			return true
		}
	}
	if p.kind != threatmodel.BlockListItem {
		return false
	}
	// A line that stands further left than the item's text ends the item, but
	// for items that run on under their mark.
	under := l.box.L <= p.first().start()+0.3*l.size
	return under && (last.ends() || !last.full(l) || len(p.lines) > 1 && p.lines[1].box.L > l.box.L+0.5*l.size)
}

// breaksParagraph decides by indentation and by lines that end early.
func (r *reader) breaksParagraph(p *part, l *line) bool {
	last := p.last()
	if p.kind != threatmodel.BlockListItem && len(p.lines) > 0 {
		indent := l.box.L - last.box.L
		if l.rtl {
			indent = last.box.R - l.box.R
		}
		if indent > 0.8*l.size && indent < 4*l.size && (last.ends() || !last.full(l)) && l.opensSentence() {
			return true
		}
	}
	if last.hyphenated() || r.stands(last) && r.stands(l) {
		return false
	}
	return !last.full(l) && (last.ends() || l.opensSentence())
}

var (
	captionStart = regexp.MustCompile(`(?i)^(?:figure|fig\.|table|tab\.|listing|algorithm|abbildung|abb\.|tabelle|tableau)\s+(?:[A-Z]?\.?\d+(?:[.-]\d+)*|[IVX]+)([.:–—|-])?(?:\s|$)`)
	figureStart  = regexp.MustCompile(`(?i)^(?:figure|fig\.|abbildung|abb\.)\s`)
)

// captioned reports whether a line begins the caption of a figure or table: it
// has the number and then a mark, or looks unlike the text around.
func captioned(l *line, m metrics) bool {
	found := captionStart.FindStringSubmatch(l.text())
	return found != nil && (found[1] != "" || l.italic() || l.bold() && !m.bold || l.size < 0.95*m.size || len(l.text()) < 16)
}

// figures turns the labels of a drawing into a picture's text: what stands
// above the caption of a figure and is no prose.
func figures(parts []part, m metrics, width float64) []part {
	for i := range parts {
		if parts[i].kind != threatmodel.BlockCaption || !figureStart.MatchString(parts[i].raw()) {
			continue
		}
		for j := i - 1; j >= 0 && label(&parts[j], m, width); j-- {
			parts[j].kind, parts[j].cells, parts[j].marker, parts[j].header, parts[j].group = threatmodel.BlockImage, nil, "", false, 0
		}
	}
	return parts
}

// label reports whether a part may be text of a drawing.
func label(p *part, m metrics, width float64) bool {
	if p.role != threatmodel.RoleBody || len(p.lines) == 0 {
		return false
	}
	switch p.kind {
	case threatmodel.BlockImage:
		return true
	case threatmodel.BlockParagraph, threatmodel.BlockTableRow, threatmodel.BlockListItem:
	default:
		return false
	}
	if len(p.lines) > 2 && p.words() > 8*len(p.lines) || p.last().ends() && p.words() > 6 {
		return false
	}
	for i := range p.lines {
		l := &p.lines[i]
		prose := l.size > 0.94*m.size && words(l.text()) > 5
		if prose || len(l.parts) == 1 && l.box.Width() > 0.5*width {
			return false
		}
	}
	return true
}

var noteMark = regexp.MustCompile(`^(?:\d{1,3}[.)]?|[*†‡§¶]{1,3}|\[\d{1,3}\]|[a-z][.)])\s+\S|^[*†‡§¶]{1,3}\S`)

// footnotes finds notes in small type that begin with a mark. Those at the end
// of a column are parted from its text, which goes on in the next.
func footnotes(parts []part, m metrics) (rest, notes []part) {
	note := false
	end := 0 // after the last part that is no note
	for i := range parts {
		p := &parts[i]
		small := len(p.lines) > 0 && p.role == threatmodel.RoleBody && p.look().size() < 0.93*m.size &&
			(p.kind == threatmodel.BlockParagraph || p.kind == threatmodel.BlockListItem)
		note = small && (note || noteMark.MatchString(p.raw()))
		if note {
			p.kind, p.marker = threatmodel.BlockFootnote, ""
		} else {
			end = i + 1
		}
	}
	return parts[:end], parts[end:]
}
