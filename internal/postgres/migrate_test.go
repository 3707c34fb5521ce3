package postgres_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/bartizan-security/bartizan/internal/cluster"
	"github.com/bartizan-security/bartizan/internal/postgres"
	"github.com/bartizan-security/bartizan/internal/postgres/pgtest"
)

// applied counts what was migrated.
func applied(t *testing.T, url string) (done, all int) {
	t.Helper()
	list, err := postgres.Status(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range list {
		if !m.AppliedAt.IsZero() {
			done++
		}
	}
	return done, len(list)
}

func TestManyMayMigrateAtOnce(t *testing.T) {
	db := pgtest.New(t, nil)
	if done, all := applied(t, db.URL); done != 0 || all < 8 {
		t.Fatalf("of an empty database %d of %d steps are done", done, all)
	}
	if _, err := postgres.Open(t.Context(), postgres.Config{URL: db.URL}); !errors.Is(err, postgres.ErrNotMigrated) {
		t.Errorf("an empty database was opened with %v, want ErrNotMigrated", err)
	}
	var all sync.WaitGroup
	for range 5 {
		all.Go(func() {
			if err := postgres.Migrate(t.Context(), db.URL); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if done, all := applied(t, db.URL); done != all {
		t.Errorf("%d of %d steps are done", done, all)
	}
	opened, err := postgres.Open(t.Context(), postgres.Config{URL: db.URL, AppURL: db.AppURL})
	if err != nil {
		t.Fatal(err)
	}
	defer opened.Close()
	if err := opened.Ping(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestMigrationsGoBackAndForth(t *testing.T) {
	db := pgtest.New(t, nil)
	for range 2 {
		if err := postgres.Migrate(t.Context(), db.URL); err != nil {
			t.Fatal(err)
		}
		if err := postgres.MigrateDown(t.Context(), db.URL); err != nil {
			t.Fatal(err)
		}
	}
	conn := connect(t, db.AdminURL)
	var left []string
	err := conn.QueryRow(t.Context(), `
		select coalesce(array_agg(name), '{}') from (
			select relname::text as name from pg_class where relnamespace = 'bartizan'::regnamespace and relkind = 'r' and relname <> 'migration'
			union all select proname from pg_proc where pronamespace = 'bartizan'::regnamespace
		) x`).Scan(&left)
	if err != nil || len(left) > 0 {
		t.Errorf("left are %v (%v)", left, err)
	}
}

func connect(t *testing.T, url string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	return conn
}

// TestWhatTheLoginMayNotDoIsSaidAsSQL goes through the errors that an operator
// of a managed database meets, and mends each by the SQL that it holds.
func TestWhatTheLoginMayNotDoIsSaidAsSQL(t *testing.T) {
	_, running := pgtest.Private(t)
	admin := connect(t, running.URL(cluster.Database, cluster.Superuser))
	run := func(conn *pgx.Conn, sql string) {
		t.Helper()
		if _, err := conn.Exec(t.Context(), sql); err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
	}
	run(admin, `create role bartizan_owner login nosuperuser nocreaterole`)
	run(admin, `create database managed`)
	inside := connect(t, running.URL("managed", cluster.Superuser))
	url := running.URL("managed", pgtest.Owner)
	for _, step := range []string{
		`create extension vector`,
		`create role bartizan_app nologin; grant bartizan_app to "bartizan_owner"`,
		`create schema bartizan authorization "bartizan_owner"`,
		`create schema river authorization "bartizan_owner"`,
	} {
		err := postgres.Migrate(t.Context(), url)
		if err == nil || !strings.Contains(err.Error(), step+": ") {
			t.Fatalf("the error is %v, want one with %s", err, step)
		}
		run(inside, step)
	}
	if err := postgres.Migrate(t.Context(), url); err != nil {
		t.Fatal(err)
	}

	run(admin, `alter role bartizan_app bypassrls`)
	if err := postgres.Migrate(t.Context(), url); err == nil || !strings.Contains(err.Error(), "alter role bartizan_app nosuperuser nobypassrls") {
		t.Errorf("an application role that bypasses row-level security was taken: %v", err)
	}
	if db, err := postgres.Open(t.Context(), postgres.Config{URL: url}); err == nil {
		db.Close()
		t.Error("a database was opened whose application role bypasses row-level security")
	}
	run(admin, `alter role bartizan_app nobypassrls`)
	run(inside, `alter table bartizan.threat owner to bartizan_app`)
	if db, err := postgres.Open(t.Context(), postgres.Config{URL: url}); err == nil {
		db.Close()
		t.Error("a database was opened whose application role owns a table")
	}
}
