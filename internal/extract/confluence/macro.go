package confluence

import (
	"slices"
	"strconv"
	"strings"

	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

// macro writes a macro.
func (w *pageWriter) macro(n *node) {
	switch w.book.macros.kind(n.attr("ac:name")) {
	case macroCode:
		w.captioned(n)
		w.code(param(n, "language"), plainBody(n))
	case macroMermaid:
		w.code("mermaid", plainBody(n))
	case macroPlantUML:
		w.code("plantuml", plainBody(n))
	case macroMarkdown:
		w.markdown(plainBody(n))
	case macroHTML:
		w.html(plainBody(n))
	case macroBox:
		w.box(n)
	case macroExcerpt:
		if param(n, "hidden") != "true" {
			w.body(n)
		}
	case macroStatus:
		w.flow.add(param(n, "title"))
	case macroIssue:
		w.flow.add(param(n, "key"))
	case macroSilent:
	default:
		w.pageMacro(n)
	}
}

// pageMacro writes a macro that shows something of this or another page, and
// one that nobody knows.
func (w *pageWriter) pageMacro(n *node) {
	switch w.book.macros.kind(n.attr("ac:name")) {
	case macroInclude:
		w.include(n, nil)
	case macroExcerptInclude:
		w.include(n, w.isExcerpt)
	case macroChildren:
		w.children(n)
	case macroContents:
		w.contents(n)
	case macroDrawing:
		w.drawing(n)
	default:
		w.body(n)
	}
}

// param is a parameter of a macro; empty where it has none.
func param(n *node, name string) string {
	for _, c := range n.children {
		if c.name == "ac:parameter" && c.attr("ac:name") == name {
			return c.words()
		}
		if c.name == "ac:default-parameter" && name == "" {
			return c.words()
		}
	}
	return ""
}

// plainBody is the text of a macro of which every byte counts.
func plainBody(n *node) string {
	if body := n.child("ac:plain-text-body"); body != nil {
		return body.content()
	}
	if body := n.child("ac:rich-text-body"); body != nil {
		return verbatim(body)
	}
	return ""
}

// body writes the body of a macro, whatever it is.
func (w *pageWriter) body(n *node) {
	for _, c := range n.children {
		if c.name == "ac:plain-text-body" {
			w.code("", c.content())
			continue
		}
		w.walk(c)
	}
}

func (w *pageWriter) captioned(n *node) {
	if title := param(n, "title"); title != "" {
		w.caption(title, threatmodel.BlockCaption)
	}
}

func (w *pageWriter) box(n *node) {
	w.endParagraph()
	if title := param(n, "title"); title != "" && !strings.EqualFold(title, defaultExpand) {
		w.caption(title, threatmodel.BlockParagraph)
	}
	w.body(n)
	w.endParagraph()
}

func (w *pageWriter) html(text string) {
	w.endParagraph()
	root, _ := parse([]byte(text), w.book.opt.MaxDepth)
	w.walkAll(root)
	w.endParagraph()
}

// drawing tells of a drawing that lies in an attachment.
func (w *pageWriter) drawing(n *node) {
	name := param(n, "diagramDisplayName")
	for _, key := range []string{"diagramName", "name", "title", "filename"} {
		if name == "" {
			name = param(n, key)
		}
	}
	w.endParagraph()
	w.add(threatmodel.Block{Kind: threatmodel.BlockImage}, "")
	w.notice(threatmodel.NoticeTruncated, "A drawing ("+strings.TrimSpace(n.attr("ac:name")+" "+name)+") lies in an attachment and is not read.")
}

// Limits on what a page may include, in levels, in pages and in bytes of their
// source: pages that include one another make a few bytes into gigabytes.
const (
	maxIncludeDepth = 3
	maxIncludes     = 50
	maxIncluded     = 512 << 10
)

// include writes another page of the export, or the part of it that fits.
func (w *pageWriter) include(n *node, fits func(*node) bool) {
	key, title := included(n)
	p := w.book.find(w.self, key, title)
	switch {
	case p == nil:
		w.notice(threatmodel.NoticeFormat, "It includes the page “"+title+"”, which is not in the export.")
		return
	case p == w.self || slices.Contains(w.including, p):
		return
	case len(w.including) >= maxIncludeDepth || w.included >= maxIncludes || w.includedSize+p.body.size > maxIncluded:
		w.notice(threatmodel.NoticeTruncated, "It includes more pages than are followed: “"+title+"” was left out.")
		return
	}
	root, ok := w.book.content(p)
	if ok && fits != nil {
		root = root.find(fits)
	}
	if !ok || root == nil {
		return
	}
	w.included++
	w.includedSize += p.body.size
	w.including = append(w.including, p)
	outer := w.root
	w.root = root
	w.walkAll(root)
	w.root = outer
	w.including = w.including[:len(w.including)-1]
}

// included is the space and title of the page that a macro names.
func included(n *node) (key, title string) {
	link := n.find(func(c *node) bool { return c.name == "ri:page" })
	if link != nil {
		return link.attr("ri:space-key"), link.attr("ri:content-title")
	}
	if title = param(n, ""); title == "" {
		title = param(n, "pageTitle")
	}
	return "", title
}

func (w *pageWriter) isExcerpt(n *node) bool {
	return n.name == "ac:structured-macro" && w.book.macros.kind(n.attr("ac:name")) == macroExcerpt
}

// children writes the titles of the pages below.
func (w *pageWriter) children(n *node) {
	if !w.listing() {
		return
	}
	of := w.self
	if key, title := included(n); title != "" {
		if of = w.book.find(w.self, key, title); of == nil {
			return
		}
	}
	depth := 1
	if param(n, "all") == "true" {
		depth = maxTree
	}
	if d, err := strconv.Atoi(param(n, "depth")); err == nil {
		depth = d
	}
	w.as(threatmodel.RoleTOC, func() { w.titles(of.children, min(depth, maxListed)) })
}

// Limits on lists of pages and tables of contents: how many a page may have,
// how many levels of pages and how many titles they show.
const (
	maxListings = 20
	maxListed   = 10
	maxTitles   = 1000
)

// listing reports whether another list of pages or headings may be written. A
// table of contents in a heading would list itself.
func (w *pageWriter) listing() bool {
	w.listings++
	return w.listings <= maxListings && !w.inContents
}

func (w *pageWriter) titles(pages []*page, depth int) {
	if len(pages) == 0 || depth <= 0 {
		return
	}
	w.openList(false, 1)
	for _, p := range pages {
		if w.listed++; w.listed > maxTitles {
			break
		}
		w.openItem("")
		w.flow.add(p.title)
		w.endParagraph()
		w.titles(p.children, depth-1)
	}
	w.closeList()
}

// contents writes the table of contents, which shows the headings of the
// page.
func (w *pageWriter) contents(n *node) {
	least, most := 1, 6
	if v, err := strconv.Atoi(param(n, "minLevel")); err == nil {
		least = v
	}
	if v, err := strconv.Atoi(param(n, "maxLevel")); err == nil {
		most = v
	}
	if w.root == nil || !w.listing() {
		return
	}
	w.inContents = true
	w.as(threatmodel.RoleTOC, func() {
		w.openList(false, 1)
		w.headings(w.root, least, most)
		w.closeList()
	})
	w.inContents = false
}

func (w *pageWriter) headings(n *node, least, most int) {
	for _, c := range n.children {
		if len(c.name) != 2 || c.name[0] != 'h' || c.name[1] < '1' || c.name[1] > '6' {
			if !hiddenElements[c.name] {
				w.headings(c, least, most)
			}
			continue
		}
		if level := int(c.name[1] - '0'); level < least || level > most {
			continue
		}
		w.openItem("")
		w.walkAll(c)
		w.endParagraph()
	}
}
