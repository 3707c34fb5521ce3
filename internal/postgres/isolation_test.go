package postgres_test

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/bartizan-security/bartizan/internal/postgres"
)

//go:embed testdata/tenant.sql
var tenantSQL string

// gooseTable is not ours; ownersTables are no tenant's, and closed to the
// application.
var (
	gooseTable   = "migration"
	ownersTables = []string{"endpoint_pace"}
	// appendOnly is what the design says must stay as it was written.
	appendOnly = []string{
		"analysis", "answer", "audit_event", "checkpoint", "decision", "model_version", "original", "original_piece", "revision", "source",
	}
)

// tables lists the tables of the schema out of the catalog.
func (s *store) tables() (out []string) {
	s.t.Helper()
	s.admin(func(ctx context.Context, conn *pgx.Conn) {
		rows, err := conn.Query(ctx, `
			select relname::text from pg_class where relnamespace = 'bartizan'::regnamespace and relkind in ('r', 'p', 'v', 'm', 'f') and relname <> $1 order by 1`, gooseTable)
		s.must(err)
		out, err = pgx.CollectRows(rows, pgx.RowTo[string])
		s.must(err)
	})
	return out
}

// tenant makes an organization with a row in every table.
func (s *store) tenant() uuid.UUID {
	s.t.Helper()
	org := s.organization()
	s.must(s.OwnerOf(s.t.Context(), org, func(tx *postgres.Tx) error {
		s.exec(tx, strings.NewReplacer("{org}", org.String(), "{id}", newID().String()).Replace(tenantSQL))
		return nil
	}))
	return org
}

// denied reports whether an error is PostgreSQL's refusal for lack of rights.
func denied(err error) bool {
	var e *pgconn.PgError
	return errors.As(err, &e) && e.Code == "42501"
}

func TestNothingCrossesTenants(t *testing.T) {
	s := open(t)
	a, b := s.tenant(), s.tenant()
	tables := s.tables()
	if len(tables) < 40 {
		t.Fatalf("the catalog lists %d tables only", len(tables))
	}
	for _, table := range tables {
		t.Run(table, func(t *testing.T) {
			if slices.Contains(ownersTables, table) {
				s.isClosed(t, table)
				return
			}
			if !scan[bool](s, `select relrowsecurity from pg_class where oid = ('bartizan.' || $1)::regclass`, table) {
				t.Fatal("it has no row-level security")
			}
			if scan[int](s, `select count(*) from bartizan.`+table+` where organization_id = $1`, a) == 0 {
				t.Fatal("it has no case: add a row of it to testdata/tenant.sql")
			}
			s.isInvisible(t, table, a, b)
			s.isUnchangeable(t, table, a, b)
			s.takesNoForeignRow(t, table, a, b)
			s.isAppendOnly(t, table)
		})
	}
}

// isClosed holds a table of the owner's.
func (s *store) isClosed(t *testing.T, table string) {
	for _, privilege := range []string{"select", "insert", "update", "delete", "truncate", "references", "trigger"} {
		if scan[bool](s, `select has_table_privilege('bartizan_app', 'bartizan.' || $1, $2)`, table, privilege) {
			t.Errorf("the application may %s", privilege)
		}
	}
}

func (s *store) isInvisible(t *testing.T, table string, a, b uuid.UUID) {
	count := func(org uuid.UUID) (rows, foreign int) {
		s.as(org, func(tx *postgres.Tx) error {
			return tx.QueryRow(t.Context(), `select count(*), count(*) filter (where organization_id <> $1) from bartizan.`+table, org).Scan(&rows, &foreign)
		})
		return rows, foreign
	}
	for _, org := range []uuid.UUID{a, b} {
		if rows, foreign := count(org); rows == 0 || foreign > 0 {
			t.Errorf("an organization sees %d rows, %d of them another's; want its own", rows, foreign)
		}
	}
	if rows, _ := count(uuid.New()); rows > 0 {
		t.Errorf("an organization that is not there sees %d rows", rows)
	}
	var rows int
	if err := s.Pool().QueryRow(t.Context(), `select count(*) from bartizan.`+table).Scan(&rows); err != nil || rows > 0 {
		t.Errorf("without a tenant %d rows are seen (%v)", rows, err)
	}
}

