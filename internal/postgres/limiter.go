package postgres

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/google/uuid"
)

const (
	// longestWait is after how long a call that waits asks again at the latest:
	// somebody may have raised the limit.
	longestWait = 5 * time.Second
	// limitPatience is how long the database may be away.
	limitPatience = 2 * time.Minute
)

// Limiter lets calls to models in under limits that hold over all workers. It
// is one worker's, and safe for concurrent use. A call whose worker died counts
// until its lease has ended.
type Limiter struct {
	db       *DB
	holder   string
	stop     context.CancelFunc
	renewing sync.WaitGroup
}

// NewLimiter makes a worker's limiter, which renews the leases of its calls
// until it is closed.
func (db *DB) NewLimiter() *Limiter {
	ctx, cancel := context.WithCancel(context.Background())
	l := &Limiter{db: db, holder: uuid.NewString(), stop: cancel}
	l.renewing.Go(func() { l.renew(ctx) })
	return l
}

func (l *Limiter) renew(ctx context.Context) {
	tick := time.NewTicker(l.db.lease / renewals)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			// Not renewed, calls are counted no more while they go on; the next
			// tick tries again.
			_ = l.db.Owner(ctx, func(tx *Tx) error {
				_, err := tx.Exec(ctx, `update bartizan.slot set until = now() + $2 where holder = $1`, l.holder, l.db.lease)
				return err
			})
		case <-ctx.Done():
			return
		}
	}
}

// Close ends the renewing. Leases that were not settled end by themselves.
func (l *Limiter) Close() {
	l.stop()
	l.renewing.Wait()
}

// Lease is a call that was let in. It must be settled.
type Lease struct {
	limiter *Limiter
	call    Call
	slot    uuid.UUID
}

// Acquire waits until a call may be made. Each time that it has to wait longer
// than a moment it says why, and how long it expects to; waiting may be nil. It
// gives a [*BudgetError], at once, where the call would pass the budget of the
// month.
func (l *Limiter) Acquire(ctx context.Context, c Call, waiting func(why string, wait time.Duration)) (*Lease, error) {
	c.Tokens, c.Cost = max(0, c.Tokens), max(0, c.Cost)
	lease := &Lease{limiter: l, call: c, slot: uuid.New()}
	for pause := shortestGap; ; pause = min(2*pause, longestWait) {
		refused, err := lease.try(ctx)
		if err != nil {
			return nil, err
		}
		if refused.wait == 0 {
			return lease, nil
		}
		wait := min(max(refused.wait, pause), longestWait)
		if refused.wait == slotWait {
			wait = min(wait, 4*slotWait) // a call may end at any moment
		}
		if waiting != nil {
			waiting(refused.why, max(wait, refused.wait))
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}

// try asks once.
func (l *Lease) try(ctx context.Context) (refused refusal, err error) {
	err = Patiently(ctx, limitPatience, func() error {
		return l.limiter.db.Owner(ctx, func(tx *Tx) error {
			refused, err = tx.admit(ctx, l)
			return err
		})
	})
	if Exists(err, "slot_pkey") { // the answer to an earlier commit was lost
		return refusal{}, nil
	}
	var over *BudgetError
	if err != nil && !errors.As(err, &over) {
		err = fmt.Errorf("asking for a model call of %s: %w", l.call.Endpoint, err)
	}
	return refused, err
}

// Use is what was used of a model.
type Use struct {
	System              uuid.UUID
	Endpoint            string
	Model, Stage        string
	Calls, Cached       int
	Faults              int
	TokensIn, TokensOut int64
	Cost                float64
	Currency            string
}

// Settle ends a call and counts what it used; the zero Use where none was made.
// It goes on after ctx has ended: what was paid for is counted.
func (l *Lease) Settle(ctx context.Context, u Use) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), limitPatience)
	defer cancel()
	unknown := false
	err := Patiently(ctx, limitPatience, func() error {
		err := l.limiter.db.Owner(ctx, func(tx *Tx) error { return l.settle(ctx, tx, u, unknown) })
		unknown = unknown || errors.Is(err, ErrCommitUnknown)
		return err
	})
	if err != nil {
		return fmt.Errorf("settling a model call of %s: %w", l.call.Endpoint, err)
	}
	return nil
}

// settle counts once: where the answer to an earlier commit was lost, only if
// that did not count.
func (l *Lease) settle(ctx context.Context, tx *Tx, u Use, unknown bool) error {
	c := &l.call
	by := int(u.TokensIn+u.TokensOut) - c.Tokens
	if err := tx.correct(ctx, organizationPace, c.Organization, c.Limits.Organization, by); err != nil {
		return err
	}
	if err := tx.correct(ctx, endpointPace, c.Endpoint, c.Limits.Endpoint, by); err != nil {
		return err
	}
	tag, err := tx.Exec(ctx, `delete from bartizan.slot where organization_id = $1 and id = $2`, c.Organization, l.slot)
	if err != nil || (unknown && tag.RowsAffected() == 0) || u == (Use{}) {
		return err
	}
	return tx.countUse(ctx, c.Organization, u)
}

// CountUse counts what was used without a call that was let in: answers of the
// memo.
func (tx *Tx) CountUse(ctx context.Context, u Use) error {
	return tx.countUse(ctx, tx.Organization, u)
}

func (tx *Tx) countUse(ctx context.Context, organization uuid.UUID, u Use) error {
	_, err := tx.Exec(ctx, `
		insert into bartizan.usage as t (organization_id, month, system_id, endpoint, model, stage, calls, cached, faults, tokens_in, tokens_out, cost, currency)
		values ($1, `+thisMonth+`, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
		on conflict (organization_id, month, system_id, endpoint, model, stage, currency) do update
		set calls = t.calls + excluded.calls, cached = t.cached + excluded.cached, faults = t.faults + excluded.faults,
			tokens_in = t.tokens_in + excluded.tokens_in, tokens_out = t.tokens_out + excluded.tokens_out, cost = t.cost + excluded.cost`,
		organization, u.System, u.Endpoint, u.Model, u.Stage, u.Calls, u.Cached, u.Faults, u.TokensIn, u.TokensOut, u.Cost, u.Currency)
	if err != nil {
		return fmt.Errorf("counting what was used: %w", err)
	}
	if u.TokensIn+u.TokensOut == 0 && u.Cost == 0 {
		return nil
	}
	_, err = tx.Exec(ctx, `
		insert into bartizan.spending as s (organization_id, month, currency, tokens, cost) values ($1, `+thisMonth+`, $2, $3, $4)
		on conflict (organization_id, month, currency) do update set tokens = s.tokens + excluded.tokens, cost = s.cost + excluded.cost`,
		organization, u.Currency, u.TokensIn+u.TokensOut, u.Cost)
	if err != nil {
		return fmt.Errorf("counting what was spent: %w", err)
	}
	return nil
}
