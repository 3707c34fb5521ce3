package pdf

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

// Reader reads documents, and keeps the child processes that read them for
// those that follow. It may be used by several goroutines at once, each of
// which gets a child of its own. It must be closed.
type Reader struct {
	opt  Options
	err  error
	mu   sync.Mutex
	idle []*child
	gone bool
}

const (
	// maxIdle is how many children wait for another document.
	maxIdle = 2
	// maxServed is how many documents a child reads before it is replaced, so
	// that no leak in an engine grows.
	maxServed = 200
)

// NewReader makes a reader. Nothing is started before the first document.
func NewReader(opt Options) *Reader {
	opt, err := opt.withDefaults()
	return &Reader{opt: opt, err: err}
}

// Read reads one document; see [Read]. The password takes the place of the
// one in the options.
func (r *Reader) Read(ctx context.Context, name string, file io.ReaderAt, size int64, password string) (threatmodel.Source, error) {
	if r.err != nil {
		return threatmodel.Source{}, r.err
	}
	if err := ctx.Err(); err != nil {
		return threatmodel.Source{}, err
	}
	req := request{Name: name, Password: password, MaxPages: r.opt.MaxPages, Size: size, Seconds: int(r.opt.Timeout.Seconds()) + 1}
	a, sum, err := r.ask(ctx, req, file)
	if errors.Is(err, ErrCrashed) || errors.Is(err, ErrMemory) {
		// It may have been the second reader, which is not needed.
		req.Alone = true
		a, sum, err = r.ask(ctx, req, file)
	}
	if err != nil {
		return threatmodel.Source{}, err
	}
	if a.Fault != "" {
		return threatmodel.Source{}, errorOf(a.Fault, a.Detail)
	}
	restore(&a.Source)
	if err := check(a.Source); err != nil {
		return threatmodel.Source{}, fmt.Errorf("%w: %w", ErrCrashed, err)
	}
	src := a.Source
	src.Name, src.SHA256, src.MediaType = name, sum, "application/pdf"
	return src, nil
}

// restore mends what the encoding does not keep: an empty slice comes out of
// it as nil.
func restore(s *threatmodel.Source) {
	for i := range s.Blocks {
		if l := &s.Blocks[i].Locator; l.HeadingPath == nil {
			l.HeadingPath = []string{}
		}
	}
}

// check makes sure that what came out of a child holds together: its blocks
// are slices of its text.
func check(s threatmodel.Source) error {
	end := 0
	for _, b := range s.Blocks {
		l := b.Locator
		if l.ByteStart < end || l.ByteEnd < l.ByteStart || l.ByteEnd > len(s.Body) || s.Body[l.ByteStart:l.ByteEnd] != b.Text {
			return errors.New("a block is not where it says")
		}
		end = l.ByteEnd
	}
	return nil
}

// Close ends the children.
func (r *Reader) Close() {
	r.mu.Lock()
	idle := r.idle
	r.idle, r.gone = nil, true
	r.mu.Unlock()
	for _, c := range idle {
		c.end()
	}
}

// ask has a child read a document, and keeps the child where it can read
// another.
func (r *Reader) ask(ctx context.Context, req request, file io.ReaderAt) (answer, string, error) {
	c, err := r.take(ctx)
	if err != nil {
		return answer{}, "", err
	}
	a, sum, err := c.read(ctx, r.opt, req, file)
	switch {
	case err != nil: // the child has ended
	case a.Last:
		c.end()
	default:
		r.put(c)
	}
	return a, sum, err
}

func (r *Reader) take(ctx context.Context) (*child, error) {
	r.mu.Lock()
	if n := len(r.idle); n > 0 {
		c := r.idle[n-1]
		r.idle = r.idle[:n-1]
		r.mu.Unlock()
		return c, nil
	}
	r.mu.Unlock()
	return startChild(ctx, r.opt)
}

func (r *Reader) put(c *child) {
	r.mu.Lock()
	if !r.gone && len(r.idle) < maxIdle && c.served < maxServed {
		r.idle = append(r.idle, c)
		c = nil
	}
	r.mu.Unlock()
	if c != nil {
		c.end()
	}
}
