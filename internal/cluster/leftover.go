package cluster

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// stopLeftover deals with what a program that was killed left behind: a server
// that still runs on the data is stopped, so that ours starts with our
// settings and is our child; a note of one that is gone is removed, because
// its process id may belong to somebody else by now. The lock says that
// nobody who is alive still wants that server.
func (c *Cluster) stopLeftover(ctx context.Context) error {
	note, err := readPIDFile(c.layout.data)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil && c.serves(ctx, note.pid) {
		c.options.Log.Info("stopping the PostgreSQL that an earlier run left behind", "pid", note.pid)
		if err := c.stopByID(ctx, note.pid); err != nil {
			return fmt.Errorf("stop the PostgreSQL that an earlier run left behind (process %d): %w", note.pid, err)
		}
	}
	err = os.Remove(filepath.Join(c.layout.data, "postmaster.pid"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove the note of a PostgreSQL that is gone: %w", err)
	}
	return nil
}

// serves tells whether a process is a server that runs on our data: such a
// one works in the data folder and was started with it.
func (c *Cluster) serves(ctx context.Context, pid int) bool {
	if runtime.GOOS == "linux" {
		here, err := os.Stat(filepath.Join("/proc", strconv.Itoa(pid), "cwd"))
		if err != nil {
			return false
		}
		data, err := os.Stat(c.layout.data)
		return err == nil && os.SameFile(here, data)
	}
	line := ask(ctx, "/bin/ps", "-o", "command=", "-p", strconv.Itoa(pid))
	return strings.Contains(line, "postgres") && strings.Contains(line, c.layout.data)
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
