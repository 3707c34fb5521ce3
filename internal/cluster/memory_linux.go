package cluster

import (
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// memory is what this machine, or the control group we run in, has, in bytes.
func memory() int64 {
	total := 2 * gibibyte
	var info unix.Sysinfo_t
	if unix.Sysinfo(&info) == nil {
		total = int64(info.Totalram) * int64(info.Unit)
	}
	for _, path := range []string{"/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"} {
		text, err := os.ReadFile(path)
		if err != nil {
			continue
		}
		if limit, err := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64); err == nil && limit > 0 {
			total = min(total, limit)
		}
	}
	return total
}

// sharedMemory keeps the memory that parallel workers share out of /dev/shm
// where that is small or closed, as in some containers: building an index, or
// the start itself, would fail there.
func sharedMemory() string {
	var room unix.Statfs_t
	info, err := os.Stat("/dev/shm")
	if err != nil || info.Mode().Perm()&0o002 == 0 || unix.Statfs("/dev/shm", &room) != nil ||
		int64(room.Blocks)*int64(room.Bsize) < gibibyte {
		return "sysv"
	}
	return "posix"
}
