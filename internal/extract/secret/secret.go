// Package secret finds recognised credentials in the text of documents and
// masks them.
//
// A credential is known by its form, or by the name that it is given to and
// the looks of the value; never by its randomness alone. Where that leaves a
// doubt the text stays: prose that is masked misleads every reader after it.
package secret

import (
	"slices"
	"strings"
)

// Finding is a credential in a text.
type Finding struct {
	// Kind is the id of its format, and Name what a person calls it, with an
	// article.
	Kind, Name string
	// Start is where it begins to be recognisable, in bytes: that of its
	// first span, or of the line before it that announces it.
	Start int
	// Spans are the ranges of bytes that are secret, in order. White space
	// within them is none.
	Spans []Span
}

// Span is a half-open range of bytes.
type Span struct{ Start, End int }

// Find returns the credentials in a text, in its order. No two overlap.
func Find(text string) []Finding {
	r := load()
	h := r.anchors.find(text)
	found := privateKeys(text)
	found = append(found, webTokens(text)...)
	found = append(found, r.formatsIn(text, h[formatAnchors])...)
	found = append(found, awsSecrets(text, h[secretAnchor], found)...)
	found = append(found, r.assignmentsIn(text, h[nameAnchors])...)
	return disjoint(found)
}

// disjoint sorts findings and makes one of those that overlap: the one that
// was found first says what it is.
func disjoint(found []Finding) []Finding {
	if len(found) == 0 {
		return nil
	}
	order := make([]int, len(found))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return found[a].Spans[0].Start - found[b].Spans[0].Start })
	var out []Finding
	rank := 0
	for _, i := range order {
		f := found[i]
		if n := len(out); n > 0 && f.Spans[0].Start < out[n-1].end() {
			last := &out[n-1]
			last.Spans = union(last.Spans, f.Spans)
			if i < rank {
				last.Kind, last.Name, last.Start, rank = f.Kind, f.Name, min(f.Start, last.Start), i
			}
			continue
		}
		out, rank = append(out, f), i
	}
	return out
}

func (f *Finding) end() int { return f.Spans[len(f.Spans)-1].End }

// union is what two lists of spans cover.
func union(a, b []Span) []Span {
	all := slices.Concat(a, b)
	slices.SortFunc(all, func(x, y Span) int { return x.Start - y.Start })
	out := all[:1]
	for _, s := range all[1:] {
		if last := &out[len(out)-1]; s.Start <= last.End {
			last.End = max(last.End, s.End)
		} else {
			out = append(out, s)
		}
	}
	return out
}

// String is the text with each byte of the credentials in it but white space
// replaced by an asterisk, so that every offset and line stays.
func String(text string, found []Finding) string {
	if len(found) == 0 {
		return text
	}
	out := []byte(text)
	for _, f := range found {
		for _, s := range f.Spans {
			for i := s.Start; i < s.End; i++ {
				if !isSpace(out[i]) {
					out[i] = '*'
				}
			}
		}
	}
	return string(out)
}

func isSpace(c byte) bool { return c == ' ' || c == '\n' || c == '\t' || c == '\r' }

// isWord reports whether a byte is a part of a word. Bytes of letters beyond
// ASCII are.
func isWord(c byte) bool {
	return c == '_' || isDigit(c) || isLetter(c) || c >= 0x80
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

func isLetter(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' }

// within reports whether the text before a place ends within a word. The
// letter of an escape, as in "\nKEY", is none of a word.
func within(text string, at int) bool {
	if at == 0 || !isWord(text[at-1]) || text[at-1] >= 0x80 {
		return false
	}
	return at < 2 || text[at-2] != '\\' || !strings.ContainsRune("nrt", rune(text[at-1]))
}

// foldASCII is the text with the letters of ASCII in lower case; offsets stay.
func foldASCII(s string) string {
	out := []byte(s)
	for i, c := range out {
		if c >= 'A' && c <= 'Z' {
			out[i] = c | 0x20
		}
	}
	return string(out)
}
