package cluster_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/bartizan-security/bartizan/internal/cluster"
)

func enter(t *testing.T, options cluster.Options) *cluster.Guest {
	t.Helper()
	c, g, err := cluster.StartOrEnter(t.Context(), options)
	if err != nil || c != nil || g == nil {
		t.Fatalf("StartOrEnter beside a running server gave %v, %v, %v", c, g, err)
	}
	return g
}

func TestAGuestUsesTheServerThatRuns(t *testing.T) {
	options := cluster.Options{Throwaway: true, DataDir: folder(t)}
	c := start(t, options)
	g := enter(t, options)
	conn, err := pgx.Connect(t.Context(), g.URL(cluster.Database, cluster.Superuser))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	before := c.PID()
	if err := errors.Join(conn.Ping(t.Context()), g.Leave()); err != nil {
		t.Fatal(err)
	}
	if ask(t, c, cluster.Superuser, "select 'up'"); c.PID() != before {
		t.Error("the server is another one since the guest left")
	}
}

func TestAStopWaitsForGuestsButNotForLong(t *testing.T) {
	options := cluster.Options{Throwaway: true, DataDir: folder(t)}
	c := start(t, options)
	g := enter(t, options)
	stopped := make(chan error, 1)
	go func() { stopped <- c.Stop(context.Background()) }()
	conn, err := pgx.Connect(t.Context(), g.URL(cluster.Database, cluster.Superuser))
	for range 5 { // for as long as a guest may take
		if err == nil {
			err = conn.Ping(t.Context())
		}
		time.Sleep(20 * time.Millisecond)
	}
	if err != nil {
		t.Errorf("the server went away under a guest: %v", err)
	}
	if err := errors.Join(conn.Close(t.Context()), g.Leave(), <-stopped); err != nil {
		t.Error(err)
	}

	c = start(t, options)
	defer enter(t, options).Leave()
	soon, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	if err := c.Stop(soon); err != nil {
		t.Errorf("a guest that does not leave keeps the server up: %v", err)
	}
}

func TestWhereNobodyRunsTheServerItIsStarted(t *testing.T) {
	options := cluster.Options{Throwaway: true, DataDir: folder(t)}
	first := start(t, options)
	guest := enter(t, options)
	type started struct {
		c   *cluster.Cluster
		g   *cluster.Guest
		err error
	}
	next := make(chan started, 1)
	stopped := make(chan error, 1)
	go func() { stopped <- first.Stop(context.Background()) }()
	if err := guest.Leave(); err != nil {
		t.Fatal(err)
	}
	go func() { // while the first goes down
		c, g, err := cluster.StartOrEnter(context.Background(), options)
		next <- started{c, g, err}
	}()
	if err := <-stopped; err != nil {
		t.Error(err)
	}
	got := <-next
	switch {
	case got.err != nil:
		t.Error(got.err)
	case got.g != nil: // it was quicker in than the stop began
		if err := got.g.Leave(); err != nil {
			t.Error(err)
		}
	default:
		ask(t, got.c, cluster.Superuser, "select 'up'")
		if err := got.c.Stop(context.Background()); err != nil {
			t.Error(err)
		}
	}
}
