package confluence

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

// macro writes a macro.
func (w *pageWriter) macro(n *node) {
	switch w.book.macros.kind(n.attr("ac:name")) {
	case macroCode:
		w.captioned(n)
		w.code(codeLanguage(n), plainBody(n))
	case macroMermaid:
		w.diagramText(n, "mermaid")
	case macroPlantUML:
		w.diagramText(n, "plantuml")
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
		w.issue(n)
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
		w.include(n, w.excerptOf(n))
	case macroChildren:
		w.children(n)
	case macroContents:
		w.contents(n)
	case macroDrawing:
		w.drawing(n)
	case macroFile:
		w.viewFile(n)
	case macroAttachments:
		w.attachmentList()
	default:
		w.unknown(n)
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

// codeLanguage is the language of code: old versions name it in a parameter
// without a name.
func codeLanguage(n *node) string {
	if l := param(n, "language"); l != "" {
		return l
	}
	return strings.ToLower(param(n, ""))
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

// issue writes the key of an issue, or the query of a list of them.
func (w *pageWriter) issue(n *node) {
	for _, key := range []string{"key", "", "jqlQuery", "url"} {
		if s := param(n, key); s != "" {
			w.flow.add(s)
			return
		}
	}
}

// unknown writes a macro that nobody knows: its body, and what its parameters
// say.
func (w *pageWriter) unknown(n *node) {
	var said []string
	for _, c := range n.children {
		if c.name != "ac:parameter" && c.name != "ac:default-parameter" || w.book.macros.looks[strings.ToLower(c.attr("ac:name"))] {
			continue
		}
		if s := w.value(c); strings.ContainsFunc(s, unicode.IsLetter) {
			said = append(said, strings.TrimPrefix(c.attr("ac:name")+": "+s, ": "))
		}
	}
	w.body(n)
	if len(said) > 0 {
		w.aside = append(w.aside, n.attr("ac:name")+" ("+strings.Join(said, "; ")+")")
	}
}

// value is what a parameter says: words, or what its links lead to.
func (w *pageWriter) value(n *node) string {
	parts := []string{n.words()}
	for _, c := range n.children {
		if c.name == "ac:link" {
			parts = append(parts, w.target(c))
		} else if strings.HasPrefix(c.name, "ri:") {
			parts = append(parts, w.target(n))
			break
		}
	}
	return folded(strings.Join(parts, " "))
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
	root, _ := parse([]byte(text), w.book.opt.MaxDepth, w.arena)
	w.walkAll(root)
	w.endParagraph()
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
	case len(w.including) >= maxIncludeDepth || w.included >= maxIncludes || w.includedSize+int64(p.body.size) > maxIncluded:
		w.notice(threatmodel.NoticeTruncated, "It includes more pages than are followed: “"+title+"” was left out.")
		return
	}
	root, ok := w.book.content(p, w.arena)
	if ok && fits != nil {
		root = root.find(fits)
	}
	if !ok || root == nil {
		return
	}
	w.included++
	w.includedSize += int64(p.body.size)
	w.including = append(w.including, p)
	outer := w.root
	w.root = root
	w.walkAll(root)
	w.root = outer
	w.including = w.including[:len(w.including)-1]
}

// included is the space and title of the page that a macro names.
func included(n *node) (key, title string) {
	link := n.find(func(c *node) bool { return c.name == "ri:page" || c.name == "ri:blog-post" })
	if link != nil {
		return link.attr("ri:space-key"), link.attr("ri:content-title")
	}
	if title = param(n, ""); title == "" {
		title = param(n, "pageTitle")
	}
	return "", title
}

// excerptNames are the parameters that name one of several excerpts.
var excerptNames = []string{"name", "MultiExcerptName"}

// excerptOf tells the excerpt that a macro shows: the one of the name that it
// gives, or the first.
func (w *pageWriter) excerptOf(n *node) func(*node) bool {
	name := ""
	for _, key := range excerptNames {
		name = cmp.Or(name, param(n, key))
	}
	return func(c *node) bool {
		if c.name != "ac:structured-macro" && c.name != "ac:macro" || w.book.macros.kind(c.attr("ac:name")) != macroExcerpt {
			return false
		}
		return name == "" || slices.ContainsFunc(excerptNames, func(key string) bool { return param(c, key) == name })
	}
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
	w.as(threatmodel.RoleTOC, func() { w.titles(w.book.pages.childrenOf(of), min(depth, maxListed)) })
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

func (w *pageWriter) titles(pages []ref, depth int) {
	if len(pages) == 0 || depth <= 0 {
		return
	}
	w.openList(false, 1)
	for _, r := range pages {
		p := w.book.pages.page(r)
		if w.listed++; w.listed > maxTitles {
			break
		}
		w.openItem()
		title := w.book.pages.title(p)
		w.leads(w.pagePlace(title, p), func() { w.flow.add(title) })
		w.endParagraph()
		w.titles(w.book.pages.childrenOf(p), depth-1)
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
		w.openItem()
		w.walkAll(c)
		w.endParagraph()
	}
}
