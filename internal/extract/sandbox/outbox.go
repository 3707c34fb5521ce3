package sandbox

import "sync"

// outbox writes frames to a link in a goroutine of its own, as many at once as
// have gathered while the last were being written: of many small ones each
// would cost a system call on both sides, and the other side's waking up.
type outbox struct {
	link *link
	mu   sync.Mutex
	// changed tells of every change of what follows.
	changed sync.Cond
	waiting []byte
	writing bool
	closed  bool
	err     error
	// spare is the memory of what was written last; only run uses it.
	spare []byte
	ended chan struct{}
}

// mostWaiting is how much may wait to be written, in bytes.
const mostWaiting = 256 << 10

// newOutbox makes an outbox, which is to be closed. The link is only to be
// written to after flush or close, and not before the next frame is put.
func newOutbox(l *link) *outbox {
	o := &outbox{link: l, ended: make(chan struct{})}
	o.changed.L = &o.mu
	go o.run()
	return o
}

// put has a frame without open files written. An error is that of a frame
// before.
func (o *outbox) put(f frame) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(f.bytes) > linkBuffer {
		if err := o.empty(); err != nil {
			return err
		}
		o.err = o.link.send(f)
		return o.err
	}
	for len(o.waiting) > mostWaiting && o.err == nil {
		o.changed.Wait()
	}
	if o.err != nil {
		return o.err
	}
	o.waiting = append(appendHead(o.waiting, f), f.bytes...)
	o.changed.Broadcast()
	return nil
}

// flush waits until all is written.
func (o *outbox) flush() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.empty()
}

func (o *outbox) empty() error {
	for (len(o.waiting) > 0 || o.writing) && o.err == nil {
		o.changed.Wait()
	}
	return o.err
}

// close writes what is left, and ends the goroutine.
func (o *outbox) close() error {
	o.mu.Lock()
	o.closed = true
	o.changed.Broadcast()
	o.mu.Unlock()
	<-o.ended
	return o.err
}

func (o *outbox) run() {
	defer close(o.ended)
	o.mu.Lock()
	defer o.mu.Unlock()
	for {
		for len(o.waiting) == 0 && !o.closed {
			o.changed.Wait()
		}
		if len(o.waiting) == 0 || o.err != nil {
			return
		}
		out := o.waiting
		o.waiting, o.writing = o.spare[:0], true
		o.mu.Unlock()
		_, err := o.link.out.Write(out)
		o.mu.Lock()
		o.spare, o.writing, o.err = out, false, err
		o.changed.Broadcast()
	}
}
