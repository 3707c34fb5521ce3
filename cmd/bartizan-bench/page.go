package main

import (
	"context"
	"fmt"
	"io"
	"os/exec"
	"sync"
	"time"

	"github.com/bartizan-security/bartizan/internal/extract"
)

// rounds is how often every document is read to find what a page costs.
const rounds = 5

// cost is what it took to read something.
type cost struct{ wall, cpu time.Duration }

// benchPages prints what a page costs when documents are read one after the
// other: by pdftotext, by one warm process of ours, and by a pool with a
// process for each processor, at most two. The processor time is that of the
// processes that read, and says more than the other on a machine that does
// other work too.
func benchPages(ctx context.Context, out io.Writer, files []string, pages int) error {
	reference, err := costOf(func() error { return pdftotext(ctx, files) })
	if err != nil {
		return err
	}
	print := func(what string, c cost) {
		page := func(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 / float64(rounds*pages) }
		fmt.Fprintf(out, "%-28s %6.2f ms a page (%.2f of pdftotext), %.2f ms of processor time (%.2f)\n", what, page(c.wall),
			float64(c.wall)/float64(reference.wall), page(c.cpu), float64(c.cpu)/float64(max(1, reference.cpu)))
	}
	fmt.Fprintf(out, "\n%d pages, %d times each:\n", pages, rounds)
	print("pdftotext", reference)
	one, err := costOf(func() error { return inPool(ctx, extract.Options{Children: 1}, files) })
	if err != nil {
		return err
	}
	print("one warm process", one)
	pool, err := costOf(func() error { return inPool(ctx, extract.Options{}, files) })
	if err != nil {
		return err
	}
	print("the pool", pool)
	return nil
}

func costOf(work func() error) (cost, error) {
	before, start := childrenCPU(), time.Now()
	err := work()
	return cost{time.Since(start), childrenCPU() - before}, err
}

func pdftotext(ctx context.Context, files []string) error {
	for range rounds {
		for _, f := range files {
			if err := exec.CommandContext(ctx, "pdftotext", f, "-").Run(); err != nil {
				return fmt.Errorf("pdftotext %s: %w", f, err)
			}
		}
	}
	return nil
}

// inPool reads the documents with the processes of one pool, their start
// included.
func inPool(ctx context.Context, opt extract.Options, files []string) error {
	pool := extract.NewPool(opt)
	defer pool.Close()
	work := make(chan string)
	errs := make(chan error, rounds*len(files))
	var wg sync.WaitGroup
	for range pool.Children() {
		wg.Go(func() {
			for f := range work {
				if m := readWith(ctx, pool, f); m.err != nil {
					errs <- m.err
				}
			}
		})
	}
	for range rounds {
		for _, f := range files {
			work <- f
		}
	}
	close(work)
	wg.Wait()
	close(errs)
	return <-errs
}
