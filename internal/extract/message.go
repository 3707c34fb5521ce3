package extract

import (
	"errors"
	"slices"

	"github.com/bartizan-security/bartizan/internal/extract/block"
	"github.com/bartizan-security/bartizan/internal/extract/pdf"
	"github.com/bartizan-security/bartizan/internal/extract/sandbox"
)

// What the parent and a child that reads say to each other.

// job asks a child to read one input, or to fill the PDF engine's cache.
type job struct {
	Options Options
	Input   jobInput
	// Folder is set where the input is a folder that holds an export: Export
	// then says which.
	Folder bool
	Export jobExport
	// Handed is true where the input comes as an open file; Data holds it where
	// it is small, and otherwise the child asks for it piece by piece.
	Handed bool
	Data   []byte
	// Avoid are the steps, by number, that broke a child before, Careful those
	// that are to be taken with more care.
	Avoid, Careful []int
	// Warm asks for the cache to be filled instead.
	Warm bool
}

type jobInput struct {
	Path, Where, Name string
	Size              int64
	Named, Root       bool
	Nesting           int
}

type jobExport struct {
	Dir string
	XML bool
}

// event is something that a child tells: one of what it may be.
type event struct {
	// Document comes with the paths of headings of its blocks; see slim.
	Document *Document
	Paths    []pathRun
	Error    *eventError
	Skip     *Skip
	Step     *step
	// Failed says why the cache could not be filled.
	Failed string
	// own is an error of the parent's own.
	own *Error
}

// step tells what a child goes on to read.
type step struct {
	// Number counts the steps of an input, from 1.
	Number      int
	Path, Where string
	// Careful is true where a more careful way of reading it is known.
	Careful bool
}

type eventError struct {
	Path, Where, Text, Remedy string
	Kind                      Kind
}

// question is what a child asks for.
type question struct {
	// Piece asks for so many bytes of the input, or of a file, from Offset on.
	Piece  int
	Offset int64
	// Open asks for a file of the folder, List for the names in one.
	Open, List string
	// Spool asks for a file to write to, Fill for the PDF engine's cache to be
	// filled.
	Spool, Fill bool
	// Recognize asks for the text in a picture.
	Recognize *pagePicture
}

// reply is the answer to it.
type reply struct {
	Bytes []byte
	Size  int64
	Names []string
	// Missing is true for a file that is not there.
	Missing bool
	Lines   []pdf.RecognizedLine
}

// language holds the codecs of what is said.
type language struct {
	jobs      sandbox.Codec[job]
	events    sandbox.Codec[event]
	questions sandbox.Codec[question]
	replies   sandbox.Codec[reply]
}

func newLanguage() *language {
	return &language{sandbox.NewCodec[job](), sandbox.NewCodec[event](), sandbox.NewCodec[question](), sandbox.NewCodec[reply]()}
}

// errBroken is given for a document whose blocks are not where they say.
var errBroken = errors.New("a block is not where it says")

// pathRun is the path of headings of the blocks from one on, up to that of the
// next.
type pathRun struct {
	From int
	Path []string
}

// slim leaves out of the blocks of a document what can be told from the rest:
// the text, which stands in the body, ids, and the path of headings, which
// most share with the block before. It changes the blocks in place, and appends
// the paths to those given.
func slim(doc *Document, runs []pathRun) []pathRun {
	for i := range doc.Blocks {
		b := &doc.Blocks[i]
		l := &b.Locator
		if l.ByteStart >= 0 && l.ByteStart < l.ByteEnd && l.ByteEnd <= len(doc.Body) && doc.Body[l.ByteStart:l.ByteEnd] == b.Text {
			b.Text = ""
		}
		if b.ID == block.ID(i) {
			b.ID = ""
		}
		if n := len(runs); n == 0 || !samePath(runs[n-1].Path, l.HeadingPath) {
			runs = append(runs, pathRun{i, l.HeadingPath})
		}
		l.HeadingPath = nil
	}
	return runs
}

func samePath(a, b []string) bool { return (a == nil) == (b == nil) && slices.Equal(a, b) }

// restore puts what slim left out back, and makes sure that what a child sent
// holds together: its blocks are slices of its text, in order.
func restore(doc *Document, runs []pathRun) error {
	end := 0
	var path []string
	for i := range doc.Blocks {
		b := &doc.Blocks[i]
		l := &b.Locator
		if l.ByteStart < end || l.ByteEnd < l.ByteStart || l.ByteEnd > len(doc.Body) {
			return errBroken
		}
		if text := doc.Body[l.ByteStart:l.ByteEnd]; b.Text == "" {
			b.Text = text
		} else if b.Text != text {
			return errBroken
		}
		end = l.ByteEnd
		if b.ID == "" {
			b.ID = block.ID(i)
		}
		if len(runs) > 0 && runs[0].From == i {
			path, runs = slices.Clip(runs[0].Path), runs[1:]
		}
		if l.HeadingPath == nil {
			l.HeadingPath = path
		}
	}
	if len(runs) > 0 {
		return errBroken
	}
	return nil
}

func errorEvent(e *Error) event {
	return event{Error: &eventError{Path: e.Path, Where: e.Where, Text: e.Err.Error(), Remedy: e.Remedy, Kind: e.Kind}}
}

func (e *eventError) restore() *Error {
	return &Error{Path: e.Path, Where: e.Where, Kind: e.Kind, Err: errors.New(e.Text), Remedy: e.Remedy}
}
