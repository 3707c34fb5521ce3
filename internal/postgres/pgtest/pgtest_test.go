package pgtest_test

import (
	"context"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/bartizan-security/bartizan/internal/postgres/pgtest"
)

// notes makes one table, that only its owner may read, and one that the
// application may.
func notes(ctx context.Context, url string) error {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	_, err = conn.Exec(ctx, `create table secret (v halfvec(2)); create table note (text text); grant select, insert on note to bartizan_app`)
	return err
}

func connect(t *testing.T, url string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close(context.Background()) })
	return conn
}

func TestEachTestHasADatabaseOfItsOwn(t *testing.T) {
	for _, text := range []string{"one", "two"} {
		t.Run(text, func(t *testing.T) {
			t.Parallel()
			db := pgtest.New(t, notes)
			conn := connect(t, db.AppURL)
			if _, err := conn.Exec(t.Context(), `insert into note values ($1)`, text); err != nil {
				t.Fatal(err)
			}
			var got []string
			if err := conn.QueryRow(t.Context(), `select array_agg(text) from note`).Scan(&got); err != nil {
				t.Fatal(err)
			}
			if len(got) != 1 || got[0] != text {
				t.Errorf("the database holds %q, want only %q", got, text)
			}
		})
	}
}
