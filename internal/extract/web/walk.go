package web

import (
	"path"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/net/html"

	"github.com/bartizan-security/bartizan/internal/extract/block"
	"github.com/bartizan-security/bartizan/internal/extract/flow"
	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

// page is a page being read.
type page struct {
	rules *rules
	root  *node
	// main holds the text of the page; what stands before it is its header,
	// what stands after it its footer.
	main   *node
	inMain bool
	// ambient is the role of what has none of its own.
	ambient threatmodel.Role
	// around are the elements around main.
	around map[*node]bool
	base   string
	w      flow.Writer
	// flow is the text on its way into the next block.
	flow flow.Run
	// term is the text of a term whose description has not come yet.
	term flow.Run
	// pre counts open elements whose white space counts.
	pre int
	// drawn is true in the source of a diagram that the page draws itself.
	drawn   bool
	caption bool
	heading int
	// path are the elements around the one being read.
	path []*node
}

// walk writes one element or text.
func (p *page) walk(n *node) {
	switch {
	case n.name == "":
		p.text(n)
		return
	case hidden(n), p.rules.skip.fit(n):
		if blockElements[n.name] {
			p.endParagraph() // words before and after it are not one
		}
		return
	}
	p.path = append(p.path, n)
	defer func() { p.path = p.path[:len(p.path)-1] }()
	if n == p.main {
		p.inMain = true
		p.setAmbient("")
		defer func() {
			p.inMain = false
			p.setAmbient(threatmodel.RoleFooter)
		}()
	}
	if role := p.role(n); role != "" && p.w.Role == p.ambient {
		p.endParagraph()
		p.w.Role = role
		defer func() {
			p.endParagraph()
			p.w.Role = p.ambient
		}()
	}
	if p.rules.footnotes.fit(n) && p.w.Kind == "" {
		p.endParagraph()
		p.w.Kind = threatmodel.BlockFootnote
		defer func() {
			p.endParagraph()
			p.w.Kind = ""
		}()
	}
	p.element(n)
}

// role is the part that an element plays, where it is not the body.
func (p *page) role(n *node) threatmodel.Role {
	switch {
	case p.rules.navigation.fit(n):
		return threatmodel.RoleTOC
	case p.rules.footer.fit(n):
		return threatmodel.RoleFooter
	case p.rules.aside.fit(n) && !p.inMain:
		return threatmodel.RoleAnnotation
	case p.rules.header.fit(n) && !p.inMain && !p.around[n] && n.find(func(k *node) bool { return k.name == "h1" }) == nil:
		return threatmodel.RoleHeader
	}
	return ""
}

// setAmbient sets the role of what follows and has none of its own.
func (p *page) setAmbient(role threatmodel.Role) {
	p.endParagraph()
	p.ambient, p.w.Role = role, role
}

func (p *page) walkAll(n *node) {
	for _, k := range n.kids {
		p.walk(k)
	}
}

// element writes an element.
func (p *page) element(n *node) {
	switch n.name {
	case "br":
		p.lineBreak()
	case "img":
		p.image(n)
	case "h1", "h2", "h3", "h4", "h5", "h6":
		p.headingElement(n, int(n.name[1]-'0'))
	case "ul", "ol", "menu", "dir":
		p.list(n)
	case "li":
		p.item(n)
	case "dl":
		p.definitions(n)
	case "pre":
		p.preformatted(n)
	case "table":
		p.table(n)
	case "caption", "figcaption":
		p.captionElement(n)
	case "input":
		p.checkBox(n)
	case "a":
		p.link(n)
	case "math":
		p.math(n)
	default:
		p.other(n)
	}
}

func (p *page) other(n *node) {
	switch {
	case n.attr("data-plain") != "" && p.diagramAttr(n):
	case hasClass(n, "mermaid"):
		p.preformatted(n)
	case n.attr("role") == "heading":
		level, err := strconv.Atoi(n.attr("aria-level"))
		if err != nil {
			level = 2
		}
		p.headingElement(n, level)
	case blockElements[n.name]:
		p.endParagraph()
		p.walkAll(n)
		p.endParagraph()
	default:
		p.walkAll(n)
	}
}

func hasClass(n *node, name string) bool {
	return slices.Contains(n.classes, name)
}

// text writes text between tags. White space is folded, as a browser does.
func (p *page) text(n *node) {
	line := n.line
	for raw := range strings.Lines(n.raw) {
		body, broken := strings.CutSuffix(raw, "\n")
		shown := clean(html.UnescapeString(body))
		switch {
		case p.pre > 0:
			p.flow.Words = p.flow.Words || strings.TrimSpace(shown) != ""
			p.flow.Add(shown, line)
			if broken {
				p.flow.Text = append(p.flow.Text, '\n')
			}
		default:
			p.fold(shown, line)
			if broken {
				p.flow.Space()
			}
		}
		line++
	}
}

func (p *page) fold(shown string, line int) {
	words := strings.Fields(shown)
	if len(words) == 0 {
		if shown != "" {
			p.flow.Space()
		}
		return
	}
	if strings.TrimLeft(shown, " \t\n\f") != shown {
		p.flow.Space()
	}
	p.flow.Words = true
	p.flow.Add(strings.Join(words, " "), line)
	if strings.TrimRight(shown, " \t\n\f") != shown {
		p.flow.Space()
	}
}

// clean makes text of a page safe, and drops what shows nothing.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		switch r {
		case '\u00a0', '\u2007', '\u202f':
			return ' '
		case '\u00ad', '\u200b', '\u2060', '\ufeff':
			return -1
		}
		return r
	}, block.Clean(s))
}

