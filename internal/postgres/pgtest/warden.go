package pgtest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/gofrs/flock"

	"github.com/bartizan-security/bartizan/internal/cluster"
)

// envWarden, set to the folder of the shared server, makes a test binary the
// server's warden instead of running its tests. Its argument is how long the
// server waits for another user.
const envWarden = "BARTIZAN_PGTEST_WARDEN"

// idle is how long that is for the server that all share: long enough for the
// compiler between two test binaries of one `go test`.
const idle = 30 * time.Second

// A test binary has no main of ours, and its TestMain belongs to the package
// under test: what is left to become something else is this.
func init() {
	if dir := os.Getenv(envWarden); dir != "" {
		wait, err := time.ParseDuration(os.Args[1])
		if err != nil {
			wait = idle
		}
		os.Exit(ward(dir, wait))
	}
}

// ward runs the server until nobody uses it, and reports the exit code.
func ward(dir string, wait time.Duration) int {
	lock := flock.New(filepath.Join(dir, wardenLock))
	if taken, err := lock.TryLock(); err != nil || !taken {
		say(note{Error: fmt.Sprintf("another process runs the test server in %s (%v)", dir, err)})
		return 1
	}
	// Held to the end: the collector would close a file that nobody refers to.
	defer func() { _ = lock.Unlock() }()
	server, err := startServer(filepath.Join(dir, "pg"))
	if err != nil {
		say(note{Error: err.Error()})
		return 1
	}
	here := note{
		URL: server.URL(cluster.Database, cluster.Superuser),
		ID:  strconv.Itoa(os.Getpid()) + "." + strconv.FormatInt(time.Now().UnixNano(), 36),
	}
	if err := publish(dir, here); err != nil {
		say(note{Error: errors.Join(err, server.Stop(context.Background())).Error()})
		return 1
	}
	say(here)
	os.Stdout.Close()
	if err := awaitIdle(dir, server, wait); err != nil {
		return 1
	}
	return 0
}

// startServer starts on what an earlier warden left, if it was killed, and
// where that is damaged on an empty folder.
func startServer(dir string) (*cluster.Cluster, error) {
	options := cluster.Options{
		DataDir: dir, Roles: []string{Owner, App}, Throwaway: true, StartTimeout: patience,
		Log: slog.New(slog.DiscardHandler),
	}
	server, err := cluster.Start(context.Background(), options)
	var failed *cluster.StartError
	if errors.As(err, &failed) {
		if err := os.RemoveAll(dir); err != nil {
			return nil, err
		}
		return cluster.Start(context.Background(), options)
	}
	return server, err
}

// publish leaves the note for those who come later.
func publish(dir string, here note) error {
	text, err := json.Marshal(here)
	if err != nil {
		return err
	}
	draft := filepath.Join(dir, noteFile+".new")
	if err := os.WriteFile(draft, text, 0o600); err != nil {
		return err
	}
	return os.Rename(draft, filepath.Join(dir, noteFile))
}

// say answers the test that started us.
func say(n note) { _ = json.NewEncoder(os.Stdout).Encode(n) } // it may be gone

// awaitIdle ends the server, and removes it, once nobody has used it for a
// while. Who comes while it ends waits for the lock.
func awaitIdle(dir string, server *cluster.Cluster, wait time.Duration) error {
	users := flock.New(filepath.Join(dir, usersLock))
	lastUse := time.Now()
	for {
		select {
		case <-server.Done():
			return server.Err()
		case <-time.After(min(time.Second, max(wait, 10*time.Millisecond))):
		}
		alone, err := users.TryLock()
		switch {
		case err != nil:
			return errors.Join(err, server.Stop(context.Background()))
		case !alone:
			lastUse = time.Now()
		case time.Since(lastUse) < wait:
			_ = users.Unlock()
		default:
			err := server.Stop(context.Background())
			return errors.Join(err, os.Remove(filepath.Join(dir, noteFile)), os.RemoveAll(filepath.Join(dir, "pg")))
		}
	}
}
