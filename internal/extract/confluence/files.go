package confluence

import (
	"net/url"
	"path"
	"slices"
	"strings"

	"github.com/bartizan-security/bartizan/internal/extract/block"
	"github.com/bartizan-security/bartizan/internal/extract/diagram"
	"github.com/bartizan-security/bartizan/internal/extract/diagram/mxfile"
	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

// viewFile writes a macro that shows an attachment, which is a document of its
// own.
func (w *pageWriter) viewFile(n *node) {
	name := param(n, "name")
	if link := n.find(isElement("ri:attachment")); link != nil {
		name = link.attr("ri:filename")
	}
	if name == "" {
		return
	}
	w.show(name)
	w.as(threatmodel.RoleAttachment, func() { w.fileName(name) })
}

// fileName writes the name of a file that the page shows.
func (w *pageWriter) fileName(name string) {
	w.leads(w.filePlace(name, w.attachment(name)), func() { w.flow.add(name) })
}

// attachmentList writes the macro that lists what is attached to the page.
func (w *pageWriter) attachmentList() {
	if w.files == nil || !w.listing() {
		return
	}
	w.as(threatmodel.RoleAttachment, func() {
		w.openList(false, 1)
		for _, f := range w.files.all {
			w.openItem()
			w.show(f.name)
			w.fileName(f.name)
			w.endParagraph()
		}
		w.closeList()
	})
}

// fileLink notes a link of an HTML export to a file beside its pages. Drawings
// count also where they only stand in the list of what is attached.
func (w *pageWriter) fileLink(n *node) {
	u, err := url.Parse(n.attr("href"))
	if err != nil || u.IsAbs() || u.Host != "" || !strings.HasPrefix(u.Path, "attachments/") || path.Clean(u.Path) != u.Path {
		return
	}
	name := n.attr("data-linked-resource-default-alias")
	if name == "" {
		name = n.words()
	}
	if path.Ext(name) == "" {
		name = path.Base(u.Path)
	}
	switch {
	case w.role == "":
	case w.role == threatmodel.RoleAttachment && isDrawing(attached{name: name}):
	default:
		return
	}
	if !slices.ContainsFunc(w.shown, func(a Attachment) bool { return a.File == u.Path }) {
		w.shown = append(w.shown, Attachment{Name: name, File: u.Path})
	}
}

// show notes that the page shows or links to a file of its own.
func (w *pageWriter) show(name string) {
	f := w.files.find(name)
	if f == nil || slices.ContainsFunc(w.shown, func(a Attachment) bool { return a.File == f.file }) {
		return
	}
	w.shown = append(w.shown, Attachment{Name: f.name, File: f.file})
}

// drawingTypes are the media types of drawings, drawingEnds how their names
// end.
var (
	drawingTypes = set("application/vnd.jgraph.mxfile application/gliffy+json application/x-drawio")
	drawingEnds  = set(".drawio .gliffy .dio .puml .plantuml .mmd .mermaid")
)

// isDrawing reports whether a file is a drawing that the macros of a page may
// show.
func isDrawing(f attached) bool {
	kind, _, _ := strings.Cut(f.mediaType, ";")
	name := strings.ToLower(f.name)
	return drawingTypes[strings.ToLower(strings.TrimSpace(kind))] || drawingEnds[path.Ext(name)] || isDrawnPicture(name)
}

// isDrawnPicture reports whether the name, in lower case, is that of a picture
// that holds the drawing that it shows.
func isDrawnPicture(name string) bool {
	return strings.HasSuffix(name, ".drawio.png") || strings.HasSuffix(name, ".drawio.svg")
}

// diagramText writes a diagram in a text language: the body of a macro, or an
// attachment that it names.
func (w *pageWriter) diagramText(n *node, language string) {
	text := plainBody(n)
	for _, key := range drawingParams {
		if name := param(n, key); strings.TrimSpace(text) == "" && name != "" {
			text = strings.ToValidUTF8(string(w.files.drawing(name)), "\uFFFD")
		}
	}
	w.code(language, text)
}

// drawingParams are the parameters that name a drawing, in the order in which
// they count.
var drawingParams = []string{"diagramName", "name", "filename", "diagramDisplayName", "title", "macroId"}

// drawing writes a drawing that lies in an attachment.
func (w *pageWriter) drawing(n *node) {
	w.endParagraph()
	for _, key := range drawingParams {
		if name := param(n, key); name != "" {
			if data := w.files.drawing(name); data != nil && w.drawn(name, data) {
				return
			}
		}
	}
	shown := param(n, "diagramDisplayName")
	for _, key := range drawingParams {
		if shown == "" {
			shown = param(n, key)
		}
	}
	w.add(threatmodel.Block{Kind: threatmodel.BlockImage}, "")
	w.notice(threatmodel.NoticeTruncated, "A drawing ("+strings.TrimSpace(n.attr("ac:name")+" "+shown)+") lies in an attachment and is not read.")
}

// drawing is the content of the drawing of the given name; nil where there is
// none.
func (f *pageFiles) drawing(name string) []byte {
	if f == nil {
		return nil
	}
	for _, end := range []string{"", ".drawio", ".drawio.xml", ".gliffy", ".json", ".mmd", ".puml"} {
		if at := f.find(name + end); at != nil && f.drawings[at.file] != nil {
			return f.drawings[at.file]
		}
	}
	return nil
}

// drawn writes a drawing. It reports false for one that cannot be read.
func (w *pageWriter) drawn(name string, data []byte) bool {
	sheets, err := diagram.ReadDrawing(data, mxfile.Limits{})
	shown := false
	for i, sheet := range sheets {
		shown = w.sheet(name, sheet, len(sheets) > 1, i == 0) || shown
	}
	if err != nil && shown {
		w.notice(threatmodel.NoticeTruncated, "The drawing “"+name+"” is not read whole: "+err.Error()+".")
	}
	return shown
}

// sheet writes a page of a drawing. It reports false for one that shows
// nothing.
func (w *pageWriter) sheet(name string, sheet diagram.Sheet, several, first bool) bool {
	for _, p := range sheet.Problems {
		w.notice(threatmodel.NoticeFormat, "Drawing “"+name+"”: "+p+".")
	}
	text := block.Clean(sheet.Text)
	if strings.TrimSpace(text) == "" {
		return false
	}
	if first {
		w.caption(name, threatmodel.BlockCaption)
	}
	if several && sheet.Name != "" {
		w.caption(sheet.Name, threatmodel.BlockCaption)
	}
	if text == sheet.Text {
		if w.sheets == nil {
			w.sheets = map[string]threatmodel.Diagram{}
		}
		w.sheets[text] = sheet.Diagram
	}
	w.add(threatmodel.Block{Kind: threatmodel.BlockDiagram, Language: sheet.Language}, text)
	return true
}
