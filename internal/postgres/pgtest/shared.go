package pgtest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/gofrs/flock"
)

// The files of the shared server's folder. Whoever uses the server holds a
// shared lock on users; the warden, a process that runs the server and ends it
// when it can lock users alone, holds warden; who finds out whether there is a
// warden, or starts one, holds start.
const (
	usersLock  = "users.lock"
	startLock  = "start.lock"
	wardenLock = "warden.lock"
	noteFile   = "server.json"
)

// note is what the warden says about the server that it runs.
type note struct {
	URL   string `json:"url,omitempty"`
	ID    string `json:"id,omitempty"`
	Error string `json:"error,omitempty"`
}

// patience is how long to wait for a server that another process starts.
const patience = 2 * time.Minute

// join returns the shared server, which it starts where nobody has. The server
// stays until the test ends.
func join(t testing.TB) (*Server, error) {
	dir, err := sharedFolder()
	if err != nil {
		return nil, err
	}
	users := flock.New(filepath.Join(dir, usersLock))
	if err := users.RLock(); err != nil {
		return nil, fmt.Errorf("lock %s: %w", users.Path(), err)
	}
	t.Cleanup(func() { _ = users.Unlock() }) // goes with the process anyhow
	found, err := findOrStart(t.Context(), dir, idle)
	if err != nil {
		return nil, err
	}
	admin, err := url.Parse(found.URL)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", filepath.Join(dir, noteFile), err)
	}
	return &Server{admin: admin, id: found.ID}, nil
}

// sharedFolder makes the folder of the server, one a user of the system. The
// server may run as another, so others may pass through it.
func sharedFolder() (string, error) {
	dir := filepath.Join(os.TempDir(), fmt.Sprintf("bartizan-pgtest-%d", os.Geteuid()))
	err := os.Mkdir(dir, 0o711)
	if err != nil && !errors.Is(err, fs.ErrExist) {
		return "", fmt.Errorf("make a folder for the test server: %w", err)
	}
	info, err := os.Lstat(dir)
	if err != nil {
		return "", fmt.Errorf("look at the folder of the test server: %w", err)
	}
	if !info.IsDir() || info.Mode().Perm()&0o022 != 0 || !mine(info) {
		return "", fmt.Errorf("%s is not a folder that only this user writes to: remove it", dir)
	}
	return dir, nil
}

// findOrStart asks for the running server, and starts one that waits so long
// for users where there is none. Only one process at a time does.
func findOrStart(ctx context.Context, dir string, idle time.Duration) (note, error) {
	start := flock.New(filepath.Join(dir, startLock))
	if err := start.Lock(); err != nil {
		return note{}, fmt.Errorf("lock %s: %w", start.Path(), err)
	}
	defer func() { _ = start.Unlock() }()
	warden := flock.New(filepath.Join(dir, wardenLock))
	free, err := warden.TryLock()
	if err != nil {
		return note{}, fmt.Errorf("lock %s: %w", warden.Path(), err)
	}
	if !free {
		return awaitNote(ctx, dir)
	}
	if err := errors.Join(os.RemoveAll(filepath.Join(dir, noteFile)), warden.Unlock()); err != nil {
		return note{}, err
	}
	return startWarden(dir, idle)
}

// awaitNote reads what the warden says. It is there already, unless whoever
// started the warden was killed meanwhile.
func awaitNote(ctx context.Context, dir string) (note, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		text, err := os.ReadFile(filepath.Join(dir, noteFile))
		if err == nil {
			return parseNote(text)
		}
		select {
		case <-ctx.Done():
			return note{}, fmt.Errorf("the test server in %s does not come up: %w", dir, ctx.Err())
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// startWarden runs this test binary once more, as the warden, and returns when
// the server answers.
func startWarden(dir string, idle time.Duration) (note, error) {
	program, err := os.Executable()
	if err != nil {
		return note{}, err
	}
	cmd := exec.Command(program, idle.String())
	cmd.Env = append(os.Environ(), envWarden+"="+dir)
	cmd.Dir = dir
	cmd.SysProcAttr = detached()
	out, err := cmd.StdoutPipe()
	if err != nil {
		return note{}, err
	}
	if err := cmd.Start(); err != nil {
		return note{}, fmt.Errorf("start the test server: %w", err)
	}
	var said note
	if err := json.NewDecoder(out).Decode(&said); err != nil {
		return note{}, fmt.Errorf("start the test server: its warden ended without a word (%w): see %s", errors.Join(err, cmd.Wait()), dir)
	}
	go func() { _ = cmd.Wait() }() // it outlives us, or is a child that has to be waited for
	if said.Error != "" {
		return note{}, errors.New(said.Error)
	}
	return said, nil
}

func parseNote(text []byte) (note, error) {
	var said note
	if err := json.Unmarshal(text, &said); err != nil {
		return note{}, fmt.Errorf("read the note of the test server: %w", err)
	}
	return said, nil
}
