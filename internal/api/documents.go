package api

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"iter"
	"mime"
	"net/http"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/bartizan-security/bartizan/internal/identifier"
	"github.com/bartizan-security/bartizan/internal/service"
	"github.com/bartizan-security/bartizan/pkg/resource"
)

type (
	// DocumentPath leads to a document.
	DocumentPath struct {
		Document string `path:"document" maxLength:"40" doc:"Id of the document"`
	}
	// RevisionPath leads to a revision.
	RevisionPath struct {
		Revision string `path:"revision" maxLength:"40" doc:"Id of the revision"`
	}
	// SourcePath leads to a source.
	SourcePath struct {
		Source string `path:"source" maxLength:"40" doc:"Id of the source"`
	}
	systemPage struct {
		SystemPath
		Paging
	}
)

func documentVersion(v resource.Document) int64 { return v.Version }

// uploadInput keeps the request, whose body the handler reads as it comes.
type uploadInput struct {
	SystemPath
	Analyze bool `query:"analyze" default:"true" doc:"false stores the documents without asking for an analysis"`
	request *http.Request
	writer  http.ResponseWriter
}

// Resolve implements huma.Resolver.
func (in *uploadInput) Resolve(ctx huma.Context) []error {
	in.request, in.writer = humago.Unwrap(ctx)
	return nil
}

func (s *server) documents(api huma.API) {
	register(s, api, operation{
		id: "uploadDocuments", method: http.MethodPost, path: "/v1/systems/{system}/uploads", tag: tagDocuments, scope: resource.ScopeWrite,
		status: http.StatusAccepted, body: s.cfg.Limits.Upload, problems: []int{400, 413, 415},
		summary: "Upload documents",
		text: "One or many files as `multipart/form-data`, streamed to the store. Each part with a file name is a document; its file name, folders included, is its reference. " +
			"The same reference again is a new revision; the same bytes are no change. All files of a request are taken, or none.\n\n" +
			"A part `metadata` says more: `{\"files\": [{\"file\": \"docs/design.md\", \"reference\": \"wiki/4711\", \"name\": \"design.md\", \"media_type\": \"text/markdown\"}]}`, where `file` is the file name of a part. " +
			"Parts may come in any order; files that come after `metadata` are not kept aside first. For a single file the parts `reference`, `name` and `media_type` do as well.\n\n" +
			"The documents are read, and the system analysed, in the background: see the analysis in the answer.",
	}, s.upload)
	register(s, api, operation{
		id: "pushDocument", method: http.MethodPost, path: "/v1/systems/{system}/documents", tag: tagDocuments, scope: resource.ScopeWrite,
		status: http.StatusAccepted, body: s.cfg.Limits.File/3*4 + s.cfg.Limits.Body, problems: []int{413, 415},
		summary: "Push one document",
		text:    "A document as JSON, its `text` as it is or its `content` in base64, under the sender's own reference. The same reference again is a new revision; the same bytes are no change.",
	}, s.push)
	register(s, api, operation{
		id: "listDocuments", method: http.MethodGet, path: "/v1/systems/{system}/documents", tag: tagDocuments, scope: resource.ScopeRead,
		summary: "List documents", text: "By reference, each with its newest revision and how far its reading has come.",
	}, func(ctx context.Context, a service.Actor, in *systemPage) (*answer[resource.Page[resource.Document]], error) {
		id, err := in.id()
		if err != nil {
			return nil, err
		}
		return answerOf(s.cfg.Service.Documents(ctx, a, id, in.list()))
	})
	s.document(api)
}

