package layout

import (
	"regexp"
	"strings"

	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

var (
	contentsTitle = regexp.MustCompile(`(?i)^(?:\d+\.?\s+)?(?:table of contents|contents|list of (?:figures|tables|listings)|inhalt|inhaltsverzeichnis|sommaire|table des matières|índice)$`)
	leaders       = regexp.MustCompile(`(?:\.\s?){4,}\s*(?:\d{1,4}|[ivxlc]{1,6})$|(?:…\s?){2,}\s*\d{1,4}$|_{4,}\s*\d{1,4}$`)
	pageNumber    = regexp.MustCompile(`^(?:\d{1,4}|[ivxlc]{1,6})$`)
)

// longestTitle is more than the title of a table of contents has, in bytes.
const longestTitle = 64

// led reports whether dots lead from a text to the number of a page. Few lines
// end in one, and are looked at whole.
func led(text string) bool {
	return text != "" && strings.IndexByte("0123456789ivxlc", text[len(text)-1]) >= 0 && leaders.MatchString(text)
}

// contents reads a table of contents that begins at a row, and returns of how
// many rows it is; 0 where there is none.
func (r *reader) contents(reg region, at, page int) ([]part, int) {
	first := rowText(reg.rows[at])
	titled := len(first) < longestTitle && contentsTitle.MatchString(first)
	start := at
	if titled {
		start++
	}
	end, entries, dotted := start, 0, 0
	for i := start; i < len(reg.rows) && i-end < 2; i++ {
		switch text := rowText(reg.rows[i]); {
		case led(text):
			dotted++
			fallthrough
		case r.entry(reg, reg.rows[i], titled || r.inContents):
			entries++
			end = i + 1
		case leaps(reg.rows, i):
			i = len(reg.rows)
		}
	}
	onlyEntries := titled || r.inContents && at == 0
	if entries < 2 || !onlyEntries && dotted < 3 || !titled && r.isProse(reg.rows[at:end]) {
		if at == 0 && !titled {
			r.inContents = false
		}
		return nil, 0
	}
	r.inContents = end == len(reg.rows)
	var out []part
	for _, row := range reg.rows[at:end] {
		p := newPart(threatmodel.BlockParagraph, newLine(row, page, reg.box.L, reg.box.R))
		p.role = threatmodel.RoleTOC
		out = append(out, p)
	}
	return out, end - at
}

// entry reports whether a row ends in the number of a page, at the edge.
func (r *reader) entry(reg region, w row, expected bool) bool {
	n := len(w.frags)
	if n < 2 && !expected {
		return false
	}
	text := rowText(w)
	fields := strings.Fields(text)
	if len(fields) < 2 || !pageNumber.MatchString(fields[len(fields)-1]) {
		return false
	}
	return w.box.R > reg.box.R-2*w.size
}

// leaps reports whether a row is set off from the one before.
func leaps(rs []row, i int) bool {
	return i > 0 && rs[i].baseline-rs[i-1].baseline > 3*rs[i].size
}

// isProse reports whether the first row, which begins contents without a
// title, is no entry.
func (r *reader) isProse(rs []row) bool {
	return len(rs) == 0 || !leaders.MatchString(rowText(rs[0])) && !pageNumber.MatchString(lastField(rowText(rs[0])))
}

func lastField(s string) string {
	return s[strings.LastIndexByte(s, ' ')+1:]
}

func rowText(r row) string {
	m := r.merged()
	return strings.Join(strings.Fields(m.text()), " ")
}

// linkedContents finds contents without page numbers, as programs for web
// pages make them: a title, and below it the names of headings that follow.
func (r *reader) linkedContents() {
	var all []*part
	headings := map[string]int{}
	for _, s := range r.pages {
		for i := range s.parts {
			p := &s.parts[i]
			all = append(all, p)
			if p.kind == threatmodel.BlockHeading {
				headings[fold(p.raw())]++
			}
		}
	}
	for i, p := range all {
		if p.kind != threatmodel.BlockHeading || !contentsTitle.MatchString(p.raw()) {
			continue
		}
		if n := named(all[i+1:], headings); n >= 3 {
			for _, e := range all[i : i+1+n] {
				e.role, e.level = threatmodel.RoleTOC, 0
				e.kind = threatmodel.BlockParagraph
			}
		}
	}
}

// named counts the parts that name headings, from the first on. A name that
// comes again is the heading.
func named(parts []*part, headings map[string]int) int {
	seen := map[string]bool{}
	for i, p := range parts {
		name := fold(afterMarker(p.raw(), p.marker))
		if p.role != threatmodel.RoleBody || p.kind == threatmodel.BlockHeading || headings[name] == 0 || seen[name] {
			return i
		}
		seen[name] = true
	}
	return len(parts)
}
