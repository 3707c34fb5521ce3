//go:build !unix

package pgtest

import (
	"io/fs"
	"syscall"
)

func detached() *syscall.SysProcAttr { return nil }
func mine(fs.FileInfo) bool          { return true }
