package extract

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"strconv"
	"sync"

	"github.com/bartizan-security/bartizan/internal/extract/sandbox"
)

// batch is one reading of everything that a person gave. It hands inputs to
// child processes, several at once, and yields what comes back in the order of
// the inputs. Its methods are called from one goroutine.
type batch struct {
	ctx    context.Context
	cancel context.CancelFunc
	opt    Options
	limit  Limits
	pool   *Pool
	names  namer
	yield  func(Document, error) bool
	// queue holds the inputs that were begun and not yielded, in order.
	queue []*result
	wg    sync.WaitGroup
	// documents and errors count what was yielded.
	documents, errors int
	// done is true when the caller wants no more, or nothing more can be had.
	done bool
}

// result is what comes of one input.
type result struct {
	events chan event
	// awaited is closed once all others wait for this one.
	awaited chan struct{}
	// err is why the whole batch ends; set before events is closed.
	err error
	// name is what the document of the input is called, find finds those that
	// it leads to; nil where that cannot be known.
	name string
	find finder
	// ids are those of the documents, in the order of the numbers that the child
	// gave them, from 1.
	ids idList
}

// id is the id of the document that a child numbers so; empty where there is
// none.
func (r *result) id(number string) string {
	n, err := strconv.Atoi(number)
	if err != nil {
		return ""
	}
	return r.ids.at(n - 1)
}

// ahead is how many inputs, for each child, may be begun before the first of
// them is yielded whole, and waiting how many documents of one may wait.
const (
	ahead   = 3
	waiting = 4
)

func newBatch(ctx context.Context, opt Options, yield func(Document, error) bool) *batch {
	b := &batch{opt: opt, limit: opt.Limits.withDefaults(), pool: opt.Pool, yield: yield}
	b.ctx, b.cancel = context.WithCancel(ctx)
	if b.pool == nil {
		b.pool = NewPool(opt)
	}
	if b.opt.Summary == nil {
		b.opt.Summary = &Summary{}
	}
	return b
}

// close ends what the batch started.
func (b *batch) close() {
	b.cancel()
	b.wg.Wait()
	if b.opt.Pool == nil {
		b.pool.Close()
	}
}

// stopped reports whether reading is over, and yields the reason where it is
// the context.
func (b *batch) stopped() bool {
	if b.done {
		return true
	}
	if err := b.ctx.Err(); err != nil {
		b.done = true
		b.yield(Document{}, err)
	}
	return b.done
}

// fail yields an error, after what was begun before.
func (b *batch) fail(err *Error) { b.put(event{}, err) }

// skip notes what was passed over, after what was begun before.
func (b *batch) skip(path, reason string) { b.put(event{Skip: &Skip{path, reason}}, nil) }

// put puts an event of the parent's own into its place. The error, where there
// is one, is yielded as it is.
func (b *batch) put(e event, err *Error) {
	e.own = err
	r := &result{events: make(chan event, 1)}
	r.events <- e
	close(r.events)
	b.queue = append(b.queue, r)
	if len(b.queue) == 1 && !b.done {
		b.next()
	}
}

// read begins to read an input. Whoever opened it calls flush before it is
// closed, or gives what closes it.
func (b *batch) read(in input, closers ...func() error) { b.begin(in, nil, nil, closers) }

// readExport reads an export in a folder.
func (b *batch) readExport(in input, e *export, folder fs.FS) { b.begin(in, e, folder, nil) }

func (b *batch) begin(in input, e *export, folder fs.FS, closers []func() error) {
	shut := func() {
		for _, c := range closers {
			_ = c() // it was only read
		}
	}
	for len(b.queue) >= ahead*b.pool.children.Children() && !b.done {
		b.next()
	}
	if b.stopped() {
		shut()
		return
	}
	r := &result{events: make(chan event, waiting), awaited: make(chan struct{}), name: in.name, find: in.find}
	b.queue = append(b.queue, r)
	b.wg.Go(func() {
		defer shut()
		defer close(r.events)
		t := &task{batch: b, in: in, export: e, folder: folder, result: r}
		r.err = t.run()
	})
}

// flush yields all that was begun.
func (b *batch) flush() {
	for len(b.queue) > 0 && !b.done {
		b.next()
	}
}

// next yields the first input that was begun.
func (b *batch) next() {
	r := b.queue[0]
	b.queue = b.queue[1:]
	if r.awaited != nil {
		close(r.awaited)
	}
	for e := range r.events {
		if b.stopped() {
			break
		}
		b.deliver(r, e)
	}
	if b.done {
		b.cancel()
		return
	}
	var own *Error
	switch {
	case r.err == nil || b.stopped():
	case errors.As(r.err, &own):
		b.deliver(r, event{own: own})
		b.done = true
	default:
		b.done = true
		b.yield(Document{}, r.err)
	}
	if b.done {
		b.cancel()
	}
}

// deliver yields one event.
func (b *batch) deliver(r *result, e event) {
	switch {
	case e.own != nil:
		b.errors++
		b.done = !b.yield(Document{}, e.own)
	case e.Error != nil:
		b.errors++
		b.done = !b.yield(Document{}, e.Error.restore())
	case e.Skip != nil:
		b.opt.Summary.skip(e.Skip.Path, e.Skip.Reason)
	case e.Document != nil:
		b.documents++
		b.name(r, e.Document)
		b.done = !b.yield(*e.Document, nil)
	}
}

// name gives a document the name and id that no other has.
func (b *batch) name(r *result, doc *Document) {
	b.link(r, doc)
	doc.Name = b.names.unique(doc.Name)
	doc.ID = b.names.id(doc.Name)
	doc.Parent = r.id(doc.Parent)
	r.ids.add(doc.ID)
	for i := range doc.Notices {
		n := &doc.Notices[i]
		n.Document = doc.ID
		for j := range n.Evidence {
			n.Evidence[j].Document = doc.ID
		}
	}
}

// container reads what lies in a folder, and tells where none of it is a
// document.
func (b *batch) container(in input, read func()) {
	b.flush()
	before := b.documents + b.errors
	skipped := len(b.opt.Summary.Skipped)
	read()
	b.flush()
	if b.done || b.documents+b.errors > before {
		return
	}
	b.fail(in.nothing("folder", b.opt.Summary.reasons(skipped)))
}

// smallInput is up to which size an input that is no open file goes along with
// the job, in bytes.
const smallInput = 512 << 10

// source says how a child gets at an input.
func (t *task) source(j *job) ([]*os.File, error) {
	if t.folder != nil {
		return nil, nil
	}
	if f, ok := t.in.r.(*os.File); ok && sandbox.ReadOnly(f) {
		j.Handed = true
		return []*os.File{f}, nil
	}
	if t.in.size > smallInput {
		return nil, nil
	}
	j.Data = make([]byte, t.in.size)
	n, err := t.in.r.ReadAt(j.Data, 0)
	if int64(n) == t.in.size {
		err = nil
	}
	return nil, err
}
