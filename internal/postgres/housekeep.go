package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// How long what is of no use later is kept.
const (
	keepEvents      = 24 * time.Hour
	keepIdempotency = 24 * time.Hour
	keepDeliveries  = 30 * 24 * time.Hour
	// keepLeases is how long after its end a claim or slot is removed.
	keepLeases = time.Hour
	keepFaults = 30 * 24 * time.Hour
	// lateAnswers is how long after a purge an answer may still come in: calls
	// that were under way.
	lateAnswers = 5 * time.Minute
	// sweepRows is how many rows are deleted at a time.
	sweepRows = 5000
)

// Swept counts the rows that housekeeping removed, by table.
type Swept map[string]int64

// sweep deletes old rows of a table, some at a time, so that nobody waits long.
type sweep struct {
	table, condition string
	keep             time.Duration
}

var tableSweeps = []sweep{
	{"event", "at < now() - $1::interval", keepEvents},
	{"idempotency", "created_at < now() - $1::interval", keepIdempotency},
	{"delivery", "state <> 'queued' and created_at < now() - $1::interval", keepDeliveries},
	{"memo_claim", "until < now() - $1::interval", keepLeases},
	{"slot", "until < now() - $1::interval", keepLeases},
	{"memo_fault", "created_at < now() - $1::interval", keepFaults},
	{"memo_mode", "at < now() - $1::interval", modeFor},
}

// SweepTables removes what is of no use any more, and answers that came in after their
// system, or a document of it, was purged. Any worker may call it at any time.
func (db *DB) SweepTables(ctx context.Context) (Swept, error) {
	swept := Swept{}
	for _, s := range tableSweeps {
		for {
			n, err := db.sweepOnce(ctx, s)
			swept[s.table] += n
			if err != nil {
				return swept, fmt.Errorf("removing old rows of %s: %w", s.table, err)
			}
			if n < sweepRows {
				break
			}
		}
	}
	n, err := db.sweepLateAnswers(ctx)
	swept["memo"] += n
	if err != nil {
		return swept, fmt.Errorf("removing answers of what was purged: %w", err)
	}
	return swept, nil
}

func (db *DB) sweepOnce(ctx context.Context, s sweep) (n int64, err error) {
	err = db.Owner(ctx, func(tx *Tx) error {
		tag, err := tx.Exec(ctx, fmt.Sprintf(`delete from bartizan.%[1]s where ctid = any (array(select ctid from bartizan.%[1]s where %[2]s limit %[3]d))`,
			s.table, s.condition, sweepRows), s.keep)
		n = tag.RowsAffected()
		return err
	})
	return n, err
}

func (db *DB) sweepLateAnswers(ctx context.Context) (n int64, err error) {
	err = db.Owner(ctx, func(tx *Tx) error {
		n = 0
		rows, err := tx.Query(ctx, `
			select s.organization_id, s.id from bartizan.system s where s.purged_at > now() - interval '1 day'
			union
			select d.organization_id, d.system_id from bartizan.document d where d.purged_at > now() - interval '1 day'`)
		if err != nil {
			return err
		}
		type purgedSystem struct{ Organization, System uuid.UUID }
		systems, err := pgx.CollectRows(rows, pgx.RowToStructByPos[purgedSystem])
		if err != nil {
			return err
		}
		for _, s := range systems {
			tag, err := tx.Exec(ctx, `
				delete from bartizan.memo m using bartizan.memo_use u
				where m.organization_id = $1 and u.organization_id = $1 and u.call_hash = m.call_hash and u.system_id = $2
				and m.created_at < $3 + (
					select max(at) from (
						select purged_at as at from bartizan.system where organization_id = $1 and id = $2
						union all select purged_at from bartizan.document where organization_id = $1 and system_id = $2
					) x
				)`, s.Organization, s.System, lateAnswers)
			if err != nil {
				return err
			}
			n += tag.RowsAffected()
		}
		return nil
	})
	return n, err
}
