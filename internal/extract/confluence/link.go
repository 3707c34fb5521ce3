package confluence

import (
	"net/url"
	"path"
	"strings"

	layout "github.com/bartizan-security/bartizan/internal/extract/flow"
	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

// place is where a link leads: what the author wrote, and the name of the
// document, where it is one that is read.
type place struct{ target, document string }

// leads notes that the text which f writes is a link. Where f ends paragraphs,
// it is that of the last.
func (w *pageWriter) leads(to place, f func()) {
	from, paragraph := len(w.flow.text), w.flow.taken
	f()
	if w.flow.taken != paragraph {
		from = 0
	}
	w.flow.link(from, to)
}

// pagePlace is the place of a page of the export.
func (w *pageWriter) pagePlace(target string, p *page) place {
	if p == nil || p == w.self {
		return place{target: target}
	}
	return place{target, w.book.pages.path(p, w.book.prefix(p.space))}
}

// filePlace is the place of a file that belongs to the page; it is a document
// where the page shows it and a document may be called so.
func (w *pageWriter) filePlace(target string, f *Attachment) place {
	if f == nil || w.book.opt.IsDocument == nil || !w.book.opt.IsDocument(f.Name) {
		return place{target: target}
	}
	return place{target, f.Below(w.name)}
}

// resource is the place that an element of the storage format names.
func (w *pageWriter) resource(n *node) place {
	for _, c := range n.children {
		switch c.name {
		case "ri:page", "ri:blog-post":
			key, title := c.attr("ri:space-key"), c.attr("ri:content-title")
			if title == "" || title == "@self" {
				return place{}
			}
			target := title
			if key != "" {
				target = key + ":" + title
			}
			if anchor := n.attr("ac:anchor"); anchor != "" {
				target += "#" + anchor
			}
			return w.pagePlace(target, w.book.find(w.self, key, title))
		case "ri:attachment":
			name := c.attr("ri:filename")
			if c.child("ri:page") != nil {
				return place{target: name} // it is below another page
			}
			return w.filePlace(name, w.attachment(name))
		case "ri:content-entity":
			id := c.attr("ri:content-id")
			return w.pagePlace("?pageId="+id, w.book.byID(id))
		}
	}
	return place{}
}

// attachment is the file of the given name that the page shows.
func (w *pageWriter) attachment(name string) *Attachment {
	for i := range w.shown {
		if strings.EqualFold(w.shown[i].Name, name) {
			return &w.shown[i]
		}
	}
	return nil
}

// address is the place that an address in a page leads to: a page or file of
// the export, or a file beside it. Addresses of the web are not kept, unless they
// are those of pages of the export.
func (w *pageWriter) address(href string) place {
	u, err := url.Parse(strings.TrimSpace(href))
	if err != nil || href == "" {
		return place{}
	}
	if p := w.pageAt(u); p != nil {
		target := u.Path
		if id := u.Query().Get("pageId"); id != "" {
			target += "?pageId=" + id
		}
		if u.Fragment != "" {
			target += "#" + u.Fragment
		}
		return w.pagePlace(target, p)
	}
	for i := range w.shown {
		if w.shown[i].File == u.Path && !u.IsAbs() && u.Host == "" {
			return w.filePlace(u.Path, &w.shown[i])
		}
	}
	return place{target: layout.FileTarget(href)}
}

// pageAt is the page of the export at an address: a file of an export as HTML,
// or an address as the wiki gives them.
func (w *pageWriter) pageAt(u *url.URL) *page {
	if w.book.file != nil && !u.IsAbs() && u.Host == "" {
		return w.book.file(fileOf(u.Path))
	}
	parts := strings.Split(strings.Trim(u.Path, "/"), "/")
	for i, part := range parts {
		rest := parts[i+1:]
		switch {
		case part == "viewpage.action":
			return w.book.byID(u.Query().Get("pageId"))
		case part == "spaces" && len(rest) >= 3 && rest[1] == "pages":
			return w.book.byID(rest[2])
		case part == "display" && len(rest) == 2:
			return w.book.find(w.self, rest[0], strings.ReplaceAll(rest[1], "+", " "))
		}
	}
	return nil
}

// Below is the name of the document of a file that a page shows, from that of
// the page.
func (a Attachment) Below(page string) string {
	return path.Join(page, path.Base(path.Clean("/"+a.Name)))
}

// shifted are links whose text begins so many bytes later.
func shifted(links []threatmodel.Link, by int) []threatmodel.Link {
	moved := make([]threatmodel.Link, 0, len(links))
	for _, l := range links {
		l.Start, l.End = l.Start+by, l.End+by
		moved = append(moved, l)
	}
	return moved
}
