//go:build unix

package cluster

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"strconv"
	"syscall"
)

// supported says whether clusters can be run on this system at all.
func supported() error { return nil }

// accountFor decides as whom the server of a data folder runs: as the one who
// owns the data, else as ourselves, and where that would be root as postgres,
// or nobody.
func accountFor(data string) (account, error) {
	if os.Geteuid() != 0 {
		name, err := accountName(os.Geteuid())
		return account{uid: os.Geteuid(), gid: os.Getegid(), name: name}, err
	}
	info, err := os.Stat(data)
	switch {
	case err == nil:
		stat := info.Sys().(*syscall.Stat_t)
		if stat.Uid == 0 {
			return account{}, fmt.Errorf("%s belongs to root, as whom PostgreSQL refuses to run: give it to another user", data)
		}
		return otherAccount(int(stat.Uid), int(stat.Gid))
	case !errors.Is(err, fs.ErrNotExist):
		return account{}, fmt.Errorf("look at the data folder: %w", err)
	}
	for _, name := range []string{"postgres", "nobody"} {
		if found, err := user.Lookup(name); err == nil {
			uid, _ := strconv.Atoi(found.Uid)
			gid, _ := strconv.Atoi(found.Gid)
			return otherAccount(uid, gid)
		}
	}
	return account{}, errors.New("PostgreSQL refuses to run as root, and there is neither a user postgres nor nobody: start Bartizan as another user")
}

func otherAccount(uid, gid int) (account, error) {
	name, err := accountName(uid)
	return account{uid: uid, gid: gid, name: name, other: true}, err
}

// accountName is the name that the server finds for a user, too.
func accountName(uid int) (string, error) {
	found, err := user.LookupId(strconv.Itoa(uid))
	if err != nil {
		return "", fmt.Errorf("the user id %d has no name, which PostgreSQL needs: add it to /etc/passwd (%w)", uid, err)
	}
	return found.Username, nil
}

// ownerOf tells the user and group that a file belongs to.
func ownerOf(info fs.FileInfo) (uid, gid int) {
	stat := info.Sys().(*syscall.Stat_t)
	return int(stat.Uid), int(stat.Gid)
}

// apart runs a child as the account and in a session of its own, where no
// terminal sends it signals.
func apart(a account) *syscall.SysProcAttr {
	attr := &syscall.SysProcAttr{Setsid: true}
	if a.other {
		attr.Credential = &syscall.Credential{Uid: uint32(a.uid), Gid: uint32(a.gid)}
	}
	return attr
}
