package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/bartizan-security/bartizan/internal/postgres"
)

func TestWhatMaySucceedLaterIsTemporary(t *testing.T) {
	state := func(code string) error { return fmt.Errorf("doing something: %w", &pgconn.PgError{Code: code}) }
	for _, c := range []struct {
		name string
		err  error
		want bool
	}{
		{"nothing", nil, false},
		{"the server ends", state("57P01"), true},
		{"the server crashed", state("57P02"), true},
		{"the server starts", state("57P03"), true},
		{"a connection failed", state("08006"), true},
		{"too many connections", state("53300"), true},
		{"a deadlock that stayed one", state("40P01"), true},
		{"a lock that was not to be had", state("55P03"), true},
		{"a statement that was ended", state("57014"), false},
		{"a row that is there already", state("23505"), false},
		{"a right that is missing", state("42501"), false},
		{"a full disk", state("53100"), false},
		{"a connection that was cut", fmt.Errorf("reading: %w", io.ErrUnexpectedEOF), true},
		{"nobody listens", &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}, true},
		{"a commit of which nothing is known", fmt.Errorf("%w: gone", postgres.ErrCommitUnknown), true},
		{"the caller went away", context.Canceled, false},
		{"the caller's time is over", fmt.Errorf("reading: %w", context.DeadlineExceeded), false},
		{"anything else", errors.New("no such threat"), false},
	} {
		if got := postgres.Temporary(c.err); got != c.want {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}

func TestPatienceEnds(t *testing.T) {
	down := fmt.Errorf("dialing: %w", syscall.ECONNRESET)
	tries := 0
	if err := postgres.Patiently(t.Context(), 300*time.Millisecond, func() error { tries++; return down }); !errors.Is(err, down) || tries < 2 {
		t.Errorf("%d tries ended with %v", tries, err)
	}
	tries = 0
	lasting := errors.New("no such table")
	if err := postgres.Patiently(t.Context(), time.Hour, func() error { tries++; return lasting }); !errors.Is(err, lasting) || tries != 1 {
		t.Errorf("an error that lasts was tried %d times: %v", tries, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := postgres.Patiently(ctx, time.Hour, func() error { return down }); !errors.Is(err, down) {
		t.Errorf("after its context's end: %v", err)
	}
}
