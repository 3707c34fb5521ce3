package layout

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/bartizan-security/bartizan/internal/extract/block"
	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

// write makes the document from its parts.
func (r *reader) write() threatmodel.Source {
	w := writer{r: r}
	for _, s := range r.pages {
		for _, p := range s.finish() {
			w.part(&p)
		}
	}
	r.notices(&w.b)
	count := len(r.pages)
	src := w.b.Source(threatmodel.Document{Title: block.Clean(r.title()), Pages: &count})
	if len(r.about.Language) >= 2 {
		src.Language = strings.ToLower(r.about.Language[:2])
	}
	return src
}

type writer struct {
	r    *reader
	b    block.Builder
	last part
}

// close reports whether a part follows the last without a blank line.
func (w *writer) close(p *part) bool {
	if p.kind != w.last.kind || p.role != w.last.role || p.page != w.last.page {
		return false
	}
	switch p.kind {
	case threatmodel.BlockListItem, threatmodel.BlockTableRow, threatmodel.BlockImage:
		return p.group == w.last.group
	}
	return p.role != threatmodel.RoleBody
}

func (w *writer) part(p *part) {
	text := w.r.text(p)
	if text == "" {
		if p.picture {
			w.picture(p)
		}
		return
	}
	if w.close(p) {
		w.b.Break(1)
	} else {
		w.b.Break(2)
	}
	if p.marker != "" && !p.joins {
		w.b.Layout(p.marker + " ")
	}
	page := p.page
	w.b.Add(threatmodel.Block{
		Kind: p.kind, Role: p.role, Level: p.level, Cells: p.cells, Header: p.header, Group: p.group, Joins: p.joins,
		Locator: threatmodel.Locator{Page: &page, Box: p.box.Rounded()},
		Marks:   []threatmodel.Mark{{Page: page}},
	}, text)
	w.last = *p
}

// picture lists a picture that has no text.
func (w *writer) picture(p *part) {
	page := p.page
	w.b.Add(threatmodel.Block{
		Kind: p.kind, Role: p.role,
		Locator: threatmodel.Locator{Page: &page, Box: p.box.Rounded()},
		Marks:   []threatmodel.Mark{{Page: page}},
	}, "")
}

// Rounded is a box to a tenth of a point, as a locator has it; nil where there
// is none.
func (b Box) Rounded() []float64 {
	if b == (Box{}) {
		return nil
	}
	out := []float64{b.L, b.T, b.R, b.B}
	for i, v := range out {
		out[i] = math.Round(v*10) / 10
	}
	return out
}

// text is what a part says.
func (r *reader) text(p *part) string {
	switch {
	case p.text != "":
		return strings.TrimSpace(block.Clean(p.text))
	case p.kind == threatmodel.BlockTableRow:
		for i, c := range p.cells {
			p.cells[i] = strings.TrimSpace(block.Clean(c))
		}
		return strings.Join(p.cells, " | ")
	case p.kind == threatmodel.BlockCode:
		return codeText(p.lines)
	}
	text := joinLines(p.lines, r.known)
	if p.marker != "" {
		text = afterMarker(text, p.marker)
	}
	return text
}

// codeText keeps lines and their indentation.
func codeText(lines []line) string {
	left := lines[0].box.L
	for _, l := range lines {
		left = min(left, l.box.L)
	}
	out := make([]string, len(lines))
	for i, l := range lines {
		width := l.box.Width() / float64(max(1, len(l.runes)))
		indent := 0
		if width > 0.1 {
			indent = min(80, int(math.Round((l.box.L-left)/width)))
		}
		out[i] = strings.Repeat(" ", indent) + plainText(l.spaced())
	}
	// A block begins with its first character.
	return strings.TrimSpace(strings.Join(out, "\n"))
}

// spaced are the characters of a line of code. What follows the number of the
// line is indented by as many spaces as are wide as the gap.
func (l *line) spaced() []rune {
	at := slices.Index(l.runes, ' ')
	width := l.letterWidth()
	if at < 1 || at+1 == len(l.runes) || width < 0.1 || !lineNumber.MatchString(string(l.runes[:at])) {
		return l.runes
	}
	gap := l.fragment.right[at+1] - width - l.fragment.right[at-1]
	n := min(80, max(1, int(gap/width+0.15)))
	return slices.Concat(l.runes[:at], []rune(strings.Repeat(" ", n)), l.runes[at+1:])
}

// letterWidth is how far most letters of a line are from the next.
func (l *line) letterWidth() float64 {
	var steps []float64
	for i := 1; i < len(l.runes); i++ {
		if l.runes[i] != ' ' && l.runes[i-1] != ' ' {
			steps = append(steps, l.fragment.right[i]-l.fragment.right[i-1])
		}
	}
	if len(steps) == 0 {
		return 0
	}
	slices.Sort(steps)
	return steps[len(steps)/2]
}