func (p *page) lineBreak() {
	switch {
	case p.drawn && p.flow.Words:
		p.flow.Text = append(p.flow.Text, "<br/>"...) // one within a label of the diagram
	case p.pre > 0:
		p.flow.Text = append(p.flow.Text, '\n')
	default:
		p.flow.Newline()
	}
}

// image writes the alternative text. An image without any is decoration.
func (p *page) image(n *node) {
	alt := strings.Join(strings.Fields(clean(n.attr("alt"))), " ")
	if alt == "" || p.pre > 0 {
		return
	}
	p.flow.Add(alt, n.line)
	p.flow.Image = true
}

// checkBox writes the box of a task as part of its text.
func (p *page) checkBox(n *node) {
	if n.attr("type") != "checkbox" || p.w.Lists() == 0 && !p.w.InCell() {
		return // it works the page
	}
	box := "[ ] "
	if n.has("checked") {
		box = "[x] "
	}
	p.flow.Add(box, n.line)
}

// link writes the words of a link and notes where it leads.
func (p *page) link(n *node) {
	from := len(p.flow.Text)
	p.walkAll(n)
	target := flow.FileTarget(n.attr("href"))
	if p.base != "" && target != "" {
		base := flow.FileTarget(p.base)
		if base == "" {
			return // the page stands elsewhere
		}
		if !strings.HasSuffix(p.base, "/") {
			base = path.Dir(base)
		}
		target = path.Join(base, target)
	}
	if from <= len(p.flow.Text) {
		p.flow.Link(from, target)
	}
}

// math writes a formula as its author typed it, where that is known.
func (p *page) math(n *node) {
	source := n.find(func(k *node) bool { return k.name == "annotation" })
	if source == nil {
		p.walkAll(n)
		return
	}
	p.walkAll(source)
}

// endParagraph writes the text that has flowed so far.
func (p *page) endParagraph() {
	r := p.flow
	p.flow = flow.Run{}
	r.Trim()
	if r.Empty() {
		return
	}
	if !p.term.Empty() {
		term := p.term
		p.term = flow.Run{}
		term.Join("\n", r)
		r = term
	}
	switch {
	case p.heading > 0:
		p.w.Heading(p.heading, r)
	case p.caption:
		p.w.Caption(r)
	default:
		p.w.Paragraph(r)
	}
}

// endTerm writes a term that has no description.
func (p *page) endTerm() {
	p.endParagraph()
	if p.term.Empty() {
		return
	}
	r := p.term
	p.term = flow.Run{}
	p.w.Paragraph(r)
}

func (p *page) headingElement(n *node, level int) {
	p.endTerm()
	p.heading = level
	p.walkAll(n)
	p.endParagraph()
	p.heading = 0
}

func (p *page) captionElement(n *node) {
	p.endTerm()
	outer := p.caption
	p.caption = true
	p.walkAll(n)
	p.endParagraph()
	p.caption = outer
}
