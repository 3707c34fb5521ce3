package pgtest

import (
	"errors"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/gofrs/flock"
	"github.com/jackc/pgx/v5"
)

// ground is a folder for a shared server of the test's own.
func ground(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "bartizan-pgtest-warden-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o711); err != nil {
		t.Fatal(err)
	}
	return dir
}

// use makes the test a user of the server, until release.
func use(t *testing.T, dir string) (release func()) {
	t.Helper()
	users := flock.New(filepath.Join(dir, usersLock))
	if err := users.RLock(); err != nil {
		t.Fatal(err)
	}
	return func() { _ = users.Unlock() }
}

// awaitEnd waits until the server of a folder has ended and was removed.
func awaitEnd(t *testing.T, dir string) {
	t.Helper()
	for {
		_, err := os.Stat(filepath.Join(dir, "pg"))
		warden := flock.New(filepath.Join(dir, wardenLock))
		free, bad := warden.TryLock()
		if bad != nil {
			t.Fatal(bad)
		}
		if free {
			_ = warden.Unlock()
			if !errors.Is(err, fs.ErrNotExist) {
				t.Fatalf("the warden is gone and left its data (%v)", err)
			}
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
}

func answers(t *testing.T, url string) error {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		return err
	}
	return conn.Close(t.Context())
}

func TestAllUsersShareOneServerThatEndsAfterTheLast(t *testing.T) {
	dir := ground(t)
	var together sync.WaitGroup
	found := make([]note, 4)
	releases := make([]func(), len(found))
	for n := range found {
		releases[n] = use(t, dir)
		together.Go(func() {
			var err error
			if found[n], err = findOrStart(t.Context(), dir, 10*time.Millisecond); err != nil {
				t.Error(err)
			}
		})
	}
	together.Wait()
	for n, one := range found {
		if one != found[0] || one.ID == "" {
			t.Fatalf("user %d got the server %+v, the first %+v", n, one, found[0])
		}
	}
	for _, release := range releases[1:] {
		release()
	}
	time.Sleep(200 * time.Millisecond) // many times as long as it waits for users
	if err := answers(t, found[0].URL); err != nil {
		t.Fatalf("the server ended under its last user: %v", err)
	}
	releases[0]()
	awaitEnd(t, dir)
	if err := answers(t, found[0].URL); err == nil {
		t.Error("the server still answers")
	}
	release := use(t, dir)
	next, err := findOrStart(t.Context(), dir, 10*time.Millisecond)
	if err != nil || next.ID == found[0].ID {
		t.Errorf("the next user got %+v (%v)", next, err)
	}
	release()
	awaitEnd(t, dir)
}

func TestAKilledWardenIsReplaced(t *testing.T) {
	dir := ground(t)
	release := use(t, dir)
	first, err := findOrStart(t.Context(), dir, 10*time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	text, _, _ := strings.Cut(first.ID, ".")
	pid, err := strconv.Atoi(text)
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	second := first
	for second.ID == first.ID { // until the kernel has taken its locks
		if second, err = findOrStart(t.Context(), dir, 10*time.Millisecond); err != nil {
			t.Fatal(err)
		}
	}
	if err := answers(t, second.URL); err != nil {
		t.Error(err)
	}
	release()
	awaitEnd(t, dir)
}

func TestAServerThatCannotStartIsExplained(t *testing.T) {
	dir := ground(t)
	t.Setenv("TMPDIR", dir)
	write := filepath.Join(dir, "pg") // a file where the folder should be
	if err := os.WriteFile(write, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := findOrStart(t.Context(), dir, 0)
	if err == nil || !strings.Contains(err.Error(), write) {
		t.Errorf("findOrStart: %v", err)
	}
}

// stopped is a testing.TB that remembers how it was ended.
type stopped struct {
	testing.TB
	failed, skipped bool
}

func (s *stopped) Helper() {}

func (s *stopped) Fatalf(string, ...any) { s.failed = true; panic(s) }

func (s *stopped) Skipf(string, ...any) { s.skipped = true; panic(s) }

func TestWithoutAServerTestsFailUnlessTheyAreToBeSkipped(t *testing.T) {
	for value, want := range map[string]stopped{
		"skip":           {skipped: true},
		"localhost:5432": {failed: true},
		"mysql://x/y":    {failed: true},
	} {
		t.Setenv(EnvURL, value)
		got := &stopped{TB: t}
		func() {
			defer func() { _ = recover() }()
			Shared(got)
		}()
		if got.failed != want.failed || got.skipped != want.skipped {
			t.Errorf("$%s=%s: failed %v, skipped %v", EnvURL, value, got.failed, got.skipped)
		}
	}
}

func TestURLsOfAServerThatIsNamed(t *testing.T) {
	for name, want := range map[string]struct{ owner, admin, driver string }{
		"postgres://root:pw@db.example:5433/first?sslmode=disable": {
			owner:  "postgres://bartizan_owner:bartizan@db.example:5433/x?sslmode=disable",
			admin:  "postgres://root:pw@db.example:5433/x?sslmode=disable",
			driver: "postgres://root:pw@db.example:5433/first?sslmode=disable",
		},
		"postgres:///postgres?host=%2Frun%2Fpg&user=root": {
			owner:  "postgres://bartizan_owner:bartizan@/x?host=%2Frun%2Fpg",
			admin:  "postgres:///x?host=%2Frun%2Fpg&user=root",
			driver: "postgres://root:@:/postgres?host=%2Frun%2Fpg",
		},
	} {
		admin, err := url.Parse(name)
		if err != nil {
			t.Fatal(err)
		}
		s := &Server{admin: admin}
		if got := s.url("x", Owner); got != want.owner {
			t.Errorf("owner: %s, want %s", got, want.owner)
		}
		if got := s.url("x", ""); got != want.admin {
			t.Errorf("admin: %s, want %s", got, want.admin)
		}
		if got := s.config().URL(); got != want.driver {
			t.Errorf("pgtestdb connects to %s, want %s", got, want.driver)
		}
		for _, u := range []string{s.url("x", App), s.config().URL()} {
			if _, err := pgx.ParseConfig(u); err != nil {
				t.Errorf("%s: %v", u, err)
			}
		}
	}
}
