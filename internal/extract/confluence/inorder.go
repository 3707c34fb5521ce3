package confluence

import (
	"context"
	"runtime"
	"sync"

	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

// result is a page that was read, or its error.
type result struct {
	page Page
	err  error
}

// How many pages are read in one go, and how large their bodies may be together,
// in bytes: a page takes so little time that handing it over would take as long.
const (
	batchPages = 16
	batchBytes = 64 << 10
)

// batch is some pages that are read in one go.
type batch struct {
	pages []ref
	files []*pageFiles
}

// pagesInOrder yields the pages in their order, and meanwhile reads those that
// come next, as many as there are processors. It reports false where no more
// are wanted; no goroutine is left when it returns.
func (e *xmlExport) pagesInOrder(ctx context.Context, b *book, pages []ref, yield func(Page, error) bool) bool {
	ahead := runtime.GOMAXPROCS(0) + 1
	arenas := make(chan *arena, ahead)
	for range ahead {
		arenas <- &arena{}
	}
	spare := &blockStore{}
	var running []chan []result
	start := func() {
		if len(pages) == 0 {
			return
		}
		var next batch
		next, pages = e.nextBatch(pages)
		to := make(chan []result, 1)
		running = append(running, to)
		go func() {
			a := <-arenas
			to <- e.readBatch(b, next, a, spare)
			arenas <- a
		}()
	}
	for range ahead {
		start()
	}
	for len(running) > 0 {
		results := <-running[0]
		running = running[1:]
		if ctx.Err() == nil {
			start()
		}
		for _, r := range results {
			if ctx.Err() != nil || !yield(r.page, r.err) {
				for _, c := range running {
					<-c
				}
				return ctx.Err() != nil
			}
			if e.opt.Reuse {
				spare.put(r.page.Source.Blocks)
			}
		}
	}
	return true
}

// nextBatch takes the first of the pages.
func (e *xmlExport) nextBatch(pages []ref) (batch, []ref) {
	n, size := 0, int64(0)
	for n < len(pages) && n < batchPages && size < batchBytes {
		size += int64(e.pages.page(pages[n]).body.size)
		n++
	}
	next := batch{pages: pages[:n]}
	for _, r := range next.pages {
		next.files = append(next.files, e.filesOf(e.pages.page(r)))
	}
	return next, pages[n:]
}

func (e *xmlExport) readBatch(b *book, next batch, a *arena, spare *blockStore) []result {
	results := make([]result, len(next.pages))
	for i, r := range next.pages {
		a.blocks = spare.take()
		results[i].page, results[i].err = e.read(b, e.pages.page(r), next.files[i], a)
		a.reset()
	}
	return results
}

// blockStore holds the blocks of pages that were used, for others.
type blockStore struct {
	mu   sync.Mutex
	free [][]threatmodel.Block
}

// mostBlocks is how many blocks of a page are worth keeping.
const mostBlocks = 1000

func (s *blockStore) put(blocks []threatmodel.Block) {
	if cap(blocks) == 0 || cap(blocks) > mostBlocks {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.free) < 4*batchPages {
		s.free = append(s.free, blocks)
	}
}

func (s *blockStore) take() []threatmodel.Block {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := len(s.free)
	if n == 0 {
		return nil
	}
	blocks := s.free[n-1]
	s.free = s.free[:n-1]
	return blocks
}

// maxDrawing is the size of the largest drawing that is read, in bytes, and
// maxDrawings how many a page may show.
const (
	maxDrawing  = 8 << 20
	maxDrawings = 50
)

// filesOf are the files of a page; nil where it has none. Drawings are read
// here, in the goroutine that takes the pages.
func (e *xmlExport) filesOf(p *page) *pageFiles {
	all := e.attached[p.id]
	if len(all) == 0 {
		return nil
	}
	f := &pageFiles{all: all, drawings: map[string][]byte{}}
	for _, at := range all {
		if e.opt.Attached == nil || !isDrawing(at) || len(f.drawings) == maxDrawings {
			continue
		}
		if data, err := e.opt.Attached(at.file); err == nil && len(data) <= maxDrawing {
			f.drawings[at.file] = data
		}
	}
	return f
}
