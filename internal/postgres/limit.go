package postgres

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// Limit of calls to models. 0 is no limit.
type Limit struct {
	// Calls is how many may be under way at once.
	Calls int
	// TokensPerMinute is counted as a bucket that leaks so fast and holds as
	// much. A call of more waits until the bucket is empty.
	TokensPerMinute int
}

// Limits hold over all workers.
type Limits struct {
	// Organization is of all calls of the organization, Endpoint of all calls
	// to the endpoint, whoever makes them.
	Organization, Endpoint Limit
	// TokensPerMonth and CostPerMonth are of the organization; 0 is no limit.
	TokensPerMonth int64
	CostPerMonth   float64
	// Currency is that of CostPerMonth. What was spent in others is not
	// counted.
	Currency string
}

// Call is a call that is about to be made, with what it is expected to take.
type Call struct {
	Organization uuid.UUID
	Endpoint     string
	Limits       Limits
	Tokens       int
	Cost         float64
	Currency     string
}

// BudgetError is given where a call would take an organization past its budget
// of the month.
type BudgetError struct {
	// Tokens and Cost are spent or reserved for calls under way; the limits
	// are 0 where there is none.
	Tokens, TokenLimit int64
	Cost, CostLimit    float64
	Currency           string
	// Until is the beginning of the next month.
	Until time.Time
}

// Error implements error.
func (e *BudgetError) Error() string {
	until := e.Until.Format("2 January 2006")
	if e.TokenLimit > 0 && (e.CostLimit == 0 || e.Cost < e.CostLimit) {
		return fmt.Sprintf("the organization's budget of %d tokens a month would be passed: %d are spent or reserved; raise it, or wait until %s", e.TokenLimit, e.Tokens, until)
	}
	return fmt.Sprintf("the organization's budget of %.2f %s a month would be passed: %.2f are spent or reserved; raise it, or wait until %s", e.CostLimit, e.Currency, e.Cost, until)
}

// refusal says why a call has to wait, and for how long; zero where it need
// not.
type refusal struct {
	why  string
	wait time.Duration
	// full is the limit of which no place is left; empty where it is time alone
	// that helps.
	full scarce
}

const (
	// slotWait is how long a call expects to wait for a place: a call may end at
	// any moment.
	slotWait    = time.Second
	shortestGap = 10 * time.Millisecond
)

// admit lets a call in, or says why not yet. The rows of pace are the locks: of
// the organization first, then of the endpoint.
func (tx *Tx) admit(ctx context.Context, lease *Lease) (refusal, error) {
	c := &lease.call
	own, err := tx.lockPace(ctx, organizationPace, c.Organization)
	if err != nil {
		return refusal{}, err
	}
	shared := pace{}
	if c.Limits.Endpoint != (Limit{}) {
		if shared, err = tx.lockPace(ctx, endpointPace, c.Endpoint); err != nil {
			return refusal{}, err
		}
	}
	u, err := tx.underWay(ctx, c)
	if err != nil {
		return refusal{}, err
	}
	if err := tx.budget(ctx, c, u); err != nil {
		return refusal{}, err
	}
	switch {
	case full(c.Limits.Organization, u.organization):
		return refusal{fmt.Sprintf("%d calls of the organization are under way: as many as may be", u.organization), slotWait, ofOrganization(c.Organization)}, nil
	case full(c.Limits.Endpoint, u.endpoint):
		return refusal{fmt.Sprintf("%d calls to the endpoint are under way: as many as may be", u.endpoint), slotWait, ofEndpoint(c.Endpoint)}, nil
	}
	if wait := max(own.wait(c.Limits.Organization, c.Tokens), shared.wait(c.Limits.Endpoint, c.Tokens)); wait > 0 {
		return refusal{why: "the tokens of this minute are used up", wait: wait}, nil
	}
	if err := own.take(ctx, tx, c.Limits.Organization, c.Tokens); err != nil {
		return refusal{}, err
	}
	if err := shared.take(ctx, tx, c.Limits.Endpoint, c.Tokens); err != nil {
		return refusal{}, err
	}
	_, err = tx.Exec(ctx, `insert into bartizan.slot (organization_id, id, endpoint, holder, until, tokens, cost, currency) values ($1, $2, $3, $4, now() + $5, $6, $7, $8)`,
		c.Organization, lease.slot, c.Endpoint, lease.limiter.holder, lease.limiter.db.lease, c.Tokens, c.Cost, c.Currency)
	return refusal{}, err
}

func full(l Limit, underWay int) bool { return l.Calls > 0 && underWay >= l.Calls }

// usedUp is what calls under way take.
type usedUp struct {
	organization, endpoint int
	tokens                 int64
	cost                   float64
}

