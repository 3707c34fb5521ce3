package confluence

import (
	"fmt"
	"io"
	"os"
	"regexp"
	"runtime"
	"testing"
)

// bodies are the pages of a sample, as the export holds them.
func bodies(b *testing.B) [][]byte {
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
	rest          []byte
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
	out := r.page(id, 0)
	for v := range r.versions {
		out = append(out, r.page(id+v+1, id)...)
	}
	return out
}

func (r *exportReader) page(id, original int) []byte {
	r.bodyID++
	of := ""
	if original > 0 {
		of = fmt.Sprintf("<property name=\"originalVersion\" class=\"Page\" package=\"com.atlassian.confluence.pages\"><id name=\"id\">%d</id></property>\n", original)
	}
	out := fmt.Appendf(nil, `<object class="Page" package="com.atlassian.confluence.pages">
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
