package layout

import (
	"regexp"
	"strings"

	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

var (
	bulletMark = regexp.MustCompile(`^[•▪◦‣➢✓✔◆◇●○■□–—*·∙⁃➤►▶-]$|^o$`)
	bulletLead = regexp.MustCompile(`^([•▪◦‣➢✓✔◆◇●○■□∙⁃➤►▶·])\s*|^([–—*-])\s+`)
	numberLead = regexp.MustCompile(`^(\(?(?:\d{1,3}|[a-zA-Z]|[ivx]{1,5})[.)]|\[\d{1,3}\]|\(\d{1,3}\))\s+\S`)
)

// marker is what the line of a list item begins with; empty where the line
// begins none.
func marker(l *line) string {
	if l.dot != (Box{}) {
		return drawnBullet
	}
	text := l.text()
	if text == "" {
		return ""
	}
	if !wordByte(text[0]) {
		if m := bulletLead.FindStringSubmatch(text); m != nil && len(m[0]) < len(text) {
			return m[1] + m[2]
		}
	}
	if len(l.parts) > 1 && l.parts[0].text() == "o" {
		return "o"
	}
	if !strings.ContainsAny(text[:min(len(text), longestNumber)], ".)]") {
		return ""
	}
	if m := numberLead.FindStringSubmatch(text); m != nil && !initials.MatchString(text) {
		return m[1]
	}
	return ""
}

// longestNumber is as long as the number of an item gets, in bytes, with the
// mark that ends it.
const longestNumber = 8

func wordByte(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

// drawnBullet stands for a bullet that is drawn and not written.
const drawnBullet = "•"

// start is where a line begins, its drawn bullet included.
func (l *line) start() float64 {
	if l.dot != (Box{}) {
		return l.dot.L
	}
	return l.box.L
}

// initials are those of a person, or of an abbreviation, and no numbers of
// items.
var initials = regexp.MustCompile(`^[A-Z]\.\s?(?:[A-Z]\.|[A-Z][a-z]+,)`)

// afterMarker is a text without the marker that it begins with.
func afterMarker(text, marker string) string {
	return strings.TrimLeft(strings.TrimPrefix(text, marker), " ")
}

// listLevels numbers the lists and finds the depth of their items by their
// indentation.
func (r *reader) listLevels() {
	var l listing
	for _, s := range r.pages {
		for i := range s.parts {
			p := &s.parts[i]
			switch {
			case p.joins && p.kind == threatmodel.BlockListItem && l.group > 0:
				p.group, p.level = l.group, len(l.indents)
			case p.kind == threatmodel.BlockListItem:
				r.item(&l, p)
			case aside(p):
			case p.kind == threatmodel.BlockHeading || !l.holds(p):
				l = listing{}
			default:
				p.group = l.group
			}
		}
	}
}

// listing is a list while its items are read.
type listing struct {
	group int
	// indents are those of the items that the next may lie under.
	indents []float64
	page    int
	column  float64
}

// holds reports whether a paragraph belongs to the item before it.
func (l *listing) holds(p *part) bool {
	return l.group > 0 && p.kind != threatmodel.BlockImage && len(p.lines) > 0 && p.page == l.page &&
		p.first().left == l.column && p.box.L-l.column > l.indents[0]+0.6*p.first().size
}

func (r *reader) item(l *listing, p *part) {
	x := p.first().start() - p.first().left
	if l.group == 0 {
		r.groups++
		l.group = r.groups
	}
	if p.first().left != l.column || p.page != l.page {
		// In another column only the distance from its edge counts.
		l.column, l.page = p.first().left, p.page
	}
	for n := len(l.indents); n > 0 && l.indents[n-1] >= x-0.4*p.first().size; n-- {
		l.indents = l.indents[:n-1]
	}
	l.indents = append(l.indents, x)
	p.level, p.group = len(l.indents), l.group
}
