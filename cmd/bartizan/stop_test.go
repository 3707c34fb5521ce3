package main

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/bartizan-security/bartizan/internal/llm/llmtest"
	"github.com/bartizan-security/bartizan/pkg/client"
	"github.com/bartizan-security/bartizan/pkg/resource"
)

// storing is how long an answer may take from the model to the memo on a busy
// machine.
const storing = time.Second

// serving is a process of `bartizan serve` with its private database server.
type serving struct {
	t     testing.TB
	dir   string
	model *llmtest.Server
	token string

	starts  int
	cmd     *exec.Cmd
	log     *locked
	address string
}

// newServing starts the server on an empty folder.
func newServing(t testing.TB) *serving {
	t.Helper()
	dir, err := os.MkdirTemp("", "bartizan-serve-") // short, for the socket
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o711); err != nil { // for the database server, which does not run as root
		t.Fatal(err)
	}
	s := &serving{t: t, dir: dir, model: llmtest.New(t)}
	t.Cleanup(func() {
		if s.cmd.ProcessState == nil {
			s.end(syscall.SIGTERM)
		}
		if t.Failed() {
			t.Logf("log:\n%s", s.log.String())
		}
	})
	s.start()
	return s
}

// start runs the server, and returns when it listens.
func (s *serving) start() {
	s.t.Helper()
	s.starts++
	env := append(os.Environ(), "HOME="+s.t.TempDir(), "DATABASE_URL=", "BARTIZAN_LLM_BASE_URL="+s.model.URL(), "BARTIZAN_LLM_MODEL=test-model",
		fmt.Sprintf("BARTIZAN_LLM_API_KEY=start-%d", s.starts))
	s.cmd, s.log = program(s.t, env, "serve", "--dev", "--listen", "127.0.0.1:0", "--data-dir", s.dir, "--lease", fleetLease.String(), "--soft-stop", "5s")
	out := &locked{}
	s.cmd.Stdout = out
	if err := s.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	listens := regexp.MustCompile(`listens on (http://\S+?),`)
	for end := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		if m := listens.FindStringSubmatch(out.String()); m != nil {
			s.address = m[1]
			break
		}
		if time.Now().After(end) || s.gone() {
			s.t.Fatalf("serve does not listen:\n%s\n%s", out.String(), s.log.String())
		}
	}
	if token := regexp.MustCompile(`btz_\S+`).FindString(out.String()); token != "" {
		s.token = token
	}
}

// gone reports whether the process has ended and waits to be looked after.
func (s *serving) gone() bool {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", s.cmd.Process.Pid))
	return runtime.GOOS == "linux" && (err != nil || strings.Contains(string(raw), ") Z "))
}

// end sends a signal and gives how the process ended.
func (s *serving) end(signal os.Signal) error {
	s.t.Helper()
	if err := s.cmd.Process.Signal(signal); err != nil {
		s.t.Fatal(err)
	}
	return s.cmd.Wait()
}

func (s *serving) client() *client.Client {
	s.t.Helper()
	c, err := client.New(s.address, s.token, client.WithRetries(0), client.WithPollInterval(50*time.Millisecond))
	if err != nil {
		s.t.Fatal(err)
	}
	return c
}

// send sends the documents of a design to a new system.
func (s *serving) send(c *client.Client, name string, d designs) (analysis string) {
	s.t.Helper()
	system, err := c.CreateSystem(s.t.Context(), resource.NewSystem{Name: name})
	if err != nil {
		s.t.Fatal(err)
	}
	var files []client.File
	for _, reference := range slices.Sorted(maps.Keys(d)) {
		files = append(files, client.File{Reference: reference, Content: strings.NewReader(d[reference])})
	}
	up, err := c.Upload(s.t.Context(), system.ID, client.UploadOptions{}, files...)
	if err != nil {
		s.t.Fatal(err)
	}
	return up.Analysis.ID
}

// asked waits until the model got so many requests.
func (s *serving) asked(n int) {
	s.t.Helper()
	for end := time.Now().Add(time.Minute); len(s.model.Requests()) < n; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			s.t.Fatalf("only %d requests came to the model", len(s.model.Requests()))
		}
	}
}

// done waits for an analysis.
func (s *serving) done(id string) {
	s.t.Helper()
	a, err := s.client().WaitForAnalysis(s.t.Context(), id, nil)
	if err != nil || a.State != resource.AnalysisDone {
		s.t.Fatalf("the analysis is %+v (%v)", a, err)
	}
}