// document is about one.
func (s *server) document(api huma.API) {
	register(s, api, operation{
		id: "getDocument", method: http.MethodGet, path: "/v1/documents/{document}", tag: tagDocuments, scope: resource.ScopeRead,
		summary: "Read a document",
	}, func(ctx context.Context, a service.Actor, in *DocumentPath) (*tagged[resource.Document], error) {
		id, err := identified(identifier.Document, "document", in.Document)
		if err != nil {
			return nil, err
		}
		v, err := s.cfg.Service.Document(ctx, a, id)
		return taggedOf(v, documentVersion, err)
	})
	register(s, api, operation{
		id: "removeDocument", method: http.MethodDelete, path: "/v1/documents/{document}", tag: tagDocuments, scope: resource.ScopeWrite, edits: true,
		summary: "Remove a document", text: "It is analysed no more; its revisions stay to be read. An analysis follows, in which threats that rest on it alone are resolved or put up for review.",
	}, func(ctx context.Context, a service.Actor, in *struct {
		DocumentPath
		Guarded
	},
	) (*nothing, error) {
		id, err := identified(identifier.Document, "document", in.Document)
		if err != nil {
			return nil, err
		}
		return nil, s.cfg.Service.RemoveDocument(ctx, a, id, in.version())
	})
	register(s, api, operation{
		id: "purgeDocument", method: http.MethodPost, path: "/v1/documents/{document}/purge", tag: tagDocuments, scope: resource.ScopeAdmin,
		summary: "Purge a document", text: "Removes for good the document's bytes and text, and what was drawn from it; hashes and the audit trail stay. There is no way back.",
	}, func(ctx context.Context, a service.Actor, in *DocumentPath) (*nothing, error) {
		id, err := identified(identifier.Document, "document", in.Document)
		if err != nil {
			return nil, err
		}
		return nil, s.cfg.Service.PurgeDocument(ctx, a, id)
	})
	s.revisions(api)
}

func (s *server) upload(ctx context.Context, a service.Actor, in *uploadInput) (*placed[resource.Uploaded], error) {
	id, err := in.id()
	if err != nil {
		return nil, err
	}
	u, err := newUpload(in.request, in.writer, s.cfg.Limits, s.cfg.TempDir)
	if err != nil {
		return nil, err
	}
	v, err := s.cfg.Service.Upload(ctx, a, id, u.files, in.Analyze)
	if err != nil {
		if u.err != nil {
			return nil, u.err // what the sender did wrong, whatever came of it
		}
		return nil, err
	}
	if p := printOf(ctx); p != nil {
		p.content = u.print.sum()
	}
	return placedOf(v, nil, follows(v), nil)
}

// follows is where to see what comes of an upload.
func follows(v resource.Uploaded) string {
	switch {
	case v.Analysis != nil:
		return "/v1/analyses/" + v.Analysis.ID
	case len(v.Documents) > 0:
		return "/v1/documents/" + v.Documents[0].Document.ID
	}
	return ""
}

func (s *server) push(ctx context.Context, a service.Actor, in *struct {
	SystemPath
	Body resource.NewDocument
},
) (*placed[resource.Uploaded], error) {
	id, err := in.id()
	if err != nil {
		return nil, err
	}
	content := in.Body.Content
	if (in.Body.Text == "") == (len(content) == 0) {
		return nil, &service.Error{Kind: service.KindInvalid, Pointer: "/content", Message: "give the document as text, or as content in base64: one of them"}
	}
	if in.Body.Text != "" {
		content = []byte(in.Body.Text)
	}
	if int64(len(content)) > s.cfg.Limits.File {
		return nil, tooLarge(s.cfg.Limits.File)
	}
	file := service.File{Reference: in.Body.Reference, Name: in.Body.Name, MediaType: in.Body.MediaType, Content: bytes.NewReader(content)}
	v, err := s.cfg.Service.Upload(ctx, a, id, one(file), in.Body.Analyze == nil || *in.Body.Analyze)
	return placedOf(v, nil, follows(v), err)
}

func one(f service.File) iter.Seq2[service.File, error] {
	return func(yield func(service.File, error) bool) { yield(f, nil) }
}

