// Package mhtml takes the HTML page out of a web archive: a MIME message that
// holds a page beside its images, as browsers save one and as Confluence
// exports one for Word.
package mhtml

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/mail"
	"strings"

	"golang.org/x/net/html/charset"
)

// Errors of a web archive.
var (
	ErrDamaged  = errors.New("the web archive is damaged")
	ErrTooLarge = errors.New("the page of the web archive is too large")
	ErrNoPage   = errors.New("the web archive holds no HTML page")
)

// Page is the HTML page of a web archive.
type Page struct {
	// HTML is UTF-8.
	HTML string
	// Subject is what the archive is called.
	Subject string
	// Images counts the other parts, which are not read.
	Images int
	// Cut is true where the page was damaged, and is not whole.
	Cut bool
}

// Limits on the parts of an archive and on how deep they nest.
const (
	maxParts   = 10_000
	maxNesting = 5
	// maxHeader is how much of a file is looked through for its header.
	maxHeader = 8 << 10
)

// Is reports whether a file that begins so is a web archive: a MIME message of
// related parts, or of HTML alone.
func Is(head []byte) bool {
	head = head[:min(len(head), maxHeader)]
	if i := bytes.IndexAny(head, ":\n"); i <= 0 || head[i] != ':' || bytes.ContainsAny(head[:i], " \t<{#") {
		return false // it begins with no field of a header
	}
	head = bytes.ReplaceAll(head, []byte("\r\n"), []byte("\n"))
	fields, _, _ := bytes.Cut(head, []byte("\n\n"))
	text := "\n" + strings.ToLower(string(fields))
	if !strings.Contains(text, "\nmime-version:") {
		return false
	}
	_, kind, ok := strings.Cut(text, "\ncontent-type:")
	kind = strings.TrimSpace(kind)
	return ok && (strings.HasPrefix(kind, "multipart/related") || strings.HasPrefix(kind, "text/html"))
}

// Read takes the page out of an archive. The page has at most the given number
// of bytes.
func Read(r io.Reader, limit int64) (Page, error) {
	m, err := mail.ReadMessage(bufio.NewReader(r))
	if err != nil {
		return Page{}, fmt.Errorf("%w: %v", ErrDamaged, err)
	}
	a := archive{limit: limit}
	decoder := mime.WordDecoder{CharsetReader: charset.NewReaderLabel}
	if a.page.Subject, err = decoder.DecodeHeader(m.Header.Get("Subject")); err != nil {
		a.page.Subject = m.Header.Get("Subject")
	}
	err = a.part(field(m.Header), m.Body, 0)
	switch {
	case a.found:
		return a.page, nil // what follows the page is not needed
	case err != nil:
		return Page{}, err
	}
	return Page{}, ErrNoPage
}

// field gives access to a header.
type field map[string][]string

func (f field) get(key string) string {
	if v := f[key]; len(v) > 0 {
		return v[0]
	}
	return ""
}

type archive struct {
	limit int64
	page  Page
	found bool
	parts int
}

// part takes a part: the first page is that of the archive.
func (a *archive) part(h field, body io.Reader, depth int) error {
	if a.parts++; a.parts > maxParts || depth > maxNesting {
		return fmt.Errorf("%w: it has more than %d parts, or they nest more than %d deep", ErrDamaged, maxParts, maxNesting)
	}
	kind, params, err := mime.ParseMediaType(h.get("Content-Type"))
	if err != nil && kind == "" {
		kind = "application/octet-stream"
	}
	switch {
	case strings.HasPrefix(kind, "multipart/") && params["boundary"] != "":
		return a.multipart(body, params["boundary"], depth)
	case a.found || kind != "text/html" && kind != "application/xhtml+xml":
		a.page.Images++
		return nil
	}
	return a.html(h, body, params["charset"])
}

func (a *archive) multipart(body io.Reader, boundary string, depth int) error {
	parts := multipart.NewReader(body, boundary)
	for {
		// A raw part keeps the encoding that its header names.
		p, err := parts.NextRawPart()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("%w: %v", ErrDamaged, err)
		}
		if err := a.part(field(p.Header), p, depth+1); err != nil {
			return err
		}
	}
}

// html reads the page.
func (a *archive) html(h field, body io.Reader, label string) error {
	switch strings.ToLower(strings.TrimSpace(h.get("Content-Transfer-Encoding"))) {
	case "quoted-printable":
		body = quotedprintable.NewReader(body)
	case "base64":
		body = base64.NewDecoder(base64.StdEncoding, body)
	}
	data, err := io.ReadAll(io.LimitReader(body, a.limit+1))
	switch {
	case int64(len(data)) > a.limit:
		return fmt.Errorf("%w: it has more than %d bytes", ErrTooLarge, a.limit)
	case err != nil && len(data) == 0:
		return fmt.Errorf("%w: %v", ErrDamaged, err)
	}
	// What was read before an error is kept: a page cut short is still a page.
	text, bad := decode(data, label)
	if bad != nil {
		return bad
	}
	a.page.HTML, a.page.Cut, a.found = text, err != nil, true
	return nil
}

// decode makes UTF-8 of a page. The header names its encoding, else the page
// itself does.
func decode(data []byte, label string) (string, error) {
	kind := "text/html"
	if label != "" {
		kind = mime.FormatMediaType(kind, map[string]string{"charset": label})
	}
	e, _, _ := charset.DetermineEncoding(data, kind)
	out, err := e.NewDecoder().Bytes(data)
	if err != nil {
		return "", fmt.Errorf("%w: %v", ErrDamaged, err)
	}
	return strings.ToValidUTF8(strings.TrimPrefix(string(out), "\ufeff"), "\uFFFD"), nil
}
