package cluster_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/bartizan-security/bartizan/internal/cluster"
)

// envChild makes this test binary a program that runs a cluster on the folder
// named, until it is killed or its standard input ends.
const envChild = "BARTIZAN_TEST_CLUSTER"

func TestMain(m *testing.M) {
	if dir := os.Getenv(envChild); dir != "" {
		runChild(dir)
		return
	}
	os.Exit(m.Run())
}

func runChild(dir string) {
	c, err := cluster.Start(context.Background(), cluster.Options{Throwaway: true, DataDir: dir})
	if err != nil {
		fmt.Println("error", err)
		os.Exit(1)
	}
	fmt.Println("server", c.PID())
	_, _ = bufio.NewReader(os.Stdin).ReadString('\n')
	if err := c.Stop(context.Background()); err != nil {
		fmt.Println("error", err)
		os.Exit(1)
	}
}

// child is such a program.
type child struct {
	cmd    *exec.Cmd
	server int // process id of its PostgreSQL
}

// spawn runs the program; change may alter how.
func spawn(t *testing.T, dir string, change func(*exec.Cmd)) child {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), envChild+"="+dir)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if change != nil {
		change(cmd)
	}
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { in.Close(); _ = cmd.Wait() })
	line, err := bufio.NewReader(out).ReadString('\n')
	number, ok := strings.CutPrefix(strings.TrimSpace(line), "server ")
	pid, bad := strconv.Atoi(number)
	if err != nil || !ok || bad != nil {
		t.Fatalf("the program said %q (%v)", line, err)
	}
	return child{cmd: cmd, server: pid}
}

// kill ends the program, and nothing else, at once.
func (p child) kill(t *testing.T) {
	t.Helper()
	if err := p.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = p.cmd.Wait()
}

func running(pid int) bool { return syscall.Kill(pid, 0) == nil }

