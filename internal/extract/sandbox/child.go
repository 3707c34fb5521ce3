package sandbox

import (
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"sync"
)

// variable is the environment variable that makes a program a child.
const variable = "BARTIZAN_CHILD"

// setup is what a child is told before its first job.
type setup struct {
	Confine          bool
	Folders          []string
	Memory, FileSize int64
	EventSize        int
}

// ready is what a child answers to it.
type ready struct {
	Unconfined string
}

// done is what a child says after a job.
type done struct {
	// Last is true where the child is not to be given another job.
	Last bool
}

// Call is a job as a child sees it.
type Call struct {
	// Job says what is to be done.
	Job []byte
	// Files were handed over with it. They are closed after the job.
	Files []*os.File

	link   *link
	limit  int
	mu     *sync.Mutex
	broken *error
	// out writes what was posted; nil before the first.
	out *outbox
}

// Send gives the parent an event. Once it returns, the parent has that and
// those that were posted before, whatever becomes of this process.
func (c *Call) Send(event []byte) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(event) > c.limit {
		return tooLong{len(event), c.limit}
	}
	if err := c.flush(); err != nil {
		return err
	}
	return c.keep(c.link.send(frame{kind: kindEvent, bytes: event}))
}

// Post gives the parent an event as Send does, but does not wait for it to be
// on its way. It is for one of many, and costs less. The bytes may be used
// again.
func (c *Call) Post(event []byte) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(event) > c.limit {
		return tooLong{len(event), c.limit}
	}
	if c.out == nil {
		c.out = newOutbox(c.link)
	}
	return c.keep(c.out.put(frame{kind: kindEvent, bytes: event}))
}

// flush waits until what was posted is on its way.
func (c *Call) flush() error {
	if c.out == nil {
		return nil
	}
	return c.keep(c.out.flush())
}

// Ask asks the parent, and waits for its answer. The file, where there is one,
// is the caller's to close.
func (c *Call) Ask(question []byte) ([]byte, *os.File, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.flush(); err != nil {
		return nil, nil, err
	}
	if err := c.keep(c.link.send(frame{kind: kindQuestion, bytes: question})); err != nil {
		return nil, nil, err
	}
	f, err := c.link.receive(c.limit)
	if err == nil && f.kind != kindAnswer {
		err = fmt.Errorf("the parent said %q instead of an answer", f.kind)
	}
	if c.keep(err) != nil {
		return nil, nil, err
	}
	var a answer
	if err := unpack(f.bytes, &a); err != nil {
		return nil, nil, c.keep(err)
	}
	if a.Failed {
		return nil, nil, errors.New(a.Error)
	}
	if len(f.files) == 0 {
		return a.Bytes, nil, nil
	}
	return a.Bytes, f.files[0], nil
}

// keep remembers that the link is broken: the process ends after the job.
func (c *Call) keep(err error) error {
	if err != nil && *c.broken == nil {
		*c.broken = err
	}
	return err
}

// answer is what a parent says to a question.
type answer struct {
	Bytes  []byte
	Failed bool
	Error  string
}

// ServeIfAsked makes this process a child that works for its parent, where it
// was started as one; it does not return then. It is to be called before
// anything else. Work does one job, and reports whether the child must not be
// given another.
func ServeIfAsked(work func(*Call) (last bool)) {
	if os.Getenv(variable) == "" {
		return
	}
	l, err := parentLink()
	if err == nil {
		err = serve(l, work)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// serve does jobs until the parent closes the link.
func serve(l *link, work func(*Call) bool) error {
	if err := l.send(frame{kind: kindHello, bytes: []byte(hello)}); err != nil {
		return err
	}
	f, err := l.receive(smallFrame)
	if err != nil {
		return err
	}
	var s setup
	if err := unpack(f.bytes, &s); err != nil {
		return err
	}
	var r ready
	if err := s.apply(); err != nil {
		r.Unconfined = err.Error()
	}
	if err := l.send(frame{kind: kindReady, bytes: pack(r)}); err != nil || r.Unconfined != "" {
		return err
	}
	for {
		last, err := job(l, s.EventSize, work)
		if err != nil || last {
			return err
		}
	}
}

// maxStack is how far a child may recurse, in bytes, before it is ended.
const maxStack = 256 << 20

// apply sets the limits. Garbage is collected in time before that on memory.
func (s setup) apply() error {
	debug.SetMaxStack(maxStack)
	debug.SetMemoryLimit(s.Memory / 4 * 3)
	limit(uint64(s.Memory), uint64(s.FileSize))
	dieOfAllowance()
	if !s.Confine {
		return nil
	}
	return confine(s.Folders)
}

// job does one job. It reports true where there is none left to do.
func job(l *link, limit int, work func(*Call) bool) (last bool, err error) {
	f, err := l.receive(limit)
	switch {
	case errors.Is(err, io.EOF):
		return true, nil
	case err != nil:
		return false, err
	case f.kind != kindJob:
		return false, fmt.Errorf("the parent said %q instead of a job", f.kind)
	}
	var broken error
	call := &Call{Job: f.bytes, Files: f.files, link: l, limit: limit, mu: &sync.Mutex{}, broken: &broken}
	last = work(call)
	if call.out != nil {
		_ = call.keep(call.out.close())
	}
	for _, file := range f.files {
		_ = file.Close() // it was only read, or has no name
	}
	if broken != nil {
		return false, broken
	}
	return last, l.send(frame{kind: kindDone, bytes: pack(done{last})})
}
