package postgres

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// auditPage is how many events are read at a time.
const auditPage = 2000

// AuditReport says whether an audit trail is whole.
type AuditReport struct {
	// Events hold, from the first on; Purged of them have no details any more.
	Events, Purged int64
	// Checkpoints were compared.
	Checkpoints int
	// BrokenAt is the sequence number of the first event that does not hold,
	// or is not there although it was; 0 where all hold.
	BrokenAt int64
	// Reason says what does not hold; empty where all do.
	Reason string
}

// Whole reports whether everything holds.
func (r *AuditReport) Whole() bool { return r.BrokenAt == 0 && r.Reason == "" }

// VerifyAudit follows the trail of an organization from its first event to its
// head, and compares it with the checkpoints that are kept and with those given:
// the latter notice a tail that was cut off together with what tells of it. The
// key verifies the signatures of checkpoints that it signed; nil verifies none.
// An error says that the trail could not be read, not that it is broken.
func (db *DB) VerifyAudit(ctx context.Context, organization uuid.UUID, key ed25519.PublicKey, given ...*Checkpoint) (AuditReport, error) {
	v := &auditVerifier{organization: organization, checkpoints: map[int64][]Checkpoint{}}
	head := AuditEvent{}
	err := db.Tenant(ctx, organization, func(tx *Tx) error {
		err := tx.QueryRow(ctx, `select sequence, hash from bartizan.audit_head where organization_id = $1`, organization).Scan(&head.Sequence, &head.Hash)
		if err != nil && !errors.Is(err, pgx.ErrNoRows) {
			return err
		}
		v.kept, err = tx.Checkpoints(ctx)
		return err
	})
	if err != nil {
		return AuditReport{}, fmt.Errorf("reading the head of the audit trail: %w", err)
	}
	if !v.take(key, given) {
		return v.AuditReport, nil
	}
	for v.Whole() {
		page, err := db.auditPage(ctx, organization, v.last.Sequence, head.Sequence)
		if err != nil {
			return AuditReport{}, err
		}
		if len(page) == 0 {
			v.end(head)
			break
		}
		for i := range page {
			if !v.event(&page[i]) {
				break
			}
		}
	}
	return v.AuditReport, nil
}

func (db *DB) auditPage(ctx context.Context, organization uuid.UUID, after, upTo int64) ([]AuditEvent, error) {
	var page []AuditEvent
	err := db.Tenant(ctx, organization, func(tx *Tx) error {
		rows, err := tx.Query(ctx, `
			select sequence, at, actor, action, object, details::text, digest, previous, hash from bartizan.audit_event
			where organization_id = $1 and sequence > $2 and sequence <= $3 order by sequence limit $4`, organization, after, upTo, auditPage)
		if err != nil {
			return err
		}
		page, err = pgx.CollectRows(rows, pgx.RowToStructByPos[AuditEvent])
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("reading the audit trail after event %d: %w", after, err)
	}
	return page, nil
}

// auditVerifier walks a trail.
type auditVerifier struct {
	AuditReport
	organization uuid.UUID
	kept         []Checkpoint
	// checkpoints that the walk has not come to, by sequence.
	checkpoints map[int64][]Checkpoint
	last        AuditEvent
}

func (v *auditVerifier) fail(at int64, format string, args ...any) bool {
	v.BrokenAt, v.Reason = at, fmt.Sprintf(format, args...)
	return false
}

// take collects the checkpoints, and refuses those that are none of this trail.
func (v *auditVerifier) take(key ed25519.PublicKey, given []*Checkpoint) bool {
	for _, c := range given {
		if c.Organization != v.organization {
			return v.fail(0, "the checkpoint is of another organization")
		}
		if key != nil {
			if err := c.Verify(key); err != nil {
				return v.fail(0, "%s", err)
			}
		}
		v.checkpoints[c.Sequence] = append(v.checkpoints[c.Sequence], *c)
	}
	for _, c := range v.kept {
		// Keys may have changed; what another key signed is compared alone.
		if key != nil && c.KeyID == CheckpointKeyID(key) {
			if err := c.Verify(key); err != nil {
				return v.fail(c.Sequence, "the checkpoint kept of event %d: %s", c.Sequence, err)
			}
		}
		v.checkpoints[c.Sequence] = append(v.checkpoints[c.Sequence], c)
	}
	return true
}

// event takes the next event, and reports whether it holds.
func (v *auditVerifier) event(e *AuditEvent) bool {
	want := v.last.Sequence + 1
	switch {
	case e.Sequence != want:
		return v.fail(want, "event %d is missing: after event %d comes event %d", want, v.last.Sequence, e.Sequence)
	case !bytes.Equal(e.Previous, v.last.Hash):
		return v.fail(e.Sequence, "event %d does not follow from the event before it", e.Sequence)
	case e.Details != nil && !bytes.Equal(e.Digest, digest(e.Details)):
		return v.fail(e.Sequence, "the details of event %d were changed", e.Sequence)
	case !bytes.Equal(e.Hash, e.chainHash(v.organization)):
		return v.fail(e.Sequence, "event %d was changed", e.Sequence)
	}
	for _, c := range v.checkpoints[e.Sequence] {
		if !bytes.Equal(c.Hash, e.Hash) {
			return v.fail(e.Sequence, "event %d is another than the checkpoint of %s says", e.Sequence, c.At.Format("2 January 2006 15:04 MST"))
		}
		v.Checkpoints++
	}
	delete(v.checkpoints, e.Sequence)
	v.last = *e
	v.Events++
	if e.Details == nil {
		v.Purged++
	}
	return true
}

// end holds the last event to the head and to the checkpoints beyond.
func (v *auditVerifier) end(head AuditEvent) {
	if v.last.Sequence < head.Sequence {
		v.fail(v.last.Sequence+1, "event %d is missing: the head says that there are %d", v.last.Sequence+1, head.Sequence)
		return
	}
	if v.last.Sequence > 0 && !bytes.Equal(v.last.Hash, head.Hash) {
		v.fail(v.last.Sequence, "event %d is not the one that the head names", v.last.Sequence)
		return
	}
	for sequence := range v.checkpoints {
		if sequence > v.last.Sequence {
			v.fail(v.last.Sequence+1, "event %d is missing: a checkpoint says that there were at least %d", v.last.Sequence+1, sequence)
		}
	}
}
