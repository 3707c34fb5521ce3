package postgres

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
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
//
// Calls of one organization to one endpoint are let in in the order in which they
// came. Between such lines, and between workers, a place that becomes free goes
// to the side that has fewer calls under way.
type Limiter struct {
	db     *DB
	holder string
	lines  *lines
	hear   func() // begins to listen to other workers, once
	// look is after how long a call looks by itself whether a place is free: a
	// word may be lost, and of a worker that died nobody tells.
	look    time.Duration
	stop    context.CancelFunc
	running sync.WaitGroup

	mu sync.Mutex
	// live are the calls that were let in and have not ended.
	live map[uuid.UUID]bool
}

// NewLimiter makes a worker's limiter, which renews the leases of its calls
// until it is closed. From the first call that has to wait on, it keeps a
// connection that listens.
func (db *DB) NewLimiter() *Limiter {
	ctx, cancel := context.WithCancel(context.Background())
	l := &Limiter{db: db, holder: uuid.NewString(), lines: newLines(), look: slotWait, stop: cancel, live: map[uuid.UUID]bool{}}
	l.hear = sync.OnceFunc(func() { l.running.Go(func() { l.listen(ctx) }) })
	l.running.Go(func() { l.renew(ctx) })
	return l
}

func (l *Limiter) renew(ctx context.Context) {
	tick := time.NewTicker(l.db.lease / renewals)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			ids := l.underWay()
			if len(ids) == 0 {
				continue
			}
			// Not renewed, calls are counted no more while they go on; the next
			// tick tries again.
			_ = l.db.Owner(ctx, func(tx *Tx) error {
				_, err := tx.Exec(ctx, `update bartizan.slot set until = now() + $3 where holder = $1 and id = any($2)`, l.holder, ids, l.db.lease)
				return err
			})
		case <-ctx.Done():
			return
		}
	}
}

// underWay are the calls whose leases are renewed. What was let in without our
// hearing of it, since the answer of the database was lost, is not among them,
// and ends with its lease.
func (l *Limiter) underWay() []uuid.UUID {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Collect(maps.Keys(l.live))
}

// Close ends the renewing. Leases that were not settled end by themselves.
func (l *Limiter) Close() {
	l.stop()
	l.running.Wait()
}

// Lease is a call that was let in. It must be settled.
type Lease struct {
	limiter *Limiter
	call    Call
	slot    uuid.UUID
}

// Acquire waits until a call may be made. Each time that it has to wait longer
// than a moment it says why, and how long it expects to; waiting may be nil. It
// gives a [*BudgetError] where the call would pass the budget of the month: at
// once, or where others wait before it, when it is the first of them.
func (l *Limiter) Acquire(ctx context.Context, c Call, waiting func(why string, wait time.Duration)) (*Lease, error) {
	c.Tokens, c.Cost = max(0, c.Tokens), max(0, c.Cost)
	if waiting == nil {
		waiting = func(string, time.Duration) {}
	}
	lease := &Lease{limiter: l, call: c, slot: uuid.New()}
	if c.Limits.Organization == (Limit{}) && c.Limits.Endpoint == (Limit{}) { // there is nothing to wait for
		_, err := lease.try(ctx)
		return lease.begun(err)
	}
	w := l.lines.enter(lease.line())
	defer l.lines.leave(w)
	if err := w.untilFirst(ctx, waiting); err != nil {
		return nil, err
	}
	for {
		refused, err := lease.try(ctx)
		if err != nil || refused.wait == 0 {
			return lease.begun(err)
		}
		l.hear()
		l.lines.refused(w.line, refused)
		waiting(refused.why, refused.wait)
		wait := min(refused.wait, longestWait)
		if refused.full != "" {
			wait = l.look
		}
		if err := l.lines.untilTurn(ctx, w.line, wait); err != nil {
			return nil, err
		}
	}
}

func (l *Lease) line() lineKey { return lineKey{l.call.Organization, l.call.Endpoint} }

// begun counts a call that was let in, where there is no error.
func (l *Lease) begun(err error) (*Lease, error) {
	if err != nil {
		return nil, err
	}
	l.limiter.mu.Lock()
	l.limiter.live[l.slot] = true
	l.limiter.mu.Unlock()
	l.limiter.lines.begin(l.line())
	return l, nil
}

// ended counts it no more.
func (l *Lease) ended() {
	l.limiter.mu.Lock()
	delete(l.limiter.live, l.slot)
	l.limiter.mu.Unlock()
	l.limiter.lines.end(l.line())
}

// try asks once. Where nothing is left of a limit it lets other workers know that
// somebody waits here.
func (l *Lease) try(ctx context.Context) (refused refusal, err error) {
	err = Patiently(ctx, limitPatience, func() error {
		return l.limiter.db.Owner(ctx, func(tx *Tx) error {
			if refused, err = tx.admit(ctx, l); err != nil || refused.full == "" {
				return err
			}
			if w, fresh := l.limiter.lines.news(l.line(), refused.full); fresh {
				return l.limiter.tell(ctx, tx, l.line(), w)
			}
			return nil
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
// It goes on after ctx has ended: what was paid for is counted. Calls that wait
// for the place, here or elsewhere, are woken.
func (l *Lease) Settle(ctx context.Context, u Use) error {
	defer l.ended()
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
	if err != nil {
		return err
	}
	if c.Limits.Organization != (Limit{}) || c.Limits.Endpoint != (Limit{}) {
		if err := l.limiter.tell(ctx, tx, l.line(), word{}); err != nil {
			return err
		}
	}
	if (unknown && tag.RowsAffected() == 0) || u == (Use{}) {
		return nil
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
