package cluster

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/gofrs/flock"
)

// longestSocket is the longest path, in bytes, that a Unix socket may have on
// every system we run on: 107 on Linux, 103 on macOS.
const longestSocket = 103

// socketName is what the server calls its socket for the default port.
const socketName = ".s.PGSQL.5432"

// layout says where the parts of a cluster lie. What root writes lies in
// folders of root's; only data and socket belong to the server's account.
type layout struct {
	root   string // the folder the caller named
	data   string // PostgreSQL's own data
	conf   string // settings, rewritten at every start
	socket string // holds the socket
	log    string // the server's log file
}

// layoutOf names the parts, and makes none.
func layoutOf(root string, owner account) layout {
	l := layout{
		root: root, data: filepath.Join(root, "data"), conf: filepath.Join(root, "conf"),
		socket: filepath.Join(root, "run"), log: filepath.Join(root, "server.log"),
	}
	if len(filepath.Join(l.socket, socketName)) > longestSocket {
		l.socket = shortFolder(root, owner)
	}
	return l
}

// guests is the file that those hold who entered a server of another process.
func (l layout) guests() string { return filepath.Join(l.root, "guests") }

// lay makes the folders that are missing.
func lay(root string, owner account) (layout, error) {
	if err := owner.canEnter(root); err != nil {
		return layout{}, err
	}
	l := layoutOf(root, owner)
	if err := os.MkdirAll(l.conf, 0o755); err != nil {
		return l, fmt.Errorf("make the settings folder %s: %w", l.conf, err)
	}
	return l, ownFolder(l.socket, owner)
}

// shortFolder names a folder with a short path for the socket of a cluster
// whose own path is too long. The name is the same at every start.
func shortFolder(root string, owner account) string {
	sum := sha256.Sum256([]byte(root))
	name := fmt.Sprintf("bartizan-%d-%s", owner.uid, hex.EncodeToString(sum[:6]))
	for _, parent := range []string{os.Getenv("XDG_RUNTIME_DIR"), os.TempDir()} {
		path := filepath.Join(parent, name)
		if parent != "" && len(filepath.Join(path, socketName)) <= longestSocket && owner.canEnter(parent) == nil {
			return path
		}
	}
	return filepath.Join("/tmp", name)
}

// ownFolder makes a folder that only the account may enter. It may lie in a
// folder that everybody writes to, so one that is there must be just that.
func ownFolder(path string, owner account) error {
	err := os.Mkdir(path, 0o700)
	if err == nil {
		err = owner.give(path)
	}
	if err != nil && !errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("make the folder %s: %w", path, err)
	}
	info, err := os.Lstat(path)
	if err != nil {
		return fmt.Errorf("look at the folder %s: %w", path, err)
	}
	if uid, _ := ownerOf(info); !info.IsDir() || info.Mode().Perm() != 0o700 || uid != owner.uid {
		return fmt.Errorf("%s is not a folder of mode 0700 that belongs to %s: remove it, or choose another data folder", path, owner.name)
	}
	return nil
}

// socketURL is the connection string for a server that listens in a folder.
func socketURL(folder, database, role string) string {
	u := url.URL{
		Scheme: "postgres", Path: "/" + database,
		RawQuery: url.Values{"host": {folder}, "user": {role}}.Encode(),
	}
	return u.String()
}

// InUseError says that another process runs the cluster of a folder.
type InUseError struct {
	DataDir string
	PID     int // 0 where unknown
}

func (e *InUseError) Error() string {
	by := "another Bartizan"
	if e.PID != 0 {
		by += fmt.Sprintf(" (process %d)", e.PID)
	}
	return fmt.Sprintf("%s uses the data folder %s: stop that one, or choose another with --data-dir", by, e.DataDir)
}

// take locks the folder against other programs. The lock goes with the
// process, however that ends; its file stays.
func take(root string) (*flock.Flock, error) {
	path := filepath.Join(root, "lock")
	lock := flock.New(path, flock.SetPermissions(0o600))
	taken, err := lock.TryLock()
	if err != nil {
		return nil, fmt.Errorf("lock the data folder %s: %w", root, err)
	}
	if !taken {
		text, _ := os.ReadFile(path)
		pid, _ := strconv.Atoi(strings.TrimSpace(string(text)))
		return nil, &InUseError{DataDir: root, PID: pid}
	}
	if err := os.WriteFile(path, []byte(strconv.Itoa(os.Getpid())+"\n"), 0o600); err != nil {
		return nil, errors.Join(fmt.Errorf("lock the data folder %s: %w", root, err), lock.Unlock())
	}
	return lock, nil
}

// account is the user as whom the server runs, which is never root.
type account struct {
	uid, gid int
	name     string
	other    bool // not the user that this process runs as
}

// give hands a folder over.
func (a account) give(path string) error {
	if !a.other {
		return nil
	}
	return os.Lchown(path, a.uid, a.gid)
}

// command prepares a program to be run as the account, with nothing in its
// environment that would turn PostgreSQL's programs elsewhere.
func (a account) command(ctx context.Context, dir, program string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Dir = dir
	cmd.Env = []string{"LC_ALL=C", "TZ=UTC", "PATH=" + os.Getenv("PATH"), "HOME=" + dir}
	for _, name := range []string{"TMPDIR", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH"} {
		if value, ok := os.LookupEnv(name); ok {
			cmd.Env = append(cmd.Env, name+"="+value)
		}
	}
	cmd.SysProcAttr = apart(a)
	return cmd
}

// canEnter finds out whether the account may pass into a folder, which no look
// at its mode alone would tell: the folders above it count too.
func (a account) canEnter(dir string) error {
	if !a.other {
		return nil
	}
	if err := a.command(context.Background(), dir, "/bin/sh", "-c", ":").Run(); err != nil {
		return fmt.Errorf("the user %s, as whom PostgreSQL runs because it refuses to run as root, may not enter %s: "+
			"choose a data folder elsewhere, such as /var/lib/bartizan (%w)", a.name, dir, err)
	}
	return nil
}
