package confluence

import (
	"fmt"
	"io"
	"os"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"testing"
)

// bodies are the pages of a sample, as the export holds them.
func bodies(b testing.TB) [][]byte {
	b.Helper()
	data, err := os.ReadFile("../../../testdata/designs/forge/source/entities.xml")
	if err != nil {
		b.Fatal(err)
	}
	var all [][]byte
	for _, m := range regexp.MustCompile(`(?s)<property name="body">(<!\[CDATA\[.*?\]\]>)</property>`).FindAllSubmatch(data, -1) {
		all = append(all, m[1])
	}
	return all
}

// exportReader makes an export of at least size bytes as it is read, so that
// it is never held. Each page has the given number of older versions.
type exportReader struct {
	bodies        [][]byte
	size          int64
	versions      int
	made          int64
	pages, bodyID int
	rest, buf     []byte
	done          bool
}

// Read implements io.Reader.
func (r *exportReader) Read(p []byte) (int, error) {
	for len(r.rest) == 0 {
		if r.done {
			return 0, io.EOF
		}
		r.rest = r.next()
		r.made += int64(len(r.rest))
	}
	n := copy(p, r.rest)
	r.rest = r.rest[n:]
	return n, nil
}

func (r *exportReader) next() []byte {
	switch {
	case r.made == 0:
		return []byte("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<hibernate-generic datetime=\"2025-05-22 07:30:11\">\n")
	case r.made >= r.size:
		r.done = true
		return []byte("</hibernate-generic>\n")
	}
	r.pages++
	id := r.pages * 1000
	out := r.page(r.buf[:0], id, 0)
	for v := range r.versions {
		out = r.page(out, id+v+1, id)
	}
	r.buf = out
	return out
}

func (r *exportReader) page(out []byte, id, original int) []byte {
	r.bodyID++
	of := ""
	if original > 0 {
		of = fmt.Sprintf("<property name=\"originalVersion\" class=\"Page\" package=\"com.atlassian.confluence.pages\"><id name=\"id\">%d</id></property>\n", original)
	}
	out = fmt.Appendf(out, `<object class="Page" package="com.atlassian.confluence.pages">
<id name="id">%d</id>
<property name="title"><![CDATA[Page %d]]></property>
<property name="contentStatus"><![CDATA[current]]></property>
%s</object>
<object class="BodyContent" package="com.atlassian.confluence.core">
<id name="id">%d</id>
<property name="body">`, id, id, of, 900_000_000+r.bodyID)
	for i := range 3 {
		out = append(out, r.bodies[(r.bodyID+i)%len(r.bodies)]...)
	}
	return fmt.Appendf(out, `</property>
<property name="content" class="Page" package="com.atlassian.confluence.pages"><id name="id">%d</id></property>
<property name="bodyType">2</property>
</object>
`, id)
}

func BenchmarkReadXML(b *testing.B) {
	all := bodies(b)
	for name, versions := range map[string]int{"current pages only": 0, "nine older versions a page": 9} {
		b.Run(name, func(b *testing.B) {
			const size = 64 << 20
			b.SetBytes(size)
			for b.Loop() {
				pages := 0
				var peak uint64
				for _, err := range ReadXML(b.Context(), &exportReader{bodies: all, size: size, versions: versions}, Options{}, nil) {
					if err != nil {
						b.Fatal(err)
					}
					if pages++; pages%500 == 0 {
						peak = max(peak, heap())
					}
				}
				b.ReportMetric(float64(max(peak, heap()))/(1<<20), "heap-MiB")
				b.ReportMetric(float64(pages), "pages")
			}
		})
	}
}

func heap() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapInuse
}

func BenchmarkScanner(b *testing.B) {
	all := bodies(b)
	const size = 64 << 20
	b.SetBytes(size)
	for b.Loop() {
		s := newScanner(&exportReader{bodies: all, size: size})
		for {
			if _, err := s.next(); err != nil {
				if err != io.EOF {
					b.Fatal(err)
				}
				break
			}
		}
	}
}

// BenchmarkLargeExport reads an export of many pages, 256 MiB of it, or as many
// MiB as BARTIZAN_BENCH_MIB says, and tells the largest memory of the process.
func BenchmarkLargeExport(b *testing.B) {
	all := bodies(b)
	size := int64(256 << 20)
	if n, err := strconv.ParseInt(os.Getenv("BARTIZAN_BENCH_MIB"), 10, 64); err == nil {
		size = n << 20
	}
	b.SetBytes(size)
	for b.Loop() {
		pages := 0
		for _, err := range ReadXML(b.Context(), &exportReader{bodies: all, size: size}, Options{}, nil) {
			if err != nil {
				b.Fatal(err)
			}
			pages++
		}
		b.ReportMetric(float64(pages), "pages")
	}
	b.ReportMetric(peakMemory(), "peak-MiB")
}

// peakMemory is the largest memory that the process has had, in MiB; 0 where
// the system does not tell.
func peakMemory() float64 {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(status), "VmHWM:")
	fields := strings.Fields(rest)
	if len(fields) == 0 {
		return 0
	}
	kib, _ := strconv.ParseFloat(fields[0], 64)
	return kib / 1024
}
