package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"github.com/bartizan-security/bartizan/pkg/client"
)

// TestTrialGoesOn holds that whoever starts a trial again, and has lost its
// token, is told how to come by another.
func TestTrialGoesOn(t *testing.T) {
	if got := goesOn("dev"); !strings.Contains(got, "bartizan admin create-token dev") {
		t.Errorf("said %q", got)
	}
}

// beside runs a command on the data folder of a server, as another process.
func (s *serving) beside(args ...string) (out string, code int) {
	s.t.Helper()
	env := append(os.Environ(), "HOME="+s.t.TempDir(), "DATABASE_URL=")
	cmd, log := program(s.t, env, append(args, "--data-dir", s.dir, "--log-level", "error")...)
	var b bytes.Buffer
	cmd.Stdout = &b
	if err := cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	_ = cmd.Wait()
	return b.String() + log.String(), cmd.ProcessState.ExitCode()
}

// files are the names of what lies in a data folder, PostgreSQL's own data aside.
func (s *serving) files() string {
	s.t.Helper()
	var out []string
	for _, pattern := range []string{"*", "postgres/*", "postgres/conf/*", "postgres/run/*"} {
		found, err := filepath.Glob(filepath.Join(s.dir, pattern))
		if err != nil {
			s.t.Fatal(err)
		}
		out = append(out, found...)
	}
	return strings.Join(out, "\n")
}

// TestAdministrationBesideARunningServer: tokens, organizations and the audit trail
// of a server with a private database are at hand while it serves, and it notices
// nothing of it.
func TestAdministrationBesideARunningServer(t *testing.T) {
	s := newServing(t)
	before := s.files()
	server, err := os.ReadFile(filepath.Join(s.dir, "postgres", "data", "postmaster.pid"))
	if err != nil {
		t.Fatal(err)
	}
	out, code := s.beside("admin", "create-token", "dev")
	token := regexp.MustCompile(`btz_\S+`).FindString(out)
	if code != exitOK || token == "" {
		t.Fatalf("create-token ended with %d and said %q", code, out)
	}
	c, err := client.New(s.address, token)
	if err != nil {
		t.Fatal(err)
	}
	if who, err := c.Me(t.Context()); err != nil || who.Name != "token administrator" {
		t.Errorf("the running server takes the token for %+v (%v)", who, err)
	}
	for _, tt := range []struct {
		args []string
		want string
	}{
		{[]string{"admin", "create-organization", "second"}, "btz_"},
		{[]string{"admin", "organizations"}, "second"},
		{[]string{"audit", "verify", "dev"}, "whole: "},
		{[]string{"migrate", "status"}, "vocabulary"},
	} {
		if out, code := s.beside(tt.args...); code != exitOK || !strings.Contains(out, tt.want) {
			t.Errorf("%s ended with %d and said %q, without %q", strings.Join(tt.args, " "), code, out, tt.want)
		}
	}
	for _, args := range [][]string{{"serve", "--listen", "127.0.0.1:0"}, {"migrate", "up"}} {
		out, code := s.beside(args...)
		if want := fmt.Sprintf("(process %d) uses the data folder", s.cmd.Process.Pid); code != exitUsage || !strings.Contains(out, want) {
			t.Errorf("%s ended with %d and said %q: a second server on the same data?", args[0], code, out)
		}
	}
	if after := s.files(); after != before {
		t.Errorf("something was left behind:\n%s\nbefore:\n%s", after, before)
	}
	if now, err := os.ReadFile(filepath.Join(s.dir, "postgres", "data", "postmaster.pid")); err != nil || !bytes.Equal(now, server) {
		t.Errorf("the database server is another one now (%v)", err)
	}
	if err := s.end(syscall.SIGTERM); err != nil {
		t.Errorf("serve ended with %v", err)
	}
	s.nothingLeft()
	if out, code := s.beside("admin", "organizations"); code != exitOK || !strings.Contains(out, "second") {
		t.Errorf("without a server, organizations ended with %d and said %q", code, out)
	}
	s.nothingLeft()
}

// TestAdministrationWhileTheServerStarts: whoever comes too early waits for it.
func TestAdministrationWhileTheServerStarts(t *testing.T) {
	dir, err := os.MkdirTemp("", "bartizan-serve-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o711); err != nil {
		t.Fatal(err)
	}
	s := &serving{t: t, dir: dir}
	cmd, log := program(t, append(os.Environ(), "HOME="+t.TempDir(), "DATABASE_URL="), "serve", "--listen", "127.0.0.1:0", "--data-dir", dir)
	cmd.Stdout = io.Discard
	s.cmd, s.log = cmd, log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for _, missing := os.Stat(filepath.Join(dir, "postgres", "lock")); missing != nil && !s.gone(); {
		_, missing = os.Stat(filepath.Join(dir, "postgres", "lock"))
	}
	if out, code := s.beside("admin", "create-organization", "early"); code != exitOK || !strings.Contains(out, "btz_") {
		t.Errorf("create-organization ended with %d and said %q", code, out)
	}
	if err := s.end(syscall.SIGTERM); err != nil {
		t.Errorf("serve ended with %v:\n%s", err, log.String())
	}
	s.nothingLeft()
}
