package confluence

import (
	"fmt"
	"io"
	"os"
)

// spool keeps bodies until their pages are known: an export writes its
// objects in no order. What does not fit into memory goes to a temporary file
// that has no name and is gone with the process.
type spool struct {
	// inMemory is how many bytes stay in memory.
	inMemory int
	mem      []byte
	file     *os.File
	// named is true where the file is to be removed after it was closed.
	named bool
	// size is the number of bytes kept, start where the open body begins.
	size, start int64
	// pending is what was not written to the file yet; its first byte is
	// at size-len(pending).
	pending []byte
	err     error
}

// extent is where a body lies.
type extent struct {
	start, size int64
	// cut is true for a body that was longer than it may be, and is not whole.
	cut bool
	// known is true where there is a body.
	known bool
}

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
	f, err := os.CreateTemp("", "bartizan-export-*")
	if err != nil {
		s.err = fmt.Errorf("make a temporary file for the pages of the export: %w", err)
		return
	}
	s.named = os.Remove(f.Name()) != nil // some systems keep an open file
	s.file = f
	s.pending = append(make([]byte, 0, pendingSize+windowSize), s.mem...)
	s.mem = nil
	s.flush()
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
	return extent{start: s.start, size: s.size - s.start, cut: cut, known: true}
}

// drop gives up the last body, if nothing was added after it.
func (s *spool) drop(e extent) {
	if !e.known || e.start+e.size != s.size {
		return
	}
	switch {
	case s.file == nil:
		s.mem = s.mem[:e.start]
	case e.size <= int64(len(s.pending)):
		s.pending = s.pending[:int64(len(s.pending))-e.size]
	default:
		// Part of it is in the file; what comes next is written over it.
		s.pending = s.pending[:0]
	}
	s.size = e.start
}

// read returns a body. Once the spool is sealed, it may be called from several
// goroutines.
func (s *spool) read(e extent) ([]byte, error) {
	if s.err != nil {
		return nil, s.err
	}
	if s.file == nil {
		return s.mem[e.start : e.start+e.size], nil
	}
	b := make([]byte, e.size)
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
		if s.named {
			_ = os.Remove(s.file.Name())
		}
	}
}
