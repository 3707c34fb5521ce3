package diagram

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// flowchart reads a Mermaid flowchart from its source, statement by
// statement.
type flowchart struct {
	*graph
	pos int
	// edgeIDs are the names of arrows, to which later statements give looks.
	edgeIDs map[string]bool
}

// flowStatements are the statements that begin with a word. Whatever else
// there is declares nodes and arrows. Each returns false where it does not
// understand what it finds.
var flowStatements = map[string]func(*flowchart) bool{
	"subgraph":  (*flowchart).subgraph,
	"end":       (*flowchart).end,
	"direction": (*flowchart).ignoreLine,
	"style":     (*flowchart).ignoreLine,
	"classDef":  (*flowchart).ignoreLine,
	"class":     (*flowchart).ignoreLine,
	"click":     (*flowchart).ignoreClick,
	"linkStyle": (*flowchart).ignoreLine,
	"accTitle":  (*flowchart).says,
	"accDescr":  (*flowchart).description,
	"title":     (*flowchart).says,
}

func readFlowchart(source string, start int) *graph {
	f := &flowchart{graph: newGraph("mermaid", Flowchart, source), pos: start, edgeIDs: map[string]bool{}}
	f.header()
	for f.skipSeparators(); f.pos < len(source) && !f.full; f.skipSeparators() {
		begin := f.pos
		if !f.statement() {
			f.misread(begin)
			f.pos = max(begin, f.pos)
			f.pos += lineLength(source[f.pos:])
		}
	}
	return f.graph
}

// header skips the type and the direction.
func (f *flowchart) header() {
	line := f.source[f.pos : f.pos+lineLength(f.source[f.pos:])]
	if i := strings.IndexByte(line, ';'); i >= 0 {
		line = line[:i]
	}
	f.pos += len(line)
}

func (f *flowchart) statement() bool {
	word := f.word()
	if parse, ok := flowStatements[word]; ok {
		f.pos += len(word)
		return parse(f)
	}
	return f.chain()
}

// word is the keyword at the position, if one stands there alone.
func (f *flowchart) word() string {
	rest := f.source[f.pos:]
	n := strings.IndexFunc(rest, func(r rune) bool { return !unicode.IsLetter(r) })
	if n < 0 {
		return rest
	}
	if n > 0 && !strings.ContainsRune(" \t\n;:{", rune(rest[n])) {
		return ""
	}
	return rest[:n]
}

func (f *flowchart) ignoreLine() bool {
	f.pos += lineLength(f.source[f.pos:])
	return true
}

// ignoreClick skips what a click does, with a text in quotes that may take
// several lines.
func (f *flowchart) ignoreClick() bool {
	begin := f.pos
	f.ignoreLine()
	if strings.Count(f.source[begin:f.pos], `"`)%2 == 1 {
		if end := strings.IndexByte(f.source[f.pos:], '"'); end >= 0 && end < maxLabel {
			f.pos += end + 1
			f.ignoreLine()
		}
	}
	return true
}

// says keeps a line that states something about the diagram, though it is
// neither node nor arrow.
func (f *flowchart) says() bool {
	f.states(f.lineOf(f.pos))
	return f.ignoreLine()
}

// description reads an accessible description, which may take several lines in
// braces.
func (f *flowchart) description() bool {
	f.skipBlanks()
	if !f.has("{") {
		return f.says()
	}
	end := strings.IndexByte(f.source[f.pos:], '}')
	if end < 0 {
		return false
	}
	f.states(place{f.pos, f.pos + end})
	f.pos += end + 1
	return true
}

// chain reads nodes and the arrows between them: A & B --> C -- label --> D.
func (f *flowchart) chain() bool {
	from, ok := f.nodeList()
	if !ok {
		return false
	}
	for {
		l, found := f.link()
		if !found {
			return f.endOfStatement()
		}
		to, ok := f.nodeList()
		if !ok {
			return false
		}
		for _, a := range from {
			for _, b := range to {
				f.linkNodes(a, b, l)
			}
		}
		from = to
	}
}

func (f *flowchart) linkNodes(from, to string, l link) {
	switch {
	case l.invisible || f.full:
	case l.backward:
		f.edge(to, from, l.label, false, l.place)
	default:
		f.edge(from, to, l.label, l.both, l.place)
	}
}

// nodeList reads one node, or several with & between them.
func (f *flowchart) nodeList() ([]string, bool) {
	var ids []string
	for {
		f.skipWhite()
		id, ok := f.node()
		if !ok {
			return nil, false
		}
		ids = append(ids, id)
		before := f.pos
		f.skipWhite()
		if !f.has("&") {
			f.pos = before
			return ids, true
		}
		f.pos++
	}
}

func (f *flowchart) endOfStatement() bool {
	f.skipBlanks()
	return f.pos >= len(f.source) || f.has("\n") || f.has(";") || f.has("%%")
}

// nodeID reads the name of a node.
func (f *flowchart) nodeID() string {
	rest := f.source[f.pos:]
	for i := 0; i < len(rest); {
		r, size := utf8.DecodeRuneInString(rest[i:])
		if !isIDRune(r) && !(r == '-' || r == '=' || r == '.') || startsLink(rest[i:]) {
			return rest[:i]
		}
		if r == '&' && i == 0 {
			return ""
		}
		i += size
	}
	return rest
}

func isIDRune(r rune) bool {
	if r < utf8.RuneSelf {
		return idByte[r]
	}
	return unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.Is(unicode.Mn, r)
}

// idByte tells the characters of ASCII that a name may have.
var idByte = func() (table [utf8.RuneSelf]bool) {
	for _, c := range []byte("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_!#$%'*+?/\\&") {
		table[c] = true
	}
	return table
}()

// startsLink reports whether an arrow begins here rather than a hyphen, an
// equals sign or a dot of a name.
func startsLink(s string) bool {
	return strings.HasPrefix(s, "--") || strings.HasPrefix(s, "-.") || strings.HasPrefix(s, "->") ||
		strings.HasPrefix(s, "==") || strings.HasPrefix(s, ".-") || strings.HasPrefix(s, "%%")
}

func (f *flowchart) has(s string) bool { return strings.HasPrefix(f.source[f.pos:], s) }

// skipBlanks goes to the next character of the line that is not blank.
func (f *flowchart) skipBlanks() {
	for f.pos < len(f.source) && (f.source[f.pos] == ' ' || f.source[f.pos] == '\t') {
		f.pos++
	}
}

// skipWhite goes to the next character that is not white space.
func (f *flowchart) skipWhite() {
	for f.pos < len(f.source) && strings.IndexByte(" \t\n", f.source[f.pos]) >= 0 {
		f.pos++
	}
}

// skipSeparators goes to the next statement.
func (f *flowchart) skipSeparators() {
	for {
		f.skipWhite()
		switch {
		case f.has(";"):
			f.pos++
		case f.has("%%{"):
			if end := strings.Index(f.source[f.pos:], "}%%"); end >= 0 {
				f.pos += end + len("}%%")
				continue
			}
			f.ignoreLine()
		case f.has("%%"):
			f.ignoreLine()
		default:
			return
		}
	}
}
