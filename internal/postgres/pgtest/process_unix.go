//go:build unix

package pgtest

import (
	"io/fs"
	"os"
	"syscall"
)

// detached lets the warden outlive the test that started it, out of reach of
// a Ctrl-C.
func detached() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setsid: true} }

func mine(info fs.FileInfo) bool {
	stat, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(stat.Uid) == os.Geteuid()
}
