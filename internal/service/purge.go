package service

import (
	"context"
	"errors"

	"github.com/google/uuid"

	"github.com/bartizan-security/bartizan/internal/identifier"
	"github.com/bartizan-security/bartizan/internal/postgres"
	"github.com/bartizan-security/bartizan/internal/postgres/query"
	"github.com/bartizan-security/bartizan/pkg/resource"
)

// PurgeSystem removes all text of a system for good; hashes and events stay.
// Scope admin.
func (s *Service) PurgeSystem(ctx context.Context, a Actor, id uuid.UUID) error {
	if err := a.mustFor(resource.ScopeAdmin, id); err != nil {
		return err
	}
	p := postgres.Purge{System: id, Action: "system.purge", Object: identifier.String(identifier.System, id)}
	err := s.tenant(ctx, a, func(tx *postgres.Tx) error {
		if _, err := tx.SystemForUpdate(ctx, id); err != nil {
			return missing(err, "system")
		}
		documents, err := tx.DocumentsOfSystem(ctx, id)
		if err != nil {
			return err
		}
		p.Objects = nil
		for _, d := range documents {
			p.Objects = append(p.Objects, identifier.String(identifier.Document, d))
		}
		open, err := tx.OpenAnalysesOfSystem(ctx, id)
		if err != nil {
			return err
		}
		for _, analysis := range open {
			if err := s.end(ctx, tx, ended{analysis: analysis, state: resource.AnalysisCancelled, message: "the system was purged"}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	return s.purge(ctx, a, p, "system")
}

// PurgeDocument removes all text of a document for good; hashes and events stay.
// The system is analysed anew. Scope admin.
func (s *Service) PurgeDocument(ctx context.Context, a Actor, id uuid.UUID) error {
	var d query.Document
	err := s.tenant(ctx, a, func(tx *postgres.Tx) (err error) {
		d, err = reachable(ctx, tx, a, resource.ScopeAdmin, id)
		return err
	})
	if err != nil {
		return err
	}
	return s.purge(ctx, a, postgres.Purge{System: d.SystemID, Document: id, Action: "document.purge", Object: identifier.String(identifier.Document, id)}, "document")
}

// purge removes text under the owner's role, and with it the details of the audit
// events that hold names.
func (s *Service) purge(ctx context.Context, a Actor, p postgres.Purge, what string) error {
	p.Organization, p.Actor, p.Objects = a.Organization, a.Name, append(p.Objects, p.Object)
	done, err := s.db.Purge(ctx, p)
	switch {
	case errors.Is(err, postgres.ErrPurged), errors.Is(err, postgres.ErrNoRows):
		return notFound(what)
	case err != nil && postgres.Temporary(err):
		return &Error{Kind: KindUnavailable, Message: "the database is not to be reached right now; try again in a moment", cause: err}
	case err != nil:
		return err
	}
	s.cfg.Log.InfoContext(ctx, "purged", "organization", a.Organization, "object", p.Object, "models", done.Models, "answers", done.Answers)
	return nil
}
