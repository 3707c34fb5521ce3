package extract

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"

	"github.com/bartizan-security/bartizan/internal/extract/pdf"
	"github.com/bartizan-security/bartizan/internal/extract/sandbox"
)

// ChildIfAsked makes this process one that reads documents for its parent,
// where it was started as one; it does not return then. A program that reads
// documents calls it at the very start of main, a test binary in TestMain.
func ChildIfAsked() { childIfAsked(nil) }

// childIfAsked lets a test meddle with what is about to be read.
func childIfAsked(meddle func(input)) {
	var c *child
	sandbox.ServeIfAsked(func(call *sandbox.Call) bool {
		if c == nil {
			c = &child{language: newLanguage(), meddle: meddle}
		}
		return c.work(call)
	})
}

// child reads for its parent.
type child struct {
	language *language
	meddle   func(input)
	// pdfs reads PDF documents, of one job after another; nil before the first.
	pdfs *pdf.Reader
	// cache is the folder that it was made for, and pages its limit.
	cache string
	pages int
}

// work does one job. It reports whether the process must not do another.
func (c *child) work(call *sandbox.Call) (last bool) {
	r := &reading{child: c, call: call}
	if err := c.language.jobs.Decode(call.Job, &r.job); err != nil {
		r.tell(event{Failed: err.Error()})
		return true
	}
	if r.job.Warm {
		var e event
		if err := pdf.Warm(r.job.Options.CacheDir); err != nil {
			e.Failed = err.Error()
		}
		r.tell(e)
		return true
	}
	r.read()
	return r.spoiled || c.pdfs != nil && c.pdfs.Spent()
}

// reading is one job under way.
type reading struct {
	child *child
	call  *sandbox.Call
	job   job
	// step counts what was read; see trace.
	step int
	// spoiled is true once a reader failed in a way that may have left
	// something behind.
	spoiled bool
	// said is where the last event was written, paths those of its blocks; the
	// next are written there too.
	said  []byte
	paths []pathRun
}

// mostSaid is how much memory is kept for the next event, in bytes.
const mostSaid = 1 << 20

// trace follows what a session reads.
type trace interface {
	// begin tells of an input that is about to be read, and reports whether it
	// is not to be.
	begin(input) (avoid bool)
	// careful tells that the input can be read in another way, and reports
	// whether it is to be.
	careful(input) bool
	// failed tells that a reader panicked.
	failed()
}

// read reads the input of the job.
func (r *reading) read() {
	opt := r.job.Options
	opt.Summary = &Summary{tell: func(skip Skip) { r.tell(event{Skip: &skip}) }}
	opt.Spool = r.spool
	s := &session{
		ctx: context.Background(), opt: opt, limit: opt.Limits.withDefaults(), trace: r,
		yield: func(doc Document, err error) bool { return r.yield(doc, err) },
		ask:   r.recognize,
		own:   true,
	}
	s.pdfs = r.child.reader(r, s.limit)
	i := r.job.Input
	in := input{path: i.Path, where: i.Where, name: i.Name, size: i.Size, named: i.Named, root: i.Root, nesting: i.Nesting}
	if r.job.Folder {
		e := &export{dir: r.job.Export.Dir, xml: r.job.Export.XML}
		if !r.begin(in) {
			s.export(in, e, &folderSource{s, &askedFolder{r}})
		}
		return
	}
	switch {
	case r.job.Handed && len(r.call.Files) == 1:
		in.r = r.call.Files[0]
	case r.job.Data != nil || in.size == 0:
		in.r = bytes.NewReader(r.job.Data)
	default:
		in.r = &askedFile{reading: r, size: in.size}
	}
	s.file(in)
}

// reader is the one reader of PDF documents of the process.
func (c *child) reader(r *reading, limit Limits) *pdf.Reader {
	if c.pdfs != nil && (c.cache != r.job.Options.CacheDir || c.pages != limit.Pages || c.pdfs.Spent()) {
		c.pdfs.Close()
		c.pdfs = nil
	}
	if c.pdfs == nil {
		c.cache, c.pages = r.job.Options.CacheDir, limit.Pages
		c.pdfs = pdf.NewReader(pdf.Options{CacheDir: c.cache, MaxPages: c.pages, Memory: engineMemory(limit), Fill: r.fill})
	}
	return c.pdfs
}

// engineMemory is what the PDF engine may take of a process's memory. What it
// has is copied when it grows, and there are the document and its glyphs.
func engineMemory(l Limits) int64 { return l.Memory / 4 }

// yield tells the parent of a document or an error.
func (r *reading) yield(doc Document, err error) bool {
	var e *Error
	switch {
	case err == nil:
		r.paths = slim(&doc, r.paths[:0])
		return r.tell(event{Document: &doc, Paths: r.paths})
	case errors.As(err, &e):
		return r.tell(errorEvent(e))
	}
	i := r.job.Input
	return r.tell(errorEvent(&Error{Path: i.Path, Where: i.Where, Kind: KindUnreadable, Err: err}))
}

// tell sends an event, and reports whether more can be. A document that is too
// large is told of instead of sent.
func (r *reading) tell(e event) bool {
	said := r.child.language.events.Append(r.said[:0], &e)
	if r.said = said; cap(said) > mostSaid {
		r.said = nil
	}
	give := r.call.Send
	if e.Document != nil {
		give = r.call.Post // there may be very many
	}
	err := give(said)
	if e.Document != nil && errors.Is(err, sandbox.ErrTooLong) {
		i := r.job.Input
		return r.tell(errorEvent(&Error{
			Path: i.Path, Where: e.Document.Name, Kind: KindTooLarge, Err: fmt.Errorf("as read, the document is larger than the limit: %w", err),
			Remedy: "Split it, or raise the limit (--limit output=...)",
		}))
	}
	return err == nil
}

// begin implements trace.
func (r *reading) begin(in input) (avoid bool) {
	r.step++
	if slices.Contains(r.job.Avoid, r.step) {
		return true
	}
	r.tell(event{Step: &step{Number: r.step, Path: in.path, Where: in.where}})
	if r.child.meddle != nil {
		r.child.meddle(in)
	}
	return false
}

// pdfGarbage is how much garbage may gather beside what is in use, in percent:
// the memory of the PDF engine is in use all the time, and never collected.
const pdfGarbage = 400

// careful implements trace. Only PDF documents can be read with care.
func (r *reading) careful(in input) bool {
	debug.SetGCPercent(pdfGarbage)
	r.tell(event{Step: &step{Number: r.step, Path: in.path, Where: in.where, Careful: true}})
	return slices.Contains(r.job.Careful, r.step)
}

// failed implements trace.
func (r *reading) failed() { r.spoiled = true }

// ask asks the parent.
func (r *reading) ask(q question) (reply, fileHandle, error) {
	var a reply
	b, f, err := r.call.Ask(r.child.language.questions.Encode(&q))
	if err == nil {
		err = r.child.language.replies.Decode(b, &a)
	}
	if f == nil {
		return a, nil, err
	}
	return a, f, err
}

// fill has the parent fill the PDF engine's cache.
func (r *reading) fill() error {
	_, _, err := r.ask(question{Fill: true})
	return err
}
