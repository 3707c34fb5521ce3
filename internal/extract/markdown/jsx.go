package markdown

import (
	"bytes"
	"regexp"
	"strings"

	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/text"
)

// component is a tag of a page's components, as Docusaurus has them, that
// stands on lines of its own. What it shows of its parameters is text.
type component struct {
	ast.BaseBlock
	// end is the offset after the tag.
	end   int
	shown []text.Segment
}

var kindComponent = ast.NewNodeKind("Component")

// Kind implements ast.Node.
func (*component) Kind() ast.NodeKind { return kindComponent }

// Dump implements ast.Node.
func (n *component) Dump(source []byte, level int) { ast.DumpHelper(n, source, level, nil, nil) }

// componentParser reads tags whose name begins with a capital letter, over
// several lines and with expressions in braces, and the lines that import and
// export code.
type componentParser struct{}

var (
	componentTag = regexp.MustCompile(`^</?([A-Z][\w.]*)[\s/>]`)
	codeLine     = regexp.MustCompile(`^(?:import\s[^\n]*["'][^"'\n]+["'];?|import\s+(?:\{|\w+,? *\{)[^\n"']*|export\s+(?:default|const|let|var|function|class|async)\b[^\n]*|export\s+[{*][^\n]*)\s*$`)
	shownParam   = regexp.MustCompile(`\b(?:title|label|caption|summary|heading)=(?:\{\s*)?(?:"([^"{}]*)"|'([^'{}]*)')`)
)

// Trigger implements parser.BlockParser.
func (componentParser) Trigger() []byte { return []byte("<ie") }

// maxComponent is the longest tag, in bytes.
const maxComponent = 2 << 10

// Open implements parser.BlockParser.
func (componentParser) Open(_ ast.Node, reader text.Reader, pc parser.Context) (ast.Node, parser.State) {
	line, at := reader.PeekLine()
	start := firstText(line, at)
	source := reader.Source()
	if codeLine.Match(line) {
		end := bytes.Index(source[at.Start:], []byte("\n\n"))
		if end < 0 {
			end = len(source) - at.Start
		}
		n := &component{end: at.Start + end}
		if bytes.HasPrefix(line, []byte("import")) && bytes.ContainsAny(line, `"'`) {
			n.end = at.Stop // one line, others may follow
		}
		reader.AdvanceToEOL()
		return n, parser.NoChildren
	}
	m := componentTag.FindSubmatch(source[start:min(len(source), start+maxTag)])
	if m == nil {
		return nil, parser.NoChildren
	}
	size := tagSize(source[start:min(len(source), start+maxComponent)])
	if size == 0 || !isComponent(source, start, size, string(m[1]), pc) {
		return nil, parser.NoChildren
	}
	if rest := source[start+size:]; len(bytes.TrimSpace(rest[:lineEnd(rest)])) > 0 {
		return nil, parser.NoChildren
	}
	n := &component{end: start + size}
	for _, p := range shownParam.FindAllSubmatchIndex(source[start:start+size], -1) {
		for g := 2; g < len(p); g += 2 {
			if p[g] >= 0 && p[g+1] > p[g] {
				n.shown = append(n.shown, text.NewSegment(start+p[g], start+p[g+1]))
			}
		}
	}
	reader.AdvanceToEOL()
	return n, parser.NoChildren
}

// firstText is the offset of the first character of a line that is no blank.
// Blanks that stand for part of a tab are not in the source.
func firstText(line []byte, at text.Segment) int {
	return at.Start + max(0, len(line)-len(bytes.TrimLeft(line, " "))-at.Padding)
}

// tagSize is the size of the tag at the start of s, with quoted values and
// expressions in braces; 0 where it does not end.
func tagSize(s []byte) int {
	depth := 0
	var quote byte
	for i, c := range s {
		switch {
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '"' || c == '\'' || c == '`':
			quote = c
		case c == '{':
			depth++
		case c == '}':
			depth--
		case c == '>' && depth <= 0 && i > 0 && s[i-1] != '=':
			return i + 1
		case c == '\n' && i+1 < len(s) && s[i+1] == '\n' && depth <= 0:
			return 0
		}
	}
	return 0
}

// isComponent tells a tag from a name in angle brackets: it ends itself, has
// parameters, or another tag ends it.
func isComponent(source []byte, start, size int, name string, pc parser.Context) bool {
	tag := source[start : start+size]
	if bytes.HasPrefix(tag, []byte("</")) || bytes.HasSuffix(tag, []byte("/>")) || bytes.IndexByte(tag, '=') >= 0 {
		return true
	}
	tags, ok := pc.Get(endTagsKey).(map[string]int)
	if !ok {
		tags = lastEndTags(source)
		pc.Set(endTagsKey, tags)
	}
	last, ok := tags[strings.ToLower(name)]
	return ok && last >= start+size
}

var endTagsKey = parser.NewContextKey()

// Continue implements parser.BlockParser.
func (componentParser) Continue(node ast.Node, reader text.Reader, _ parser.Context) parser.State {
	_, at := reader.PeekLine()
	if node.(*component).end <= at.Start {
		return parser.Close
	}
	reader.AdvanceToEOL()
	return parser.Continue | parser.NoChildren
}

// Close implements parser.BlockParser.
func (componentParser) Close(ast.Node, text.Reader, parser.Context) {}

// CanInterruptParagraph implements parser.BlockParser.
func (componentParser) CanInterruptParagraph() bool { return false }

// CanAcceptIndentedLine implements parser.BlockParser.
func (componentParser) CanAcceptIndentedLine() bool { return true }

// component writes what a component shows of its parameters, such as the label
// of a tab.
func (d *document) component(n *component) {
	for _, s := range n.shown {
		d.segment(s, false)
		d.endParagraph()
	}
}
