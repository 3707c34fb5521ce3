package cluster

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// MakeDatabase makes what only a superuser may, as far as it is missing: the
// role that owns the database, roles that it may become, the database, and
// pgvector in it, which is brought to the version that is installed. None of
// the roles may bypass row-level security. Whoever started the cluster can
// then log in as the owner, if Options.Roles names it.
func (c *Cluster) MakeDatabase(ctx context.Context, name, owner string, members ...string) error {
	err := c.do(ctx, Database, func(conn *pgx.Conn) error {
		for _, role := range append([]string{owner}, members...) {
			if err := makeRole(ctx, conn, role); err != nil {
				return err
			}
		}
		for _, member := range members {
			if err := run(ctx, conn, "grant %s to %s", member, owner); err != nil {
				return err
			}
		}
		return makeDatabase(ctx, conn, name, owner)
	})
	if err != nil {
		return fmt.Errorf("make the database %s: %w", name, err)
	}
	err = c.do(ctx, name, func(conn *pgx.Conn) error {
		_, err := conn.Exec(ctx, "create extension if not exists vector; alter extension vector update")
		return err
	})
	if err != nil {
		return fmt.Errorf("install pgvector in the database %s: %w", name, err)
	}
	return nil
}

// do runs something as the superuser.
func (c *Cluster) do(ctx context.Context, database string, what func(*pgx.Conn) error) (err error) {
	conn, err := pgx.Connect(ctx, c.URL(database, Superuser))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, conn.Close(context.WithoutCancel(ctx))) }()
	return what(conn)
}

func makeRole(ctx context.Context, conn *pgx.Conn, role string) error {
	var there bool
	err := conn.QueryRow(ctx, "select exists (select from pg_roles where rolname = $1)", role).Scan(&there)
	if err != nil || there {
		return err
	}
	return run(ctx, conn, "create role %s login nosuperuser nocreatedb nocreaterole nobypassrls", role)
}

func makeDatabase(ctx context.Context, conn *pgx.Conn, name, owner string) error {
	var there bool
	err := conn.QueryRow(ctx, "select exists (select from pg_database where datname = $1)", name).Scan(&there)
	if err != nil || there {
		return err
	}
	return run(ctx, conn, "create database %s owner %s", name, owner)
}

// run executes a statement with names in it, quoted.
func run(ctx context.Context, conn *pgx.Conn, statement string, names ...string) error {
	quoted := make([]any, len(names))
	for i, name := range names {
		quoted[i] = pgx.Identifier{name}.Sanitize()
	}
	_, err := conn.Exec(ctx, fmt.Sprintf(statement, quoted...))
	return err
}
