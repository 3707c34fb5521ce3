package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/bartizan-security/bartizan/internal/postgres"
	"github.com/bartizan-security/bartizan/internal/postgres/pgtest"
	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

// locked is a writer that can be read while it is written to.
type locked struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *locked) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *locked) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// startServer runs serve in this process on a database of its own, and gives
// its address and the token of its first organization.
func startServer(t *testing.T, flags ...string) (address, token string) {
	t.Helper()
	urls := pgtest.New(t, postgres.Migrate)
	var out, log locked
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan int, 1)
	args := append([]string{
		"serve", "--dev", "--listen", "127.0.0.1:0", "--database-url", urls.URL, "--app-database-url", urls.AppURL,
		"--secret", "a secret of the tests, which is long enough",
	}, flags...)
	go func() { ended <- run(ctx, args, streams{out: &out, err: &log}) }()
	t.Cleanup(func() {
		stop()
		if code := <-ended; code != exitOK {
			t.Errorf("serve ended with %d:\n%s", code, log.String())
		}
	})
	listens := regexp.MustCompile(`listens on (http://\S+?),`)
	for range 600 {
		if m := listens.FindStringSubmatch(out.String()); m != nil {
			return m[1], regexp.MustCompile(`btz_\S+`).FindString(out.String())
		}
		select {
		case code := <-ended:
			ended <- code
			t.Fatalf("serve ended with %d:\n%s", code, log.String())
		case <-time.After(50 * time.Millisecond):
		}
	}
	t.Fatalf("serve does not listen:\n%s%s", out.String(), log.String())
	return "", ""
}

// invoke runs a command and gives its exit code and what it printed.
func invoke(t *testing.T, args ...string) (code int, out, complaint string) {
	t.Helper()
	var o, e bytes.Buffer
	code = run(t.Context(), args, streams{out: &o, err: &e})
	return code, o.String(), e.String()
}

