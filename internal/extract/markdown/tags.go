package markdown

import (
	"slices"
	"strings"

	"golang.org/x/net/html"

	"github.com/bartizan-security/bartizan/internal/extract/block"
	"github.com/bartizan-security/bartizan/internal/extract/flow"
)

func set(names string) map[string]bool {
	m := map[string]bool{}
	for _, n := range strings.Fields(names) {
		m[n] = true
	}
	return m
}

// blockElements end the text before and after them.
var blockElements = set(`address article aside blockquote body center dd details dialog dir div dl dt
	fieldset figure footer form head header hgroup hr html main menu nav noscript p search section summary`)

// hiddenElements hold nothing that a reader sees as text.
var hiddenElements = set(`audio canvas datalist iframe math noembed noframes object script select style
	svg template textarea video`)

// inlineElements are the remaining elements of HTML.
var inlineElements = set(`a abbr acronym area b base basefont bdi bdo big br button caption cite code col
	colgroup data del dfn em embed figcaption font frame frameset h1 h2 h3 h4 h5 h6 i img input ins kbd label
	legend li link map mark meta meter ol optgroup option output param picture pre progress q rp rt ruby s
	samp slot small source span strike strong sub sup table tbody td tfoot th thead time title tr track tt u
	ul var wbr`)

// htmlElements are all elements of HTML.
var htmlElements = union(blockElements, hiddenElements, inlineElements)

func union(sets ...map[string]bool) map[string]bool {
	all := map[string]bool{}
	for _, s := range sets {
		for name := range s {
			all[name] = true
		}
	}
	return all
}

// startTag acts on a start tag.
func (d *document) startTag(t html.Token) {
	switch t.Data {
	case "br":
		d.lineBreak()
	case "img":
		d.htmlImage(t)
	case "h1", "h2", "h3", "h4", "h5", "h6":
		d.openHeading(t)
	case "ul", "ol":
		d.openHTMLList(t)
	case "li":
		d.endParagraph()
		d.w.OpenItem()
	case "pre":
		d.openPre(t)
	case "table":
		d.openHTMLTable()
	case "caption", "figcaption":
		d.openCaption()
	case "thead", "tbody", "tfoot":
		d.tableHead(t.Data == "thead")
	case "tr":
		d.endParagraph()
		d.w.OpenRow()
	case "td", "th":
		d.endParagraph()
		d.w.OpenCell(t.Data == "th", number(t, "colspan"), number(t, "rowspan"))
	case "title":
		d.html.title = true
	case "a":
		d.html.link, d.html.linkFrom = flow.FileTarget(attribute(t, "href")), len(d.flow.Text)
	default:
		d.openOther(t.Data)
	}
}

func (d *document) openOther(name string) {
	switch {
	case hiddenElements[name]:
		d.html.skip = name
	case blockElements[name]:
		d.endParagraph()
	}
}

// endTag acts on an end tag.
func (d *document) endTag(name string) {
	switch name {
	case "h1", "h2", "h3", "h4", "h5", "h6":
		d.closeHeading()
	case "ul", "ol":
		d.closeHTMLList()
	case "li":
		d.endParagraph()
		d.w.CloseItem()
	case "pre":
		d.closePre()
	case "table":
		d.endParagraph()
		d.w.CloseTable()
	case "caption", "figcaption":
		d.closeCaption()
	case "thead":
		d.tableHead(false)
	case "tr":
		d.endParagraph()
		d.w.CloseRow()
	case "td", "th":
		d.endParagraph()
		d.w.CloseCell()
	case "title":
		d.html.title = false
	case "a":
		d.flow.Link(d.html.linkFrom, d.html.link)
		d.html.link = ""
	default:
		if blockElements[name] {
			d.endParagraph()
		}
	}
}

func (d *document) lineBreak() {
	if d.html.pre > 0 {
		d.flow.Text = append(d.flow.Text, '\n')
		return
	}
	d.flow.Newline()
}

func (d *document) htmlImage(t html.Token) {
	d.flow.Add(block.Clean(strings.Join(strings.Fields(attribute(t, "alt")), " ")), d.tagLine)
	d.flow.At(d.tagLine)
	d.flow.Image = true
}

func (d *document) openHeading(t html.Token) {
	d.endParagraph()
	d.html.heading = int(t.Data[1] - '0')
}

func (d *document) closeHeading() {
	d.endParagraph()
	d.html.heading = 0
}

func (d *document) openHTMLList(t html.Token) {
	d.endParagraph()
	d.w.OpenList(t.Data == "ol", number(t, "start"), true)
}

func (d *document) closeHTMLList() {
	d.endParagraph()
	if d.w.InHTMLList() {
		d.w.CloseList()
	}
}

func (d *document) openPre(t html.Token) {
	d.endParagraph()
	d.html.pre++
	if slices.Contains(strings.Fields(attribute(t, "class")), "mermaid") {
		d.html.language = "mermaid"
	}
}

func (d *document) closePre() {
	d.endParagraph()
	d.html.pre = max(0, d.html.pre-1)
	d.html.language = ""
}

// openHTMLTable opens a table that has an end: one that the author forgot to
// close must not swallow the rest of the document.
func (d *document) openHTMLTable() {
	d.endParagraph()
	if d.closesLater("table") {
		d.w.OpenTable()
	}
}

func (d *document) openCaption() {
	d.endParagraph()
	d.html.caption = true
}

func (d *document) closeCaption() {
	d.endParagraph()
	d.html.caption = false
}

func (d *document) tableHead(head bool) {
	d.endParagraph()
	d.w.Head(head)
}
