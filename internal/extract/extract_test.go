package extract_test

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bartizan-security/bartizan/internal/extract"
)

// result is what came of reading: the names of the documents, and the errors.
type result struct {
	docs   []extract.Document
	errors []*extract.Error
}

func (r result) names() []string {
	var names []string
	for _, d := range r.docs {
		names = append(names, d.Name)
	}
	return names
}

func (r result) messages() string {
	var all []string
	for _, e := range r.errors {
		all = append(all, e.Error())
	}
	return strings.Join(all, "\n")
}

func readBytes(t *testing.T, name string, data []byte, opt extract.Options) result {
	t.Helper()
	var r result
	for doc, err := range extract.Read(context.Background(), name, bytes.NewReader(data), int64(len(data)), opt) {
		r.take(t, doc, err)
	}
	return r
}

func readPaths(t *testing.T, opt extract.Options, paths ...string) result {
	t.Helper()
	var r result
	for doc, err := range extract.ReadPaths(context.Background(), paths, opt) {
		r.take(t, doc, err)
	}
	return r
}

func (r *result) take(t *testing.T, doc extract.Document, err error) {
	t.Helper()
	if err == nil {
		r.docs = append(r.docs, doc)
		return
	}
	var e *extract.Error
	if !errors.As(err, &e) {
		t.Fatalf("error %v is no *extract.Error", err)
	}
	r.errors = append(r.errors, e)
}

// member is a file in an archive that a test makes.
type member struct{ name, text string }

