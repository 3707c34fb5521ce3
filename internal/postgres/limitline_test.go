package postgres_test

import (
	"context"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/bartizan-security/bartizan/internal/postgres"
)

// deaf is a limiter whose calls never look by themselves whether a place is
// free: they have to be told.
func deaf(t *testing.T, s *store, courtesy time.Duration) *postgres.Limiter {
	l := limiter(t, s)
	l.Waits(time.Hour, courtesy)
	return l
}

func atOnce(n int) postgres.Limits { return postgres.Limits{Organization: postgres.Limit{Calls: n}} }

// until waits for something that is on its way.
func until(t *testing.T, what string, is func() bool) {
	t.Helper()
	for range 3000 {
		if is() {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatalf("half a minute has passed: %s", what)
}

// queued is a call that was made to wait.
type queued struct {
	let  chan *postgres.Lease
	told chan string
	stop context.CancelFunc
}

// queue makes a call that waits, behind those that wait already.
func queue(t *testing.T, l *postgres.Limiter, c postgres.Call) *queued {
	t.Helper()
	before, _ := l.Waiting()
	ctx, cancel := context.WithCancel(t.Context())
	q := &queued{let: make(chan *postgres.Lease, 1), told: make(chan string, 1000), stop: cancel}
	t.Cleanup(cancel)
	go func() {
		defer close(q.let)
		if lease, err := l.Acquire(ctx, c, func(why string, _ time.Duration) { q.told <- why }); err == nil {
			q.let <- lease
		}
	}()
	until(t, "a call stands in line", func() bool { here, _ := l.Waiting(); return here == before+1 })
	return q
}

// listening waits until the limiter of the first call in line hears others: it
// asks again when it begins to.
func (q *queued) listening() {
	for range 2 {
		<-q.told
	}
}

// listeners is how many connections to the database listen to limiters.
func listeners(s *store) int {
	return scan[int](s, `select count(*) from pg_stat_activity where datname = current_database() and query = 'listen bartizan_slot'`)
}

// lease waits until the call is let in.
func (q *queued) lease(t *testing.T) *postgres.Lease {
	t.Helper()
	select {
	case lease := <-q.let:
		if lease == nil {
			t.Fatal("the call was not let in")
		}
		return lease
	case <-time.After(30 * time.Second):
		t.Fatal("half a minute has passed: a place is free, and the call was not let in")
	}
	return nil
}

func TestAFreePlaceGoesToTheCallThatCameFirst(t *testing.T) {
	s := open(t)
	l := deaf(t, s, time.Millisecond)
	org := s.organization()
	c := call(org, atOnce(1), 10)
	held := acquire(t, l, c)
	var line []*queued
	for range 6 {
		line = append(line, queue(t, l, c))
	}
	line[2].stop() // gave up
	until(t, "it left the line", func() bool { here, _ := l.Waiting(); return here == 5 })
	for i, q := range line {
		if i == 2 {
			continue
		}
		s.must(held.Settle(t.Context(), used(uuid.Nil, 10)))
		held = q.lease(t)
		for _, behind := range line[i+1:] {
			if len(behind.let) > 0 {
				t.Fatalf("call %d was overtaken", i)
			}
		}
	}
}

func TestTheFirstThatGivesUpLetsTheNextAsk(t *testing.T) {
	s := open(t)
	l := deaf(t, s, time.Millisecond)
	c := call(s.organization(), atOnce(1), 10)
	held := acquire(t, l, c)
	first, second := queue(t, l, c), queue(t, l, c)
	<-first.told
	<-second.told // it is told why the first waits
	s.must(held.Settle(t.Context(), used(uuid.Nil, 10)))
	held = first.lease(t)
	third := queue(t, l, c)
	second.stop()
	until(t, "it left the line", func() bool { here, _ := l.Waiting(); return here == 1 })
	s.must(held.Settle(t.Context(), used(uuid.Nil, 10)))
	third.lease(t)
}

func TestOtherWorkersHearOfAFreePlace(t *testing.T) {
	s := open(t)
	l, other := deaf(t, s, time.Millisecond), deaf(t, openAt(t, s.urls), time.Millisecond)
	for name, limits := range map[string]postgres.Limits{
		"of the organization": atOnce(1), "of the endpoint": {Endpoint: postgres.Limit{Calls: 1}},
	} {
		t.Run(name, func(t *testing.T) {
			org, its := s.organization(), s.organization()
			if limits.Organization.Calls > 0 {
				its = org
			}
			held := acquire(t, l, call(org, limits, 10))
			waits := queue(t, other, call(its, limits, 10))
			<-waits.told
			until(t, "the other worker listens", func() bool { return listeners(s) == 1 })
			s.must(held.Settle(t.Context(), used(uuid.Nil, 10)))
			s.must(waits.lease(t).Settle(t.Context(), used(uuid.Nil, 10)))
		})
	}
}

// TestAPlaceGoesToTheSideThatHasFewer: a worker with a long line and all places
// lets another go first, which came later and has none; so does a line of one
// organization another's, at an endpoint that both use.
func TestAPlaceGoesToTheSideThatHasFewer(t *testing.T) {
	const places = 3
	for name, limits := range map[string]postgres.Limits{
		"workers": atOnce(places), "organizations": {Endpoint: postgres.Limit{Calls: places}},
	} {
		t.Run(name, func(t *testing.T) {
			s := open(t)
			l := deaf(t, s, time.Hour)
			other, its := l, s.organization()
			org := s.organization()
			if name == "workers" {
				other, its = deaf(t, openAt(t, s.urls), time.Hour), org
			}
			var held []*postgres.Lease
			for range places {
				held = append(held, acquire(t, l, call(org, limits, 10)))
			}
			long := []*queued{queue(t, l, call(org, limits, 10)), queue(t, l, call(org, limits, 10))}
			long[0].listening()
			late := queue(t, other, call(its, limits, 10))
			late.listeningUnless(other == l)
			if other != l {
				until(t, "the other's word was heard", func() bool { _, elsewhere := l.Waiting(); return elsewhere == 1 })
			}
			s.must(held[0].Settle(t.Context(), used(uuid.Nil, 10)))
			late.lease(t)
			for _, q := range long {
				if len(q.let) > 0 {
					t.Error("the side that had all places took another")
				}
			}
		})
	}
}

// listeningUnless waits for listening, or only for the first word where that is
// under way already.
func (q *queued) listeningUnless(already bool) {
	if already {
		<-q.told
		return
	}
	q.listening()
}

func TestCallsThatAreGivenUpTakeNoPlace(t *testing.T) {
	s := openWith(t, postgres.Config{Lease: time.Second})
	l := limiter(t, s)
	c := call(s.organization(), atOnce(2), 10)
	var callers sync.WaitGroup
	for i := range 40 {
		callers.Go(func() {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			if i%2 == 0 {
				defer time.AfterFunc(rand.N(60*time.Millisecond), cancel).Stop()
			}
			lease, err := l.Acquire(ctx, c, nil)
			if err != nil {
				return
			}
			time.Sleep(time.Millisecond)
			if err := lease.Settle(ctx, used(uuid.Nil, 10)); err != nil {
				t.Error(err)
			}
		})
	}
	callers.Wait()
	if here, _ := l.Waiting(); here != 0 {
		t.Errorf("%d calls still stand in line", here)
	}
	for range 2 { // what was let in without anybody's hearing of it ends with its lease
		acquire(t, l, c)
	}
}

// TestOnlyCallsThatGoOnAreRenewed: a call that was let in where the answer to
// the commit was lost is nobody's, and must not count for ever.
func TestOnlyCallsThatGoOnAreRenewed(t *testing.T) {
	s := openWith(t, postgres.Config{Lease: 2 * time.Second})
	l := limiter(t, s)
	lease := acquire(t, l, call(s.organization(), atOnce(2), 10))
	s.owner(func(tx *postgres.Tx) {
		s.exec(tx, `insert into bartizan.slot select organization_id, gen_random_uuid(), 'nobody', holder, until, 0, 0, '' from bartizan.slot`)
	})
	until(t, "the lease of nobody's call has ended", func() bool {
		return scan[int](s, `select count(*) from bartizan.slot where endpoint = 'nobody' and until >= now()`) == 0
	})
	if n := scan[int](s, `select count(*) from bartizan.slot where endpoint <> 'nobody' and until >= now()`); n != 1 {
		t.Error("the call that goes on was not renewed")
	}
	s.must(lease.Settle(t.Context(), postgres.Use{}))
}

// BenchmarkPlaces is how near many short calls under a limit of twenty come to
// the ideal, by one worker and by two: each takes 100 ms.
func BenchmarkPlaces(b *testing.B) {
	const (
		places, calls = 20, 400
		latency       = 100 * time.Millisecond
	)
	for name, workers := range map[string]int{"one worker": 1, "two workers": 2} {
		b.Run(name, func(b *testing.B) {
			s := open(b)
			limiters := make([]*postgres.Limiter, workers)
			for i := range limiters {
				limiters[i] = openAt(b, s.urls).NewLimiter()
				b.Cleanup(limiters[i].Close)
			}
			c := call(s.organization(), atOnce(places), 10)
			for b.Loop() {
				start := time.Now()
				var all sync.WaitGroup
				for i := range calls {
					all.Go(func() {
						lease, err := limiters[i%workers].Acquire(b.Context(), c, nil)
						if err == nil {
							time.Sleep(latency)
							err = lease.Settle(b.Context(), used(uuid.Nil, 10))
						}
						if err != nil {
							b.Error(err)
						}
					})
				}
				all.Wait()
				ideal := latency * calls / places
				b.ReportMetric(100*ideal.Seconds()/time.Since(start).Seconds(), "%ideal")
			}
		})
	}
}
