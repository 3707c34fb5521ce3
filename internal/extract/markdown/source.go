package markdown

import (
	"sort"
	"strings"
)

// source is the text of a document with an index of its lines.
type source struct {
	text   []byte
	starts []int
}

func newSource(text string) *source {
	s := &source{text: []byte(text), starts: make([]int, 1, strings.Count(text, "\n")+1)}
	for i := range s.text {
		if s.text[i] == '\n' {
			s.starts = append(s.starts, i+1)
		}
	}
	return s
}

// line is the 1-based line of the byte at the given offset.
func (s *source) line(offset int) int {
	return sort.SearchInts(s.starts, offset+1)
}
