package extract

import (
	"context"
	"io"
	"slices"

	"github.com/bartizan-security/bartizan/internal/extract/pdf"
)

// FaultyChildIfAsked is ChildIfAsked with something done before each document
// is read, in the child. Only tests have it.
func FaultyChildIfAsked(before func(r io.ReaderAt, size int64)) {
	childIfAsked(func(in input) {
		if in.r != nil { // else it is a folder
			before(in.r, in.size)
		}
	})
}

// Here reads in this process, to compare with. It serves one input after
// another.
type Here struct{ pdfs *pdf.Reader }

// NewHere makes one; it is to be closed.
func NewHere() *Here { return &Here{pdf.NewReader(pdf.Options{})} }

// Close ends the engine.
func (h *Here) Close() { h.pdfs.Close() }

// Read reads one input, and gives what came of it.
func (h *Here) Read(name string, r io.ReaderAt, size int64) (docs []Document, errs []error) {
	s := &session{
		ctx: context.Background(), opt: Options{Summary: &Summary{}}, limit: Limits{}.withDefaults(), trace: untraced{}, pdfs: h.pdfs,
		yield: func(doc Document, err error) bool {
			if err != nil {
				errs = append(errs, err)
			} else {
				docs = append(docs, doc)
			}
			return true
		},
	}
	s.file(input{path: name, name: name, r: r, size: size, named: true, root: true})
	return docs, errs
}

type untraced struct{}

func (untraced) begin(input) bool   { return false }
func (untraced) careful(input) bool { return false }
func (untraced) failed()            {}

// Survives reports whether a document passes from a child to its parent without
// a change.
func Survives(doc Document) (Document, error) {
	l := newLanguage()
	doc.Blocks = slices.Clone(doc.Blocks)
	paths := slim(&doc, nil)
	var e event
	if err := l.events.Decode(l.events.Encode(&event{Document: &doc, Paths: paths}), &e); err != nil {
		return Document{}, err
	}
	return *e.Document, restore(e.Document, e.Paths)
}

// Forged gives the error for a document that a child made up.
func Forged(doc Document) error {
	l := newLanguage()
	t := &task{batch: &batch{pool: &Pool{language: l}}}
	return t.take(l.events.Encode(&event{Document: &doc}))
}

// UnconfinedPool reads without the sandbox, so that tests can see what it keeps
// from happening.
func UnconfinedPool() *Pool { return NewPool(Options{Sandbox: SandboxOff}) }

// ForgedPaths gives the error for paths of headings that begin at the given
// blocks.
func ForgedPaths(doc Document, from []int) error {
	var runs []pathRun
	for _, f := range from {
		runs = append(runs, pathRun{From: f})
	}
	return restore(&doc, runs)
}
