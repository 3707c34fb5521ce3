package cluster_test

import (
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/bartizan-security/bartizan/internal/cluster"
)

// ordinary finds a user that is not root, for tests that need one.
func ordinary(t *testing.T, name string) *syscall.Credential {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("only root can run a program as another user")
	}
	found, err := user.Lookup(name)
	if err != nil {
		t.Skipf("there is no user %s: %v", name, err)
	}
	uid, _ := strconv.Atoi(found.Uid)
	gid, _ := strconv.Atoi(found.Gid)
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
}

// give hands a file to the user as whom the server runs under root.
func give(t *testing.T, path string) {
	t.Helper()
	if os.Geteuid() != 0 {
		return
	}
	owner := ordinary(t, "postgres")
	if err := os.Chown(path, int(owner.Uid), int(owner.Gid)); err != nil {
		t.Fatal(err)
	}
}

func TestUnderRootTheServerRunsAsAnotherUser(t *testing.T) {
	expected := ordinary(t, "postgres")
	c := start(t, cluster.Options{Throwaway: true, DataDir: folder(t)})
	status, err := os.Stat(fmt.Sprintf("/proc/%d", c.PID()))
	if err != nil {
		t.Fatal(err)
	}
	if got := status.Sys().(*syscall.Stat_t).Uid; got != expected.Uid {
		t.Errorf("the server runs as the user %d, want %d", got, expected.Uid)
	}
	// What root writes must not lie where the server's user could put a link.
	for path, owner := range map[string]uint32{".": 0, "conf": 0, "server.log": 0, "lock": 0, "data": expected.Uid, "run": expected.Uid} {
		info, err := os.Lstat(filepath.Join(c.DataDir(), path))
		if err != nil {
			t.Fatal(err)
		}
		if got := info.Sys().(*syscall.Stat_t).Uid; got != owner {
			t.Errorf("%s belongs to the user %d, want %d", path, got, owner)
		}
	}
}

func TestAnotherUserOfTheSystemIsTurnedAway(t *testing.T) {
	other := ordinary(t, "nobody")
	psql, err := exec.LookPath("psql")
	if err != nil {
		t.Skip("no psql to try it with")
	}
	c := start(t, cluster.Options{Throwaway: true, DataDir: folder(t)})
	try := func() string {
		cmd := exec.Command(psql, c.URL(cluster.Database, cluster.Superuser), "-c", "select 'got in'")
		cmd.Dir, cmd.Env = "/", []string{"PATH=" + os.Getenv("PATH")}
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: other}
		out, _ := cmd.CombinedOutput()
		return string(out)
	}
	if got := try(); !strings.Contains(got, "Permission denied") {
		t.Errorf("the folder of the socket is open: %s", got)
	}
	for _, path := range []string{socketFolder(t, c), filepath.Join(socketFolder(t, c), ".s.PGSQL.5432")} {
		if err := os.Chmod(path, 0o777); err != nil {
			t.Fatal(err)
		}
	}
	if got := try(); !strings.Contains(got, "Peer authentication failed") {
		t.Errorf("the server let another user in: %s", got)
	}
}

func TestAnOrdinaryUserRunsTheServerAsHimself(t *testing.T) {
	me := ordinary(t, "nobody")
	dir := folder(t)
	if err := os.Chown(dir, int(me.Uid), int(me.Gid)); err != nil {
		t.Fatal(err)
	}
	// The test binary lies in a folder that only root may enter.
	program := filepath.Join(folder(t), "program")
	if err := exec.Command("cp", os.Args[0], program).Run(); err != nil {
		t.Fatal(err)
	}
	p := spawn(t, dir, func(cmd *exec.Cmd) {
		cmd.Path, cmd.Dir = program, dir
		cmd.SysProcAttr.Credential = me
	})
	status, err := os.Stat(fmt.Sprintf("/proc/%d", p.server))
	if err != nil {
		t.Fatal(err)
	}
	if got := status.Sys().(*syscall.Stat_t).Uid; got != me.Uid {
		t.Errorf("the server runs as the user %d, want %d", got, me.Uid)
	}
}

func TestAFolderThatTheServerCannotEnterIsNamed(t *testing.T) {
	ordinary(t, "postgres")
	closed := t.TempDir() // of mode 0700, root's
	if err := os.Chmod(closed, 0o700); err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(closed, "pg")
	_, err := cluster.Start(t.Context(), cluster.Options{Throwaway: true, DataDir: dir})
	if err == nil || !strings.Contains(err.Error(), "the user postgres") || !strings.Contains(err.Error(), "may not enter "+dir) {
		t.Errorf("Start: %v", err)
	}
}

func TestASocketWithTooLongAPathLiesElsewhere(t *testing.T) {
	dir := filepath.Join(folder(t), strings.Repeat("deep/", 20), "pg")
	if err := os.MkdirAll(dir, 0o711); err != nil {
		t.Fatal(err)
	}
	options := cluster.Options{Throwaway: true, DataDir: dir}
	c, err := cluster.Start(t.Context(), options)
	if err != nil {
		t.Fatal(err)
	}
	socket := socketFolder(t, c)
	t.Cleanup(func() { os.RemoveAll(socket) })
	remember(t, c)
	if len(socket) > 90 || strings.HasPrefix(socket, dir) {
		t.Errorf("the socket lies in %s", socket)
	}
	if err := c.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	again := start(t, options)
	if got := socketFolder(t, again); got != socket {
		t.Errorf("the second start put the socket into %s, the first into %s", got, socket)
	}
	recall(t, again)
}

func TestASocketFolderThatSomebodyElseMadeIsRefused(t *testing.T) {
	dir := filepath.Join(folder(t), strings.Repeat("deep/", 20), "pg")
	c, err := cluster.Start(t.Context(), cluster.Options{Throwaway: true, DataDir: dir})
	if err != nil {
		t.Fatal(err)
	}
	socket := socketFolder(t, c)
	t.Cleanup(func() { os.RemoveAll(socket) })
	if err := c.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	for name, plant := range map[string]func() error{
		"open to all": func() error { return os.Chmod(socket, 0o777) },
		"a link": func() error {
			if err := os.RemoveAll(socket); err != nil {
				return err
			}
			return os.Symlink(t.TempDir(), socket)
		},
	} {
		t.Run(name, func(t *testing.T) {
			if err := plant(); err != nil {
				t.Fatal(err)
			}
			_, err := cluster.Start(t.Context(), cluster.Options{Throwaway: true, DataDir: dir})
			if err == nil || !strings.Contains(err.Error(), socket+" is not a folder of mode 0700") {
				t.Errorf("Start: %v", err)
			}
			os.RemoveAll(socket)
			if err := os.Mkdir(socket, 0o700); err != nil {
				t.Fatal(err)
			}
		})
	}
}

func TestURLsHoldNamesOfEveryKind(t *testing.T) {
	c := start(t, cluster.Options{Throwaway: true, DataDir: folder(t)})
	config, err := pgx.ParseConfig(c.URL("a b/c?", "röle&x=1"))
	if err != nil {
		t.Fatal(err)
	}
	if config.Database != "a b/c?" || config.User != "röle&x=1" {
		t.Errorf("database %q, user %q", config.Database, config.User)
	}
}
