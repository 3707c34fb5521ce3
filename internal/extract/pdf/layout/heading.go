package layout

import (
	"cmp"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

// maxHeading bounds a heading, in words.
const maxHeading = 22

var (
	numbering     = regexp.MustCompile(`^(?:(?:chapter|section|appendix|annex|part|kapitel|anhang)\s+)?(\d{1,3}(?:\.\d{1,3})*|[A-Z](?:\.\d{1,3})+|[A-Z]|[IVX]{1,5})[.):]?\s+\S`)
	numberedTitle = regexp.MustCompile(`^(?:\d{1,2}(?:\.\d{1,2}){0,4}\.?|[IVX]{1,5}\.|[A-Z]\.)\s+[A-Z]`)
)

// look is how a heading is set; headings of one look have one level.
type look struct {
	size         int // quarters of a point
	bold, italic bool
	upper        bool
}

// headings finds the headings among the parts and their levels.
func (r *reader) headings() {
	o := newOutline(r.about.Outline)
	var found []*heading
	for _, s := range r.pages {
		for i := range s.parts {
			p := &s.parts[i]
			above := i == 0 || gapAbove(&s.parts[i-1], p)
			h := &heading{part: p, look: r.lookOf(p), outlined: o.level(p), numbers: depth(p)}
			if r.isHeading(h, above) {
				found = append(found, h)
			}
		}
	}
	found = r.dropSubtitles(found)
	levels(found)
	var above []int
	for _, h := range found {
		// Levels that a document skips do not count: a heading is one level
		// below the nearest one above that is larger.
		for n := len(above); n > 0 && above[n-1] >= h.level; n-- {
			above = above[:n-1]
		}
		above = append(above, h.level)
		p := h.part
		p.kind, p.marker = threatmodel.BlockHeading, ""
		p.level = min(len(above), 6)
	}
}

// heading is a part that is one.
type heading struct {
	part *part
	look look
	// outlined is the level in the outline, 0 where it is not in it.
	outlined int
	// numbers is the depth of its number: 2 for 4.1, 0 without one.
	numbers int
	level   int
}

// lookOf is the look of a part. Large type of several lines is bold where one of
// them is.
func (r *reader) lookOf(p *part) look {
	s := p.look()
	if s.size() > 1.3*r.m.size && slices.ContainsFunc(p.lines, func(l line) bool { return l.bold() }) {
		s.bold = s.chars
	}
	text := p.raw()
	return look{
		size: quarters(s.size()), bold: s.mostly(s.bold), italic: s.mostly(s.italic),
		upper: strings.ToUpper(text) == text && strings.ToLower(text) != text,
	}
}

func depth(p *part) int {
	m := numbering.FindStringSubmatch(p.raw())
	if m == nil {
		return 0
	}
	return strings.Count(strings.Trim(m[1], "."), ".") + 1
}

// gapAbove reports whether a part is set off from the one above.
func gapAbove(a, b *part) bool {
	if len(a.lines) == 0 || len(b.lines) == 0 || a.kind == threatmodel.BlockTableRow || a.kind == threatmodel.BlockImage {
		return true
	}
	gap := b.first().baseline - a.last().baseline
	return gap < 0 || gap > 1.3*b.first().size
}

// isHeading decides by outline, type and number.
func (r *reader) isHeading(h *heading, above bool) bool {
	p := h.part
	if p.role != threatmodel.RoleBody || len(p.lines) == 0 || len(p.lines) > 4 ||
		p.kind != threatmodel.BlockParagraph && p.kind != threatmodel.BlockListItem {
		return false
	}
	text := p.raw()
	if h.outlined > 0 {
		return !bulletMark.MatchString(p.marker)
	}
	if letters(text) < 2 || p.words() > maxHeading || unicode.IsLower(p.first().runes[0]) && h.numbers == 0 {
		return false
	}
	end := text[len(text)-1]
	size := float64(h.look.size) / 4
	numbered := numberedTitle.MatchString(text)
	if strings.IndexByte(",;", end) >= 0 || end == '.' && !numbered || end == ':' && size < 1.2*r.m.size {
		return false
	}
	switch {
	case size > 1.12*r.m.size:
		return p.kind == threatmodel.BlockParagraph || numbered
	case h.look.bold && !r.m.bold && size > 0.94*r.m.size:
		return len(p.lines) <= 2 && above && (p.kind == threatmodel.BlockParagraph || numbered && size >= r.m.size)
	}
	return numbered && above && len(p.lines) <= 2 && p.words() <= 12 && size > 0.94*r.m.size &&
		(h.look.upper || size > 1.04*r.m.size || h.look.italic && p.words() <= 10)
}

func letters(s string) int {
	n := 0
	for _, c := range s {
		if unicode.IsLetter(c) {
			n++
		}
	}
	return n
}

// dropSubtitles makes large text on a title page, under the title and of a
// look that no other page has, what it is: no heading.
func (r *reader) dropSubtitles(hs []*heading) []*heading {
	pages := map[look]int{}
	largest := 0
	for _, h := range hs {
		pages[h.look] = max(pages[h.look], h.part.page)
		if h.part.page == 1 {
			largest = max(largest, h.look.size)
		}
	}
	if len(r.pages) < 2 {
		return hs
	}
	return slices.DeleteFunc(hs, func(h *heading) bool {
		return h.part.page == 1 && h.outlined == 0 && h.numbers == 0 && !h.look.bold && pages[h.look] == 1 && h.look.size < largest
	})
}

// levels gives each heading its level. Looks are ranked by size; where the
// outline knows headings of a look it decides; numbers decide within a look.
func levels(hs []*heading) {
	ranks := rankLooks(hs)
	for _, h := range hs {
		l := ranks[h.look]
		h.level = l.level
		if h.numbers > 0 && l.numbers > 0 {
			h.level += h.numbers - l.numbers
		}
		if h.outlined > 0 {
			h.level = h.outlined + l.offset
		}
	}
}

// rank is what is known of a look.
type rank struct {
	level int
	// numbers is the least depth of numbers of its headings.
	numbers int
	// offset is what lies between levels of the outline and ours: 1 where a
	// title stands above all that the outline lists.
	offset int
}

func rankLooks(hs []*heading) map[look]rank {
	out := map[look]rank{}
	var looks []look
	outlined := map[look][]int{}
	for _, h := range hs {
		l, ok := out[h.look]
		if !ok {
			looks = append(looks, h.look)
		}
		if h.numbers > 0 && (l.numbers == 0 || h.numbers < l.numbers) {
			l.numbers = h.numbers
		}
		out[h.look] = l
		if h.outlined > 0 {
			outlined[h.look] = append(outlined[h.look], h.outlined)
		}
	}
	slices.SortFunc(looks, func(a, b look) int {
		return cmp.Or(cmp.Compare(b.size, a.size), rankBool(a.bold, b.bold), rankBool(a.upper, b.upper), rankBool(b.italic, a.italic))
	})
	offset := 0
	if len(looks) > 0 && len(outlined) > 0 && len(outlined[looks[0]]) == 0 {
		offset = 1
	}
	level := 0
	for i, k := range looks {
		l := out[k]
		switch known := outlined[k]; {
		case len(known) > 0:
			slices.Sort(known)
			level = known[len(known)/2] + offset
		case i > 0 && l.numbers > 0 && l.numbers == out[looks[i-1]].numbers && looks[i-1].size-k.size <= 1:
			// The same depth of number in nearly the same type.
		case i == 0 || looks[i-1].size-k.size > 1 || looks[i-1].bold != k.bold || looks[i-1].upper != k.upper || looks[i-1].italic != k.italic:
			level++
		}
		l.level, l.offset = level, offset
		out[k] = l
	}
	return out
}

func rankBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return -1
	}
	return 1
}

