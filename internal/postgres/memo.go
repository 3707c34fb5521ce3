package postgres

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/bartizan-security/bartizan/internal/llm"
)

const (
	claimPoll   = 50 * time.Millisecond
	claimPauses = 400 * time.Millisecond
	// memoPatience is how long the database may be away before the memo gives
	// up: an answer that was paid for should not be lost to a restart.
	memoPatience = 2 * time.Minute
	// modeFor is how long it is remembered how an endpoint wants schemas.
	modeFor     = 7 * 24 * time.Hour
	modeTimeout = 5 * time.Second
)

// Memo keeps model answers of an organization, over all workers. It is an
// [llm.Memo], and keeps vectors for package embed. Answers rest compressed, and
// sealed where the keyring has a key. It is safe for concurrent use.
type Memo struct {
	db                   *DB
	organization, system uuid.UUID
	keys                 *Keyring
}

var _ llm.Memo = (*Memo)(nil)

// Memo opens the organization's memo for a system: which answers serve it is
// noted, so that purging the system takes them.
func (db *DB) Memo(organization, system uuid.UUID, keys *Keyring) *Memo {
	return &Memo{db, organization, system, keys}
}

// tenant runs f as the memo's tenant, patiently.
func (m *Memo) tenant(ctx context.Context, f func(*Tx) error) error {
	return Patiently(ctx, memoPatience, func() error { return m.db.Tenant(ctx, m.organization, f) })
}

// place is where an answer may be opened.
func (m *Memo) place(table, hash string) string {
	return table + " " + m.organization.String() + " " + hash
}

// Get implements [llm.Memo]. An answer that is damaged, or was sealed with a key
// that is gone, counts as none.
func (m *Memo) Get(ctx context.Context, hash string) (llm.Record, bool, error) {
	var r llm.Record
	var sealed []byte
	var keyID string
	err := m.tenant(ctx, func(tx *Tx) error {
		return tx.QueryRow(ctx, `
			with kept as (
				select stage, model, mode, input_hash, tokens_in, tokens_cached, tokens_out, answer, key_id, created_at
				from bartizan.memo where organization_id = $1 and call_hash = $2
			), used as (
				insert into bartizan.memo_use (organization_id, call_hash, system_id) select $1, $2, $3 from kept on conflict do nothing
			)
			select * from kept`, m.organization, hash, m.system).
			Scan(&r.Stage, &r.Model, &r.Mode, &r.InputHash, &r.Usage.In, &r.Usage.CachedIn, &r.Usage.Out, &sealed, &keyID, &r.At)
	})
	if errors.Is(err, pgx.ErrNoRows) {
		return llm.Record{}, false, nil
	}
	if err != nil {
		return llm.Record{}, false, fmt.Errorf("reading a kept answer: %w", err)
	}
	answer, err := m.open("memo", hash, keyID, sealed)
	if err != nil || !json.Valid(answer) {
		return llm.Record{}, false, nil
	}
	r.Answer, r.At = answer, r.At.UTC()
	return r, true, nil
}

func (m *Memo) open(table, hash, keyID string, sealed []byte) ([]byte, error) {
	packed, err := m.keys.Open(m.place(table, hash), keyID, sealed)
	if err != nil {
		return nil, err
	}
	return Decompress(packed)
}

// Put implements [llm.Memo].
func (m *Memo) Put(ctx context.Context, hash string, r llm.Record) error {
	keyID, sealed := m.keys.Seal(m.place("memo", hash), Compress(r.Answer))
	err := m.tenant(ctx, func(tx *Tx) error {
		_, err := tx.Exec(ctx, `
			with kept as (
				insert into bartizan.memo (organization_id, call_hash, stage, model, mode, input_hash, tokens_in, tokens_cached, tokens_out, answer, key_id, created_at)
				values ($1, $2, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
				on conflict (organization_id, call_hash) do update set answer = excluded.answer, key_id = excluded.key_id,
					stage = excluded.stage, model = excluded.model, mode = excluded.mode, input_hash = excluded.input_hash,
					tokens_in = excluded.tokens_in, tokens_cached = excluded.tokens_cached, tokens_out = excluded.tokens_out, created_at = excluded.created_at
				returning call_hash
			)
			insert into bartizan.memo_use (organization_id, call_hash, system_id) select $1, $2, $3 from kept on conflict do nothing`,
			m.organization, hash, m.system, r.Stage, r.Model, r.Mode, r.InputHash, r.Usage.In, r.Usage.CachedIn, r.Usage.Out, sealed, keyID, r.At)
		return err
	})
	if err != nil {
		return fmt.Errorf("keeping an answer: %w", err)
	}
	return nil
}

// Lock implements [llm.Memo] by a claim that is renewed until it is given back;
// no connection is held meanwhile. A question whose worker died is asked again
// when the claim's lease has ended.
func (m *Memo) Lock(ctx context.Context, hash string) (func(), error) {
	holder := uuid.NewString()
	for pause := claimPoll; ; pause = min(pause*3/2, claimPauses) {
		claimed, err := m.claim(ctx, hash, holder)
		if err != nil {
			return nil, fmt.Errorf("waiting for another worker that asks the same: %w", err)
		}
		if claimed {
			return m.keepClaim(hash, holder), nil
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return nil, fmt.Errorf("waiting for another worker that asks the same: %w", context.Cause(ctx))
		}
	}
}

