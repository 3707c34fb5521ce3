package sandbox_test

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/bartizan-security/bartizan/internal/extract/sandbox"
)

// attemptCall tries what only a system call does.
func attemptCall(verb, rest string) error {
	switch verb {
	case "environment":
		return fmt.Errorf("%s", strings.Join(os.Environ(), " "))
	case "fork":
		pid, _, errno := unix.RawSyscall6(unix.SYS_CLONE, uintptr(unix.SIGCHLD), 0, 0, 0, 0, 0)
		if errno == 0 && pid == 0 {
			unix.Exit(0)
		}
		return errnoError(errno)
	case "trace":
		return unix.PtraceAttach(os.Getppid())
	case "kill":
		return unix.Kill(os.Getppid(), 0)
	case "truncate":
		return unix.Truncate(rest, 0)
	case "unlimit":
		return unix.Setrlimit(unix.RLIMIT_CPU, &unix.Rlimit{Cur: unix.RLIM_INFINITY, Max: unix.RLIM_INFINITY})
	case "mount":
		return unix.Mount("none", rest, "tmpfs", 0, "")
	case "bpf":
		_, _, errno := unix.RawSyscall(unix.SYS_BPF, 0, 0, 0)
		return errnoError(errno)
	case "uring":
		_, _, errno := unix.RawSyscall(unix.SYS_IO_URING_SETUP, 1, 0, 0)
		return errnoError(errno)
	case "namespace":
		return unix.Unshare(unix.CLONE_NEWUSER)
	case "threads":
		return onEveryThread()
	}
	return fmt.Errorf("%s is not known", verb)
}

func writeTo(fd int, b []byte) (int, error) { return unix.Write(fd, b) }

func errnoError(e unix.Errno) error {
	if e == 0 {
		return nil
	}
	return e
}

// onEveryThread tries to make a socket on many threads at once: one on which it
// works is not confined.
func onEveryThread() error {
	const threads = 20
	results := make(chan error)
	release := make(chan struct{})
	for range threads {
		go func() {
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			<-release
			fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM, 0)
			if err == nil {
				unix.Close(fd)
			}
			results <- err
		}()
	}
	close(release)
	for range threads {
		if err := <-results; err != unix.EPERM {
			return fmt.Errorf("a thread got %v", err)
		}
	}
	return unix.EPERM
}

func TestAConfinedChildCannotReachOut(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "there"), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	there := filepath.Join(dir, "there")
	attempts := []string{
		"open /etc/passwd", "open /proc/self/environ", "open " + there, "list " + dir, "list /",
		"write " + filepath.Join(dir, "new"), "write " + there, "remove " + there, "mkdir " + filepath.Join(dir, "d"), "truncate " + there,
		"dial " + listener.Addr().String(), "listen 127.0.0.1:0", "unix " + filepath.Join(dir, "socket"),
		"exec /bin/true", "fork", "trace", "kill", "unlimit", "mount " + dir, "bpf", "uring", "namespace", "threads",
	}
	p := pool(t, confined)
	for _, a := range attempts {
		got := one(t, p, a)
		if !strings.Contains(got, "not permitted") && !strings.Contains(got, "permission denied") {
			t.Errorf("%s: %s", a, got)
		}
	}
	if b, err := os.ReadFile(there); string(b) != "x" || err != nil {
		t.Errorf("the file holds %q, %v", b, err)
	}
}

// What the test above refuses is there to be had: without the sandbox, all that
// needs no privilege works.
func TestAnUnconfinedChildCan(t *testing.T) {
	p := pool(t, sandbox.Config{Children: 1})
	for _, a := range []string{"open /etc/passwd", "list /", "write " + filepath.Join(t.TempDir(), "new"), "listen 127.0.0.1:0", "exec /bin/true", "fork", "kill"} {
		if got := one(t, p, a); got != "done" {
			t.Errorf("%s: %s", a, got)
		}
	}
}

func TestAConfinedChildReadsTheFoldersItMay(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "code"), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	c := confined
	c.Folders = []string{dir, filepath.Join(dir, "missing")}
	p := pool(t, c)
	for words, want := range map[string]string{"open " + filepath.Join(dir, "code"): "done", "list " + dir: "done"} {
		if got := one(t, p, words); got != want {
			t.Errorf("%s: %s", words, got)
		}
	}
	for _, a := range []string{"write " + filepath.Join(dir, "new"), "exec " + filepath.Join(dir, "code"), "open /etc/passwd"} {
		if got := one(t, p, a); got == "done" {
			t.Errorf("%s: %s", a, got)
		}
	}
}
