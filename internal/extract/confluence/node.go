package confluence

import (
	"strings"

	"golang.org/x/net/html"

	"github.com/bartizan-security/bartizan/internal/extract/block"
	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

// node is an element of a page, or text where it has no name.
type node struct {
	// name is in lower case, with its prefix: "ac:link".
	name     string
	attrs    []html.Attribute
	text     string
	children []*node
}

// attr is the value of an attribute; empty where there is none.
func (n *node) attr(key string) string {
	for _, a := range n.attrs {
		if a.Key == key {
			return a.Val
		}
	}
	return ""
}

// class reports whether an element has a class.
func (n *node) class(name string) bool {
	all := n.attr("class")
	if !strings.Contains(all, name) {
		return false
	}
	for _, c := range strings.Fields(all) {
		if c == name {
			return true
		}
	}
	return false
}

// child is the first child of the given name; nil where there is none.
func (n *node) child(name string) *node {
	for _, c := range n.children {
		if c.name == name {
			return c
		}
	}
	return nil
}

// find is the first element below, in reading order, that fits.
func (n *node) find(fits func(*node) bool) *node {
	for _, c := range n.children {
		if fits(c) {
			return c
		}
		if found := c.find(fits); found != nil {
			return found
		}
	}
	return nil
}

// content is all text below, as it stands there.
func (n *node) content() string {
	if n.name == "" {
		return n.text
	}
	if len(n.children) == 1 {
		return n.children[0].content()
	}
	var b strings.Builder
	n.write(&b)
	return b.String()
}

func (n *node) write(b *strings.Builder) {
	b.WriteString(n.text)
	for _, c := range n.children {
		c.write(b)
	}
}

// words is the text below with white space folded.
func (n *node) words() string { return block.Fold(n.content()) }

// emptyElements have no end tag in HTML.
var emptyElements = set(`area base br col embed hr img input link meta param source track wbr`)

// endsSame are elements that end where a sibling of the kind begins.
var endsSame = set(`p li tr td th dt dd option`)

func set(names string) map[string]bool {
	m := map[string]bool{}
	for _, n := range strings.Fields(names) {
		m[n] = true
	}
	return m
}

// parse reads HTML or the storage format. What is written wrongly is read as
// well as it can be: there is no error. It reports whether elements lay deeper
// than maxDepth; these are read as if they lay at it.
//
// The nodes are those of the arena, and good until it is reset.
func parse(source []byte, maxDepth int, a *arena) (root *node, deep bool) {
	// All text and all values are parts of one string.
	p := parser{arena: a, x: lexer{src: string(source), intern: a.name, attrs: a.attrs}, maxDepth: maxDepth}
	root = a.node()
	root.name = "#root"
	p.open = append(a.open[:0], root)
	for {
		switch p.x.next() {
		case html.ErrorToken:
			a.open, a.attrs = p.open, p.x.attrs
			return root, p.deep
		case html.TextToken:
			p.addText(p.x.text)
		case html.StartTagToken:
			p.start()
		case html.EndTagToken:
			p.end(p.x.name)
		}
	}
}

// arena holds the nodes of the trees of one page, and is used again for the
// next: an export has hundreds of thousands of pages. The zero value is ready.
type arena struct {
	chunks [][]node
	// used counts the nodes in use.
	used int
	// names holds each name of elements and attributes once.
	names map[string]string
	open  []*node
	attrs []html.Attribute
	// bytes are those of the body, cells those of tables that are closed.
	bytes []byte
	cells []*cell
	// blocks is memory for the blocks of the page.
	blocks []threatmodel.Block
}

const (
	nodeChunk = 256
	// mostNodes and mostNames are how much an arena holds on to.
	mostNodes = 64 << 10
	mostNames = 4096
)

// node makes a node.
func (a *arena) node() *node {
	i := a.used
	a.used++
	if i/nodeChunk == len(a.chunks) {
		a.chunks = append(a.chunks, make([]node, nodeChunk))
	}
	return &a.chunks[i/nodeChunk][i%nodeChunk]
}

// name is a name as a string, made once for all that have it.
func (a *arena) name(b []byte) string {
	if s, ok := a.names[string(b)]; ok {
		return s
	}
	if a.names == nil || len(a.names) >= mostNames {
		a.names = map[string]string{}
	}
	s := string(b)
	a.names[s] = s
	return s
}

// cell is an empty cell of a table.
func (a *arena) cell() *cell {
	n := len(a.cells)
	if n == 0 {
		return &cell{}
	}
	c := a.cells[n-1]
	a.cells = a.cells[:n-1]
	return c
}

// giveBack takes a cell that is used no more.
func (a *arena) giveBack(c *cell) {
	const mostParts = 64
	if len(c.parts) <= mostParts {
		clear(c.parts)
		c.parts = c.parts[:0]
		a.cells = append(a.cells, c)
	}
}

// reset gives up all trees.
func (a *arena) reset() {
	if a.used > mostNodes {
		a.chunks, a.used, a.open, a.bytes = nil, 0, nil, nil
		return
	}
	for i := range a.used {
		n := &a.chunks[i/nodeChunk][i%nodeChunk]
		clear(n.children)
		clear(n.attrs)
		*n = node{children: n.children[:0], attrs: n.attrs[:0]}
	}
	a.used = 0
}

// parser builds the tree.
type parser struct {
	*arena
	x lexer
	// open are the open elements, the root first.
	open     []*node
	maxDepth int
	deep     bool
	// flat counts, by name, open elements below maxDepth: they hold nothing,
	// and their end tags end nothing.
	flat map[string]int
}

func (p *parser) top() *node { return p.open[len(p.open)-1] }

func (p *parser) add(n *node) {
	top := p.top()
	top.children = append(top.children, n)
}

func (p *parser) addText(s string) {
	n := p.node()
	n.text = s
	p.add(n)
}

func (p *parser) start() {
	n := p.node()
	n.name = p.x.name
	n.attrs = append(n.attrs, p.x.attrs...)
	if p.top().name == n.name && endsSame[n.name] {
		p.open = p.open[:len(p.open)-1]
	}
	if p.x.closed || emptyElements[n.name] {
		p.add(n)
		return
	}
	if len(p.open) > p.maxDepth {
		p.flatten(n.name)
		return
	}
	p.add(n)
	p.open = append(p.open, n)
}

func (p *parser) flatten(name string) {
	if p.flat == nil {
		p.flat = map[string]int{}
	}
	p.deep = true
	p.flat[name]++
}

// end closes the innermost open element of the name. An end tag that fits
// none is passed over.
func (p *parser) end(name string) {
	if p.flat[name] > 0 {
		p.flat[name]--
		return
	}
	for i := len(p.open) - 1; i > 0; i-- {
		if p.open[i].name == name {
			p.open = p.open[:i]
			return
		}
	}
}
