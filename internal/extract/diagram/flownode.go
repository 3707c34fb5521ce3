package diagram

import (
	"regexp"
	"strings"
)

// flowShapes are the brackets around the label of a node. Longer ones come
// before those that they begin with.
var flowShapes = []struct {
	open  string
	close []string
	shape string
}{
	{"(((", []string{")))"}, "double-circle"},
	{"((", []string{"))"}, "circle"},
	{"([", []string{"])"}, "stadium"},
	{"(-", []string{"-)"}, "ellipse"},
	{"(", []string{")"}, "rounded"},
	{"[[", []string{"]]"}, "subroutine"},
	{"[(", []string{")]"}, "cylinder"},
	{"[/", []string{"/]", `\]`}, "parallelogram"},
	{`[\`, []string{`\]`, "/]"}, "parallelogram"},
	{"[|", []string{"|]"}, "rectangle"},
	{"[", []string{"]"}, "rectangle"},
	{"{{", []string{"}}"}, "hexagon"},
	{"{", []string{"}"}, "diamond"},
	{">", []string{"]"}, "flag"},
}

// maxLabel is the longest label of a node, in bytes.
const maxLabel = 2000

// node reads one node: a name, and what follows it directly.
func (f *flowchart) node() (string, bool) {
	begin := f.pos
	id := f.nodeID()
	if id == "" {
		return "", false
	}
	f.pos += len(id)
	shape, label, icon := "", "", ""
	var sign stencil
	if f.has("@{") {
		attributes, ok := f.attributes()
		if !ok {
			return "", false
		}
		if _, known := f.index[id]; f.edgeIDs[id] || !known && drawsArrow(attributes) {
			return id, true
		}
		shape, label, icon = attributes["shape"], attributes["label"], iconName(attributes["icon"])
		sign, _ = findStencil(attributes["icon"])
	} else {
		shape, label = f.label()
	}
	f.class()
	if len(f.open) == 0 && f.edgeIDs[id] && label == "" {
		return id, true
	}
	at := f.lineOf(begin)
	if n := f.mention(id, at); n != nil {
		n.label(cleanLabel(label), at)
		if shape != "" {
			n.shape = shape
		}
		n.icon = first(first(icon, labelIconOf(label)), n.icon)
		n.technology = first(sign.Name, n.technology)
		if sign.Kind != "" {
			n.stencil = sign.Kind
		}
	}
	return id, true
}

// label reads a label in the brackets of a shape. Without one, the position
// stays.
func (f *flowchart) label() (shape, label string) {
	rest := f.source[f.pos:]
	for _, s := range flowShapes {
		if !strings.HasPrefix(rest, s.open) {
			continue
		}
		inner := rest[len(s.open):min(len(rest), len(s.open)+maxLabel)]
		if end, size := closing(inner, s.open, s.close); end >= 0 {
			f.pos += len(s.open) + end + size
			return s.shape, inner[:end]
		}
	}
	return "", ""
}

// closing finds the bracket that ends a label, outside of quotes and of the
// brackets that stand in the label itself. It returns where, and its size.
func closing(s, open string, closers []string) (int, int) {
	nested := 0
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '"':
			end := strings.IndexByte(s[i+1:], '"')
			if end < 0 {
				return -1, 0
			}
			i += end + 1
			continue
		case s[i] == '\n' && strings.TrimSpace(s[:i]) != "" && !continues(s[i:]):
			return -1, 0
		}
		for _, c := range closers {
			if nested == 0 && strings.HasPrefix(s[i:], c) {
				return i, len(c)
			}
		}
		switch s[i] {
		case open[0]:
			if open != ">" {
				nested++
			}
		case closers[0][len(closers[0])-1]:
			nested = max(0, nested-1)
		}
	}
	return -1, 0
}

// continues reports whether a label may go on after a line break: up to the
// next bracket, nothing looks like another statement.
func continues(s string) bool {
	next := strings.IndexAny(s, "])}")
	return next >= 0 && !strings.ContainsAny(s[:next], "[({") && !startsLinkIn(s[:next])
}

func startsLinkIn(s string) bool {
	return strings.Contains(s, "-->") || strings.Contains(s, "---") || strings.Contains(s, "-.-") || strings.Contains(s, "==>")
}

// drawsArrow reports whether attributes are those of an arrow, which has a name
// even where none was given to it.
func drawsArrow(attributes map[string]string) bool {
	for _, key := range []string{"animate", "animation", "curve"} {
		if attributes[key] != "" {
			return true
		}
	}
	return false
}

var attributePair = regexp.MustCompile(`([A-Za-z_-]+)"?\s*:\s*("(?:[^"])*"|'[^']*'|[^,}\n]+)`)

// attributes reads @{ shape: cyl, label: "text" }.
func (f *flowchart) attributes() (map[string]string, bool) {
	rest := f.source[f.pos+2:]
	end, _ := closing(rest[:min(len(rest), maxLabel)], "{", []string{"}"})
	if end < 0 {
		end = strings.IndexByte(rest, '}')
	}
	if end < 0 {
		return nil, false
	}
	f.pos += 2 + end + 1
	return attributePairs(rest[:end]), true
}

func attributePairs(s string) map[string]string {
	pairs := map[string]string{}
	for _, m := range attributePair.FindAllStringSubmatch(s, -1) {
		pairs[m[1]] = strings.Trim(strings.TrimSpace(m[2]), `"'`)
	}
	return pairs
}

var classSuffix = regexp.MustCompile(`^:::[\pL\pN_-]+`)

// class skips the class of a node: :::name.
func (f *flowchart) class() {
	if f.has(":::") {
		f.pos += len(classSuffix.FindString(f.source[f.pos:]))
	}
}
