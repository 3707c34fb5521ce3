package diagram

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// component reads a statement of a component, deployment or use case diagram.
func (p *puml) component(s statement) bool {
	switch {
	case s.text == "}":
		return p.closeBrace()
	case s.text == "{":
		return true
	case strings.HasPrefix(s.text, "together") && strings.HasSuffix(s.text, "{"):
		p.braces = append(p.braces, false)
		return true
	}
	return p.link(s) || p.knownMacro(s) || p.declaration(s) || p.macro(s) || p.foreign(s)
}

func (p *puml) closeBrace() bool {
	n := len(p.braces)
	if n == 0 {
		return false
	}
	group := p.braces[n-1]
	p.braces = p.braces[:n-1]
	return !group || p.closeGroup()
}

// foreign keeps what belongs to diagrams of another type, such as a class
// among components, as text.
func (p *puml) foreign(s statement) bool {
	word := pumlWord(s.text)
	for _, words := range p.words.Others {
		if word == "" || !slices.Contains(words, word) {
			continue
		}
		p.states(s.place)
		for depth := braces(s.text); depth > 0 && p.at < len(p.statements); p.at++ {
			line := p.statements[p.at]
			p.states(line.place)
			depth += braces(line.text)
		}
		return true
	}
	return false
}

// braces counts those that a line opens more than it closes.
func braces(text string) int { return strings.Count(text, "{") - strings.Count(text, "}") }

// spacer is an element without a label, which only takes place.
var spacer = regexp.MustCompile(`^\w+\s+"\s*"(?:\s+as\s+([\pL\pN_]+))?.*?(\{?)$`)

// space passes over a spacer. What stands in one stands in what is around it.
func (p *puml) space(text string) bool {
	m := spacer.FindStringSubmatch(text)
	if m == nil {
		return false
	}
	if m[1] != "" {
		p.notes[m[1]] = true
	}
	if m[2] != "" {
		p.braces = append(p.braces, false)
	}
	return true
}

// link reads two ends with an arrow between them.
func (p *puml) link(s statement) bool {
	c := cursor{s: s.text}
	from, ok := c.end()
	if !ok {
		return false
	}
	c.blanks()
	c.match(pumlQuoted) // how many, beside the arrow
	a, ok := c.arrow()
	if !ok {
		return false
	}
	c.blanks()
	start := c.i
	if c.match(pumlQuoted) != nil {
		if c.blanks(); c.i >= len(c.s) || strings.IndexByte(":#<", c.s[c.i]) >= 0 {
			c.i = start // no number, but the end itself
		}
	}
	to, ok := c.end()
	if !ok {
		return false
	}
	stereotype := c.decorations()
	label := ""
	switch rest := strings.TrimSpace(c.rest()); {
	case strings.HasPrefix(rest, ":"):
		label = cleanCreole(strings.TrimSpace(rest[1:]))
	case rest != "":
		return false
	}
	p.join(from, to, a, first(label, stereotype), s.place)
	return true
}

// join takes an arrow, unless it only relates or places what it joins.
func (p *puml) join(from, to pumlEnd, a pumlArrow, label string, at place) {
	if p.notes[from.text] || p.notes[to.text] {
		return
	}
	if from.text == "*" || to.text == "*" {
		p.states(at)
		return
	}
	f, t := p.mentioned(from, at), p.mentioned(to, at)
	if p.full || a.hidden || p.relates(f, t, a, label) {
		return
	}
	if a.left && !a.right {
		f, t = t, f
	}
	p.edge(f, t, label, a.left == a.right, at)
}

// relates reports whether an arrow says how people or use cases relate, and
// no data goes along it.
func (p *puml) relates(from, to string, a pumlArrow, label string) bool {
	if slices.Contains(p.words.Relations, strings.ToLower(strings.Trim(label, "«»<> "))) {
		return true
	}
	if !a.inherits {
		return false
	}
	for _, id := range []string{from, to} {
		if i, ok := p.index[id]; ok && (p.nodes[i].shape == "actor" || p.nodes[i].shape == "usecase") {
			return true
		}
	}
	return false
}

// mentioned is the id of an end of an arrow.
func (p *puml) mentioned(e pumlEnd, at place) string {
	id := p.idOf(e)
	if n := p.mention(id, at); n != nil {
		if n.name == "" && !e.plain {
			n.name = elementName(e.text)
		}
		n.shape = first(n.shape, e.shape)
		n.junction = n.junction || e.shape == "interface" && !n.declared
	}
	return id
}

// idOf is the id that a name leads to.
func (p *puml) idOf(e pumlEnd) string {
	if id, ok := p.names[e.text]; ok && !e.plain {
		return id
	}
	if id, ok := p.aliases[e.text]; ok {
		return id
	}
	return e.text
}

// declared is what a declaration says.
type declared struct {
	id, label, shape, stereotype string
	// sign is the product whose picture it shows.
	sign  stencil
	opens bool
	place
}

