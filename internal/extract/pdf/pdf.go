// Package pdf reads PDF documents into text and blocks.
//
// The PDF engine (PDFium as WebAssembly) and the analysis of the layout run in
// this process. A document made to do harm can end it, fill its memory up to
// a limit or keep it busy without end: whoever reads documents that others
// made does so in a child process, as package extract does.
package pdf

import (
	"context"
	"io"

	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

// Options say how to read. The zero value reads with the default limits.
type Options struct {
	// Password opens an encrypted document. One that is not encrypted is read
	// whatever it says.
	Password string
	// CacheDir is where the engine keeps its compiled code; empty for what the
	// environment variable BARTIZAN_PDF_CACHE says, else bartizan/pdf in the
	// user's cache folder. It may be one that cannot be written to, if it was
	// filled before; see [Warm].
	CacheDir string
	// Fill, where it is not nil, is called before the engine is started with a
	// CacheDir that does not hold it, by a process that may not write there.
	Fill func() error
	// Memory bounds what the engine may take for one document, in bytes; 0
	// stands for 512 MiB. It is rounded to WebAssembly pages of 64 KiB.
	Memory int64
	// MaxPages bounds the pages of a document; 0 stands for 5,000.
	MaxPages int
	// MaxFiles bounds what is taken out of the files that a document carries, in
	// bytes; 0 stands for 128 MiB. The engine holds each of them twice.
	MaxFiles int64
}

const (
	defaultMemory   = 512 << 20
	defaultMaxPages = 5000
	defaultMaxFiles = 128 << 20
)

func (o Options) withDefaults() (Options, error) {
	if o.Memory <= 0 {
		o.Memory = defaultMemory
	}
	if o.MaxPages <= 0 {
		o.MaxPages = defaultMaxPages
	}
	if o.MaxFiles <= 0 {
		o.MaxFiles = defaultMaxFiles
	}
	dir, err := CacheDir(o.CacheDir)
	o.CacheDir = dir
	return o, err
}

// Read reads one document. Whoever reads several keeps a [Reader], which saves
// the start of the engine.
//
// The name becomes the document's name. The errors that a caller decides on
// are the variables of this package, to be asked for with errors.Is. A call
// that is under way does not end with ctx.
func Read(ctx context.Context, name string, r io.ReaderAt, size int64, opt Options) (threatmodel.Source, error) {
	reader := NewReader(opt)
	defer reader.Close()
	out, err := reader.Read(ctx, name, r, size, How{Password: opt.Password})
	return out.Source, err
}

// Warm compiles the engine into its cache, so that the first document is read
// as quickly as those after it. Empty stands for the default folder. It takes
// more than 300 MB for some seconds where the cache is empty.
func Warm(cacheDir string) error {
	opt, err := Options{CacheDir: cacheDir}.withDefaults()
	if err != nil {
		return err
	}
	e, err := startEngine(opt)
	if err != nil {
		return err
	}
	return e.pool.Close()
}
