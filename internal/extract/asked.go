package extract

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"sync"
	"time"
)

// What a child cannot open itself it asks its parent for.

// fileHandle is an open file that was handed over.
type fileHandle interface {
	io.Reader
	io.ReaderAt
	io.WriterAt
	io.Closer
}

// pieceSize is how much of a file is asked for at once, in bytes: with what is
// said of it a message comes to less than 1 MiB. Pieces is how many of them are
// kept: readers of archives go back and forth.
const (
	pieceSize = 1<<20 - 4<<10
	pieces    = 4
)

// askedFile is a file that the parent reads piece by piece.
type askedFile struct {
	reading *reading
	// name is a file of the folder; empty for the input.
	name string
	size int64

	mu   sync.Mutex
	kept [pieces]piece
	next int
}

type piece struct {
	at    int64
	bytes []byte
}

// ReadAt implements io.ReaderAt.
func (f *askedFile) ReadAt(p []byte, off int64) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	n := 0
	for n < len(p) {
		at := off + int64(n)
		if at < 0 || at >= f.size {
			return n, io.EOF
		}
		b, err := f.piece(at / pieceSize * pieceSize)
		if err != nil {
			return n, err
		}
		if at%pieceSize >= int64(len(b)) {
			return n, io.ErrUnexpectedEOF
		}
		n += copy(p[n:], b[at%pieceSize:])
	}
	return n, nil
}

func (f *askedFile) piece(at int64) ([]byte, error) {
	for _, k := range f.kept {
		if k.bytes != nil && k.at == at {
			return k.bytes, nil
		}
	}
	a, _, err := f.reading.ask(question{Open: f.name, Piece: pieceSize, Offset: at})
	if err != nil {
		return nil, err
	}
	f.kept[f.next] = piece{at, a.Bytes}
	f.next = (f.next + 1) % pieces
	return a.Bytes, nil
}

// askedFolder is a folder that the parent opens files of.
type askedFolder struct{ reading *reading }

// Open implements fs.FS.
func (d *askedFolder) Open(name string) (fs.File, error) {
	a, f, err := d.reading.ask(question{Open: name})
	switch {
	case err != nil:
		return nil, &fs.PathError{Op: "open", Path: name, Err: err}
	case a.Missing:
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	case f != nil:
		return &openFile{name: name, size: a.Size, Reader: f, Closer: f}, nil
	}
	asked := &askedFile{reading: d.reading, name: name, size: a.Size}
	return &openFile{name: name, size: a.Size, Reader: io.NewSectionReader(asked, 0, a.Size), Closer: io.NopCloser(nil)}, nil
}

// ReadDir implements fs.ReadDirFS, for the regular files of a folder.
func (d *askedFolder) ReadDir(name string) ([]fs.DirEntry, error) {
	a, _, err := d.reading.ask(question{List: name})
	if err != nil {
		return nil, &fs.PathError{Op: "readdir", Path: name, Err: err}
	}
	entries := make([]fs.DirEntry, len(a.Names))
	for i, n := range a.Names {
		entries[i] = fs.FileInfoToDirEntry(&openFile{name: path.Join(name, n)})
	}
	return entries, nil
}

// openFile is a regular file, and what is known about it.
type openFile struct {
	name string
	size int64
	io.Reader
	io.Closer
}

func (f *openFile) Stat() (fs.FileInfo, error) { return f, nil }
func (f *openFile) Name() string               { return path.Base(f.name) }
func (f *openFile) Size() int64                { return f.size }
func (f *openFile) Mode() fs.FileMode          { return 0o400 }
func (f *openFile) ModTime() time.Time         { return time.Time{} }
func (f *openFile) IsDir() bool                { return false }
func (f *openFile) Sys() any                   { return nil }

// spool asks for a file that a large export is kept in.
func (r *reading) spool() (SpoolFile, error) {
	_, f, err := r.ask(question{Spool: true})
	if err != nil {
		return nil, fmt.Errorf("make a temporary file: %w", err)
	}
	if f == nil {
		return nil, errors.New("make a temporary file: none was handed over")
	}
	return f, nil
}
