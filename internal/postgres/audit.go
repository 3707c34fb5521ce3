package postgres

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/google/uuid"
)

// AuditEvent is one link of an organization's audit trail.
//
// Digest is the SHA-256 of the details' JSON, byte for byte as it was written,
// and Hash that of nine fields, each preceded by its length in bytes as an
// unsigned 64-bit number, the most significant byte first:
//
//	bartizan-audit-1
//	the organization's UUID, 36 characters in lower case
//	the sequence number, decimal; the first event of an organization is 1
//	the time, UTC, as 2006-01-02T15:04:05.000000Z
//	actor, action, object
//	Digest, 32 bytes
//	the Hash of the event before, 32 bytes; none before the first
//
// Purging takes the details away and leaves their digest, so that the chain
// still verifies.
type AuditEvent struct {
	Sequence              int64
	At                    time.Time
	Actor, Action, Object string
	// Details is nil where they were purged.
	Details json.RawMessage
	Digest  []byte
	// Previous is empty for the first event.
	Previous, Hash []byte
}

const auditTime = "2006-01-02T15:04:05.000000Z"

// chainHash computes what Hash must be.
func (e *AuditEvent) chainHash(organization uuid.UUID) []byte {
	return digest(fields(
		[]byte("bartizan-audit-1"), []byte(organization.String()), strconv.AppendInt(nil, e.Sequence, 10),
		[]byte(e.At.UTC().Format(auditTime)), []byte(e.Actor), []byte(e.Action), []byte(e.Object), e.Digest, e.Previous,
	))
}

// fields joins byte strings so that no two lists of them join to the same: each
// is preceded by its length.
func fields(list ...[]byte) []byte {
	var out []byte
	for _, field := range list {
		out = binary.BigEndian.AppendUint64(out, uint64(len(field)))
		out = append(out, field...)
	}
	return out
}

func digest(details []byte) []byte {
	sum := sha256.Sum256(details)
	return sum[:]
}

type pendingEvent struct {
	actor, action, object string
	details               json.RawMessage
}

// Audit appends an event to the organization's trail. It is written as the last
// thing before the commit: the head of the chain is locked for no longer, and
// after every other lock.
func (tx *Tx) Audit(actor, action, object string, details any) error {
	if tx.Organization == uuid.Nil {
		return fmt.Errorf("the event %s on %s belongs to no organization", action, object)
	}
	raw, err := json.Marshal(details)
	if err != nil {
		return fmt.Errorf("writing the details of the event %s on %s: %w", action, object, err)
	}
	tx.audit = append(tx.audit, pendingEvent{storable(actor), storable(action), storable(object), raw})
	return nil
}

// writeAudit appends what [Tx.Audit] was given.
func (tx *Tx) writeAudit(ctx context.Context) error {
	if len(tx.audit) == 0 {
		return nil
	}
	if _, err := tx.Exec(ctx, `insert into bartizan.audit_head (organization_id) values ($1) on conflict do nothing`, tx.Organization); err != nil {
		return fmt.Errorf("opening the audit trail: %w", err)
	}
	head := AuditEvent{}
	err := tx.QueryRow(ctx, `select sequence, hash, clock_timestamp() from bartizan.audit_head where organization_id = $1 for update`,
		tx.Organization).Scan(&head.Sequence, &head.Hash, &head.At)
	if err != nil {
		return fmt.Errorf("locking the audit trail: %w", err)
	}
	for _, p := range tx.audit {
		if head, err = tx.appendEvent(ctx, head, p); err != nil {
			return err
		}
	}
	if _, err := tx.Exec(ctx, `update bartizan.audit_head set sequence = $2, hash = $3 where organization_id = $1`,
		tx.Organization, head.Sequence, head.Hash); err != nil {
		return fmt.Errorf("moving the head of the audit trail: %w", err)
	}
	tx.audit = nil
	return nil
}

func (tx *Tx) appendEvent(ctx context.Context, head AuditEvent, p pendingEvent) (AuditEvent, error) {
	e := AuditEvent{
		Sequence: head.Sequence + 1, At: head.At.UTC().Truncate(time.Microsecond), Actor: p.actor, Action: p.action, Object: p.object,
		Details: p.details, Digest: digest(p.details), Previous: head.Hash,
	}
	e.Hash = e.chainHash(tx.Organization)
	_, err := tx.Exec(ctx, `
		insert into bartizan.audit_event (organization_id, sequence, at, actor, action, object, digest, details, previous, hash)
		values ($1, $2, $3, $4, $5, $6, $7, $8::json, $9, $10)`,
		tx.Organization, e.Sequence, e.At, e.Actor, e.Action, e.Object, e.Digest, string(e.Details), e.Previous, e.Hash)
	if err != nil {
		return e, fmt.Errorf("appending the event %s to the audit trail: %w", e.Action, err)
	}
	return e, nil
}
