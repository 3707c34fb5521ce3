package service

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"path"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/bartizan-security/bartizan/internal/identifier"
	"github.com/bartizan-security/bartizan/internal/postgres"
	"github.com/bartizan-security/bartizan/internal/postgres/query"
	"github.com/bartizan-security/bartizan/pkg/resource"
)

// File is one document that is sent.
type File struct {
	// Reference is the sender's stable name for the document, such as its path
	// within a repository. The same reference again is a new revision.
	Reference string
	// Name is the file's name, for people; empty for the reference.
	Name, MediaType string
	Content         io.Reader
}

const (
	longestReference = 1000
	// usualUpload bounds a document where the reader's limit is not set.
	usualUpload = 256 << 20
)

// spooled is a file that was sent, on disk.
type spooled struct {
	File
	file   *os.File
	size   int64
	digest [32]byte
}

// Upload takes documents, one after the other as they come. The same bytes under
// the same reference are no change. Either all are taken or none: an error of
// the sequence ends the upload. Where something changed and analyse is true, an
// analysis is asked for; it begins when all documents were read. Scope write.
func (s *Service) Upload(ctx context.Context, a Actor, system uuid.UUID, files iter.Seq2[File, error], analyse bool) (resource.Uploaded, error) {
	if err := a.mustFor(resource.ScopeWrite, system); err != nil {
		return resource.Uploaded{}, err
	}
	err := s.tenant(ctx, a, func(tx *postgres.Tx) error { // before anything is sent
		_, err := tx.Queries.System(ctx, system)
		return missing(err, "system")
	})
	if err != nil {
		return resource.Uploaded{}, err
	}
	dir, err := os.MkdirTemp(s.cfg.TempDir, "bartizan-upload-")
	if err != nil {
		return resource.Uploaded{}, fmt.Errorf("making a folder for an upload: %w", err)
	}
	defer os.RemoveAll(dir)
	sent, err := s.spool(dir, files)
	defer func() {
		for _, f := range sent {
			f.file.Close()
		}
	}()
	if err != nil {
		return resource.Uploaded{}, err
	}
	var out resource.Uploaded
	err = s.tenant(ctx, a, func(tx *postgres.Tx) (err error) {
		out, err = s.store(ctx, tx, a, system, sent, analyse)
		return err
	})
	return out, err
}

// spool writes what is sent to disk. What was written is returned with an error
// too.
func (s *Service) spool(dir string, files iter.Seq2[File, error]) ([]spooled, error) {
	var sent []spooled
	seen := map[string]bool{}
	for f, err := range files {
		if err != nil {
			return sent, err
		}
		if err := checkFile(&f); err != nil {
			return sent, err
		}
		if seen[f.Reference] {
			return sent, invalid("/reference", "%q is sent twice: each document needs a reference of its own", f.Reference)
		}
		seen[f.Reference] = true
		x := spooled{File: f}
		if x.file, err = os.CreateTemp(dir, "document-"); err != nil {
			return sent, fmt.Errorf("storing an upload: %w", err)
		}
		sent = append(sent, x)
		if err := s.receive(&sent[len(sent)-1]); err != nil {
			return sent, err
		}
	}
	if len(sent) == 0 {
		return nil, invalid("", "no document was sent")
	}
	return sent, nil
}

func checkFile(f *File) error {
	f.Reference = strings.TrimSpace(f.Reference)
	if f.Reference == "" {
		f.Reference = strings.TrimSpace(f.Name)
	}
	switch {
	case f.Reference == "":
		return invalid("/reference", "a document needs a reference: a name that stays the same over its revisions")
	case len(f.Reference) > longestReference:
		return invalid("/reference", "it has %d bytes, at most %d are taken", len(f.Reference), longestReference)
	case strings.ContainsFunc(f.Reference, func(r rune) bool { return r < ' ' || r == 0x7f }):
		return invalid("/reference", "it holds control characters")
	}
	if f.Name == "" {
		f.Name = path.Base(f.Reference)
	}
	return nil
}

