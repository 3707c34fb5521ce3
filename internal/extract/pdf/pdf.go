// Package pdf reads PDF documents into text and blocks.
//
// The PDF engine (PDFium as WebAssembly) and the analysis of the layout run in
// a child process: the same program, started again. A document made to do
// harm can end that child, fill its memory up to a limit or keep it busy
// until a time-out; it cannot do so to the program that reads it, and the
// child knows none of its secrets. A program that uses this package calls
// [RunChildIfAsked] at the very start of main; a test binary does so in
// TestMain.
//
//	func main() {
//		pdf.RunChildIfAsked()
//		...
//		src, err := pdf.Read(ctx, "design.pdf", file, size, pdf.Options{})
//	}
package pdf

import (
	"context"
	"io"
	"time"

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
	// Timeout bounds the reading of one document, the compilation of the
	// engine aside; 0 stands for two minutes.
	Timeout time.Duration
	// Memory bounds what the engine may take for one document, in bytes; 0
	// stands for 512 MiB. It is rounded to WebAssembly pages of 64 KiB.
	Memory int64
	// MaxPages bounds the pages of a document; 0 stands for 5,000.
	MaxPages int
}

const (
	defaultTimeout  = 2 * time.Minute
	defaultMemory   = 512 << 20
	defaultMaxPages = 5000
	// startTimeout bounds the start of a child, with a cold cache on a slow
	// machine.
	startTimeout = 2 * time.Minute
)

func (o Options) withDefaults() (Options, error) {
	if o.Timeout <= 0 {
		o.Timeout = defaultTimeout
	}
	if o.Memory <= 0 {
		o.Memory = defaultMemory
	}
	if o.MaxPages <= 0 {
		o.MaxPages = defaultMaxPages
	}
	dir, err := cacheDir(o.CacheDir)
	o.CacheDir = dir
	return o, err
}

// Read reads one document in a child process of its own. Whoever reads
// several keeps a [Reader], which saves the start of the child.
//
// The name becomes the document's name. The errors that a caller decides on
// are the variables of this package, to be asked for with errors.Is. Where
// ctx ends, the child is ended and the error is that of ctx.
func Read(ctx context.Context, name string, r io.ReaderAt, size int64, opt Options) (threatmodel.Source, error) {
	reader := NewReader(opt)
	defer reader.Close()
	return reader.Read(ctx, name, r, size, opt.Password)
}

// Warm compiles the engine into its cache, so that the first document is read
// as quickly as those after it. Empty stands for the default folder.
func Warm(ctx context.Context, cacheDir string) error {
	opt, err := Options{CacheDir: cacheDir}.withDefaults()
	if err != nil {
		return err
	}
	c, err := startChild(ctx, opt)
	if err != nil {
		return err
	}
	c.end()
	return nil
}
