package web

import (
	"strings"

	"golang.org/x/net/html"
)

// node is an element, or text as it stands in the source where it has no name.
type node struct {
	name  string
	attrs []html.Attribute
	raw   string
	kids  []*node
	// classes are the words of its class attribute.
	classes []string
	// line is the one on which the tag or text begins, from 1.
	line int
}

func (n *node) attr(key string) string {
	for _, a := range n.attrs {
		if a.Key == key {
			return a.Val
		}
	}
	return ""
}

func (n *node) has(key string) bool {
	for _, a := range n.attrs {
		if a.Key == key {
			return true
		}
	}
	return false
}

// find is the first node below, in reading order, that fits.
func (n *node) find(fits func(*node) bool) *node {
	for _, k := range n.kids {
		if fits(k) {
			return k
		}
		if found := k.find(fits); found != nil {
			return found
		}
	}
	return nil
}

// words is the text below with white space folded.
func (n *node) words() string {
	var b strings.Builder
	n.write(&b)
	return strings.Join(strings.Fields(html.UnescapeString(b.String())), " ")
}

func (n *node) write(b *strings.Builder) {
	b.WriteString(n.raw)
	for _, k := range n.kids {
		k.write(b)
	}
}

func set(names string) map[string]bool {
	m := map[string]bool{}
	for _, n := range strings.Fields(names) {
		m[n] = true
	}
	return m
}

// emptyElements have no end tag.
var emptyElements = set(`area base basefont bgsound br col embed frame hr img input keygen link meta param source track wbr`)

// blockElements end the text before and after them, and an open paragraph.
var blockElements = set(`address article aside blockquote body center dd details dialog dir div dl dt fieldset figcaption
	figure footer form frameset h1 h2 h3 h4 h5 h6 head header hgroup hr html legend li main menu nav ol optgroup option p pre search
	section summary table caption tbody td tfoot th thead tr ul`)

// cut tells the line from which a limit was passed; 0 where it was not.
type cut struct{ deep, many int }

// parse reads a page into a tree. What is written wrongly is read much as a
// browser does: there is no error.
func parse(content string, opt Options) (*node, cut) {
	p := &parser{opt: opt, open: []*node{{name: "#root", line: 1}}, flat: map[string]int{}, line: 1}
	z := html.NewTokenizer(strings.NewReader(content))
	z.SetMaxBuf(0)
	for {
		kind := z.Next()
		if kind == html.ErrorToken {
			return p.open[0], p.cut
		}
		raw := string(z.Raw())
		switch kind {
		case html.TextToken:
			p.add(&node{raw: raw, line: p.line})
		case html.StartTagToken, html.SelfClosingTagToken:
			p.start(z.Token())
		case html.EndTagToken:
			name, _ := z.TagName()
			p.end(string(name))
		}
		p.line += strings.Count(raw, "\n")
	}
}

type parser struct {
	opt  Options
	open []*node
	// flat counts, by name, open elements that lie too deep.
	flat  map[string]int
	line  int
	nodes int
	cut   cut
}

func (p *parser) add(n *node) {
	p.nodes++
	top := p.open[len(p.open)-1]
	top.kids = append(top.kids, n)
}

func (p *parser) start(t html.Token) {
	name := t.Data
	if (name == "html" || name == "body") && p.isOpen(name) {
		return
	}
	p.implyEnd(name)
	if p.nodes >= p.opt.MaxNodes {
		if p.cut.many == 0 {
			p.cut.many = p.line
		}
		return
	}
	closed := emptyElements[name] || t.Type == html.SelfClosingTagToken && !blockElements[name] && name != "a" && name != "span"
	if len(p.open) > p.opt.MaxDepth && !closed {
		if p.cut.deep == 0 {
			p.cut.deep = p.line
		}
		p.flat[name]++
		return
	}
	n := &node{name: name, attrs: t.Attr, line: p.line}
	n.classes = strings.Fields(n.attr("class"))
	p.add(n)
	if !closed {
		p.open = append(p.open, n)
	}
}

func (p *parser) isOpen(name string) bool {
	for _, n := range p.open {
		if n.name == name {
			return true
		}
	}
	return false
}

// endsBefore names, for a start tag, the elements that it ends and those out of
// which it does not reach.
var endsBefore = map[string]struct{ ends, within map[string]bool }{
	"li":    {set("li"), set("ul ol menu dir table")},
	"dt":    {set("dt dd"), set("dl table")},
	"dd":    {set("dt dd"), set("dl table")},
	"td":    {set("td th"), set("tr table")},
	"th":    {set("td th"), set("tr table")},
	"tr":    {set("tr"), set("table")},
	"thead": {set("thead tbody tfoot caption colgroup"), set("table")},
	"tbody": {set("thead tbody tfoot caption colgroup"), set("table")},
	"tfoot": {set("thead tbody tfoot caption colgroup"), set("table")},
	"body":  {set("head"), set("body")},
}

// implyEnd ends what a start tag ends without saying so.
func (p *parser) implyEnd(name string) {
	if e, ok := endsBefore[name]; ok {
		for i := len(p.open) - 1; i > 0 && !e.within[p.open[i].name]; i-- {
			if e.ends[p.open[i].name] {
				p.open = p.open[:i]
				break
			}
		}
		return
	}
	if !blockElements[name] {
		return
	}
	for i := len(p.open) - 1; i > 0; i-- {
		if p.open[i].name == "p" {
			p.open = p.open[:i]
			return
		}
		if blockElements[p.open[i].name] {
			return
		}
	}
}

// tableParts are ended by end tags across anything but a table.
var tableParts = set(`table thead tbody tfoot tr td th caption`)

// cellBounds are not left by the end tag of something outside of them.
var cellBounds = set(`td th caption table`)

// end closes the innermost open element of the name, as far as its end tag
// reaches. An end tag that fits none is passed over.
func (p *parser) end(name string) {
	if p.flat[name] > 0 {
		p.flat[name]--
		return
	}
	for i := len(p.open) - 1; i > 0; i-- {
		at := p.open[i].name
		switch {
		case at == name:
			p.open = p.open[:i]
			return
		case tableParts[name] && at == "table", !tableParts[name] && cellBounds[at] && name != "body" && name != "html":
			return
		case !blockElements[name] && blockElements[at]:
			return
		}
	}
}