// claim takes a hash that nobody holds, or renews the holder's own claim.
func (m *Memo) claim(ctx context.Context, hash, holder string) (claimed bool, err error) {
	err = m.tenant(ctx, func(tx *Tx) error {
		tag, err := tx.Exec(ctx, `
			insert into bartizan.memo_claim (organization_id, call_hash, holder, until) values ($1, $2, $3, now() + $4)
			on conflict (organization_id, call_hash) do update set holder = excluded.holder, until = excluded.until
			where memo_claim.until < now() or memo_claim.holder = excluded.holder`, m.organization, hash, holder, m.db.lease)
		claimed = tag.RowsAffected() == 1
		return err
	})
	return claimed, err
}

// keepClaim renews a claim until it is given back. The claim outlives the
// context that it was taken under, as calls under way do.
func (m *Memo) keepClaim(hash, holder string) (unlock func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var renewing sync.WaitGroup
	renewing.Go(func() {
		tick := time.NewTicker(m.db.lease / renewals)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				// Not renewed, it ends by itself, and the question may be asked twice.
				_, _ = m.claim(ctx, hash, holder)
			case <-ctx.Done():
				return
			}
		}
	})
	return sync.OnceFunc(func() {
		cancel()
		renewing.Wait()
		release, done := context.WithTimeout(context.Background(), modeTimeout)
		defer done()
		// A claim that could not be given back ends by itself.
		_ = m.db.Tenant(release, m.organization, func(tx *Tx) error {
			_, err := tx.Exec(release, `delete from bartizan.memo_claim where organization_id = $1 and call_hash = $2 and holder = $3`, m.organization, hash, holder)
			return err
		})
	})
}

// Fault implements [llm.Memo].
func (m *Memo) Fault(ctx context.Context, hash string, kind llm.Kind, raw string) error {
	keyID, sealed := m.keys.Seal(m.place("memo_fault", hash), Compress([]byte(raw)))
	err := m.db.Tenant(ctx, m.organization, func(tx *Tx) error {
		_, err := tx.Exec(ctx, `insert into bartizan.memo_fault (organization_id, system_id, call_hash, kind, raw, key_id) values ($1, $2, $3, $4, $5, $6)`,
			m.organization, m.system, hash, string(kind), sealed, keyID)
		return err
	})
	if err != nil {
		return fmt.Errorf("keeping an answer that cannot be used: %w", err)
	}
	return nil
}

// Fault is an answer that could not be used.
type Fault struct {
	Kind llm.Kind
	Raw  string
	At   time.Time
}

// Faults gives the answers to a call that could not be used, oldest first.
func (m *Memo) Faults(ctx context.Context, hash string) ([]Fault, error) {
	var out []Fault
	err := m.db.Tenant(ctx, m.organization, func(tx *Tx) error {
		out = nil
		rows, err := tx.Query(ctx, `select kind, raw, key_id, created_at from bartizan.memo_fault where organization_id = $1 and call_hash = $2 order by id`, m.organization, hash)
		if err != nil {
			return err
		}
		var f Fault
		var sealed []byte
		var keyID string
		_, err = pgx.ForEachRow(rows, []any{&f.Kind, &sealed, &keyID, &f.At}, func() error {
			raw, err := m.open("memo_fault", hash, keyID, sealed)
			f.Raw = string(raw)
			out = append(out, f)
			return err
		})
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("reading answers that could not be used: %w", err)
	}
	return out, nil
}

// Mode gives the remembered mode of an endpoint and model; false where none is
// remembered or to be read.
func (m *Memo) Mode(key string, now time.Time) (mode string, ok bool) {
	ctx, cancel := context.WithTimeout(context.Background(), modeTimeout)
	defer cancel()
	err := m.db.Tenant(ctx, m.organization, func(tx *Tx) error {
		return tx.QueryRow(ctx, `select mode from bartizan.memo_mode where organization_id = $1 and endpoint = $2 and at > $3`,
			m.organization, key, now.Add(-modeFor)).Scan(&mode)
	})
	return mode, err == nil
}

// SetMode remembers the mode of an endpoint and model, with the reason.
func (m *Memo) SetMode(key, mode, reason string, now time.Time) error {
	ctx, cancel := context.WithTimeout(context.Background(), modeTimeout)
	defer cancel()
	err := m.db.Tenant(ctx, m.organization, func(tx *Tx) error {
		_, err := tx.Exec(ctx, `
			insert into bartizan.memo_mode (organization_id, endpoint, mode, reason, at) values ($1, $2, $3, $4, $5)
			on conflict (organization_id, endpoint) do update set mode = excluded.mode, reason = excluded.reason, at = excluded.at`,
			m.organization, key, mode, storable(reason), now)
		return err
	})
	if err != nil {
		return fmt.Errorf("remembering how %s takes schemas: %w", key, err)
	}
	return nil
}
