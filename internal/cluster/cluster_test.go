package cluster_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"go.uber.org/goleak"

	"github.com/bartizan-security/bartizan/internal/cluster"
)

// folder is a temporary one that the server's user may enter where root runs
// the tests, unlike t.TempDir.
func folder(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "bartizan-cluster-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o711); err != nil {
		t.Fatal(err)
	}
	return dir
}

// start starts a cluster, and stops it when the test ends.
func start(t *testing.T, options cluster.Options) *cluster.Cluster {
	t.Helper()
	c, err := cluster.Start(t.Context(), options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Stop(context.Background()); err != nil {
			t.Errorf("Stop: %v", err)
		}
	})
	return c
}

// ask runs a statement that returns one value, as a role; the server may be
// on its way up.
func ask(t *testing.T, c *cluster.Cluster, role, statement string, args ...any) string {
	t.Helper()
	var err error
	for range 1200 { // a minute, for a machine with much else to do
		var answer string
		if answer, err = try(t.Context(), c, role, statement, args...); err == nil {
			return answer
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Fatalf("%s: %v", statement, err)
	return ""
}

func try(ctx context.Context, c *cluster.Cluster, role, statement string, args ...any) (string, error) {
	conn, err := pgx.Connect(ctx, c.URL(cluster.Database, role))
	if err != nil {
		return "", err
	}
	defer conn.Close(ctx)
	var answer string
	return answer, conn.QueryRow(ctx, statement, args...).Scan(&answer)
}

// remember writes a row that recall finds, on the same data.
func remember(t *testing.T, c *cluster.Cluster) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), c.URL(cluster.Database, cluster.Superuser))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	if _, err := conn.Exec(t.Context(), "create table kept as select 'kept'::text as text"); err != nil {
		t.Fatal(err)
	}
}

func recall(t *testing.T, c *cluster.Cluster) {
	t.Helper()
	if got := ask(t, c, cluster.Superuser, "select text from kept"); got != "kept" {
		t.Errorf("the data hold %q, want what was written before", got)
	}
}

func TestDataOutliveStopAndRestart(t *testing.T) {
	options := cluster.Options{DataDir: filepath.Join(folder(t), "pg")}
	c, err := cluster.Start(t.Context(), options)
	if err != nil {
		t.Fatal(err)
	}
	remember(t, c)
	if got := ask(t, c, cluster.Superuser, "select concat_ws(',', current_setting('fsync'), current_setting('synchronous_commit'), current_setting('data_checksums'))"); got != "on,on,on" {
		t.Errorf("fsync,synchronous_commit,data_checksums = %s", got)
	}
	before := c.PID()
	if err := c.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	if c.PID() == before {
		t.Error("Restart left the same process running")
	}
	recall(t, c)
	for range 2 {
		if err := c.Stop(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.Restart(t.Context()); err == nil {
		t.Error("a stopped cluster was restarted")
	}
	recall(t, start(t, options))
}

func TestNothingIsLeftRunningAfterStop(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	c, err := cluster.Start(t.Context(), cluster.Options{Throwaway: true, DataDir: folder(t)})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel() // as it is when the program is told to end
	if err := c.Stop(ctx); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(c.DataDir(), "data", "postmaster.pid")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the server left its note behind (%v)", err)
	}
	log, err := os.ReadFile(c.LogFile())
	if err != nil || !strings.Contains(string(log), "database system is shut down") {
		t.Errorf("the server was not stopped in order (%v):\n%s", err, log)
	}
	if err := c.Err(); err != nil {
		t.Errorf("Err after an orderly stop: %v", err)
	}
}

func TestOnlyTheStarterGetsIn(t *testing.T) {
	c := start(t, cluster.Options{Throwaway: true, DataDir: folder(t), Roles: []string{"app"}})
	conn, err := pgx.Connect(t.Context(), c.URL(cluster.Database, cluster.Superuser))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	if _, err := conn.Exec(t.Context(), "create role app login; create role stranger login"); err != nil {
		t.Fatal(err)
	}
	if got := ask(t, c, "app", "select current_user::text"); got != "app" {
		t.Errorf("logged in as %s", got)
	}
	if _, err := try(t.Context(), c, "stranger", "select 'in'"); err == nil || !strings.Contains(err.Error(), "stranger") {
		t.Errorf("a role that was not named got in (%v)", err)
	}
	if got := ask(t, c, cluster.Superuser, "select current_setting('listen_addresses')"); got != "" {
		t.Errorf("the server listens on %q", got)
	}
	info, err := os.Stat(socketFolder(t, c))
	if err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("the socket's folder has the mode %v (%v)", info.Mode(), err)
	}
}

