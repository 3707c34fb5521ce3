package sandbox

import (
	"context"
	"errors"
	"sync"
)

// Pool keeps children ready for jobs, and replaces those that fail. It may be
// used by several goroutines at once, and must be closed.
type Pool struct {
	config Config
	// places has room for the children that may work at once.
	places chan struct{}

	mu     sync.Mutex
	idle   []*process
	closed bool
}

// NewPool makes a pool. No child is started before the first job.
func NewPool(c Config) *Pool {
	c = c.withDefaults()
	return &Pool{config: c, places: make(chan struct{}, c.Children)}
}

// Children is how many jobs are done at once, but for those that others wait for.
func (p *Pool) Children() int { return p.config.Children }

// Do has a child do a job, once one is free. Where the child fails the error is
// a [*Fault]; events that came before stand. ErrStart and ErrUnconfined say
// that there is no child. Where ctx ends, the child is ended and the error is
// that of ctx; where Job.Event gives an error, it is that one.
func (p *Pool) Do(ctx context.Context, j Job) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	select {
	case p.places <- struct{}{}:
		defer func() { <-p.places }()
	case <-j.Awaited:
	case <-ctx.Done():
		return ctx.Err()
	}
	child, err := p.take(ctx)
	if err != nil {
		return err
	}
	waited := child.jobs > 0
	again, err := child.do(ctx, j.withDefaults())
	var f *Fault
	if waited && !child.heard && errors.As(err, &f) && f.Reason != Time {
		// It died while it waited.
		if child, err = start(ctx, p.config); err != nil {
			return err
		}
		again, err = child.do(ctx, j.withDefaults())
	}
	switch {
	case err != nil: // the child has ended
	case again:
		p.put(child)
	default:
		child.end()
	}
	return err
}

// Start starts a child, for the job to come. An error is that of Do.
func (p *Pool) Start(ctx context.Context) error {
	child, err := start(ctx, p.config)
	if err == nil {
		p.put(child)
	}
	return err
}

// Peak is the most memory that any of the children which wait for a job had so
// far, in bytes; 0 where none waits or the system does not tell.
func (p *Pool) Peak() int64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	var most int64
	for _, child := range p.idle {
		most = max(most, peak(child.cmd.Process.Pid))
	}
	return most
}

func (p *Pool) take(ctx context.Context) (*process, error) {
	p.mu.Lock()
	n := len(p.idle)
	if p.closed {
		p.mu.Unlock()
		return nil, ErrClosed
	}
	if n > 0 {
		child := p.idle[n-1]
		p.idle = p.idle[:n-1]
		p.mu.Unlock()
		return child, nil
	}
	p.mu.Unlock()
	return start(ctx, p.config)
}

// put keeps a child for another job, unless there are enough.
func (p *Pool) put(child *process) {
	p.mu.Lock()
	keep := !p.closed && len(p.idle) < p.config.Children
	if keep {
		p.idle = append(p.idle, child)
	}
	p.mu.Unlock()
	if !keep {
		child.end()
	}
}

// Close ends the children that wait for a job, and each other one after its
// job.
func (p *Pool) Close() {
	p.mu.Lock()
	idle := p.idle
	p.idle, p.closed = nil, true
	p.mu.Unlock()
	for _, child := range idle {
		child.end()
	}
}
