package service

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"math"

	"github.com/google/uuid"

	"github.com/bartizan-security/bartizan/internal/identifier"
	"github.com/bartizan-security/bartizan/internal/postgres"
	"github.com/bartizan-security/bartizan/internal/postgres/query"
	"github.com/bartizan-security/bartizan/pkg/resource"
	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

// Documents lists a system's documents by reference. Scope read.
func (s *Service) Documents(ctx context.Context, a Actor, system uuid.UUID, list resource.List) (resource.Page[resource.Document], error) {
	p, err := readPage(list)
	if err := together(a.mustFor(resource.ScopeRead, system), err); err != nil {
		return resource.Page[resource.Document]{}, err
	}
	var rows []query.Document
	newest := map[uuid.UUID]*resource.Revision{}
	err = s.tenant(ctx, a, func(tx *postgres.Tx) error {
		if _, err := tx.Queries.System(ctx, system); err != nil {
			return missing(err, "system")
		}
		rows, err = tx.Queries.Documents(ctx, query.DocumentsParams{SystemID: system, AfterReference: p.Key, AfterID: p.ID, MaxRows: p.rows()})
		if err != nil {
			return err
		}
		return newestRevisions(ctx, tx, rows, newest)
	})
	item := func(r query.Document) resource.Document { return documentOf(r, newest[r.ID]) }
	return pageOf(p, rows, item, func(r query.Document) cursor { return cursor{Key: r.Reference, ID: r.ID} }), err
}

func newestRevisions(ctx context.Context, tx *postgres.Tx, documents []query.Document, into map[uuid.UUID]*resource.Revision) error {
	ids := make([]uuid.UUID, len(documents))
	for i, d := range documents {
		ids[i] = d.ID
	}
	found, err := tx.NewestRevisions(ctx, ids)
	for _, f := range found {
		r := revisionOf(f.Revision, f.Ingestion)
		into[f.Revision.DocumentID] = &r
	}
	return err
}

func documentOf(r query.Document, newest *resource.Revision) resource.Document {
	return resource.Document{
		ID: identifier.String(identifier.Document, r.ID), System: identifier.String(identifier.System, r.SystemID), Reference: r.Reference,
		Name: r.Name, Revision: newest, Version: r.Version, CreatedAt: r.CreatedAt.UTC(), RemovedAt: utc(r.RemovedAt),
	}
}

func revisionOf(r query.Revision, i query.Ingestion) resource.Revision {
	return resource.Revision{
		ID: identifier.String(identifier.Revision, r.ID), Number: int(r.Number), Name: r.Name, SHA256: hex.EncodeToString(r.SHA256), Size: r.Size,
		MediaType: r.MediaType, CreatedAt: r.CreatedAt.UTC(), CreatedBy: r.CreatedBy, State: i.State, Error: i.Error,
	}
}

// reachable is the document where the actor may do what the scope stands for on
// its system.
func reachable(ctx context.Context, tx *postgres.Tx, a Actor, scope resource.Scope, id uuid.UUID) (query.Document, error) {
	d, err := tx.Queries.Document(ctx, id)
	if err != nil {
		return d, missing(err, "document")
	}
	return d, hidden(a.mustFor(scope, d.SystemID), "document")
}

// hidden names what the caller asked for where its system is out of reach.
func hidden(err error, what string) error {
	if isNotFound(err) {
		return notFound(what)
	}
	return err
}

// Document is one document with its newest revision. Scope read.
func (s *Service) Document(ctx context.Context, a Actor, id uuid.UUID) (resource.Document, error) {
	var out resource.Document
	err := s.tenant(ctx, a, func(tx *postgres.Tx) error {
		d, err := reachable(ctx, tx, a, resource.ScopeRead, id)
		if err != nil {
			return err
		}
		newest := map[uuid.UUID]*resource.Revision{}
		if err := newestRevisions(ctx, tx, []query.Document{d}, newest); err != nil {
			return err
		}
		if r := newest[id]; r != nil {
			key, _ := identifier.Parse(identifier.Revision, r.ID)
			if r.Sources, err = sourcesOf(ctx, tx, key); err != nil {
				return err
			}
		}
		out = documentOf(d, newest[id])
		return nil
	})
	return out, err
}

func sourcesOf(ctx context.Context, tx *postgres.Tx, revision uuid.UUID) ([]resource.Source, error) {
	rows, err := tx.SourcesOfRevision(ctx, revision)
	var out []resource.Source
	for _, r := range rows {
		out = append(out, resource.Source{ID: identifier.String(identifier.Source, r.ID), Name: r.Name, Title: r.Title, SHA256: r.SHA256})
	}
	return out, err
}

// Revisions lists a document's revisions, newest first. Scope read.
func (s *Service) Revisions(ctx context.Context, a Actor, document uuid.UUID, list resource.List) (resource.Page[resource.Revision], error) {
	p, err := readPage(list)
	if err != nil {
		return resource.Page[resource.Revision]{}, err
	}
	var rows []query.RevisionsRow
	err = s.tenant(ctx, a, func(tx *postgres.Tx) error {
		if _, err := reachable(ctx, tx, a, resource.ScopeRead, document); err != nil {
			return err
		}
		rows, err = tx.Queries.Revisions(ctx, query.RevisionsParams{DocumentID: document, Before: int32(min(p.beforeNumber(), math.MaxInt32)), MaxRows: p.rows()})
		return err
	})
	item := func(r query.RevisionsRow) resource.Revision { return revisionOf(r.Revision, r.Ingestion) }
	return pageOf(p, rows, item, func(r query.RevisionsRow) cursor { return cursor{Number: int64(r.Revision.Number)} }), err
}

