// Package postgres holds everything that speaks SQL: migrations, queries,
// tenants held apart by row-level security, search, the memo of model answers,
// limits, and the audit trail.
//
// Two roles work on the database. [DB.Tenant] runs as bartizan_app, which owns
// nothing and sees the rows of one organization; that is what almost everything
// uses. [DB.Owner] runs as the login itself, which owns the tables and sees all:
// for dispatching, housekeeping, purging and administration.
package postgres

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	pgxvec "github.com/pgvector/pgvector-go/pgx"
)

//go:generate go tool -modfile=../../.ci/sqlc.mod sqlc generate -f sqlc.yaml

// appRole is the role that [DB.Tenant] runs as.
const appRole = "bartizan_app"

// Config says where the database is and how it is used.
type Config struct {
	// URL logs in as the owner of the tables.
	URL string
	// AppURL logs in as a member of bartizan_app. Empty means the login of URL,
	// which then becomes bartizan_app when it connects.
	AppURL string
	// MaxConns bounds each of the two pools; default 10 for the owner's, 20 for
	// the application's.
	MaxConns int
	// StatementTimeout bounds one statement of the application; default one
	// minute.
	StatementTimeout time.Duration
	// IdleTimeout bounds how long a transaction of the application may wait for
	// its own program; default one minute.
	IdleTimeout time.Duration
	// Lease is how long what a process holds outlives it: claims on questions,
	// calls that count under limits. Default 15 seconds; tests have less.
	Lease time.Duration
	// Notice is given what the server says beside results; nil drops it.
	Notice func(message string)
}

const (
	defaultOwnerConns = 10
	defaultAppConns   = 20
	defaultLease      = 15 * time.Second
	// renewals in the time of a lease.
	renewals = 4
	// beginTries is how often a transaction is tried that meets another's
	// changes or a connection that has gone.
	beginTries = 6
	retryDelay = 10 * time.Millisecond
)

// DB is an open database. It is safe for concurrent use.
type DB struct {
	app, owner *pgxpool.Pool
	warnings   []string
	lease      time.Duration
}

// Open connects, and checks that the database is one that [Migrate] has brought
// to this program's version: [ErrNotMigrated] otherwise.
func Open(ctx context.Context, cfg Config) (_ *DB, err error) {
	db := &DB{lease: cfg.Lease}
	if db.lease <= 0 {
		db.lease = defaultLease
	}
	defer func() {
		if err != nil {
			db.Close()
		}
	}()
	if db.owner, err = openPool(ctx, cfg, cfg.URL, defaultOwnerConns, map[string]string{
		"application_name": "bartizan", "timezone": "UTC",
	}); err != nil {
		return nil, err
	}
	if err := db.check(ctx); err != nil {
		return nil, err
	}
	appURL := cfg.AppURL
	if appURL == "" {
		appURL = cfg.URL
	}
	if db.app, err = openPool(ctx, cfg, appURL, defaultAppConns, map[string]string{
		"application_name": "bartizan", "timezone": "UTC",
		// As the connection starts, so that RESET ROLE leads back to it.
		"role":                                appRole,
		"statement_timeout":                   milliseconds(cfg.StatementTimeout),
		"idle_in_transaction_session_timeout": milliseconds(cfg.IdleTimeout),
	}); err != nil {
		return nil, err
	}
	return db, db.checkAppRole(ctx)
}

func milliseconds(d time.Duration) string {
	if d <= 0 {
		d = time.Minute
	}
	return strconv.FormatInt(d.Milliseconds(), 10)
}

func openPool(ctx context.Context, c Config, url string, standard int, params map[string]string) (*pgxpool.Pool, error) {
	cfg, err := pgxpool.ParseConfig(url)
	if err != nil {
		return nil, fmt.Errorf("the database's URL: %w", err)
	}
	cfg.MaxConns = int32(standard)
	if c.MaxConns > 0 {
		cfg.MaxConns = int32(c.MaxConns)
	}
	if c.Notice != nil {
		cfg.ConnConfig.OnNotice = func(_ *pgconn.PgConn, n *pgconn.Notice) { c.Notice(n.Message) }
	}
	cfg.MaxConnIdleTime = 5 * time.Minute
	for k, v := range params {
		if _, given := cfg.ConnConfig.RuntimeParams[k]; !given || k == "role" {
			cfg.ConnConfig.RuntimeParams[k] = v
		}
	}
	cfg.AfterConnect = func(ctx context.Context, c *pgx.Conn) error {
		if err := pgxvec.RegisterTypes(ctx, c); err != nil {
			return fmt.Errorf("this database has no pgvector 0.7 or later: run bartizan migrate up: %w", err)
		}
		return nil
	}
	return pgxpool.NewWithConfig(ctx, cfg)
}

// check makes sure that the server fits and that nothing is left to migrate.
func (db *DB) check(ctx context.Context) error {
	// Without the pool: its connections want the extension, and what is
	// missing shall be said.
	conn, err := pgx.ConnectConfig(ctx, db.owner.Config().ConnConfig)
	if err != nil {
		return fmt.Errorf("connecting to the database: %w", err)
	}
	defer conn.Close(context.WithoutCancel(ctx))
	if db.warnings, err = checkServer(ctx, conn); err != nil {
		return err
	}
	return checkMigrated(ctx, conn)
}

// checkAppRole makes sure that the application cannot bypass row-level
// security.
func (db *DB) checkAppRole(ctx context.Context) error {
	var name string
	var bypass, owns bool
	err := db.app.QueryRow(ctx, `
		select current_user, r.rolsuper or r.rolbypassrls,
			exists (select from pg_class c join pg_namespace n on n.oid = c.relnamespace where n.nspname = 'bartizan' and c.relowner = r.oid)
		from pg_roles r where r.rolname = current_user`).Scan(&name, &bypass, &owns)
	if err != nil {
		return fmt.Errorf("connecting to the database as %s: %w", appRole, err)
	}
	if bypass || owns || name != appRole {
		return fmt.Errorf("the role %s could see rows of every organization: the application must run as %s, which owns no table and has neither SUPERUSER nor BYPASSRLS", name, appRole)
	}
	return nil
}

// Warnings are sentences about the server that an operator should know.
func (db *DB) Warnings() []string { return db.warnings }

// Close ends all connections, once what they do is done.
func (db *DB) Close() {
	for _, p := range []*pgxpool.Pool{db.app, db.owner} {
		if p != nil {
			p.Close()
		}
	}
}

// Ping asks both roles' connections for a sign of life.
func (db *DB) Ping(ctx context.Context) error {
	return errors.Join(db.app.Ping(ctx), db.owner.Ping(ctx))
}

// Pool is the application's pool. Outside of [DB.Tenant] it sees no row.
func (db *DB) Pool() *pgxpool.Pool { return db.app }

// OwnerPool is the owner's pool, for River and for LISTEN.
func (db *DB) OwnerPool() *pgxpool.Pool { return db.owner }