func TestAServerThatCrashesIsStartedAgain(t *testing.T) {
	c := start(t, cluster.Options{Throwaway: true, DataDir: folder(t)})
	remember(t, c)
	before := c.PID()
	// A session holds the server's memory for a moment longer than the server.
	session, err := pgx.Connect(t.Context(), c.URL(cluster.Database, cluster.Superuser))
	if err != nil {
		t.Fatal(err)
	}
	defer session.Close(t.Context())
	if err := syscall.Kill(before, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	recall(t, c)
	for c.PID() == before { // it answers a moment before the cluster knows
		time.Sleep(10 * time.Millisecond)
	}
	select {
	case <-c.Done():
		t.Errorf("the cluster gave up: %v", c.Err())
	default:
	}
}

func TestAServerThatKeepsCrashingIsGivenUp(t *testing.T) {
	c, err := cluster.Start(t.Context(), cluster.Options{Throwaway: true, DataDir: folder(t)})
	if err != nil {
		t.Fatal(err)
	}
	for ended := false; !ended; {
		_ = syscall.Kill(c.PID(), syscall.SIGQUIT)
		select {
		case <-c.Done():
			ended = true
		case <-time.After(100 * time.Millisecond):
		}
	}
	var failed *cluster.StartError
	if err := c.Err(); !errors.As(err, &failed) || !strings.Contains(err.Error(), "by itself") {
		t.Errorf("Err: %v", err)
	}
	if err := c.Stop(t.Context()); !errors.As(err, &failed) {
		t.Errorf("Stop afterwards: %v", err)
	}
	start(t, cluster.Options{Throwaway: true, DataDir: c.DataDir()}) // the folder is free
}

func TestWhatAKilledProgramLeavesIsTakenOver(t *testing.T) {
	tests := map[string]func(t *testing.T, left child){
		"its server runs on": func(t *testing.T, left child) {
			if !running(left.server) {
				t.Fatal("the server ended with its program: the test tests nothing")
			}
		},
		"its server was killed too": func(t *testing.T, left child) {
			if err := syscall.Kill(left.server, syscall.SIGKILL); err != nil {
				t.Fatal(err)
			}
		},
		"its server is just stopping": func(t *testing.T, left child) {
			if err := syscall.Kill(left.server, syscall.SIGTERM); err != nil { // waits for sessions
				t.Fatal(err)
			}
		},
	}
	for name, then := range tests {
		t.Run(name, func(t *testing.T) {
			dir := folder(t)
			c, err := cluster.Start(t.Context(), cluster.Options{Throwaway: true, DataDir: dir})
			if err != nil {
				t.Fatal(err)
			}
			remember(t, c)
			url := c.URL(cluster.Database, cluster.Superuser)
			if err := c.Stop(t.Context()); err != nil {
				t.Fatal(err)
			}
			left := spawn(t, dir, nil)
			session, err := pgx.Connect(t.Context(), url)
			if err != nil {
				t.Fatal(err)
			}
			defer session.Close(t.Context())
			left.kill(t)
			then(t, left)
			recall(t, start(t, cluster.Options{Throwaway: true, DataDir: dir}))
			if running(left.server) && servesIn(left.server, dir) {
				t.Error("the old server still runs")
			}
		})
	}
}

// servesIn tells whether a process works in the cluster's data, and is not
// just one that got the same id. A zombie does not.
func servesIn(pid int, dir string) bool {
	cwd, err := os.Readlink(fmt.Sprintf("/proc/%d/cwd", pid))
	return err == nil && strings.HasPrefix(cwd, dir)
}

func TestAnInterruptMeantForTheProgramLeavesTheServerToIt(t *testing.T) {
	dir := folder(t)
	left := spawn(t, dir, nil)
	if err := syscall.Kill(-left.cmd.Process.Pid, syscall.SIGINT); err != nil { // as the terminal does
		t.Fatal(err)
	}
	_ = left.cmd.Wait() // this program does not handle it
	if !running(left.server) {
		t.Fatal("the interrupt reached the server")
	}
	if err := syscall.Kill(left.server, syscall.SIGQUIT); err != nil {
		t.Fatal(err)
	}
	for servesIn(left.server, dir) {
		time.Sleep(10 * time.Millisecond)
	}
}

func TestANoteWithTheProcessIdOfAnotherProgramStopsNobody(t *testing.T) {
	dir := folder(t)
	c, err := cluster.Start(t.Context(), cluster.Options{Throwaway: true, DataDir: dir})
	if err != nil {
		t.Fatal(err)
	}
	remember(t, c)
	if err := c.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	other := exec.Command("sleep", "600")
	if err := other.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = other.Process.Kill(); _ = other.Wait() }()
	for name, text := range map[string]string{
		"another program's id": fmt.Sprintf("%d\n%s/data\n1\n5432\n", other.Process.Pid, dir),
		"our own id":           fmt.Sprintf("%d\n", os.Getpid()),
		"nothing":              "",
		"no number":            "postgres\n",
		"a group of processes": "-1\n",
	} {
		t.Run(name, func(t *testing.T) {
			if err := os.WriteFile(filepath.Join(dir, "data", "postmaster.pid"), []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
			c, err := cluster.Start(t.Context(), cluster.Options{Throwaway: true, DataDir: dir})
			if err != nil {
				t.Fatal(err)
			}
			recall(t, c)
			if err := c.Stop(t.Context()); err != nil {
				t.Fatal(err)
			}
		})
	}
	if !running(other.Process.Pid) {
		t.Error("another program was stopped")
	}
}

func TestAnInterruptedFirstStartIsBegunAnew(t *testing.T) {
	dir := folder(t)
	half := filepath.Join(dir, "data.new", "base")
	if err := os.MkdirAll(half, 0o700); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 150*time.Millisecond)
	defer cancel()
	if c, err := cluster.Start(ctx, cluster.Options{Throwaway: true, DataDir: dir}); err == nil {
		t.Logf("the machine is so quick that nothing was interrupted")
		if err := c.Stop(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	c := start(t, cluster.Options{Throwaway: true, DataDir: dir})
	ask(t, c, cluster.Superuser, "select 'up'")
	if _, err := os.Stat(filepath.Join(dir, "data.new")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("data.new is still there (%v)", err)
	}
}
