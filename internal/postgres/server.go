package postgres

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"
)

// Versions of PostgreSQL and pgvector that are known to work.
const (
	minServer, maxServer = 15, 18
	minVector            = "0.8.0"
	// Below it, parallel index builds overflow (until 0.8.2) and vacuum may
	// damage an index (until 0.8.3).
	goodVector = "0.8.3"
	// PostgreSQL 18 needs it.
	minVector18 = "0.8.1"
)

// checkServer says what of the server does not fit, and in warnings what fits
// badly.
func checkServer(ctx context.Context, conn *pgx.Conn) (warnings []string, err error) {
	major, err := serverVersion(ctx, conn)
	if err != nil {
		return nil, err
	}
	if major < minServer {
		return nil, fmt.Errorf("this is PostgreSQL %d; Bartizan needs %d to %d", major, minServer, maxServer)
	}
	if major > maxServer {
		warnings = append(warnings, fmt.Sprintf("this is PostgreSQL %d; Bartizan was tried with %d to %d", major, minServer, maxServer))
	}
	var version string
	err = conn.QueryRow(ctx, "select coalesce((select extversion from pg_extension where extname = 'vector'), '')").Scan(&version)
	if err != nil {
		return nil, fmt.Errorf("asking for the version of pgvector: %w", err)
	}
	if version == "" {
		return nil, fmt.Errorf("%w: it has no extension vector; run bartizan migrate up", ErrNotMigrated)
	}
	if need := vectorFor(major); compareVersions(version, need) < 0 {
		return nil, fmt.Errorf("the database has pgvector %s; with PostgreSQL %d Bartizan needs %s or later: install it, then run as its owner: alter extension vector update", version, major, need)
	}
	if compareVersions(version, goodVector) < 0 {
		warnings = append(warnings, fmt.Sprintf("pgvector is %s: faults of building and vacuuming its indexes are mended in %s; update it before an organization has more than %d passages", version, goodVector, annThreshold))
	}
	return warnings, nil
}

func serverVersion(ctx context.Context, conn *pgx.Conn) (int, error) {
	var number int
	if err := conn.QueryRow(ctx, "select current_setting('server_version_num')::int").Scan(&number); err != nil {
		return 0, fmt.Errorf("asking for the version of PostgreSQL: %w", err)
	}
	return number / 10000, nil
}

func vectorFor(major int) string {
	if major >= 18 {
		return minVector18
	}
	return minVector
}

// compareVersions orders dotted numbers; what is no number counts as 0.
func compareVersions(a, b string) int {
	x, y := strings.Split(a, "."), strings.Split(b, ".")
	for i := range max(len(x), len(y)) {
		if d := part(x, i) - part(y, i); d != 0 {
			return d
		}
	}
	return 0
}

func part(parts []string, i int) int {
	if i >= len(parts) {
		return 0
	}
	n, _ := strconv.Atoi(parts[i])
	return n
}

// prepare makes what the migrations stand on: schemas, the application role,
// the extension. Each error holds the SQL that would mend it.
func prepare(ctx context.Context, conn *pgx.Conn) error {
	major, err := serverVersion(ctx, conn)
	if err != nil {
		return err
	}
	if major < minServer {
		return fmt.Errorf("this is PostgreSQL %d; Bartizan needs %d to %d", major, minServer, maxServer)
	}
	if err := prepareExtension(ctx, conn, major); err != nil {
		return err
	}
	if err := prepareRole(ctx, conn, major); err != nil {
		return err
	}
	for _, schema := range []string{"bartizan", RiverSchema} {
		if err := prepareSchema(ctx, conn, schema); err != nil {
			return err
		}
	}
	return nil
}

// prepareSchema makes a schema. It looks first: "if not exists" wants the right
// to make one also where it is there.
func prepareSchema(ctx context.Context, conn *pgx.Conn, schema string) error {
	var there bool
	if err := conn.QueryRow(ctx, "select to_regnamespace($1) is not null", schema).Scan(&there); err != nil {
		return fmt.Errorf("looking for the schema %s: %w", schema, err)
	}
	if there {
		return nil
	}
	if _, err := conn.Exec(ctx, "create schema "+schema); err != nil {
		return fmt.Errorf("the login may not make the schema %s: run as an administrator, in this database: create schema %s authorization %s: %w", schema, schema, quoted(conn.Config().User), err)
	}
	return nil
}

