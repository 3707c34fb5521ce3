package extract

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"sync"

	"github.com/bartizan-security/bartizan/internal/extract/pdf"
	"github.com/bartizan-security/bartizan/internal/extract/sandbox"
)

// Pool keeps the processes that read documents, for one call of [Read] or
// [ReadPaths] after another. It may be used by several goroutines at once, and
// must be closed.
type Pool struct {
	children *sandbox.Pool
	language *language
	// cacheDir is where the PDF engine keeps its compiled code; warming is
	// held while it is being filled.
	cacheDir string
	warming  sync.Mutex
}

// NewPool makes a pool that goes by Sandbox, Children, CacheDir, and the limits
// on memory and output of the options. No process is started before the first
// document.
func NewPool(opt Options) *Pool {
	limit := opt.Limits.withDefaults()
	p := &Pool{language: newLanguage()}
	var folders []string
	// Without a folder a PDF gives an error that says so; other documents do not
	// need one.
	if dir, err := pdf.CacheDir(opt.CacheDir); err == nil {
		_ = os.MkdirAll(dir, 0o700)
		p.cacheDir = dir
		folders = []string{dir}
	}
	p.children = sandbox.NewPool(sandbox.Config{
		Confine: opt.Sandbox != SandboxOff, Folders: folders, Children: opt.Children,
		Memory: limit.Memory, FileSize: limit.Expanded, EventSize: int(limit.Output),
	})
	return p
}

// Close ends the processes.
func (p *Pool) Close() { p.children.Close() }

// Children is how many processes read at once.
func (p *Pool) Children() int { return p.children.Children() }

// PeakMemory is the most that one of the processes had so far, in bytes; 0 where
// none is idle or the system does not tell.
func (p *Pool) PeakMemory() int64 { return p.children.Peak() }

// WarmPDF compiles the PDF engine into its cache, so that the first document
// is read as quickly as those after it. Empty stands for the default folder.
func WarmPDF(ctx context.Context, cacheDir string) error {
	dir, err := pdf.CacheDir(cacheDir)
	if err != nil {
		return err
	}
	return warm(ctx, dir)
}

// warm fills the cache in a process of its own: it takes much memory. It is
// not confined, as it writes to the cache; it reads nothing that others made.
func warm(ctx context.Context, dir string) error {
	children := sandbox.NewPool(sandbox.Config{Children: 1})
	defer children.Close()
	l := newLanguage()
	return children.Do(ctx, sandbox.Job{
		Work: l.jobs.Encode(&job{Options: Options{CacheDir: dir}, Warm: true}),
		Event: func(b []byte) error {
			var e event
			if err := l.events.Decode(b, &e); err != nil {
				return err
			}
			if e.Failed != "" {
				return errors.New(e.Failed)
			}
			return nil
		},
	})
}

// answer answers what a child asks while it reads an input, or a folder.
func (p *Pool) answer(ctx context.Context, in input, folder fs.FS, opt Options, asked []byte) ([]byte, *os.File, error) {
	var q question
	if err := p.language.questions.Decode(asked, &q); err != nil {
		return nil, nil, err
	}
	var a reply
	var file *os.File
	var err error
	switch {
	case q.Fill:
		p.warming.Lock()
		err = warm(ctx, p.cacheDir)
		p.warming.Unlock()
	case q.Recognize != nil && opt.OCR != "" && opt.OCR != OCROff:
		a.Lines, err = recognize(ctx, q.Recognize, opt)
	case q.Spool:
		file, err = spoolFile(opt)
	case q.List != "" && folder != nil:
		a.Names, err = regularNames(folder, q.List)
	case q.Open != "" && folder != nil:
		a, file, err = openIn(folder, q)
	case q.Piece > 0 && in.r != nil:
		a.Bytes, err = readPiece(in.r, q)
	default:
		err = errors.New("there is no such thing")
	}
	return p.language.replies.Encode(&a), file, err
}

// spoolFile makes a file without a name.
func spoolFile(opt Options) (*os.File, error) {
	if opt.Spool == nil {
		f, err := os.CreateTemp("", "bartizan-*")
		if err == nil {
			_ = os.Remove(f.Name()) // where it cannot be, the system will
		}
		return f, err
	}
	s, err := opt.Spool()
	if err != nil {
		return nil, err
	}
	f, ok := s.(*os.File)
	if !ok {
		return nil, errors.Join(errors.New("the file that Options.Spool makes is no *os.File"), s.Close())
	}
	return f, nil
}

func regularNames(folder fs.FS, dir string) ([]string, error) {
	entries, err := fs.ReadDir(folder, dir)
	var names []string
	for _, e := range entries {
		if e.Type().IsRegular() {
			names = append(names, e.Name())
		}
	}
	return names, err
}

// openIn opens a regular file of the folder, which nothing leads out of.
func openIn(folder fs.FS, q question) (reply, *os.File, error) {
	f, err := folder.Open(q.Open)
	if errors.Is(err, fs.ErrNotExist) {
		return reply{Missing: true}, nil, nil
	}
	if err != nil {
		return reply{}, nil, err
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = errors.New("this is no regular file")
	}
	if err != nil {
		return reply{}, nil, errors.Join(err, f.Close())
	}
	if own, ok := f.(*os.File); ok && q.Piece == 0 && sandbox.Passing {
		return reply{Size: info.Size()}, own, nil
	}
	defer f.Close()
	if q.Piece == 0 {
		return reply{Size: info.Size()}, nil, nil
	}
	r, ok := f.(io.ReaderAt)
	if !ok {
		return reply{}, nil, fmt.Errorf("%s can only be read from its start", q.Open)
	}
	b, err := readPiece(r, q)
	return reply{Bytes: b, Size: info.Size()}, nil, err
}

func readPiece(r io.ReaderAt, q question) ([]byte, error) {
	b := make([]byte, min(q.Piece, pieceSize))
	n, err := r.ReadAt(b, q.Offset)
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return b[:n], err
}
