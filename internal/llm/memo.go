package llm

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"
)

// Record is an answer as the memo keeps it.
type Record struct {
	Answer    json.RawMessage `json:"answer"`
	Usage     Usage           `json:"usage"`
	Model     string          `json:"model"`
	Mode      string          `json:"mode"`
	Stage     string          `json:"stage"`
	InputHash string          `json:"input_hash,omitempty"`
	At        time.Time       `json:"at"`
}

// Memo keeps complete answers under their call hash. The client calls it from
// many goroutines; several processes may share one. [DiskMemo] is the command
// line's.
type Memo interface {
	// Get finds an answer; false where there is none that can be used.
	Get(ctx context.Context, hash string) (Record, bool, error)
	// Put keeps an answer. It must be safe on disk when Put returns.
	Put(ctx context.Context, hash string, r Record) error
	// Lock makes sure that one caller at a time asks for a hash, over all
	// processes. Whoever waited looks the answer up again.
	Lock(ctx context.Context, hash string) (unlock func(), err error)
	// Fault keeps an answer that cannot be used, for people to look at.
	Fault(ctx context.Context, hash string, kind Kind, raw string) error
}

// DiskMemo is a memo in a folder, a file an answer.
type DiskMemo struct{ dir string }

// NewDiskMemo opens, and where needed makes, a memo in a folder that only its
// owner may read.
func NewDiskMemo(dir string) (*DiskMemo, error) {
	for _, sub := range []string{"answers", "faults", "locks"} {
		if err := os.MkdirAll(filepath.Join(dir, sub), 0o700); err != nil {
			return nil, fmt.Errorf("making the folder for the model's answers: %w; set XDG_CACHE_HOME to a folder you may write", err)
		}
	}
	return &DiskMemo{dir}, nil
}

// Dir is the folder.
func (m *DiskMemo) Dir() string { return m.dir }

func (m *DiskMemo) path(hash string) string {
	return filepath.Join(m.dir, "answers", hash[:2], hash+".json")
}

// Get implements [Memo]. A damaged file counts as none.
func (m *DiskMemo) Get(_ context.Context, hash string) (Record, bool, error) {
	raw, err := os.ReadFile(m.path(hash))
	if errors.Is(err, fs.ErrNotExist) {
		return Record{}, false, nil
	}
	if err != nil {
		return Record{}, false, fmt.Errorf("reading a kept answer: %w", err)
	}
	var r Record
	if json.Unmarshal(raw, &r) != nil || !json.Valid(r.Answer) {
		return Record{}, false, nil
	}
	return r, true, nil
}

// Put implements [Memo].
func (m *DiskMemo) Put(_ context.Context, hash string, r Record) error {
	raw, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("keeping an answer: %w", err)
	}
	path := m.path(hash)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fmt.Errorf("keeping an answer: %w", err)
	}
	return writeSafely(path, raw)
}

// writeSafely writes a file so that it is either whole or not there.
func writeSafely(path string, raw []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".new-*")
	if err != nil {
		return fmt.Errorf("keeping an answer: %w", err)
	}
	defer os.Remove(f.Name())
	if _, err = f.Write(raw); err == nil {
		err = f.Sync()
	}
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return fmt.Errorf("keeping an answer: %w", err)
	}
	return nil
}

// lockPoll is how often a lock that another process holds is tried again.
const lockPoll = 100 * time.Millisecond

// Lock implements [Memo].
func (m *DiskMemo) Lock(ctx context.Context, hash string) (func(), error) {
	l := flock.New(filepath.Join(m.dir, "locks", hash))
	if _, err := l.TryLockContext(ctx, lockPoll); err != nil {
		return nil, fmt.Errorf("waiting for another process that asks the same: %w", err)
	}
	return func() { _ = l.Unlock() }, nil
}

// Fault implements [Memo].
func (m *DiskMemo) Fault(_ context.Context, hash string, kind Kind, raw string) error {
	record, err := json.Marshal(map[string]any{"kind": kind, "raw": raw})
	if err != nil {
		return err
	}
	return writeSafely(filepath.Join(m.dir, "faults", hash+"-"+string(kind)+".json"), record)
}

// modeFor is how long a mode that was found out is remembered.
const modeFor = 7 * 24 * time.Hour

type modeRecord struct {
	Mode   string    `json:"mode"`
	Reason string    `json:"reason"`
	At     time.Time `json:"at"`
}

// Mode gives the remembered mode of an endpoint and model.
func (m *DiskMemo) Mode(key string, now time.Time) (string, bool) {
	raw, err := os.ReadFile(filepath.Join(m.dir, "mode-"+key+".json"))
	if err != nil {
		return "", false
	}
	var r modeRecord
	if json.Unmarshal(raw, &r) != nil || now.Sub(r.At) > modeFor {
		return "", false
	}
	return r.Mode, true
}

// SetMode remembers the mode of an endpoint and model, with the reason.
func (m *DiskMemo) SetMode(key, mode, reason string, now time.Time) error {
	raw, err := json.Marshal(modeRecord{mode, reason, now})
	if err != nil {
		return err
	}
	return writeSafely(filepath.Join(m.dir, "mode-"+key+".json"), raw)
}
