// Package markdown reads Markdown documents into blocks with the source line of
// each piece of text: CommonMark, with what hosts and site generators add to
// it, and the HTML in it.
//
// Goldmark says where its inline text stands in the source; the lines of a
// block follow from those of its text, so that they cover exactly what is
// shown.
package markdown

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/text"

	"github.com/bartizan-security/bartizan/internal/extract/block"
	"github.com/bartizan-security/bartizan/internal/extract/flow"
	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

// Options bound what a document may cost. The zero value stands for the
// defaults.
type Options struct {
	// MaxDepth is how deep lists, quotes and boxes may nest; default 50.
	MaxDepth int
	// MaxTableCells is how many cells the tables of a document may have
	// before their content is no longer parsed; default 200,000.
	MaxTableCells int
}

func (o Options) withDefaults() Options {
	if o.MaxDepth <= 0 {
		o.MaxDepth = 50
	}
	if o.MaxTableCells <= 0 {
		o.MaxTableCells = 200_000
	}
	return o
}

// Read reads a document. Its text is UTF-8 with \n as line end; doc holds
// what is known of it already, and its title is filled in where it is empty.
// Whatever text there is, is a document: there is no error.
func Read(doc threatmodel.Document, content string, opt Options) threatmodel.Source {
	content = block.Clean(content)
	front, size := splitFrontMatter(content)
	d := &document{src: newSource(content), title: front.Title}
	blank(d.src.text[:size])
	d.markdown(opt.withDefaults())
	if doc.Title == "" {
		doc.Title = d.documentTitle()
	}
	source := d.w.B.Source(doc)
	source.Language = front.Lang
	return source
}

// document is a document being read.
type document struct {
	src *source
	w   flow.Writer
	// flow is the text on its way into the next block.
	flow  flow.Run
	html  htmlState
	title string
	// tagLine is the source line of the HTML tag being read.
	tagLine int
	// endTags says where the last end tag of each name stands; made when first
	// needed.
	endTags map[string]int
}

func (d *document) markdown(opt Options) {
	pc := parser.NewContext()
	root := newParser(opt).Parse(text.NewReader(d.src.text), parser.WithContext(pc))
	d.children(root)
	d.finish()
	d.notices(pc, opt)
}

func (d *document) finish() {
	d.endParagraph()
	d.w.DropOpen()
}

// documentTitle is the title that the document gives itself, else its first
// heading.
func (d *document) documentTitle() string {
	if t := strings.Join(strings.Fields(d.title), " "); t != "" {
		return t
	}
	return d.w.FirstHeading
}

// closesLater reports whether the end tag of an element stands after the tag
// being read.
func (d *document) closesLater(name string) bool {
	if d.endTags == nil {
		d.endTags = lastEndTags(d.src.text)
	}
	last, ok := d.endTags[name]
	return ok && d.src.line(last) >= d.tagLine
}

// endTag is an end tag of HTML or of a component.
var endTag = regexp.MustCompile(`</([A-Za-z][\w.-]*)`)

// lastEndTags finds where the last end tag of each name stands. Names are in
// lower case.
func lastEndTags(source []byte) map[string]int {
	last := map[string]int{}
	for _, m := range endTag.FindAllSubmatchIndex(source, -1) {
		last[strings.ToLower(string(source[m[2]:m[3]]))] = m[0]
	}
	return last
}

// notices tells what was left out or read in a simpler way.
func (d *document) notices(pc parser.Context, opt Options) {
	if t, ok := pc.Get(templateTagsKey).(*templateTags); ok {
		d.w.B.Notice(threatmodel.NoticeFormat, "%s left out; what a site generator puts there is not in the file. The first, on line %d: %s",
			plural(t.count, "template tag was", "template tags were"), d.src.line(t.first), t.tag)
	}
	if at, ok := pc.Get(depthKey).(int); ok {
		d.w.B.Notice(threatmodel.NoticeTruncated, "Lists and quotes that are more than %d deep are read as plain text, from line %d on.",
			opt.MaxDepth, d.src.line(at))
	}
	if at, ok := pc.Get(bigTableKey).(int); ok {
		d.w.B.Notice(threatmodel.NoticeTruncated, "The tables have more than %d cells: from line %d on rows are read without looking for markup in the cells.",
			opt.MaxTableCells, d.src.line(at))
	}
}

func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
