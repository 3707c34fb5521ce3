package extract_test

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"strings"
	"testing"

	"github.com/bartizan-security/bartizan/internal/extract"
)

// packed is a text as the members of a zip file hold it.
type packed struct {
	data []byte
	sum  uint32
	size int
}

func pack(t *testing.T, text string) packed {
	t.Helper()
	var b bytes.Buffer
	w, err := flate.NewWriter(&b, flate.BestSpeed)
	if err == nil {
		_, err = w.Write([]byte(text))
	}
	if err := errors.Join(err, w.Close()); err != nil {
		t.Fatal(err)
	}
	return packed{b.Bytes(), crc32.ChecksumIEEE([]byte(text)), len(text)}
}

// sizes appends the sum and sizes that headers hold.
func (p packed) sizes(b []byte) []byte {
	le := binary.LittleEndian
	return le.AppendUint32(le.AppendUint32(le.AppendUint32(b, p.sum), uint32(len(p.data))), uint32(p.size))
}

// local is the header that stands before the bytes of a member.
func (p packed) local(name string) []byte {
	b := p.sizes([]byte("PK\x03\x04\x14\x00\x00\x00\x08\x00\x00\x00\x00\x00"))
	return append(binary.LittleEndian.AppendUint32(b, uint32(len(name))), name...)
}

// entry is a member as the directory lists it.
func (p packed) entry(name string, offset int) []byte {
	b := p.sizes([]byte("PK\x01\x02\x14\x00\x14\x00\x00\x00\x08\x00\x00\x00\x00\x00"))
	b = append(binary.LittleEndian.AppendUint16(b, uint16(len(name))), make([]byte, 12)...)
	return append(binary.LittleEndian.AppendUint32(b, uint32(offset)), name...)
}

// archive is a zip file of the given content and directory.
func archive(content []byte, entries ...[]byte) []byte {
	le := binary.LittleEndian
	directory := bytes.Join(entries, nil)
	b := append(bytes.Clone(content), directory...)
	b = le.AppendUint16(le.AppendUint16(append(b, "PK\x05\x06\x00\x00\x00\x00"...), uint16(len(entries))), uint16(len(entries)))
	return append(le.AppendUint32(le.AppendUint32(b, uint32(len(directory))), uint32(len(content))), 0, 0)
}

// overlapping is a zip file whose directory names the same bytes many times.
func overlapping(t *testing.T, text string, times int, names ...string) []byte {
	p := pack(t, text)
	var entries [][]byte
	for i := range times {
		name := fmt.Sprintf("%02d.md", i)
		if i < len(names) {
			name = names[i]
		}
		entries = append(entries, p.entry(name, 0))
	}
	return archive(append(p.local("0.md"), p.data...), entries...)
}

// quoting is a zip file in which the bytes of each member begin with the header
// of the next, as text that is stored: each member has a header of its own, and
// all share the bytes of the last.
func quoting(t *testing.T, text string, times int) []byte {
	m := pack(t, text)
	header := m.local("last.md")
	content, sum := append(bytes.Clone(header), m.data...), []byte(text)
	type listed struct {
		packed
		name    string
		fromEnd int
	}
	members := []listed{{m, "last.md", len(content)}}
	for i := 1; i < times; i++ {
		length := uint16(len(header))
		block := binary.LittleEndian.AppendUint16(binary.LittleEndian.AppendUint16([]byte{0}, length), ^length)
		sum = append(bytes.Clone(header), sum...)
		m = packed{append(block, content...), crc32.ChecksumIEEE(sum), len(sum)}
		name := fmt.Sprintf("%02d.md", i)
		header = m.local(name)
		content = append(bytes.Clone(header), m.data...)
		members = append(members, listed{m, name, len(content)})
	}
	var entries [][]byte
	for _, m := range members {
		entries = append(entries, m.entry(m.name, len(content)-m.fromEnd))
	}
	return archive(content, entries...)
}

// The bombs are whole archives: without a look at where their members lie, all
// of them unpack.
func TestTheOverlappingArchivesAreArchives(t *testing.T) {
	const text = "A text that is there once. "
	for name, data := range map[string][]byte{"the same bytes": overlapping(t, text, 9), "within": quoting(t, text, 9)} {
		zr, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range zr.File {
			r, err := f.Open()
			if err != nil {
				t.Fatal(err)
			}
			if got, err := io.ReadAll(r); err != nil || !strings.HasSuffix(string(got), text) {
				t.Errorf("%s: %s: %.40q, error %v", name, f.Name, got, err)
			}
		}
		if len(zr.File) != 9 {
			t.Errorf("%s: %d members", name, len(zr.File))
		}
	}
}

// Archives as programs write them do not overlap: with sizes behind the bytes of
// a member and with padding.
func TestMembersThatOnlyTouchAreRead(t *testing.T) {
	plain := zipOf(t, member{"a.md", "# A"}, member{"b.md", ""}, member{"c.md", "# C"})
	var padded bytes.Buffer
	w := zip.NewWriter(&padded)
	for _, name := range []string{"a.md", "c.md"} {
		f, err := w.CreateRaw(&zip.FileHeader{Name: name, CompressedSize64: 3, UncompressedSize64: 3, CRC32: crc32.ChecksumIEEE([]byte("# A")), Extra: bytes.Repeat([]byte{0xfe, 0xca, 4, 0, 0, 0, 0, 0}, 100)})
		if err == nil {
			_, err = io.WriteString(f, "# A")
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string][]byte{"sizes behind the bytes": plain, "padding": padded.Bytes()} {
		r := readBytes(t, "m.zip", data, extract.Options{})
		if len(r.errors) > 0 && r.errors[0].Kind == extract.KindUnsafe || len(r.docs) != 2 {
			t.Errorf("%s: documents %v, errors %s", name, r.names(), r.messages())
		}
	}
}
