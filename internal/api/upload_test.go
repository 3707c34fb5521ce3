package api_test

import (
	"bytes"
	"fmt"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/bartizan-security/bartizan/internal/api"
	"github.com/bartizan-security/bartizan/pkg/resource"
)

// part is one part of an upload.
type part struct{ field, filename, mediaType, content string }

// multipartOf writes parts in their order.
func multipartOf(t *testing.T, parts ...part) (body []byte, contentType string) {
	t.Helper()
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	for _, p := range parts {
		h := textproto.MIMEHeader{}
		disposition := fmt.Sprintf(`form-data; name=%q`, p.field)
		if p.filename != "" {
			disposition += fmt.Sprintf(`; filename=%q`, p.filename)
		}
		h.Set("Content-Disposition", disposition)
		if p.mediaType != "" {
			h.Set("Content-Type", p.mediaType)
		}
		out, err := w.CreatePart(h)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := out.Write([]byte(p.content)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes(), w.FormDataContentType()
}

const uploads = "/uploads"

// TestPartsMayComeInAnyOrder holds that what is said of files holds wherever it
// stands.
func TestPartsMayComeInAnyOrder(t *testing.T) {
	a := part{field: "file", filename: "docs/a.md", mediaType: "text/markdown", content: "# A"}
	b := part{field: "file", filename: "b.pdf", mediaType: "application/octet-stream", content: "%PDF"}
	said := part{field: "metadata", mediaType: "application/json", content: `{"files":[{"file":"b.pdf","reference":"wiki/7","name":"B.pdf","media_type":"application/pdf"}]}`}
	both := []string{"docs/a.md a.md text/markdown # A", "wiki/7 B.pdf application/pdf %PDF"}
	for name, tt := range map[string]struct {
		parts []part
		want  []string
	}{
		"metadata first":   {[]part{said, a, b}, both},
		"metadata last":    {[]part{a, b, said}, both},
		"metadata between": {[]part{a, said, b}, []string{both[1], both[0]}}, // what waited comes after what flows
		"no metadata":      {[]part{a, b}, []string{both[0], "b.pdf b.pdf  %PDF"}},
		"fields first":     {[]part{{field: "reference", content: "r"}, {field: "name", content: "n.md"}, a}, []string{"r n.md text/markdown # A"}},
		"fields last":      {[]part{a, {field: "reference", content: "r"}, {field: "media_type", content: "text/plain"}}, []string{"r a.md text/plain # A"}},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFake()
			cfg := config(f)
			cfg.TempDir = t.TempDir()
			body, kind := multipartOf(t, tt.parts...)
			resp, raw := call(t, serve(t, cfg), "POST", "/v1/systems/"+systemID+uploads, bytes.NewReader(body), "Content-Type", kind)
			if resp.StatusCode != http.StatusAccepted || resp.Header.Get("Location") != "/v1/analyses/"+analysisID {
				t.Fatalf("%d %v %s", resp.StatusCode, resp.Header, raw)
			}
			var got []string
			for _, u := range f.uploads {
				got = append(got, strings.Join([]string{u.Reference, u.Name, u.MediaType, string(u.bytes)}, " "))
			}
			if strings.Join(got, "\n") != strings.Join(tt.want, "\n") {
				t.Errorf("got\n%q\nwant\n%q", got, tt.want)
			}
			left, err := os.ReadDir(cfg.TempDir)
			if err != nil || len(left) > 0 {
				t.Errorf("left behind: %v %v", left, err)
			}
		})
	}
}

