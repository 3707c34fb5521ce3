package markdown

import (
	"bytes"
	"regexp"

	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/text"
)

// verbatim is text between two tags of a site generator in which nothing is
// Markdown: code, the source of a diagram, or a comment.
type verbatim struct {
	ast.BaseBlock
	language string
	comment  bool
	// end is the offset of the line that ends it.
	end int
}

var kindVerbatim = ast.NewNodeKind("Verbatim")

// Kind implements ast.Node.
func (*verbatim) Kind() ast.NodeKind { return kindVerbatim }

// IsRaw implements ast.Node: no inline parser looks at the lines.
func (*verbatim) IsRaw() bool { return true }

// Dump implements ast.Node.
func (n *verbatim) Dump(source []byte, level int) { ast.DumpHelper(n, source, level, nil, nil) }

// verbatimForms are the tags that open such text, with the group that names
// the language, and what ends it. A comment shows nothing.
var verbatimForms = []struct {
	open    *regexp.Regexp
	end     string
	comment bool
}{
	{regexp.MustCompile(`^\{/\*`), `\*/\}`, true},
	{regexp.MustCompile(`^\{\{[<%]?/\*`), `\*/[>%]?\}\}`, true},
	{regexp.MustCompile(`^\{%-? *comment *-?%\}`), `\{%-? *endcomment *-?%\}`, true},
	{regexp.MustCompile(`^\{\{[<%] *comment *[>%]\}\}`), `\{\{[<%] */ *comment *[>%]\}\}`, true},
	{regexp.MustCompile(`^\{%-? *highlight +([\w+-]+)[^%]*%\} *$`), `\{%-? *endhighlight *-?%\}`, false},
	{regexp.MustCompile(`^\{%-? *(mermaid|plantuml|uml)\b[^%]*%\} *$`), `\{%-? *end(?:mermaid|plantuml|uml) *-?%\}`, false},
	{regexp.MustCompile(`^\{\{[<%] *highlight +"?([\w+-]+)[^}]*\}\} *$`), `\{\{[<%] */ *highlight *[>%]\}\}`, false},
	{regexp.MustCompile(`^\{\{[<%] *code\b(?:[^}]*?lang(?:uage)?="?([\w+-]+))?[^}]*\}\} *$`), `\{\{[<%] */ *code *[>%]\}\}`, false},
	{regexp.MustCompile(`^\{\{[<%] *(mermaid|plantuml|uml)\b[^}]*\}\} *$`), `\{\{[<%] */ *(?:mermaid|plantuml|uml) *[>%]\}\}`, false},
	{regexp.MustCompile(`^:{3,} *\{?\.?(mermaid|plantuml)\}? *$`), `(?m)^ {0,3}:{3,} *$`, false},
}

// verbatimParser reads such text. A tag that nothing ends opens none.
type verbatimParser struct{ ends []*regexp.Regexp }

func newVerbatimParser() parser.BlockParser {
	p := verbatimParser{}
	for _, f := range verbatimForms {
		p.ends = append(p.ends, regexp.MustCompile(f.end))
	}
	return p
}

// Trigger implements parser.BlockParser.
func (verbatimParser) Trigger() []byte { return []byte{'{', ':'} }

// Open implements parser.BlockParser.
func (p verbatimParser) Open(_ ast.Node, reader text.Reader, pc parser.Context) (ast.Node, parser.State) {
	line, at := reader.PeekLine()
	line = bytes.TrimRight(line, "\n")
	indent := len(line) - len(bytes.TrimLeft(line, " "))
	for i, f := range verbatimForms {
		m := f.open.FindSubmatch(line[indent:])
		if m == nil {
			continue
		}
		from := firstText(line, at) + len(m[0])
		start, end := p.find(i, from, reader.Source(), pc)
		if start < 0 {
			return nil, parser.NoChildren
		}
		after := reader.Source()[end:min(len(reader.Source()), end+maxTag)]
		if f.comment && bytes.IndexByte(after[:lineEnd(after)], '}') >= 0 {
			return nil, parser.NoChildren // another tag follows on its line
		}
		n := &verbatim{comment: f.comment, end: start}
		if len(m) > 1 {
			n.language = string(m[1])
		}
		if n.end < at.Stop {
			if !f.comment || end < at.Stop && len(bytes.TrimSpace(reader.Source()[end:at.Stop])) > 0 {
				return nil, parser.NoChildren
			}
		}
		reader.AdvanceToEOL()
		return n, parser.NoChildren
	}
	return nil, parser.NoChildren
}

// found is where the first end of a form from some offset on stands; start is
// negative where there is none.
type found struct{ from, start, end int }

var verbatimKey = parser.NewContextKey()

// find finds the end of a form. What was found is kept until a search begins
// after it, so that all searches together look at the text once.
func (p verbatimParser) find(form, from int, source []byte, pc parser.Context) (start, end int) {
	kept, ok := pc.Get(verbatimKey).(map[int]found)
	if !ok {
		kept = map[int]found{}
		pc.Set(verbatimKey, kept)
	}
	if k, ok := kept[form]; ok && k.from <= from && (k.start < 0 || k.start >= from) {
		return k.start, k.end
	}
	k := found{from: from, start: -1}
	if from < len(source) {
		if m := p.ends[form].FindIndex(source[from:]); m != nil {
			k.start, k.end = from+m[0], from+m[1]
		}
	}
	kept[form] = k
	return k.start, k.end
}

// lineEnd is the number of bytes up to the end of the line.
func lineEnd(s []byte) int {
	if i := bytes.IndexByte(s, '\n'); i >= 0 {
		return i
	}
	return len(s)
}

// Continue implements parser.BlockParser.
func (verbatimParser) Continue(node ast.Node, reader text.Reader, _ parser.Context) parser.State {
	n := node.(*verbatim)
	_, at := reader.PeekLine()
	if n.end < at.Start {
		return parser.Close
	}
	if n.end < at.Stop {
		reader.AdvanceToEOL()
		n.end = -1
		return parser.Continue | parser.NoChildren
	}
	n.Lines().Append(at)
	reader.AdvanceToEOL()
	return parser.Continue | parser.NoChildren
}

// Close implements parser.BlockParser.
func (verbatimParser) Close(ast.Node, text.Reader, parser.Context) {}

// CanInterruptParagraph implements parser.BlockParser.
func (verbatimParser) CanInterruptParagraph() bool { return true }

// CanAcceptIndentedLine implements parser.BlockParser.
func (verbatimParser) CanAcceptIndentedLine() bool { return false }
