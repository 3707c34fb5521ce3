package diagram

import (
	"regexp"
	"strings"
	"unicode"
)

// isMacro reports whether a call declares something: one of C4, or one of the
// libraries of icons, whose first argument is a name and whose second what it
// shows.
func (p *puml) isMacro(text string, c call) bool {
	if m, ok := macroNamed(c.name); ok {
		return m.kind != macroLook
	}
	text = strings.TrimSpace(callLooks.ReplaceAllString(text, ""))
	return iconMacro.MatchString(text) && pumlIdent.FindString(c.alias()) == c.alias()
}

var (
	iconMacro  = regexp.MustCompile(`^\$?[A-Za-z]\w*\s*\(\s*[\pL\pN_.]+\s*(?:,\s*"|\)\s*\{$)|^[A-Za-z]\w*(?:Participant\s*\(\s*[\pL\pN_.]+\s*,|Group\s*\(\s*[\pL\pN_.]+\s*\)$)`)
	sprite     = regexp.MustCompile(`<\$(\w+)[^<>]*>|\$\w+\((\w+)\)`)
	groupWords = regexp.MustCompile(`(?i)_?(?:group|participant)$`)
)

// knownMacro reads a call of a macro of C4.
func (p *puml) knownMacro(s statement) bool {
	c, ok := parseCall(s.text)
	if !ok {
		return false
	}
	m, known := macroNamed(c.name)
	if !known || !p.run(m, c, cleanCreole, s.place) {
		return false
	}
	p.balance(m, c)
	return true
}

// macro reads a call of another macro. One that declares nothing says how
// something looks.
func (p *puml) macro(s statement) bool {
	c, ok := parseCall(s.text)
	if _, known := macroNamed(c.name); !ok || known {
		return false
	}
	switch {
	case !p.isMacro(s.text, c):
		return len(c.args) == 0 || strings.HasPrefix(c.name, "$")
	case c.opens:
		p.openGroup(c.alias(), first(cleanCreole(second(c.args)), splitWords(groupWords.ReplaceAllString(c.name, ""))), s.place)
		p.braces = append(p.braces, true)
	default:
		p.icon(c, s.place)
	}
	return true
}

// balance keeps the braces of boundaries. A container that opens none is an
// element; other boundaries without braces end by a macro.
func (p *puml) balance(m macro, c call) {
	if m.kind != macroBoundary {
		return
	}
	next := p.at < len(p.statements) && p.statements[p.at].text == "{"
	switch {
	case c.opens:
		p.braces = append(p.braces, true)
	case next:
		p.at++
		p.braces = append(p.braces, true)
	case m.Container:
		p.closeGroup()
	}
}

// icon declares an element by a macro of a library of icons.
func (p *puml) icon(c call, at place) {
	n := p.declare(c.alias(), at)
	if n == nil {
		return
	}
	product := groupWords.ReplaceAllString(c.name, "")
	n.label(first(cleanCreole(second(c.args)), splitWords(product)), at)
	if s, ok := productNamed(product); ok {
		n.technology, n.stencil = s.Name, s.Kind
		return
	}
	n.technology = splitWords(product)
}

// signOf is the product whose picture a label shows.
func signOf(label string) stencil {
	m := sprite.FindStringSubmatch(label)
	if m == nil {
		return stencil{}
	}
	s, _ := productNamed(first(m[1], m[2]))
	return s
}

func second(args []string) string {
	if len(args) < 2 {
		return ""
	}
	return args[1]
}

// splitWords parts a name at its capitals and underscores: AzureKeyVault is
// Azure Key Vault.
func splitWords(name string) string {
	var out strings.Builder
	runes := []rune(name)
	for i, r := range runes {
		after := i > 0 && (unicode.IsLower(runes[i-1]) || unicode.IsDigit(runes[i-1]))
		before := i > 0 && i+1 < len(runes) && unicode.IsUpper(runes[i-1]) && unicode.IsLower(runes[i+1])
		if unicode.IsUpper(r) && (after || before) {
			out.WriteByte(' ')
		}
		if r == '_' {
			r = ' '
		}
		out.WriteRune(r)
	}
	return strings.Join(strings.Fields(out.String()), " ")
}
