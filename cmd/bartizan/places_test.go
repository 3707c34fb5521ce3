package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode"

	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

// perSample is how many blocks of a sample are looked up at least, where it has
// so many.
const perSample = 60

// TestEveryBlockStandsWhereItSays: what `extract --format json` says of a block
// is what `extract --format text` shows at its bytes; and its words stand on the
// lines of the file, or on the page as another reader of PDF reads it.
func TestEveryBlockStandsWhereItSays(t *testing.T) {
	checked := 0
	for name, path := range samples(t) {
		t.Run(name, func(t *testing.T) {
			texts := strings.Split(extracted(t, "text", path), "\f")
			c := quoteChecker{t: t, root: path, sources: map[string]*threatmodel.Source{}}
			decoder := json.NewDecoder(strings.NewReader(extracted(t, "json", path)))
			n := 0
			for i := 0; ; i++ {
				var doc threatmodel.Source
				if err := decoder.Decode(&doc); errors.Is(err, io.EOF) {
					break
				} else if err != nil {
					t.Fatal(err)
				}
				if i >= len(texts) {
					t.Fatalf("%s has no text", doc.Name)
				}
				c.sources[doc.ID] = &doc
				n += c.blocks(&doc, texts[i])
			}
			if n < 20 {
				t.Errorf("only %d blocks were looked up", n)
			}
			t.Logf("%d blocks", n)
			checked += n
		})
	}
	if checked < 200 {
		t.Errorf("%d blocks were looked up, want 200", checked)
	}
}

func extracted(t *testing.T, format, path string) string {
	t.Helper()
	var out, stderr bytes.Buffer
	code := run(t.Context(), []string{"extract", "--ocr", "off", "--format", format, path}, streams{out: &out, err: &stderr})
	if code != exitOK && (strings.Contains(stderr.String(), "--password") || strings.Contains(stderr.String(), "no text")) {
		t.Skipf("not to be read: %s", stderr.String())
	}
	if code != exitOK {
		t.Fatalf("exit %d: %s", code, stderr.String())
	}
	return out.String()
}

// blocks checks some of the blocks of a document, spread over it, and tells how
// many.
func (c *quoteChecker) blocks(doc *threatmodel.Source, text string) int {
	step := max(1, len(doc.Blocks)/perSample)
	n := 0
	for i := 0; i < len(doc.Blocks); i += step {
		b := doc.Blocks[i]
		l := b.Locator
		if l.ByteStart < 0 || l.ByteEnd > len(text) || l.ByteStart > l.ByteEnd || text[l.ByteStart:l.ByteEnd] != b.Text {
			c.t.Errorf("%s: block %s is not what stands at bytes %d to %d", doc.Name, b.ID, l.ByteStart, l.ByteEnd)
			continue
		}
		n++
		switch {
		case b.Text == "" || l.Page != nil && unreadable(doc): // pdftotext shows what cannot be told
		case l.Page != nil:
			c.hasWords(b.Text, c.seenOn(*l.Page, b.Text))
		case l.LineStart != nil && isFile(c.path(doc.ID)):
			c.hasWords(b.Text, c.lines(doc.ID, *l.LineStart, *l.LineEnd))
		}
	}
	return n
}

// unreadable reports whether pages of a document have text that cannot be told.
func unreadable(doc *threatmodel.Source) bool {
	return slices.ContainsFunc(doc.Notices, func(n threatmodel.Notice) bool { return n.Kind == threatmodel.NoticeUnreadable })
}

// path is the file of a document.
func (c *quoteChecker) path(document string) string {
	if isFile(c.root) {
		return c.root
	}
	return filepath.Join(c.root, filepath.FromSlash(c.sources[document].Name))
}

func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular() && !slices.Contains([]string{".zip"}, filepath.Ext(path))
}

// seenOn is the text of a page as pdftotext reads it, in two orders, and its
// letters alone: line ends cut words. Without that program it is the text given,
// and the page is not checked.
func (c *quoteChecker) seenOn(page int, text string) string {
	if _, err := exec.LookPath("pdftotext"); err != nil {
		c.t.Logf("pdftotext is not installed: that blocks stand on their page is not checked")
		return text
	}
	number := strconv.Itoa(page)
	out, err := exec.CommandContext(c.t.Context(), "pdftotext", "-f", number, "-l", number, c.root, "-").Output()
	if err != nil {
		c.t.Fatal(err)
	}
	raw, err := exec.CommandContext(c.t.Context(), "pdftotext", "-raw", "-f", number, "-l", number, c.root, "-").Output()
	if err != nil {
		c.t.Fatal(err)
	}
	letters := func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return r
		}
		return -1
	}
	return string(out) + "\n" + string(raw) + "\n" + strings.Map(letters, string(out)) + "\n" + strings.Map(letters, string(raw))
}
