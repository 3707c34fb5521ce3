package postgres_test

import (
	"context"
	"crypto/sha256"
	"fmt"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/bartizan-security/bartizan/internal/postgres"
	"github.com/bartizan-security/bartizan/internal/postgres/pgtest"
	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

// store is a database with organizations and systems to work on.
type store struct {
	*postgres.DB
	t    testing.TB
	urls *pgtest.Database
}

func open(t testing.TB) *store {
	t.Helper()
	urls := pgtest.New(t, postgres.Migrate)
	return openAt(t, urls)
}

func openAt(t testing.TB, urls *pgtest.Database) *store {
	t.Helper()
	return openAs(t, urls, postgres.Config{})
}

// openWith is open with another configuration.
func openWith(t testing.TB, cfg postgres.Config) *store {
	t.Helper()
	return openAs(t, pgtest.New(t, postgres.Migrate), cfg)
}

func openAs(t testing.TB, urls *pgtest.Database, cfg postgres.Config) *store {
	t.Helper()
	cfg.URL = urls.URL
	db, err := postgres.Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	return &store{db, t, urls}
}

func (s *store) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

func (s *store) exec(tx pgx.Tx, sql string, args ...any) {
	s.t.Helper()
	if _, err := tx.Exec(s.t.Context(), sql, args...); err != nil {
		s.t.Fatalf("%s: %v", strings.TrimSpace(sql), err)
	}
}

// owner runs as the owner.
func (s *store) owner(f func(tx *postgres.Tx)) {
	s.t.Helper()
	s.must(s.Owner(s.t.Context(), func(tx *postgres.Tx) error { f(tx); return nil }))
}

// as runs as a tenant.
func (s *store) as(org uuid.UUID, f func(tx *postgres.Tx) error) {
	s.t.Helper()
	s.must(s.Tenant(s.t.Context(), org, f))
}

func newID() uuid.UUID { return uuid.Must(uuid.NewV7()) }

func (s *store) organization() uuid.UUID {
	s.t.Helper()
	id := newID()
	s.owner(func(tx *postgres.Tx) {
		s.exec(tx, `insert into bartizan.organization (organization_id, name, title) values ($1, $2, 'Example')`, id, "org-"+strings.ReplaceAll(id.String(), "-", ""))
	})
	return id
}

func (s *store) system(org uuid.UUID) uuid.UUID {
	s.t.Helper()
	id := newID()
	s.as(org, func(tx *postgres.Tx) error {
		s.exec(tx, `insert into bartizan.system (id, name) values ($1, $2)`, id, id.String())
		return nil
	})
	return id
}

func (s *store) document(org, system uuid.UUID) uuid.UUID {
	s.t.Helper()
	id := newID()
	s.as(org, func(tx *postgres.Tx) error {
		s.exec(tx, `insert into bartizan.document (id, system_id, reference, name) values ($1, $2, $3, $3)`, id, system, id.String())
		return nil
	})
	return id
}

// revise gives a document a new revision that was read and holds the given
// passages.
func (s *store) revise(org, system, document uuid.UUID, passages ...threatmodel.Passage) (revision uuid.UUID) {
	s.t.Helper()
	revision = newID()
	ctx := s.t.Context()
	s.as(org, func(tx *postgres.Tx) error {
		sum := sha256.Sum256(fmt.Append(nil, passages))
		s.exec(tx, `insert into bartizan.revision (id, document_id, number, name, sha256, size, created_by)
			select $1, $2, 1 + count(*), 'design.md', $3, 1, 'test' from bartizan.revision where document_id = $2`, revision, document, sum[:])
		s.exec(tx, `insert into bartizan.ingestion (revision_id, state) values ($1, 'read')`, revision)
		source := newID()
		s.exec(tx, `insert into bartizan.source (id, revision_id, position, name, sha256, content) values ($1, $2, 0, 'design.md', '', '')`, source, revision)
		if err := tx.PutPassages(ctx, system, source, passages); err != nil {
			return err
		}
		return tx.CountRevisions(ctx, system, document)
	})
	return revision
}

// say makes passages of texts, all under one heading.
func say(texts ...string) []threatmodel.Passage {
	out := make([]threatmodel.Passage, len(texts))
	for i, text := range texts {
		out[i] = threatmodel.Passage{ID: fmt.Sprintf("p-%d", i), Heading: "Design", Text: text, Locator: threatmodel.Locator{HeadingPath: []string{"Design"}}}
	}
	return out
}

// admin looks behind row-level security.
func (s *store) admin(f func(ctx context.Context, conn *pgx.Conn)) {
	s.t.Helper()
	conn, err := pgx.Connect(s.t.Context(), s.urls.AdminURL)
	s.must(err)
	defer func() { s.must(conn.Close(s.t.Context())) }()
	f(s.t.Context(), conn)
}

// scan reads one value behind row-level security.
func scan[T any](s *store, sql string, args ...any) (out T) {
	s.t.Helper()
	s.admin(func(ctx context.Context, conn *pgx.Conn) {
		if err := conn.QueryRow(ctx, sql, args...).Scan(&out); err != nil {
			s.t.Fatalf("%s: %v", sql, err)
		}
	})
	return out
}
