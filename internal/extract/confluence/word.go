package confluence

import (
	"strings"

	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

// IsWord reports whether the page of a web archive is one that Confluence has
// exported for Word.
func IsWord(subject, html string) bool {
	return strings.Contains(subject, "Exported From Confluence") ||
		strings.Contains(html, `class="Section1"`) && strings.Contains(html, "urn:schemas-microsoft-com:office:word") && strings.Contains(html, "confluence")
}

// ReadWord reads a page that was exported for Word; doc holds what is known of
// it, and its title is filled in.
func ReadWord(doc threatmodel.Document, html string, opt Options) threatmodel.Source {
	opt = opt.withDefaults()
	e := &htmlExport{opt: opt}
	e.book = &book{opt: opt, macros: &macroTable{}, pages: &e.pages}
	w := newPageWriter(e.book, &page{}, &e.arena)
	root, deep := parse([]byte(html), opt.MaxDepth, &e.arena)
	if deep {
		w.notice(threatmodel.NoticeTruncated, "Elements of the page nest very deep and are read in a simpler way.")
	}
	main := root.find(func(n *node) bool { return n.class("Section1") })
	title := root.find(isElement("title"))
	if main == nil {
		main, title = root, nil
	}
	if title != nil {
		w.title(title.words())
	}
	w.root = main
	w.walkAll(main)
	w.endParagraph()
	src := w.page("text/html", nil).Source
	if doc.Title = src.Title; doc.Title == "" {
		doc.Title = firstHeading(src)
	}
	doc.MediaType = src.MediaType
	src.Document = doc
	return src
}
