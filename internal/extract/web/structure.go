package web

import (
	"strconv"
	"strings"

	"github.com/bartizan-security/bartizan/internal/extract/flow"
)

func (p *page) list(n *node) {
	p.endTerm()
	start := 1
	if v, err := strconv.Atoi(strings.TrimSpace(n.attr("start"))); err == nil {
		start = v
	}
	p.w.OpenList(n.name == "ol", start, false)
	p.walkAll(n)
	p.endTerm()
	p.w.CloseList()
}

func (p *page) item(n *node) {
	p.endTerm()
	p.w.OpenItem()
	p.walkAll(n)
	p.endTerm()
	p.w.CloseItem()
}

// definitions writes a list of terms; each is an item with the first paragraph
// of its description.
func (p *page) definitions(n *node) {
	p.endTerm()
	p.w.OpenList(false, 1, false)
	p.terms(n)
	p.endTerm()
	p.w.CloseList()
}

func (p *page) terms(n *node) {
	for _, k := range n.kids {
		switch k.name {
		case "dt":
			p.openTerm(k)
		case "dd":
			if p.term.Empty() {
				p.endParagraph()
				p.w.OpenItem()
			}
			p.walkAll(k)
			p.endParagraph()
		case "div":
			p.terms(k)
		default:
			p.walk(k)
		}
	}
}

// openTerm keeps a term until its description comes. Terms that follow one
// another share it.
func (p *page) openTerm(n *node) {
	p.endParagraph()
	waiting := p.term
	p.term = flow.Run{}
	if waiting.Empty() {
		p.w.OpenItem()
	}
	p.walkAll(n)
	term := p.flow
	p.flow = flow.Run{}
	term.Trim()
	switch {
	case waiting.Empty():
		p.term = term
	case term.Empty():
		p.term = waiting
	default:
		waiting.Join("\n", term)
		p.term = waiting
	}
}

// preformatted writes text whose line breaks count.
func (p *page) preformatted(n *node) {
	p.endTerm()
	outer := p.drawn
	p.drawn = outer || hasClass(n, "mermaid")
	p.pre++
	p.walkAll(n)
	p.pre--
	p.drawn = outer
	r := p.flow
	p.flow = flow.Run{}
	p.w.Code(p.codeLanguage(n), r)
}

// diagramAttr writes the source of a diagram that the page shows as a drawing
// and keeps in an attribute. It reports whether it did.
func (p *page) diagramAttr(n *node) bool {
	language := ""
	for _, around := range p.path {
		if t := around.attr("data-type"); t != "" {
			language = t
		}
	}
	if language == "" {
		return false
	}
	p.endTerm()
	r := flow.Run{Words: true}
	r.Add(strings.TrimSpace(clean(n.attr("data-plain"))), n.line)
	p.w.Code(language, r)
	return true
}

// languagePrefixes stand before the language in a class.
var languagePrefixes = []string{"language-", "lang-", "highlight-source-", "highlight-text-", "highlight-", "brush:", "sourceCode "}

// codeLanguage is the language of code, as it is said by the element, the one
// inside it, or one of the three around it.
func (p *page) codeLanguage(n *node) string {
	places := []*node{n}
	for _, k := range n.kids {
		if k.name == "code" {
			places = append(places, k)
		}
	}
	for i := len(p.path) - 2; i >= 0 && i >= len(p.path)-4; i-- {
		places = append(places, p.path[i])
	}
	for _, place := range places {
		if l := place.attr("data-lang"); l != "" {
			return l
		}
		for _, class := range place.classes {
			if class == "mermaid" || class == "plantuml" {
				return class
			}
			for _, prefix := range languagePrefixes {
				if l, ok := strings.CutPrefix(class, prefix); ok && l != "" && l != "default" && l != "none" && l != "plaintext" {
					return l
				}
			}
		}
	}
	return ""
}

// table writes a table. One that only lays the page out, or numbers the lines
// of code, is none.
func (p *page) table(n *node) {
	role := n.attr("role")
	switch {
	case p.rules.codeTables.fit(n):
		p.codeTable(n)
		return
	case role == "presentation" || role == "none" || oneCell(n):
		p.endTerm()
		p.layout(n)
		p.endParagraph()
		return
	}
	p.endTerm()
	p.w.OpenTable()
	p.rows(n, false)
	p.endParagraph()
	p.w.CloseTable()
}

// oneCell reports whether a table has one cell at most.
func oneCell(n *node) bool {
	cells := 0
	n.find(func(k *node) bool {
		if k.name == "td" || k.name == "th" {
			cells++
		}
		return cells > 1
	})
	return cells <= 1
}

// layout writes the cells of a table as if they were paragraphs.
func (p *page) layout(n *node) {
	for _, k := range n.kids {
		if hidden(k) || p.rules.skip.fit(k) {
			continue
		}
		if tableParts[k.name] && k.name != "table" && k.name != "caption" {
			p.endParagraph()
			p.layout(k)
			p.endParagraph()
			continue
		}
		p.walk(k)
	}
}

func (p *page) rows(n *node, head bool) {
	for _, k := range n.kids {
		switch {
		case hidden(k):
		case k.name == "thead", k.name == "tbody", k.name == "tfoot":
			p.w.Head(k.name == "thead")
			p.rows(k, k.name == "thead")
			p.w.Head(false)
		case k.name == "tr":
			p.row(k)
		case k.name == "td", k.name == "th":
			p.cell(k)
		case k.name == "colgroup", k.name == "col":
		default:
			p.walk(k)
		}
	}
}

func (p *page) row(n *node) {
	p.endParagraph()
	p.w.OpenRow()
	for _, k := range n.kids {
		switch {
		case hidden(k), p.rules.skip.fit(k):
		case k.name == "td" || k.name == "th":
			p.cell(k)
		default:
			p.walk(k)
		}
	}
	p.endParagraph()
	p.w.CloseRow()
}

func (p *page) cell(n *node) {
	p.endParagraph()
	p.w.OpenCell(n.name == "th", span(n, "colspan"), span(n, "rowspan"))
	p.walkAll(n)
	p.endTerm()
	p.w.CloseCell()
}

func span(n *node, key string) int {
	v, err := strconv.Atoi(strings.TrimSpace(n.attr(key)))
	if err != nil {
		return 1
	}
	return v
}

// codeTable writes code whose lines stand in a table, with or without numbers.
func (p *page) codeTable(n *node) {
	p.endTerm()
	if n.find(func(k *node) bool { return k.name == "pre" }) != nil {
		p.layout(n)
		return
	}
	p.pre++
	p.codeRows(n)
	p.pre--
	r := p.flow
	p.flow = flow.Run{}
	p.w.Code(p.codeLanguage(n), r)
}

func (p *page) codeRows(n *node) {
	for _, k := range n.kids {
		switch k.name {
		case "":
		case "tr":
			for _, c := range k.kids {
				if c.name != "" && !hidden(c) && !p.rules.skip.fit(c) {
					p.walkAll(c)
				}
			}
			if last := len(p.flow.Text) - 1; last < 0 || p.flow.Text[last] != '\n' {
				p.flow.Text = append(p.flow.Text, '\n')
			}
		default:
			p.codeRows(k)
		}
	}
}
