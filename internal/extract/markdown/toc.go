package markdown

import (
	"bytes"
	"regexp"

	"github.com/yuin/goldmark/ast"
)

var contentsTitle = regexp.MustCompile(`(?i)^\W*(table of contents?|contents|toc|in this (document|page|article)|on this page|index|outline|inhalt|inhaltsverzeichnis|sommaire|índice|contenido)\W*$`)

// isContents reports whether a heading stands over a table of contents and
// nothing else.
func isContents(h *ast.Heading, source []byte) bool {
	l, ok := h.NextSibling().(*ast.List)
	if !ok || !isTableOfContents(l, source) {
		return false
	}
	after := l.NextSibling()
	return after == nil || after.Kind() == ast.KindHeading
}

// isTableOfContents reports whether a list is a table of contents: it holds
// nothing but links, and stands under a heading that says so, or all of them
// lead to places in the document.
func isTableOfContents(l *ast.List, source []byte) bool {
	if h, ok := l.PreviousSibling().(*ast.Heading); ok && contentsTitle.Match(plainText(h, source)) {
		return onlyLinks(l, nil)
	}
	return countItems(l) >= minContents && onlyLinks(l, func(link *ast.Link) bool {
		return bytes.HasPrefix(link.Destination, []byte("#"))
	})
}

// minContents is how many items a list of links within the document has
// before it counts as a table of contents without a heading that says so.
const minContents = 4

func countItems(l *ast.List) int {
	n := 0
	for item := l.FirstChild(); item != nil; item = item.NextSibling() {
		n++
		for c := item.FirstChild(); c != nil; c = c.NextSibling() {
			if nested, ok := c.(*ast.List); ok {
				n += countItems(nested)
			}
		}
	}
	return n
}

// onlyLinks reports whether each item is one link that fits, with lists of
// the same kind below it.
func onlyLinks(l *ast.List, fits func(*ast.Link) bool) bool {
	for item := l.FirstChild(); item != nil; item = item.NextSibling() {
		for c := item.FirstChild(); c != nil; c = c.NextSibling() {
			switch c := c.(type) {
			case *ast.List:
				if !onlyLinks(c, fits) {
					return false
				}
			case *ast.TextBlock, *ast.Paragraph:
				if !isLink(c, fits) {
					return false
				}
			default:
				return false
			}
		}
	}
	return true
}

// isLink reports whether a paragraph is one link.
func isLink(n ast.Node, fits func(*ast.Link) bool) bool {
	link, ok := n.FirstChild().(*ast.Link)
	if !ok || fits != nil && !fits(link) {
		return false
	}
	for c := link.NextSibling(); c != nil; c = c.NextSibling() {
		t, ok := c.(*ast.Text)
		if !ok || t.Segment.Len() > 0 {
			return false
		}
	}
	return true
}

// plainText is the text of a node's own lines, markup included.
func plainText(n ast.Node, source []byte) []byte {
	return bytes.TrimSpace(n.Lines().Value(source))
}
