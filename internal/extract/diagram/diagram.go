// Package diagram reads the elements, flows and boundaries out of diagrams:
// those written as text, in Mermaid and PlantUML, and those drawn in draw.io.
//
// It is lenient where their own tools are strict: a statement that it does not
// understand is a [Problem], and the rest of the diagram is still read.
package diagram

import (
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
