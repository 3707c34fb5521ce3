package service

import (
	"context"
	"io"
	"iter"

	"github.com/google/uuid"

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

// Upload takes documents, one after the other as they come. The same bytes under
// the same reference are no change. Either all are taken or none: an error of
// the sequence ends the upload. Where something changed and analyse is true, an
// analysis is asked for; it begins when all documents were read. Scope write.
func (s *Service) Upload(ctx context.Context, a Actor, system uuid.UUID, files iter.Seq2[File, error], analyse bool) (resource.Uploaded, error) {
	return resource.Uploaded{}, errNotBuilt
}

// Original opens the bytes of a revision as they were sent. Whoever gets them
// closes them. Scope read.
func (s *Service) Original(ctx context.Context, a Actor, revision uuid.UUID) (io.ReadCloser, resource.Revision, error) {
	return nil, resource.Revision{}, errNotBuilt
}

// Documents lists a system's documents by reference. Scope read.
func (s *Service) Documents(ctx context.Context, a Actor, system uuid.UUID, list resource.List) (resource.Page[resource.Document], error) {
	return resource.Page[resource.Document]{}, errNotBuilt
}

// Document is one document with its newest revision. Scope read.
func (s *Service) Document(ctx context.Context, a Actor, id uuid.UUID) (resource.Document, error) {
	return resource.Document{}, errNotBuilt
}

// Revisions lists a document's revisions, newest first. Scope read.
func (s *Service) Revisions(ctx context.Context, a Actor, document uuid.UUID, list resource.List) (resource.Page[resource.Revision], error) {
	return resource.Page[resource.Revision]{}, errNotBuilt
}

// Revision is one revision with what was read from it. Scope read.
func (s *Service) Revision(ctx context.Context, a Actor, id uuid.UUID) (resource.Revision, error) {
	return resource.Revision{}, errNotBuilt
}

// Extraction is the text and blocks of a source, credentials masked. Scope
// read.
func (s *Service) Extraction(ctx context.Context, a Actor, source uuid.UUID) (resource.Extraction, error) {
	return resource.Extraction{}, errNotBuilt
}

// RemoveDocument takes a document out of its system and asks for an analysis;
// its revisions stay. Scope write.
func (s *Service) RemoveDocument(ctx context.Context, a Actor, id uuid.UUID, ifMatch int64) error {
	return errNotBuilt
}

// PurgeDocument removes all text of a document for good; hashes and events
// stay. Scope admin.
func (s *Service) PurgeDocument(ctx context.Context, a Actor, id uuid.UUID) error {
	return errNotBuilt
}
