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

func TestTheRolesHoldWhatTheirNamesPromise(t *testing.T) {
	db := pgtest.New(t, notes)
	app, owner := connect(t, db.AppURL), connect(t, db.URL)
	if _, err := app.Exec(t.Context(), `select * from secret`); err == nil {
		t.Error("the application read a table that was not granted to it")
	}
	if _, err := owner.Exec(t.Context(), `insert into secret values ('[1,2]'); set role bartizan_app`); err != nil {
		t.Errorf("the owner cannot write, or not become the application: %v", err)
	}
	if _, err := owner.Exec(t.Context(), `select * from secret`); err == nil {
		t.Error("the owner, become the application, kept its rights")
	}
	if _, err := owner.Exec(t.Context(), `reset role; create role another`); err == nil {
		t.Error("the owner could make a role")
	}
	var powers, owns string
	err := connect(t, db.AdminURL).QueryRow(t.Context(), `
		select coalesce(string_agg(rolname, ',') filter (where rolsuper or rolbypassrls or rolcreaterole or rolcreatedb), ''),
			(select pg_get_userbyid(datdba) from pg_database where datname = current_database())
		from pg_roles where rolname in ($1, $2)`, pgtest.Owner, pgtest.App).Scan(&powers, &owns)
	if err != nil || powers != "" || owns != pgtest.Owner {
		t.Errorf("mighty roles %q, the database belongs to %q (%v)", powers, owns, err)
	}
}

func TestAPrivateServerCanBeRestarted(t *testing.T) {
	server, running := pgtest.Private(t)
	db := server.New(t, notes)
	conn := connect(t, db.URL)
	if _, err := conn.Exec(t.Context(), `insert into note values ('before')`); err != nil {
		t.Fatal(err)
	}
	if err := running.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := conn.Ping(t.Context()); err == nil {
		t.Error("the old session outlived the restart")
	}
	var text string
	if err := connect(t, db.URL).QueryRow(t.Context(), `select text from note`).Scan(&text); err != nil || text != "before" {
		t.Errorf("after the restart: %q (%v)", text, err)
	}
}

func TestAServerThatIsNamedIsUsed(t *testing.T) {
	_, running := pgtest.Private(t)
	t.Setenv(pgtest.EnvURL, running.URL("postgres", "postgres"))
	db := pgtest.New(t, nil)
	var data string
	if err := connect(t, db.AdminURL).QueryRow(t.Context(), `show data_directory`).Scan(&data); err != nil || data != running.DataDir()+"/data" {
		t.Errorf("the database lies in %s (%v)", data, err)
	}
}
