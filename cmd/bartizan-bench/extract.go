package main

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/bartizan-security/bartizan/internal/extract"
)

// measured is how one program read one document.
type measured struct {
	text  string
	words []string // of text, once it is compared
	pages int
	took  time.Duration
	// peak is the most memory that it had, in bytes; 0 where it is not known.
	peak int64
	err  error
}

// benchExtract reads every PDF of a folder with Bartizan, mutool and
// pdftotext, and prints how far the first two agree with the last in words and
// in pairs of words, how many words of pdftotext's are glued or split, how long each took and how much memory. Times are those of
// one run each, with a process that was started for the document and with one
// that was warm; then it prints what a page costs in the long run.
func benchExtract(ctx context.Context, out io.Writer, dir string) error {
	files, err := filepath.Glob(filepath.Join(dir, "*.pdf"))
	if err != nil || len(files) == 0 {
		return fmt.Errorf("find PDFs in %s: there are none (%w)", dir, err)
	}
	if err := extract.WarmPDF(ctx, ""); err != nil {
		return fmt.Errorf("compile the PDF engine: %w", err)
	}
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "document\tpages\twords\tF1\tpairs F1\tglued\tsplit\tfresh ms\twarm ms\tMiB\tmutool F1\tmutool pairs\tglued\tsplit\tmutool ms\tMiB\tpdftotext ms\tMiB\t")
	var ours, theirs []float64
	var read, failed []string
	pages := 0
	for _, file := range files {
		reference := external(ctx, "pdftotext", file, "-")
		if reference.err != nil {
			failed = append(failed, fmt.Sprintf("%s: pdftotext: %v", file, reference.err))
			continue
		}
		fresh, warm := bartizan(ctx, file)
		other := external(ctx, "mutool", "draw", "-q", "-F", "text", file)
		a, b := f1(fresh.words, reference.words), f1(other.words, reference.words)
		ours, theirs = append(ours, a), append(theirs, b)
		glued, split := mended(fresh.words, reference.words)
		otherGlued, otherSplit := mended(other.words, reference.words)
		fmt.Fprintf(t, "%s\t%d\t%d\t%.3f\t%.3f\t%d\t%d\t%d\t%d\t%s\t%.3f\t%.3f\t%d\t%d\t%d\t%s\t%d\t%s\t\n", filepath.Base(file), fresh.pages, len(reference.words),
			a, f1(pairs(fresh.words), pairs(reference.words)), glued, split, fresh.took.Milliseconds(), warm.took.Milliseconds(), mebibytes(warm.peak),
			b, f1(pairs(other.words), pairs(reference.words)), otherGlued, otherSplit, other.took.Milliseconds(), mebibytes(other.peak),
			reference.took.Milliseconds(), mebibytes(reference.peak))
		if fresh.err != nil {
			failed = append(failed, fresh.err.Error())
			continue
		}
		read, pages = append(read, file), pages+fresh.pages
	}
	if err := t.Flush(); err != nil {
		return fmt.Errorf("write the table: %w", err)
	}
	for _, f := range failed {
		fmt.Fprintln(out, f)
	}
	if len(ours) == 0 {
		return nil
	}
	fmt.Fprintf(out, "\nF1: median %.3f, mean %.3f; mutool: median %.3f, mean %.3f\n", median(ours), mean(ours), median(theirs), mean(theirs))
	return benchPages(ctx, out, read, pages)
}

func mebibytes(n int64) string {
	if n == 0 {
		return "-"
	}
	return fmt.Sprint(n >> 20)
}

// bartizan reads a document with a child process that is started for it, as the
// command line does, and again with the same.
func bartizan(ctx context.Context, file string) (fresh, warm measured) {
	start := time.Now()
	pool := extract.NewPool(extract.Options{Children: 1})
	defer pool.Close()
	fresh = readWith(ctx, pool, file)
	fresh.took = time.Since(start)
	fresh.words = tokens(fresh.text)
	warm = readWith(ctx, pool, file)
	warm.peak = pool.PeakMemory()
	return fresh, warm
}

// readWith reads a document with the processes of a pool.
func readWith(ctx context.Context, pool *extract.Pool, file string) measured {
	start := time.Now()
	var m measured
	var text strings.Builder
	for doc, err := range extract.ReadPaths(ctx, []string{file}, extract.Options{Pool: pool}) {
		if err != nil {
			m.err = err
			continue
		}
		text.WriteString(doc.Body)
		if doc.Pages != nil {
			m.pages += *doc.Pages
		}
	}
	m.took = time.Since(start)
	m.text = text.String()
	return m
}
