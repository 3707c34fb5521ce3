package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"strconv"
	"strings"

	"github.com/bartizan-security/bartizan/pkg/resource"
)

// File is a document to upload. One of Content and Open gives its bytes.
type File struct {
	// Reference is the sender's stable name for the document, such as its path
	// within a repository: the same reference again is a new revision.
	Reference string
	// Name tells the format by its ending; empty for the last part of the
	// reference.
	Name string
	// MediaType may be empty.
	MediaType string
	// Content is read once. An upload whose contents are all seekers, or are
	// opened by Open, is sent again where that helps.
	Content io.Reader
	// Open opens the document when its turn comes, and again for each retry.
	Open func() (io.ReadCloser, error)
}

// UploadOptions say how documents are taken.
type UploadOptions struct {
	// Store asks for no analysis.
	Store bool
}

// Upload sends documents as a stream: no file is held in memory. All are taken,
// or none. When Upload returns it reads from no Content any more. The analysis
// in the answer, if any, can be waited for with [Client.WaitForAnalysis].
func (c *Client) Upload(ctx context.Context, system string, opts UploadOptions, files ...File) (resource.Uploaded, error) {
	u, err := newUpload(files)
	if err != nil {
		return resource.Uploaded{}, err
	}
	query := values()
	if opts.Store {
		query.Set("analyze", "false")
	}
	defer u.settle()
	header := http.Header{}
	header.Set("Expect", "100-continue") // a refusal comes before the files are sent
	return call[resource.Uploaded](ctx, c, request{
		method: http.MethodPost, path: path("systems", system, "uploads"), query: query,
		raw: u.open, once: !u.repeatable, contentType: "multipart/form-data; boundary=" + u.boundary, header: header,
	})
}

// upload is a multipart body that is written while it is read.
type upload struct {
	files      []File
	starts     []int64
	repeatable bool
	boundary   string
	// writing is closed when the last try has stopped reading the files.
	writing chan struct{}
}

func newUpload(files []File) (*upload, error) {
	if len(files) == 0 {
		return nil, errors.New("uploading: there is no file")
	}
	u := &upload{files: files, starts: make([]int64, len(files)), repeatable: true, boundary: multipart.NewWriter(io.Discard).Boundary()}
	for i, f := range files {
		if f.Reference == "" || (f.Content == nil) == (f.Open == nil) {
			return nil, fmt.Errorf("uploading file %d: it wants a reference, and either Content or Open", i+1)
		}
		if f.Open != nil {
			continue
		}
		seeker, ok := f.Content.(io.Seeker)
		if !ok {
			u.repeatable = false
			continue
		}
		at, err := seeker.Seek(0, io.SeekCurrent)
		if err != nil {
			u.repeatable = false // a pipe is an *os.File too
		}
		u.starts[i] = at
	}
	return u, nil
}

// open begins a try. Whoever reads it closes it; a body that is closed early
// ends the writing.
func (u *upload) open() (io.ReadCloser, error) {
	u.settle()
	r, w := io.Pipe()
	done := make(chan struct{})
	u.writing = done
	go func() {
		defer close(done)
		_ = w.CloseWithError(u.write(w)) // ends when the body is read or closed
	}()
	return r, nil
}

// settle waits until the last try reads no file any more.
func (u *upload) settle() {
	if u.writing != nil {
		<-u.writing
	}
}

func (u *upload) write(w io.Writer) error {
	m := multipart.NewWriter(w)
	if err := m.SetBoundary(u.boundary); err != nil {
		return err
	}
	if err := u.writeMetadata(m); err != nil {
		return err
	}
	for i := range u.files {
		if err := u.writeFile(m, i); err != nil {
			return err
		}
	}
	return m.Close()
}

// partName is the file name of a part, by which metadata tell of it.
func partName(i int) string { return "file-" + strconv.Itoa(i+1) }

