package cluster

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// stopLeftover stops a server that a program which was killed left behind, so
// that ours starts with our settings and is our child. The lock says that
// nobody who is alive still wants that server.
func (c *Cluster) stopLeftover(ctx context.Context) error {
	note, err := readPIDFile(c.layout.data)
	if err != nil || !c.serves(ctx, note.pid) {
		return nil // no note, or one that names no server of ours: clearNotes removes it
	}
	c.options.Log.Info("stopping the PostgreSQL that an earlier run left behind", "pid", note.pid)
	if err := c.stopByID(ctx, note.pid); err != nil {
		return fmt.Errorf("stop the PostgreSQL that an earlier run left behind (process %d): %w", note.pid, err)
	}
	return nil
}

// clearNotes removes what a server that is gone left to say that it runs: the
// process id noted there may belong to somebody else by now, and the next
// server would take that for the old one and refuse to start. Sessions of the
// old one that still live are safe from this: the server finds them by the
// memory that they hold.
func (c *Cluster) clearNotes() error {
	for _, path := range []string{
		filepath.Join(c.layout.data, "postmaster.pid"),
		filepath.Join(c.layout.socket, socketName),
		filepath.Join(c.layout.socket, socketName+".lock"),
	} {
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("remove what a PostgreSQL that is gone left behind: %w", err)
		}
	}
	return nil
}

// serves tells whether a process is a server that runs on our data: such a
// one works in the data folder and was started with it.
func (c *Cluster) serves(ctx context.Context, pid int) bool {
	if runtime.GOOS != "linux" {
		line := ask(ctx, "/bin/ps", "-o", "command=", "-p", strconv.Itoa(pid))
		return strings.Contains(line, "postgres") && strings.Contains(line, c.layout.data)
	}
	process := filepath.Join("/proc", strconv.Itoa(pid))
	here, err := os.Stat(filepath.Join(process, "cwd"))
	if errors.Is(err, fs.ErrPermission) { // root in a container may not look at others' folders
		line, _ := os.ReadFile(filepath.Join(process, "cmdline"))
		return slices.Contains(strings.Split(string(line), "\x00"), c.layout.data)
	}
	data, missing := os.Stat(c.layout.data)
	return err == nil && missing == nil && os.SameFile(here, data)
}

// stopByID stops a server that is not our child.
func (c *Cluster) stopByID(ctx context.Context, pid int) error {
	process, err := os.FindProcess(pid)
	if err != nil {
		return err
	}
	for _, way := range []struct {
		signal os.Signal
		within time.Duration
	}{{syscall.SIGINT, fastStop}, {syscall.SIGQUIT, immediateStop}} {
		if err := process.Signal(way.signal); err != nil && !errors.Is(err, os.ErrProcessDone) {
			return err
		}
		if c.gone(ctx, pid, way.within) {
			return nil
		}
	}
	return errors.New("it does not stop")
}

// gone waits for a server that is not our child to end.
func (c *Cluster) gone(ctx context.Context, pid int, within time.Duration) bool {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	for c.serves(ctx, pid) {
		select {
		case <-ctx.Done():
			return false
		case <-time.After(glance):
		}
	}
	return true
}
