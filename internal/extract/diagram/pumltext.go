package diagram

import (
	"html"
	"regexp"
	"slices"
	"strings"
)

var (
	noteHead   = regexp.MustCompile(`(?i)^(?:/\s*)?[hr]?note\b(.*)$`)
	noteAlias  = regexp.MustCompile(`(?i)\bas\s+([\pL\pN_]+)`)
	noteEnd    = regexp.MustCompile(`(?i)^end\s*[hr]?note$`)
	noteQuoted = regexp.MustCompile(`"[^"]*"\s+as\s+`)
	textAlign  = regexp.MustCompile(`(?i)^(?:left|right|center)\s+(header|footer)\b`)
	directions = regexp.MustCompile(`(?i)^(?:left to right|top to bottom) direction$`)
	refHead    = regexp.MustCompile(`(?i)^ref(?:#\w+)?\s+over\b`)
)

// anywhere reads a statement that may stand in a diagram of any type: notes,
// titles, looks and macros.
func (p *puml) anywhere(s statement) bool {
	if m := noteHead.FindStringSubmatch(s.text); m != nil {
		p.note(m[1], s)
		return true
	}
	if refHead.MatchString(s.text) {
		p.textUntil(s, regexp.MustCompile(`(?i)^end\s*ref$`), strings.Contains(s.text, ":"))
		return true
	}
	text := textAlign.ReplaceAllString(s.text, "$1")
	word := pumlWord(text)
	if slices.Contains(p.words.Texts, word) {
		rest := strings.TrimSpace(text[len(word):])
		if word == "legend" {
			p.textUntil(s, endOf(word), false)
			return true
		}
		if rest == "" || !strings.HasPrefix(rest, "-") && !strings.HasPrefix(rest, "<") {
			p.textUntil(s, endOf(word), rest != "")
			return true
		}
	}
	return p.looks(word, s)
}

func endOf(word string) *regexp.Regexp {
	return regexp.MustCompile(`(?i)^end\s*` + regexp.QuoteMeta(word) + `$`)
}

// textUntil keeps a text: that of its own line, or the lines up to its end.
func (p *puml) textUntil(s statement, end *regexp.Regexp, single bool) {
	if single {
		p.states(s.place)
		return
	}
	for p.at < len(p.statements) {
		line := p.statements[p.at]
		p.at++
		if end.MatchString(line.text) {
			return
		}
		p.states(line.place)
	}
}

// note reads a note. Its text stands after a colon, in quotes before its
// name, or on lines of its own.
func (p *puml) note(rest string, s statement) {
	if m := noteAlias.FindStringSubmatch(rest); m != nil {
		p.notes[m[1]] = true
	}
	single := strings.Contains(outsideQuotes(rest), ":") || noteQuoted.MatchString(rest)
	p.textUntil(s, noteEnd, single)
}

// outsideQuotes blanks what stands in quotes.
func outsideQuotes(s string) string {
	quoted := false
	return strings.Map(func(r rune) rune {
		if r == '"' {
			quoted = !quoted
		} else if quoted {
			return ' '
		}
		return r
	}, s)
}

// looks passes over a statement that only says how something looks, with the
// block that it may open.
func (p *puml) looks(word string, s statement) bool {
	switch {
	case directions.MatchString(s.text):
		return true
	case pumlIdent.FindString(s.text) == s.text && isLook(s.text):
		return true
	case word == "" || !slices.Contains(p.words.Looks, word) || findArrow(s.text[len(word):]):
		return false
	}
	for depth := braces(s.text); depth > 0 && p.at < len(p.statements); p.at++ {
		depth += braces(p.statements[p.at].text)
	}
	return true
}

// isLook reports whether a macro says how a C4 diagram looks.
func isLook(name string) bool {
	m, ok := macroNamed(name)
	return ok && m.kind == macroLook
}

// findArrow reports whether an arrow follows, so that the word before it is a
// name.
func findArrow(rest string) bool {
	c := cursor{s: rest}
	_, ok := c.arrow()
	return ok
}

var (
	creoleTag    = regexp.MustCompile(`(?i)</?(?:b|i|u|s|w|plain|sub|sup|code|color|size|font|back|background|img|r|math|latex|&|\$)(?:[:=\s][^<>]*)?>|<[&$][^<>]*>|\$\w+\([^()]*\)`)
	creoleURL    = regexp.MustCompile(`\[\[\s*([^\]\s{]+)(?:\s*\{[^}]*\})?\s*([^\]]*)\]\]`)
	creoleCode   = regexp.MustCompile(`<U\+([0-9A-Fa-f]{4,6})>`)
	creoleMarks  = regexp.MustCompile(`\*\*(.+?)\*\*|""(.+?)""|__(.+?)__|~~(.+?)~~`)
	creoleItalic = regexp.MustCompile(`(^|[\s(])//([^/].*?)//($|[\s).,;:])`)
	creoleBreak  = regexp.MustCompile(`\\[nlrt]|%n(?:ewline)?\(\)|<br\s*/?>`)
	creoleRule   = regexp.MustCompile(`(?m)^\s*(?:-{2,}|={2,}|_{2,}|\.{2,})\s*$|(?m)^\s*(?:--|==|__|\.\.)(.*?)(?:--|==|__|\.\.)\s*$`)
)

var creoleHeading = regexp.MustCompile(`(?m)^\s*={1,4}\s*([\pL\pN])`)

// elementName is what the label of an element calls it: what stands above the
// first rule in it. The rest tells more of it.
func elementName(raw string) string {
	s := creoleBreak.ReplaceAllString(raw, "\n")
	if at := creoleRule.FindStringIndex(s); at != nil {
		if name := cleanCreole(s[:at[0]]); name != "" {
			s = s[:at[0]]
		}
	}
	return cleanCreole(creoleHeading.ReplaceAllString(s, "$1"))
}

// cleanCreole is the text that a PlantUML label shows, on one line.
func cleanCreole(raw string) string {
	s := creoleBreak.ReplaceAllString(raw, "\n")
	s = creoleRule.ReplaceAllString(s, "$1")
	s = creoleURL.ReplaceAllStringFunc(s, func(link string) string {
		m := creoleURL.FindStringSubmatch(link)
		return first(strings.TrimSpace(m[2]), m[1])
	})
	s = creoleCode.ReplaceAllString(s, "&#x$1;")
	s = creoleTag.ReplaceAllString(s, "")
	s = creoleItalic.ReplaceAllString(s, "$1$2$3")
	s = creoleMarks.ReplaceAllString(s, "$1$2$3$4")
	s = html.UnescapeString(s)
	return oneLine(s)
}
