package postgres_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/bartizan-security/bartizan/internal/postgres"
)

const endpoint = "https://models.example"

func limiter(t *testing.T, s *store) *postgres.Limiter {
	l := s.NewLimiter()
	t.Cleanup(l.Close)
	return l
}

func call(org uuid.UUID, limits postgres.Limits, tokens int) postgres.Call {
	return postgres.Call{Organization: org, Endpoint: endpoint, Limits: limits, Tokens: tokens, Cost: float64(tokens) / 1000, Currency: "EUR"}
}

func acquire(t *testing.T, l *postgres.Limiter, c postgres.Call) *postgres.Lease {
	t.Helper()
	lease, err := l.Acquire(t.Context(), c, nil)
	if err != nil {
		t.Fatal(err)
	}
	return lease
}

// refused reports whether a call has to wait, and why.
func refused(t *testing.T, l *postgres.Limiter, c postgres.Call) (why string) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	lease, err := l.Acquire(ctx, c, func(reason string, wait time.Duration) {
		why = reason
		cancel()
	})
	if err == nil {
		if err := lease.Settle(t.Context(), postgres.Use{}); err != nil {
			t.Fatal(err)
		}
	} else if !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	return why
}

func used(system uuid.UUID, tokens int) postgres.Use {
	return postgres.Use{
		System: system, Endpoint: endpoint, Model: "m", Stage: "elicit", Calls: 1,
		TokensIn: int64(tokens), Cost: float64(tokens) / 1000, Currency: "EUR",
	}
}

// TestConcurrentCallsHoldOverWorkers lets many callers of two workers in at
// once, under a limit of the organization and one of the endpoint.
func TestConcurrentCallsHoldOverWorkers(t *testing.T) {
	s := open(t)
	other := openAt(t, s.urls)
	organizations := []uuid.UUID{s.organization(), s.organization()}
	limiters := []*postgres.Limiter{limiter(t, s), limiter(t, other)}
	limits := postgres.Limits{Organization: postgres.Limit{Calls: 3}, Endpoint: postgres.Limit{Calls: 5}}
	var all atomic.Int64
	inside := map[uuid.UUID]*atomic.Int64{}
	for _, org := range organizations {
		inside[org] = &atomic.Int64{}
	}
	var callers sync.WaitGroup
	for i := range 24 {
		callers.Go(func() {
			org := organizations[i%2]
			lease, err := limiters[i/2%2].Acquire(t.Context(), call(org, limits, 10), nil)
			if err != nil {
				t.Error(err)
				return
			}
			if n, m := inside[org].Add(1), all.Add(1); n > 3 || m > 5 {
				t.Errorf("%d calls of one organization and %d in all are under way, the limits are 3 and 5", n, m)
			}
			time.Sleep(5 * time.Millisecond)
			inside[org].Add(-1)
			all.Add(-1)
			if err := lease.Settle(t.Context(), used(uuid.Nil, 10)); err != nil {
				t.Error(err)
			}
		})
	}
	callers.Wait()
	if n := scan[int](s, `select sum(calls)::int from bartizan.usage`); n != 24 {
		t.Errorf("%d calls were counted, want 24", n)
	}
	if n := scan[int](s, `select count(*) from bartizan.slot`); n != 0 {
		t.Errorf("%d slots are left", n)
	}
}

func TestASlotOfADeadWorkerIsReclaimed(t *testing.T) {
	s := open(t)
	org := s.organization()
	limits := postgres.Limits{Organization: postgres.Limit{Calls: 1}}
	dead := s.NewLimiter()
	acquire(t, dead, call(org, limits, 10))
	dead.Close()
	l := limiter(t, s)
	if why := refused(t, l, call(org, limits, 10)); why == "" {
		t.Fatal("a second call was let in while the first counts")
	}
	s.owner(func(tx *postgres.Tx) { s.exec(tx, `update bartizan.slot set until = now() - interval '1 second'`) })
	acquire(t, l, call(org, limits, 10))
}

