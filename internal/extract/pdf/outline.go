package pdf

import (
	"strings"

	"github.com/klippa-app/go-pdfium/references"
	"github.com/klippa-app/go-pdfium/requests"

	"github.com/bartizan-security/bartizan/internal/extract/pdf/layout"
)

// An outline may lead in circles: the engine itself does not notice. So these
// bound the walk.
const (
	maxOutline      = 5000
	maxOutlineDepth = 8
)

// outline reads the entries of the outline. One that is broken ends where it
// breaks: headings are found without it too.
func (d *document) outline() {
	first, err := d.engine.FPDFBookmark_GetFirstChild(&requests.FPDFBookmark_GetFirstChild{Document: d.ref})
	if err == nil && first.Bookmark != nil {
		d.siblings(*first.Bookmark, 1)
	}
}

func (d *document) siblings(b references.FPDF_BOOKMARK, level int) {
	for len(d.about.Outline) < maxOutline {
		d.entry(b, level)
		if level < maxOutlineDepth {
			child, err := d.engine.FPDFBookmark_GetFirstChild(&requests.FPDFBookmark_GetFirstChild{Document: d.ref, Bookmark: &b})
			if err == nil && child.Bookmark != nil {
				d.siblings(*child.Bookmark, level+1)
			}
		}
		next, err := d.engine.FPDFBookmark_GetNextSibling(&requests.FPDFBookmark_GetNextSibling{Document: d.ref, Bookmark: b})
		if err != nil || next.Bookmark == nil {
			return
		}
		b = *next.Bookmark
	}
}

func (d *document) entry(b references.FPDF_BOOKMARK, level int) {
	e := layout.Entry{Level: level, Y: -1}
	if title, err := d.engine.FPDFBookmark_GetTitle(&requests.FPDFBookmark_GetTitle{Bookmark: b}); err == nil {
		e.Title = strings.Join(strings.Fields(title.Title), " ")
	}
	if dest := d.destination(b); dest != nil {
		if page, err := d.engine.FPDFDest_GetDestPageIndex(&requests.FPDFDest_GetDestPageIndex{Document: d.ref, Dest: *dest}); err == nil && page.Index >= 0 && page.Index < d.pages {
			e.Page = page.Index + 1
		}
	}
	d.about.Outline = append(d.about.Outline, e)
}

// destination finds where an entry leads, itself or by an action.
func (d *document) destination(b references.FPDF_BOOKMARK) *references.FPDF_DEST {
	dest, err := d.engine.FPDFBookmark_GetDest(&requests.FPDFBookmark_GetDest{Document: d.ref, Bookmark: b})
	if err == nil && dest.Dest != nil {
		return dest.Dest
	}
	action, err := d.engine.FPDFBookmark_GetAction(&requests.FPDFBookmark_GetAction{Bookmark: b})
	if err != nil || action.Action == nil {
		return nil
	}
	byAction, err := d.engine.FPDFAction_GetDest(&requests.FPDFAction_GetDest{Document: d.ref, Action: *action.Action})
	if err != nil {
		return nil
	}
	return byAction.Dest
}