// TestPushAndPull goes the way of a pipeline: push, push again, change, pull.
func TestPushAndPull(t *testing.T) {
	address, token := startServer(t)
	t.Setenv("BARTIZAN_SERVER", address)
	t.Setenv("BARTIZAN_TOKEN", token)
	dir := t.TempDir()
	docs := filepath.Join(dir, "docs")
	if err := os.CopyFS(docs, os.DirFS("../../testdata/designs/portal/docs")); err != nil {
		t.Fatal(err)
	}
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(docs, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("logo.png", "\x89PNG\r\n\x1a\n\x00\x00")
	write("extra.md", "# Extra\n\nNothing of importance.\n")

	push := func(wantCode int, wants ...string) {
		t.Helper()
		code, out, complaint := invoke(t, "push", "--system", "Portal", "--prune", "--fail-on", "critical", docs)
		if code != wantCode {
			t.Fatalf("exit %d, want %d: %s%s", code, wantCode, out, complaint)
		}
		for _, want := range wants {
			if !strings.Contains(out+complaint, want) {
				t.Errorf("%q is not said:\n%s%s", want, out, complaint)
			}
		}
	}
	push(exitFailOn, "created the system Portal", "12 added", "passed over: 1 file", "version 1", "critical")
	push(exitFailOn, "12 unchanged", "nothing changed", "critical") // a job that is run again does not pass the gate
	if err := os.Remove(filepath.Join(docs, "extra.md")); err != nil {
		t.Fatal(err)
	}
	push(exitOK, "1 taken out")
	if err := os.CopyFS(filepath.Join(dir, "v2"), os.DirFS("../../testdata/designs/portal/docs-v2")); err != nil {
		t.Fatal(err)
	}
	docs = filepath.Join(dir, "v2")
	push(exitOK, "6 revised", "2 changed", "2 resolved")

	out := filepath.Join(dir, "out")
	if code, _, complaint := invoke(t, "pull", "--system", "portal", "--out", out); code != exitOK {
		t.Fatalf("pull: exit %d: %s", code, complaint)
	}
	m, err := readModel(out)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range m.Documents {
		if _, err := os.Stat(filepath.Join(out, documentsName, d.Text)); err != nil {
			t.Errorf("the text of %s: %v", d.Name, err)
		}
	}
	for _, name := range []string{htmlName, markdownName} {
		if _, err := os.Stat(filepath.Join(out, name)); err != nil {
			t.Error(err)
		}
	}
	// What was pulled is what the command line works on.
	if code, _, complaint := invoke(t, "decide", out, m.Threats[0].ID, string(threatmodel.ActionConfirm), "--reason", "so it is", "--by", "A. Person"); code != exitOK {
		t.Fatalf("decide: exit %d: %s", code, complaint)
	}
	// A decision that the server does not know is not lost.
	code, _, complaint := invoke(t, "pull", "--system", "portal", "--out", out)
	if code != exitUsage || !strings.Contains(complaint, "1 decision that the server does not know") {
		t.Errorf("pull over a decision: exit %d: %s", code, complaint)
	}
}

// TestPushSaysWhatIsWrong holds the errors of a pipeline that is set up badly.
// TestPushAgainIsNotWhole holds that a pipeline that is run again does not pass
// because nothing changed since its model was incomplete.
func TestPushAgainIsNotWhole(t *testing.T) {
	address, token := startServer(t)
	t.Setenv("BARTIZAN_SERVER", address)
	t.Setenv("BARTIZAN_TOKEN", token)
	docs := t.TempDir()
	for name, text := range map[string]string{"a.md": "# Shop\n\nThe shop keeps orders in a database.\n", "b.pdf": "%PDF-1.7\ncut short"} {
		if err := os.WriteFile(filepath.Join(docs, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, want := range []string{"2 added", "2 unchanged"} {
		code, out, complaint := invoke(t, "push", "--system", "Shop", "--wait", docs)
		if code != exitIncomplete || !strings.Contains(out, want) || !strings.Contains(complaint, "b.pdf") {
			t.Errorf("exit %d, want %d with %q and the file that could not be read: %s%s", code, exitIncomplete, want, out, complaint)
		}
	}
}

func TestPushSaysWhatIsWrong(t *testing.T) {
	address, token := startServer(t, "--no-worker")
	dir := t.TempDir()
	doc := filepath.Join(dir, "design.md")
	if err := os.WriteFile(doc, []byte("# Design\n\nThe Gateway calls the Store.\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	other := filepath.Join(dir, "other")
	if err := os.MkdirAll(other, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(other, "design.md"), []byte("# Another\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name string
		args []string
		want string
	}{
		{"no token", []string{"push", "--server", address, "--system", "S", doc}, "BARTIZAN_TOKEN"},
		{"a wrong token", []string{"push", "--server", address, "--token", "btz_wrong", "--system", "S", doc}, "token"},
		{"no server", []string{"push", "--token", token, "--system", "S", doc}, "server"},
		{"nothing there", []string{"push", "--server", address, "--token", token, "--system", "S", filepath.Join(dir, "missing")}, "no such file"},
		{"one name twice", []string{"push", "--server", address, "--token", token, "--system", "S", doc, filepath.Join(other, "design.md")}, "would both be"},
		{"an unknown system", []string{"pull", "--server", address, "--token", token, "--system", "S", "--out", filepath.Join(dir, "out")}, "system"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			code, out, complaint := invoke(t, tt.args...)
			if code != exitUsage || !strings.Contains(complaint, tt.want) {
				t.Errorf("exit %d: %s%s", code, out, complaint)
			}
			if strings.Contains(complaint, token) {
				t.Error("the token is printed")
			}
		})
	}
}

// TestServerCommandsSayWhatIsWrong holds the errors of an operator's commands.
func TestServerCommandsSayWhatIsWrong(t *testing.T) {
	urls := pgtest.New(t, nil)
	for _, tt := range []struct {
		name string
		args []string
		want string
	}{
		{"no secret", []string{"worker", "--database-url", urls.URL}, "BARTIZAN_SECRET"},
		{"a short secret", []string{"worker", "--database-url", urls.URL, "--secret", "short"}, "at least 32"},
		{"not migrated", []string{"worker", "--database-url", urls.URL, "--secret", strings.Repeat("s", 32)}, "migrate up"},
		{"a key that is none", []string{"worker", "--database-url", urls.URL, "--secret", strings.Repeat("s", 32), "--encryption-keys", "a:b"}, "base 64"},
		{"steps left", []string{"migrate", "status", "--database-url", urls.URL}, "migrate up"},
		{"no database", []string{"worker", "--data-dir", filepath.Join(t.TempDir(), "none")}, "DATABASE_URL"},
		{"the application's URL alone", []string{"worker", "--app-database-url", urls.AppURL}, "--database-url"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			code, out, complaint := invoke(t, tt.args...)
			if code == exitOK || !strings.Contains(complaint, tt.want) {
				t.Errorf("exit %d: %s%s", code, out, complaint)
			}
		})
	}
	if code, _, complaint := invoke(t, "migrate", "up", "--database-url", urls.URL); code != exitOK {
		t.Fatalf("migrate up: exit %d: %s", code, complaint)
	}
	server := []string{"--database-url", urls.URL, "--secret", strings.Repeat("s", 32)}
	code, token, complaint := invoke(t, append([]string{"admin", "create-organization", "example"}, server...)...)
	if code != exitOK || !strings.HasPrefix(token, "btz_") {
		t.Fatalf("create-organization: exit %d: %s%s", code, token, complaint)
	}
	code, out, complaint := invoke(t, append([]string{"audit", "verify", "example"}, server...)...)
	if code != exitOK || !strings.Contains(out, "whole: ") || !strings.Contains(out, "bartizan-checkpoint-1/") {
		t.Errorf("audit verify: exit %d: %s%s", code, out, complaint)
	}
	code, _, complaint = invoke(t, append([]string{"audit", "verify", "nobody"}, server...)...)
	if code != exitUsage || !strings.Contains(complaint, "admin organizations") {
		t.Errorf("audit verify of nobody: exit %d: %s", code, complaint)
	}
}

// TestABusyPortCostsNoToken holds that a trial which cannot listen makes nothing:
// its token is shown once.
func TestABusyPortCostsNoToken(t *testing.T) {
	address, _ := startServer(t, "--no-worker")
	dir := t.TempDir()
	code, out, complaint := invoke(t, "serve", "--dev", "--data-dir", filepath.Join(dir, "data"), "--listen", strings.TrimPrefix(address, "http://"))
	if code == exitOK || !strings.Contains(complaint, "--listen") {
		t.Errorf("exit %d: %s%s", code, out, complaint)
	}
	if _, err := os.Stat(filepath.Join(dir, "data")); !os.IsNotExist(err) || strings.Contains(out, "btz_") {
		t.Errorf("something was made all the same: %v, %s", err, out)
	}
}

// TestTheServerReadsAsTheFlagsSay holds that limits on reading reach the service.
func TestTheServerReadsAsTheFlagsSay(t *testing.T) {
	address, token := startServer(t, "--limit", "text=1000")
	doc := filepath.Join(t.TempDir(), "long.md")
	if err := os.WriteFile(doc, []byte("# Long\n\n"+strings.Repeat("The Gateway calls the Store. ", 100)), 0o600); err != nil {
		t.Fatal(err)
	}
	code, out, complaint := invoke(t, "push", "--server", address, "--token", token, "--system", "S", "--wait", doc)
	if code != exitIncomplete {
		t.Errorf("exit %d: %s%s", code, out, complaint)
	}
}
