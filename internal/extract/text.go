package extract

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"path"
	"regexp"
	"strings"

	"github.com/bartizan-security/bartizan/internal/extract/diagram"
	"github.com/bartizan-security/bartizan/internal/extract/markdown"
	"github.com/bartizan-security/bartizan/internal/extract/plain"
	"github.com/bartizan-security/bartizan/internal/extract/web"
	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

// text reads a file that is Markdown, HTML or plain text, if it is text.
func (s *session) text(in input) {
	if in.size > s.limit.TextBytes {
		s.fail(in.error(KindTooLarge, fmt.Errorf("the text is %s, more than the limit of %s", megabytes(in.size), megabytes(s.limit.TextBytes)),
			"Split the document, or leave out what does not describe the design"))
		return
	}
	data := make([]byte, in.size)
	if n, err := in.r.ReadAt(data, 0); err != nil && !(errors.Is(err, io.EOF) && int64(n) == in.size) {
		s.fail(in.error(KindUnreadable, fmt.Errorf("read: %w", err), ""))
		return
	}
	if s.drawnText(in, data) {
		return
	}
	t, err := plain.Decode(web.Transcode(data))
	if err != nil {
		s.reject(in, KindNotDocument, fmt.Errorf("this is no document: %w", err),
			"Bartizan reads PDF, Word, Markdown, HTML, text, Confluence exports, and archives of these")
		return
	}
	if strings.TrimSpace(t.Content) == "" {
		s.reject(in, KindEmpty, errors.New("the file holds nothing but white space"), "")
		return
	}
	sum := sha256.Sum256(data)
	doc := threatmodel.Document{Name: in.name, SHA256: hex.EncodeToString(sum[:])}
	source, err := s.readText(doc, t)
	if err != nil {
		s.fail(in.error(KindUnreadable, err, ""))
		return
	}
	s.emit(source)
}

func (s *session) readText(doc threatmodel.Document, t plain.Text) (source Document, err error) {
	doc.MediaType = mediaType(doc.Name, t.Content)
	switch doc.MediaType {
	case "text/html":
		source, err = s.html(doc, t.Content)
	case "text/plain":
		source = plain.Read(doc, t.Content)
	default:
		source = markdown.Read(doc, t.Content, markdown.Options{MaxDepth: s.limit.Depth, MaxTableCells: s.limit.TableCells})
	}
	if t.Notice != "" {
		source.Notices = append(source.Notices, threatmodel.Notice{Kind: threatmodel.NoticeFormat, Text: t.Notice})
	}
	return source, err
}

// mediaType tells the forms of text apart.
func mediaType(name, content string) string {
	switch {
	case web.IsPage(content):
		return "text/html"
	case diagram.LanguageOf(name, content) == "" && isMarkdown(name, content):
		return "text/markdown"
	}
	return "text/plain"
}

// markdownSigns are what only Markdown has. One kind of them alone may be an
// accident of a plain text.
var markdownSigns = []*regexp.Regexp{
	regexp.MustCompile(`(?m)^#{1,6} \S`),
	regexp.MustCompile("(?m)^ {0,3}(?:```|~~~)"),
	regexp.MustCompile(`\[[^\]\n]+\]\([^)\s]+\)`),
	regexp.MustCompile(`\*\*\S[^*\n]*\*\*`),
	regexp.MustCompile("`[^`\n]+`"),
	regexp.MustCompile(`(?m)^ {0,3}\|?(?: *:?-{2,}:? *\|)+ *:?-*:? *$`),
	regexp.MustCompile(`(?m)^ {0,3}> \S`),
	regexp.MustCompile(`\A---\n(?:.*\n)*?---\n`),
	regexp.MustCompile(`(?mi)^</?(?:p|div|table|details|summary|br|img|ul|h[1-6])\b`),
}

// sample is how much of a text decides on its form, in bytes.
const sample = 256 << 10

// isMarkdown reports whether a text is Markdown. Its name decides only where
// its content does not.
func isMarkdown(name, content string) bool {
	content = content[:min(len(content), sample)]
	signs := 0
	for _, sign := range markdownSigns {
		if sign.MatchString(content) {
			signs++
		}
	}
	switch strings.ToLower(path.Ext(name)) {
	case ".md", ".markdown", ".mdown", ".mkd", ".mdx":
		return true
	}
	return signs >= 2
}

func megabytes(n int64) string {
	return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20))
}