func (s *store) isUnchangeable(t *testing.T, table string, a, b uuid.UUID) {
	before := scan[string](s, `select coalesce(string_agg(x::text, '|' order by x::text), '') from bartizan.`+table+` x where organization_id = $1`, a)
	for _, sql := range []string{
		`update bartizan.` + table + ` set organization_id = organization_id where organization_id = $1`,
		`update bartizan.` + table + ` set organization_id = (select bartizan.current_organization()) where organization_id = $1`,
		`delete from bartizan.` + table + ` where organization_id = $1`,
	} {
		err := s.Tenant(t.Context(), b, func(tx *postgres.Tx) error {
			tag, err := tx.Exec(t.Context(), sql, a)
			if err == nil && tag.RowsAffected() > 0 {
				t.Errorf("%s changed %d rows of another organization", sql, tag.RowsAffected())
			}
			return err
		})
		if err != nil && !denied(err) {
			t.Errorf("%s: %v", sql, err)
		}
	}
	if after := scan[string](s, `select coalesce(string_agg(x::text, '|' order by x::text), '') from bartizan.`+table+` x where organization_id = $1`, a); after != before {
		t.Errorf("rows of another organization were changed from %s to %s", before, after)
	}
}

// takesNoForeignRow inserts a row of a, and moves a row of b to a, as b.
func (s *store) takesNoForeignRow(t *testing.T, table string, a, b uuid.UUID) {
	columns := scan[string](s, `
		select string_agg(quote_ident(attname), ', ' order by attnum) from pg_attribute
		where attrelid = ('bartizan.' || $1)::regclass and attnum > 0 and not attisdropped and attgenerated = ''`, table)
	row := scan[string](s, `select to_jsonb(x)::text from bartizan.`+table+` x where organization_id = $1 limit 1`, a)
	err := s.Tenant(t.Context(), b, func(tx *postgres.Tx) error {
		_, err := tx.Exec(t.Context(), fmt.Sprintf(`insert into bartizan.%[1]s (%[2]s) overriding system value
			select %[2]s from jsonb_populate_record(null::bartizan.%[1]s, $1::jsonb)`, table, columns), row)
		return err
	})
	if !denied(err) {
		t.Errorf("a row for another organization was inserted, or refused for another reason: %v", err)
	}
	err = s.Tenant(t.Context(), b, func(tx *postgres.Tx) error {
		_, err := tx.Exec(t.Context(), `update bartizan.`+table+` set organization_id = $1`, a)
		return err
	})
	if !denied(err) {
		t.Errorf("a row was given to another organization, or refused for another reason: %v", err)
	}
}

func (s *store) isAppendOnly(t *testing.T, table string) {
	may := func(privilege string) bool {
		// Of a column is enough to change something.
		return scan[bool](s, `select has_table_privilege('bartizan_app', 'bartizan.' || $1, $2)`, table, privilege) ||
			(privilege == "update" && scan[bool](s, `select has_any_column_privilege('bartizan_app', 'bartizan.' || $1, $2)`, table, privilege))
	}
	for _, privilege := range []string{"truncate", "references", "trigger"} {
		if may(privilege) {
			t.Errorf("the application may %s", privilege)
		}
	}
	if want := !slices.Contains(appendOnly, table); may("update") != want || (may("delete") != want && table != "organization") {
		t.Errorf("update %v, delete %v; want both %v", may("update"), may("delete"), want)
	}
	if table == "organization" && (may("insert") || may("delete")) {
		t.Error("the application may make or remove organizations")
	}
}

func TestNoKeyLeadsAcrossTenants(t *testing.T) {
	s := open(t)
	s.admin(func(ctx context.Context, conn *pgx.Conn) {
		// Foreign keys are checked without regard to row-level security.
		rows, err := conn.Query(ctx, `
			select c.conrelid::regclass::text || '.' || c.conname from pg_constraint c
			where c.contype = 'f' and c.connamespace = 'bartizan'::regnamespace and not exists (
				select from unnest(c.conkey, c.confkey) as k (own, other)
				join pg_attribute own on own.attrelid = c.conrelid and own.attnum = k.own
				join pg_attribute other on other.attrelid = c.confrelid and other.attnum = k.other
				where own.attname = 'organization_id' and other.attname = 'organization_id'
			)`)
		s.must(err)
		crossing, err := pgx.CollectRows(rows, pgx.RowTo[string])
		s.must(err)
		if len(crossing) > 0 {
			t.Errorf("foreign keys without the organization: %v", crossing)
		}
	})
}

