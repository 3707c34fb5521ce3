package confluence

import (
	"strings"
	"unicode/utf8"

	"github.com/bartizan-security/bartizan/internal/extract/block"
)

// flow is running text on its way into a block.
type flow struct {
	text []byte
	// image and words tell an image alone from an image within a sentence.
	image, words bool
}

// add appends text with its white space folded, as a browser shows it.
func (f *flow) add(s string) {
	for i := 0; i < len(s); {
		c := s[i]
		switch {
		case c == ' ' || c == '\n' || c == '\t' || c == '\r' || c == '\f':
			f.space()
			i++
		case c < utf8.RuneSelf:
			end := i + 1
			for end < len(s) && s[end] > ' ' && s[end] < utf8.RuneSelf {
				end++
			}
			f.text = append(f.text, s[i:end]...)
			f.words = true
			i = end
		default:
			i += f.rune(s[i:])
		}
	}
}

// rune appends the first character of s and returns its size.
func (f *flow) rune(s string) int {
	r, size := utf8.DecodeRuneInString(s)
	switch r {
	case '\u00a0', '\u2002', '\u2003', '\u2009', '\u202f':
		f.space()
	case '\u200b', '\ufeff', '\u00ad': // they show nothing
	default:
		f.text = append(f.text, s[:size]...)
		f.words = true
	}
	return size
}

// space appends one space, unless white space or nothing stands there.
func (f *flow) space() {
	if n := len(f.text); n > 0 && f.text[n-1] != ' ' && f.text[n-1] != '\n' {
		f.text = append(f.text, ' ')
	}
}

// newline breaks the line.
func (f *flow) newline() {
	for n := len(f.text); n > 0 && f.text[n-1] == ' '; n = len(f.text) {
		f.text = f.text[:n-1]
	}
	if n := len(f.text); n > 0 && f.text[n-1] != '\n' {
		f.text = append(f.text, '\n')
	}
}

// take returns the text and empties the flow.
func (f *flow) take() (text string, onlyImage bool) {
	text = block.Clean(strings.Trim(string(f.text), " \n\t"))
	onlyImage = f.image && !f.words
	f.text, f.image, f.words = f.text[:0], false, false
	return strings.Trim(text, " \n\t"), onlyImage
}

// lines is text of which every byte counts, without blank lines around it.
func lines(s string) string {
	s = block.Clean(s)
	for {
		line, rest, ok := strings.Cut(s, "\n")
		if !ok || strings.TrimSpace(line) != "" {
			return strings.TrimRight(s, " \t\n")
		}
		s = rest
	}
}
