package postgres

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/bartizan-security/bartizan/internal/postgres/query"
)

// Tx is a transaction, with the queries that were made from SQL files. It ends
// with the function that it was given to.
type Tx struct {
	pgx.Tx
	*query.Queries
	// Organization is the tenant; [uuid.Nil] under [DB.Owner].
	Organization uuid.UUID

	audit []pendingEvent
}

// Tenant runs a function in a transaction that sees and changes the rows of one
// organization only. It commits where the function returns nil.
//
// The function runs again where another transaction got in its way, or where
// the connection was gone before it began: nothing of it may reach beyond the
// transaction. An error that holds for [Temporary] says that the database is
// not to be reached right now; where it is [ErrCommitUnknown] too, the
// transaction may have been committed.
func (db *DB) Tenant(ctx context.Context, organization uuid.UUID, f func(*Tx) error) error {
	if organization == uuid.Nil {
		return errors.New("a transaction was begun for no organization")
	}
	return run(ctx, db.app, organization, f)
}

// Owner runs a function in a transaction of the owner, who sees every row:
// queries under it name the organization themselves. It retries as
// [DB.Tenant] does.
func (db *DB) Owner(ctx context.Context, f func(*Tx) error) error {
	return run(ctx, db.owner, uuid.Nil, f)
}

// OwnerOf is [DB.Owner] with the tenant set, for what calls functions that ask
// for it and for [Tx.Audit]. Row-level security does not hold: queries name the
// organization.
func (db *DB) OwnerOf(ctx context.Context, organization uuid.UUID, f func(*Tx) error) error {
	return run(ctx, db.owner, organization, f)
}

func run(ctx context.Context, pool *pgxpool.Pool, organization uuid.UUID, f func(*Tx) error) error {
	delay := retryDelay
	for try := 1; ; try++ {
		began, err := attempt(ctx, pool, organization, f)
		again := conflicts(err) || (!began && Temporary(err))
		if err == nil || !again || try == beginTries {
			return err
		}
		select {
		case <-time.After(delay/2 + rand.N(delay)):
			delay *= 2
		case <-ctx.Done():
			return err
		}
	}
}

// attempt is one try of a transaction; began says whether f ran.
func attempt(ctx context.Context, pool *pgxpool.Pool, organization uuid.UUID, f func(*Tx) error) (began bool, err error) {
	options := pgx.TxOptions{}
	if organization != uuid.Nil {
		// One round trip for both. A UUID's text needs no quoting.
		options.BeginQuery = "begin; select set_config('app.organization_id', '" + organization.String() + "', true)"
	}
	tx, err := pool.BeginTx(ctx, options)
	if err != nil {
		return false, fmt.Errorf("beginning a transaction: %w", err)
	}
	// After a commit this does nothing; a panic passes through it.
	defer func() { _ = tx.Rollback(context.WithoutCancel(ctx)) }()
	t := &Tx{Tx: tx, Queries: query.New(tx), Organization: organization}
	if err := f(t); err != nil {
		return true, err
	}
	if err := t.writeAudit(ctx); err != nil {
		return true, err
	}
	if err := tx.Commit(ctx); err != nil {
		return true, commitError(err)
	}
	return true, nil
}