func reachableRevision(ctx context.Context, tx *postgres.Tx, a Actor, id uuid.UUID) (query.RevisionRow, error) {
	r, err := tx.Queries.Revision(ctx, id)
	if err != nil {
		return r, missing(err, "revision")
	}
	return r, hidden(a.mustFor(resource.ScopeRead, r.Document.SystemID), "revision")
}

// Revision is one revision with what was read from it. Scope read.
func (s *Service) Revision(ctx context.Context, a Actor, id uuid.UUID) (resource.Revision, error) {
	var out resource.Revision
	err := s.tenant(ctx, a, func(tx *postgres.Tx) error {
		r, err := reachableRevision(ctx, tx, a, id)
		if err != nil {
			return err
		}
		out = revisionOf(r.Revision, r.Ingestion)
		out.Sources, err = sourcesOf(ctx, tx, id)
		return err
	})
	return out, err
}

// Original opens the bytes of a revision as they were sent. Whoever gets them
// closes them. Scope read.
func (s *Service) Original(ctx context.Context, a Actor, revision uuid.UUID) (io.ReadCloser, resource.Revision, error) {
	var r query.RevisionRow
	err := s.tenant(ctx, a, func(tx *postgres.Tx) (err error) {
		r, err = reachableRevision(ctx, tx, a, revision)
		return err
	})
	if err != nil {
		return nil, resource.Revision{}, err
	}
	o, err := s.db.Original(ctx, a.Organization, [32]byte(r.Revision.SHA256))
	if err != nil {
		return nil, resource.Revision{}, missing(err, "content: it was purged")
	}
	return o, revisionOf(r.Revision, r.Ingestion), nil
}

// stored is a source as its column holds it: the JSON of threatmodel.Source
// leaves out what is large or only counts while a document is read, and a later
// analysis needs both.
type stored struct {
	threatmodel.Source
	Body string `json:"body"`
	// Marks are those of each block.
	Marks [][]threatmodel.Mark `json:"marks,omitempty"`
}

func packSource(doc *threatmodel.Source) ([]byte, error) {
	x := stored{Source: *doc, Body: doc.Body}
	for i := range doc.Blocks {
		x.Marks = append(x.Marks, doc.Blocks[i].Marks)
	}
	raw, err := json.Marshal(x)
	if err != nil {
		return nil, fmt.Errorf("writing what was read of %s: %w", doc.Name, err)
	}
	return postgres.Compress(raw), nil
}

func unpackSource(packed []byte) (threatmodel.Source, error) {
	var x stored
	raw, err := postgres.Decompress(packed)
	if err == nil {
		err = json.Unmarshal(raw, &x)
	}
	if err != nil {
		return threatmodel.Source{}, fmt.Errorf("reading what was read of a document: %w", err)
	}
	x.Source.Body = x.Body
	for i := range x.Marks {
		if i < len(x.Blocks) {
			x.Blocks[i].Marks = x.Marks[i]
		}
	}
	return x.Source, nil
}

// Extraction is the text and blocks of a source, credentials masked. Scope read.
func (s *Service) Extraction(ctx context.Context, a Actor, source uuid.UUID) (resource.Extraction, error) {
	var row query.SourceRow
	err := s.tenant(ctx, a, func(tx *postgres.Tx) (err error) {
		if row, err = tx.Queries.Source(ctx, source); err != nil {
			return missing(err, "source")
		}
		return hidden(a.mustFor(resource.ScopeRead, row.SystemID), "source")
	})
	if err != nil {
		return resource.Extraction{}, err
	}
	doc, err := unpackSource(row.Content)
	if err != nil {
		return resource.Extraction{}, err
	}
	text, err := textOf(&doc)
	out := resource.Extraction{
		Source: resource.Source{ID: identifier.String(identifier.Source, row.ID), Name: row.Name, Title: row.Title, SHA256: row.SHA256},
		Text:   text, Blocks: doc.Blocks, Notices: doc.Notices,
	}
	if out.Blocks == nil {
		out.Blocks = []threatmodel.Block{}
	}
	if out.Notices == nil {
		out.Notices = []threatmodel.Notice{}
	}
	return out, err
}

// RemoveDocument takes a document out of its system and asks for an analysis; its
// revisions stay. Scope write.
func (s *Service) RemoveDocument(ctx context.Context, a Actor, id uuid.UUID, ifMatch int64) error {
	return s.tenant(ctx, a, func(tx *postgres.Tx) error {
		d, err := reachable(ctx, tx, a, resource.ScopeWrite, id)
		if err != nil {
			return err
		}
		system, err := tx.SystemForUpdate(ctx, d.SystemID)
		if err != nil {
			return missing(err, "document")
		}
		if d.RemovedAt != nil {
			return notFound("document")
		}
		n, err := tx.Queries.RemoveDocument(ctx, id, ifMatch)
		if err != nil {
			return err
		}
		if n == 0 {
			return changed("document")
		}
		if err := tx.CountRevisions(ctx, d.SystemID, id); err != nil {
			return err
		}
		if err := tx.Audit(a.Name, "document.remove", identifier.String(identifier.Document, id), map[string]string{
			"system": identifier.String(identifier.System, d.SystemID), "reference": d.Reference,
		}); err != nil {
			return err
		}
		if system.CurrentVersion == 0 || system.ArchivedAt != nil {
			return nil
		}
		_, err = s.request(ctx, tx, a, system, wanted{cause: causeUpload})
		return err
	})
}
