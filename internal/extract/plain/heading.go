package plain

import (
	"regexp"
	"strings"
	"unicode"
)

// underlined reports the level of a heading whose second line is a rule: 1
// for =, # and *, 2 for the others. 0 where it is none.
func underlined(lines []line) int {
	if len(lines) < 2 {
		return 0
	}
	rule, title := lines[1].text, lines[0].text
	if len(rule) < 3 || len(title) > maxHeading || strings.Trim(rule, rule[:1]) != "" || !strings.ContainsFunc(title, unicode.IsLetter) {
		return 0
	}
	switch rule[0] {
	case '=', '#', '*':
		return 1
	case '-', '~', '^', '_', '"':
		return 2
	}
	return 0
}

// maxHeading is the longest line, in bytes, that is taken for a heading.
const maxHeading = 90

var numbered = regexp.MustCompile(`^(\d{1,2}(?:\.\d{1,2}){0,5})\.?\s+(\p{Lu}.*)$`)

// headingLevel reports the level of a line that stands alone and is numbered
// as a section, or written in capitals. 0 where it is no heading.
func headingLevel(text string) int {
	if len(text) > maxHeading || strings.ContainsAny(text[len(text)-1:], ".,;?!") {
		return 0
	}
	if m := numbered.FindStringSubmatch(text); m != nil {
		return min(6, 1+strings.Count(m[1], "."))
	}
	if isCapital(text) {
		return 1
	}
	return 0
}

// isCapital reports whether a line is a title in capital letters.
func isCapital(text string) bool {
	letters := 0
	for _, r := range text {
		if unicode.IsLower(r) {
			return false
		}
		if unicode.IsUpper(r) {
			letters++
		}
	}
	return letters >= 4 && letters*2 > len(text)
}

// isDrawing reports whether lines are a picture or a table made of
// characters: their line breaks and blanks count.
func isDrawing(lines []line) bool {
	if len(lines) < 2 {
		return false
	}
	drawn := 0
	for _, l := range lines {
		if looksDrawn(l.text) {
			drawn++
		}
	}
	return drawn*2 > len(lines)
}

func looksDrawn(text string) bool {
	if strings.ContainsAny(text, "│┌┐└┘├┤─═║╔╗╚╝▲▼►◄") {
		return true
	}
	if strings.Contains(text, "+--") || strings.Contains(text, "--+") || strings.Contains(text, "-->") || strings.Contains(text, "<--") {
		return true
	}
	return strings.HasPrefix(text, "|") && strings.HasSuffix(text, "|")
}