func TestTheApplicationRoleCanBypassNothing(t *testing.T) {
	s := open(t)
	for what, sql := range map[string]string{
		"has rights beyond the tables": `select rolsuper or rolbypassrls or rolcreatedb or rolcreaterole or rolreplication from pg_roles where rolname = 'bartizan_app'`,
		"owns relations":               `select exists (select from pg_class c join pg_roles r on r.oid = c.relowner where r.rolname = 'bartizan_app')`,
		"owns functions":               `select exists (select from pg_proc p join pg_roles r on r.oid = p.proowner where r.rolname = 'bartizan_app')`,
		"owns a schema":                `select exists (select from pg_namespace n join pg_roles r on r.oid = n.nspowner where r.rolname = 'bartizan_app')`,
		"is a member of another role":  `select exists (select from pg_auth_members m join pg_roles r on r.oid = m.member where r.rolname = 'bartizan_app')`,
		"may create in our schema":     `select has_schema_privilege('bartizan_app', 'bartizan', 'create') or has_schema_privilege('bartizan_app', 'river', 'usage')`,
		"reads goose's table":          `select has_table_privilege('bartizan_app', 'bartizan.migration', 'select')`,
		"may set sequences":            `select bool_or(has_sequence_privilege('bartizan_app', oid, 'update')) from pg_class where relkind = 'S' and relnamespace = 'bartizan'::regnamespace`,
	} {
		if scan[bool](s, sql) {
			t.Errorf("it %s", what)
		}
	}
	conn, err := s.Pool().Acquire(t.Context())
	s.must(err)
	defer conn.Release()
	_, err = conn.Exec(t.Context(), `reset role`)
	s.must(err)
	var role string
	s.must(conn.QueryRow(t.Context(), `select current_user`).Scan(&role))
	if role != "bartizan_app" {
		t.Errorf("after RESET ROLE the application is %s", role)
	}
}

// TestFunctionsOfTheOwnerKeepToTheTenant has a case for each function that runs
// with the owner's rights.
func TestFunctionsOfTheOwnerKeepToTheTenant(t *testing.T) {
	s := open(t)
	a, b := s.tenant(), s.tenant()
	count := func(org *uuid.UUID, sql string, args ...any) (n int) {
		t.Helper()
		if org == nil {
			s.must(s.Pool().QueryRow(t.Context(), sql, args...).Scan(&n))
			return n
		}
		s.as(*org, func(tx *postgres.Tx) error { return tx.QueryRow(t.Context(), sql, args...).Scan(&n) })
		return n
	}
	systemOfA := scan[uuid.UUID](s, `select id from bartizan.system where organization_id = $1`, a)
	search := func(function string) func(t *testing.T) {
		return func(t *testing.T) {
			ofAny, ofA := `select count(*) from bartizan.`+function+`('secret words', null, 100)`, `select count(*) from bartizan.`+function+`('secret', $1, 100)`
			if n := count(&a, ofAny); n != 1 {
				t.Errorf("the tenant found %d, want its own", n)
			}
			if n := count(&b, ofA, systemOfA); n != 0 {
				t.Errorf("another tenant found %d by naming the system", n)
			}
			if n := count(&b, `select count(*) from bartizan.`+function+`('"secret words of `+a.String()+`"', null, 100)`); n != 0 {
				t.Errorf("another tenant found %d by the words", n)
			}
			if n := count(nil, ofAny); n != 0 {
				t.Errorf("without a tenant %d were found", n)
			}
		}
	}
	cases := map[string]func(t *testing.T){
		"search_passages": search("search_passages"),
		"search_threats":  search("search_threats"),
		"use_token": func(t *testing.T) {
			secret := scan[[]byte](s, `select hash from bartizan.token where organization_id = $1`, a)
			const find = `select count(*) from bartizan.use_token($1) where organization_id = $2`
			if n := count(nil, find, secret, a); n != 1 {
				t.Errorf("the hash of a secret found %d tokens, want 1", n)
			}
			if n := count(nil, `select count(*) from bartizan.use_token($1)`, make([]byte, 32)); n != 0 {
				t.Errorf("a hash of nothing found %d tokens", n)
			}
			if n := count(&b, find, secret, b); n != 0 {
				t.Errorf("a token of one organization opened another")
			}
		},
	}
	s.admin(func(ctx context.Context, conn *pgx.Conn) {
		rows, err := conn.Query(ctx, `
			select proname::text, coalesce(array_to_string(proconfig, ','), ''), has_function_privilege('public', oid, 'execute')
			from pg_proc where pronamespace = 'bartizan'::regnamespace and prosecdef order by 1`)
		s.must(err)
		seen := 0
		var name, config string
		var public bool
		_, err = pgx.ForEachRow(rows, []any{&name, &config, &public}, func() error {
			seen++
			if !strings.Contains(config, "search_path=pg_catalog, pg_temp") {
				t.Errorf("%s runs with the search path of its caller: %q", name, config)
			}
			if public {
				t.Errorf("%s may be called by everybody", name)
			}
			if cases[name] == nil {
				t.Errorf("%s has no case here", name)
				return nil
			}
			t.Run(name, cases[name])
			return nil
		})
		s.must(err)
		if seen != len(cases) {
			t.Errorf("the catalog lists %d functions, there are cases for %d", seen, len(cases))
		}
	})
}
