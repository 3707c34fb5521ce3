// Package sandbox runs work on bytes that nobody trusts in child processes
// that can do nothing but that work.
//
// A child is the same program, started again. On Linux it can read no file
// but those that it is handed and a few folders, write to none, open no
// connection, start no program and look at no other process: Landlock and
// seccomp see to it. Everywhere its memory, its time and the size of what it
// says are limited. It knows none of its parent's variables, and when it
// crashes, hangs or takes too much, the parent has an error and another child.
//
// The package knows nothing of the work. A program calls [ServeIfAsked] with
// it at the very start of main, and has it done through a [Pool]:
//
//	func main() {
//		sandbox.ServeIfAsked(func(c *sandbox.Call) { c.Send(parse(c.Job)) })
//		pool := sandbox.NewPool(sandbox.Config{Confine: true})
//		defer pool.Close()
//		err := pool.Do(ctx, sandbox.Job{Work: work, Event: take})
//	}
package sandbox

import (
	"errors"
	"fmt"
	"os"
	"time"
)

// Config says what the children of a pool may do. The zero value is usable;
// its children are limited, not confined.
type Config struct {
	// Confine has the kernel keep a child from files, connections and
	// programs. Where the kernel cannot, no child starts: see ErrUnconfined.
	// Only Linux can; elsewhere it changes nothing.
	Confine bool
	// Folders are those that a confined child may read from.
	Folders []string
	// Memory bounds what a child may allocate, in bytes; 0 stands for 2 GiB.
	Memory int64
	// FileSize bounds the file that a child may write to where it was handed
	// one, in bytes; 0 stands for 2 GiB.
	FileSize int64
	// EventSize bounds one event, in bytes; 0 stands for 256 MiB.
	EventSize int
	// Children is how many may work at once; 0 stands for the number of
	// processors, at most 2.
	Children int
	// Jobs is how many jobs a child does before another takes its place, so
	// that nothing that it fails to give back grows; 0 stands for 200.
	Jobs int
}

// Job is one piece of work for a child.
type Job struct {
	// Work says what is to be done, in the words of the program.
	Work []byte
	// Files are handed to the child, where the system can; see [Passing].
	// They stay the caller's, who may close them after the job.
	Files []*os.File
	// Time is how long the child may take from one event to the next; 0 stands
	// for two minutes. Time that the parent takes does not count.
	Time time.Duration
	// CPU is how much processor time the child may take for the whole job; 0
	// stands for ten minutes. It holds on Linux only.
	CPU time.Duration
	// Awaited, where it is not nil, is closed once the job must not wait for
	// others to be done: their callers may wait for this one to take what they
	// have. Then it is done beside them.
	Awaited <-chan struct{}
	// Event is given what the child sends, in order, on the goroutine that
	// called Do. An error from it ends the job and the child. The bytes are the
	// callee's to keep.
	Event func(event []byte) error
	// Ask answers the child's questions, with bytes or an open file, which is
	// closed once it was handed over. It must not trust what it is asked. An
	// error is told to the child, as text, and ends nothing.
	Ask func(question []byte) (answer []byte, file *os.File, err error)
}

// Reason says why a child came to its end before its job did.
type Reason string

// Reasons.
const (
	Crash  Reason = "crash"  // it ended by itself
	Memory Reason = "memory" // it wanted more than it may have
	Stack  Reason = "stack"  // it went too deep into what it was reading
	CPU    Reason = "cpu"    // it used up its processor time
	Time   Reason = "time"   // it sent nothing for too long
	Output Reason = "output" // it sent more than it may, or what makes no sense
)

// Fault tells that a child failed at its job. The child is gone; the pool has
// others.
type Fault struct {
	Reason Reason
	// Detail is what was seen, for a person; it may be empty.
	Detail string
}

// Error implements error.
func (f *Fault) Error() string {
	if f.Detail == "" {
		return "the child process failed: " + string(f.Reason)
	}
	return fmt.Sprintf("the child process failed: %s (%s)", f.Reason, f.Detail)
}

var (
	// ErrUnconfined is given where the kernel cannot confine a child.
	ErrUnconfined = errors.New("this kernel cannot confine the process that reads documents")
	// ErrStart is given where a child does not start.
	ErrStart = errors.New("the process that reads documents does not start")
	// ErrClosed is given by a pool that was closed.
	ErrClosed = errors.New("the pool of child processes is closed")
)

func (c Config) withDefaults() Config {
	if c.Memory <= 0 {
		c.Memory = 2 << 30
	}
	if c.FileSize <= 0 {
		c.FileSize = 2 << 30
	}
	if c.EventSize <= 0 {
		c.EventSize = 256 << 20
	}
	if c.Children <= 0 {
		c.Children = min(2, processors())
	}
	if c.Jobs <= 0 {
		c.Jobs = 200
	}
	return c
}

func (j Job) withDefaults() Job {
	if j.Time <= 0 {
		j.Time = 2 * time.Minute
	}
	if j.CPU <= 0 {
		j.CPU = 10 * time.Minute
	}
	return j
}
