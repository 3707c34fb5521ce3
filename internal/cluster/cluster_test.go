package cluster_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/bartizan-security/bartizan/internal/cluster"
)

func TestAClusterStartsAnswersAndStops(t *testing.T) {
	c, err := cluster.Start(t.Context(), cluster.Options{DataDir: filepath.Join(folder(t), "pg"), Roles: []string{"app"}})
	if err != nil {
		t.Fatal(err)
	}
	conn, err := pgx.Connect(t.Context(), c.URL(cluster.Database, cluster.Superuser))
	if err != nil {
		t.Fatal(err)
	}
	t.Log(c.URL("x", "y"), c.Warning(), c.PID())
	_, err = conn.Exec(t.Context(), "create extension vector")
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// folder is a temporary one that the server's user may enter where root runs
// the tests, unlike t.TempDir.
func folder(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "bartizan-cluster")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o711); err != nil {
		t.Fatal(err)
	}
	return dir
}