// writeMetadata comes first, so that the server need not keep files aside.
func (u *upload) writeMetadata(m *multipart.Writer) error {
	type file struct {
		File      string `json:"file"`
		Reference string `json:"reference"`
		Name      string `json:"name"`
		MediaType string `json:"media_type,omitempty"`
	}
	said := make([]file, len(u.files))
	for i, f := range u.files {
		said[i] = file{File: partName(i), Reference: f.Reference, Name: f.Name, MediaType: f.MediaType}
		if f.Name == "" {
			said[i].Name = f.Reference[strings.LastIndexAny(f.Reference, `/\`)+1:]
		}
	}
	out, err := m.CreatePart(textproto.MIMEHeader{"Content-Disposition": {`form-data; name="metadata"`}, "Content-Type": {"application/json"}})
	if err != nil {
		return err
	}
	return json.NewEncoder(out).Encode(map[string]any{"files": said})
}

func (u *upload) writeFile(m *multipart.Writer, i int) error {
	content, err := u.content(i)
	if err != nil {
		return fmt.Errorf("reading %s: %w", u.files[i].Reference, err)
	}
	defer content.Close()
	out, err := m.CreatePart(textproto.MIMEHeader{
		"Content-Disposition": {fmt.Sprintf(`form-data; name="file"; filename="%s"`, partName(i))},
		"Content-Type":        {"application/octet-stream"},
	})
	if err != nil {
		return err
	}
	if _, err := io.Copy(out, content); err != nil {
		return fmt.Errorf("sending %s: %w", u.files[i].Reference, err)
	}
	return nil
}

// content is a file from its beginning.
func (u *upload) content(i int) (io.ReadCloser, error) {
	f := u.files[i]
	if f.Open != nil {
		return f.Open()
	}
	if u.repeatable {
		if _, err := f.Content.(io.Seeker).Seek(u.starts[i], io.SeekStart); err != nil {
			return nil, err
		}
	}
	return io.NopCloser(f.Content), nil
}

// Push sends one document as JSON.
func (c *Client) Push(ctx context.Context, system string, in resource.NewDocument) (resource.Uploaded, error) {
	return post[resource.Uploaded](ctx, c, path("systems", system, "documents"), in)
}

// Documents lists a system's documents by reference.
func (c *Client) Documents(ctx context.Context, system string) iter.Seq2[resource.Document, error] {
	return pages[resource.Document](ctx, c, path("systems", system, "documents"), nil)
}

// Document is one document.
func (c *Client) Document(ctx context.Context, id string) (resource.Document, error) {
	return get[resource.Document](ctx, c, path("documents", id), nil)
}

// RemoveDocument takes a document out of its system.
func (c *Client) RemoveDocument(ctx context.Context, id string, version int64) error {
	return c.done(ctx, request{method: http.MethodDelete, path: path("documents", id), version: version})
}

// PurgeDocument removes all text of a document for good.
func (c *Client) PurgeDocument(ctx context.Context, id string) error {
	return c.done(ctx, request{method: http.MethodPost, path: path("documents", id, "purge")})
}

// Revisions lists a document's revisions, newest first.
func (c *Client) Revisions(ctx context.Context, document string) iter.Seq2[resource.Revision, error] {
	return pages[resource.Revision](ctx, c, path("documents", document, "revisions"), nil)
}

// Revision is one revision with the sources that were read from it.
func (c *Client) Revision(ctx context.Context, id string) (resource.Revision, error) {
	return get[resource.Revision](ctx, c, path("revisions", id), nil)
}

// Original opens the bytes of a revision as they were sent. Whoever gets them
// closes them. A body that ends early gives an error.
func (c *Client) Original(ctx context.Context, revision string) (io.ReadCloser, error) {
	resp, err := c.send(ctx, request{method: http.MethodGet, path: path("revisions", revision, "original"), accept: "*/*"})
	if err != nil {
		return nil, err
	}
	return resp.Body, nil
}

// Extraction is what was read from a source.
func (c *Client) Extraction(ctx context.Context, source string) (resource.Extraction, error) {
	return get[resource.Extraction](ctx, c, path("sources", source), nil)
}

// Text is the extracted text of a source.
func (c *Client) Text(ctx context.Context, source string) (string, error) {
	resp, err := c.send(ctx, request{method: http.MethodGet, path: path("sources", source, "text"), accept: "*/*"})
	if err != nil {
		return "", err
	}
	defer drain(resp.Body)
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		return "", fmt.Errorf("reading the text of %s: %w", source, err)
	}
	return string(raw), nil
}

func bytesBody(b []byte) func() (io.ReadCloser, error) {
	return func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(b)), nil }
}

func decode(resp *http.Response, v any) error {
	if err := json.NewDecoder(resp.Body).Decode(v); err != nil {
		return fmt.Errorf("reading the answer: %w", err)
	}
	return nil
}
