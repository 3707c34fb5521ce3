package passage

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// cut is a half-open range of bytes.
type cut struct{ start, end int }

// trim leaves out white space at both ends.
func (c cut) trim(s string) cut {
	t := s[c.start:c.end]
	left := len(t) - len(strings.TrimLeftFunc(t, unicode.IsSpace))
	t = strings.TrimSpace(t)
	return cut{c.start + left, c.start + left + len(t)}
}

// abbreviations do not end a sentence, although a full stop follows. They are
// compared in lower case.
var abbreviations = map[string]bool{
	"e.g": true, "i.e": true, "etc": true, "vs": true, "cf": true, "approx": true, "incl": true, "excl": true,
	"fig": true, "sec": true, "eq": true, "ref": true, "refs": true, "ver": true, "resp": true,
	"dr": true, "mr": true, "mrs": true, "ms": true, "prof": true, "st": true, "jr": true, "sr": true,
	"inc": true, "ltd": true, "co": true, "corp": true, "gmbh": true, "dept": true, "est": true, "min": true, "max": true,
	"jan": true, "feb": true, "mar": true, "apr": true, "jun": true, "jul": true, "aug": true, "sep": true,
	"sept": true, "oct": true, "nov": true, "dec": true, "al": true, "p": true, "pp": true, "vol": true, "ch": true,
	"z.b": true, "d.h": true, "bzw": true, "usw": true, "ca": true, "u.a": true,
}

// cutSentences splits prose into sentences: ranges that cover it, in order. A
// text without any end of sentence is one range.
func cutSentences(s string) []cut {
	var cuts []cut
	start := 0
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		i += size
		if !isTerminal(r) {
			continue
		}
		end := afterClosers(s, i)
		if isWideTerminal(r) || (endsAt(s, start, i-size, end) && end < len(s)) {
			cuts = append(cuts, cut{start, end})
			start = end
		}
		i = end
	}
	if strings.TrimSpace(s[start:]) != "" || len(cuts) == 0 {
		cuts = append(cuts, cut{start, len(s)})
	}
	return cuts
}

func isTerminal(r rune) bool {
	return r == '.' || r == '!' || r == '?' || isWideTerminal(r)
}

func isWideTerminal(r rune) bool { return r == '。' || r == '！' || r == '？' }

// noteMarks are the digits of a footnote's mark, which may follow a sentence.
const noteMarks = "⁰¹²³⁴⁵⁶⁷⁸⁹"

// afterClosers skips further terminals, closing quotes and brackets, and the
// mark of a footnote.
func afterClosers(s string, i int) int {
	for i < len(s) {
		r, size := utf8.DecodeRuneInString(s[i:])
		if !isTerminal(r) && !strings.ContainsRune(`"')]}”’»`+noteMarks, r) {
			break
		}
		i += size
	}
	return i
}

// endsAt reports whether the terminal at dot, with the closers after it up to
// end, ends the sentence that began at start: white space follows, then
// something that can begin a sentence, and the word before is no abbreviation,
// initial or list number.
func endsAt(s string, start, dot, end int) bool {
	rest := s[end:]
	next := strings.TrimLeftFunc(rest, unicode.IsSpace)
	if len(next) == len(rest) && rest != "" {
		return false // no white space: a version, a file name, a host
	}
	r, _ := utf8.DecodeRuneInString(next)
	if unicode.IsLower(r) {
		return s[dot] != '.'
	}
	if s[dot] != '.' {
		return true
	}
	return !isAbbreviation(s[start:dot], r)
}

func isAbbreviation(before string, next rune) bool {
	i := strings.LastIndexFunc(before, func(r rune) bool {
		return unicode.IsSpace(r) || strings.ContainsRune(`("'[“‘`, r)
	})
	word := strings.ToLower(before[i+1:])
	if abbreviations[word] {
		return true
	}
	if utf8.RuneCountInString(word) == 1 && word != "i" && unicode.IsLetter(rune(word[0])) {
		return true // an initial
	}
	isNumber := word != "" && strings.Trim(word, "0123456789.") == ""
	return isNumber && strings.TrimSpace(before[:i+1]) == "" && next != 0 // "1. First"
}

// endsSentence reports whether a text ends with the end of a sentence.
func endsSentence(s string) bool {
	s = strings.TrimRight(s, `"')]}”’» `+noteMarks)
	r, _ := utf8.DecodeLastRuneInString(s)
	return isTerminal(r) || r == ':'
}