// left lists the processes that the server has left: of its group, and of its
// database, which work in its folder.
func (s *serving) left() []string {
	var out []string
	if err := syscall.Kill(-s.cmd.Process.Pid, 0); !errors.Is(err, syscall.ESRCH) {
		out = append(out, "one of its own group")
	}
	dirs, _ := filepath.Glob("/proc/[0-9]*/cwd")
	for _, d := range dirs {
		if cwd, err := os.Readlink(d); err == nil && strings.HasPrefix(cwd, s.dir) {
			name, _ := os.ReadFile(filepath.Join(filepath.Dir(d), "cmdline"))
			out = append(out, strings.TrimRight(strings.ReplaceAll(string(name), "\x00", " "), " "))
		}
	}
	return out
}

// nothingLeft asserts that the server took all its processes along. Children that
// read documents notice that it has gone.
func (s *serving) nothingLeft() {
	s.t.Helper()
	var left []string
	for range 50 {
		if left = s.left(); len(left) == 0 {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	s.t.Errorf("processes are left: %q", left)
}

// TestAStopUnderLoadLosesNothing: a request under way ends well, calls that are
// paid for are kept, the process ends with 0 and takes its database along; the next
// start goes on, and asks nothing again.
func TestAStopUnderLoadLosesNothing(t *testing.T) {
	s := newServing(t)
	s.model.Latency = 600 * time.Millisecond // the analysis does not end within the soft stop
	c := s.client()
	analysis := s.send(c, "portal", readDesigns(t, "portal/docs"))
	other, err := c.CreateSystem(t.Context(), resource.NewSystem{Name: "slow"})
	if err != nil {
		t.Fatal(err)
	}
	s.asked(10)
	if n := len(s.left()); n < 2 && runtime.GOOS == "linux" {
		t.Fatalf("%d processes are seen, and there should be the server and its database's", n)
	}

	content, rest := io.Pipe()
	type sent struct {
		up  resource.Uploaded
		err error
	}
	upload := make(chan sent, 1)
	go func() {
		up, err := c.Upload(t.Context(), other.ID, client.UploadOptions{}, client.File{Reference: "slow.md", Content: content})
		upload <- sent{up, err}
	}()
	if _, err := io.WriteString(rest, "# Slow\n\nThe Shop User calls the Order Gateway over the internet.\n"); err != nil {
		t.Fatal(err)
	}
	time.Sleep(100 * time.Millisecond) // the server reads it
	ended := make(chan error, 1)
	go func() { ended <- s.end(syscall.SIGTERM) }()
	time.Sleep(300 * time.Millisecond) // it stops
	_, _ = io.WriteString(rest, "\nThe Order Gateway keeps addresses in the Order Store.\n")
	rest.Close()
	got := <-upload
	if got.err != nil || got.up.Analysis == nil {
		t.Fatalf("the upload under way: %+v, %v", got.up, got.err)
	}
	if err := <-ended; err != nil {
		t.Errorf("serve ended with %v", err)
	}
	s.nothingLeft()
	at := len(s.model.Requests())
	s.model.Latency = 0

	s.start()
	s.done(analysis)
	s.done(got.up.Analysis.ID)
	requests := s.model.Requests()
	if len(requests) == at {
		t.Error("the analysis had ended before the stop")
	}
	seen := map[string]bool{}
	for _, r := range requests {
		if seen[r.Hash] {
			t.Errorf("%s was asked again", r.Stage)
		}
		seen[r.Hash] = true
	}
	if err := s.end(syscall.SIGTERM); err != nil {
		t.Errorf("serve ended with %v", err)
	}
	s.nothingLeft()
}

// TestAKilledServerGoesOnWhereItWas: its database is left behind and taken over by
// the next start on the same folder, which asks again only what was under way.
func TestAKilledServerGoesOnWhereItWas(t *testing.T) {
	s := newServing(t)
	s.model.Latency = 200 * time.Millisecond
	analysis := s.send(s.client(), "portal", readDesigns(t, "portal/docs"))
	s.asked(20)
	_ = s.end(syscall.SIGKILL)
	killed := time.Now()

	s.start()
	s.done(analysis)
	last := map[string]llmtest.Request{}
	again := 0
	for _, r := range s.model.Requests() {
		before, repeated := last[r.Hash]
		last[r.Hash] = r
		if !repeated {
			continue
		}
		again++
		if before.Key == r.Key || !before.Answered.IsZero() && killed.Sub(before.Answered) > storing {
			t.Errorf("%s was asked again by %s, after %s had an answer at %s", r.Stage, r.Key, before.Key, moment(before.Answered))
		}
	}
	t.Logf("%d requests, %d of them again", len(s.model.Requests()), again)
	if err := s.end(syscall.SIGTERM); err != nil {
		t.Errorf("serve ended with %v", err)
	}
	s.nothingLeft()
}
