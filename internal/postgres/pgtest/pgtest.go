// Package pgtest gives every test a PostgreSQL database of its own, with
// pgvector, in some ten milliseconds.
//
//	func TestSomething(t *testing.T) {
//		db := pgtest.New(t, postgres.Migrate)
//		// db.URL logs in as the owner of the database
//	}
//
// All test binaries of a `go test ./...` share one throw-away server, which the
// first test that needs it starts and which ends by itself half a minute after
// the last one. A database is a copy of a template that is migrated once a test
// binary; it is dropped when its test passes, and stays for a look when it
// fails, as long as the server lives.
//
// $BARTIZAN_TEST_DATABASE_URL names another server, by the URL of a superuser:
// postgres://postgres:secret@localhost:5432/postgres. Where there is neither
// that nor an installed PostgreSQL the tests fail, and say how to install it: a
// check that is passed over in silence is none. The value "skip" skips them.
package pgtest

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"
	"os"
	"reflect"
	"runtime"
	"testing"

	"github.com/jackc/pgx/v5"
	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx", which pgtestdb connects with
	"github.com/peterldowns/pgtestdb"
)

// EnvURL is the environment variable that names another server, or is "skip".
const EnvURL = "BARTIZAN_TEST_DATABASE_URL"

// The roles that the service knows. Owner owns every test database but may
// neither make roles nor bypass row-level security; App owns nothing, and
// Owner may become it.
const (
	Owner = "bartizan_owner"
	App   = "bartizan_app"
)

// password is the roles' own, for servers that ask for one.
const password = "bartizan"

// Migrate brings the database at a URL, which logs in as its owner and holds
// nothing but pgvector, to the state that tests start from.
type Migrate func(ctx context.Context, url string) error

// Database is a test's own.
type Database struct {
	Name string
	// URL logs in as Owner, AppURL as App, and AdminURL as a superuser, whom
	// no row-level security holds: to look behind the code under test.
	URL, AppURL, AdminURL string
}

// New makes a database on the server that all tests share. Nil for migrate
// gives one with pgvector alone. The test must close its connections before it ends.
func New(t testing.TB, migrate Migrate) *Database {
	t.Helper()
	return Shared(t).New(t, migrate)
}

// Server is a PostgreSQL server that databases can be made on.
type Server struct {
	admin *url.URL
	id    string // of this start of it: what was made on another is not there
}

// Shared is the server that all tests share. It does not stop before the test
// ends.
func Shared(t testing.TB) *Server {
	t.Helper()
	var server *Server
	var err error
	switch name := os.Getenv(EnvURL); name {
	case "skip":
		t.Skipf("tests that need PostgreSQL are skipped: $%s is %q", EnvURL, name)
	case "":
		server, err = join(t)
	default:
		server, err = named(name)
	}
	if err != nil {
		t.Fatalf("no PostgreSQL for this test: %v\n(`make postgres` installs it where it can; $%s=skip skips such tests)", err, EnvURL)
	}
	return server
}

// named is a server that somebody else runs.
func named(name string) (*Server, error) {
	admin, err := url.Parse(name)
	if err != nil || admin.Scheme != "postgres" && admin.Scheme != "postgresql" {
		return nil, fmt.Errorf("$%s is no URL that begins with postgres://", EnvURL)
	}
	return &Server{admin: admin, id: name}, nil
}

// New makes a database on the server.
func (s *Server) New(t testing.TB, migrate Migrate) *Database {
	t.Helper()
	if err := s.makeRoles(t.Context()); err != nil {
		t.Fatalf("make the roles of the tests: %v", err)
	}
	made := pgtestdb.Custom(t, s.config(), template{server: s, migrate: migrate})
	return &Database{
		Name: made.Database, URL: s.url(made.Database, Owner),
		AppURL: s.url(made.Database, App), AdminURL: s.url(made.Database, ""),
	}
}

// config tells pgtestdb where the server is. Where it listens on a socket, the
// host stands among the options, which is where its URL has room for a path.
func (s *Server) config() pgtestdb.Config {
	secret, _ := s.admin.User.Password()
	user := s.admin.User.Username()
	if user == "" {
		user = s.admin.Query().Get("user")
	}
	options := s.admin.Query()
	options.Del("user")
	return pgtestdb.Config{
		DriverName: "pgx", Host: s.admin.Hostname(), Port: s.admin.Port(), User: user, Password: secret,
		Database: database(s.admin), Options: options.Encode(),
		TestRole: &pgtestdb.Role{Username: Owner, Password: password},
	}
}

// url is for a database and a role; the empty role is the superuser.
func (s *Server) url(name, role string) string {
	u := *s.admin
	u.Path = "/" + name
	if role != "" {
		query := u.Query()
		query.Del("user")
		u.RawQuery = query.Encode()
		u.User = url.UserPassword(role, password)
	}
	return u.String()
}

func database(u *url.URL) string {
	if len(u.Path) > 1 {
		return u.Path[1:]
	}
	return "postgres"
}

// makeRoles makes the roles once a server; several test binaries may do so at
// the same time.
func (s *Server) makeRoles(ctx context.Context) (err error) {
	conn, err := pgx.Connect(ctx, s.admin.String())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, conn.Close(ctx)) }()
	var made bool
	err = conn.QueryRow(ctx, `select count(*) = 2 and bool_and(pg_has_role($1, oid, 'MEMBER')) from pg_roles where rolname in ($1, $2)`, Owner, App).Scan(&made)
	if err != nil || made {
		return err
	}
	_, err = conn.Exec(ctx, fmt.Sprintf(`
		do $$ begin
			perform pg_advisory_xact_lock(hashtext('%[1]s'));
			if not exists (select from pg_roles where rolname = '%[1]s') then
				create role %[1]s login password '%[3]s' nosuperuser nocreatedb nocreaterole nobypassrls;
			end if;
			if not exists (select from pg_roles where rolname = '%[2]s') then
				create role %[2]s login password '%[3]s' nosuperuser nocreatedb nocreaterole nobypassrls;
			end if;
			grant %[2]s to %[1]s;
		end $$`, Owner, App, password))
	return err
}

// template is what pgtestdb copies. The test binary holds the migrations, so
// that another build of it has a template of its own.
type template struct {
	server  *Server
	migrate Migrate
}

// Hash names the template: by the binary, the function, and the server.
func (m template) Hash() (string, error) {
	path, err := os.Executable()
	if err != nil {
		return "", err
	}
	binary, err := os.Stat(path)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(fmt.Appendf(nil, "%s %d %d %s %s", path, binary.Size(), binary.ModTime().UnixNano(), m.name(), m.server.id))
	return hex.EncodeToString(sum[:8]), nil
}

func (m template) name() string {
	if m.migrate == nil {
		return "empty"
	}
	return runtime.FuncForPC(reflect.ValueOf(m.migrate).Pointer()).Name()
}

// Migrate fills the template. pgvector is there before the migrations: only a
// superuser may install it.
func (m template) Migrate(ctx context.Context, _ *sql.DB, made pgtestdb.Config) error {
	conn, err := pgx.Connect(ctx, m.server.url(made.Database, ""))
	if err != nil {
		return err
	}
	_, err = conn.Exec(ctx, "create extension if not exists vector")
	if err := errors.Join(err, conn.Close(ctx)); err != nil {
		return fmt.Errorf("install pgvector in the template: %w", err)
	}
	if m.migrate == nil {
		return nil
	}
	return m.migrate(ctx, m.server.url(made.Database, Owner))
}
