package diagram

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// cursor reads the parts of a PlantUML statement from left to right.
type cursor struct {
	s string
	i int
}

// pumlEnd is what a declaration names or an arrow joins, as it is written.
type pumlEnd struct {
	text string
	// shape follows from the brackets around it: component, usecase, actor,
	// interface; empty for a plain or quoted name.
	shape string
	// plain is true for a name without quotes or brackets.
	plain bool
}

func (c *cursor) rest() string { return c.s[c.i:] }

func (c *cursor) blanks() {
	for c.i < len(c.s) && (c.s[c.i] == ' ' || c.s[c.i] == '\t') {
		c.i++
	}
}

// take goes past a prefix, if it is there.
func (c *cursor) take(prefix string) bool {
	if !strings.HasPrefix(c.rest(), prefix) {
		return false
	}
	c.i += len(prefix)
	return true
}

// match goes past what an anchored expression matches.
func (c *cursor) match(re *regexp.Regexp) []string {
	m := re.FindStringSubmatch(c.rest())
	if m != nil {
		c.i += len(m[0])
	}
	return m
}

var (
	pumlIdent  = regexp.MustCompile(`^[\pL\pN_$@]+(?:(?:\.|::|/)[\pL\pN_$@]+)*`)
	pumlQuoted = regexp.MustCompile(`^"([^"]*)"`)
	pumlRound  = regexp.MustCompile(`^\(([^()\n]+(?:\([^()\n]*\)[^()\n]*)*)\)/?`)
	pumlActor  = regexp.MustCompile(`^:([^:\n]+):/?`)
)

// end reads a name in any of its forms.
func (c *cursor) end() (pumlEnd, bool) {
	c.blanks()
	switch {
	case c.i >= len(c.s):
	case c.take("()"):
		e, ok := c.end()
		e.shape, e.plain = "interface", false
		return e, ok && e.text != ""
	case c.s[c.i] == '[':
		if end := closingBracket(c.rest()); end > 0 {
			text := c.rest()[1:end]
			c.i += end + 1
			text = strings.TrimSpace(text)
			return pumlEnd{text: text, shape: "component"}, text != ""
		}
	default:
		for _, form := range []struct {
			re    *regexp.Regexp
			shape string
		}{{pumlQuoted, ""}, {pumlRound, "usecase"}, {pumlActor, "actor"}} {
			if m := c.match(form.re); m != nil {
				text := strings.TrimSpace(m[1])
				return pumlEnd{text: text, shape: form.shape}, text != ""
			}
		}
		if m := c.match(pumlIdent); m != nil {
			return pumlEnd{text: m[0], plain: true}, true
		}
	}
	return pumlEnd{}, false
}

// closingBracket finds the bracket that closes the first.
func closingBracket(s string) int {
	depth := 0
	for i := range len(s) {
		switch s[i] {
		case '[':
			depth++
		case ']':
			depth--
			if depth == 0 {
				return i
			}
		}
	}
	return -1
}

// pumlArrow is an arrow as it is drawn.
type pumlArrow struct {
	left, right bool
	// inherits is true for the triangle of generalization.
	inherits, hidden bool
}

var pumlLine = regexp.MustCompile(`^(<\|{1,2}|<{1,2}|\}[o|]|[|o][|o]|\(?0\)?|[-ox*+^#@)({}|\\/]{0,2})` +
	`([-.=~]+(?:\[[^\]\n]*\])?(?:left|right|up|down|le|ri|do|[lrud])?(?:\[[^\]\n]*\])?(?:\(0\)|0\)|\(0|\(\))?[-.=~]*)` +
	`(\|{1,2}>|>{1,2}|[o|]\{|[|o][|o]|\(?0\)?|[ox*+^#@)({}|\\/]{0,2})`)

// arrow reads an arrow of a component diagram.
func (c *cursor) arrow() (pumlArrow, bool) {
	c.blanks()
	m := pumlLine.FindStringSubmatch(c.rest())
	if m == nil {
		return pumlArrow{}, false
	}
	left, line, right := m[1], m[2], m[3]
	next, _ := utf8.DecodeRuneInString(c.rest()[len(m[0]):])
	if n := len(right); n > 0 && strings.IndexByte("ox0", right[n-1]) >= 0 && (unicode.IsLetter(next) || unicode.IsDigit(next)) {
		right = right[:n-1] // it belongs to the name that follows
	}
	if strings.HasSuffix(right, "(") && strings.IndexByte(c.rest()[len(m[0])-1:], ')') > 1 {
		right = strings.TrimSuffix(right, "(") // a use case follows
	}
	c.i += len(left) + len(line) + len(right)
	a := pumlArrow{
		left:     strings.Contains(left, "<") || left == ")" || left == "0)" || left == `\` || left == "/" || left == `\\` || left == "//",
		right:    strings.Contains(right, ">") || right == "(" || right == "(0" || strings.HasSuffix(line, "(0") || right == `\` || right == "/" || right == `\\` || right == "//",
		inherits: strings.Contains(left, "<|") || strings.Contains(right, "|>"),
		hidden:   strings.Contains(line, "hidden"),
	}
	return a, true
}

var (
	pumlDecoration = regexp.MustCompile(`^(?:<<\s*([^<>]*?)\s*>>|\$[\pL\pN_]+|##?\w*(?:[;:.,\[\]#|/\\-]+\w+\]?)*|\[\[[^\]]*\]\]|order\s+\d+)`)
	pumlAs         = regexp.MustCompile(`(?i)^as(?:\s+|$)`)
)

// decorations goes past stereotypes, tags, colours and links, and returns the
// first stereotype.
func (c *cursor) decorations() string {
	stereotype := ""
	for c.blanks(); ; c.blanks() {
		m := c.match(pumlDecoration)
		if m == nil {
			return stereotype
		}
		stereotype = first(stereotype, m[1])
	}
}
