package pgtest

import (
	"context"
	"net/url"
	"os"
	"testing"

	"github.com/bartizan-security/bartizan/internal/cluster"
)

// Private starts a server for this test alone, which it may restart or kill;
// it ends with the test. It takes about a second: prefer New.
func Private(t testing.TB) (*Server, *cluster.Cluster) {
	t.Helper()
	if os.Getenv(EnvURL) == "skip" {
		t.Skipf("tests that need PostgreSQL are skipped: $%s is \"skip\"", EnvURL)
	}
	dir, err := os.MkdirTemp("", "bartizan-pgtest-private-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o711); err != nil { // for the server, which does not run as root
		t.Fatal(err)
	}
	running, err := cluster.Start(t.Context(), cluster.Options{DataDir: dir, Roles: []string{Owner, App}, Throwaway: true})
	if err != nil {
		t.Fatalf("no PostgreSQL for this test: %v", err)
	}
	t.Cleanup(func() {
		if err := running.Stop(context.Background()); err != nil {
			t.Errorf("stop the test's own PostgreSQL: %v", err)
		}
	})
	admin, err := url.Parse(running.URL(cluster.Database, cluster.Superuser))
	if err != nil {
		t.Fatal(err)
	}
	return &Server{admin: admin, id: dir}, running
}
