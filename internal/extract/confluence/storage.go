package confluence

import (
	"strconv"
	"strings"

	"github.com/bartizan-security/bartizan/internal/extract/markdown"
	"github.com/bartizan-security/bartizan/internal/extract/plain"
	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

// storage writes the body of a page that is in the storage format, or in the
// wiki markup of old versions.
func (w *pageWriter) storage(body []byte) {
	if w.self.body.wiki {
		w.notice(threatmodel.NoticeFormat, "The page is in the wiki markup of Confluence 3 and is read as plain text.")
		w.splice(plain.Read(threatmodel.Document{}, strings.ToValidUTF8(string(body), "\uFFFD")))
		return
	}
	root, deep := parseBody(body, w.book.opt.MaxDepth, w.arena)
	if deep {
		w.notice(threatmodel.NoticeTruncated, "Elements of the page nest more than "+strconv.Itoa(w.book.opt.MaxDepth)+" deep and are read in a simpler way.")
	}
	w.root = root
	w.walkAll(root)
	w.endParagraph()
}

// comment writes what a reader has written under the page.
func (w *pageWriter) comment(body []byte) {
	root, _ := parseBody(body, w.book.opt.MaxDepth, w.arena)
	w.as(threatmodel.RoleAnnotation, func() { w.walkAll(root) })
}

// storageElement writes an element of the storage format.
func (w *pageWriter) storageElement(n *node) {
	switch n.name {
	case "ac:structured-macro", "ac:macro":
		w.macro(n)
	case "ac:link":
		w.link(n)
	case "ac:image":
		w.storageImage(n)
	case "ac:emoticon":
		w.symbol(n)
	case "ac:plain-text-body", "ac:plain-text-link-body":
		w.flow.add(n.content())
	case "ac:task-list":
		w.tasks(n)
	case "ac:caption":
		w.endParagraph()
		w.walkAll(n)
		w.endCaption()
	default:
		w.plainElement(n)
	}
}

func (w *pageWriter) tasks(n *node) {
	w.openList(false, 1)
	for _, task := range n.children {
		switch task.name {
		case "ac:task-list":
			w.tasks(task)
		case "ac:task":
			status := task.child("ac:task-status")
			w.openItem()
			w.flow.add(checkBox(status != nil && status.words() == "complete"))
			w.walkAll(task)
			w.endParagraph()
			w.marker = ""
		default:
			w.walk(task)
		}
	}
	w.closeList()
}

// link writes the text of a link: what the author gave, else what it leads to.
func (w *pageWriter) link(n *node) {
	if c := n.child("ri:attachment"); c != nil && c.child("ri:page") == nil {
		w.show(c.attr("ri:filename"))
	}
	w.leads(w.resource(n), func() { w.linkText(n) })
}

func (w *pageWriter) linkText(n *node) {
	for _, c := range n.children {
		if (c.name == "ac:link-body" || c.name == "ac:plain-text-link-body") && c.words() != "" {
			w.walkAll(c)
			return
		}
	}
	w.flow.add(w.target(n))
}

// target names what a link leads to.
func (w *pageWriter) target(n *node) string {
	for _, c := range n.children {
		switch c.name {
		case "ri:page", "ri:blog-post":
			if t := c.attr("ri:content-title"); t != "@self" {
				return t
			}
			return w.called
		case "ri:user":
			return w.person(c)
		case "ri:attachment":
			return c.attr("ri:filename")
		case "ri:space":
			return c.attr("ri:space-key")
		case "ri:url":
			return c.attr("ri:value")
		}
	}
	return n.attr("ac:anchor")
}

// person is the name of someone: the one that people know, where the export
// has it.
func (w *pageWriter) person(n *node) string {
	login := n.attr("ri:username")
	if login == "" {
		login = w.book.users[n.attr("ri:userkey")]
	}
	if name := w.book.logins[login]; name != "" {
		return name
	}
	if login == "" {
		return "unknown user"
	}
	return login
}

func (w *pageWriter) storageImage(n *node) {
	words := w.flow.words
	w.flow.add(n.attr("ac:alt"))
	w.flow.image, w.flow.words = true, words
	if c := n.child("ac:caption"); c != nil {
		w.walk(c)
	}
	if at := n.child("ri:attachment"); at != nil {
		name := at.attr("ri:filename")
		if data := w.files.drawing(name); data != nil && isDrawnPicture(strings.ToLower(name)) {
			w.endParagraph()
			w.drawn(name, data)
		}
	}
}

func (w *pageWriter) symbol(n *node) {
	if shown := n.attr("ac:emoji-fallback"); shown != "" && !strings.HasPrefix(shown, ":") {
		w.flow.add(shown)
		return
	}
	w.flow.add(w.book.macros.symbols[n.attr("ac:name")])
}

// splice writes a document that another reader has read.
func (w *pageWriter) splice(src threatmodel.Source) {
	w.endParagraph()
	first := w.groups
	for _, b := range src.Blocks {
		marker := ""
		switch b.Kind {
		case threatmodel.BlockHeading:
			if w.cell != nil || len(w.lists) > 0 {
				b.Kind, b.Level = threatmodel.BlockParagraph, 0
			} else {
				b.Level = min(6, b.Level+1)
			}
		case threatmodel.BlockListItem:
			marker = strings.Repeat("  ", max(0, b.Level-1)) + "- "
		}
		if b.Group != 0 {
			w.groups = max(w.groups, first+b.Group)
			b.Group += first
		}
		if b.Role == threatmodel.RoleBody {
			b.Role = w.role
		}
		b.Marks, b.Locator = nil, threatmodel.Locator{}
		w.write(b, marker, b.Text)
	}
	for _, n := range src.Notices {
		w.notice(n.Kind, n.Text)
	}
}

func (w *pageWriter) markdown(text string) {
	w.splice(markdown.Read(threatmodel.Document{}, strings.ToValidUTF8(text, "\uFFFD"), markdown.Options{MaxTableCells: w.book.opt.MaxTableCells}))
}
