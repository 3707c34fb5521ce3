package report

import (
	"slices"
	"sort"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/bartizan-security/bartizan/internal/report/visible"
	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

// around is how many letters of context stand on each side of a quote.
const around = 220

// source is an extracted text in which quotes are looked up.
type source struct {
	text string
	// folded is the text with white space folded and made visible, as quotes
	// are; starts gives for each of its bytes the offset in text. Both are made
	// when a locator does not lead to its quote.
	folded string
	starts []int
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

// context is the text around a place, cut at words; a cut end has an ellipsis.
func (s *source) context(start, end int) (before, after string) {
	from := max(0, start-around)
	if from > 0 {
		from += strings.IndexFunc(s.text[from:start]+" ", unicode.IsSpace)
		from = min(from, start)
	}
	to := min(len(s.text), end+around)
	if to < len(s.text) {
		if i := strings.LastIndexFunc(s.text[end:to], unicode.IsSpace); i >= 0 {
			to = end + i
		} else {
			to = end
		}
	}
	before, after = tidy(s.text[from:start]), tidy(s.text[end:to])
	if from > 0 && before != "" {
		before = "…" + strings.TrimLeft(before, " \n")
	}
	if to < len(s.text) && after != "" {
		after = strings.TrimRight(after, " \n") + "…"
	}
	return before, after
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
	line = strings.TrimSpace(line)
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
