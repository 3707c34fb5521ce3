package postgres

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"syscall"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

var (
	// ErrNotMigrated is given where the database has not the tables of this
	// program's version.
	ErrNotMigrated = errors.New("the database is not migrated")
	// ErrCommitUnknown is given where the connection was lost during a commit:
	// the transaction may have been committed or not.
	ErrCommitUnknown = errors.New("the connection was lost during a commit: it is not known whether it counts")
	// ErrNoRows is given by queries for one row where there is none.
	ErrNoRows = pgx.ErrNoRows
)

// SQLSTATE codes, PostgreSQL's appendix A.
const (
	serializationFailure = "40001"
	deadlockDetected     = "40P01"
	lockNotAvailable     = "55P03"
	uniqueViolation      = "23505"
	checkViolation       = "23514"
	duplicateObject      = "42710"
	undefinedTable       = "42P01"
	invalidSchemaName    = "3F000"
)

// conflicts reports whether a transaction failed only because others ran
// beside it.
func conflicts(err error) bool {
	code := sqlState(err)
	return code == serializationFailure || code == deadlockDetected
}

func sqlState(err error) string {
	var e *pgconn.PgError
	if errors.As(err, &e) {
		return e.Code
	}
	return ""
}

// Temporary reports whether an error says that the database was not to be
// reached, or was ending or starting: the same may succeed later. The end of
// the caller's own context is not temporary.
func Temporary(err error) bool {
	if err == nil || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return false
	}
	if code := sqlState(err); code != "" {
		// Class 08: connection; 57P01 to 57P05: the server ends, crashed,
		// starts, or dropped the database or the idle session; 53300: too many
		// connections.
		return strings.HasPrefix(code, "08") || strings.HasPrefix(code, "57P") || code == "53300" || code == lockNotAvailable || conflicts(err)
	}
	var connect *pgconn.ConnectError
	var network net.Error
	var call *net.OpError
	return errors.As(err, &connect) || errors.As(err, &network) || errors.As(err, &call) || pgconn.SafeToRetry(err) ||
		errors.Is(err, ErrCommitUnknown) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) ||
		errors.Is(err, net.ErrClosed) || errors.Is(err, syscall.EPIPE) || errors.Is(err, syscall.ECONNRESET) ||
		strings.Contains(err.Error(), "conn closed") // pgconn has no value for it
}

// commitError tells a commit that failed from one that is not known to have.
func commitError(err error) error {
	var e *pgconn.PgError
	if !errors.As(err, &e) && !errors.Is(err, pgx.ErrTxCommitRollback) {
		return fmt.Errorf("%w: %w", ErrCommitUnknown, err)
	}
	return fmt.Errorf("committing: %w", err)
}

// Exists reports whether an error says that a row of the named unique
// constraint or index is there already. An empty name stands for any.
func Exists(err error, constraint string) bool { return violates(err, uniqueViolation, constraint) }

func violates(err error, code, constraint string) bool {
	var e *pgconn.PgError
	return errors.As(err, &e) && e.Code == code && (constraint == "" || e.ConstraintName == constraint)
}
