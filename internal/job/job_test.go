package job_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"go.uber.org/goleak"

	"github.com/bartizan-security/bartizan/internal/job"
	"github.com/bartizan-security/bartizan/internal/postgres"
	"github.com/bartizan-security/bartizan/internal/postgres/pgtest"
	"github.com/bartizan-security/bartizan/internal/service"
)

// bench is a database with organizations and systems, and the backlog on it.
type bench struct {
	*service.Backlog
	t  *testing.T
	db *postgres.DB

	mu sync.Mutex
	// order is what was done, in order.
	order []string
	// runs counts the runs under way of a system; two at once are an error.
	runs map[uuid.UUID]int
	do   func(ctx context.Context, kind service.WorkKind, organization, subject uuid.UUID) error
}

func newBench(t *testing.T) *bench {
	t.Helper()
	database := pgtest.New(t, postgres.Migrate)
	db, err := postgres.Open(t.Context(), postgres.Config{URL: database.URL, AppURL: database.AppURL})
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{Backlog: service.NewBacklog(db), t: t, db: db, runs: map[uuid.UUID]int{}}
	b.do = func(context.Context, service.WorkKind, uuid.UUID, uuid.UUID) error { return nil }
	t.Cleanup(func() {
		b.Close()
		db.Close()
	})
	return b
}

func (b *bench) organization() uuid.UUID {
	b.t.Helper()
	id := uuid.New()
	b.exec("insert into bartizan.organization (organization_id, name, title) values ($1, $2, 'An organization')", id, "o"+id.String()[:8])
	return id
}

func (b *bench) system(organization uuid.UUID) uuid.UUID {
	b.t.Helper()
	id := uuid.New()
	b.exec("insert into bartizan.system (organization_id, id, name) values ($1, $2, $3)", organization, id, id.String())
	b.exec("insert into bartizan.work (organization_id, system_id) values ($1, $2)", organization, id)
	return id
}

func (b *bench) exec(sql string, args ...any) {
	b.t.Helper()
	if _, err := b.db.OwnerPool().Exec(context.Background(), sql, args...); err != nil {
		b.t.Fatal(err)
	}
}

func (b *bench) count(sql string, args ...any) int {
	b.t.Helper()
	n := 0
	if err := b.db.OwnerPool().QueryRow(context.Background(), sql, args...).Scan(&n); err != nil {
		b.t.Fatal(err)
	}
	return n
}

// change asks for an analysis, as an upload does.
func (b *bench) change(organization, system uuid.UUID) {
	b.t.Helper()
	err := b.db.Tenant(context.Background(), organization, func(tx *postgres.Tx) error {
		if _, err := tx.Exec(context.Background(), "update bartizan.work set requested = requested + 1 where system_id = $1", system); err != nil {
			return err
		}
		return tx.Enqueue(context.Background(), postgres.KindAnalyse, system, postgres.PriorityUsual, time.Time{})
	})
	if err != nil {
		b.t.Fatal(err)
	}
}

func (b *bench) enqueue(organization uuid.UUID, kind postgres.Kind, priority postgres.Priority, subjects ...uuid.UUID) {
	b.t.Helper()
	err := b.db.Tenant(context.Background(), organization, func(tx *postgres.Tx) error {
		for _, s := range subjects {
			if err := tx.Enqueue(context.Background(), kind, s, priority, time.Time{}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		b.t.Fatal(err)
	}
}

// worker starts a worker that is stopped at the end of the test.
func (b *bench) worker(change func(*job.Config)) *job.Worker {
	b.t.Helper()
	cfg := job.Config{
		Service: b, Pool: b.db.OwnerPool(), Lease: 3 * time.Second, HousekeepEvery: time.Hour, SoftStop: 2 * time.Second,
		Log: slog.New(slog.DiscardHandler),
	}
	if change != nil {
		change(&cfg)
	}
	w, err := job.New(cfg)
	if err != nil {
		b.t.Fatal(err)
	}
	if err := w.Start(b.t.Context()); err != nil {
		b.t.Fatal(err)
	}
	return w
}

func (b *bench) stop(w *job.Worker) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	if err := w.Stop(ctx); err != nil {
		b.t.Fatal(err)
	}
}

// eventually waits for something that is on its way.
func (b *bench) eventually(what string, is func() bool) {
	b.t.Helper()
	for range 600 {
		if is() {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	b.t.Fatalf("half a minute has passed: %s", what)
}

func (b *bench) note(kind service.WorkKind, organization, subject uuid.UUID) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.order = append(b.order, fmt.Sprint(kind, " ", organization, " ", subject))
}

func (b *bench) done() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]string(nil), b.order...)
}

