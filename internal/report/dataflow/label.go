package dataflow

import (
	"strings"

	"golang.org/x/text/width"
)

const (
	fontSize  = 13.0
	lineStep  = 17.0
	lineRunes = 20 // of a node's label, before it is wrapped
	mostLines = 3
)

// wrap breaks a label into at most lines lines of about limit letters. A word
// that is too long is broken; what does not fit ends in an ellipsis.
func wrap(s string, limit, lines int) []string {
	var out []string
	line := []rune{}
	for _, word := range strings.Fields(s) {
		w := []rune(word)
		if len(line) > 0 && len(line)+1+len(w) > limit {
			out, line = append(out, string(line)), nil
		}
		for len(w) > limit {
			out, w = append(out, string(w[:limit])), w[limit:]
		}
		if len(line) > 0 {
			line = append(line, ' ')
		}
		line = append(line, w...)
	}
	if len(line) > 0 {
		out = append(out, string(line))
	}
	if len(out) > lines {
		out = out[:lines]
		last := []rune(out[lines-1])
		out[lines-1] = strings.TrimRight(string(last[:min(len(last), limit-1)]), " ") + "…"
	}
	return out
}

// advance is a letter's width as part of the font size, a little generous: the
// reader's font is not known here.
func advance(r rune) float64 {
	switch width.LookupRune(r).Kind() {
	case width.EastAsianWide, width.EastAsianFullwidth:
		return 1.05
	}
	switch {
	case strings.ContainsRune("iljtfrI.,:;'|!()[] ", r):
		return 0.36
	case strings.ContainsRune("mwMW@%", r):
		return 0.95
	case r >= 'A' && r <= 'Z':
		return 0.72
	}
	return 0.6
}

// measure is the width of the widest line in pixels.
func measure(lines []string, size float64) float64 {
	widest := 0.0
	for _, l := range lines {
		w := 0.0
		for _, r := range l {
			w += advance(r)
		}
		widest = max(widest, w*size)
	}
	return widest
}
