package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"log/slog"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/bartizan-security/bartizan/internal/cluster"
	"github.com/bartizan-security/bartizan/internal/identifier"
	"github.com/bartizan-security/bartizan/internal/llm/llmtest"
	"github.com/bartizan-security/bartizan/internal/postgres"
	"github.com/bartizan-security/bartizan/internal/postgres/pgtest"
	"github.com/bartizan-security/bartizan/internal/service"
	"github.com/bartizan-security/bartizan/pkg/resource"
)

// fleetLease is how long work outlives a worker of the tests. Less, and a busy
// machine would take workers for dead that only wait for their turn.
const fleetLease = 4 * time.Second

// fleet is a database server and a model of its own, with worker processes that
// may be killed, and the service within the test to ask for work and look at what
// came of it.
type fleet struct {
	*service.Service
	t       testing.TB
	db      *postgres.DB
	cluster *cluster.Cluster
	model   *llmtest.Server
	env     []string

	mu      sync.Mutex
	started int
	running []*worker
	kills   []kill
}

// worker is a process of `bartizan worker`. The model knows it by its name.
type worker struct {
	name string
	cmd  *exec.Cmd
	log  *locked
}

// kill is the end of a worker.
type kill struct {
	name string
	at   time.Time
}

func newFleet(t testing.TB) *fleet {
	t.Helper()
	server, running := pgtest.Private(t)
	database := server.New(t, postgres.Migrate)
	f := &fleet{t: t, cluster: running, model: llmtest.New(t)}
	f.env = append(
		os.Environ(), "HOME="+t.TempDir(), "DATABASE_URL="+database.URL, "BARTIZAN_APP_DATABASE_URL="+database.AppURL,
		"BARTIZAN_SECRET=a secret of the tests, long enough for all", "BARTIZAN_FENCE_SECRET=a fence of the tests",
		"BARTIZAN_LLM_BASE_URL="+f.model.URL(), "BARTIZAN_LLM_MODEL=test-model",
	)
	var err error
	if f.db, err = postgres.Open(t.Context(), postgres.Config{URL: database.URL, AppURL: database.AppURL}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(f.db.Close)
	f.Service, err = service.New(service.Config{DB: f.db, Version: "test", TempDir: t.TempDir(), Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(f.Close)
	t.Cleanup(f.end)
	return f
}

// program is a command line of the program, run by this test binary in a process
// group of its own.
func program(t testing.TB, env []string, args ...string) (*exec.Cmd, *locked) {
	t.Helper()
	path, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	log := &locked{}
	cmd := exec.Command(path)
	cmd.Args = append([]string{"bartizan"}, args...)
	cmd.Env, cmd.Stderr = env, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.WaitDelay = time.Second
	return cmd, log
}

// start adds a worker.
func (f *fleet) start() *worker {
	f.t.Helper()
	f.mu.Lock()
	defer f.mu.Unlock()
	f.started++
	name := fmt.Sprintf("worker-%d", f.started)
	cmd, log := program(f.t, append(f.env, "BARTIZAN_LLM_API_KEY="+name), "worker", "--lease", fleetLease.String(), "--soft-stop", "5s", "--readings", "1")
	w := &worker{name: name, cmd: cmd, log: log}
	if err := cmd.Start(); err != nil {
		f.t.Fatal(err)
	}
	f.running = append(f.running, w)
	return w
}

// kill ends a worker without a warning.
func (f *fleet) kill(w *worker) {
	f.mu.Lock()
	defer f.mu.Unlock()
	_ = w.cmd.Process.Kill()
	// Whatever it did after this moment it did not do.
	f.kills = append(f.kills, kill{w.name, time.Now()})
	_ = w.cmd.Wait()
	f.running = slices.DeleteFunc(f.running, func(x *worker) bool { return x == w })
}

// end stops all workers as an operator does, and shows their logs where the test
// failed.
func (f *fleet) end() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, w := range f.running {
		_ = w.cmd.Process.Signal(syscall.SIGTERM)
	}
	for _, w := range f.running {
		if err := w.cmd.Wait(); err != nil {
			f.t.Errorf("%s ended with %v", w.name, err)
		}
		if f.t.Failed() {
			f.t.Logf("log of %s:\n%s", w.name, w.log.String())
		}
	}
	f.running = nil
}

func (f *fleet) must(err error) {
	f.t.Helper()
	if err != nil {
		f.t.Fatal(err)
	}
}

// tenant makes an organization and a way to act in it.
func (f *fleet) tenant(name string) service.Actor {
	f.t.Helper()
	_, err := f.CreateOrganization(f.t.Context(), name, "")
	f.must(err)
	token, err := f.CreateFirstToken(f.t.Context(), name, "first")
	f.must(err)
	a, err := f.Authenticate(f.t.Context(), token.Secret)
	f.must(err)
	return a
}

// designs are documents by name.
type designs map[string]string

// readDesigns reads the documents below a folder of testdata/designs.
func readDesigns(t testing.TB, dir string) designs {
	t.Helper()
	dir = filepath.Join("../../testdata/designs", dir)
	out := designs{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Base(path) == "bartizan.yaml" {
			return err
		}
		raw, err := os.ReadFile(path)
		name, _ := filepath.Rel(dir, path)
		out[filepath.ToSlash(name)] = string(raw)
		return err
	})
	if err != nil || len(out) == 0 {
		t.Fatalf("reading %s: %v", dir, err)
	}
	return out
}

// revised is the n-th revision of the documents: all but the first say one more
// thing each, in every other document.
func (d designs) revised(n int) designs {
	out := maps.Clone(d)
	for i, name := range slices.Sorted(maps.Keys(out)) {
		if n > 0 && i%2 == 0 {
			out[name] += fmt.Sprintf("\n## Change %d\n\nThe Courier %d sends its reports to the Report Store %d over plain HTTP.\n", n, n, n)
		}
	}
	return out
}

func (d designs) all() iter.Seq2[service.File, error] {
	return func(yield func(service.File, error) bool) {
		for _, name := range slices.Sorted(maps.Keys(d)) {
			if !yield(service.File{Reference: name, Content: strings.NewReader(d[name])}, nil) {
				return
			}
		}
	}
}

// system makes a system.
func (f *fleet) system(a service.Actor, name string) uuid.UUID {
	f.t.Helper()
	s, err := f.CreateSystem(f.t.Context(), a, resource.NewSystem{Name: name})
	f.must(err)
	id, err := identifier.Parse(identifier.System, s.ID)
	f.must(err)
	return id
}

// upload sends documents and asks for an analysis of them.
func (f *fleet) upload(ctx context.Context, a service.Actor, system uuid.UUID, d designs) error {
	up, err := f.Upload(ctx, a, system, d.all(), true)
	if err == nil && up.Analysis == nil {
		err = errors.New("the upload asked for no analysis")
	}
	return err
}

// await returns when all that was asked for of a system is done. A database that
// is away is waited for.
func (f *fleet) await(ctx context.Context, a service.Actor, system uuid.UUID) error {
	for {
		var open bool
		err := f.db.OwnerPool().QueryRow(ctx, `select requested > done from bartizan.work where organization_id = $1 and system_id = $2`,
			a.Organization, system).Scan(&open)
		switch {
		case err == nil && !open:
			return nil
		case err != nil && !postgres.Temporary(err):
			return err
		}
		select {
		case <-time.After(50 * time.Millisecond):
		case <-ctx.Done():
			return fmt.Errorf("the analysis of the system %s did not end: %w", system, ctx.Err())
		}
	}
}

// number asks the database for one.
func (f *fleet) number(sql string, args ...any) int {
	f.t.Helper()
	n := 0
	f.must(f.db.OwnerPool().QueryRow(f.t.Context(), sql, args...).Scan(&n))
	return n
}
