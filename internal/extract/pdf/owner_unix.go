//go:build unix

package pdf

import (
	"io/fs"
	"os"
	"syscall"
)

// ours reports whether a folder belongs to this user or to the system's
// administrator.
func ours(info fs.FileInfo) bool {
	stat, ok := info.Sys().(*syscall.Stat_t)
	return ok && (stat.Uid == 0 || int(stat.Uid) == os.Getuid())
}
