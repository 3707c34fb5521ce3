package diagram

import (
	_ "embed"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/goccy/go-yaml"
)

//go:embed c4.yaml
var c4YAML []byte

// macro says what a C4 macro declares.
type macro struct {
	Macros    []string `yaml:"macros"`
	Stars     []string `yaml:"stars"`
	Fields    []string `yaml:"fields"`
	Container bool     `yaml:"container"`
	Skip      int      `yaml:"skip"`
	Backward  bool     `yaml:"backward"`
	Both      bool     `yaml:"both"`
	// kind is the list that the macro stands in.
	kind macroKind
}

type macroKind int

const (
	macroElement macroKind = iota
	macroBoundary
	macroRelation
	macroEnd
	macroLook
)

type macroFile struct {
	Elements   []macro  `yaml:"elements"`
	Boundaries []macro  `yaml:"boundaries"`
	Relations  []macro  `yaml:"relations"`
	Ends       []string `yaml:"ends"`
	Looks      []string `yaml:"looks"`
}

// macroTable leads from names to what they declare. Stars are those with a
// star, in the order in which they count.
type macroTable struct {
	names map[string]macro
	stars []macro
	looks []string
}

var macros = sync.OnceValue(func() macroTable {
	var f macroFile
	if err := yaml.UnmarshalWithOptions(c4YAML, &f, yaml.Strict()); err != nil {
		panic(fmt.Sprintf("diagram: embedded c4.yaml: %v", err))
	}
	t := macroTable{names: map[string]macro{}, looks: f.Looks}
	for kind, list := range map[macroKind][]macro{macroElement: f.Elements, macroBoundary: f.Boundaries, macroRelation: f.Relations, macroEnd: {{Macros: f.Ends}}} {
		for _, m := range list {
			m.kind = kind
			for _, name := range m.Macros {
				t.names[name] = m
			}
			if len(m.Stars) > 0 {
				t.stars = append(t.stars, m)
			}
		}
	}
	return t
})

// macroNamed finds what a name declares.
func macroNamed(name string) (macro, bool) {
	t := macros()
	if m, ok := t.names[name]; ok {
		return m, true
	}
	if matchesAny(t.looks, name) {
		return macro{kind: macroLook}, true
	}
	for _, m := range t.stars {
		if matchesAny(m.Stars, name) {
			return m, true
		}
	}
	return macro{}, false
}

func matchesAny(patterns []string, name string) bool {
	return slices.ContainsFunc(patterns, func(pattern string) bool {
		ok, err := path.Match(pattern, name)
		return ok && err == nil
	})
}

// call is a macro with its arguments.
type call struct {
	name string
	args []string
	// named are the arguments given by name, without the dollar sign.
	named map[string]string
	// opens is true where a brace follows.
	opens bool
}

var callHead = regexp.MustCompile(`^\$?[A-Za-z_]\w*\s*\(`)

// callLooks are the colours and stereotypes that may follow a call.
var callLooks = regexp.MustCompile(`#\w+|<<[^<>]*>>`)

// parseCall reads Name(a, "b, c", $d="e") and what may follow it.
func parseCall(text string) (call, bool) {
	head := callHead.FindString(text)
	if head == "" {
		return call{}, false
	}
	inner, rest, ok := balanced(text[len(head):])
	rest = strings.TrimSpace(callLooks.ReplaceAllString(rest, ""))
	if !ok || rest != "" && rest != "{" {
		return call{}, false
	}
	c := call{name: strings.TrimSpace(head[:len(head)-1]), named: map[string]string{}, opens: rest == "{"}
	for _, arg := range splitArguments(inner) {
		if m := namedArgument.FindStringSubmatch(arg); m != nil {
			c.named[m[1]] = argument(m[2])
			continue
		}
		c.args = append(c.args, argument(arg))
	}
	return c, true
}

var namedArgument = regexp.MustCompile(`(?s)^\$(\w+)\s*=\s*(.*)$`)

