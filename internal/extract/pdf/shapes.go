package pdf

import (
	"github.com/klippa-app/go-pdfium/enums"
	"github.com/klippa-app/go-pdfium/references"
	"github.com/klippa-app/go-pdfium/requests"

	"github.com/bartizan-security/bartizan/internal/extract/pdf/layout"
)

// maxShapes bounds the objects of a page that are looked at: a map has
// hundreds of thousands, and no tables.
const maxShapes = 4000

// shapes finds what is drawn on a page and tells something of its text: lines,
// and dots that may be the bullets of a list. Of a page without text it counts
// the pictures.
func (d *document) shapes(page requests.Page, f frame, out *layout.Page) {
	count, err := d.engine.FPDFPage_CountObjects(&requests.FPDFPage_CountObjects{Page: page})
	if err != nil {
		return
	}
	blank := len(out.Runs) == 0
	drawings := 0
	alts := &alternatives{page: page}
	for i := range min(count.Count, maxShapes) {
		object, err := d.engine.FPDFPage_GetObject(&requests.FPDFPage_GetObject{Page: page, Index: i})
		if err != nil {
			return
		}
		kind, err := d.engine.FPDFPageObj_GetType(&requests.FPDFPageObj_GetType{PageObject: object.PageObject})
		if err != nil {
			return
		}
		switch kind.Type {
		case enums.FPDF_PAGEOBJ_IMAGE:
			if p, ok := d.picture(object.PageObject, f, alts); ok {
				out.Pictures = append(out.Pictures, p)
			}
		case enums.FPDF_PAGEOBJ_PATH:
			drawings++
			if blank {
				continue
			}
			b, err := d.bounds(object.PageObject, f)
			if err != nil {
				return
			}
			out.Shapes = append(out.Shapes, b)
		}
	}
	if blank && drawings >= outlined {
		// Letters drawn as outlines, as some programs export them.
		out.Outlined = true
	}
}

// bounds is the box of what is drawn.
func (d *document) bounds(object references.FPDF_PAGEOBJECT, f frame) (layout.Box, error) {
	b, err := d.engine.FPDFPageObj_GetBounds(&requests.FPDFPageObj_GetBounds{PageObject: object})
	if err != nil {
		return layout.Box{}, err
	}
	x1, y1 := f.point(float64(b.Left), float64(b.Top))
	x2, y2 := f.point(float64(b.Right), float64(b.Bottom))
	return layout.Box{L: min(x1, x2), T: min(y1, y2), R: max(x1, x2), B: max(y1, y2)}, nil
}

// outlined is from how many drawn shapes a page without text is taken for one
// whose text was turned into drawings.
const outlined = 50
