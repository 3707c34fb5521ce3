package pdf

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/klippa-app/go-pdfium"
	"github.com/klippa-app/go-pdfium/webassembly"
	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental"
)

// engine is PDFium. Each document gets an instance of its own, so
// that none finds what another left behind.
type engine struct {
	pool   pdfium.Pool
	memory *memoryWatch
	tap    *tap
	// tired is true once something runs on that should have ended.
	tired bool
}

// startEngine compiles PDFium, or takes it compiled from the cache.
func startEngine(o Options) (*engine, error) {
	if err := checkCacheDir(o.CacheDir); err != nil {
		return nil, err
	}
	if o.Fill != nil && !filled(o.CacheDir) {
		if err := o.Fill(); err != nil {
			return nil, err
		}
	}
	e, err := newEngine(o)
	if o.Fill != nil && errors.Is(err, ErrCache) {
		// The cache may be filled with the code of another version, and this
		// process be one that may not write. Not all errors of the cache tell
		// what they come from.
		if err := o.Fill(); err != nil {
			return nil, err
		}
		e, err = newEngine(o)
	}
	return e, err
}

func newEngine(o Options) (*engine, error) {
	cache, err := wazero.NewCompilationCacheWithDir(o.CacheDir)
	if err != nil {
		return nil, cacheError(o.CacheDir, err)
	}
	pages := max(1, o.Memory/wasmPage)
	watch := &memoryWatch{limit: uint64(pages) * wasmPage}
	tap := &tap{}
	config := wazero.NewRuntimeConfig().
		WithCoreFeatures(api.CoreFeaturesV2 | experimental.CoreFeaturesExceptionHandling).
		WithCompilationCache(cache)
	pool, err := webassembly.Init(webassembly.Config{
		Context: experimental.WithFunctionListenerFactory(experimental.WithMemoryAllocator(context.Background(), watch), tap),
		MaxIdle: 1, MaxTotal: 1,
		// Without these the guest gets the whole file system, and our pipes.
		FSConfig: wazero.NewFSConfig(), Stdout: io.Discard, Stderr: io.Discard,
		RuntimeConfig: config,
	})
	if err != nil {
		if strings.Contains(err.Error(), o.CacheDir) {
			return nil, cacheError(o.CacheDir, err)
		}
		return nil, fmt.Errorf("%w: %w", ErrStart, err)
	}
	return &engine{pool: pool, memory: watch, tap: tap}, nil
}

// read reads a document. After ErrMemory and ErrCrashed the engine must not
// be used again.
func (e *engine) read(req request) (out Result, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = e.fatal(fmt.Errorf("panic: %v", p))
		}
	}()
	if err := looksLikePDF(req); err != nil {
		return out, err
	}
	e.memory.refused = false
	instance, err := e.pool.GetInstance(time.Minute)
	if err != nil {
		return out, e.fatal(err)
	}
	out, err = e.readIn(instance, req)
	if err != nil {
		err = e.fatal(err)
		if errors.Is(err, ErrMemory) || errors.Is(err, ErrCrashed) {
			return out, err
		}
	}
	if out.broken {
		return out, err
	}
	if closing := instance.Close(); closing != nil && err == nil {
		err = e.fatal(closing)
	}
	return out, err
}

func (e *engine) readIn(instance pdfium.Pdfium, req request) (Result, error) {
	d, err := openDocument(instance, e.tap, req)
	if err != nil {
		return Result{}, err
	}
	d.metadata()
	d.outline()
	if !req.how.Alone {
		if err := d.second(req); err != nil {
			e.tired = true
		}
	}
	return d.read(req)
}

// fatal finds the reason of an error of the engine: one of ours, or memory, or
// a crash.
func (e *engine) fatal(err error) error {
	switch {
	case errors.Is(err, ErrNoText):
		return err
	case e.memory.refused:
		return &detailed{ErrMemory, fmt.Sprintf("limit %d MiB", e.memory.limit>>20)}
	case isOurs(err):
		return err
	}
	return &detailed{ErrCrashed, strings.SplitN(err.Error(), "\n", 2)[0]}
}

func isOurs(err error) bool {
	for _, known := range documentErrors {
		if errors.Is(err, known) {
			return true
		}
	}
	return false
}

// wasmPage is the unit of WebAssembly memory, in bytes.
const wasmPage = 64 << 10

// memoryWatch gives the guest its memory, and remembers whether it had to
// refuse some: what the guest then does, be it an error or a crash, has that
// reason.
type memoryWatch struct {
	limit   uint64
	refused bool
}

// Allocate implements experimental.MemoryAllocator.
func (w *memoryWatch) Allocate(_, _ uint64) experimental.LinearMemory {
	return &guestMemory{watch: w}
}

type guestMemory struct {
	watch *memoryWatch
	bytes []byte
}

// Reallocate implements experimental.LinearMemory.
func (m *guestMemory) Reallocate(size uint64) []byte {
	if size > m.watch.limit {
		m.watch.refused = true
		return nil
	}
	if size <= uint64(cap(m.bytes)) {
		m.bytes = m.bytes[:size]
		return m.bytes
	}
	grown := make([]byte, size, min(max(size, uint64(cap(m.bytes))*2), m.watch.limit))
	copy(grown, m.bytes)
	m.bytes = grown
	return m.bytes
}

// Free implements experimental.LinearMemory.
func (m *guestMemory) Free() { m.bytes = nil }

// cacheVariable names the folder for compiled code, as one that an image brings
// along filled.
const cacheVariable = "BARTIZAN_PDF_CACHE"

// CacheDir is the folder for compiled code: the one given, else that of the
// environment, else the user's.
func CacheDir(dir string) (string, error) {
	if dir == "" {
		dir = os.Getenv(cacheVariable)
	}
	if dir != "" {
		abs, err := filepath.Abs(dir)
		if err != nil {
			return "", cacheError(dir, err)
		}
		return abs, nil
	}
	base, err := os.UserCacheDir()
	if err != nil {
		return "", &detailed{ErrCache, fmt.Sprintf("there is no cache folder: %v; name a folder in %s", err, cacheVariable)}
	}
	return filepath.Join(base, "bartizan", "pdf"), nil
}

// checkCacheDir makes the folder. Code that others could have put there is not
// run.
func checkCacheDir(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return cacheError(dir, err)
	}
	info, err := os.Stat(dir)
	if err != nil {
		return cacheError(dir, err)
	}
	if !ours(info) {
		return cacheError(dir, errors.New("it belongs to another user, and holds code that is run"))
	}
	if info.Mode().Perm()&0o022 != 0 {
		return cacheError(dir, fmt.Errorf("others may write to it, and it holds code that is run: chmod 700 %s", dir))
	}
	return nil
}

// filled reports whether a folder seems to hold the compiled engine.
func filled(dir string) bool {
	const least = 1 << 20 // what is smaller is no engine
	files, err := filepath.Glob(filepath.Join(dir, "wazero-*-"+runtime.GOARCH+"-"+runtime.GOOS, "*"))
	return err == nil && slices.ContainsFunc(files, func(name string) bool {
		info, err := os.Stat(name)
		return err == nil && info.Size() > least && filepath.Ext(name) == ""
	})
}

func cacheError(dir string, err error) error {
	return &cacheFault{detailed{ErrCache, fmt.Sprintf("%s: %v; name another in %s, that you may write to or that was filled before", dir, err, cacheVariable)}, err}
}

// cacheFault is ErrCache with its cause.
type cacheFault struct {
	detailed
	cause error
}

// Unwrap gives what it is and why.
func (e *cacheFault) Unwrap() []error { return []error{e.kind, e.cause} }
