package report

import (
	"regexp"
	"slices"
	"sort"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/bartizan-security/bartizan/internal/report/visible"
	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

// around is how many bytes of context stand at most on each side of a quote.
const around = 240

// source is an extracted text in which quotes are looked up.
type source struct {
	text string
	// folded is the text with white space folded and made visible, as quotes
	// are; starts gives for each of its bytes the offset in text. Both are made
	// when a locator does not lead to its quote.
	folded string
	starts []int
	// breaks are the places between paragraphs, with the end as the last.
	breaks [][]int
}

// sources are the texts by document id.
type sources map[string]*source

func newSources(texts Texts) sources {
	out := sources{}
	for id, t := range texts {
		out[id] = &source{text: t}
	}
	return out
}

// find is where a quote stands in its document: at the locator, else at the
// first place where the same words stand.
func (s sources) find(e threatmodel.Evidence) (start, end int, ok bool) {
	src := s[e.Document]
	quote := visible.Line(e.Quote)
	if src == nil || quote == "" {
		return 0, 0, false
	}
	start, end = e.Locator.ByteStart, e.Locator.ByteEnd
	if start >= 0 && end <= len(src.text) && start < end && visible.Line(src.text[start:end]) == quote {
		return start, end, true
	}
	return src.search(quote)
}

func (s *source) search(quote string) (start, end int, ok bool) {
	if s.starts == nil {
		s.fold()
	}
	i := strings.Index(s.folded, quote)
	if i < 0 {
		return 0, 0, false
	}
	last := s.starts[i+len(quote)-1]
	_, size := utf8.DecodeRuneInString(s.text[last:])
	return s.starts[i], last + size, true
}

// fold folds white space and keeps for each byte the offset it came from.
func (s *source) fold() {
	var b strings.Builder
	s.starts = make([]int, 0, len(s.text))
	space := -1
	for i, r := range s.text {
		if unicode.IsSpace(r) {
			if space < 0 {
				space = i
			}
			continue
		}
		shown := visible.Text(string(r))
		if shown == "" {
			continue
		}
		if space >= 0 && b.Len() > 0 {
			b.WriteByte(' ')
			s.starts = append(s.starts, space)
		}
		space = -1
		b.WriteString(shown)
		s.starts = append(s.starts, slices.Repeat([]int{i}, len(shown))...)
	}
	s.folded = b.String()
}

// context is the text around a place: what else stands in its paragraph, cut
// at words. Where the quote is a paragraph of its own, a little of those beside
// it. A cut end has an ellipsis.
func (s *source) context(start, end int) (before, after string) {
	from, to := s.paragraph(start, end)
	head, tail := s.text[from:start], s.text[end:to]
	if strings.TrimSpace(head) == "" && strings.TrimSpace(tail) == "" {
		return s.beside(start, end)
	}
	head, cutHead := lastWords(head, around)
	tail, cutTail := firstWords(tail, around)
	before, after = ellipsis(cutHead, tidy(head), true), ellipsis(cutTail, tidy(tail), false)
	return strings.TrimLeft(before, "\n"), strings.TrimRight(after, "\n")
}

// paragraph is the paragraph around a place: from one empty line or page break
// to the next.
func (s *source) paragraph(start, end int) (from, to int) {
	if s.breaks == nil {
		s.breaks = append(breaks.FindAllStringIndex(s.text, -1), []int{len(s.text), len(s.text)})
	}
	next := sort.Search(len(s.breaks), func(i int) bool { return s.breaks[i][0] >= end })
	last := sort.Search(len(s.breaks), func(i int) bool { return s.breaks[i][1] > start }) - 1
	if last >= 0 {
		from = s.breaks[last][1]
	}
	return from, s.breaks[min(next, len(s.breaks)-1)][0]
}

// breaks are what parts paragraphs.
var breaks = regexp.MustCompile(`\n[ \t]*\n\s*|\s*\f\s*`)

// beside is the end of the paragraph before a place and the beginning of the
// one after.
func (s *source) beside(start, end int) (before, after string) {
	const some = 110
	head := strings.TrimRightFunc(s.text[:start], unicode.IsSpace)
	if from, _ := s.paragraph(len(head), len(head)); head != "" {
		text, cut := lastWords(head[from:], some)
		before = ellipsis(cut, tidy(text), true) + "\n"
	}
	tail := strings.TrimLeftFunc(s.text[end:], unicode.IsSpace)
	at := len(s.text) - len(tail)
	if _, to := s.paragraph(at, at); tail != "" {
		text, cut := firstWords(s.text[at:to], some)
		after = "\n" + ellipsis(cut, tidy(text), false)
	}
	return before, after
}

// lastWords are at most n bytes of the end of a text, from a word on.
func lastWords(s string, n int) (string, bool) {
	if len(s) <= n {
		return s, false
	}
	i := strings.IndexFunc(s[len(s)-n:], unicode.IsSpace)
	if i < 0 {
		return "", true
	}
	return s[len(s)-n+i:], true
}

// firstWords are at most n bytes of the beginning of a text, up to a word.
func firstWords(s string, n int) (string, bool) {
	if len(s) <= n {
		return s, false
	}
	i := strings.LastIndexFunc(s[:n], unicode.IsSpace)
	if i < 0 {
		return "", true
	}
	return s[:i], true
}

// ellipsis marks an end that was cut.
func ellipsis(cut bool, s string, front bool) string {
	if !cut {
		return s
	}
	words := strings.Trim(s, " \n")
	switch {
	case front && words == "":
		return "… "
	case front:
		return "…" + strings.TrimLeft(s, " \n")
	case words == "":
		return " …"
	}
	return strings.TrimRight(s, " \n") + "…"
}

// tidy makes a piece of extracted text readable: lines that only end because
// the page did are joined; paragraphs, list items and table rows stay.
func tidy(s string) string {
	s = visible.Text(strings.ReplaceAll(s, "\f", "\n\n"))
	lines := strings.Split(s, "\n")
	var b strings.Builder
	for i, l := range lines {
		folded := strings.Join(strings.Fields(l), " ")
		if i > 0 {
			b.WriteString(join(lines[i-1], l))
		} else if l != strings.TrimLeftFunc(l, unicode.IsSpace) {
			b.WriteByte(' ')
		}
		b.WriteString(folded)
		if i == len(lines)-1 && folded != "" && l != strings.TrimRightFunc(l, unicode.IsSpace) {
			b.WriteByte(' ')
		}
	}
	return squeeze(b.String())
}

// join is what stands between two lines: a space where the second goes on from
// the first.
func join(a, b string) string {
	switch {
	case strings.TrimSpace(b) == "" || strings.TrimSpace(a) == "":
		return "\n"
	case strings.Contains(a, " | ") || strings.Contains(b, " | ") || isItem(b):
		return "\n"
	}
	return " "
}

// isItem reports whether a line begins a list item.
func isItem(line string) bool {
	line = strings.TrimLeftFunc(line, unicode.IsSpace)
	for _, bullet := range []string{"- ", "* ", "• ", "– ", "o "} {
		if strings.HasPrefix(line, bullet) {
			return true
		}
	}
	rest := strings.TrimLeft(line, "0123456789")
	return rest != line && (strings.HasPrefix(rest, ". ") || strings.HasPrefix(rest, ") "))
}

// squeeze leaves at most one empty line between lines.
func squeeze(s string) string {
	for strings.Contains(s, "\n\n\n") {
		s = strings.ReplaceAll(s, "\n\n\n", "\n\n")
	}
	return s
}

// span is a quote in a document, and the threats that rest on it.
type span struct {
	start, end int
	threats    []string
}

// merge joins spans that overlap, so that each place of a text is marked once.
// The result is in order.
func merge(spans []span) []span {
	sort.SliceStable(spans, func(i, j int) bool { return spans[i].start < spans[j].start })
	var out []span
	for _, s := range spans {
		if n := len(out); n > 0 && s.start < out[n-1].end {
			last := &out[n-1]
			last.end = max(last.end, s.end)
			last.threats = append(last.threats, s.threats...)
			continue
		}
		s.threats = slices.Clone(s.threats)
		out = append(out, s)
	}
	for i := range out {
		slices.Sort(out[i].threats)
		out[i].threats = slices.Compact(out[i].threats)
	}
	return out
}
