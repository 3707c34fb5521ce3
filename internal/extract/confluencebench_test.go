package extract_test

import (
	"archive/zip"
	"bufio"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/bartizan-security/bartizan/internal/extract"
)

// BenchmarkSpaceExport reads a zipped space export of 64 MiB, or as many as
// BARTIZAN_BENCH_MIB says, all of it current pages, and tells the most memory
// that this process and the one that reads have had.
func BenchmarkSpaceExport(b *testing.B) {
	file, size := benchmarkFile(b, "space.zip", func(w io.Writer, size int64) error {
		z := zip.NewWriter(w)
		m, err := z.Create("entities.xml")
		if err != nil {
			return err
		}
		return errors.Join(writeEntities(m, size), z.Close())
	})
	b.SetBytes(size)
	pages := 0
	for b.Loop() {
		pages = countPages(b, extract.ReadPaths(b.Context(), []string{file}, extract.Options{Limits: wide}))
	}
	b.ReportMetric(float64(pages), "pages")
	b.ReportMetric(peakOf("/proc/self/status"), "peak-MiB")
	b.ReportMetric(childrenPeak(), "child-peak-MiB")
}

// BenchmarkEntitiesFile reads the XML of such an export as it is, so that as
// much comes to the process that reads as it reads: as an open file, and where
// that cannot be, piece by piece.
func BenchmarkEntitiesFile(b *testing.B) {
	file, _ := benchmarkFile(b, "entities.xml", writeEntities)
	f, err := os.Open(file)
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		b.Fatal(err)
	}
	size := info.Size()
	for name, r := range map[string]io.ReaderAt{"an open file": f, "in pieces": struct{ io.ReaderAt }{f}} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(size)
			for b.Loop() {
				countPages(b, extract.Read(b.Context(), "entities.xml", r, size, extract.Options{Limits: wide}))
			}
		})
	}
}

// wide are limits that no benchmark reaches.
var wide = extract.Limits{Bytes: 4 << 30, Expanded: 4 << 30}

func countPages(b *testing.B, docs iter.Seq2[extract.Document, error]) int {
	pages := 0
	for _, err := range docs {
		if err != nil {
			b.Fatal(err)
		}
		pages++
	}
	return pages
}

// benchmarkFile writes a file that holds an export, and returns about how many
// bytes of XML are in it.
func benchmarkFile(b *testing.B, name string, write func(w io.Writer, size int64) error) (string, int64) {
	size := int64(64 << 20)
	if n, err := strconv.ParseInt(os.Getenv("BARTIZAN_BENCH_MIB"), 10, 64); err == nil {
		size = n << 20
	}
	f, err := os.Create(filepath.Join(b.TempDir(), name))
	if err != nil {
		b.Fatal(err)
	}
	if err := errors.Join(write(f, size), f.Close()); err != nil {
		b.Fatal(err)
	}
	return f.Name(), size
}

// writeEntities writes an entities.xml of about the given size, of pages as
// those of a sample.
func writeEntities(to io.Writer, size int64) error {
	sample, err := os.ReadFile(samples + "forge/source/entities.xml")
	if err != nil {
		return err
	}
	bodies := regexp.MustCompile(`(?s)<property name="body">(<!\[CDATA\[.*?\]\]>)</property>`).FindAllSubmatch(sample, -1)
	w := bufio.NewWriterSize(to, 1<<20)
	written := int64(0)
	put := func(format string, args ...any) {
		n, bad := fmt.Fprintf(w, format, args...)
		written += int64(n)
		err = errors.Join(err, bad)
	}
	put("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<hibernate-generic datetime=\"2025-05-22 07:30:11\">\n")
	for id := 1000; written < size && err == nil; id++ {
		put("<object class=\"Page\" package=\"com.atlassian.confluence.pages\">\n<id name=\"id\">%d</id>\n<property name=\"title\"><![CDATA[Page %d]]></property>\n"+
			"<property name=\"contentStatus\"><![CDATA[current]]></property>\n</object>\n<object class=\"BodyContent\" package=\"com.atlassian.confluence.core\">\n<id name=\"id\">%d</id>\n<property name=\"body\">", id, id, 900_000_000+id)
		for i := range 3 {
			put("%s", bodies[(id+i)%len(bodies)][1])
		}
		put("</property>\n<property name=\"content\" class=\"Page\" package=\"com.atlassian.confluence.pages\"><id name=\"id\">%d</id></property>\n<property name=\"bodyType\">2</property>\n</object>\n", id)
	}
	put("</hibernate-generic>\n")
	return errors.Join(err, w.Flush())
}

// peakOf is the most memory that a process has had, in MiB; 0 where the system
// does not tell.
func peakOf(status string) float64 {
	f, err := os.Open(status)
	if err != nil {
		return 0
	}
	defer f.Close()
	text, err := io.ReadAll(f)
	_, rest, ok := strings.Cut(string(text), "VmHWM:")
	if err != nil || !ok {
		return 0
	}
	kib, _ := strconv.ParseFloat(strings.Fields(rest)[0], 64)
	return kib / 1024
}
