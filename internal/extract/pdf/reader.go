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

// request asks for one document.
type request struct {
	name     string
	password string
	maxPages int
	file     io.ReaderAt
	size     int64
	// alone keeps the second reader out.
	alone bool
}

// Read reads one document; see [Read]. The password takes the place of the
// one in the options.
func (r *Reader) Read(ctx context.Context, name string, file io.ReaderAt, size int64, password string) (threatmodel.Source, error) {
	return r.read(ctx, request{name: name, password: password, file: file, size: size})
}

// ReadAlone is Read without the second reader, which may fail where the engine
// does not. What only it would have found is missing.
func (r *Reader) ReadAlone(ctx context.Context, name string, file io.ReaderAt, size int64, password string) (threatmodel.Source, error) {
	return r.read(ctx, request{name: name, password: password, file: file, size: size, alone: true})
}

func (r *Reader) read(ctx context.Context, req request) (threatmodel.Source, error) {
	if err := errors.Join(r.err, ctx.Err()); err != nil {
		return threatmodel.Source{}, err
	}
	if r.engine == nil {
		e, err := startEngine(r.opt)
		if err != nil {
			return threatmodel.Source{}, err
		}
		r.engine = e
	}
	req.maxPages = r.opt.MaxPages
	sum := sha256.New()
	switch n, err := io.Copy(sum, io.NewSectionReader(req.file, 0, req.size)); {
	case err != nil:
		return threatmodel.Source{}, fmt.Errorf("read the document: %w", err)
	case n != req.size:
		return threatmodel.Source{}, &detailed{ErrTruncated, fmt.Sprintf("it has %d bytes of %d", n, req.size)}
	}
	src, err := r.engine.read(req)
	if r.engine.tired {
		r.spent = true
	}
	if errors.Is(err, ErrMemory) || errors.Is(err, ErrCrashed) {
		// The engine must not be used again, and may hold on to its memory.
		r.engine, r.spent = nil, true
	}
	if err != nil {
		return threatmodel.Source{}, err
	}
	src.Name, src.SHA256, src.MediaType = req.name, hex.EncodeToString(sum.Sum(nil)), "application/pdf"
	return src, nil
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