// TestUploadsThatDoNotFitLeaveNothing holds the refusals of uploads.
func TestUploadsThatDoNotFitLeaveNothing(t *testing.T) {
	file := part{field: "file", filename: "a.md", content: "text"}
	other := part{field: "file", filename: "b.md", content: "text"}
	limits := api.Limits{File: 100, Upload: 4000, Files: 3}
	for name, tt := range map[string]struct {
		parts  []part
		cut    int
		status int
		field  string
	}{
		"no file":                {parts: []part{{field: "metadata", content: `{"files":[]}`}}, status: 422, field: "/file"},
		"a field nobody knows":   {parts: []part{file, {field: "colour", content: "red"}}, status: 422, field: "/colour"},
		"a field twice":          {parts: []part{file, {field: "name", content: "a"}, {field: "name", content: "b"}}, status: 422, field: "/name"},
		"one name for two":       {parts: []part{file, other, {field: "reference", content: "a"}}, status: 422, field: "/reference"},
		"fields beside metadata": {parts: []part{{field: "metadata", content: `{}`}, file, {field: "name", content: "a"}}, status: 422, field: "/reference"},
		"metadata that is none":  {parts: []part{file, {field: "metadata", content: `[`}}, status: 422, field: "/metadata"},
		"metadata of a stranger": {parts: []part{file, {field: "metadata", content: `{"files":[{"file":"x.md"}]}`}}, status: 422, field: "/metadata"},
		"metadata unknown field": {parts: []part{file, {field: "metadata", content: `{"filez":[]}`}}, status: 422, field: "/metadata"},
		"a name with NUL":        {parts: []part{file, {field: "name", content: "a\x00b"}}, status: 422, field: "/name"},
		"a file too large":       {parts: []part{{field: "file", filename: "a.md", content: strings.Repeat("x", 101)}}, status: 413},
		"a file too large after": {parts: []part{{field: "metadata", content: `{}`}, file, {field: "file", filename: "c.md", content: strings.Repeat("x", 101)}}, status: 413},
		"too many files":         {parts: []part{file, other, {field: "file", filename: "c", content: "x"}, {field: "file", filename: "d", content: "x"}}, status: 413},
		"too many bytes":         {parts: []part{{field: "metadata", content: `{"files":[{"file":"a.md","reference":"` + strings.Repeat("r", 4000) + `"}]}`}, file}, status: 413},
		"a body that is cut":     {parts: []part{file, other}, cut: 30, status: 400},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFake()
			cfg := config(f)
			cfg.Limits, cfg.TempDir = limits, t.TempDir()
			body, kind := multipartOf(t, tt.parts...)
			resp, raw := call(t, serve(t, cfg), "POST", "/v1/systems/"+systemID+uploads, bytes.NewReader(body[:len(body)-tt.cut]), "Content-Type", kind)
			if resp.StatusCode != tt.status {
				t.Fatalf("status %d, want %d: %s", resp.StatusCode, tt.status, raw)
			}
			if p := problemIn(t, resp, raw); tt.field != "" && !names(p, tt.field) {
				t.Errorf("errors %+v do not name %s", p.Errors, tt.field)
			}
			if len(f.uploads) > 0 {
				t.Errorf("stored: %v", f.uploads)
			}
			if left, err := os.ReadDir(cfg.TempDir); err != nil || len(left) > 0 {
				t.Errorf("left behind: %v %v", left, err)
			}
		})
	}
}

// TestARequestWithAKeyIsDoneOnce holds what Idempotency-Key promises.
func TestARequestWithAKeyIsDoneOnce(t *testing.T) {
	f := newFake()
	server := serve(t, config(f))
	body := `{"name":"Portal"}`
	first, a := call(t, server, "POST", "/v1/systems", strings.NewReader(body), "Idempotency-Key", "k1")
	second, b := call(t, server, "POST", "/v1/systems", strings.NewReader(body), "Idempotency-Key", "k1")
	if first.StatusCode != 201 || second.StatusCode != 201 || !bytes.Equal(a, b) || f.calls.Load() != 1 {
		t.Fatalf("%d %d, %d calls\n%s\n%s", first.StatusCode, second.StatusCode, f.calls.Load(), a, b)
	}
	if second.Header.Get("Idempotent-Replayed") != "true" || second.Header.Get("Location") != first.Header.Get("Location") || second.Header.Get("ETag") != `"3"` {
		t.Errorf("replayed with %v", second.Header)
	}
	resp, raw := call(t, server, "POST", "/v1/systems", strings.NewReader(`{"name":"Other"}`), "Idempotency-Key", "k1")
	if p := problemIn(t, resp, raw); resp.StatusCode != 422 || p.Type != resource.ProblemType+"key_reused" {
		t.Errorf("another request under the key: %s", raw)
	}
	call(t, server, "POST", "/v1/systems", strings.NewReader(body), "Idempotency-Key", "k2")
	call(t, server, "POST", "/v1/systems", strings.NewReader(body))
	if n := f.calls.Load(); n != 3 {
		t.Errorf("%d calls, want 3", n)
	}
	for _, kept := range f.kept {
		if bytes.Contains(kept.Body, []byte("Portal")) {
			t.Error("the answer is stored in the open")
		}
	}
}

