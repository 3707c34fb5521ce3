package postgres

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivermigrate"
)

//go:embed migrations/*.sql
var migrationFiles embed.FS

const (
	// migrationTable is where goose keeps what was done.
	migrationTable = "bartizan.migration"
	// RiverSchema is where River keeps its jobs.
	RiverSchema = "river"
	// migrationLock is the advisory lock that one migrator at a time holds; the
	// number means nothing.
	migrationLock = 0x62617274697a616e
)

// Migration is one step of the database to this program's version.
type Migration struct {
	// Name is the file's, or "river 6" for one of River's own.
	Name string
	// AppliedAt is zero for one that is still to be done.
	AppliedAt time.Time
}

// Migrate brings a database to this program's version: role, extension, tables,
// River's own tables. Others that do the same at the same time wait. The errors
// say what is missing, and the SQL that an administrator runs where the login
// may not do it itself.
func Migrate(ctx context.Context, url string) (err error) {
	cfg, err := pgx.ParseConfig(url)
	if err != nil {
		return fmt.Errorf("the database's URL: %w", err)
	}
	conn, err := pgx.ConnectConfig(ctx, cfg)
	if err != nil {
		return fmt.Errorf("connecting to the database: %w", err)
	}
	defer func() { err = errors.Join(err, conn.Close(context.WithoutCancel(ctx))) }() // gives the lock back too
	if _, err := conn.Exec(ctx, "select pg_advisory_lock($1)", int64(migrationLock)); err != nil {
		return fmt.Errorf("waiting for another migration of this database: %w", err)
	}
	if err := prepare(ctx, conn); err != nil {
		return err
	}
	if err := migrateOurs(ctx, cfg); err != nil {
		return err
	}
	return migrateRiver(ctx, url)
}

func migrateOurs(ctx context.Context, cfg *pgx.ConnConfig) error {
	provider, err := newProvider(cfg)
	if err != nil {
		return err
	}
	defer provider.Close()
	if _, err := provider.Up(ctx); err != nil {
		return fmt.Errorf("migrating the database: %w", err)
	}
	return nil
}

// newProvider opens goose on the database.
func newProvider(cfg *pgx.ConnConfig) (*goose.Provider, error) {
	files, err := fs.Sub(migrationFiles, "migrations")
	if err != nil {
		return nil, err
	}
	return goose.NewProvider(goose.DialectPostgres, stdlib.OpenDB(*cfg), files,
		goose.WithTableName(migrationTable), goose.WithDisableGlobalRegistry(true), goose.WithSlog(slog.New(slog.DiscardHandler)))
}

func migrateRiver(ctx context.Context, url string) error {
	pool, err := pgxpool.New(ctx, url)
	if err != nil {
		return fmt.Errorf("connecting to the database: %w", err)
	}
	defer pool.Close()
	migrator, err := newRiverMigrator(pool)
	if err != nil {
		return err
	}
	if _, err := migrator.Migrate(ctx, rivermigrate.DirectionUp, nil); err != nil {
		return fmt.Errorf("migrating River's tables: %w", err)
	}
	return nil
}

func newRiverMigrator(pool *pgxpool.Pool) (*rivermigrate.Migrator[pgx.Tx], error) {
	return rivermigrate.New(riverpgxv5.New(pool), &rivermigrate.Config{Schema: RiverSchema, Logger: slog.New(slog.DiscardHandler)})
}

// Status lists the migrations, done and to be done, in their order.
func Status(ctx context.Context, url string) ([]Migration, error) {
	cfg, err := pgx.ParseConfig(url)
	if err != nil {
		return nil, fmt.Errorf("the database's URL: %w", err)
	}
	conn, err := pgx.ConnectConfig(ctx, cfg)
	if err != nil {
		return nil, fmt.Errorf("connecting to the database: %w", err)
	}
	defer conn.Close(context.WithoutCancel(ctx))
	return status(ctx, conn)
}

// status reads what was done without goose: that would make its table.
func status(ctx context.Context, conn *pgx.Conn) ([]Migration, error) {
	done, err := appliedVersions(ctx, conn, `select version_id, max(tstamp)::timestamptz from bartizan.migration where is_applied group by 1`)
	if err != nil {
		return nil, err
	}
	names, err := fs.Glob(migrationFiles, "migrations/*.sql")
	if err != nil {
		return nil, err
	}
	var out []Migration
	for _, path := range names {
		version, err := goose.NumericComponent(path)
		if err != nil {
			return nil, err
		}
		out = append(out, Migration{Name: strings.TrimSuffix(strings.TrimPrefix(path, "migrations/"), ".sql"), AppliedAt: done[version]})
	}
	river, err := riverStatus(ctx, conn)
	return append(out, river...), err
}

func riverStatus(ctx context.Context, conn *pgx.Conn) ([]Migration, error) {
	done, err := appliedVersions(ctx, conn, `select version, created_at from river.river_migration where line = 'main'`)
	if err != nil {
		return nil, err
	}
	// No query is made: the migrator knows its versions.
	pool, err := pgxpool.NewWithConfig(ctx, lazily(conn.Config()))
	if err != nil {
		return nil, err
	}
	defer pool.Close()
	migrator, err := newRiverMigrator(pool)
	if err != nil {
		return nil, err
	}
	var out []Migration
	for _, m := range migrator.AllVersions() {
		out = append(out, Migration{Name: fmt.Sprintf("river %d", m.Version), AppliedAt: done[int64(m.Version)]})
	}
	return out, nil
}

// lazily is a pool's configuration that opens no connection by itself.
func lazily(conn *pgx.ConnConfig) *pgxpool.Config {
	cfg, err := pgxpool.ParseConfig("")
	if err != nil {
		panic(fmt.Sprintf("postgres: the empty configuration does not parse: %v", err))
	}
	cfg.ConnConfig, cfg.MinConns = conn, 0
	return cfg
}

func appliedVersions(ctx context.Context, conn *pgx.Conn, sql string) (map[int64]time.Time, error) {
	out := map[int64]time.Time{}
	rows, err := conn.Query(ctx, sql)
	if err == nil {
		var version int64
		var at time.Time
		_, err = pgx.ForEachRow(rows, []any{&version, &at}, func() error {
			out[version] = at
			return nil
		})
	}
	if code := sqlState(err); code == undefinedTable || code == invalidSchemaName {
		return out, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading which migrations were done: %w", err)
	}
	return out, nil
}

// checkMigrated is nil where nothing is left to do.
func checkMigrated(ctx context.Context, conn *pgx.Conn) error {
	all, err := status(ctx, conn)
	if err != nil {
		return err
	}
	left := 0
	for _, m := range all {
		if m.AppliedAt.IsZero() {
			left++
		}
	}
	if left > 0 {
		return fmt.Errorf("%w: %d of %d steps are still to be done; run bartizan migrate up", ErrNotMigrated, left, len(all))
	}
	return nil
}