func socketFolder(t *testing.T, c *cluster.Cluster) string {
	t.Helper()
	config, err := pgx.ParseConfig(c.URL("x", "y"))
	if err != nil {
		t.Fatal(err)
	}
	return config.Host
}

func TestTwoOnOneFolderGiveAClearError(t *testing.T) {
	c := start(t, cluster.Options{Throwaway: true, DataDir: folder(t)})
	_, err := cluster.Start(t.Context(), cluster.Options{DataDir: c.DataDir()})
	var inUse *cluster.InUseError
	if !errors.As(err, &inUse) || inUse.PID != os.Getpid() || inUse.DataDir != c.DataDir() {
		t.Fatalf("the second start: %v", err)
	}
	if want := fmt.Sprintf("(process %d) uses the data folder %s", os.Getpid(), c.DataDir()); !strings.Contains(err.Error(), want) {
		t.Errorf("%q does not say %q", err, want)
	}
	ask(t, c, cluster.Superuser, "select 'still there'")
}

func TestTextIsOrderedByCodePointAndLetteredInAllLanguages(t *testing.T) {
	c := start(t, cluster.Options{Throwaway: true, DataDir: folder(t)})
	got := ask(t, c, cluster.Superuser, `select string_agg(lower(x), ',' order by x) || current_setting('server_encoding') from unnest(array['É', 'b', 'A', 'Z']) x`)
	if got != "a,z,b,éUTF8" {
		t.Errorf("got %s", got)
	}
}

func TestTheLogHoldsNoTextOfDocuments(t *testing.T) {
	c := start(t, cluster.Options{Throwaway: true, DataDir: folder(t)})
	conn, err := pgx.Connect(t.Context(), c.URL(cluster.Database, cluster.Superuser))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	if _, err := conn.Exec(t.Context(), "create table document (text text unique); insert into document values ('the vault code')"); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Exec(t.Context(), "insert into document values ('the vault code')"); err == nil {
		t.Fatal("the statement that should fail did not")
	}
	log, err := os.ReadFile(c.LogFile())
	if err != nil || !strings.Contains(string(log), "duplicate key") {
		t.Fatalf("the failure is not in the log (%v):\n%s", err, log)
	}
	if strings.Contains(string(log), "vault") {
		t.Errorf("the log holds a value:\n%s", log)
	}
}

func TestAFailedStartQuotesTheLog(t *testing.T) {
	dir := folder(t)
	_, err := cluster.Start(t.Context(), cluster.Options{DataDir: dir, Settings: map[string]string{"shared_buffers": "many"}})
	var failed *cluster.StartError
	if !errors.As(err, &failed) {
		t.Fatalf("Start: %v", err)
	}
	for _, want := range []string{filepath.Join(dir, "server.log"), "shared_buffers", "exit status 1"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("the error does not say %q:\n%v", want, err)
		}
	}
	start(t, cluster.Options{DataDir: dir}) // the folder is free again, and sound
}

func TestSettingsCannotOpenAPort(t *testing.T) {
	c := start(t, cluster.Options{Throwaway: true, DataDir: folder(t), Settings: map[string]string{
		"listen_addresses": "127.0.0.1", "hba_file": "/nonexistent", "max_connections": "37",
	}})
	got := ask(t, c, cluster.Superuser, "select concat_ws(',', current_setting('listen_addresses'), current_setting('max_connections'))")
	if got != ",37" {
		t.Errorf("listen_addresses,max_connections = %s", got)
	}
}

func TestMakeDatabaseCanBeCalledAgain(t *testing.T) {
	c := start(t, cluster.Options{Throwaway: true, DataDir: folder(t), Roles: []string{"keeper", "app"}})
	for range 2 {
		if err := c.MakeDatabase(t.Context(), "bartizan", "keeper", "app"); err != nil {
			t.Fatal(err)
		}
	}
	conn, err := pgx.Connect(t.Context(), c.URL("bartizan", "keeper"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	_, err = conn.Exec(t.Context(), "create table v (e halfvec(2)); set role app")
	if err != nil {
		t.Fatal(err)
	}
	var powers bool
	err = conn.QueryRow(t.Context(), "select bool_or(rolsuper or rolbypassrls or rolcreaterole or rolcreatedb) from pg_roles where rolname in ('keeper', 'app')").Scan(&powers)
	if err != nil || powers {
		t.Errorf("the roles may do more than they should (%v)", err)
	}
}
