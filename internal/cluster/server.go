package cluster

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
)

// How long the server may take over each way of stopping, and how often a
// file is looked at while waiting.
const (
	fastStop      = 30 * time.Second
	leastStop     = 5 * time.Second // for the fast one, however little time the caller has
	immediateStop = 10 * time.Second
	glance        = 20 * time.Millisecond
	maxLog        = 16 << 20 // bytes of log at which a new file is begun
)

// server is one process of PostgreSQL, from its start to its end.
type server struct {
	cmd    *exec.Cmd
	log    string // path
	from   int64  // where in the log its lines begin
	exited chan struct{}
}

// StartError says that the server did not come up, or did not stay up.
type StartError struct {
	What string // what happened, for a person
	Log  string // path of the server's log
	Tail string // last lines that it wrote there
}

func (e *StartError) Error() string {
	text := "PostgreSQL " + e.What + "; its log is " + e.Log
	if e.Tail != "" {
		text += ", and ends with:\n" + e.Tail
	}
	return text
}

// launchPatiently starts the server. Backends of a killed one live on for a
// moment, until they notice, and hold its shared memory: that is waited for.
func (c *Cluster) launchPatiently(ctx context.Context) (*server, error) {
	for wait := 100 * time.Millisecond; ; wait *= 2 {
		started, err := c.launch(ctx)
		var failed *StartError
		if !errors.As(err, &failed) || !strings.Contains(failed.Tail, "pre-existing shared memory block") || wait > 10*time.Second {
			return started, err
		}
		select {
		case <-ctx.Done():
			return nil, err
		case <-time.After(wait):
		}
	}
}

// launch starts the server and waits until it answers.
func (c *Cluster) launch(ctx context.Context) (*server, error) {
	if err := c.clearNotes(); err != nil {
		return nil, err
	}
	log, from, err := openLog(c.layout.log)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	s := &server{log: c.layout.log, from: from, exited: make(chan struct{})}
	s.cmd = c.account.command(context.Background(), c.layout.root, filepath.Join(c.program.Bin, "postgres"),
		"-D", c.layout.data,
		"-c", "config_file="+filepath.Join(c.layout.conf, "postgresql.conf"),
		"-c", "listen_addresses=",
		"-c", "port=5432",
		"-c", "unix_socket_directories="+c.layout.socket)
	s.cmd.Stdout, s.cmd.Stderr = log, log
	if err := s.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start PostgreSQL: %w", err)
	}
	go func() {
		_ = s.cmd.Wait() // its state is asked for where somebody wants it
		close(s.exited)
	}()
	if err := c.await(ctx, s); err != nil {
		return nil, errors.Join(err, s.stop(context.WithoutCancel(ctx)))
	}
	return s, nil
}

// await returns when the server answers.
func (c *Cluster) await(ctx context.Context, s *server) error {
	ready := false
	for {
		select {
		case <-s.exited:
			return s.failure("did not start: " + s.state())
		case <-ctx.Done():
			return s.failure("was not ready in time: " + context.Cause(ctx).Error())
		case <-time.After(glance):
		}
		note, err := readPIDFile(c.layout.data)
		ready = err == nil && note.pid == s.pid() && note.status == "ready"
		if ready && c.answers(ctx) == nil {
			return nil
		}
	}
}

// answers tells whether one can log in.
func (c *Cluster) answers(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	return c.do(ctx, Database, func(conn *pgx.Conn) error { return conn.Ping(ctx) })
}

func (s *server) pid() int { return s.cmd.Process.Pid }

// state says how the process ended.
func (s *server) state() string {
	select {
	case <-s.exited:
		return s.cmd.ProcessState.String()
	default:
		return "running"
	}
}

// failure is an error with the server's own last words.
func (s *server) failure(what string) error {
	return &StartError{What: what, Log: s.log, Tail: logTail(s.log, s.from)}
}

// stop ends the process and waits for that: first the fast way, which writes
// everything out, then harder.
func (s *server) stop(ctx context.Context) error {
	if s.signal(syscall.SIGINT, allowance(ctx)) || s.signal(syscall.SIGQUIT, immediateStop) {
		return nil // after SIGQUIT the next start recovers from the log: nothing is lost
	}
	_ = s.cmd.Process.Kill()
	<-s.exited
	return s.failure("had to be killed, because it did not stop")
}

// allowance is how long the fast way may take. A context that has ended, as it
// often has when it is time to stop, does not make it impossible: only its
// deadline counts.
func allowance(ctx context.Context) time.Duration {
	deadline, ok := ctx.Deadline()
	if !ok {
		return fastStop
	}
	return min(max(time.Until(deadline), leastStop), fastStop)
}

// signal reports whether the process ended on it in time.
func (s *server) signal(signal os.Signal, within time.Duration) bool {
	_ = s.cmd.Process.Signal(signal) // an error says that it has ended
	select {
	case <-s.exited:
		return true
	case <-time.After(within):
		return false
	}
}

// openLog opens the server's log to append to, and a new one where it has
// grown large; one earlier file is kept.
func openLog(path string) (*os.File, int64, error) {
	if info, err := os.Stat(path); err == nil && info.Size() > maxLog {
		if err := os.Rename(path, path+".1"); err != nil {
			return nil, 0, fmt.Errorf("begin a new log: %w", err)
		}
	}
	log, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, 0, fmt.Errorf("open the log of PostgreSQL: %w", err)
	}
	from, err := log.Seek(0, io.SeekEnd)
	if err != nil {
		return nil, 0, errors.Join(fmt.Errorf("open the log of PostgreSQL: %w", err), log.Close())
	}
	return log, from, nil
}

// logTail is what the server wrote since its start, at most the last lines.
func logTail(path string, from int64) string {
	log, err := os.Open(path)
	if err != nil {
		return ""
	}
	defer log.Close()
	if end, err := log.Seek(0, io.SeekEnd); err == nil {
		from = max(from, end-8<<10)
	}
	text, _ := io.ReadAll(io.NewSectionReader(log, from, 8<<10))
	return lastLines(string(text), 10)
}

// pidFile is what a running server notes in its data folder.
type pidFile struct {
	pid    int
	status string // "starting", "ready", "stopping"
}

func readPIDFile(data string) (pidFile, error) {
	text, err := os.ReadFile(filepath.Join(data, "postmaster.pid"))
	if err != nil {
		return pidFile{}, err
	}
	lines := strings.Split(string(text), "\n")
	pid, err := strconv.Atoi(strings.TrimSpace(lines[0]))
	if err != nil || pid <= 0 {
		return pidFile{}, fmt.Errorf("postmaster.pid holds no process id: %q", lines[0])
	}
	note := pidFile{pid: pid}
	if len(lines) > 7 {
		note.status = strings.TrimSpace(lines[7])
	}
	return note, nil
}
