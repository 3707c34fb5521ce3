package pdf

import (
	"strings"

	"github.com/klippa-app/go-pdfium/enums"
	"github.com/klippa-app/go-pdfium/references"
	"github.com/klippa-app/go-pdfium/requests"
	"github.com/klippa-app/go-pdfium/structs"

	"github.com/bartizan-security/bartizan/internal/extract/pdf/layout"
)

// maxDrawn bounds the annotations of a page that are read.
const maxDrawn = 2000

// formPassword is the flag of a text field that shows dots (ISO 32000-1, table
// 228).
const formPassword = 1 << 13

// drawn reads what annotations and form fields show on a page. Notes that open
// when they are touched are not shown, and not read. What cannot be read is
// left out.
func (d *document) drawn(page requests.Page, f frame) []layout.Drawn {
	count, err := d.engine.FPDFPage_GetAnnotCount(&requests.FPDFPage_GetAnnotCount{Page: page})
	if err != nil {
		return nil
	}
	var out []layout.Drawn
	for i := range min(count.Count, maxDrawn) {
		annot, err := d.engine.FPDFPage_GetAnnot(&requests.FPDFPage_GetAnnot{Page: page, Index: i})
		if err != nil {
			continue
		}
		if a, ok := d.annotation(annot.Annotation, f); ok {
			out = append(out, a)
		}
		if _, err := d.engine.FPDFPage_CloseAnnot(&requests.FPDFPage_CloseAnnot{Annotation: annot.Annotation}); err != nil {
			break
		}
	}
	return out
}

func (d *document) annotation(a references.FPDF_ANNOTATION, f frame) (layout.Drawn, bool) {
	const unseen = enums.FPDF_ANNOT_FLAG_HIDDEN | enums.FPDF_ANNOT_FLAG_NOVIEW
	var out layout.Drawn
	kind, err := d.engine.FPDFAnnot_GetSubtype(&requests.FPDFAnnot_GetSubtype{Annotation: a})
	if err != nil {
		return out, false
	}
	if flags, err := d.engine.FPDFAnnot_GetFlags(&requests.FPDFAnnot_GetFlags{Annotation: a}); err == nil && flags.Flags&unseen != 0 {
		return out, false
	}
	switch kind.Subtype {
	case enums.FPDF_ANNOT_SUBTYPE_FREETEXT:
		out.Text = d.annotationString(a, "Contents")
	case enums.FPDF_ANNOT_SUBTYPE_WIDGET:
		out.Form, out.Text = true, d.field(a)
	}
	if strings.TrimSpace(out.Text) == "" {
		return out, false
	}
	rect, err := d.engine.FPDFAnnot_GetRect(&requests.FPDFAnnot_GetRect{Annotation: a})
	if err != nil {
		return out, false
	}
	x1, y1 := f.point(float64(rect.Rect.Left), float64(rect.Rect.Top))
	x2, y2 := f.point(float64(rect.Rect.Right), float64(rect.Rect.Bottom))
	out.Box = layout.Box{L: min(x1, x2), T: min(y1, y2), R: max(x1, x2), B: max(y1, y2)}
	return out, true
}

func (d *document) annotationString(a references.FPDF_ANNOTATION, key string) string {
	v, err := d.engine.FPDFAnnot_GetStringValue(&requests.FPDFAnnot_GetStringValue{Annotation: a, Key: key})
	if err != nil {
		return ""
	}
	return v.Value
}

// field is the value that a form field shows: a text, a choice, or the mark of
// a box.
func (d *document) field(a references.FPDF_ANNOTATION) string {
	form, ok := d.formHandle()
	if !ok {
		return d.annotationString(a, "V")
	}
	kind, err := d.engine.FPDFAnnot_GetFormFieldType(&requests.FPDFAnnot_GetFormFieldType{FormHandle: form, Annotation: a})
	if err != nil {
		return ""
	}
	switch kind.FormFieldType {
	case enums.FPDF_FORMFIELD_TYPE_CHECKBOX, enums.FPDF_FORMFIELD_TYPE_RADIOBUTTON:
		checked, err := d.engine.FPDFAnnot_IsChecked(&requests.FPDFAnnot_IsChecked{FormHandle: form, Annotation: a})
		if err == nil && checked.IsChecked {
			return "[x]"
		}
	case enums.FPDF_FORMFIELD_TYPE_TEXTFIELD:
		flags, err := d.engine.FPDFAnnot_GetFormFieldFlags(&requests.FPDFAnnot_GetFormFieldFlags{FormHandle: form, Annotation: a})
		if err == nil && flags.Flags&formPassword != 0 {
			return ""
		}
		return d.fieldValue(form, a)
	case enums.FPDF_FORMFIELD_TYPE_COMBOBOX, enums.FPDF_FORMFIELD_TYPE_LISTBOX:
		return d.fieldValue(form, a)
	}
	return ""
}

func (d *document) fieldValue(form references.FPDF_FORMHANDLE, a references.FPDF_ANNOTATION) string {
	v, err := d.engine.FPDFAnnot_GetFormFieldValue(&requests.FPDFAnnot_GetFormFieldValue{FormHandle: form, Annotation: a})
	if err != nil {
		return ""
	}
	return v.FormFieldValue
}

// formHandle opens the document's form when the first field is met. No script
// of the document runs: the engine has none, and is told of no event.
func (d *document) formHandle() (references.FPDF_FORMHANDLE, bool) {
	if !d.formAsked {
		d.formAsked = true
		form, err := d.engine.FPDFDOC_InitFormFillEnvironment(&requests.FPDFDOC_InitFormFillEnvironment{Document: d.ref, FormFillInfo: nobody()})
		if err == nil {
			d.form = form.FormHandle
		}
	}
	return d.form, d.form != ""
}

// closeForm closes the form, if it was opened.
func (d *document) closeForm() error {
	if d.form == "" {
		return nil
	}
	_, err := d.engine.FPDFDOC_ExitFormFillEnvironment(&requests.FPDFDOC_ExitFormFillEnvironment{FormHandle: d.form})
	return err
}

// nobody is the person at the form: the engine requires that there is one.
func nobody() structs.FPDF_FORMFILLINFO {
	return structs.FPDF_FORMFILLINFO{
		FFI_Invalidate:         func(references.FPDF_PAGE, float64, float64, float64, float64) {},
		FFI_SetCursor:          func(enums.FXCT) {},
		FFI_SetTimer:           func(int, func(int)) int { return 0 },
		FFI_KillTimer:          func(int) {},
		FFI_GetLocalTime:       func() structs.FPDF_SYSTEMTIME { return structs.FPDF_SYSTEMTIME{} },
		FFI_GetPage:            func(references.FPDF_DOCUMENT, int) *references.FPDF_PAGE { return nil },
		FFI_GetRotation:        func(references.FPDF_PAGE) enums.FPDF_PAGE_ROTATION { return 0 },
		FFI_ExecuteNamedAction: func(string) {},
	}
}
