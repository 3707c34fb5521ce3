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
	"github.com/bartizan-security/bartizan/internal/postgres/pgtest"
)

func (s *store) rename(tx *postgres.Tx, system uuid.UUID) error {
	_, err := tx.Exec(s.t.Context(), `update bartizan.system set version = version + 1 where id = $1`, system)
	return err
}

// TestADeadlockIsTriedAgain makes two transactions wait for each other.
func TestADeadlockIsTriedAgain(t *testing.T) {
	s := open(t)
	org := s.organization()
	a, b := s.system(org), s.system(org)
	var met sync.WaitGroup
	met.Add(2)
	var tries atomic.Int64
	var both sync.WaitGroup
	for _, order := range [][2]uuid.UUID{{a, b}, {b, a}} {
		both.Go(func() {
			first := true
			err := s.Tenant(t.Context(), org, func(tx *postgres.Tx) error {
				tries.Add(1)
				if err := s.rename(tx, order[0]); err != nil {
					return err
				}
				if first {
					first = false
					met.Done()
					met.Wait()
				}
				return s.rename(tx, order[1])
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	both.Wait()
	if n := tries.Load(); n < 3 {
		t.Errorf("%d tries: there was no deadlock", n)
	}
	if n := scan[int](s, `select sum(version)::int from bartizan.system`); n != 6 {
		t.Errorf("the versions add up to %d, want 6: each change counted once", n)
	}
}

func TestWhatFailsLeavesNothing(t *testing.T) {
	s := open(t)
	org := s.organization()
	system := s.system(org)
	failed := errors.New("failed")
	err := s.Tenant(t.Context(), org, func(tx *postgres.Tx) error {
		s.must(s.rename(tx, system))
		s.must(tx.Audit("Ada", "a", "o", nil))
		return failed
	})
	if !errors.Is(err, failed) || postgres.Temporary(err) {
		t.Errorf("got %v", err)
	}
	func() {
		defer func() { _ = recover() }()
		_ = s.Tenant(t.Context(), org, func(tx *postgres.Tx) error {
			s.must(s.rename(tx, system))
			panic("gone")
		})
	}()
	if n := scan[int](s, `select version::int + (select count(*) from bartizan.audit_event)::int from bartizan.system`); n != 1 {
		t.Errorf("what failed counts: %d", n)
	}
	if n := s.Pool().Stat().AcquiredConns(); n != 0 {
		t.Errorf("%d connections were not given back", n)
	}
	if err := s.Tenant(t.Context(), uuid.Nil, func(*postgres.Tx) error { return nil }); err == nil {
		t.Error("a transaction of no organization was begun")
	}
}

func TestTheTenantEndsWithTheTransaction(t *testing.T) {
	urls := pgtest.New(t, postgres.Migrate)
	db, err := postgres.Open(t.Context(), postgres.Config{URL: urls.URL, MaxConns: 1}) // the same connection again
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	s := &store{db, t, urls}
	org := s.organization()
	s.system(org)
	var n int
	if err := db.Pool().QueryRow(t.Context(), `select count(*) from bartizan.system`).Scan(&n); err != nil || n != 0 {
		t.Errorf("after a tenant's transaction its connection sees %d rows (%v)", n, err)
	}
}

func TestAStatementThatTakesTooLongIsEnded(t *testing.T) {
	urls := pgtest.New(t, postgres.Migrate)
	db, err := postgres.Open(t.Context(), postgres.Config{URL: urls.URL, StatementTimeout: 50 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	err = db.Tenant(t.Context(), uuid.New(), func(tx *postgres.Tx) error {
		_, err := tx.Exec(t.Context(), `select pg_sleep(60)`)
		return err
	})
	if err == nil || postgres.Temporary(err) {
		t.Errorf("got %v, want an error that lasts", err)
	}
}

// TestARestartOfTheDatabaseIsSurvived writes from many goroutines while the
// server restarts.
func TestARestartOfTheDatabaseIsSurvived(t *testing.T) {
	server, running := pgtest.Private(t)
	s := openAt(t, server.New(t, postgres.Migrate))
	org := s.organization()
	system := s.system(org)
	ctx, stop := context.WithCancel(t.Context())
	var writers sync.WaitGroup
	var written, lost atomic.Int64
	for range 6 {
		writers.Go(func() {
			for ctx.Err() == nil {
				err := postgres.Patiently(context.WithoutCancel(ctx), time.Minute, func() error {
					err := s.Tenant(context.WithoutCancel(ctx), org, func(tx *postgres.Tx) error {
						if err := tx.Audit("Ada", "a", "o", nil); err != nil {
							return err
						}
						_, err := tx.Exec(context.WithoutCancel(ctx), `update bartizan.system set version = version + 1 where id = $1`, system)
						return err
					})
					if postgres.Temporary(err) {
						lost.Add(1)
					}
					return err
				})
				if err != nil {
					t.Error(err)
					return
				}
				written.Add(1)
			}
		})
	}
	more := func() {
		for n := written.Load(); written.Load() < n+100; {
			time.Sleep(10 * time.Millisecond)
		}
	}
	more()
	// One transaction is open over the restart: what it meets is temporary.
	err := s.Tenant(t.Context(), org, func(tx *postgres.Tx) error {
		if err := running.Restart(t.Context()); err != nil {
			t.Fatal(err)
		}
		_, err := tx.Exec(t.Context(), `select 1`)
		return err
	})
	if err == nil || !postgres.Temporary(err) {
		t.Errorf("a transaction over a restart ended with %v, want what holds for Temporary", err)
	}
	more()
	stop()
	writers.Wait()
	// A commit whose answer was lost may count and be made again: never less.
	if n := scan[int64](s, `select version - 1 from bartizan.system`); n < written.Load() || n > written.Load()+lost.Load() {
		t.Errorf("%d changes are there of %d, with %d that failed on the way", n, written.Load(), lost.Load())
	}
	if r := s.verify(org, nil); !r.Whole() || r.Events < written.Load() {
		t.Errorf("the audit trail is %+v", r)
	}
}
