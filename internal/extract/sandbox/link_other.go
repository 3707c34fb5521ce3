//go:build !unix

package sandbox

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
)

// Passing reports whether open files can be handed to a child on this system.
const Passing = false

// connect makes a link to the process that a command will start: its standard
// streams. The function is to be called once it has started.
func connect(cmd *exec.Cmd) (*link, func(), error) {
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, nil, fmt.Errorf("make a pipe: %w", err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, nil, fmt.Errorf("make a pipe: %w", err)
	}
	l := &link{out: in, in: bufio.NewReaderSize(out, linkBuffer), close: func() error { return errors.Join(in.Close(), out.Close()) }}
	return l, func() {}, nil
}

// parentLink is a child's end of the link. What else writes to the standard
// output must not disturb it.
func parentLink() (*link, error) {
	in, out := os.Stdin, os.Stdout
	os.Stdout = os.Stderr
	return &link{out: out, in: bufio.NewReaderSize(in, linkBuffer), close: func() error { return errors.Join(in.Close(), out.Close()) }}, nil
}

// ReadOnly reports whether a file can be handed over.
func ReadOnly(*os.File) bool { return false }
