package confluence

import (
	"fmt"
	"io"
	"os"
	"slices"
)

// SpoolFile is where the bodies of an export wait until their pages are
// known. It needs no name, and nothing of it is read after Close.
type SpoolFile interface {
	io.ReaderAt
	io.WriterAt
	io.Closer
}

// TempSpool makes a temporary file that is gone with the process.
func TempSpool() (SpoolFile, error) {
	f, err := os.CreateTemp("", "bartizan-export-*")
	if err != nil {
		return nil, err
	}
	if os.Remove(f.Name()) == nil {
		return f, nil
	}
	return &namedFile{f}, nil // some systems keep an open file
}

// namedFile is a temporary file that is removed when it is closed.
type namedFile struct{ *os.File }

// Close implements io.Closer.
func (f *namedFile) Close() error {
	err := f.File.Close()
	if gone := os.Remove(f.Name()); err == nil {
		err = gone
	}
	return err
}

// spool keeps bodies until their pages are known: an export writes its
// objects in no order. What does not fit into memory goes to a file.
type spool struct {
	// inMemory is how many bytes stay in memory.
	inMemory int
	mem      []byte
	// create makes the file; it is asked for when it is first needed.
	create func() (SpoolFile, error)
	file   SpoolFile
	// size is the number of bytes kept, start where the open body begins.
	size, start int64
	// pending is what was not written to the file yet; its first byte is
	// at size-len(pending).
	pending []byte
	err     error
}

// extent is where a body lies. An export has one for each page, so it is kept
// small.
type extent struct {
	start int64
	size  int32
	// cut is true for a body that was longer than it may be, and is not whole.
	cut bool
	// known is true where there is a body.
	known bool
	// wiki is true for the wiki markup of old versions.
	wiki bool
}

func (e extent) end() int64 { return e.start + int64(e.size) }

// pendingSize is how much is written to the file at once.
const pendingSize = 1 << 20

func (s *spool) begin() { s.start = s.size }

// open is the size of the body being added.
func (s *spool) open() int64 { return s.size - s.start }

func (s *spool) add(b []byte) {
	if s.err != nil {
		return
	}
	if s.file == nil && len(s.mem)+len(b) <= s.inMemory {
		if len(s.mem)+len(b) > cap(s.mem) {
			s.mem = append(make([]byte, 0, min(s.inMemory, max(4*cap(s.mem), len(s.mem)+len(b), windowSize))), s.mem...)
		}
		s.mem = append(s.mem, b...)
		s.size += int64(len(b))
		return
	}
	if s.file == nil {
		s.toFile()
	}
	s.pending = append(s.pending, b...)
	s.size += int64(len(b))
	if len(s.pending) >= pendingSize {
		s.flush()
	}
}

// toFile opens the file; what lies in memory goes into it.
func (s *spool) toFile() {
	f, err := s.create()
	if err != nil {
		s.err = fmt.Errorf("make a temporary file for the pages of the export: %w", err)
		return
	}
	s.file = f
	s.pending = s.mem
	s.flush()
	s.pending, s.mem = make([]byte, 0, pendingSize+windowSize), nil
}

func (s *spool) flush() {
	if s.err != nil || len(s.pending) == 0 {
		return
	}
	if _, err := s.file.WriteAt(s.pending, s.size-int64(len(s.pending))); err != nil {
		s.err = fmt.Errorf("keep the pages of the export in a temporary file: %w", err)
	}
	s.pending = s.pending[:0]
}

func (s *spool) finish(cut bool) extent {
	return extent{start: s.start, size: int32(s.size - s.start), cut: cut, known: true}
}

// drop gives up the last body, if nothing was added after it.
func (s *spool) drop(e extent) {
	if !e.known || e.end() != s.size {
		return
	}
	switch {
	case s.file == nil:
		s.mem = s.mem[:e.start]
	case int(e.size) <= len(s.pending):
		s.pending = s.pending[:len(s.pending)-int(e.size)]
	default:
		// Part of it is in the file; what comes next is written over it.
		s.pending = s.pending[:0]
	}
	s.size = e.start
}

// read copies a body into the given bytes, where they are enough, or into new
// ones. Once the spool is sealed, it may be called from several goroutines.
func (s *spool) read(e extent, in []byte) ([]byte, error) {
	if s.err != nil {
		return nil, s.err
	}
	b := slices.Grow(in[:0], int(e.size))[:e.size]
	if s.file == nil {
		copy(b, s.mem[e.start:e.end()])
		return b, nil
	}
	if _, err := s.file.ReadAt(b, e.start); err != nil && err != io.EOF {
		return nil, fmt.Errorf("read a page of the export from its temporary file: %w", err)
	}
	return b, nil
}

// seal ends the adding of bodies.
func (s *spool) seal() {
	if s.file != nil {
		s.flush()
	}
}

func (s *spool) close() {
	if s.file != nil {
		_ = s.file.Close()
	}
}
