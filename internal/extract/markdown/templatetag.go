package markdown

import (
	"bytes"
	"regexp"

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
		tag := line[:size]
		shown := shownParameters(tag, at)
		if f.inserts && len(shown) == 0 {
			countTemplateTag(pc, string(tag), at.Start)
		}
		block.Advance(size)
		if len(shown) > 0 {
			return &parameters{shown: shown}
		}
		return &unseen{}
	}
	return nil
}

// countTemplateTag counts a tag that has parameters: a bare name opens or
// closes a box around text of the file.
func countTemplateTag(pc parser.Context, tag string, at int) {
	if !bytes.ContainsAny([]byte(tag), `"'=`) || bareTags.MatchString(tag) {
		return
	}
	t, ok := pc.Get(templateTagsKey).(*templateTags)
	if !ok {
		t = &templateTags{first: at, tag: tag}
		pc.Set(templateTagsKey, t)
	}
	t.count++
}

// bareTags stand for an address, a picture or the look of something, not for
// text.
var bareTags = regexp.MustCompile(`^\{[{%][<%]? *(?:ref|relref|link|url|post_url|figure|image|img|youtube|vimeo|tabs?|tabpane|cardpane|alert|notice|note|hint|callout|details|expand|blocks|columns|button|content-ref|code)\b`)

// parameters are what a tag shows of its parameters, such as a title.
type parameters struct {
	ast.BaseInline
	shown []text.Segment
}

var kindParameters = ast.NewNodeKind("Parameters")

// Kind implements ast.Node.
func (*parameters) Kind() ast.NodeKind { return kindParameters }

// Dump implements ast.Node.
func (n *parameters) Dump(source []byte, level int) { ast.DumpHelper(n, source, level, nil, nil) }

var (
	// shownByName are parameters that a reader sees.
	shownByName = regexp.MustCompile(`\b(?:title|caption|summary|label|header|name)=(?:"([^"\n]+)"|'([^'\n]+)')`)
	// shownByPlace are tags whose first parameter without a name is one.
	shownByPlace = regexp.MustCompile(`^\{[{%][<%]? *(?:tab|details|expand|collapse|accordion|spoiler|notice +\w+) +"([^"\n]+)"`)
)

// shownParameters finds what a tag shows.
func shownParameters(tag []byte, at text.Segment) []text.Segment {
	var shown []text.Segment
	all := shownByName.FindAllSubmatchIndex(tag, -1)
	if m := shownByPlace.FindSubmatchIndex(tag); m != nil {
		all = append(all, m)
	}
	for _, m := range all {
		for g := 2; g < len(m); g += 2 {
			if m[g] >= 0 {
				shown = append(shown, within(at, m[g], m[g+1]))
			}
		}
	}
	return shown
}

// parameters writes them, each on a line of its own.
func (d *document) parameters(n *parameters) {
	for _, s := range n.shown {
		d.breakLine()
		d.segment(s, false)
		d.breakLine()
	}
}
