package pdf

import (
	"errors"
	"fmt"
	"path"
	"strings"

	"github.com/klippa-app/go-pdfium/references"
	"github.com/klippa-app/go-pdfium/requests"

	"github.com/bartizan-security/bartizan/internal/extract/block"
	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

// File is a file that a document carries.
type File struct {
	// Name is what the document calls it, without folders.
	Name string
	// Page is where it is pinned to, from 1; 0 for one of the whole document.
	Page int
	Data []byte
	// Err says why it could not be taken out; Data is nil then.
	Err error
}

// maxFiles bounds the files of a document.
const maxFiles = 1000

var (
	errFileLarge   = errors.New("it is too large")
	errFileDamaged = errors.New("it cannot be taken out")
	errFilesMany   = fmt.Errorf("there are more than %d", maxFiles)
)

// pinned is a file that an annotation of a page carries.
type pinned struct {
	ref  references.FPDF_ATTACHMENT
	page int
}

// files takes the files out that the document carries: those of the document,
// then those that are pinned to its pages. An error is the engine's end; what
// was taken out before is returned.
func (d *document) files(limit int64) ([]File, error) {
	var all []pinned
	count, err := d.engine.FPDFDoc_GetAttachmentCount(&requests.FPDFDoc_GetAttachmentCount{Document: d.ref})
	if err != nil {
		return nil, onlyPage(err)
	}
	for i := range min(count.AttachmentCount, maxFiles) {
		a, err := d.engine.FPDFDoc_GetAttachment(&requests.FPDFDoc_GetAttachment{Document: d.ref, Index: i})
		if err == nil {
			all = append(all, pinned{ref: a.Attachment})
		}
	}
	all = append(all, d.pinned...)
	var out []File
	for i, p := range all {
		if i == maxFiles {
			return append(out, File{Name: "others", Err: errFilesMany}), nil
		}
		f, err := d.file(p, limit)
		out = append(out, f)
		if err != nil {
			return out, err
		}
		limit -= int64(len(f.Data))
	}
	return out, nil
}

// carries reports whether the document has files.
func (d *document) carries() bool {
	count, err := d.engine.FPDFDoc_GetAttachmentCount(&requests.FPDFDoc_GetAttachmentCount{Document: d.ref})
	return err == nil && count.AttachmentCount > 0
}

func (d *document) file(p pinned, limit int64) (File, error) {
	f := File{Name: "attachment", Page: p.page, Err: errFileDamaged}
	if name, err := d.engine.FPDFAttachment_GetName(&requests.FPDFAttachment_GetName{Attachment: p.ref}); err == nil {
		f.Name = fileName(name.Name)
	}
	if limit <= 0 {
		f.Err = errFileLarge
		return f, nil
	}
	got, err := d.engine.FPDFAttachment_GetFile(&requests.FPDFAttachment_GetFile{Attachment: p.ref})
	switch {
	case err != nil && onlyPage(err) != nil:
		f.Err = errFileLarge // what breaks the engine here is memory
		return f, err
	case err != nil, got.Contents == nil:
	case int64(len(got.Contents)) > limit:
		f.Err = errFileLarge
	default:
		f.Data, f.Err = got.Contents, nil
	}
	return f, nil
}

// fileName is a name without folders and what cannot stand in one.
func fileName(s string) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return -1
		}
		return r
	}, block.Clean(strings.ReplaceAll(s, `\`, "/")))
	s = path.Base(path.Clean("/" + s))
	if s == "/" || s == "." {
		return "attachment"
	}
	return s
}

// note is a comment that opens when it is touched: no part of what the page
// shows.
type note struct {
	page int
	text string
	box  []float64
}

// notes makes a document of the comments.
func (d *document) notes() threatmodel.Source {
	var b block.Builder
	for _, n := range d.comments {
		b.Break(2)
		page := n.page
		b.Add(threatmodel.Block{
			Kind: threatmodel.BlockParagraph, Role: threatmodel.RoleAnnotation,
			Locator: threatmodel.Locator{Page: &page, Box: n.box},
			Marks:   []threatmodel.Mark{{Page: page}},
		}, n.text)
	}
	return b.Source(threatmodel.Document{Title: "Comments", Pages: &d.pages})
}
