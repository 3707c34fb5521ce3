package extract

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/bartizan-security/bartizan/internal/extract/sandbox"
)

// task is the reading of one input by children: by one, and where the input
// breaks it, by another that goes round the place.
type task struct {
	batch  *batch
	in     input
	export *export
	folder fs.FS
	result *result
	// step is what is being read; nil before the first.
	step *step
	// told counts the events that were passed on, seen those of this child: what
	// a child says again is dropped.
	told, seen     int
	avoid, careful []int
}

// maxFaults is how many faults one input may cause before the rest of it is
// given up: every one costs a child, and all that came before again.
const maxFaults = 3

// run reads the input. An error ends the whole batch.
func (t *task) run() error {
	for faults := 1; ; faults++ {
		err := t.once()
		var fault *sandbox.Fault
		switch {
		case err == nil:
			return nil
		case t.batch.ctx.Err() != nil:
			return t.batch.ctx.Err()
		case !errors.As(err, &fault):
			return t.noReader(err)
		}
		if t.tryAgain(fault) {
			continue
		}
		where := t.where()
		if err := t.pass(errorEvent(t.batch.faultError(where, fault))); err != nil {
			return err
		}
		if t.step == nil || t.step.Number == 1 {
			return nil // there is nothing beside what failed
		}
		if faults >= maxFaults {
			rest := t.in.error(KindUnsafe, fmt.Errorf("%d documents in it broke the process that reads them", faults), "The rest was not read; take them out")
			return t.pass(errorEvent(rest))
		}
		t.avoid = append(t.avoid, t.step.Number)
	}
}

// tryAgain decides whether what failed is read once more, with more care.
func (t *task) tryAgain(fault *sandbox.Fault) bool {
	if t.step == nil || !t.step.Careful || fault.Reason != sandbox.Crash && fault.Reason != sandbox.Memory && fault.Reason != sandbox.Stack {
		return false
	}
	for _, n := range t.careful {
		if n == t.step.Number {
			return false
		}
	}
	t.careful = append(t.careful, t.step.Number)
	return true
}

// where is the input that was being read.
func (t *task) where() input {
	if t.step == nil {
		return t.in
	}
	return input{path: t.step.Path, where: t.step.Where}
}

// once has one child read.
func (t *task) once() error {
	b := t.batch
	t.seen, t.step = 0, nil
	in := t.in
	j := job{
		Options: b.opt, Avoid: t.avoid, Careful: t.careful,
		Input: jobInput{Path: in.path, Where: in.where, Name: in.name, Size: in.size, Named: in.named, Root: in.root, Nesting: in.nesting},
	}
	j.Options.Summary, j.Options.Pool, j.Options.CacheDir = nil, nil, b.pool.cacheDir
	if t.export != nil {
		j.Folder, j.Export = true, jobExport{Dir: t.export.dir, XML: t.export.xml}
	}
	files, err := t.source(&j)
	if err != nil {
		return t.pass(errorEvent(in.error(KindUnreadable, fmt.Errorf("read: %w", err), "")))
	}
	return b.pool.children.Do(b.ctx, sandbox.Job{
		Work: b.pool.language.jobs.Encode(&j), Files: files, Time: b.limit.Time, CPU: b.limit.CPU,
		Awaited: t.result.awaited,
		Event:   t.take,
		Ask: func(q []byte) ([]byte, *os.File, error) {
			return b.pool.answer(b.ctx, in, t.folder, b.opt, q)
		},
	})
}

// take takes an event from a child. It trusts nothing in it.
func (t *task) take(raw []byte) error {
	var e event
	err := t.batch.pool.language.events.Decode(raw, &e)
	if err == nil && e.Document != nil {
		err = restore(e.Document, e.Paths)
	}
	if err != nil {
		return &sandbox.Fault{Reason: sandbox.Output, Detail: err.Error()}
	}
	if e.Step != nil {
		t.step = e.Step
		return nil
	}
	if t.seen++; t.seen <= t.told {
		return nil
	}
	t.told = t.seen
	return t.pass(e)
}

// pass passes an event on.
func (t *task) pass(e event) error {
	select {
	case t.result.events <- e:
		return nil
	case <-t.batch.ctx.Done():
		return t.batch.ctx.Err()
	}
}

// noReader is the error where no child can read.
func (t *task) noReader(err error) error {
	remedy := ""
	switch {
	case errors.Is(err, sandbox.ErrUnconfined):
		remedy = "Use Linux 5.13 or later with Landlock and seccomp enabled, or read documents that you trust with --sandbox off"
	case errors.Is(err, sandbox.ErrStart):
		remedy = "Nothing was read"
	}
	return t.in.error(KindNoReader, err, remedy)
}

// faults say what a fault means to whoever gave the document.
func (b *batch) faultError(in input, f *sandbox.Fault) *Error {
	switch f.Reason {
	case sandbox.Memory:
		return in.error(KindUnsafe, fmt.Errorf("reading it takes more memory than it may have, %s", inBytes.format(b.limit.Memory)),
			"Print it to a new PDF or split it, or raise the limit (--limit memory=...)")
	case sandbox.Stack:
		return in.error(KindUnsafe, errors.New("what stands in it is nested too deeply to be read"), "Save it in another form, or print it to a new PDF")
	case sandbox.Time:
		return in.error(KindUnsafe, fmt.Errorf("reading it takes longer than it may, %s", inTime.format(int64(b.limit.Time))),
			"Print it to a new PDF or split it, or raise the limit (--limit time=...)")
	case sandbox.CPU:
		return in.error(KindUnsafe, fmt.Errorf("reading it takes more processor time than it may have, %s", inTime.format(int64(b.limit.CPU))),
			"Split it, or raise the limit (--limit cpu=...)")
	case sandbox.Output:
		return in.error(KindUnsafe, fmt.Errorf("what came out of it makes no sense or is too large (%s)", f.Detail), "Save it in another form, or print it to a new PDF")
	}
	err := errors.New("the process that read it failed")
	if f.Detail != "" {
		err = fmt.Errorf("%w (%s)", err, f.Detail)
	}
	return in.error(KindUnreadable, err, "Save it in another form, or print it to a new PDF; and report it, if you may give it away")
}