func (s *server) revisions(api huma.API) {
	register(s, api, operation{
		id: "listRevisions", method: http.MethodGet, path: "/v1/documents/{document}/revisions", tag: tagDocuments, scope: resource.ScopeRead,
		summary: "List a document's revisions", text: "Newest first.",
	}, func(ctx context.Context, a service.Actor, in *struct {
		DocumentPath
		Paging
	},
	) (*answer[resource.Page[resource.Revision]], error) {
		id, err := identified(identifier.Document, "document", in.Document)
		if err != nil {
			return nil, err
		}
		return answerOf(s.cfg.Service.Revisions(ctx, a, id, in.list()))
	})
	register(s, api, operation{
		id: "getRevision", method: http.MethodGet, path: "/v1/revisions/{revision}", tag: tagDocuments, scope: resource.ScopeRead,
		summary: "Read a revision", text: "With its `sources`: the documents that were read from it, one for a file, many for an archive or an export.",
	}, func(ctx context.Context, a service.Actor, in *RevisionPath) (*answer[resource.Revision], error) {
		id, err := identified(identifier.Revision, "revision", in.Revision)
		if err != nil {
			return nil, err
		}
		return answerOf(s.cfg.Service.Revision(ctx, a, id))
	})
	register(s, api, operation{
		id: "downloadOriginal", method: http.MethodGet, path: "/v1/revisions/{revision}/original", tag: tagDocuments, scope: resource.ScopeRead,
		summary: "Download the bytes as they were sent", text: "Always as an attachment: nothing of a document is run or shown by a browser.",
	}, s.original)
	register(s, api, operation{
		id: "getExtraction", method: http.MethodGet, path: "/v1/sources/{source}", tag: tagDocuments, scope: resource.ScopeRead,
		summary: "Read what was extracted from a source", text: "The text that the document shows, and the blocks found in it, each with its place. Credentials are masked.",
	}, func(ctx context.Context, a service.Actor, in *SourcePath) (*answer[resource.Extraction], error) {
		id, err := identified(identifier.Source, "source", in.Source)
		if err != nil {
			return nil, err
		}
		return answerOf(s.cfg.Service.Extraction(ctx, a, id))
	})
	register(s, api, operation{
		id: "getText", method: http.MethodGet, path: "/v1/sources/{source}/text", tag: tagDocuments, scope: resource.ScopeRead,
		summary: "Read the extracted text alone", text: "As `text/plain`; `byte_start` and `byte_end` of a locator count in it.",
	}, func(ctx context.Context, a service.Actor, in *SourcePath) (*stream, error) {
		id, err := identified(identifier.Source, "source", in.Source)
		if err != nil {
			return nil, err
		}
		v, err := s.cfg.Service.Extraction(ctx, a, id)
		if err != nil {
			return nil, err
		}
		return &stream{Body: func(hc huma.Context) {
			_, w := humago.Unwrap(hc)
			w.Header().Set("Content-Type", "text/plain; charset=utf-8")
			_, _ = io.WriteString(w, v.Text) // the caller may be gone
		}}, nil
	})
}

// original sends a file. It is written in pieces, each within a time, so that
// who does not read does not keep a connection.
func (s *server) original(ctx context.Context, a service.Actor, in *RevisionPath) (*stream, error) {
	id, err := identified(identifier.Revision, "revision", in.Revision)
	if err != nil {
		return nil, err
	}
	content, v, err := s.cfg.Service.Original(ctx, a, id)
	if err != nil {
		return nil, err
	}
	return &stream{Body: func(hc huma.Context) {
		defer content.Close()
		_, w := humago.Unwrap(hc)
		h := w.Header()
		h.Set("Content-Type", "application/octet-stream")
		h.Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": v.Name}))
		h.Set("Content-Length", strconv.FormatInt(v.Size, 10))
		h.Set("ETag", strconv.Quote(v.SHA256))
		h.Set("Repr-Digest", "sha-256="+structuredBytes(v.SHA256))
		if hc.Method() == http.MethodHead {
			return
		}
		n, err := io.Copy(&pieces{w: w, control: http.NewResponseController(w)}, content)
		if ctx.Err() != nil {
			panic(http.ErrAbortHandler) // the caller has gone
		}
		if err == nil && n != v.Size {
			err = fmt.Errorf("the store gave %d of %d bytes", n, v.Size)
		}
		if err != nil {
			exchangeOf(ctx).fault = fmt.Errorf("sending the original %s: %w", v.ID, err)
			panic(http.ErrAbortHandler) // half a file must not look like a whole one
		}
	}}, nil
}

// pieces gives each piece its time.
type pieces struct {
	w       io.Writer
	control *http.ResponseController
}

// Write implements io.Writer.
func (p *pieces) Write(b []byte) (int, error) {
	_ = p.control.SetWriteDeadline(time.Now().Add(writeWithin)) // a recorder in tests has no connection
	return p.w.Write(b)
}
