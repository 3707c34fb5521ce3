package confluence

import "strings"

// words is a text in a wordStore. It holds no pointer.
type words struct {
	chunk, from int32
	size        int32
}

// wordStore keeps many short texts in few pieces of memory. The zero value is
// ready. Texts may be got from several goroutines once none is put any more.
type wordStore struct{ chunks []*strings.Builder }

const wordChunk = 256 << 10

func (s *wordStore) put(text string) words {
	if text == "" {
		return words{}
	}
	if n := len(s.chunks); n == 0 || s.chunks[n-1].Len()+len(text) > wordChunk {
		b := &strings.Builder{}
		b.Grow(max(wordChunk, len(text)))
		s.chunks = append(s.chunks, b)
	}
	n := len(s.chunks) - 1
	w := words{int32(n), int32(s.chunks[n].Len()), int32(len(text))}
	s.chunks[n].WriteString(text)
	return w
}

func (s *wordStore) get(w words) string {
	if w.size == 0 {
		return ""
	}
	return s.chunks[w.chunk].String()[w.from : w.from+w.size]
}
