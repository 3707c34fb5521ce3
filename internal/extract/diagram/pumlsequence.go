package diagram

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

var (
	pumlSeqArrow   = regexp.MustCompile(`^([ox]?(?:<{1,2}|\\{1,2}|/{1,2})?[ox]?)(-+(?:\[[^\]\n]*\])?-*)([ox]?(?:>{1,2}|\\{1,2}|/{1,2})?[ox]?)`)
	pumlSeqName    = regexp.MustCompile(`^[\pL\pN_.@$]+(?:\(\))?`)
	pumlSeqPrefix  = regexp.MustCompile(`^(?:&\s*)?(?:\{\w+\}\s*)?`)
	pumlActivation = regexp.MustCompile(`^(?:\s*(?:\+\+|--|\*\*|!!))*(?:\s*[#$]?\w+(?:\([^()]*\))?)?\s*`)
	pumlDelay      = regexp.MustCompile(`^(?:\.\.\.(.*?)(?:\.\.\.)?|\|\|.*\|?|==+(.*?)=*)$`)
	pumlDuration   = regexp.MustCompile(`^\{\w+\}\s*<-*>\s*\{\w+\}\s*:`)
	pumlColour     = regexp.MustCompile(`#\w+`)
	pumlBoxEnd     = regexp.MustCompile(`(?i)^end\s*box$`)
)

// sequence reads a statement of a sequence diagram.
func (p *puml) sequence(s statement) bool {
	if p.message(s) {
		return true
	}
	word := pumlWord(s.text)
	rest := strings.TrimSpace(s.text[len(word):])
	switch {
	case pumlBoxEnd.MatchString(s.text):
		return p.closeGroup()
	case word == "box":
		p.box(rest, s.place)
	case slices.Contains(p.words.Fragments, word):
		p.fragments++
		p.condition(rest, s.place)
	case slices.Contains(p.words.Sections, word) && p.fragments > 0:
		p.condition(rest, s.place)
	case word == "end" && p.fragments > 0:
		p.fragments--
	case word == "return":
		p.condition(rest, s.place)
	case pumlDelay.MatchString(s.text):
		m := pumlDelay.FindStringSubmatch(s.text)
		p.condition(m[1]+m[2], s.place)
	case pumlDuration.MatchString(s.text):
		p.states(s.place)
	case s.text == "}":
		return p.closeBrace()
	default:
		return p.knownMacro(s) || p.participant(strings.TrimPrefix(s.text, "create "), s) || p.macro(s)
	}
	return true
}

// condition keeps a line that says when or whether something is sent.
func (p *puml) condition(text string, at place) {
	if strings.TrimSpace(pumlColour.ReplaceAllString(text, "")) != "" {
		p.states(at)
	}
}

// box opens a group of participants.
func (p *puml) box(rest string, at place) {
	c := cursor{s: rest}
	title := ""
	if m := c.match(pumlQuoted); m != nil {
		title = m[1]
	} else {
		title = pumlColour.ReplaceAllString(rest, "")
	}
	n := len(p.groups) + 1
	p.openGroup(fmt.Sprintf("box%d", n), first(cleanCreole(title), fmt.Sprintf("Box %d", n)), at)
}

// participant declares a participant.
func (p *puml) participant(text string, s statement) bool {
	s.text = text
	s = p.joinQuotes(s)
	word := pumlWord(s.text)
	if !slices.Contains(p.words.Participants, word) {
		if s.text != text || !strings.HasPrefix(p.statements[p.at-1].text, "create ") {
			return false
		}
		word = ""
	}
	c := cursor{s: s.text, i: len(word)}
	d, ok := p.declared(&c, s)
	if !ok || d.opens {
		return false
	}
	d.shape = word
	p.element(d)
	return true
}

// message reads an arrow between participants, or from or to the outside.
func (p *puml) message(s statement) bool {
	c := cursor{s: s.text}
	c.match(pumlSeqPrefix)
	from, ok := c.sequenceEnd("[?")
	if !ok {
		return false
	}
	a, ok := c.sequenceArrow()
	if !ok {
		return false
	}
	to, ok := c.sequenceEnd("]?")
	if !ok {
		return false
	}
	if c.blanks(); c.match(pumlAs) != nil {
		if alias, ok := c.end(); ok {
			p.names[to.text] = alias.text
		}
	}
	c.match(pumlActivation)
	rest := strings.TrimSpace(c.rest())
	if rest != "" && rest[0] != ':' {
		return false
	}
	p.send(from, to, a, cleanCreole(strings.TrimPrefix(rest, ":")), s.place)
	return true
}

func (p *puml) send(from, to pumlEnd, a pumlArrow, label string, at place) {
	if from.text == "" || to.text == "" {
		for _, e := range []pumlEnd{from, to} {
			if e.text != "" {
				p.mentioned(e, at)
			}
		}
		p.states(at)
		return
	}
	p.join(from, to, a, label, at)
}

// sequenceEnd reads a participant. The signs of the outside give an end
// without a name.
func (c *cursor) sequenceEnd(outside string) (pumlEnd, bool) {
	c.blanks()
	if c.i < len(c.s) && strings.IndexByte(outside, c.s[c.i]) >= 0 {
		c.i++
		return pumlEnd{}, true
	}
	if m := c.match(pumlQuoted); m != nil {
		text := strings.TrimSpace(m[1])
		return pumlEnd{text: text}, text != ""
	}
	if m := c.match(pumlSeqName); m != nil {
		return pumlEnd{text: m[0], plain: true}, true
	}
	return pumlEnd{}, false
}

// sequenceArrow reads an arrow of a sequence diagram.
func (c *cursor) sequenceArrow() (pumlArrow, bool) {
	c.blanks()
	m := pumlSeqArrow.FindStringSubmatch(c.rest())
	if m == nil {
		return pumlArrow{}, false
	}
	left, line, right := m[1], m[2], m[3]
	next, _ := utf8.DecodeRuneInString(c.rest()[len(m[0]):])
	if n := len(right); n > 0 && strings.IndexByte("ox", right[n-1]) >= 0 && (unicode.IsLetter(next) || unicode.IsDigit(next)) {
		right = right[:n-1]
	}
	c.i += len(left) + len(line) + len(right)
	return pumlArrow{
		left: strings.ContainsAny(left, `<\/`), right: strings.ContainsAny(right, `>\/x`) || right == "o",
		hidden: strings.Contains(line, "hidden"),
	}, left != "" || right != "" || len(line) > 0
}
