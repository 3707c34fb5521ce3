// Package diagram reads the elements, flows and boundaries out of diagrams:
// those written as text, in Mermaid and PlantUML, and those drawn in draw.io
// and Gliffy.
//
// It is lenient where their own tools are strict: a statement that it does not
// understand is a [Problem], and the rest of the diagram is still read.
package diagram

import (
	"path"
	"regexp"
	"strings"

	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

// Problem is a part of a diagram that could not be read.
type Problem struct {
	// Line counts from 1 within the diagram's source.
	Line int
	// Text says what stands there and what is wrong with it.
	Text string
}

// Types of diagram.
const (
	Flowchart    = "flowchart"
	Sequence     = "sequence"
	C4           = "c4"
	Architecture = "architecture"
	Block        = "block"
	Component    = "component"
	Drawing      = "drawing"
)

// Limits on what one diagram may hold: a few bytes can ask for millions of
// edges.
const (
	maxNodes  = 2000
	maxEdges  = 5000
	maxSource = 256 << 10
)

// Is reports whether a language, as it stands after a fence, is one in which
// diagrams are written.
func Is(language string) bool {
	switch strings.ToLower(language) {
	case "mermaid", "mmd", "plantuml", "puml", "c4plantuml", "wsd", "iuml":
		return true
	}
	return false
}

// LanguageOf tells in which language of diagrams a whole text is written; it is
// empty for a text that is no diagram. Its content decides; the name of its
// file only where that says nothing.
func LanguageOf(name, text string) string {
	switch {
	case IsMermaid(text):
		return "mermaid"
	case wholePlantUML.MatchString(text):
		return "plantuml"
	}
	switch strings.ToLower(path.Ext(name)) {
	case ".mmd", ".mermaid":
		return "mermaid"
	case ".puml", ".plantuml", ".pu", ".iuml", ".wsd":
		return "plantuml"
	}
	return ""
}

// wholePlantUML is the start of a text that begins with a diagram, after
// comments.
var wholePlantUML = regexp.MustCompile(`^(?:\s*(?:'.*|/'[^']*'/)?\n)*[ \t]*@start(?:uml|c4|mindmap|wbs|json|yaml|gantt|salt|ditaa)\b`)

// Starts reports whether a line begins a diagram in PlantUML, Ends whether it
// ends one.
func Starts(line string) bool { return startLine.MatchString(line) }

// Ends is the other end of what [Starts] begins.
func Ends(line string) bool { return endLine.MatchString(line) }

var (
	startLine = regexp.MustCompile(`^\s*@start(?:uml|c4|mindmap|wbs|json|yaml|gantt|salt|ditaa)\b`)
	endLine   = regexp.MustCompile(`^\s*@end(?:uml|c4|mindmap|wbs|json|yaml|gantt|salt|ditaa)\b`)
)

// Read reads a diagram in the given language. The diagram has no type where
// it is of a kind that shows no elements and flows, or in a language that is
// not read; then the problems say so. Offsets of nodes and edges are those of
// the lines of source that declare them. Arrows from a node to itself are no
// flows and are left out.
func Read(language, source string) (threatmodel.Diagram, []Problem) {
	if len(source) > maxSource {
		return threatmodel.Diagram{}, []Problem{{1, "a diagram of this length is kept as text; its elements are not read"}}
	}
	switch strings.ToLower(language) {
	case "mermaid", "mmd":
		return readMermaid(source)
	case "plantuml", "puml", "c4plantuml", "wsd", "iuml":
		return readPlantUML(source)
	}
	return threatmodel.Diagram{}, []Problem{{1, "diagrams in " + language + " are kept as text; their elements are not read"}}
}

// place is the line of the source that declares something, without the
// blanks around it.
type place struct{ start, end int }

// lineOf is the line around an offset.
func lineOf(source string, offset int) place {
	start := strings.LastIndexByte(source[:offset], '\n') + 1
	line := source[start : offset+lineLength(source[offset:])]
	indent := len(line) - len(strings.TrimLeft(line, " \t"))
	return place{start + indent, start + max(indent, len(strings.TrimRight(line, " \t")))}
}

// lineNumber is the 1-based line of an offset.
func lineNumber(source string, offset int) int {
	return 1 + strings.Count(source[:offset], "\n")
}