// argument takes the quotes off an argument.
func argument(s string) string {
	s = strings.TrimSpace(s)
	if len(s) >= 2 && s[0] == '"' && s[len(s)-1] == '"' {
		return s[1 : len(s)-1]
	}
	return s
}

// balanced parts a text at the parenthesis that closes one before it.
func balanced(s string) (inner, rest string, ok bool) {
	depth, quoted := 0, false
	for i := range len(s) {
		switch {
		case s[i] == '"':
			quoted = !quoted
		case quoted:
		case s[i] == '(':
			depth++
		case s[i] == ')' && depth > 0:
			depth--
		case s[i] == ')':
			return s[:i], s[i+1:], true
		}
	}
	return "", "", false
}

// splitArguments parts arguments at the commas outside of quotes and
// parentheses.
func splitArguments(s string) []string {
	var parts []string
	depth, quoted, start := 0, false, 0
	for i := range len(s) {
		switch {
		case s[i] == '"':
			quoted = !quoted
		case quoted:
		case s[i] == '(':
			depth++
		case s[i] == ')':
			depth--
		case s[i] == ',' && depth == 0:
			parts = append(parts, strings.TrimSpace(s[start:i]))
			start = i + 1
		}
	}
	if last := strings.TrimSpace(s[start:]); last != "" || len(parts) > 0 {
		parts = append(parts, last)
	}
	return parts
}

// field is an argument of an element by the name of its field.
func (m macro) field(c call, name string) string {
	if v, ok := c.named[name]; ok {
		return v
	}
	for i, f := range m.Fields {
		if f == name && i+1 < len(c.args) {
			return c.args[i+1]
		}
	}
	return ""
}

// run does what a macro declares, and reports false where its arguments do
// not fit. Boundaries open groups.
func (g *graph) run(m macro, c call, clean func(string) string, at place) bool {
	switch m.kind {
	case macroElement:
		return g.runElement(m, c, clean, at)
	case macroBoundary:
		return g.runBoundary(m, c, clean, at)
	case macroRelation:
		return g.runRelation(m, c, clean, at)
	case macroEnd:
		return g.closeGroup()
	}
	return true
}

// technology is what an element is built with.
func (m macro) technology(c call, clean func(string) string) string {
	return clean(first(c.named["techn"], m.field(c, "technology")))
}

func (g *graph) runElement(m macro, c call, clean func(string) string, at place) bool {
	id := c.alias()
	if id == "" {
		return false
	}
	if n := g.declare(id, at); n != nil {
		n.label(first(clean(m.field(c, "label")), id), at)
		n.technology = m.technology(c, clean)
		n.shape = strings.ToLower(c.name)
		n.stereotype = strings.ToLower(clean(c.named["type"]))
	}
	return true
}

func (g *graph) runBoundary(m macro, c call, clean func(string) string, at place) bool {
	id := c.alias()
	if id == "" {
		return false
	}
	gr := g.openGroup(id, first(clean(m.field(c, "label")), id), at)
	if m.Container {
		gr.technology = m.technology(c, clean)
		gr.shape = strings.ToLower(c.name)
	}
	return true
}

// alias is the name of an element in the source.
func (c call) alias() string {
	if v := c.named["alias"]; v != "" {
		return v
	}
	if len(c.args) == 0 {
		return ""
	}
	return c.args[0]
}

func (g *graph) runRelation(m macro, c call, clean func(string) string, at place) bool {
	args := c.args
	if len(args) < m.Skip {
		return false
	}
	args = args[m.Skip:]
	get := func(i int, name string) string {
		if v, ok := c.named[name]; ok {
			return v
		}
		if i < len(args) {
			return args[i]
		}
		return ""
	}
	from, to := get(0, "from"), get(1, "to")
	if from == "" || to == "" {
		return false
	}
	if m.Backward {
		from, to = to, from
	}
	label := clean(get(2, "label"))
	if technology := clean(get(3, "techn")); technology != "" {
		label = strings.TrimSpace(label + " [" + technology + "]")
	}
	g.mention(from, at)
	g.mention(to, at)
	if !g.full {
		g.edge(from, to, label, m.Both, at)
	}
	return true
}