func (b *bench) plain(ctx context.Context, kind service.WorkKind, organization, subject uuid.UUID) error {
	err := b.do(ctx, kind, organization, subject)
	if err == nil {
		b.note(kind, organization, subject)
	}
	return err
}

func (b *bench) Ingest(ctx context.Context, organization, revision uuid.UUID) error {
	return b.plain(ctx, service.WorkIngest, organization, revision)
}

func (b *bench) StepBatch(ctx context.Context, organization, batch uuid.UUID) error {
	return b.plain(ctx, service.WorkBatch, organization, batch)
}

func (b *bench) Deliver(ctx context.Context, organization, delivery uuid.UUID) error {
	return b.plain(ctx, service.WorkDeliver, organization, delivery)
}

func (b *bench) Housekeep(context.Context) error { return nil }

// RunAnalysis is one round of work on a system: it reads what is requested,
// works, and writes that down, under the lease.
func (b *bench) RunAnalysis(ctx context.Context, organization, system uuid.UUID, holder string) (bool, error) {
	b.mu.Lock()
	b.runs[system]++
	if b.runs[system] > 1 {
		b.t.Errorf("%d runs of system %s at once", b.runs[system], system)
	}
	b.mu.Unlock()
	defer func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.runs[system]--
	}()
	requested := b.count("select requested from bartizan.work where system_id = $1", system)
	if err := b.do(ctx, service.WorkAnalyse, organization, system); err != nil {
		return false, err
	}
	done := false
	err := b.db.OwnerPool().QueryRow(ctx, `
		update bartizan.work set done = $3 where system_id = $1 and holder = $2
		returning requested = done`, system, holder, requested).Scan(&done)
	if err == nil {
		b.note(service.WorkAnalyse, organization, system)
	}
	return done, err
}

func TestMain(m *testing.M) {
	// The server that all tests share is watched over by the binary that started it.
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("github.com/bartizan-security/bartizan/internal/postgres/pgtest.startWarden.func1"))
}

// TestEveryChangeIsFollowedByOneRun holds that changes which come at any time,
// also during a run, end in a run that began after the last of them, that runs
// of one system never overlap, and that there are not more than one a change.
func TestEveryChangeIsFollowedByOneRun(t *testing.T) {
	b := newBench(t)
	b.do = func(ctx context.Context, _ service.WorkKind, _, _ uuid.UUID) error {
		time.Sleep(time.Duration(rand.IntN(30)) * time.Millisecond)
		return ctx.Err()
	}
	organization := b.organization()
	systems := []uuid.UUID{b.system(organization), b.system(organization), b.system(organization)}
	first, second := b.worker(nil), b.worker(nil)
	defer b.stop(first)
	defer b.stop(second)
	const changes = 40
	var all sync.WaitGroup
	for _, s := range systems {
		all.Go(func() {
			for range changes {
				b.change(organization, s)
				time.Sleep(time.Duration(rand.IntN(25)) * time.Millisecond)
			}
		})
	}
	all.Wait()
	b.eventually("something that was requested is not done", func() bool {
		return b.count("select count(*) from bartizan.work where requested <> done or holder <> ''") == 0 && b.count("select count(*) from bartizan.backlog") == 0
	})
	for _, s := range systems {
		if n := b.count("select done from bartizan.work where system_id = $1", s); n != changes {
			t.Errorf("%d of %d changes were worked on", n, changes)
		}
	}
	if n := len(b.done()); n > changes*len(systems) || n < len(systems) {
		t.Errorf("%d runs for %d changes", n, changes*len(systems))
	}
}

// TestAFailedTryIsRepeated holds that work which fails, panics or asks for a
// later try is tried again until it is done, and only then is gone.
func TestAFailedTryIsRepeated(t *testing.T) {
	b := newBench(t)
	organization := b.organization()
	tries := 0
	b.do = func(context.Context, service.WorkKind, uuid.UUID, uuid.UUID) error {
		b.mu.Lock()
		defer b.mu.Unlock()
		tries++
		switch tries {
		case 1:
			return &service.Later{After: 10 * time.Millisecond, Reason: "the budget is spent"}
		case 2:
			panic("a bug")
		}
		return nil
	}
	subject := uuid.New()
	b.enqueue(organization, postgres.KindDeliver, postgres.PriorityUsual, subject)
	w := b.worker(nil)
	defer b.stop(w)
	b.eventually("the work is not done", func() bool { return len(b.done()) == 1 })
	b.eventually("the entry is not gone", func() bool { return b.count("select count(*) from bartizan.backlog") == 0 })
	if tries != 3 {
		t.Errorf("%d tries, want 3", tries)
	}
}

