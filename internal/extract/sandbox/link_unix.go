//go:build unix

package sandbox

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"syscall"

	"golang.org/x/sys/unix"
)

// Passing reports whether open files can be handed to a child on this system.
const Passing = true

// childEnd is the descriptor of a child's end of the link.
const childEnd = 3

// connect makes a link to the process that a command will start. The function
// is to be called once it has started.
func connect(cmd *exec.Cmd) (*link, func(), error) {
	// Between the making of the sockets and their flag no child of another
	// goroutine may start and inherit them.
	syscall.ForkLock.RLock()
	ends, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM, 0)
	if err == nil {
		unix.CloseOnExec(ends[0])
		unix.CloseOnExec(ends[1])
	}
	syscall.ForkLock.RUnlock()
	if err != nil {
		return nil, nil, fmt.Errorf("make a pair of sockets: %w", err)
	}
	own, other := os.NewFile(uintptr(ends[0]), "child"), os.NewFile(uintptr(ends[1]), "parent")
	conn, err := unixConn(own)
	if err != nil {
		_ = other.Close()
		return nil, nil, err
	}
	cmd.ExtraFiles = []*os.File{other}
	l := linkOf(conn)
	// The parent takes no files: those that a child sends are dropped by the
	// kernel.
	l.in = bufio.NewReaderSize(conn, linkBuffer)
	l.passed = nil
	return l, func() { _ = other.Close() }, nil
}

// ReadOnly reports whether a file can be handed over: it is a regular one that
// was opened for reading alone.
func ReadOnly(f *os.File) bool {
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() {
		return false
	}
	conn, err := f.SyscallConn()
	if err != nil {
		return false
	}
	flags := unix.O_RDWR
	err = conn.Control(func(fd uintptr) { flags, err = unix.FcntlInt(fd, unix.F_GETFL, 0) })
	return err == nil && flags&unix.O_ACCMODE == unix.O_RDONLY
}

// parentLink is a child's end of the link.
func parentLink() (*link, error) {
	unix.CloseOnExec(childEnd)
	conn, err := unixConn(os.NewFile(childEnd, "parent"))
	if err != nil {
		return nil, err
	}
	return linkOf(conn), nil
}

func unixConn(f *os.File) (*net.UnixConn, error) {
	conn, err := net.FileConn(f)
	_ = f.Close() // the connection has a descriptor of its own
	if err != nil {
		return nil, fmt.Errorf("use a socket: %w", err)
	}
	u, ok := conn.(*net.UnixConn)
	if !ok {
		_ = conn.Close()
		return nil, errors.New("use a socket: it is not of the kind that was made")
	}
	return u, nil
}

func linkOf(conn *net.UnixConn) *link {
	var passed []*os.File
	return &link{
		out: conn, in: bufio.NewReaderSize(&fileReader{conn, &passed}, linkBuffer), passed: &passed, close: conn.Close,
		pass: func(p []byte, files []*os.File) error { return passFiles(conn, p, files) },
	}
}

func passFiles(conn *net.UnixConn, p []byte, files []*os.File) error {
	descriptors := make([]int, len(files))
	for i, f := range files {
		descriptors[i] = int(f.Fd())
	}
	n, _, err := conn.WriteMsgUnix(p, unix.UnixRights(descriptors...), nil)
	if err == nil && n != len(p) {
		err = fmt.Errorf("only %d of %d bytes were taken", n, len(p))
	}
	return err
}

// fileReader reads a socket and keeps the files that come with the bytes.
type fileReader struct {
	conn   *net.UnixConn
	passed *[]*os.File
}

// Read implements io.Reader.
func (r *fileReader) Read(p []byte) (int, error) {
	control := make([]byte, unix.CmsgSpace(maxFiles*4))
	n, cn, _, _, err := r.conn.ReadMsgUnix(p, control)
	if err != nil || cn == 0 {
		return n, err
	}
	messages, err := unix.ParseSocketControlMessage(control[:cn])
	if err != nil {
		return n, fmt.Errorf("take open files: %w", err)
	}
	for _, m := range messages {
		descriptors, err := unix.ParseUnixRights(&m)
		if err != nil {
			continue // another kind of message
		}
		for _, d := range descriptors {
			*r.passed = append(*r.passed, os.NewFile(uintptr(d), "handed"))
		}
	}
	return n, nil
}