// underWay drops the calls whose worker died, and counts the others.
func (tx *Tx) underWay(ctx context.Context, c *Call) (u usedUp, err error) {
	if _, err = tx.Exec(ctx, `delete from bartizan.slot where organization_id = $1 and until < now()`, c.Organization); err != nil {
		return u, err
	}
	err = tx.QueryRow(ctx, `
		select count(*), coalesce(sum(tokens), 0), coalesce(sum(cost) filter (where currency = $2), 0) from bartizan.slot where organization_id = $1`,
		c.Organization, c.Limits.Currency).Scan(&u.organization, &u.tokens, &u.cost)
	if err != nil || c.Limits.Endpoint.Calls == 0 {
		return u, err
	}
	err = tx.QueryRow(ctx, `select count(*) from bartizan.slot where endpoint = $1 and until >= now()`, c.Endpoint).Scan(&u.endpoint)
	return u, err
}

// thisMonth is the month that spending is counted in, UTC.
const thisMonth = `date_trunc('month', now() at time zone 'UTC')`

// budget refuses a call that would pass the budget of the month.
func (tx *Tx) budget(ctx context.Context, c *Call, u usedUp) error {
	l := c.Limits
	if l.TokensPerMonth == 0 && l.CostPerMonth == 0 {
		return nil
	}
	e := &BudgetError{TokenLimit: l.TokensPerMonth, CostLimit: l.CostPerMonth, Currency: l.Currency}
	err := tx.QueryRow(ctx, `
		select coalesce(sum(tokens), 0), coalesce(sum(cost) filter (where currency = $2), 0), `+thisMonth+` + interval '1 month'
		from bartizan.spending where organization_id = $1 and month = `+thisMonth, c.Organization, l.Currency).Scan(&e.Tokens, &e.Cost, &e.Until)
	if err != nil {
		return err
	}
	e.Tokens, e.Cost = e.Tokens+u.tokens, e.Cost+u.cost
	cost := 0.0
	if c.Currency == l.Currency {
		cost = c.Cost
	}
	tokensOver := l.TokensPerMonth > 0 && e.Tokens+int64(c.Tokens) > l.TokensPerMonth
	costOver := l.CostPerMonth > 0 && e.Cost+cost > l.CostPerMonth
	if !tokensOver && !costOver {
		return nil
	}
	if !tokensOver {
		e.TokenLimit = 0
	}
	if !costOver {
		e.CostLimit = 0
	}
	return e
}

// paceTable is where a bucket stands.
type paceTable struct{ table, key string }

var (
	organizationPace = paceTable{"bartizan.pace", "organization_id"}
	endpointPace     = paceTable{"bartizan.endpoint_pace", "endpoint"}
)

// pace is a bucket of tokens that leaks: level is what is in it now.
type pace struct {
	paceTable
	id      any
	level   float64
	elapsed float64 // seconds since level was written
}

// lockPace reads a bucket, and makes everybody else who wants it wait.
func (tx *Tx) lockPace(ctx context.Context, t paceTable, id any) (pace, error) {
	p := pace{paceTable: t, id: id}
	find := fmt.Sprintf(`select level, greatest(0, extract(epoch from clock_timestamp() - at))::float8 from %s where %s = $1 for update`, t.table, t.key)
	err := tx.QueryRow(ctx, find, id).Scan(&p.level, &p.elapsed)
	if !errors.Is(err, pgx.ErrNoRows) {
		return p, err
	}
	if _, err := tx.Exec(ctx, fmt.Sprintf(`insert into %s (%s) values ($1) on conflict do nothing`, t.table, t.key), id); err != nil {
		return p, err
	}
	return p, tx.QueryRow(ctx, find, id).Scan(&p.level, &p.elapsed)
}

// now is the level after what has leaked away.
func (p *pace) now(l Limit) float64 {
	return max(0, p.level-p.elapsed*float64(l.TokensPerMinute)/60)
}

// wait is how long a call of so many tokens has to wait.
func (p *pace) wait(l Limit, tokens int) time.Duration {
	if l.TokensPerMinute == 0 {
		return 0
	}
	over := p.now(l) + min(float64(tokens), float64(l.TokensPerMinute)) - float64(l.TokensPerMinute)
	if over <= 1e-6 {
		return 0
	}
	seconds := over * 60 / float64(l.TokensPerMinute)
	return max(shortestGap, time.Duration(math.Ceil(seconds*1000))*time.Millisecond)
}

func (p *pace) take(ctx context.Context, tx *Tx, l Limit, tokens int) error {
	if p.table == "" || l.TokensPerMinute == 0 {
		return nil
	}
	_, err := tx.Exec(ctx, fmt.Sprintf(`update %s set level = $2, at = clock_timestamp() where %s = $1`, p.table, p.key), p.id, p.now(l)+float64(tokens))
	return err
}

// correct replaces in a bucket what a call was expected to take by what it
// took.
func (tx *Tx) correct(ctx context.Context, t paceTable, id any, l Limit, by int) error {
	if l.TokensPerMinute == 0 {
		return nil
	}
	_, err := tx.Exec(ctx, fmt.Sprintf(`update %s set level = greatest(0, level + $2) where %s = $1`, t.table, t.key), id, float64(by))
	return err
}
