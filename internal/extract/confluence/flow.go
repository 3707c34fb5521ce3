package confluence

import (
	"bytes"
	"strings"
	"unicode/utf8"

	"github.com/bartizan-security/bartizan/internal/extract/block"
	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

// flow is running text on its way into a block.
type flow struct {
	text []byte
	// image and words tell an image alone from an image within a sentence.
	image, words bool
	// links are those in the text.
	links []threatmodel.Link
	// taken counts how often the text was taken.
	taken int
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
			end := i + asItStands(s[i:])
			f.text = append(f.text, s[i:end]...)
			f.words = true
			i = end
		default:
			i += f.rune(s[i:])
		}
	}
}

// asItStands is the length of what is shown as it is written: the first byte,
// and words of ASCII with one space between them.
func asItStands(s string) int {
	shown := func(i int) bool { return i < len(s) && s[i] > ' ' && s[i] < utf8.RuneSelf }
	end := 1
	for {
		switch {
		case shown(end):
			end++
		case end < len(s) && s[end] == ' ' && shown(end+1):
			end += 2
		default:
			return end
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

// link notes that the text from the given offset on leads somewhere.
func (f *flow) link(from int, to place) {
	for from < len(f.text) && (f.text[from] == ' ' || f.text[from] == '\n') {
		from++
	}
	end := from + len(bytes.TrimRight(f.text[min(from, len(f.text)):], around))
	if to.target != "" && from < end {
		f.links = append(f.links, threatmodel.Link{Start: from, End: end, Target: to.target, Document: to.document})
	}
}

// around is white space.
const around = " \n\t"

// trimmed is a text without the white space around it.
func trimmed[T string | []byte](s T) T {
	white := func(c byte) bool { return c == ' ' || c == '\n' || c == '\t' }
	for len(s) > 0 && white(s[0]) {
		s = s[1:]
	}
	for len(s) > 0 && white(s[len(s)-1]) {
		s = s[:len(s)-1]
	}
	return s
}

// take returns the text with its links and empties the flow.
func (f *flow) take() (text string, links []threatmodel.Link, onlyImage bool) {
	text = block.Clean(string(trimmed(f.text)))
	onlyImage = f.image && !f.words
	text, links = trimmed(text), f.takeLinks(text)
	f.text, f.image, f.words = f.text[:0], false, false
	f.taken++
	return text, links, onlyImage
}

// takeLinks returns the links with their places in the text as it is shown: what
// is shown of it is cleaned, and without the white space around it.
func (f *flow) takeLinks(cleaned string) []threatmodel.Link {
	if len(f.links) == 0 {
		return nil
	}
	before := len(f.text) - len(bytes.TrimLeft(f.text, around))
	dropped := len(cleaned) - len(strings.TrimLeft(cleaned, around))
	size := len(strings.Trim(cleaned, around))
	at := func(offset int) int {
		offset = max(before, min(offset, len(f.text)))
		shown := len(block.Clean(string(f.text[before:offset]))) - dropped
		return max(0, min(shown, size))
	}
	var links []threatmodel.Link
	for _, l := range f.links {
		if l.Start, l.End = at(l.Start), at(l.End); l.Start < l.End {
			l.Target = block.Clean(l.Target)
			links = append(links, l)
		}
	}
	f.links = f.links[:0]
	return links
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
