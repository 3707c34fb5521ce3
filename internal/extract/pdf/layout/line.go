package layout

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// line is a line of text in a column.
type line struct {
	fragment
	// parts are the fragments that it was merged from.
	parts []fragment
	page  int
	// left and right are the edges of the column that it stands in.
	left, right float64
	// dot is the bullet that is drawn before it.
	dot Box
}

func newLine(r row, page int, left, right float64) line {
	return line{fragment: r.merged(), parts: r.frags, page: page, left: left, right: right}
}

// lines merges the rows of a region.
func (r region) lines(s *sheet) []line {
	out := make([]line, len(r.rows))
	for i, row := range r.rows {
		out[i] = newLine(row, s.number, r.box.L, r.box.R)
		if dot, ok := bulleted(&out[i], s.dots); ok {
			out[i].dot = dot
		}
	}
	return out
}

// bold, italic and mono report what nearly all of the line is.
func (l *line) bold() bool   { return l.style.mostly(l.style.bold) }
func (l *line) italic() bool { return l.style.mostly(l.style.italic) }
func (l *line) mono() bool   { return l.style.mostly(l.style.mono) }

// full reports whether a line reaches the edge so nearly that the first
// word of the next would not have fitted.
func (l *line) full(next *line) bool {
	if l.rtl {
		return l.box.L-next.firstWord()-0.25*l.size < l.left+0.1*l.size
	}
	return l.box.R+next.firstWord()+0.25*l.size > l.right-0.1*l.size
}

// hyphenated reports whether a line ends within a word.
func (l *line) hyphenated() bool {
	return len(l.runes) > 1 && isHyphen(l.runes[len(l.runes)-1]) && unicode.IsLetter(l.runes[len(l.runes)-2])
}

func isHyphen(r rune) bool { return r == Hyphen || r == softHyphen || r == '-' }

// ends reports whether a line ends a sentence.
func (l *line) ends() bool {
	s := strings.TrimRight(l.text(), "\"'”’»)]"+string(raised))
	r, _ := utf8.DecodeLastRuneInString(s)
	return s != "" && strings.ContainsRune(".!?:;。！？：；؟؛", r)
}

// opensLower reports whether a line begins as the middle of a sentence does.
func (l *line) opensLower() bool { return len(l.runes) > 0 && unicode.IsLower(l.runes[0]) }

// opensSentence reports whether a line may begin a sentence.
func (l *line) opensSentence() bool {
	i := slices.IndexFunc(l.runes, func(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) })
	// Scripts from right to left know no capitals: nothing can be told.
	return i < 0 || !unicode.IsLower(l.runes[i]) && !(l.rtl && rtlLetter(l.runes[i]))
}

// fold makes texts comparable: letters and digits only, in lower case.
func fold(s string) string {
	var b strings.Builder
	for _, r := range s {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			b.WriteRune(unicode.ToLower(r))
		}
	}
	return b.String()
}
