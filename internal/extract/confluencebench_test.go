package extract_test

import (
	"archive/zip"
	"bufio"
	"errors"
	"fmt"
	"io"
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
	size := int64(64 << 20)
	if n, err := strconv.ParseInt(os.Getenv("BARTIZAN_BENCH_MIB"), 10, 64); err == nil {
		size = n << 20
	}
	file := filepath.Join(b.TempDir(), "space.zip")
	if err := writeExport(file, size); err != nil {
		b.Fatal(err)
	}
	b.SetBytes(size)
	pages := 0
	for b.Loop() {
		pages = 0
		opt := extract.Options{Limits: extract.Limits{Expanded: 4 << 30}}
		for _, err := range extract.ReadPaths(b.Context(), []string{file}, opt) {
			if err != nil {
				b.Fatal(err)
			}
			pages++
		}
	}
	b.ReportMetric(float64(pages), "pages")
	b.ReportMetric(peakOf("/proc/self/status"), "peak-MiB")
	b.ReportMetric(childrenPeak(), "child-peak-MiB")
}

// writeExport writes a zipped export whose entities.xml has about the given
// size, of pages as those of a sample.
func writeExport(file string, size int64) (err error) {
	sample, err := os.ReadFile(samples + "forge/source/entities.xml")
	if err != nil {
		return err
	}
	bodies := regexp.MustCompile(`(?s)<property name="body">(<!\[CDATA\[.*?\]\]>)</property>`).FindAllSubmatch(sample, -1)
	f, err := os.Create(file)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	z := zip.NewWriter(f)
	m, err := z.Create("entities.xml")
	if err != nil {
		return err
	}
	w := bufio.NewWriterSize(m, 1<<20)
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
	return errors.Join(err, w.Flush(), z.Close())
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
