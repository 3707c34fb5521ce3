package markdown

import (
	"bytes"
	"regexp"

	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/text"

	"github.com/bartizan-security/bartizan/internal/extract/flow"
	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

// include is a line that stands for the text of another file. That file is a
// document of its own where it is among those that are read, so its text is
// not put in here a second time.
type include struct {
	ast.BaseBlock
	line   text.Segment
	target string
}

var kindInclude = ast.NewNodeKind("Include")

// Kind implements ast.Node.
func (*include) Kind() ast.NodeKind { return kindInclude }

// Dump implements ast.Node.
func (n *include) Dump(source []byte, level int) { ast.DumpHelper(n, source, level, nil, nil) }

// includeForms are the lines with which site generators and wikis include a
// file; the group is its name.
var includeForms = []*regexp.Regexp{
	regexp.MustCompile(`^-+8<-+ +["']([^"'\n]+)["']$`), // MkDocs snippets
	regexp.MustCompile(`^\{! *([^!\n]+?) *!\}$`),       // markdown-include
	regexp.MustCompile(`^\{%-? *(?:include|include_relative|include-markdown|include_file) +["']?([^"'\s%]+)["']?[^%\n]*%\}$`),      // Jekyll, MkDocs, GitBook
	regexp.MustCompile(`^\{\{[<%] *(?:include|include-md|readfile|import|snippet) +(?:\w+=)?["']?([^"'\s]+?)["']?[^}\n]*[>%]\}\}$`), // Hugo
	regexp.MustCompile(`^::include\{ *file=["']?([^"'}\n]+)["']? *\}$`),                                                             // GitLab
	regexp.MustCompile(`^<!-- *@include: *([^\s{]+)[^\n]*-->$`),                                                                     // VitePress
	regexp.MustCompile(`^<<< *(?:@/)?([^\s{#]+)[^\n]*$`),                                                                            // VitePress code
	regexp.MustCompile(`^import +\w+ +from +["']([^"'\n]+\.mdx?)["'];?$`),                                                           // Docusaurus
	regexp.MustCompile(`^!\[\[([^\]|#\n]+\.?[^\]|#\n]*)(?:[|#][^\]\n]*)?\]\]$`),                                                     // Obsidian
	regexp.MustCompile(`^\[!INCLUDE *\[[^\]\n]*\]\(([^)\n]+)\)\]$`),                                                                 // DocFX
	regexp.MustCompile("^(?:`{3,}|~{3,}|:{3,}) *\\{include\\} +(\\S+)$"),                                                            // MyST
}

// includeParser reads such lines.
type includeParser struct{}

// Trigger implements parser.BlockParser.
func (includeParser) Trigger() []byte { return []byte("-{:<i![`~") }

// Open implements parser.BlockParser.
func (includeParser) Open(_ ast.Node, reader text.Reader, _ parser.Context) (ast.Node, parser.State) {
	line, at := reader.PeekLine()
	shown := bytes.TrimSpace(line)
	if len(shown) > maxTag {
		return nil, parser.NoChildren
	}
	for _, f := range includeForms {
		m := f.FindSubmatch(shown)
		if m == nil {
			continue
		}
		reader.AdvanceToEOL()
		at = at.TrimLeftSpace(reader.Source())
		at = at.TrimRightSpace(reader.Source())
		return &include{line: at, target: string(m[1])}, parser.NoChildren
	}
	return nil, parser.NoChildren
}

// Continue implements parser.BlockParser. What MyST writes between the fences
// of an include are its options.
func (includeParser) Continue(node ast.Node, reader text.Reader, _ parser.Context) parser.State {
	n := node.(*include)
	opening := n.line.Value(reader.Source())
	fence := len(opening) - len(bytes.TrimLeft(opening, string(opening[:1])))
	if !bytes.Contains(opening, []byte("{include}")) || fence < 3 {
		return parser.Close
	}
	line, _ := reader.PeekLine()
	shown := bytes.TrimSpace(line)
	switch {
	case len(shown) >= fence && len(bytes.Trim(shown, string(opening[:1]))) == 0:
		reader.AdvanceToEOL()
		return parser.Close
	case len(shown) > 0 && shown[0] != ':':
		return parser.Close
	}
	reader.AdvanceToEOL()
	return parser.Continue | parser.NoChildren
}

// Close implements parser.BlockParser.
func (includeParser) Close(ast.Node, text.Reader, parser.Context) {}

// CanInterruptParagraph implements parser.BlockParser.
func (includeParser) CanInterruptParagraph() bool { return true }

// CanAcceptIndentedLine implements parser.BlockParser.
func (includeParser) CanAcceptIndentedLine() bool { return false }

// include writes the line as it stands in the file, with a link to what it
// includes. It is no text of the document.
func (d *document) include(n *include) {
	r := flow.Run{Words: true}
	r.Add(string(n.line.Value(d.src.text)), d.src.line(n.line.Start))
	if target := flow.FileTarget(n.target); target != "" {
		r.Links = []threatmodel.Link{{Start: 0, End: len(r.Text), Target: target, Include: true}}
	}
	d.w.Write(threatmodel.Block{Kind: threatmodel.BlockParagraph, Role: threatmodel.RoleAnnotation}, "", r)
}