// receive copies one document to its file.
func (s *Service) receive(x *spooled) error {
	limit := s.cfg.Extract.Limits.Bytes
	if limit <= 0 {
		limit = usualUpload
	}
	sum := sha256.New()
	n, err := io.Copy(io.MultiWriter(x.file, sum), io.LimitReader(x.Content, limit+1))
	if err != nil {
		var told *Error
		if errors.As(err, &told) {
			return err
		}
		return fmt.Errorf("receiving the document %s: %w", x.Reference, err)
	}
	if n > limit {
		return &Error{Kind: KindTooLarge, Message: fmt.Sprintf("the document %s has more than %d bytes, the most that one may have", x.Reference, limit)}
	}
	if n == 0 {
		return invalid("/content", "the document %s is empty", x.Reference)
	}
	x.size, x.digest, x.Content = n, [32]byte(sum.Sum(nil)), nil
	return nil
}

// store makes rows of what was sent.
func (s *Service) store(ctx context.Context, tx *postgres.Tx, a Actor, system uuid.UUID, sent []spooled, analyse bool) (resource.Uploaded, error) {
	out := resource.Uploaded{Documents: []resource.Upload{}}
	row, err := tx.SystemForUpdate(ctx, system)
	if err != nil {
		return out, missing(err, "system")
	}
	if row.ArchivedAt != nil {
		return out, conflict("the system is archived: bring it back first")
	}
	anything := false
	for i := range sent {
		u, err := s.storeOne(ctx, tx, a, system, &sent[i])
		if err != nil {
			return out, err
		}
		anything = anything || u.Change != unchanged
		out.Documents = append(out.Documents, u)
	}
	if !analyse || !anything {
		return out, nil
	}
	next, err := s.request(ctx, tx, a, row, wanted{cause: causeUpload})
	if err != nil {
		return out, err
	}
	analysis := analysisOf(next)
	out.Analysis = &analysis
	return out, nil
}

// What became of a document that was sent.
const (
	added     = "added"
	revised   = "revised"
	unchanged = "unchanged"
)

func (s *Service) storeOne(ctx context.Context, tx *postgres.Tx, a Actor, system uuid.UUID, f *spooled) (resource.Upload, error) {
	u := resource.Upload{Change: revised}
	d, err := tx.DocumentByReference(ctx, system, f.Reference)
	switch {
	case err == nil:
	case missing(err, "") == err:
		return u, err
	default:
		u.Change = added
		if d, err = tx.InsertDocument(ctx, query.InsertDocumentParams{ID: identifier.New(), SystemID: system, Reference: f.Reference, Name: f.Name}); err != nil {
			return u, err
		}
	}
	newest := map[uuid.UUID]*resource.Revision{}
	if err := newestRevisions(ctx, tx, []query.Document{d}, newest); err != nil {
		return u, err
	}
	before := newest[d.ID]
	if before != nil && before.SHA256 == fmt.Sprintf("%x", f.digest) {
		u.Change, u.Document = unchanged, documentOf(d, before)
		return u, nil
	}
	if d.Name != f.Name {
		if d, err = tx.RenameDocument(ctx, f.Name, d.ID); err != nil {
			return u, err
		}
	}
	r, err := s.addRevision(ctx, tx, a, d, before, f)
	if err != nil {
		return u, err
	}
	u.Document = documentOf(d, &r)
	return u, tx.Audit(a.Name, "document."+u.Change, u.Document.ID, map[string]any{
		"system": u.Document.System, "reference": d.Reference, "revision": r.ID, "number": r.Number, "sha256": r.SHA256, "size": r.Size,
	})
}

func (s *Service) addRevision(ctx context.Context, tx *postgres.Tx, a Actor, d query.Document, before *resource.Revision, f *spooled) (resource.Revision, error) {
	if err := tx.PutOriginal(ctx, f.digest, f.size, f.file); err != nil {
		return resource.Revision{}, err
	}
	number := 1
	if before != nil {
		number = before.Number + 1
	}
	r, err := tx.InsertRevision(ctx, query.InsertRevisionParams{
		ID: identifier.New(), DocumentID: d.ID, Number: int32(number), Name: f.Name, MediaType: f.MediaType, SHA256: f.digest[:], Size: f.size, CreatedBy: a.Name,
	})
	if err != nil {
		return resource.Revision{}, err
	}
	if err := tx.InsertIngestion(ctx, r.ID); err != nil {
		return resource.Revision{}, err
	}
	if err := tx.Enqueue(ctx, postgres.KindIngest, r.ID, postgres.PriorityPerson, time.Time{}); err != nil {
		return resource.Revision{}, err
	}
	return revisionOf(r, query.Ingestion{State: "queued"}), nil
}
