package diagram

import (
	_ "embed"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/goccy/go-yaml"

	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

//go:embed plantuml.yaml
var plantUMLYAML []byte

// pumlWords are the words of PlantUML.
type pumlWords struct {
	Elements     []string            `yaml:"elements"`
	Interfaces   []string            `yaml:"interfaces"`
	Ports        []string            `yaml:"ports"`
	Participants []string            `yaml:"participants"`
	Sequence     []string            `yaml:"sequence"`
	Component    []string            `yaml:"component"`
	Others       map[string][]string `yaml:"others"`
	Relations    []string            `yaml:"relations"`
	Looks        []string            `yaml:"looks"`
	Texts        []string            `yaml:"texts"`
	Fragments    []string            `yaml:"fragments"`
	Sections     []string            `yaml:"sections"`
	Includes     []string            `yaml:"includes"`
}

var pumlVocabulary = sync.OnceValue(func() pumlWords {
	var w pumlWords
	if err := yaml.UnmarshalWithOptions(plantUMLYAML, &w, yaml.Strict()); err != nil {
		panic(fmt.Sprintf("diagram: embedded plantuml.yaml: %v", err))
	}
	return w
})

// puml reads a PlantUML diagram, statement by statement.
type puml struct {
	*graph
	words      pumlWords
	statements []statement
	// at is the next statement.
	at int
	// braces are the open ones: true for those of a group.
	braces []bool
	// names leads from what elements show to their ids, where they have both.
	names map[string]string
	// aliases leads from ports to the elements that they are part of.
	aliases map[string]string
	// notes are the names of notes, which are no elements.
	notes map[string]bool
	// fragments counts open alternatives, loops and the like of a sequence.
	fragments int
}

var pumlStart = regexp.MustCompile(`(?m)^[ \t]*[@\\]start([a-z]+)`)

// readPlantUML reads a PlantUML diagram of a type that shows elements and
// flows.
func readPlantUML(source string) (threatmodel.Diagram, []Problem) {
	if m := pumlStart.FindStringSubmatchIndex(source); m != nil && source[m[2]:m[3]] != "uml" {
		return threatmodel.Diagram{}, otherType(source, m[0], source[m[2]:m[3]])
	}
	g := newGraph("plantuml", Component, source)
	g.declaring = true
	p := &puml{
		graph: g, words: pumlVocabulary(), statements: preprocess(g),
		names: map[string]string{}, aliases: map[string]string{}, notes: map[string]bool{},
	}
	read := (*puml).component
	switch kind, at := p.classify(); kind {
	case Component:
	case Sequence:
		g.kind, read = Sequence, (*puml).sequence
	default:
		return threatmodel.Diagram{}, append(g.problems, otherType(source, at, kind)...)
	}
	for p.at < len(p.statements) && !p.full {
		s := p.statements[p.at]
		p.at++
		if !p.anywhere(s) && !read(p, s) {
			p.misread(s.start)
		}
	}
	return g.diagram(), g.problems
}

func otherType(source string, offset int, kind string) []Problem {
	return []Problem{{
		lineNumber(source, offset),
		fmt.Sprintf("a PlantUML diagram of the type %q is kept as text; its elements are not read", kind),
	}}
}

// classify tells what the diagram is of, by the words that its statements
// begin with; for a type that is not read, also where that shows.
func (p *puml) classify() (string, int) {
	component, other, at := false, "", 0
	for _, s := range p.statements {
		if c, ok := parseCall(s.text); ok {
			if _, known := macroNamed(c.name); known {
				continue // it may stand in either
			}
		}
		word := pumlWord(s.text)
		if word != "" && findArrow(s.text[len(word):]) {
			word = "" // a name
		}
		switch {
		case slices.Contains(p.words.Sequence, word), strings.HasPrefix(s.text, "=="), strings.HasPrefix(s.text, "->"):
			if other == "" && !component {
				return Sequence, 0
			}
		case slices.Contains(p.words.Component, word), isComponentMark(s.text):
			component = true
		}
		for kind, words := range p.words.Others {
			if other == "" && (slices.Contains(words, word) || kind == "class" && isTableHead(s.text) || kind == "activity" && isActivity(s.text) || kind == "state" && stateMark.MatchString(s.text)) {
				other, at = kind, s.start
			}
		}
	}
	switch {
	case other != "" && (!component || other == "activity"):
		return other, at
	case component || p.hasMacros():
		return Component, 0
	}
	return Sequence, 0
}

var (
	componentMark = regexp.MustCompile(`^(?:\[[^\[\]*>\n]+\]|\(\)|\([^)*\n]+\)|:[^:\n]+:\s|\S+\s+(?:[.~=]+|[<|*o]*-+(?:up|down|left|right|[udlr])-)|[^:"]*[-.=~>]\s*(?:\[[^\]*#\n]+\]|\([^)*\n]+\))|(?:database|queue|collections|entity|boundary|control|actor)\b.*\{$)`)
	tableHead     = regexp.MustCompile(`^entity\b.*\{$`)
	stateMark     = regexp.MustCompile(`^\[(?:\*|H\*?)\]\s|>\s*\[(?:\*|H\*?)\]\s*(?::|$)`)
	activityMark  = regexp.MustCompile(`^(?::[^:]*[;|<>/\]}]$|if\s*\(|\(\*\)|\|[^|]+\|$|endif|else\s*\()`)
)

// isComponentMark reports whether a statement is one that only diagrams of
// components have.
func isComponentMark(text string) bool { return componentMark.MatchString(text) && !isTableHead(text) }

// isTableHead reports whether a statement opens a table of an entity
// relationship diagram.
func isTableHead(text string) bool { return tableHead.MatchString(text) }

func isActivity(text string) bool { return activityMark.MatchString(text) }

// hasMacros reports whether macros declare what there is, outside of a
// sequence.
func (p *puml) hasMacros() bool {
	for _, s := range p.statements {
		if c, ok := parseCall(s.text); ok && p.isMacro(s.text, c) {
			return true
		}
	}
	return false
}

// pumlWord is the keyword that a statement begins with.
func pumlWord(text string) string {
	i := strings.IndexFunc(text, func(r rune) bool {
		return r != '_' && r != '@' && r != '.' && (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z')
	})
	switch {
	case i < 0:
		return strings.ToLower(text)
	case strings.IndexByte(" \t{/:\"[(<", text[i]) < 0:
		return ""
	}
	return strings.ToLower(text[:i])
}
