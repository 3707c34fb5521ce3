package pdf

import "golang.org/x/sys/unix"

// limitMemory bounds what this process may allocate, in bytes; the system ends
// it where it asks for more. Where the system does not take the limit, that of
// the engine remains.
func limitMemory(bytes uint64) {
	limit := unix.Rlimit{Cur: bytes, Max: bytes}
	_ = unix.Setrlimit(unix.RLIMIT_DATA, &limit)
}