// TestRequestsWithOneKeyAtOnce holds that of many at once one is done, and the
// others are told so or get its answer.
func TestRequestsWithOneKeyAtOnce(t *testing.T) {
	f := newFake()
	started, finish := make(chan struct{}), make(chan struct{})
	var once sync.Once
	f.during = func() { once.Do(func() { close(started) }); <-finish }
	server := serve(t, config(f))
	ask := func() (*http.Response, []byte) {
		return call(t, server, "POST", "/v1/systems", strings.NewReader(`{"name":"x"}`), "Idempotency-Key", "race")
	}
	done := make(chan int)
	go func() { resp, _ := ask(); done <- resp.StatusCode }()
	<-started
	for range 5 {
		resp, raw := ask()
		if p := problemIn(t, resp, raw); resp.StatusCode != 409 || p.Type != resource.ProblemType+"under_way" || resp.Header.Get("Retry-After") == "" {
			t.Errorf("under way: %d %s", resp.StatusCode, raw)
		}
	}
	close(finish)
	if got := <-done; got != 201 {
		t.Errorf("the first: %d", got)
	}
	if resp, _ := ask(); resp.StatusCode != 201 || resp.Header.Get("Idempotent-Replayed") != "true" {
		t.Errorf("afterwards: %d", resp.StatusCode)
	}
	if n := f.calls.Load(); n != 1 {
		t.Errorf("done %d times", n)
	}
}

// TestWhatMayPassIsTriedAnew holds that a fault is not kept under the key.
func TestWhatMayPassIsTriedAnew(t *testing.T) {
	f := newFake()
	server := serve(t, config(f))
	body := `{"name":"x"}`
	f.during = func() { panic("the disk is full") }
	if resp, _ := call(t, server, "POST", "/v1/systems", strings.NewReader(body), "Idempotency-Key", "k"); resp.StatusCode != 500 {
		t.Fatalf("status %d", resp.StatusCode)
	}
	f.during = nil
	if resp, _ := call(t, server, "POST", "/v1/systems", strings.NewReader(body), "Idempotency-Key", "k"); resp.StatusCode != 201 || resp.Header.Get("Idempotent-Replayed") != "" {
		t.Errorf("tried again: %d", resp.StatusCode)
	}
}

// TestAnUploadWithAKeyIsDoneOnce holds it for bodies that are never the same
// byte for byte: each try has another boundary, and perhaps another order.
func TestAnUploadWithAKeyIsDoneOnce(t *testing.T) {
	f := newFake()
	server := serve(t, config(f))
	a, b := part{field: "file", filename: "a.md", content: "A"}, part{field: "file", filename: "b.md", content: "B"}
	send := func(parts ...part) (*http.Response, []byte) {
		body, kind := multipartOf(t, parts...)
		return call(t, server, "POST", "/v1/systems/"+systemID+uploads, bytes.NewReader(body), "Content-Type", kind, "Idempotency-Key", "u")
	}
	if resp, raw := send(a, b); resp.StatusCode != 202 {
		t.Fatalf("%d %s", resp.StatusCode, raw)
	}
	if resp, raw := send(b, a); resp.StatusCode != 202 || resp.Header.Get("Idempotent-Replayed") != "true" {
		t.Errorf("again: %d %s", resp.StatusCode, raw)
	}
	b.content = "B, changed"
	if resp, raw := send(a, b); resp.StatusCode != 422 {
		t.Errorf("another content: %d %s", resp.StatusCode, raw)
	}
	if n := f.calls.Load(); n != 1 {
		t.Errorf("done %d times", n)
	}
}
