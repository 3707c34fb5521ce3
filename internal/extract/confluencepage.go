package extract

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"

	"github.com/bartizan-security/bartizan/internal/extract/confluence"
	"github.com/bartizan-security/bartizan/internal/extract/diagram"
	"github.com/bartizan-security/bartizan/internal/extract/mhtml"
	"github.com/bartizan-security/bartizan/internal/extract/plain"
	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

// sourceReason is why code and data are passed over.
const sourceReason = "source code or data"

// mayBePage reports whether a file whose name is that of data may be a page of
// Confluence: its content decides.
func mayBePage(name string) bool {
	switch strings.ToLower(path.Ext(name)) {
	case ".json", ".xml":
		return true
	}
	return false
}

// confluencePage reads a page of Confluence that lies in a file of its own, and
// other pages in web archives. It reports false for a text that is none.
func (s *session) confluencePage(in input, head []byte) bool {
	head = bytes.TrimLeft(bytes.TrimPrefix(head, []byte("\ufeff")), " \t\r\n")
	switch {
	case mhtml.Is(head):
		s.webArchive(in)
		return true
	case in.size <= s.limit.TextBytes && len(head) > 0 && bytes.IndexByte([]byte("{[<"), head[0]) >= 0:
		if s.pageFile(in, head[0]) {
			return true
		}
	}
	if !in.named && mayBePage(in.name) && !diagram.IsDrawing(head) {
		s.opt.Summary.skip(in.display(), sourceReason)
		return true
	}
	return false
}

// pageFile reads a file that begins as JSON or XML do, if it is a page.
func (s *session) pageFile(in input, first byte) bool {
	data := make([]byte, in.size)
	if _, err := in.r.ReadAt(data, 0); err != nil && !errors.Is(err, io.EOF) {
		return false // who reads it as text says so
	}
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	switch {
	case first == '<' && confluence.IsStorage(data):
		s.storage(in, data)
		return true
	case first == '<' || !json.Valid(data):
		return false
	case confluence.IsREST(data):
		s.pages(in, confluence.ReadREST(s.ctx, data, s.confluenceOptions(), s.leftOut(in)), nil)
		return true
	case in.named && strings.EqualFold(path.Ext(in.name), ".json"):
		s.fail(in.error(KindNotDocument, errors.New("this is JSON, and no page of Confluence with its body"),
			"Of JSON, Bartizan reads what the REST API of Confluence gives (expand=body.storage) and the editor's format"))
		return true
	}
	return false
}

// documentOf is what is known of a document before it is read.
func documentOf(in input, data []byte) threatmodel.Document {
	sum := sha256.Sum256(data)
	return threatmodel.Document{Name: in.name, SHA256: hex.EncodeToString(sum[:])}
}

// storage reads a page in the storage format.
func (s *session) storage(in input, data []byte) {
	t, err := plain.Decode(data)
	if err != nil {
		s.reject(in, KindNotDocument, fmt.Errorf("this is no document: %w", err), "")
		return
	}
	src, err := confluence.ReadStorage(documentOf(in, data), t.Content, s.confluenceOptions())
	if err != nil {
		s.fail(pageError(in, err))
		return
	}
	s.emit(src)
}

// webArchive reads the page in a web archive.
func (s *session) webArchive(in input) {
	if in.size > s.limit.Bytes {
		s.fail(in.error(KindTooLarge, fmt.Errorf("the web archive is %s, more than the limit of %s", megabytes(in.size), megabytes(s.limit.Bytes)), "Save the page without its images"))
		return
	}
	sum := sha256.New()
	if _, err := io.Copy(sum, io.NewSectionReader(in.r, 0, in.size)); err != nil {
		s.fail(in.error(KindUnreadable, fmt.Errorf("read: %w", err), ""))
		return
	}
	page, err := mhtml.Read(io.NewSectionReader(in.r, 0, in.size), s.limit.TextBytes)
	switch {
	case errors.Is(err, mhtml.ErrTooLarge):
		s.fail(in.error(KindTooLarge, err, "Split the page"))
		return
	case errors.Is(err, mhtml.ErrNoPage):
		s.reject(in, KindNotDocument, err, "Save the page again")
		return
	case err != nil:
		s.fail(in.error(KindDamaged, err, "Save or export the page again"))
		return
	case strings.TrimSpace(page.HTML) == "":
		s.reject(in, KindEmpty, errors.New("the page of the web archive is empty"), "")
		return
	}
	doc := threatmodel.Document{Name: in.name, SHA256: hex.EncodeToString(sum.Sum(nil))}
	src, err := s.archivedPage(doc, page)
	if err != nil {
		s.reject(in, KindEmpty, err, "")
		return
	}
	s.emit(src)
}

func (s *session) archivedPage(doc threatmodel.Document, page mhtml.Page) (src Document, err error) {
	if confluence.IsWord(page.Subject, page.HTML) {
		src = confluence.ReadWord(doc, page.HTML, s.confluenceOptions())
	} else {
		src, err = s.readText(doc, plain.Text{Content: page.HTML})
		withoutLines(&src)
	}
	if src.Title == "" {
		src.Title = strings.Join(strings.Fields(page.Subject), " ")
	}
	if page.Cut {
		src.Notices = append(src.Notices, threatmodel.Notice{Kind: threatmodel.NoticeTruncated, Text: "The web archive is damaged or cut short: the page is read up to there."})
	}
	return src, err
}

// withoutLines takes away the lines of a document whose text is not written so
// in its file.
func withoutLines(src *Document) {
	for i := range src.Blocks {
		b := &src.Blocks[i]
		b.Marks, b.Locator.LineStart, b.Locator.LineEnd = nil, nil, nil
	}
}
