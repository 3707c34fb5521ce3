// Package flow lays running text, lists and tables out as the blocks of a
// document, with the source line of each piece. The readers of Markdown, of web
// pages and of office documents write through it.
package flow

import (
	"strings"

	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

// Run is running text on its way into a block, with the source line of each
// of its pieces. The zero value is ready.
type Run struct {
	Text []byte
	// Marks are the lines on which pieces stand; none for a format that has
	// no lines.
	Marks []threatmodel.Mark
	// Links are those whose words stand in the text.
	Links []threatmodel.Link
	// Image and Words tell an image alone from an image within a sentence.
	Image, Words bool
	// last is the source line of the last piece.
	last int
}

// Add appends text that stands on one line of the source; 0 for a format that
// has no lines.
func (r *Run) Add(s string, line int) {
	if s == "" {
		return
	}
	r.At(line)
	r.Text = append(r.Text, s...)
}

// At notes that what follows stands on the given line.
func (r *Run) At(line int) {
	if line == 0 {
		return
	}
	if n := len(r.Marks); n > 0 && r.Marks[n-1].Offset == len(r.Text) {
		r.Marks[n-1].Line = line
	} else if n == 0 || r.Marks[n-1].Line != line {
		r.Marks = append(r.Marks, threatmodel.Mark{Offset: len(r.Text), Line: line})
	}
	r.last = line
}

// Link notes that the text from the given offset on leads to a target.
func (r *Run) Link(from int, target string) {
	if target != "" && len(r.Text) > from {
		r.Links = append(r.Links, threatmodel.Link{Start: from, End: len(r.Text), Target: target})
	}
}

// Space appends one space, unless white space or nothing stands there.
func (r *Run) Space() { r.white(' ') }

// Newline appends one newline in place of the blanks before it.
func (r *Run) Newline() {
	r.trimBlanks()
	r.white('\n')
}

func (r *Run) white(c byte) {
	if n := len(r.Text); n > 0 && r.Text[n-1] != ' ' && r.Text[n-1] != '\n' {
		r.Text = append(r.Text, c)
	}
}

// trimBlanks takes blanks off the end.
func (r *Run) trimBlanks() {
	for n := len(r.Text); n > 0 && (r.Text[n-1] == ' ' || r.Text[n-1] == '\t'); n = len(r.Text) {
		r.Text = r.Text[:n-1]
	}
}

// Join appends another run after a separator that belongs to neither.
func (r *Run) Join(separator string, other Run) {
	r.Text = append(r.Text, separator...)
	for _, m := range other.Marks {
		m.Offset += len(r.Text)
		if n := len(r.Marks); n > 0 && r.Marks[n-1].Line == m.Line {
			continue
		}
		r.Marks = append(r.Marks, m)
	}
	for _, l := range other.Links {
		l.Start += len(r.Text)
		l.End += len(r.Text)
		r.Links = append(r.Links, l)
	}
	r.Text = append(r.Text, other.Text...)
	if len(other.Text) > 0 {
		r.last = other.last
	}
	r.Image = r.Image || other.Image
	r.Words = r.Words || other.Words
}

// Trim takes white space off both ends.
func (r *Run) Trim() { r.cut(" \t\n", " \t\n") }

// TrimLines takes blank lines off both ends, for text whose indentation
// means something.
func (r *Run) TrimLines() {
	s := string(r.Text)
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

func (r *Run) cut(left, right string) {
	s := string(r.Text)
	s = strings.TrimRight(s, right)
	end := len(s)
	s = strings.TrimLeft(s, left)
	r.truncate(end)
	r.drop(end - len(s))
}

// truncate shortens the run to n bytes.
func (r *Run) truncate(n int) {
	r.Text = r.Text[:n]
	for len(r.Marks) > 1 && r.Marks[len(r.Marks)-1].Offset >= n {
		r.Marks = r.Marks[:len(r.Marks)-1]
	}
	if len(r.Marks) > 0 {
		r.last = r.Marks[len(r.Marks)-1].Line
	}
	r.clipLinks(0)
}

// drop takes n bytes off the front.
func (r *Run) drop(n int) {
	if n == 0 {
		return
	}
	r.Text = r.Text[n:]
	kept := 0
	for _, m := range r.Marks {
		m.Offset = max(0, m.Offset-n)
		if kept > 0 && m.Offset == 0 {
			kept = 0
		}
		r.Marks[kept] = m
		kept++
	}
	r.Marks = r.Marks[:kept]
	r.clipLinks(n)
}

// clipLinks moves links n bytes to the front and holds them within the text.
func (r *Run) clipLinks(n int) {
	kept := r.Links[:0]
	for _, l := range r.Links {
		l.Start, l.End = max(0, l.Start-n), min(len(r.Text), l.End-n)
		if l.Start < l.End {
			kept = append(kept, l)
		}
	}
	r.Links = kept
}

// Empty reports whether nothing would be shown.
func (r *Run) Empty() bool { return len(r.Text) == 0 }

// Line is the source line of the n-th line, from 1, of text of which every
// line has a mark; n where there are no lines.
func (r *Run) Line(n int) int {
	switch {
	case len(r.Marks) == 0:
		return n
	case n > len(r.Marks):
		return r.last
	}
	return r.Marks[n-1].Line
}

// locator fills in the lines of the run.
func (r *Run) locator() threatmodel.Locator {
	if len(r.Marks) == 0 {
		return threatmodel.Locator{}
	}
	first, last := r.Marks[0].Line, r.last
	return threatmodel.Locator{LineStart: &first, LineEnd: &last}
}
