package extract

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/bartizan-security/bartizan/internal/extract/confluence"
	"github.com/bartizan-security/bartizan/internal/extract/office"
)

// family is what the first bytes of a file say that it is.
type family int

const (
	familyText family = iota
	familyPDF
	familyZip
	familyGzip
	familyTar
	familyEntities
	familyOther
)

// headSize is how many bytes decide on the family.
const headSize = 1024

// foreign is a format that is told by its first bytes and not read.
type foreign struct {
	magic, name string
	// document is true for formats that hold text: passing over one of them
	// in a folder would leave a document out.
	document bool
}

var foreignFormats = []foreign{
	{"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "a document of an old version of Microsoft Office", true},
	{"{\\rtf", "an RTF document", true},
	{"\x89PNG\r\n", "a PNG image", false},
	{"\xff\xd8\xff", "a JPEG image", false},
	{"GIF8", "a GIF image", false},
	{"BM", "a bitmap image", false},
	{"RIFF", "a media file", false},
	{"II*\x00", "a TIFF image", false},
	{"MM\x00*", "a TIFF image", false},
	{"\x7fELF", "a program", false},
	{"MZ", "a program", false},
	{"\xca\xfe\xba\xbe", "a program", false},
	{"7z\xbc\xaf\x27\x1c", "a 7-Zip archive", true},
	{"Rar!\x1a\x07", "a RAR archive", true},
	{"BZh", "a bzip2 archive", true},
	{"\xfd7zXZ\x00", "an xz archive", true},
	{"\x28\xb5\x2f\xfd", "a Zstandard archive", true},
	{"SQLite format 3\x00", "a database", false},
	{"%!PS", "a PostScript document", true},
	{"OggS", "a media file", false},
	{"ID3", "a media file", false},
	{"\x00\x00\x01\x00", "an icon", false},
	{"wOFF", "a font", false},
	{"wOF2", "a font", false},
}

// detect tells the family of a file by its first bytes.
func detect(head []byte) (family, foreign) {
	switch {
	case bytes.HasPrefix(head, []byte("PK\x03\x04")), bytes.HasPrefix(head, []byte("PK\x05\x06")):
		return familyZip, foreign{}
	case bytes.HasPrefix(head, []byte("\x1f\x8b")):
		return familyGzip, foreign{}
	case isTar(head):
		return familyTar, foreign{}
	case isPDF(head):
		return familyPDF, foreign{}
	case confluence.IsEntities(head):
		return familyEntities, foreign{}
	}
	for _, f := range foreignFormats {
		if bytes.HasPrefix(head, []byte(f.magic)) && (len(f.magic) > 3 || bytes.IndexByte(head, 0) >= 0) {
			return familyOther, f
		}
	}
	return familyText, foreign{}
}

// isPDF looks for the header of a PDF, which other bytes may precede. Text
// that speaks of it does not begin a line with it followed by a version.
func isPDF(head []byte) bool {
	head = bytes.TrimPrefix(head, []byte("\xef\xbb\xbf")) // as some server puts it before all that it sends
	i := bytes.Index(head, []byte("%PDF-"))
	if i < 0 || i+6 >= len(head) || head[i+5] < '0' || head[i+5] > '9' {
		return false
	}
	return i == 0 || head[i-1] == '\n' || head[i-1] == '\r' || bytes.IndexByte(head[:i], 0) >= 0
}

func isTar(head []byte) bool {
	return len(head) > 262 && string(head[257:262]) == "ustar"
}

// file reads one file, whatever it is.
func (s *session) file(in input) {
	if s.stopped() {
		return
	}
	defer s.recovered(in)
	if s.trace.begin(in) {
		s.errors++ // it was told of when it broke a process
		return
	}
	s.find = in.find
	defer func() { s.find = nil }()
	if in.size == 0 {
		s.reject(in, KindEmpty, errors.New("the file is empty"), "")
		return
	}
	head := make([]byte, min(in.size, headSize))
	if _, err := in.r.ReadAt(head, 0); err != nil && !errors.Is(err, io.EOF) {
		s.fail(in.error(KindUnreadable, fmt.Errorf("read: %w", err), ""))
		return
	}
	what, format := detect(head)
	switch what {
	case familyPDF:
		s.pdf(in)
	case familyZip:
		s.zip(in)
	case familyGzip:
		s.gzip(in)
	case familyTar:
		s.tarFile(in)
	case familyEntities:
		s.entitiesFile(in)
	case familyOther:
		if !s.drawnPicture(in, head) {
			s.foreign(in, format)
		}
	default:
		if !s.confluencePage(in, head) {
			s.text(in)
		}
	}
}

// recovered makes a panic of a reader an error of the input.
func (s *session) recovered(in input) {
	if p := recover(); p != nil {
		s.trace.failed()
		s.fail(in.error(KindUnreadable, fmt.Errorf("its reader failed (%v)", p), "Save it in another form, or print it to a new PDF; and report it, if you may give it away"))
	}
}

// foreign tells that a format is not read.
func (s *session) foreign(in input, format foreign) {
	err := fmt.Errorf("this is %s", format.name)
	if format.document && office.IsEncrypted(in.r, in.size) {
		s.fail(in.error(KindEncrypted, errors.New("the document is encrypted"), "Open it in Word, take the password off, and save it"))
		return
	}
	if format.document {
		s.fail(in.error(KindNotDocument, err, "It is not read; save it as PDF, Word (.docx), Markdown or text, or unpack it"))
		return
	}
	s.reject(in, KindNotDocument, err, "Bartizan reads PDF, Word, Markdown, HTML, text, Confluence exports, and archives of these")
}