// TestWorkUnderWayAtAStopIsPutBack holds that a worker that is stopped leaves
// nothing behind: what ends in time is done, the rest waits, at once, for
// another worker.
func TestWorkUnderWayAtAStopIsPutBack(t *testing.T) {
	b := newBench(t)
	organization := b.organization()
	system := b.system(organization)
	began := make(chan struct{}, 10)
	release := make(chan struct{})
	b.do = func(ctx context.Context, _ service.WorkKind, _, _ uuid.UUID) error {
		began <- struct{}{}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-release:
			return nil
		}
	}
	b.change(organization, system)
	first := b.worker(func(c *job.Config) { c.SoftStop = 100 * time.Millisecond })
	<-began
	b.stop(first)
	if n := b.count("select count(*) from bartizan.backlog where job_id is null and attempts = 0"); n != 1 {
		t.Errorf("%d entries wait, want the one that was stopped", n)
	}
	if n := b.count("select count(*) from bartizan.work where holder <> ''"); n != 0 {
		t.Error("the lease was not given back")
	}
	close(release)
	second := b.worker(nil)
	defer b.stop(second)
	b.eventually("the other worker does not do it", func() bool { return len(b.done()) == 1 })
}

// TestTheWorkOfADeadWorkerGoesOn holds that an entry whose holder no longer
// renews it is done by another, that nobody does it twice, and that the lease
// goes with it.
func TestTheWorkOfADeadWorkerGoesOn(t *testing.T) {
	b := newBench(t)
	organization := b.organization()
	system := b.system(organization)
	b.change(organization, system)
	// A worker that takes the work and is never heard of again.
	b.exec("update bartizan.backlog set job_id = 4711, handed_at = now(), holder = 'dead', alive_until = now() + interval '1 second'")
	b.exec("update bartizan.work set holder = 'dead', lease_until = now() + interval '1 second'")
	w := b.worker(nil)
	defer b.stop(w)
	b.eventually("nobody does it", func() bool { return len(b.done()) == 1 })
	time.Sleep(500 * time.Millisecond)
	if n := len(b.done()); n != 1 {
		t.Errorf("it was done %d times", n)
	}
}

// TestALostClaimEndsTheWork holds that a worker stops when somebody else has
// taken over.
func TestALostClaimEndsTheWork(t *testing.T) {
	b := newBench(t)
	organization := b.organization()
	began, ended := make(chan struct{}, 1), make(chan error, 1)
	b.do = func(ctx context.Context, _ service.WorkKind, _, _ uuid.UUID) error {
		began <- struct{}{}
		<-ctx.Done()
		ended <- context.Cause(ctx)
		return ctx.Err()
	}
	b.enqueue(organization, postgres.KindIngest, postgres.PriorityUsual, uuid.New())
	var how string
	var mu sync.Mutex
	w := b.worker(func(c *job.Config) {
		c.Ended = func(_ service.WorkKind, s string, _ time.Duration) {
			mu.Lock()
			defer mu.Unlock()
			how = s
		}
	})
	defer b.stop(w)
	<-began
	b.exec("update bartizan.backlog set holder = 'another'")
	if err := <-ended; !errors.Is(err, service.ErrLeaseLost) {
		t.Errorf("the work ended with %v", err)
	}
	b.eventually("it is not told as lost", func() bool {
		mu.Lock()
		defer mu.Unlock()
		return how == "lost"
	})
	if n := b.count("select count(*) from bartizan.backlog where holder = 'another'"); n != 1 {
		t.Error("the entry of the other was touched")
	}
}

// TestWorkClaimedAnewByTheSameWorkerIsDoneOnce holds that a worker which is handed
// again what it works on ends the work that it had begun, and keeps the other.
func TestWorkClaimedAnewByTheSameWorkerIsDoneOnce(t *testing.T) {
	b := newBench(t)
	type run struct {
		ctx context.Context
		end chan struct{}
	}
	runs := make(chan run, 2)
	b.do = func(ctx context.Context, _ service.WorkKind, _, _ uuid.UUID) error {
		r := run{ctx, make(chan struct{})}
		runs <- r
		select {
		case <-ctx.Done():
		case <-r.end:
		}
		return context.Cause(ctx)
	}
	b.enqueue(b.organization(), postgres.KindIngest, postgres.PriorityUsual, uuid.New())
	w := b.worker(func(c *job.Config) { c.Lease = time.Minute }) // the next renewal is ten seconds away
	defer b.stop(w)
	first := <-runs
	b.exec("update bartizan.backlog set job_id = null, handed_at = null, holder = '', alive_until = null")
	second := <-runs
	<-first.ctx.Done()
	if cause := context.Cause(first.ctx); !errors.Is(cause, service.ErrLeaseLost) {
		t.Errorf("the work that was begun first ended with %v", cause)
	}
	b.exec("update bartizan.backlog set alive_until = now() + interval '25 seconds'")
	b.eventually("the claim is not renewed", func() bool {
		return b.count("select count(*) from bartizan.backlog where alive_until > now() + interval '40 seconds'") == 1
	})
	if err := second.ctx.Err(); err != nil {
		t.Errorf("the work that took its place ended: %v", context.Cause(second.ctx))
	}
	close(second.end)
	b.eventually("the entry is not done", func() bool { return b.count("select count(*) from bartizan.backlog") == 0 })
}