// plainText writes hyphens that the engine marked as what they look like.
func plainText(runes []rune) string {
	out := make([]rune, 0, len(runes))
	for i, c := range runes {
		switch {
		case c == Hyphen, c == softHyphen && i == len(runes)-1:
			out = append(out, '-')
		case c != softHyphen:
			out = append(out, c)
		}
	}
	return strings.TrimSpace(string(out))
}

// joinLines joins lines, each on a line of its own; a word that a line end
// cuts is put together on the first.
func joinLines(lines []line, known map[string]bool) string {
	var b strings.Builder
	for i := range lines {
		text := plainText(lines[i].runes)
		if i == 0 {
			b.WriteString(text)
			continue
		}
		if text == "" {
			continue
		}
		before := b.String()
		if unspaced(before, text) {
			b.WriteString(text)
			continue
		}
		if !lines[i-1].hyphenated() {
			b.WriteByte('\n')
			b.WriteString(text)
			continue
		}
		word, rest, _ := strings.Cut(text, " ")
		if joinsWithout(lastWord(before), word, known) {
			b.Reset()
			b.WriteString(strings.TrimSuffix(before, "-"))
		}
		b.WriteString(word)
		if rest != "" {
			b.WriteByte('\n')
			b.WriteString(rest)
		}
	}
	return b.String()
}

// unspaced reports whether nothing stands between two lines: those of a script
// that has no spaces between words.
func unspaced(before, after string) bool {
	a, _ := utf8.DecodeLastRuneInString(before)
	b, _ := utf8.DecodeRuneInString(after)
	return wide(a) && wide(b)
}

// wide reports whether a character is of a script without spaces, or its
// punctuation.
func wide(r rune) bool {
	return r >= 0x2e80 && (unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana) || r >= 0x3000 && r <= 0x303f || r >= 0xff01 && r <= 0xff60)
}

func lastWord(s string) string {
	return s[strings.LastIndexAny(s, " \n")+1:]
}

// joinsWithout reports whether two parts of a word make one without the
// hyphen between them. What the document writes elsewhere decides.
func joinsWithout(first, second string, known map[string]bool) bool {
	a := strings.TrimFunc(strings.ToLower(strings.TrimSuffix(first, "-")), notWord)
	b := strings.TrimFunc(strings.ToLower(second), notWord)
	switch {
	case b == "" || !unicode.IsLower([]rune(second)[0]):
		return false
	case known[a+b]:
		return true
	case known[a+"-"+b]:
		return false
	}
	return !strings.ContainsAny(a, "-/") || !known[b]
}

func notWord(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }

// vocabulary holds the words of the document that no line end cuts.
func vocabulary(pages []*sheet) map[string]bool {
	known := map[string]bool{}
	for _, s := range pages {
		for _, f := range s.frags {
			fields := strings.Fields(strings.ToLower(string(f.runes)))
			for i, w := range fields {
				if i == len(fields)-1 && isHyphen(f.runes[len(f.runes)-1]) {
					continue
				}
				known[strings.TrimFunc(w, notWord)] = true
			}
		}
	}
	return known
}

// notices names the pages that could not be read.
func (r *reader) notices(b *block.Builder) {
	var broken, partly, failed, pictures, recognized []int
	for _, p := range r.pages {
		switch {
		case p.recognized:
			recognized = append(recognized, p.number)
		case p.failed:
			failed = append(failed, p.number)
		case p.broken && !p.blank:
			partly = append(partly, p.number)
		case p.broken:
			broken = append(broken, p.number)
		case p.scanned:
			pictures = append(pictures, p.number)
		}
	}
	say := func(pages []int, how, why string) {
		if len(pages) > 0 {
			b.Notice(threatmodel.NoticeUnreadable, "%s %s: %s.", pageList(pages), how, why)
		}
	}
	const fonts = "fonts do not say which characters they show, so that the text cannot be told"
	remedy, export := r.about.Unread, ""
	if remedy == "" {
		remedy, export = "run text recognition (OCR) on the document and read it again", "export the document again or "
	}
	say(pictures, "not read", "there is a picture and no text layer, as scanning makes; "+remedy)
	say(broken, "not read", fonts+"; "+export+remedy)
	say(partly, "read in part", fonts+"; "+export+remedy)
	if len(recognized) > 0 {
		b.Notice(threatmodel.NoticeFormat, "%s: the text was recognised in pictures (OCR) and may hold mistakes; compare what matters with the page.", pageList(recognized))
	}
	say(failed, "not read", "the page is damaged")
}

// pageList writes the numbers of pages, ascending, as a person does: Pages 1-3,
// 7.
func pageList(pages []int) string {
	pages = slices.Clone(pages)
	slices.Sort(pages)
	var out []string
	for i := 0; i < len(pages); {
		j := i
		for j+1 < len(pages) && pages[j+1] == pages[j]+1 {
			j++
		}
		if i == j {
			out = append(out, fmt.Sprint(pages[i]))
		} else {
			out = append(out, fmt.Sprintf("%d-%d", pages[i], pages[j]))
		}
		i = j + 1
	}
	if len(pages) == 1 {
		return "Page " + out[0]
	}
	return "Pages " + strings.Join(out, ", ")
}
