package markdown

import (
	"bytes"

	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/text"
)

// templateTagParser drops the tags that site generators leave in Markdown:
// {{% note %}}, {{< figure >}}, {% include %}, {:.class}, {/* comment */}.
// They are no text of the document. Those that may insert text which the
// file does not hold are counted.
type templateTagParser struct{}

// templateTags counts tags, and tells where the first is.
type templateTags struct {
	count int
	first int
	tag   string
}

var templateTagsKey = parser.NewContextKey()

// templateForms are the delimiters of tags. Inserts is true where a tag
// stands for text.
var templateForms = []struct {
	open, end string
	inserts   bool
}{
	{"{{%", "%}}", true},
	{"{{<", ">}}", true},
	{"{%", "%}", true},
	{"{:", "}", false},
	{"{/*", "*/}", false},
}

// Trigger implements parser.InlineParser.
func (templateTagParser) Trigger() []byte { return []byte{'{'} }

// maxTag is the longest tag, in bytes.
const maxTag = 1000

// Parse implements parser.InlineParser.
func (templateTagParser) Parse(_ ast.Node, block text.Reader, pc parser.Context) ast.Node {
	line, at := block.PeekLine()
	line = line[:min(len(line), maxTag)]
	for _, f := range templateForms {
		if !bytes.HasPrefix(line, []byte(f.open)) {
			continue
		}
		end := bytes.Index(line[len(f.open):], []byte(f.end))
		if end < 0 {
			return nil
		}
		size := len(f.open) + end + len(f.end)
		if f.inserts {
			countTemplateTag(pc, string(line[:size]), at.Start)
		}
		block.Advance(size)
		return &unseen{}
	}
	return nil
}

// countTemplateTag counts a tag that has parameters: a bare name opens or
// closes a box around text of the file.
func countTemplateTag(pc parser.Context, tag string, at int) {
	if !bytes.ContainsAny([]byte(tag), `"'=`) {
		return
	}
	t, ok := pc.Get(templateTagsKey).(*templateTags)
	if !ok {
		t = &templateTags{first: at, tag: tag}
		pc.Set(templateTagsKey, t)
	}
	t.count++
}
