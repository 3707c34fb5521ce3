package office

import (
	"archive/zip"
	"encoding/xml"
	"errors"
	"io"
	"strings"

	"github.com/bartizan-security/bartizan/internal/extract/diagram"
	"github.com/bartizan-security/bartizan/internal/extract/flow"
	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

// document is a document being read.
type document struct {
	opt    Options
	parts  *parts
	styles styles
	lists  *lists
	notes  map[string]*note
	w      flow.Writer
	// blocks counts what was written, lastWords are the beginning of the last.
	blocks    int
	lastWords string
	// shownTitle is the text of the first paragraph that is styled as the title.
	shownTitle string
	fields     []field
	// contents counts open controls and fields that hold a table of contents.
	contents int
	// code are the lines of code that wait for the next.
	code flow.Run
	// open is the text of a paragraph whose end was deleted: it goes on with the
	// next.
	open *paragraph
	// listID is the list that the last item of the first level belonged to.
	listID string
	// later are notes, comments and deletions that wait until the table around
	// their place has ended.
	later []func()
	// footnotes and endnotes count those that were shown; ends are the
	// endnotes, which stand below the text.
	footnotes int
	comments  []*note
	ends      []*note
	// drawings are the parts that hold a drawing whose text was written.
	drawings map[string]bool
	// objects and chunks count what is not read.
	objects, chunks int
}

func newDocument(zr *zip.Reader, opt Options) *document {
	return &document{
		opt: opt, parts: newParts(zr, opt), notes: map[string]*note{}, drawings: map[string]bool{},
		w: flow.Writer{MaxCells: opt.MaxTableCells},
	}
}

// knowledge reads the parts that say how the text is to be understood.
func (d *document) knowledge() error {
	for _, kind := range []string{"styles", "numbering", "footnotes", "endnotes", "comments"} {
		root := &node{}
		var err error
		if names := d.parts.related(kind); len(names) > 0 {
			root, err = d.parts.tree(names[0])
		}
		if err != nil && !errors.Is(err, ErrDamaged) {
			return err
		}
		if err != nil {
			d.w.B.Notice(threatmodel.NoticeUnreadable, "The part of the document with its %s is damaged and was not read.", kind)
			root = &node{}
		}
		switch kind {
		case "styles":
			d.styles = readStyles(root)
		case "numbering":
			d.lists = readLists(root, d.styles)
		default:
			d.readNotes(kind, root)
		}
	}
	return nil
}

// body writes the text, paragraph by paragraph.
func (d *document) body() error {
	s, done, err := d.parts.stream(d.parts.main)
	if err != nil {
		return err
	}
	defer done()
	for {
		t, err := s.next()
		switch {
		case errors.Is(err, io.EOF):
			return damaged("its text", io.ErrUnexpectedEOF)
		case err != nil:
			return err
		}
		if start, ok := t.(xml.StartElement); ok && s.name(start.Name) == "w:body" {
			return d.stream(s)
		}
	}
}

// wrappers are elements that only hold others.
var wrappers = map[string]bool{"w:sdt": true, "w:sdtContent": true, "w:customXml": true, "w:ins": true, "w:moveTo": true}

// stream writes the paragraphs and tables up to the end of the element that
// has begun. Elements that only wrap others are gone into, so that none of
// them is held as a whole.
func (d *document) stream(s *stream) error {
	contents := false
	defer func() {
		if contents {
			d.contents--
		}
	}()
	for {
		t, err := s.next()
		if errors.Is(err, io.EOF) {
			err = damaged("its text", io.ErrUnexpectedEOF)
		}
		if err != nil {
			return err
		}
		switch t := t.(type) {
		case xml.EndElement:
			return nil
		case xml.StartElement:
			switch name := s.name(t.Name); {
			case wrappers[name] && !s.deep():
				err = d.stream(s)
			default:
				var n *node
				if n, err = s.tree(t); err == nil || len(n.kids) > 0 {
					if n.name == "w:sdtPr" && isContents(n) {
						contents = true
						d.contents++
					}
					d.block(n)
				}
			}
			if err != nil {
				return err
			}
		}
	}
}

// isContents reports whether the properties of a control say that it holds a
// table of contents.
func isContents(props *node) bool {
	kind := props.path("w:docPartObj", "w:docPartGallery").attr("w:val")
	return kind == "Table of Contents" || kind == "Table of Figures" || kind == "Bibliographies"
}

// blocks writes all blocks in an element.
func (d *document) all(n *node) {
	for _, k := range n.kids {
		d.block(k)
	}
}

// block writes one block.
func (d *document) block(n *node) {
	switch n.name {
	case "w:p":
		d.paragraph(n)
	case "w:tbl":
		d.table(n)
	case "w:sdt":
		d.control(n)
	case "w:customXml", "w:ins", "w:moveTo":
		d.all(n)
	case "mc:AlternateContent":
		d.all(alternative(n))
	case "w:altChunk":
		d.chunks++
	case "m:oMathPara":
		d.paragraph(&node{name: "w:p", kids: []*node{n}})
	}
}

// control writes a control and what it holds, unless that is a prompt.
func (d *document) control(n *node) {
	content, props := n.child("w:sdtContent"), n.child("w:sdtPr")
	if content == nil || props.on("w:showingPlcHdr") {
		return
	}
	if props != nil && isContents(props) {
		d.contents++
		defer func() { d.contents-- }()
	}
	d.all(content)
}

// alternative is the branch of an element that newer and older programs show
// differently: the newer, unless only the older holds text.
func alternative(n *node) *node {
	choice, fallback := n.child("mc:Choice"), n.child("mc:Fallback")
	switch {
	case choice == nil && fallback == nil:
		return &node{}
	case choice == nil:
		return fallback
	case fallback != nil && strings.TrimSpace(choice.content()) == "" && strings.TrimSpace(fallback.content()) != "":
		return fallback
	}
	return choice
}

// wrote notes that a block came, for messages.
func (d *document) wrote(text []byte) {
	d.blocks++
	const most = 40
	words := strings.Join(strings.Fields(string(text[:min(len(text), 4*most)])), " ")
	if runes := []rune(words); len(runes) > most {
		words = string(runes[:most])
	}
	d.lastWords = strings.ToValidUTF8(words, "")
}

// flushCode writes the lines of code that wait.
func (d *document) flushCode() {
	if len(d.code.Text) == 0 {
		return
	}
	r := d.code
	d.code = flow.Run{}
	language := ""
	if diagram.IsMermaid(string(r.Text)) {
		language = "mermaid"
	}
	d.wrote(r.Text)
	d.w.Code(language, r)
}

// closeLists ends all open lists.
func (d *document) closeLists() {
	for d.w.Lists() > 0 {
		d.w.CloseList()
	}
}

// endParagraphs writes what waits for a next paragraph that does not come.
func (d *document) endParagraphs() {
	if p := d.open; p != nil {
		d.open = nil
		d.finish(p)
	}
	d.flushCode()
	d.closeLists()
}

// settle writes what had to wait, at a place outside of tables.
func (d *document) settle() {
	if d.w.InCell() || len(d.later) == 0 {
		return
	}
	later := d.later
	d.later = nil
	for _, f := range later {
		f()
	}
}