func zipOf(t *testing.T, members ...member) []byte {
	t.Helper()
	var buf bytes.Buffer
	w := zip.NewWriter(&buf)
	for _, m := range members {
		f, err := w.Create(m.name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.Write([]byte(m.text)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

func tarGzOf(t *testing.T, members ...member) []byte {
	t.Helper()
	var buf bytes.Buffer
	gz := gzip.NewWriter(&buf)
	w := tar.NewWriter(gz)
	for _, m := range members {
		if err := w.WriteHeader(&tar.Header{Name: m.name, Size: int64(len(m.text)), Mode: 0o600, Typeflag: tar.TypeReg}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(m.text)); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(w.Close(), gz.Close()); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

func gzOf(t *testing.T, data []byte) []byte {
	t.Helper()
	var buf bytes.Buffer
	gz := gzip.NewWriter(&buf)
	if _, err := gz.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := gz.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

func write(t *testing.T, folder string, files ...member) string {
	t.Helper()
	for _, f := range files {
		p := filepath.Join(folder, filepath.FromSlash(f.name))
		if err := errors.Join(os.MkdirAll(filepath.Dir(p), 0o700), os.WriteFile(p, []byte(f.text), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	return folder
}

func TestReadTellsByContent(t *testing.T) {
	markdown := "# Plan\n\nThe **gateway** checks `tokens`.\n"
	tests := []struct {
		name, file, text, mediaType, body string
	}{
		{"Markdown under any name", "plan.txt", markdown, "text/markdown", "Plan\n\nThe gateway checks tokens."},
		{"plain text", "plan", "1. Scope\n\nAll of <it>, a_b_c.\n", "text/plain", "1. Scope\n\nAll of <it>, a_b_c."},
		{"plain text that is called Markdown", "plan.md", "Just words.\n", "text/markdown", "Just words."},
		{"an HTML page", "plan", "<!doctype html>\n<title>T</title><p>One\n<p>Two", "text/html", "One\n\nTwo"},
		{"UTF-16 with a byte order mark", "plan.md", "\xff\xfe#\x00 \x00\xe9\x00t\x00\n\x00", "text/markdown", "ét"},
		{"UTF-16 the other way round", "plan.md", "\xfe\xff\x00#\x00 \x00\xe9\x00t\x00\n", "text/markdown", "ét"},
		{"UTF-8 with a byte order mark", "plan.md", "\xef\xbb\xbf# \xc3\xa9t\n", "text/markdown", "ét"},
		{"old line ends", "plan.md", "# A\r\n\r\nB\r\n", "text/markdown", "A\n\nB"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := readBytes(t, tt.file, []byte(tt.text), extract.Options{})
			if len(r.errors) > 0 || len(r.docs) != 1 {
				t.Fatalf("got %d documents, errors:\n%s", len(r.docs), r.messages())
			}
			doc := r.docs[0]
			if doc.MediaType != tt.mediaType || doc.Body != tt.body {
				t.Errorf("got %s %q, want %s %q", doc.MediaType, doc.Body, tt.mediaType, tt.body)
			}
			if len(doc.Notices) > 0 {
				t.Errorf("notices %v, want none", doc.Notices)
			}
		})
	}
}

func TestReadTellsOfOldEncodings(t *testing.T) {
	tests := []struct{ name, text, body, notice string }{
		{"Latin-1", "Schl\xfcssel f\xfcr alle", "Schlüssel für alle", "Windows-1252"},
		{"Windows quotes", "a \x93key\x94 \x96 here", "a “key” – here", "Windows-1252"},
		{"UTF-8 with a slip", "Schl\xc3\xbcssel f\xc3\xbcr alle\nund \xfc", "Schlüssel für alle\nund \uFFFD", "line 2"},
		{"UTF-16 without a mark", "H\x00e\x00l\x00l\x00o\x00 \x00y\x00o\x00u\x00", "Hello you", "UTF-16"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := readBytes(t, "a.md", []byte(tt.text), extract.Options{})
			if len(r.docs) != 1 {
				t.Fatalf("errors: %s", r.messages())
			}
			doc := r.docs[0]
			if doc.Body != tt.body {
				t.Errorf("text %q, want %q", doc.Body, tt.body)
			}
			if len(doc.Notices) != 1 || !strings.Contains(doc.Notices[0].Text, tt.notice) || doc.Notices[0].Document != doc.ID {
				t.Errorf("notices %v, want one about %s", doc.Notices, tt.notice)
			}
		})
	}
}

func TestReadRefuses(t *testing.T) {
	small := extract.Limits{Bytes: 4 << 20, TextBytes: 2 << 20, Expanded: 8 << 20, Members: 20}
	zeros := strings.Repeat("0", 3<<20)
	var many []member
	for i := range 21 {
		many = append(many, member{fmt.Sprint(i), "x"})
	}
	inner := zipOf(t, member{"a.md", "# A"})
	noise := make([]byte, 5000)
	for i := range noise {
		noise[i] = byte(i*i*31 + i*7)
	}
	tests := []struct {
		name string
		data []byte
		kind extract.Kind
		says []string
	}{
		{"an empty file", nil, extract.KindEmpty, []string{"the file is empty"}},
		{"white space", []byte(" \n\t\n"), extract.KindEmpty, []string{"nothing but white space"}},
		{"binary noise", noise, extract.KindNotDocument, []string{"not text", "Bartizan reads PDF"}},
		{"an image", []byte("\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR"), extract.KindNotDocument, []string{"a PNG image"}},
		{"an old Word document", []byte("\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1\x00"), extract.KindNotDocument, []string{"Microsoft Office", "save it as PDF"}},
		{"a damaged Word document", zipOf(t, member{"[Content_Types].xml", "<x/>"}, member{"word/document.xml", "<x/>"}), extract.KindDamaged, []string{"damaged", "save it again"}},
		{"an encrypted Word document", []byte("\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1\x00E\x00n\x00c\x00r\x00y\x00p\x00t\x00e\x00d\x00P\x00a\x00c\x00k\x00a\x00g\x00e\x00"), extract.KindEncrypted, []string{"password"}},
		{"a workbook", zipOf(t, member{"[Content_Types].xml", "<x/>"}, member{"xl/workbook.xml", "<x/>"}), extract.KindNotDocument, []string{"an Excel workbook", "as PDF"}},
		{"a presentation", zipOf(t, member{"[Content_Types].xml", "<x/>"}, member{"ppt/presentation.xml", "<x/>"}), extract.KindNotDocument, []string{"a PowerPoint presentation", "as PDF"}},
		{"a text beyond the limit", []byte(zeros), extract.KindTooLarge, []string{"3.0 MiB", "2.0 MiB"}},
		{"a zip file cut short", inner[:len(inner)-10], extract.KindDamaged, []string{"damaged or cut short"}},
		{"a gzip file cut short", tarGzOf(t, member{"a.md", "# A"})[:40], extract.KindDamaged, []string{"cut short"}},
		{"an empty zip file", zipOf(t), extract.KindNothing, []string{"no document"}},
		{"a zip file without documents", zipOf(t, member{"main.go", "package x"}, member{".env", "a=b"}), extract.KindNothing, []string{"no document"}},
		{"a path out of a zip file", zipOf(t, member{"a.md", "# A"}, member{"../../b.md", "# B"}), extract.KindUnsafe, []string{`"../../b.md"`, "leads out of the archive"}},
		{"a path of Windows out of a zip file", zipOf(t, member{`C:\b.md`, "# B"}), extract.KindUnsafe, []string{"leads out"}},
		{"a path out of a tar file", tarGzOf(t, member{"/etc/b.md", "# B"}), extract.KindUnsafe, []string{`"/etc/b.md"`, "leads out"}},
		{"a zip bomb", zipOf(t, member{"a.md", zeros}), extract.KindUnsafe, []string{"a.md", "archive bomb"}},
		{"a gzip bomb", gzOf(t, []byte(zeros)), extract.KindUnsafe, []string{"archive bomb"}},
		{"a tar bomb", tarGzOf(t, member{"a.md", zeros}), extract.KindUnsafe, []string{"archive bomb"}},
		{"a bomb in a zip file", zipOf(t, member{"b.zip", string(zipOf(t, member{"a.md", zeros}))}), extract.KindUnsafe, []string{"b.zip: a.md", "archive bomb"}},
		{"archives too deep", zipOf(t, member{"c.zip", string(zipOf(t, member{"b.zip", string(inner)}))}), extract.KindUnsafe, []string{"more than 2 deep"}},
		{"too many members", zipOf(t, many...), extract.KindTooLarge, []string{"21 members"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := readBytes(t, "given", tt.data, extract.Options{Limits: small})
			if len(r.docs) != 0 || len(r.errors) != 1 {
				t.Fatalf("got documents %v, errors:\n%s", r.names(), r.messages())
			}
			err := r.errors[0]
			if err.Kind != tt.kind || err.Path != "given" {
				t.Errorf("got %s of %s: %v; want %s", err.Kind, err.Path, err, tt.kind)
			}
			for _, s := range tt.says {
				if !strings.Contains(err.Error(), s) {
					t.Errorf("%q does not say %q", err, s)
				}
			}
		})
	}
}

func TestReadArchives(t *testing.T) {
	members := []member{
		{"z.md", "# Z\n\nLast."},
		{"docs/a.md", "# A\n\nFirst."},
		{"docs/logo.png", "\x89PNG\r\n\x1a\n"},
		{"docs/empty.md", ""},
		{".git/config", "x"},
	}
	inner := member{"more.zip", string(zipOf(t, member{"b.md", "# B"}))}
	tests := []struct {
		name string
		data []byte
		want []string
	}{
		{"a zip file in the order of names", zipOf(t, append(members, inner)...), []string{"docs/a.md", "more.zip/b.md", "z.md"}},
		{"a tar file in its own order", tarGzOf(t, append(members, inner)...), []string{"z.md", "docs/a.md", "more.zip/b.md"}},
		{"one compressed file", gzOf(t, []byte("# One")), []string{"given"}},
		{"members of one name", zipOf(t, member{"a.md", "# A"}, member{"./a.md", "# A2"}), []string{"a.md", "a.md (2)"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := readBytes(t, "given", tt.data, extract.Options{})
			if d := cmp.Diff(tt.want, r.names()); d != "" || len(r.errors) > 0 {
				t.Errorf("documents (-want +got):\n%s%s", d, r.messages())
			}
		})
	}
}

func TestReadGoesOnAfterAnError(t *testing.T) {
	data := zipOf(t, member{"a.md", "# A"}, member{"b.doc", "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"}, member{"c.md", "# C"})
	r := readBytes(t, "given", data, extract.Options{})
	if d := cmp.Diff([]string{"a.md", "c.md"}, r.names()); d != "" {
		t.Error(d)
	}
	if len(r.errors) != 1 || r.errors[0].Where != "b.doc" {
		t.Errorf("errors: %s", r.messages())
	}
}

func TestReadPaths(t *testing.T) {
	folder := write(
		t, t.TempDir(),
		member{"b.md", "# B"}, member{"a/c.md", "# C"}, member{"a/main.go", "package a"},
		member{".hidden/x.md", "# X"}, member{".x.md", "# X"}, member{"logo.png", "\x89PNG\r\n\x1a\n\x00"},
	)
	outside := write(t, t.TempDir(), member{"secret.md", "# S"})
	for link, target := range map[string]string{
		"out.md": filepath.Join(outside, "secret.md"), "dir": outside, "again.md": "b.md",
	} {
		if err := os.Symlink(target, filepath.Join(folder, link)); err != nil {
			t.Skip("no symbolic links here")
		}
	}
	summary := &extract.Summary{}
	r := readPaths(t, extract.Options{Summary: summary}, folder, filepath.Join(folder, "b.md"), filepath.Join(outside, "secret.md"))
	if d := cmp.Diff([]string{"a/c.md", "again.md", "secret.md"}, r.names()); d != "" || len(r.errors) > 0 {
		t.Errorf("documents (-want +got):\n%s%s", d, r.messages())
	}
	var skipped []string
	for _, s := range summary.Skipped {
		rel, _ := filepath.Rel(folder, s.Path)
		skipped = append(skipped, rel+": "+s.Reason)
	}
	want := []string{
		".hidden: hidden or not part of the documents",
		".x.md: hidden",
		"a/main.go: source code or data",
		"b.md: read already",
		"dir: a symbolic link that leads to a folder or out of the folder given",
		"logo.png: this is a PNG image",
		"out.md: a symbolic link that leads to a folder or out of the folder given",
		"b.md: read already",
	}
	if d := cmp.Diff(want, skipped); d != "" {
		t.Errorf("passed over (-want +got):\n%s", d)
	}
}

func TestReadPathsRefuses(t *testing.T) {
	missing := filepath.Join(t.TempDir(), "none.md")
	r := readPaths(t, extract.Options{}, missing)
	if len(r.errors) != 1 || r.errors[0].Kind != extract.KindMissing || !errors.Is(r.errors[0], fs.ErrNotExist) {
		t.Errorf("a missing file: %s", r.messages())
	}
	useless := write(t, t.TempDir(), member{"main.go", "package a"}, member{"x.bin", "\x00\x01\x02"})
	r = readPaths(t, extract.Options{}, useless)
	if len(r.errors) != 1 || r.errors[0].Kind != extract.KindNothing || !strings.Contains(r.messages(), "main.go (source code or data)") {
		t.Errorf("a folder with nothing readable: %s", r.messages())
	}
}

func TestIDsComeFromNames(t *testing.T) {
	one := readBytes(t, "plan.md", []byte("# One"), extract.Options{}).docs[0]
	two := readBytes(t, "plan.md", []byte("# Two"), extract.Options{}).docs[0]
	other := readBytes(t, "other.md", []byte("# One"), extract.Options{}).docs[0]
	if one.ID != two.ID || one.ID == other.ID {
		t.Errorf("ids %s, %s, %s", one.ID, two.ID, other.ID)
	}
	if len(one.ID) != 8 || !strings.HasPrefix(one.ID, "D-") {
		t.Errorf("id %q", one.ID)
	}
}

func TestReadEndsWithTheContext(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	data := zipOf(t, member{"a.md", "# A"}, member{"b.md", "# B"})
	documents := 0
	var last error
	for _, err := range extract.Read(ctx, "x", bytes.NewReader(data), int64(len(data)), extract.Options{}) {
		if err == nil {
			documents++
			cancel()
		}
		last = err
	}
	if documents != 1 || !errors.Is(last, context.Canceled) {
		t.Errorf("%d documents, then %v", documents, last)
	}
}