func TestTokensAMinute(t *testing.T) {
	s := open(t)
	org := s.organization()
	l := limiter(t, s)
	limits := postgres.Limits{Organization: postgres.Limit{TokensPerMinute: 1000}}
	past := func(d string) {
		s.owner(func(tx *postgres.Tx) { s.exec(tx, `update bartizan.pace set at = at - $1::interval`, d) })
	}
	first := acquire(t, l, call(org, limits, 900))
	if why := refused(t, l, call(org, limits, 200)); why == "" {
		t.Error("1,100 tokens of 1,000 were let in")
	}
	s.must(first.Settle(t.Context(), used(uuid.Nil, 700))) // less than reserved
	s.must(acquire(t, l, call(org, limits, 200)).Settle(t.Context(), used(uuid.Nil, 200)))
	if why := refused(t, l, call(org, limits, 600)); why == "" {
		t.Error("1,500 tokens of 1,000 were let in")
	}
	past("30 seconds") // half of the minute's tokens
	if why := refused(t, l, call(org, limits, 550)); why != "" {
		t.Errorf("after half a minute 550 tokens have to wait: %s", why)
	}
	if why := refused(t, l, call(org, limits, 5000)); why == "" {
		t.Error("a call of more than a minute's tokens was let in while others count")
	}
	past("5 minutes")
	s.must(acquire(t, l, call(org, limits, 5000)).Settle(t.Context(), used(uuid.Nil, 5000)))
	if why := refused(t, l, call(org, limits, 1)); why == "" {
		t.Error("after a call of five minutes' tokens the next need not wait")
	}
}

func TestAnEndpointsTokensAMinuteAreShared(t *testing.T) {
	s := open(t)
	l := limiter(t, s)
	limits := postgres.Limits{Endpoint: postgres.Limit{TokensPerMinute: 1000}}
	acquire(t, l, call(s.organization(), limits, 900))
	if why := refused(t, l, call(s.organization(), limits, 200)); why == "" {
		t.Error("another organization was let in past the endpoint's limit")
	}
}

func TestBudgetOfAMonth(t *testing.T) {
	s := open(t)
	for name, limits := range map[string]postgres.Limits{
		"tokens": {TokensPerMonth: 1000}, "money": {CostPerMonth: 1, Currency: "EUR"},
	} {
		t.Run(name, func(t *testing.T) {
			org := s.organization()
			system := s.system(org)
			l := limiter(t, s)
			s.must(acquire(t, l, call(org, limits, 300)).Settle(t.Context(), used(system, 400)))
			reserved := acquire(t, l, call(org, limits, 500))
			_, err := l.Acquire(t.Context(), call(org, limits, 200), nil)
			var over *postgres.BudgetError
			if !errors.As(err, &over) {
				t.Fatalf("1,100 of 1,000 gave %v, want a BudgetError", err)
			}
			if now := time.Now().UTC(); over.Until.Before(now) || over.Until.After(now.AddDate(0, 1, 1)) {
				t.Errorf("the budget is new on %v, want the next month", over.Until)
			}
			s.must(reserved.Settle(t.Context(), postgres.Use{})) // was not made
			s.must(acquire(t, l, call(org, limits, 200)).Settle(t.Context(), used(system, 200)))
			if spent := scan[int](s, `select sum(tokens)::int from bartizan.spending where organization_id = $1`, org); spent != 600 {
				t.Errorf("%d tokens are spent, want 600", spent)
			}
			s.owner(func(tx *postgres.Tx) {
				s.exec(tx, `update bartizan.spending set month = month - interval '1 month' where organization_id = $1`, org)
			})
			acquire(t, l, call(org, limits, 900))
		})
	}
}

func TestMoneyOfAnotherCurrencyIsNotCounted(t *testing.T) {
	s := open(t)
	org := s.organization()
	l := limiter(t, s)
	limits := postgres.Limits{CostPerMonth: 1, Currency: "USD"}
	s.must(acquire(t, l, call(org, limits, 5000)).Settle(t.Context(), used(uuid.Nil, 5000)))
	acquire(t, l, call(org, limits, 5000))
}

func TestAnswersOfTheMemoAreCounted(t *testing.T) {
	s := open(t)
	org := s.organization()
	for range 2 {
		s.as(org, func(tx *postgres.Tx) error {
			return tx.CountUse(t.Context(), postgres.Use{Endpoint: endpoint, Model: "m", Stage: "elicit", Cached: 1})
		})
	}
	if n := scan[int](s, `select cached::int from bartizan.usage`); n != 2 {
		t.Errorf("%d cached answers were counted, want 2", n)
	}
}
