package confluence

import (
	"strconv"
	"strings"

	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

// blockElements end the text before and after them.
var blockElements = set(`address article aside blockquote body center dd details dialog dir div dl dt fieldset
	figure footer form header hgroup hr html main menu nav p search section summary
	ac:layout ac:layout-section ac:layout-cell ac:rich-text-body ac:adf-content ac:adf-node ac:adf-extension`)

// hiddenElements hold nothing that a reader sees as text.
var hiddenElements = set(`head script style noscript noframes noembed iframe object template textarea select
	datalist svg math canvas audio video title
	ac:parameter ac:default-parameter ac:placeholder ac:task-id ac:task-uuid ac:task-status
	ac:adf-attribute ac:adf-fallback ac:adf-mark`)

// walkAll writes what lies inside an element.
func (w *pageWriter) walkAll(n *node) {
	for _, c := range n.children {
		w.walk(c)
	}
}

// walk writes one element or text.
func (w *pageWriter) walk(n *node) {
	switch {
	case n.name == "":
		w.text(n.text)
	case n.name == "script" && n.attr("type") == "syntaxhighlighter":
		w.preformatted(n)
	case hiddenElements[n.name]:
	case strings.HasPrefix(n.name, "ac:"):
		w.storageElement(n)
	case n.name == "div" || n.name == "span" || n.name == "ul":
		w.classElement(n)
	default:
		w.element(n)
	}
}

func (w *pageWriter) text(s string) {
	if w.pre > 0 {
		w.flow.text = append(w.flow.text, s...)
		w.flow.words = w.flow.words || strings.TrimSpace(s) != ""
		return
	}
	w.flow.add(s)
}

// element writes an element of HTML.
func (w *pageWriter) element(n *node) {
	switch n.name {
	case "br":
		w.flow.newline()
	case "img":
		w.image(n)
	case "a":
		href := n.attr("href")
		if strings.HasPrefix(href, "attachments/") {
			w.fileLink(n)
		}
		w.leads(w.address(href), func() { w.walkAll(n) })
	case "h1", "h2", "h3", "h4", "h5", "h6":
		w.endParagraph()
		w.walkAll(n)
		w.heading(int(n.name[1] - '0'))
	case "ul", "ol":
		w.list(n)
	case "li":
		w.openItem()
		w.flow.add(n.attr("ac:box"))
		w.walkAll(n)
		w.endParagraph()
		w.marker = ""
	case "pre":
		w.preformatted(n)
	case "table":
		w.table(n)
	case "figcaption", "caption":
		w.endParagraph()
		w.walkAll(n)
		w.endCaption()
	case "time":
		w.time(n)
	default:
		w.plainElement(n)
	}
}

// plainElement writes an element that at most ends a paragraph.
func (w *pageWriter) plainElement(n *node) {
	if !blockElements[n.name] {
		w.walkAll(n)
		return
	}
	w.endParagraph()
	w.walkAll(n)
	w.endParagraph()
}

func (w *pageWriter) list(n *node) {
	start := 1
	if written := n.attr("start"); written != "" {
		if v, err := strconv.Atoi(written); err == nil {
			start = v
		}
	}
	w.openList(n.name == "ol", start)
	for _, c := range n.children {
		switch {
		case c.name == "li" && n.class("inline-task-list"):
			w.openItem()
			w.flow.add(checkBox(c.class("checked")))
			w.walkAll(c)
			w.endParagraph()
			w.marker = ""
		default:
			w.walk(c)
		}
	}
	w.closeList()
}

func checkBox(done bool) string {
	if done {
		return "[x] "
	}
	return "[ ] "
}

func (w *pageWriter) image(n *node) {
	alt := strings.TrimSpace(n.attr("alt"))
	if alt == "" && !n.class("confluence-embedded-image") {
		return // an icon
	}
	words := w.flow.words
	w.flow.add(alt)
	w.flow.image, w.flow.words = true, words
}

func (w *pageWriter) time(n *node) {
	if n.words() == "" {
		w.flow.add(n.attr("datetime"))
		return
	}
	w.walkAll(n)
}

// preformatted writes text whose line breaks count.
func (w *pageWriter) preformatted(n *node) {
	text := verbatim(n)
	if n.name == "script" { // how versions before 7 write code
		text = strings.TrimSuffix(strings.TrimPrefix(strings.TrimSpace(text), string(cdataStart)), string(cdataEnd))
	}
	w.code(language(n), strings.TrimPrefix(text, "\n"))
}

// verbatim is the text of a pre element, whose br elements are line breaks.
func verbatim(n *node) string {
	var b strings.Builder
	var add func(*node)
	add = func(n *node) {
		b.WriteString(n.text)
		if n.name == "br" {
			b.WriteByte('\n')
		}
		for _, c := range n.children {
			add(c)
		}
	}
	add(n)
	return b.String()
}

// language is that of a pre element, where it names one.
func language(n *node) string {
	if n.class("mermaid") {
		return "mermaid"
	}
	for _, attr := range []string{"data-syntaxhighlighter-params", "class"} {
		for _, param := range strings.Split(n.attr(attr), ";") {
			if key, value, ok := strings.Cut(param, ":"); ok && strings.TrimSpace(key) == "brush" {
				return strings.TrimSpace(value)
			}
		}
	}
	return ""
}

// navigation are the classes of lists of pages and headings in an HTML
// export.
var navigation = []string{"toc-macro", "toc-indentation", "childpages-macro", "plugin_pagetree", "plugin_pagetree_children", "navmenu"}

// classElement writes an element that an HTML export marks by its class.
func (w *pageWriter) classElement(n *node) {
	class := n.attr("class")
	switch {
	case class == "":
	case hasAny(n, navigation):
		w.as(threatmodel.RoleTOC, func() { w.element(n) })
		return
	case n.class("mermaid"):
		w.preformatted(n)
		return
	case n.class("codeHeader"):
		w.caption(n.words(), threatmodel.BlockCaption)
		return
	case n.class("expand-control-text"):
		if title := n.words(); !strings.EqualFold(title, defaultExpand) {
			w.caption(title, threatmodel.BlockParagraph)
		}
		return
	}
	if n.name == "ul" {
		w.list(n)
		return
	}
	w.element(n)
}

// defaultExpand is what a box says that the author gave no title.
const defaultExpand = "Click here to expand..."

func hasAny(n *node, classes []string) bool {
	for _, c := range classes {
		if n.class(c) {
			return true
		}
	}
	return false
}