// outline finds parts in the outline of the document.
type outline struct {
	byPage map[int][]Entry
	// anywhere are the entries that lead to no page.
	anywhere []Entry
}

func newOutline(entries []Entry) outline {
	o := outline{byPage: map[int][]Entry{}}
	for _, e := range entries {
		if e.Title = fold(e.Title); e.Title == "" {
			continue
		}
		if e.Page > 0 {
			o.byPage[e.Page] = append(o.byPage[e.Page], e)
		} else {
			o.anywhere = append(o.anywhere, e)
		}
	}
	return o
}

// level is the level of the entry that a part is the heading of, or 0.
func (o outline) level(p *part) int {
	if p.role != threatmodel.RoleBody || len(p.lines) == 0 || len(p.lines) > 4 {
		return 0
	}
	text := fold(strings.ReplaceAll(p.raw(), string(Hyphen), ""))
	bare := fold(bareTitle(p.raw()))
	for _, es := range [][]Entry{o.byPage[p.page], o.anywhere, o.byPage[p.page-1]} {
		for _, e := range es {
			if e.Title == text || bare != "" && (e.Title == bare || fold(bareTitle(e.Title)) == bare) {
				return e.Level
			}
		}
	}
	return 0
}

// bareTitle is a heading without its number.
func bareTitle(s string) string {
	if m := numbering.FindStringSubmatchIndex(s); m != nil {
		return strings.TrimLeft(s[m[3]:], ".): ")
	}
	return s
}
