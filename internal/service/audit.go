package service

import (
	"context"
	"crypto/ed25519"
	"encoding/hex"
	"encoding/json"

	"github.com/bartizan-security/bartizan/internal/postgres"
	"github.com/bartizan-security/bartizan/internal/postgres/query"
	"github.com/bartizan-security/bartizan/pkg/resource"
)

// AuditEvents lists the audit trail, newest first; object, an identifier, selects
// those of one thing. Scope admin.
func (s *Service) AuditEvents(ctx context.Context, a Actor, object string, list resource.List) (resource.Page[resource.AuditEvent], error) {
	p, err := readPage(list)
	if err := together(a.must(resource.ScopeAdmin), err); err != nil {
		return resource.Page[resource.AuditEvent]{}, err
	}
	var rows []query.AuditEvent
	err = s.tenant(ctx, a, func(tx *postgres.Tx) (err error) {
		rows, err = tx.Queries.AuditEvents(ctx, query.AuditEventsParams{Object: object, Before: p.beforeNumber(), MaxRows: p.rows()})
		return err
	})
	return pageOf(p, rows, auditEventOf, func(r query.AuditEvent) cursor { return cursor{Number: r.Sequence} }), err
}

func auditEventOf(r query.AuditEvent) resource.AuditEvent {
	e := resource.AuditEvent{
		Sequence: r.Sequence, At: r.At.UTC(), Actor: r.Actor, Action: r.Action, Object: r.Object,
		Digest: hex.EncodeToString(r.Digest), Hash: hex.EncodeToString(r.Hash),
	}
	if len(r.Details) > 0 && string(r.Details) != "null" {
		e.Details = json.RawMessage(r.Details)
	}
	return e
}

// VerifyAudit follows the chain of the audit trail. A checkpoint, as the log or a
// webhook got it, proves that no tail was cut; empty for none. The verdict holds a
// new checkpoint of the head, where the server signs them. Scope admin.
func (s *Service) VerifyAudit(ctx context.Context, a Actor, checkpoint string) (resource.AuditVerdict, error) {
	if err := a.must(resource.ScopeAdmin); err != nil {
		return resource.AuditVerdict{}, err
	}
	var given []*postgres.Checkpoint
	if checkpoint != "" {
		c, err := postgres.ParseCheckpoint(checkpoint)
		if err != nil {
			return resource.AuditVerdict{}, invalid("/checkpoint", "%v", err)
		}
		if c.Organization != a.Organization {
			return resource.AuditVerdict{}, invalid("/checkpoint", "it is of another organization")
		}
		given = append(given, c)
	}
	report, err := s.db.VerifyAudit(ctx, a.Organization, s.auditKey(), given...)
	if err != nil {
		return resource.AuditVerdict{}, err
	}
	out := resource.AuditVerdict{Valid: report.Whole(), Events: report.Events, BrokenAt: report.BrokenAt, Message: report.Reason}
	if !report.Whole() || s.cfg.AuditKey == nil {
		return out, nil
	}
	if _, err := s.checkpoint(ctx, a); err != nil {
		return out, err
	}
	err = s.tenant(ctx, a, func(tx *postgres.Tx) error {
		kept, err := tx.Checkpoints(ctx)
		if err == nil && len(kept) > 0 {
			out.Head = kept[len(kept)-1].String()
		}
		return err
	})
	return out, err
}

func (s *Service) auditKey() ed25519.PublicKey {
	if s.cfg.AuditKey == nil {
		return nil
	}
	return s.cfg.AuditKey.Public().(ed25519.PublicKey)
}

// checkpoint signs where the trail stands, and tells the log and webhooks, which
// keep it outside of the database. False where nothing was added.
func (s *Service) checkpoint(ctx context.Context, a Actor) (bool, error) {
	c, written, err := s.db.WriteCheckpoint(ctx, a.Organization, s.cfg.AuditKey, s.cfg.Now())
	if err != nil || !written {
		return false, err
	}
	s.cfg.Log.InfoContext(ctx, "audit checkpoint", "organization", a.Organization, "checkpoint", c.String())
	return true, s.tenant(ctx, a, func(tx *postgres.Tx) error {
		return s.publish(ctx, tx, eventCheckpoint, map[string]any{"checkpoint": c.String(), "sequence": c.Sequence, "at": c.At})
	})
}