func prepareExtension(ctx context.Context, conn *pgx.Conn, major int) error {
	var installed, available string
	err := conn.QueryRow(ctx, `select coalesce((select extversion from pg_extension where extname = 'vector'), ''),
		coalesce((select default_version from pg_available_extensions where name = 'vector'), '')`).Scan(&installed, &available)
	if err != nil {
		return fmt.Errorf("asking for the extension vector: %w", err)
	}
	need := vectorFor(major)
	sql := "create extension vector"
	switch {
	case installed != "" && compareVersions(installed, need) >= 0:
		return visibleExtension(ctx, conn)
	case available == "":
		return fmt.Errorf("the server has no pgvector: install it on the machine that PostgreSQL runs on (Debian and Ubuntu: apt install postgresql-%d-pgvector)", major)
	case compareVersions(available, need) < 0:
		return fmt.Errorf("the server has pgvector %s; with PostgreSQL %d Bartizan needs %s or later", available, major, need)
	case installed != "":
		sql = "alter extension vector update"
	}
	if _, err := conn.Exec(ctx, sql); err != nil {
		return fmt.Errorf("the login may not install pgvector in this database: run as an administrator, in this database: %s: %w", sql, err)
	}
	return visibleExtension(ctx, conn)
}

// visibleExtension makes sure that the types are found without a schema.
func visibleExtension(ctx context.Context, conn *pgx.Conn) error {
	var visible bool
	if err := conn.QueryRow(ctx, "select to_regtype('halfvec') is not null").Scan(&visible); err != nil {
		return fmt.Errorf("looking for the type halfvec: %w", err)
	}
	if !visible {
		return fmt.Errorf("pgvector is installed in a schema outside of the search path: run as an administrator, in this database: alter extension vector set schema public")
	}
	return nil
}

func prepareRole(ctx context.Context, conn *pgx.Conn, major int) error {
	login := conn.Config().User
	remedy := fmt.Sprintf("create role %s nologin; grant %s to %s", appRole, appRole, quoted(login))
	var there bool
	if err := conn.QueryRow(ctx, "select exists (select from pg_roles where rolname = $1)", appRole).Scan(&there); err != nil {
		return fmt.Errorf("looking for the role %s: %w", appRole, err)
	}
	if !there {
		_, err := conn.Exec(ctx, "create role "+appRole+" nologin")
		// Another database of the same server may be migrated right now.
		if err != nil && !violates(err, duplicateObject, "") && !violates(err, uniqueViolation, "") {
			return fmt.Errorf("the login may not make the role %s: run as an administrator: %s: %w", appRole, remedy, err)
		}
	}
	return joinRole(ctx, conn, major, remedy)
}

// joinRole lets the login become the application role.
func joinRole(ctx context.Context, conn *pgx.Conn, major int, remedy string) error {
	privilege := "MEMBER"
	if major >= 16 { // membership no longer means that one may become it
		privilege = "SET"
	}
	var member, bypass bool
	err := conn.QueryRow(ctx, "select pg_has_role(current_user, $1, $2), (select rolsuper or rolbypassrls from pg_roles where rolname = $1)", appRole, privilege).Scan(&member, &bypass)
	if err != nil {
		return fmt.Errorf("asking about the role %s: %w", appRole, err)
	}
	if bypass {
		return fmt.Errorf("the role %s bypasses row-level security: run as an administrator: alter role %s nosuperuser nobypassrls", appRole, appRole)
	}
	if member {
		return nil
	}
	_, err = conn.Exec(ctx, "grant "+appRole+" to current_user")
	if err != nil && !violates(err, uniqueViolation, "") {
		return fmt.Errorf("the login may not become %s: run as an administrator: %s: %w", appRole, remedy, err)
	}
	return nil
}

func quoted(name string) string { return pgx.Identifier{name}.Sanitize() }
