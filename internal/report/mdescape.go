package report

import (
	"regexp"
	"strings"
	"unicode"

	"github.com/bartizan-security/bartizan/internal/report/visible"
)

// md is a text in one line of Markdown that shows as it is: no emphasis, link,
// image, HTML, table cell, mention or reference comes of it.
func md(s string) string {
	s = visible.Line(s)
	var b strings.Builder
	runes := []rune(s)
	for i, r := range runes {
		switch {
		case strings.ContainsRune("\\`*[]|~$", r), r == '_' && !inWord(runes, i):
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == '<':
			b.WriteString("&lt;")
		case r == '>':
			b.WriteString("&gt;")
		case r == '&':
			b.WriteString("&amp;")
		case (r == '@' || r == '#') && i+1 < len(runes) && (unicode.IsLetter(runes[i+1]) || unicode.IsDigit(runes[i+1])):
			b.WriteRune(r)
			b.WriteString("&#8203;") // nobody is called, and no issue is linked
		case r == ':' && i+2 < len(runes) && runes[i+1] == '/' && runes[i+2] == '/':
			b.WriteString(`\:`) // an address stays text
		case r == '.' && i >= 3 && strings.EqualFold(string(runes[i-3:i]), "www"):
			b.WriteString(`\.`)
		default:
			b.WriteRune(r)
		}
	}
	return lineStart.ReplaceAllString(b.String(), `$1\$2$3`)
}

// lineStart is what would begin a heading, list, rule or setext line.
var lineStart = regexp.MustCompile(`^(\d*)([#+\-=.)])(\s|$|[#=\-])`)

// inWord reports whether letters stand on both sides: snake_case is no emphasis.
func inWord(rs []rune, i int) bool {
	return i > 0 && i+1 < len(rs) && wordRune(rs[i-1]) && wordRune(rs[i+1])
}

func wordRune(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) || r == '_' }

// mdCode is a text as code: in a fence of backticks that it does not hold.
func mdCode(s string) string {
	s = strings.ReplaceAll(visible.Line(s), "|", "¦")
	if s == "" {
		return ""
	}
	fence := "`"
	for strings.Contains(s, fence) {
		fence += "`"
	}
	if len(fence) > 1 || strings.HasPrefix(s, "`") {
		return fence + " " + s + " " + fence
	}
	return fence + s + fence
}