// TestABigBatchHoldsNobodyUp holds fairness between tenants: the one document of
// one organization is read long before 10,000 of another.
func TestABigBatchHoldsNobodyUp(t *testing.T) {
	b := newBench(t)
	b.do = func(context.Context, service.WorkKind, uuid.UUID, uuid.UUID) error {
		time.Sleep(5 * time.Millisecond)
		return nil
	}
	big, small := b.organization(), b.organization()
	b.exec(`insert into bartizan.backlog (organization_id, kind, subject)
		select $1, 'ingest', gen_random_uuid() from generate_series(1, 10000)`, big)
	w := b.worker(nil)
	defer b.stop(w)
	b.eventually("the big one has not begun", func() bool { return len(b.done()) > 5 })
	b.enqueue(small, postgres.KindIngest, postgres.PriorityUsual, uuid.New())
	before := len(b.done())
	b.eventually("the small one waits", func() bool {
		return b.count("select count(*) from bartizan.backlog where organization_id = $1", small) == 0
	})
	if ahead := len(b.done()) - before; ahead > 200 {
		t.Errorf("%d documents of the other organization were read before the one", ahead)
	}
	if n := b.count("select count(*) from bartizan.backlog where job_id is not null"); n > 8 {
		t.Errorf("River was given %d jobs at once", n)
	}
}

// TestUrgentWorkComesFirst holds the order within an organization.
func TestUrgentWorkComesFirst(t *testing.T) {
	b := newBench(t)
	organization := b.organization()
	var batch []uuid.UUID
	for range 50 {
		batch = append(batch, uuid.New())
	}
	b.enqueue(organization, postgres.KindIngest, postgres.PriorityBatch, batch...)
	urgent := uuid.New()
	b.enqueue(organization, postgres.KindIngest, postgres.PriorityPerson, urgent)
	w := b.worker(func(c *job.Config) { c.Workers = map[service.WorkKind]int{service.WorkIngest: 1} })
	defer b.stop(w)
	b.eventually("not all is done", func() bool { return len(b.done()) == 51 })
	for i, s := range b.done() {
		if s == fmt.Sprint(service.WorkIngest, " ", organization, " ", urgent) && i > 0 {
			t.Errorf("it came as number %d", i+1)
		}
	}
}

// TestAnalysesHaveAShareOfTheirOwn: of the kinds of work that end soon few are
// handed over at once, of analyses as many as their own share says.
func TestAnalysesHaveAShareOfTheirOwn(t *testing.T) {
	b := newBench(t)
	organization := b.organization()
	for range 9 {
		b.enqueue(organization, postgres.KindIngest, postgres.PriorityUsual, uuid.New())
		b.change(organization, b.system(organization))
	}
	handOver := func(share service.Share) map[service.WorkKind]int {
		kinds := map[service.WorkKind]int{}
		_, err := b.HandOver(t.Context(), share, func(_ context.Context, _ pgx.Tx, entries []service.Entry) ([]int64, error) {
			ids := make([]int64, len(entries))
			for i, e := range entries {
				kinds[e.Kind]++
				ids[i] = e.ID
			}
			return ids, nil
		})
		if err != nil {
			t.Fatal(err)
		}
		return kinds
	}
	if got := handOver(service.Share{PerOrganization: 2, Total: 100}); got[service.WorkIngest] != 2 || got[service.WorkAnalyse] != 2 {
		t.Errorf("without a share of their own %v were handed over, want 2 of each", got)
	}
	if got := handOver(service.Share{PerOrganization: 2, Analyses: 6, Total: 100}); got[service.WorkIngest] != 0 || got[service.WorkAnalyse] != 4 {
		t.Errorf("then %v were handed over, want 4 more analyses", got)
	}
}
