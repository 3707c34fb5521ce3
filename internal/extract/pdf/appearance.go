package pdf

import (
	"fmt"
	"strings"

	"github.com/klippa-app/go-pdfium/enums"
	"github.com/klippa-app/go-pdfium/references"
	"github.com/klippa-app/go-pdfium/requests"
	"github.com/klippa-app/go-pdfium/structs"

	"github.com/bartizan-security/bartizan/internal/extract/block"
	"github.com/bartizan-security/bartizan/internal/extract/pdf/layout"
)

// Some programs write what an annotation shows nowhere but in its drawing. The
// engine reads the text of pages only, so that such annotations are made the
// content of a page of their own.

// maxAppearances bounds the pages that are copied for that, and maxUnder what is
// taken off each.
const (
	maxAppearances = 200
	maxUnder       = 20_000
)

var errUnder = fmt.Errorf("the page has more than %d objects", maxUnder)

// unsaid is an annotation that shows something and does not say what.
type unsaid struct {
	// index is its number on the page, rect where it stands there.
	index int
	rect  structs.FPDF_FS_RECTF
}

// drawsOnly reports whether an annotation that says nothing has a drawing.
func (d *document) drawsOnly(a references.FPDF_ANNOTATION) bool {
	look, err := d.engine.FPDFAnnot_GetAP(&requests.FPDFAnnot_GetAP{Annotation: a, AppearanceMode: enums.FPDF_ANNOT_APPEARANCEMODE_NORMAL})
	return err == nil && strings.TrimSpace(look.Value) != ""
}

// appearances reads the text in the drawings of annotations of a page.
func (d *document) appearances(index int, all []unsaid, f frame) []layout.Drawn {
	if len(all) == 0 || d.appeared == maxAppearances {
		return nil
	}
	d.appeared++
	sheet, err := d.engine.FPDF_CreateNewDocument(&requests.FPDF_CreateNewDocument{})
	if err != nil {
		d.ends(err)
		return nil
	}
	out, err := d.appearancesIn(sheet.Document, index, all, f)
	d.ends(err)
	_, err = d.engine.FPDF_CloseDocument(&requests.FPDF_CloseDocument{Document: sheet.Document})
	d.ends(err)
	return out
}

// ends notes an error that breaks the engine; others only cost the text.
func (d *document) ends(err error) {
	if err != nil && onlyPage(err) != nil && d.fault == nil {
		d.fault = err
	}
}

// appearancesIn makes the annotations the content of a page of another document,
// and reads that.
func (d *document) appearancesIn(sheet references.FPDF_DOCUMENT, index int, all []unsaid, f frame) ([]layout.Drawn, error) {
	_, err := d.engine.FPDF_ImportPagesByIndex(&requests.FPDF_ImportPagesByIndex{Source: d.ref, Destination: sheet, PageIndices: []int{index}})
	if err != nil {
		return nil, err
	}
	if err := d.flatten(sheet, all); err != nil {
		return nil, err
	}
	// The page is loaded again, with its new content.
	loaded, err := d.engine.FPDF_LoadPage(&requests.FPDF_LoadPage{Document: sheet})
	if err != nil {
		return nil, err
	}
	text, err := d.engine.FPDFText_LoadPage(&requests.FPDFText_LoadPage{Page: requests.Page{ByReference: &loaded.Page}})
	if err != nil {
		return nil, err
	}
	var out []layout.Drawn
	for _, u := range all {
		r := u.rect
		got, err := d.engine.FPDFText_GetBoundedText(&requests.FPDFText_GetBoundedText{
			TextPage: text.TextPage, Left: float64(r.Left), Top: float64(r.Top), Right: float64(r.Right), Bottom: float64(r.Bottom),
		})
		if err != nil {
			return out, err
		}
		if said := strings.TrimSpace(block.Clean(got.Text)); said != "" {
			out = append(out, layout.Drawn{Text: said, Box: f.rect(r)})
		}
	}
	_, err = d.engine.FPDFText_ClosePage(&requests.FPDFText_ClosePage{TextPage: text.TextPage})
	return out, err
}

// flatten leaves of the first page of a document the given annotations alone, as
// its content.
func (d *document) flatten(sheet references.FPDF_DOCUMENT, all []unsaid) error {
	loaded, err := d.engine.FPDF_LoadPage(&requests.FPDF_LoadPage{Document: sheet})
	if err != nil {
		return err
	}
	page := requests.Page{ByReference: &loaded.Page}
	if err := d.removeContent(page); err != nil {
		return err
	}
	count, err := d.engine.FPDFPage_GetAnnotCount(&requests.FPDFPage_GetAnnotCount{Page: page})
	if err != nil {
		return err
	}
	kept := map[int]bool{}
	for _, u := range all {
		kept[u.index] = true
	}
	for i := count.Count - 1; i >= 0; i-- {
		if kept[i] {
			continue
		}
		if _, err := d.engine.FPDFPage_RemoveAnnot(&requests.FPDFPage_RemoveAnnot{Page: page, Index: i}); err != nil {
			return err
		}
	}
	if _, err := d.engine.FPDFPage_Flatten(&requests.FPDFPage_Flatten{Page: page}); err != nil {
		return err
	}
	_, err = d.engine.FPDF_ClosePage(&requests.FPDF_ClosePage{Page: loaded.Page})
	return err
}

// removeContent takes the content off a page.
func (d *document) removeContent(page requests.Page) error {
	count, err := d.engine.FPDFPage_CountObjects(&requests.FPDFPage_CountObjects{Page: page})
	if err != nil {
		return err
	}
	if count.Count > maxUnder {
		return errUnder
	}
	for i := count.Count - 1; i >= 0; i-- {
		object, err := d.engine.FPDFPage_GetObject(&requests.FPDFPage_GetObject{Page: page, Index: i})
		if err != nil {
			return err
		}
		if _, err := d.engine.FPDFPage_RemoveObject(&requests.FPDFPage_RemoveObject{Page: page, PageObject: object.PageObject}); err != nil {
			return err
		}
		if _, err := d.engine.FPDFPageObj_Destroy(&requests.FPDFPageObj_Destroy{PageObject: object.PageObject}); err != nil {
			return err
		}
	}
	_, err = d.engine.FPDFPage_GenerateContent(&requests.FPDFPage_GenerateContent{Page: page})
	return err
}
