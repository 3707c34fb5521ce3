package extract

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"strings"

	"github.com/bartizan-security/bartizan/internal/extract/block"
	"github.com/bartizan-security/bartizan/internal/extract/diagram"
	"github.com/bartizan-security/bartizan/internal/extract/diagram/mxfile"
	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

// Media types of drawings: those of draw.io and of Gliffy.
const (
	drawingType = "application/vnd.jgraph.mxfile"
	gliffyType  = "application/gliffy+json"
)

// drawnText reads a text that is a drawing of draw.io or Gliffy, or an SVG
// picture. It reports false for any other.
func (s *session) drawnText(in input, data []byte) bool {
	switch {
	case diagram.IsDrawing(data), diagram.IsDrawingSVG(data):
		s.drawing(in, data, drawingType)
		return true
	case diagram.IsGliffy(data):
		s.drawing(in, data, gliffyType)
		return true
	case diagram.IsShapeLibrary(data):
		s.reject(in, KindNotDocument, errors.New("this is a library of shapes for draw.io, and no drawing"), "")
		return true
	case !in.named && diagram.IsSVG(data):
		s.reject(in, KindNotDocument, errors.New("this is an SVG picture without a drawing in it"), "")
		return true
	}
	return false
}

// drawnPicture reads a PNG picture that holds the drawing that it shows. It
// reports false for any other file.
func (s *session) drawnPicture(in input, head []byte) bool {
	if !strings.HasPrefix(string(head), "\x89PNG\r\n") || !diagram.HasDrawing(in.r, in.size) {
		return false
	}
	if in.size > s.limit.TextBytes {
		return false
	}
	data := make([]byte, in.size)
	if n, err := in.r.ReadAt(data, 0); err != nil && !(errors.Is(err, io.EOF) && int64(n) == in.size) {
		return false
	}
	s.drawing(in, data, drawingType)
	return true
}

// drawing reads a drawing of the media type, whatever it lies in.
func (s *session) drawing(in input, data []byte, mediaType string) {
	sum := sha256.Sum256(data)
	doc := threatmodel.Document{Name: in.name, SHA256: hex.EncodeToString(sum[:]), MediaType: mediaType}
	sheets, err := diagram.ReadDrawing(data, mxfile.Limits{Bytes: s.limit.TextBytes, Depth: 2 * s.limit.Depth})
	source := drawingSource(doc, sheets)
	switch {
	case err == nil && len(source.Blocks) == 0:
		s.reject(in, KindEmpty, errors.New("the drawing shows no text"), "")
		return
	case err != nil && len(source.Blocks) == 0 && mxfile.IsLimit(err):
		s.fail(in.error(KindTooLarge, err, "Split the drawing"))
		return
	case err != nil && len(source.Blocks) == 0:
		s.fail(in.error(KindDamaged, err, "Open the drawing where it was drawn, and save it again"))
		return
	case err != nil:
		source.Notices = append(source.Notices, threatmodel.Notice{Kind: threatmodel.NoticeTruncated, Text: "The drawing is not read whole: " + err.Error() + "."})
	}
	s.emit(source)
}

// drawingSource lays the pages of a drawing out as blocks, each with its name
// above where there are several.
func drawingSource(doc threatmodel.Document, sheets []diagram.Sheet) Document {
	var b block.Builder
	for _, sheet := range sheets {
		where := "Drawing"
		if len(sheets) > 1 && sheet.Name != "" {
			where = "Page “" + sheet.Name + "”"
		}
		for _, p := range sheet.Problems {
			b.Notice(threatmodel.NoticeFormat, "%s: %s.", where, p)
		}
		if sheet.Text == "" {
			continue
		}
		if len(sheets) > 1 && sheet.Name != "" {
			b.Break(2)
			b.Add(threatmodel.Block{Kind: threatmodel.BlockHeading, Level: 1}, sheet.Name)
		}
		b.Break(2)
		i := b.Add(threatmodel.Block{Kind: threatmodel.BlockDiagram, Language: sheet.Language, Links: sheet.Links}, sheet.Text)
		if sheet.Diagram.Type != "" {
			b.Diagram(i, sheet.Diagram)
		}
	}
	return b.Source(doc)
}
