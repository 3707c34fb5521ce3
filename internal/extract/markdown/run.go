package markdown

import (
	"strings"

	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

// run is flowing text on its way into a block, with the source line of each
// of its pieces. The zero value is ready.
type run struct {
	text  []byte
	marks []threatmodel.Mark
	// last is the source line of the last piece.
	last int
	// image and words tell an image alone from an image within a sentence.
	image, words bool
}

// add appends text that stands on one line of the source.
func (r *run) add(s string, line int) {
	if s == "" {
		return
	}
	r.at(line)
	r.text = append(r.text, s...)
}

// at notes that what follows stands on the given line.
func (r *run) at(line int) {
	if n := len(r.marks); n > 0 && r.marks[n-1].Offset == len(r.text) {
		r.marks[n-1].Line = line
	} else if n == 0 || r.marks[n-1].Line != line {
		r.marks = append(r.marks, threatmodel.Mark{Offset: len(r.text), Line: line})
	}
	r.last = line
}

// space appends one space, unless white space or nothing stands there.
func (r *run) space() { r.white(' ') }

// newline appends one newline in place of the blanks before it.
func (r *run) newline() {
	r.trimBlanks()
	r.white('\n')
}

func (r *run) white(c byte) {
	if n := len(r.text); n > 0 && r.text[n-1] != ' ' && r.text[n-1] != '\n' {
		r.text = append(r.text, c)
	}
}

// trimBlanks takes blanks off the end.
func (r *run) trimBlanks() {
	for n := len(r.text); n > 0 && (r.text[n-1] == ' ' || r.text[n-1] == '\t'); n = len(r.text) {
		r.text = r.text[:n-1]
	}
}

// join appends another run after a separator that belongs to neither.
func (r *run) join(separator string, other run) {
	r.text = append(r.text, separator...)
	for _, m := range other.marks {
		m.Offset += len(r.text)
		if n := len(r.marks); n > 0 && r.marks[n-1].Line == m.Line {
			continue
		}
		r.marks = append(r.marks, m)
	}
	r.text = append(r.text, other.text...)
	if len(other.text) > 0 {
		r.last = other.last
	}
	r.image = r.image || other.image
	r.words = r.words || other.words
}

// trim takes white space off both ends.
func (r *run) trim() { r.cut(" \t\n", " \t\n") }

// trimLines takes blank lines off both ends, for text whose indentation
// means something.
func (r *run) trimLines() {
	s := string(r.text)
	start := 0
	for {
		i := strings.IndexByte(s[start:], '\n')
		if i < 0 || strings.TrimLeft(s[start:start+i], " \t") != "" {
			break
		}
		start += i + 1
	}
	r.drop(start)
	r.cut("", " \t\n")
}

func (r *run) cut(left, right string) {
	s := string(r.text)
	s = strings.TrimRight(s, right)
	end := len(s)
	s = strings.TrimLeft(s, left)
	r.truncate(end)
	r.drop(end - len(s))
}

// truncate shortens the run to n bytes.
func (r *run) truncate(n int) {
	r.text = r.text[:n]
	for len(r.marks) > 1 && r.marks[len(r.marks)-1].Offset >= n {
		r.marks = r.marks[:len(r.marks)-1]
	}
	if len(r.marks) > 0 {
		r.last = r.marks[len(r.marks)-1].Line
	}
}

// drop takes n bytes off the front.
func (r *run) drop(n int) {
	if n == 0 {
		return
	}
	r.text = r.text[n:]
	kept := 0
	for _, m := range r.marks {
		m.Offset = max(0, m.Offset-n)
		if kept > 0 && m.Offset == 0 {
			kept = 0
		}
		r.marks[kept] = m
		kept++
	}
	r.marks = r.marks[:kept]
}

// empty reports whether nothing would be shown.
func (r *run) empty() bool { return len(r.text) == 0 }

// line is the source line of the n-th line, from 1, of text of which every
// line has a mark.
func (r *run) line(n int) int {
	if n > len(r.marks) {
		return r.last
	}
	return r.marks[n-1].Line
}

// locator fills in the lines of the run.
func (r *run) locator() threatmodel.Locator {
	if len(r.marks) == 0 {
		return threatmodel.Locator{}
	}
	first, last := r.marks[0].Line, r.last
	return threatmodel.Locator{LineStart: &first, LineEnd: &last}
}
