package main

import (
	"context"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"github.com/bartizan-security/bartizan/internal/extract"
)

// measured is how one program read one document.
type measured struct {
	words []string
	took  time.Duration
	err   error
}

// benchExtract reads every PDF of a folder with Bartizan, mutool and
// pdftotext, and prints how far the first two agree with the last in words and
// in pairs of words, and how long each took. Times are those of one run each;
// run it twice.
func benchExtract(ctx context.Context, out io.Writer, dir string) error {
	files, err := filepath.Glob(filepath.Join(dir, "*.pdf"))
	if err != nil || len(files) == 0 {
		return fmt.Errorf("find PDFs in %s: there are none (%w)", dir, err)
	}
	if err := extract.WarmPDF(ctx, ""); err != nil {
		return fmt.Errorf("compile the PDF engine: %w", err)
	}
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "document\twords\tF1\tpairs F1\tms\tmutool F1\tmutool pairs\tmutool ms\tpdftotext ms\t")
	var ours, theirs []float64
	var failed []string
	for _, file := range files {
		reference := external(ctx, "pdftotext", file, "-")
		if reference.err != nil {
			failed = append(failed, fmt.Sprintf("%s: pdftotext: %v", file, reference.err))
			continue
		}
		own, other := bartizan(ctx, file), external(ctx, "mutool", "draw", "-q", "-F", "text", file)
		a, b := f1(own.words, reference.words), f1(other.words, reference.words)
		ours, theirs = append(ours, a), append(theirs, b)
		fmt.Fprintf(t, "%s\t%d\t%.3f\t%.3f\t%d\t%.3f\t%.3f\t%d\t%d\t\n", filepath.Base(file), len(reference.words),
			a, f1(pairs(own.words), pairs(reference.words)), own.took.Milliseconds(),
			b, f1(pairs(other.words), pairs(reference.words)), other.took.Milliseconds(), reference.took.Milliseconds())
		if own.err != nil {
			failed = append(failed, own.err.Error())
		}
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
	_, err = fmt.Fprintf(out, "\nF1: median %.3f, mean %.3f; mutool: median %.3f, mean %.3f\n", median(ours), mean(ours), median(theirs), mean(theirs))
	return err
}

// bartizan reads a document as the command line does: with a child process
// of its own.
func bartizan(ctx context.Context, file string) measured {
	start := time.Now()
	var m measured
	var text strings.Builder
	for doc, err := range extract.ReadPaths(ctx, []string{file}, extract.Options{}) {
		if err != nil {
			m.err = err
			continue
		}
		text.WriteString(doc.Body)
	}
	m.took = time.Since(start)
	m.words = tokens(text.String())
	return m
}

// external runs a program that prints text.
func external(ctx context.Context, name string, args ...string) measured {
	start := time.Now()
	out, err := exec.CommandContext(ctx, name, args...).Output()
	m := measured{took: time.Since(start), err: err}
	m.words = tokens(string(out))
	return m
}

// tokens are the words of a text, in the form in which they are compared:
// compatibility characters such as ligatures spelled out, no marks.
func tokens(s string) []string {
	s = norm.NFKC.String(s)
	return strings.FieldsFunc(strings.ToLower(s), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
}

// pairs are the pairs of successive words: they agree where the order does.
func pairs(words []string) []string {
	var out []string
	for i := 1; i < len(words); i++ {
		out = append(out, words[i-1]+" "+words[i])
	}
	return out
}

// f1 is the harmonic mean of precision and recall of two bags of words.
func f1(got, want []string) float64 {
	if len(got)+len(want) == 0 {
		return 1
	}
	count := map[string]int{}
	for _, w := range want {
		count[w]++
	}
	same := 0
	for _, w := range got {
		if count[w] > 0 {
			count[w]--
			same++
		}
	}
	return 2 * float64(same) / float64(len(got)+len(want))
}

func median(v []float64) float64 {
	s := slices.Sorted(slices.Values(v))
	if n := len(s); n%2 == 0 {
		return (s[n/2-1] + s[n/2]) / 2
	}
	return s[len(s)/2]
}

func mean(v []float64) float64 {
	sum := 0.0
	for _, x := range v {
		sum += x
	}
	return sum / float64(len(v))
}