// declaration reads what declares one element or opens one that holds others.
func (p *puml) declaration(s statement) bool {
	s = p.joinQuotes(s)
	word := pumlWord(s.text)
	known := slices.Contains(p.words.Elements, word) || slices.Contains(p.words.Ports, word)
	if !known && strings.IndexByte("[(:", s.text[0]) < 0 {
		return false
	}
	if known && (p.space(s.text) || strings.HasPrefix(s.text[len(word):], `("`)) {
		return p.space(s.text) // the other is a macro of the same name
	}
	c := cursor{s: s.text}
	if known {
		c.i = len(word)
		c.take("/")
	}
	d, ok := p.declared(&c, s)
	if !ok {
		return false
	}
	d.shape = first(word, d.shape)
	switch {
	case slices.Contains(p.words.Ports, word) && len(p.open) > 0:
		p.aliases[d.id] = p.groups[p.open[len(p.open)-1]].id
		p.states(s.place)
	case d.opens:
		gr := p.openGroup(d.id, d.label, d.place)
		gr.look = look{shape: d.shape, stereotype: d.stereotype}
		p.braces = append(p.braces, true)
	default:
		p.element(d)
	}
	return true
}

func (p *puml) element(d declared) {
	if n := p.declare(d.id, d.place); n != nil {
		n.label(d.label, d.place)
		n.shape = first(d.shape, n.shape)
		n.stereotype = first(d.stereotype, n.stereotype)
		n.technology = first(n.technology, d.sign.Name)
		if d.sign.Kind != "" {
			n.stencil = d.sign.Kind
		}
		n.junction = slices.Contains(p.words.Interfaces, d.shape)
	}
}

var emptyBraces = regexp.MustCompile(`^\{\s*\}$`)

// declared reads a name, what it is shown as, and what follows: "Orders API"
// as api <<service>> #red {.
func (p *puml) declared(c *cursor, s statement) (declared, bool) {
	d := declared{place: s.place}
	e, ok := c.end()
	if !ok {
		return p.anonymous(c, s)
	}
	d.id, d.label, d.shape = e.text, elementName(e.text), e.shape
	d.stereotype = strings.ToLower(c.decorations())
	if c.match(pumlAs) != nil {
		alias, ok := c.end()
		if !ok {
			return d, false
		}
		if e.plain && !alias.plain {
			e, alias = alias, e
		}
		d.id, d.label, d.shape = alias.text, elementName(e.text), first(e.shape, alias.shape)
		if !e.plain {
			p.names[e.text] = d.id
		}
	}
	d.stereotype = first(d.stereotype, strings.ToLower(c.decorations()))
	d.sign = signOf(e.text)
	if !e.plain && d.id == e.text {
		d.id = first(d.label, d.id)
		p.names[e.text] = d.id
	}
	switch rest := strings.TrimSpace(c.rest()); {
	case rest == "" || emptyBraces.MatchString(rest):
	case rest == "{":
		d.opens = true
	case rest[0] == '[':
		return p.longLabel(d, rest)
	default:
		return d, false
	}
	return d, true
}

// anonymous is what opens without a name.
func (p *puml) anonymous(c *cursor, s statement) (declared, bool) {
	c.decorations()
	if strings.TrimSpace(c.rest()) != "{" {
		return declared{}, false
	}
	word := pumlWord(s.text)
	return declared{id: fmt.Sprintf("%s%d", word, lineNumber(p.source, s.start)), label: word, shape: word, opens: true, place: s.place}, true
}

// longLabel reads a label between brackets that takes several lines. The line
// with its first words is the one that declares.
func (p *puml) longLabel(d declared, rest string) (declared, bool) {
	text := strings.TrimSpace(rest[1:])
	var label []string
	named := false
	for at := d.place; ; {
		end := strings.HasSuffix(text, "]")
		text = strings.TrimSuffix(text, "]")
		named = named || len(label) > 0 && creoleRule.MatchString(text)
		if text = elementName(text); text != "" && named {
			p.states(at)
		} else if text != "" {
			if len(label) == 0 {
				d.place = at
			}
			label = append(label, text)
			p.states(at)
		}
		if end || p.at >= len(p.statements) {
			break
		}
		next := p.statements[p.at]
		p.at++
		text, at = next.text, next.place
	}
	d.label = first(strings.Join(label, " "), d.label)
	return d, true
}

// joinQuotes adds the lines up to the quote that closes one.
func (p *puml) joinQuotes(s statement) statement {
	for n := 0; strings.Count(s.text, `"`)%2 == 1 && p.at+n < len(p.statements) && n < maxJoined; n++ {
		next := p.statements[p.at+n]
		if strings.Count(next.text, `"`)%2 == 0 {
			continue
		}
		for _, line := range p.statements[p.at : p.at+n+1] {
			s.text += `\n` + line.text
			p.states(line.place)
		}
		p.at += n + 1
		break
	}
	return s
}
