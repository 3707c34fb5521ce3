// Package extract reads design documents into text and blocks. It is the one
// door to every format: what a file is, its content says, not its name.
//
// Documents are read in child processes, the same program started again, that
// can do nothing but read: see package sandbox, and [Options]. A program that
// reads documents calls [ChildIfAsked] at the very start of main, a test binary
// in TestMain.
//
//	for doc, err := range extract.ReadPaths(ctx, []string{"docs"}, extract.Options{}) {
//		if err != nil {
//			report(err) // an *extract.Error; the other documents still come
//			continue
//		}
//		use(doc.Body, doc.Blocks)
//	}
package extract

import (
	"context"
	"io"
	"iter"
	"strconv"

	"github.com/bartizan-security/bartizan/internal/extract/pdf"
	"github.com/bartizan-security/bartizan/internal/extract/secret"
	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

// Document is a document as it was read.
type Document = threatmodel.Source

// Read reads the documents in one file: one, or those of an archive or
// export in the order of their names or of the page tree.
//
// An error is an [*Error], and concerns one document; the others are still
// yielded. Where ctx ends, its error is the last one.
func Read(ctx context.Context, name string, r io.ReaderAt, size int64, opt Options) iter.Seq2[Document, error] {
	return func(yield func(Document, error) bool) {
		b := newBatch(ctx, opt, yield)
		defer b.close()
		b.read(input{path: name, name: name, r: r, size: size, named: true, root: true})
		b.flush()
	}
}

// input is a file to read.
type input struct {
	// path is what messages call it, where the member of an archive in it.
	path, where string
	// name is what its document is called.
	name string
	r    io.ReaderAt
	size int64
	// named is true where a person gave this very file: then it must be a
	// document. One that merely lies in a folder is passed over.
	named bool
	// root is true for a file that lies in no folder or archive.
	root bool
	// nesting counts the archives around it.
	nesting int
	// find finds the documents that it leads to; nil where that cannot be known.
	find finder
}

// session is the reading of one input, in a child process.
type session struct {
	ctx   context.Context
	opt   Options
	limit Limits
	// expanded counts the bytes that came out of archives.
	expanded int64
	// documents and errors count what was yielded.
	documents, errors int
	yield             func(Document, error) bool
	// trace follows what is being read, for the parent.
	trace trace
	pdfs  *pdf.Reader
	// ask has the parent recognise the text in a picture.
	ask func(pagePicture) ([]pdf.RecognizedLine, error)
	// find is that of the input that is being read.
	find finder
	// done is true when nobody wants more, or ctx has ended.
	done bool
	// own is true where the process is there for the session alone, and yield
	// keeps nothing of a document.
	own bool
}

// stopped reports whether reading is over, and yields the reason where it is
// the context.
func (s *session) stopped() bool {
	if s.done {
		return true
	}
	if err := s.ctx.Err(); err != nil {
		s.done = true
		s.yield(Document{}, err)
	}
	return s.done
}

// fail yields an error.
func (s *session) fail(err *Error) {
	s.errors++
	if !s.done && !s.yield(Document{}, err) {
		s.done = true
	}
}

// reject yields an error about a file that was named, and passes over one
// that was not.
func (s *session) reject(in input, kind Kind, err error, remedy string) {
	if in.named {
		s.fail(in.error(kind, err, remedy))
		return
	}
	s.opt.Summary.skip(in.display(), err.Error())
}

// error is an error about the input.
func (in input) error(kind Kind, err error, remedy string) *Error {
	return &Error{Path: in.path, Where: in.where, Kind: kind, Err: err, Remedy: remedy}
}

func (in input) display() string {
	if in.where == "" {
		return in.path
	}
	return in.path + ": " + in.where
}

// emit yields a document, with its credentials masked. It returns an id for
// the documents below it; the parent process gives it the name and id that no
// other has.
func (s *session) emit(doc Document) string {
	s.documents++
	doc.ID = strconv.Itoa(s.documents)
	tellLanguage(&doc)
	if s.find != nil {
		resolve(&doc, s.find)
	}
	secret.Mask(&doc, s.opt.ShowSecrets)
	if !s.done && !s.yield(doc, nil) {
		s.done = true
	}
	return doc.ID
}
