package diagram

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

// readMermaid reads a Mermaid diagram of a type that shows elements and
// flows.
func readMermaid(source string) (threatmodel.Diagram, []Problem) {
	start := skipPreamble(source)
	header := firstWord(source[start:])
	var g *graph
	switch strings.TrimSuffix(header, ":") {
	case "graph", "flowchart", "flowchart-elk", "swimlane":
		g = readFlowchart(source, start)
	case "sequenceDiagram":
		g = readSequence(source, start+len(header))
	case "C4Context", "C4Container", "C4Component", "C4Dynamic", "C4Deployment":
		g = readC4(source, start+len(header))
	case "architecture-beta", "architecture":
		g = readArchitecture(source, start+len(header))
	case "block-beta", "block":
		g = readBlocks(source, start+len(header))
	default:
		return threatmodel.Diagram{}, []Problem{{
			lineNumber(source, start),
			fmt.Sprintf("a diagram of the type %q is kept as text; its elements are not read", header),
		}}
	}
	return g.diagram(), g.problems
}

var bareHeader = regexp.MustCompile(`^(?:(?:graph|flowchart(?:-elk)?)[ \t]+(?:TB|TD|BT|RL|LR)[ \t]*(?:;|\n)|(?:sequenceDiagram|C4(?:Context|Container|Component|Dynamic|Deployment)|architecture-beta|block-beta)[ \t]*(?:;|\n))`)

// IsMermaid reports whether a whole text is the source of a diagram that
// [Read] reads as Mermaid.
func IsMermaid(text string) bool {
	return bareHeader.MatchString(text[skipPreamble(text):])
}

// skipPreamble finds the line that names the type: after front matter,
// directives and comments.
func skipPreamble(source string) int {
	for at := frontMatter(source); at < len(source); {
		rest := source[at:]
		trimmed := strings.TrimLeft(rest, " \t\n")
		at += len(rest) - len(trimmed)
		switch {
		case strings.HasPrefix(trimmed, "%%{"):
			end := strings.Index(trimmed, "}%%")
			if end < 0 {
				return at
			}
			at += end + len("}%%")
		case strings.HasPrefix(trimmed, "%%"):
			at += lineLength(trimmed)
		default:
			return at
		}
	}
	return len(source)
}

// frontMatter is the length of the settings between two rules that a diagram
// begins with; 0 where it has none. A page may indent them as it does all.
func frontMatter(source string) int {
	const rule = "---"
	at := len(source) - len(strings.TrimLeft(source, " \t\n"))
	if !strings.HasPrefix(source[at:], rule) || strings.TrimSpace(source[at:at+lineLength(source[at:])]) != rule {
		return 0
	}
	for at += lineLength(source[at:]) + 1; at < len(source); at += lineLength(source[at:]) + 1 {
		if line := source[at : at+lineLength(source[at:])]; strings.HasPrefix(strings.TrimLeft(line, " \t"), rule) {
			return at + strings.Index(line, rule) + len(rule)
		}
	}
	return 0
}

// firstWord is what stands before the first white space or semicolon.
func firstWord(s string) string {
	if i := strings.IndexAny(s, " \t\n;"); i >= 0 {
		return s[:i]
	}
	return s
}

// lineLength is the number of bytes up to the end of the line.
func lineLength(s string) int {
	if i := strings.IndexByte(s, '\n'); i >= 0 {
		return i
	}
	return len(s)
}
