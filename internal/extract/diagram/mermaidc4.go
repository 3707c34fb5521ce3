package diagram

import (
	"regexp"
	"strings"
)

// c4 reads a Mermaid C4 diagram, statement by statement.
type c4 struct {
	*graph
	// hidden is true inside a description in braces.
	hidden bool
}

func readC4(source string, start int) *graph {
	c := &c4{graph: newGraph("mermaid", C4, source)}
	c.declaring = true
	for _, s := range statements(source, start) {
		if c.full {
			break
		}
		if !c.statement(s) {
			c.misread(s.start)
		}
	}
	return c.graph
}

// statement is a line of a diagram, or several that an open parenthesis
// joins.
type statement struct {
	text string
	place
}

// maxJoined is how many lines one statement may take.
const maxJoined = 20

// statements parts a source into lines; a call whose parenthesis is open at
// the end of its line goes on where one of the next lines closes it.
func statements(source string, start int) []statement {
	var all []statement
	for at := start; at < len(source); {
		size := lineLength(source[at:])
		s := statement{text: strings.TrimSpace(withoutComment(source[at : at+size])), place: lineOf(source, at)}
		at += size + 1
		if callHead.MatchString(s.text) && isOpen(s.text) {
			if text, next, ok := joined(source, s.text, at); ok {
				s.text, at = text, next
			}
		}
		if s.text != "" {
			all = append(all, s)
		}
	}
	return all
}

// joined adds lines to a call until its parenthesis is closed.
func joined(source, text string, at int) (string, int, bool) {
	for lines := 0; lines < maxJoined && at < len(source); lines++ {
		size := lineLength(source[at:])
		text += " " + strings.TrimSpace(withoutComment(source[at:at+size]))
		at += size + 1
		if !isOpen(text) {
			return text, at, true
		}
	}
	return "", 0, false
}

func withoutComment(line string) string {
	if i := strings.Index(line, "%%"); i >= 0 {
		return line[:i]
	}
	return line
}

// isOpen reports whether a parenthesis is open at the end.
func isOpen(text string) bool {
	i := strings.IndexByte(text, '(')
	if i < 0 {
		return false
	}
	_, _, closed := balanced(text[i+1:])
	return !closed
}

var c4Says = regexp.MustCompile(`^(?:title\s+\S|accTitle\s*:|accDescr\s*:)`)

func (c *c4) statement(s statement) bool {
	switch {
	case c.hidden:
		c.hidden = s.text != "}"
		if c.hidden {
			c.states(s.place)
		}
		return true
	case c4Says.MatchString(s.text):
		c.states(s.place)
		return true
	case s.text == "title" || strings.HasPrefix(s.text, "direction ") || s.text == "{":
		return true
	case strings.HasPrefix(s.text, "accDescr"):
		c.hidden = !strings.Contains(s.text, "}")
		return true
	case s.text == "}":
		return c.closeGroup()
	}
	call, ok := parseCall(s.text)
	if !ok {
		return false
	}
	m, known := macroNamed(call.name)
	return known && c.run(m, call, cleanLabel, s.place)
}
