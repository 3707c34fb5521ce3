package pdf

import (
	"regexp"
	"strings"

	"github.com/klippa-app/go-pdfium/enums"
	"github.com/klippa-app/go-pdfium/references"
	"github.com/klippa-app/go-pdfium/requests"
	"github.com/klippa-app/go-pdfium/structs"

	"github.com/bartizan-security/bartizan/internal/extract/block"
	"github.com/bartizan-security/bartizan/internal/extract/pdf/layout"
)

// maxDrawn bounds the annotations of a page that are read.
const maxDrawn = 2000

// formPassword is the flag of a text field that shows dots (ISO 32000-1, table
// 228).
const formPassword = 1 << 13

// drawn reads what annotations and form fields show on a page, and keeps apart
// the comments that open when they are touched and the files that are pinned to
// it. What cannot be read is left out.
func (d *document) drawn(page requests.Page, number int, f frame) []layout.Drawn {
	count, err := d.engine.FPDFPage_GetAnnotCount(&requests.FPDFPage_GetAnnotCount{Page: page})
	if err != nil {
		return nil
	}
	var out []layout.Drawn
	d.unsaid = d.unsaid[:0]
	for i := range min(count.Count, maxDrawn) {
		annot, err := d.engine.FPDFPage_GetAnnot(&requests.FPDFPage_GetAnnot{Page: page, Index: i})
		if err != nil {
			continue
		}
		if a, ok := d.annotation(annot.Annotation, i, number, f); ok {
			out = append(out, a)
		}
		if _, err := d.engine.FPDFPage_CloseAnnot(&requests.FPDFPage_CloseAnnot{Annotation: annot.Annotation}); err != nil {
			break
		}
	}
	return append(out, d.appearances(number-1, d.unsaid, f)...)
}

func (d *document) annotation(a references.FPDF_ANNOTATION, index, number int, f frame) (layout.Drawn, bool) {
	const unseen = enums.FPDF_ANNOT_FLAG_HIDDEN | enums.FPDF_ANNOT_FLAG_NOVIEW
	var out layout.Drawn
	kind, err := d.engine.FPDFAnnot_GetSubtype(&requests.FPDFAnnot_GetSubtype{Annotation: a})
	if err != nil {
		return out, false
	}
	if flags, err := d.engine.FPDFAnnot_GetFlags(&requests.FPDFAnnot_GetFlags{Annotation: a}); err == nil && flags.Flags&unseen != 0 {
		return out, false
	}
	comment := ""
	switch kind.Subtype {
	case enums.FPDF_ANNOT_SUBTYPE_LINK, enums.FPDF_ANNOT_SUBTYPE_POPUP:
		return out, false
	case enums.FPDF_ANNOT_SUBTYPE_FREETEXT:
		out.Text = d.annotationString(a, "Contents")
	case enums.FPDF_ANNOT_SUBTYPE_WIDGET:
		out.Form, out.Text = true, d.field(a)
	case enums.FPDF_ANNOT_SUBTYPE_STAMP:
		out.Text = stampText(d.annotationString(a, "Name"))
		comment = d.annotationString(a, "Contents")
	case enums.FPDF_ANNOT_SUBTYPE_FILEATTACHMENT:
		d.pin(a, number)
		comment = d.annotationString(a, "Contents")
	default:
		comment = d.annotationString(a, "Contents")
	}
	shown, said := strings.TrimSpace(out.Text) != "", strings.TrimSpace(block.Clean(comment))
	drawn := !shown && (kind.Subtype == enums.FPDF_ANNOT_SUBTYPE_FREETEXT || kind.Subtype == enums.FPDF_ANNOT_SUBTYPE_STAMP) && d.drawsOnly(a)
	if !shown && said == "" && !drawn {
		return out, false
	}
	rect, err := d.engine.FPDFAnnot_GetRect(&requests.FPDFAnnot_GetRect{Annotation: a})
	if err != nil {
		return out, false
	}
	out.Box = f.rect(rect.Rect)
	if drawn {
		d.unsaid = append(d.unsaid, unsaid{index, rect.Rect})
	}
	if said != "" && len(d.comments) < maxComments {
		d.comments = append(d.comments, note{number, said, out.Box.Rounded()})
	}
	return out, shown
}

// maxComments bounds the comments of a document.
const maxComments = 20_000

// pin keeps the file of an annotation for later.
func (d *document) pin(a references.FPDF_ANNOTATION, number int) {
	file, err := d.engine.FPDFAnnot_GetFileAttachment(&requests.FPDFAnnot_GetFileAttachment{Document: d.ref, Annotation: a})
	if err == nil && len(d.pinned) <= maxFiles {
		d.pinned = append(d.pinned, pinned{file.Attachment, number})
	}
}

var (
	stampName = regexp.MustCompile(`^[#A-Za-z]{3,40}$`)
	stampWord = regexp.MustCompile(`[A-Z]?[a-z]+|[A-Z]+`)
)

// stampText is what a stamp shows, by its name: a drawing without text of its
// own, such as NotApproved or, as some programs have it, SBNotApproved.
func stampText(name string) string {
	if !stampName.MatchString(name) {
		return ""
	}
	name = strings.TrimPrefix(strings.TrimPrefix(name, "#"), "SB")
	return strings.Join(stampWord.FindAllString(name, -1), " ")
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
		// What the box looks like is what is shown; its value may lag behind.
		if look := d.annotationString(a, "AS"); look != "" && look != "Off" {
			return "[x]"
		}
	case enums.FPDF_FORMFIELD_TYPE_TEXTFIELD:
		flags, err := d.engine.FPDFAnnot_GetFormFieldFlags(&requests.FPDFAnnot_GetFormFieldFlags{FormHandle: form, Annotation: a})
		if err == nil && flags.Flags&formPassword != 0 {
			return ""
		}
		return d.fieldValue(form, a)
	case enums.FPDF_FORMFIELD_TYPE_COMBOBOX, enums.FPDF_FORMFIELD_TYPE_LISTBOX:
		if chosen := d.chosen(form, a); chosen != "" {
			return chosen
		}
		return d.fieldValue(form, a)
	}
	return ""
}

// maxOptions bounds the options of a choice.
const maxOptions = 1000

// chosen are the labels of the options that were chosen: the value itself may
// be a code that nobody sees.
func (d *document) chosen(form references.FPDF_FORMHANDLE, a references.FPDF_ANNOTATION) string {
	count, err := d.engine.FPDFAnnot_GetOptionCount(&requests.FPDFAnnot_GetOptionCount{FormHandle: form, Annotation: a})
	if err != nil {
		return ""
	}
	var out []string
	for i := range min(count.OptionCount, maxOptions) {
		is, err := d.engine.FPDFAnnot_IsOptionSelected(&requests.FPDFAnnot_IsOptionSelected{FormHandle: form, Annotation: a, Index: i})
		if err != nil || !is.IsOptionSelected {
			continue
		}
		label, err := d.engine.FPDFAnnot_GetOptionLabel(&requests.FPDFAnnot_GetOptionLabel{FormHandle: form, Annotation: a, Index: i})
		if err == nil && label.OptionLabel != "" {
			out = append(out, label.OptionLabel)
		}
	}
	return strings.Join(out, ", ")
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
