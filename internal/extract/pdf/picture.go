package pdf

import (
	"strings"

	"github.com/klippa-app/go-pdfium/references"
	"github.com/klippa-app/go-pdfium/requests"

	"github.com/bartizan-security/bartizan/internal/extract/block"
	"github.com/bartizan-security/bartizan/internal/extract/pdf/layout"
)

// maxStructure bounds the elements of a page's structure that are looked at,
// and maxStructureDepth how deep: a structure may lead in circles.
const (
	maxStructure      = 20_000
	maxStructureDepth = 60
)

// alternatives are the texts that a page's structure gives for its pictures, by
// the number of the marked content.
type alternatives struct {
	page  requests.Page
	texts map[int]string // nil before the first picture
	seen  int
}

// picture is an image of a page, as far as the page shows it.
func (d *document) picture(object references.FPDF_PAGEOBJECT, f frame, alts *alternatives) (layout.Picture, bool) {
	b, err := d.bounds(object, f)
	if err != nil {
		return layout.Picture{}, false
	}
	b = layout.Box{L: max(b.L, 0), T: max(b.T, 0), R: min(b.R, f.width), B: min(b.B, f.height)}
	if !(b.R > b.L) || !(b.B > b.T) {
		return layout.Picture{}, false
	}
	p := layout.Picture{Box: b}
	if alts.texts == nil {
		alts.texts = map[int]string{}
		d.alternatives(alts)
	}
	if len(alts.texts) > 0 {
		if id, err := d.engine.FPDFPageObj_GetMarkedContentID(&requests.FPDFPageObj_GetMarkedContentID{PageObject: object}); err == nil && id.MarkedContentID >= 0 {
			p.Alt = alts.texts[id.MarkedContentID]
		}
	}
	return p, true
}

// alternatives reads the structure of a page. One that is broken ends where it
// breaks.
func (d *document) alternatives(alts *alternatives) {
	tagged, err := d.engine.FPDFCatalog_IsTagged(&requests.FPDFCatalog_IsTagged{Document: d.ref})
	if err != nil || !tagged.IsTagged {
		return
	}
	tree, err := d.engine.FPDF_StructTree_GetForPage(&requests.FPDF_StructTree_GetForPage{Page: alts.page})
	if err != nil {
		d.fault = onlyPage(err)
		return
	}
	defer func() {
		_, _ = d.engine.FPDF_StructTree_Close(&requests.FPDF_StructTree_Close{StructTree: tree.StructTree}) // it goes with the document
	}()
	count, err := d.engine.FPDF_StructTree_CountChildren(&requests.FPDF_StructTree_CountChildren{StructTree: tree.StructTree})
	if err != nil {
		return
	}
	for i := range count.Count {
		child, err := d.engine.FPDF_StructTree_GetChildAtIndex(&requests.FPDF_StructTree_GetChildAtIndex{StructTree: tree.StructTree, Index: i})
		if err != nil {
			continue
		}
		d.element(child.StructElement, "", 1, alts)
	}
}

// element takes the alternative text of an element, or that of one around it,
// for the contents that it marks.
func (d *document) element(e references.FPDF_STRUCTELEMENT, around string, depth int, alts *alternatives) {
	if alts.seen++; alts.seen > maxStructure || depth > maxStructureDepth {
		return
	}
	if own, err := d.engine.FPDF_StructElement_GetAltText(&requests.FPDF_StructElement_GetAltText{StructElement: e}); err == nil {
		if s := strings.Join(strings.Fields(block.Clean(own.AltText)), " "); s != "" {
			around = s
		}
	}
	count, err := d.engine.FPDF_StructElement_CountChildren(&requests.FPDF_StructElement_CountChildren{StructElement: e})
	if err != nil {
		return
	}
	for i := range count.Count {
		if around != "" {
			id, err := d.engine.FPDF_StructElement_GetChildMarkedContentID(&requests.FPDF_StructElement_GetChildMarkedContentID{StructElement: e, Index: i})
			if err == nil && id.ChildMarkedContentID >= 0 {
				alts.texts[id.ChildMarkedContentID] = around
				continue
			}
		}
		child, err := d.engine.FPDF_StructElement_GetChildAtIndex(&requests.FPDF_StructElement_GetChildAtIndex{StructElement: e, Index: i})
		if err == nil {
			d.element(child.StructElement, around, depth+1, alts)
		}
	}
}
