//go:build unix

package sandbox

import (
	"os/signal"

	"golang.org/x/sys/unix"
)

// limit bounds what this process may allocate and write, in bytes, and how
// many files it may have open. Limits that the system does not take remain
// undone: they are a net below those of the readers and of the parent.
func limit(memory, file uint64) {
	set := func(resource int, n uint64) {
		_ = unix.Setrlimit(resource, &unix.Rlimit{Cur: n, Max: n})
	}
	set(unix.RLIMIT_DATA, memory)
	set(unix.RLIMIT_FSIZE, file)
	set(unix.RLIMIT_CORE, 0)
	set(unix.RLIMIT_NOFILE, 64)
	// A file that grows too large is an error of the write, not the end.
	signal.Ignore(unix.SIGXFSZ)
}
