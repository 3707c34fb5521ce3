package pdf

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"

	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

// Reader reads documents one after the other, and keeps the engine for those
// that follow. It must be closed.
type Reader struct {
	opt    Options
	err    error
	engine *engine
	spent  bool
}

// NewReader makes a reader. The engine is started for the first document.
func NewReader(opt Options) *Reader {
	opt, err := opt.withDefaults()
	return &Reader{opt: opt, err: err}
}

// How says how a document is read. The zero value reads what its text layer
// says.
type How struct {
	Password string
	// Alone keeps the second reader out, which may fail where the engine does
	// not. What only it would have found is missing.
	Alone bool
	// OCR says which pages' pictures are given to Recognize; empty for none.
	OCR       OCR
	Recognize Recognizer
}

// Result is a document and what comes with it.
type Result struct {
	threatmodel.Source
	// Notes are the comments that open when they are touched, in the role of
	// annotations: no part of what the document shows. It has no blocks where
	// there are none.
	Notes threatmodel.Source
	// Files are those that the document carries.
	Files []File
	// Portfolio is true for a document that only wraps its files.
	Portfolio bool
	// broken is true where the engine broke after all pages were read.
	broken bool
}

// request asks for one document.
type request struct {
	name     string
	how      How
	maxPages int
	maxFiles int64
	file     io.ReaderAt
	size     int64
}

// Read reads one document; see [Read]. With [ErrNoText] comes what the document
// has beside text.
func (r *Reader) Read(ctx context.Context, name string, file io.ReaderAt, size int64, how How) (Result, error) {
	req := request{name: name, how: how, file: file, size: size, maxPages: r.opt.MaxPages, maxFiles: r.opt.MaxFiles}
	if err := errors.Join(r.err, ctx.Err()); err != nil {
		return Result{}, err
	}
	if r.engine == nil {
		e, err := startEngine(r.opt)
		if err != nil {
			return Result{}, err
		}
		r.engine = e
	}
	sum := sha256.New()
	switch n, err := io.Copy(sum, io.NewSectionReader(req.file, 0, req.size)); {
	case err != nil:
		return Result{}, fmt.Errorf("read the document: %w", err)
	case n != req.size:
		return Result{}, &detailed{ErrTruncated, fmt.Sprintf("it has %d bytes of %d", n, req.size)}
	}
	out, err := r.engine.read(req)
	if r.engine.tired {
		r.spent = true
	}
	if out.broken || errors.Is(err, ErrMemory) || errors.Is(err, ErrCrashed) {
		// The engine must not be used again, and may hold on to its memory.
		r.engine, r.spent = nil, true
	}
	if err != nil && !errors.Is(err, ErrNoText) {
		return Result{}, err
	}
	out.Name, out.SHA256, out.MediaType = req.name, hex.EncodeToString(sum.Sum(nil)), "application/pdf"
	out.Notes.SHA256, out.Notes.MediaType = out.SHA256, out.MediaType
	return out, err
}

// Spent reports whether something of this process goes on that should have
// ended, or holds memory: the process had better be replaced.
func (r *Reader) Spent() bool { return r.spent }

// Close ends the engine.
func (r *Reader) Close() {
	if r.engine != nil {
		_ = r.engine.pool.Close() // it holds nothing but memory
		r.engine = nil
	}
}
