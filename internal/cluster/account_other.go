//go:build !unix

package cluster

import (
	"errors"
	"io/fs"
	"syscall"
)

var errUnsupported = errors.New("Bartizan runs a PostgreSQL of its own on Unix systems only: set DATABASE_URL to one that you run")

// supported says whether clusters can be run on this system at all.
func supported() error { return errUnsupported }

func accountFor(string) (account, error) { return account{}, errUnsupported }
func accountName(int) (string, error)    { return "", errUnsupported }
func ownerOf(fs.FileInfo) (uid, gid int) { return 0, 0 }
func apart(account) *syscall.SysProcAttr { return nil }
