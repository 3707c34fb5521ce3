package markdown

import (
	"bytes"
	"regexp"
	"strings"

	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/text"
)

// directiveParser reads the boxes that MyST writes as a fence:
//
//	```{note} Title
//	:class: wide
//	Text.
//	```
//
// A fence in braces that holds no Markdown is left to the parser of fences.
type directiveParser struct{}

var (
	directiveLine   = regexp.MustCompile("^ {0,3}(`{3,}|~{3,})\\{([a-z][\\w-]*)\\}[ \\t]*([^`\\n]*?)\\s*$")
	directiveOption = regexp.MustCompile(`^ {0,3}:[\w-]+:(?: |\s*$)`)
)

// directives are those that hold Markdown.
var directives = set(`note warning tip important caution danger attention hint seealso admonition error todo deprecated
	versionadded versionchanged dropdown tab-set tab-item card grid grid-item grid-item-card topic sidebar epigraph margin
	figure question abstract info success failure bug example quote details aside`)

// Trigger implements parser.BlockParser.
func (directiveParser) Trigger() []byte { return []byte("`~") }

// Open implements parser.BlockParser.
func (directiveParser) Open(_ ast.Node, reader text.Reader, _ parser.Context) (ast.Node, parser.State) {
	line, at := reader.PeekLine()
	m := directiveLine.FindSubmatchIndex(line)
	if m == nil || !directives[string(line[m[4]:m[5]])] {
		return nil, parser.NoChildren
	}
	n := &admonition{fence: string(line[m[2]:m[3]]), options: true}
	if name := string(line[m[4]:m[5]]); name != "figure" && m[7] > m[6] {
		n.title = within(at, m[6], m[7])
	}
	reader.AdvanceToEOL()
	return n, parser.HasChildren
}

// Continue implements parser.BlockParser.
func (directiveParser) Continue(node ast.Node, reader text.Reader, _ parser.Context) parser.State {
	n := node.(*admonition)
	line, _ := reader.PeekLine()
	if isFenceEnd(line, n.fence) {
		reader.AdvanceToEOL()
		return parser.Close
	}
	if n.options = n.options && directiveOption.Match(line); n.options {
		reader.AdvanceToEOL()
	}
	return parser.Continue | parser.HasChildren
}

// isFenceEnd reports whether a line ends a fence: as many of its characters,
// and nothing else.
func isFenceEnd(line []byte, fence string) bool {
	mark := bytes.TrimSpace(line)
	return len(mark) >= len(fence) && len(bytes.Trim(mark, fence[:1])) == 0
}

// Close implements parser.BlockParser.
func (directiveParser) Close(ast.Node, text.Reader, parser.Context) {}

// CanInterruptParagraph implements parser.BlockParser.
func (directiveParser) CanInterruptParagraph() bool { return true }

// CanAcceptIndentedLine implements parser.BlockParser.
func (directiveParser) CanAcceptIndentedLine() bool { return false }

// diagramNames are other names of the languages in which diagrams are written.
var diagramNames = map[string]string{
	"uml": "plantuml", "plantuml-svg": "plantuml", "plantuml-png": "plantuml", "mermaidjs": "mermaid",
}

// fenceLanguage is the language that an info string names: its first word, the
// argument of a directive for code, the type of a diagram that a service draws.
func fenceLanguage(info string) string {
	words := strings.FieldsFunc(info, func(r rune) bool { return strings.ContainsRune(" \t,{}:;()", r) })
	if len(words) == 0 {
		return ""
	}
	language := strings.TrimPrefix(words[0], ".")
	switch language {
	case "code-block", "code", "sourcecode", "code-cell":
		if len(words) > 1 && strings.HasPrefix(strings.TrimSpace(info), "{") {
			language = words[1]
		}
	case "kroki":
		for _, w := range words[1:] {
			if kind, ok := strings.CutPrefix(w, "type="); ok {
				language = strings.Trim(kind, `"'`)
			}
		}
	}
	language = strings.TrimPrefix(language, "kroki-")
	if name, ok := diagramNames[strings.ToLower(language)]; ok {
		return name
	}
	return language
}
