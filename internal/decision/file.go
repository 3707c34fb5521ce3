package decision

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"

	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

// FileName is the name of the decisions file where none is given.
const FileName = "decisions.yaml"

// header begins a new file.
const header = `# Decisions on the threats of this system, in the order in which they were taken.
# The file is only appended to, by "bartizan decide". Keep it beside the
# documents under version control: it is the record of who decided what, why,
# and on which sentences.
`

// Load reads a decisions file. A file that is not there holds no decisions and
// gives nil; an empty path too. The reading is strict: an unknown key, a missing
// field or a value that does not fit is an error that names the file and line.
func Load(path string) ([]threatmodel.Decision, error) {
	if path == "" {
		return nil, nil
	}
	raw, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading the decisions: %w", err)
	}
	return Parse(path, raw)
}

// Append adds decisions to the end of a file, which it makes where there is
// none. What stands in the file stays, byte for byte; two processes that append
// at once wait for each other; and a crash leaves the file as it was or as it
// should be.
func Append(ctx context.Context, path string, decisions ...threatmodel.Decision) error {
	if target, err := filepath.EvalSymlinks(path); err == nil {
		path = target
	}
	unlock, err := lock(ctx, path)
	if err != nil {
		return fmt.Errorf("appending to %s: %w", path, err)
	}
	defer unlock()
	raw, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("reading the decisions: %w", err)
	}
	next, err := extend(path, raw, decisions)
	if err != nil {
		return err
	}
	if err := replace(path, next); err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	return nil
}

// retryLock is how long to wait before trying a lock again that another process
// holds.
const retryLock = 20 * time.Millisecond

// lock takes the lock file beside the path. The lock file stays: removing it
// would let two processes hold two of them.
func lock(ctx context.Context, path string) (unlock func(), err error) {
	name := filepath.Join(filepath.Dir(path), "."+filepath.Base(path)+".lock")
	l := flock.New(name)
	ok, err := l.TryLockContext(ctx, retryLock)
	if err != nil {
		return nil, fmt.Errorf("waiting for the lock %s: %w", name, err)
	}
	if !ok {
		return nil, fmt.Errorf("the lock %s is held by another process", name)
	}
	return func() { _ = l.Unlock() }, nil
}

// replace puts new content in the place of a file in one step.
func replace(path string, content []byte) (err error) {
	mode := fs.FileMode(0o644)
	if info, err := os.Stat(path); err == nil {
		mode = info.Mode().Perm()
	}
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = f.Close()
			_ = os.Remove(f.Name())
		}
	}()
	if _, err = f.Write(content); err != nil {
		return err
	}
	if err = f.Chmod(mode); err != nil {
		return err
	}
	if err = f.Sync(); err != nil {
		return err
	}
	if err = f.Close(); err != nil {
		return err
	}
	if err = os.Rename(f.Name(), path); err != nil {
		return err
	}
	return syncFolder(filepath.Dir(path))
}

// syncFolder makes a renaming durable, where the file system can do that.
func syncFolder(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	err = d.Sync()
	if errors.Is(err, errors.ErrUnsupported) {
		err = nil
	}
	return errors.Join(err, d.Close())
}
