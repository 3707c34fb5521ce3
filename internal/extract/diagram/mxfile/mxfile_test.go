package mxfile

import (
	"bytes"
	"compress/flate"
	"compress/zlib"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"html"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const sample = `<mxGraphModel dx="1"><root><mxCell id="0"/><mxCell id="1" parent="0"/>` +
	`<mxCell id="a" value="Web &lt;b&gt;app&lt;/b&gt;" style="rounded=1;html=1;ellipse;" vertex="1" parent="1"><mxGeometry x="10" y="20.5" width="100" height="40" as="geometry"/></mxCell>` +
	`<object id="o" label="%name% at 100%" placeholders="1" name="Store"><mxCell style="shape=cylinder3" vertex="1" parent="1"/></object>` +
	`<mxCell id="e" edge="1" source="a" target="o" parent="1"><mxGeometry relative="1" as="geometry"><mxPoint x="1" y="2" as="sourcePoint"/><mxPoint x="9" y="9"/></mxGeometry></mxCell>` +
	`</root></mxGraphModel>`

func deflate(s string) []byte {
	var b bytes.Buffer
	w, _ := flate.NewWriter(&b, flate.BestCompression)
	_, _ = w.Write([]byte(s))
	_ = w.Close()
	return b.Bytes()
}

// escape writes a text as encodeURIComponent does.
func escape(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") }

func packed(name, xml string) string {
	return `<mxfile host="x"><diagram name="` + name + `">` + base64.StdEncoding.EncodeToString(deflate(escape(xml))) + `</diagram></mxfile>`
}

func chunk(kind string, data []byte) []byte {
	var b bytes.Buffer
	_ = binary.Write(&b, binary.BigEndian, uint32(len(data)))
	b.WriteString(kind)
	b.Write(data)
	_ = binary.Write(&b, binary.BigEndian, crc32.ChecksumIEEE(append([]byte(kind), data...)))
	return b.Bytes()
}

func png(kind string, data []byte) []byte {
	return bytes.Join([][]byte{pngMagic, chunk("IHDR", make([]byte, 13)), chunk("tEXt", []byte("Title\x00none")), chunk(kind, data), chunk("IDAT", []byte("x")), chunk("IEND", nil)}, nil)
}

func deflateZlib(s string) []byte {
	var b bytes.Buffer
	w := zlib.NewWriter(&b)
	_, _ = w.Write([]byte(s))
	_ = w.Close()
	return b.Bytes()
}

func TestTheSameDrawingIsReadFromEveryFile(t *testing.T) {
	plain := `<?xml version="1.0"?><!-- x --><mxfile><diagram name="P">` + sample + `</diagram></mxfile>`
	want, err := Read([]byte(plain), Limits{})
	if err != nil || len(want) != 1 || len(want[0].Cells) != 5 {
		t.Fatalf("Read = %+v, %v", want, err)
	}
	for name, data := range map[string][]byte{
		"packed":                       []byte(packed("P", sample)),
		"after a mark of order":        []byte("\xef\xbb\xbf" + plain),
		"escaped in its page":          []byte(`<mxfile><diagram name="P">` + html.EscapeString(sample) + `</diagram></mxfile>`),
		"an SVG":                       []byte(`<?xml version="1.0"?><!DOCTYPE svg PUBLIC "x" "y"><svg xmlns="http://www.w3.org/2000/svg" content="` + html.EscapeString(packed("P", sample)) + `"><g/></svg>`),
		"an SVG, escaped":              []byte(`<svg content="` + escape(plain) + `"/>`),
		"a PNG":                        png("tEXt", []byte("mxfile\x00"+escape(plain))),
		"a PNG, packed":                png("zTXt", append([]byte("mxfile\x00\x00"), deflateZlib(plain)...)),
		"a PNG, packed, old":           png("zTXt", append([]byte("mxfile\x00\x00"), deflate(url.QueryEscape(plain))...)),
		"a PNG, international":         png("iTXt", []byte("mxfile\x00\x00\x00en\x00\x00"+plain)),
		"a PNG, international, packed": png("iTXt", append([]byte("mxfile\x00\x01\x00\x00\x00"), deflateZlib(plain)...)),
	} {
		got, err := Read(data, Limits{})
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if diff := cmp.Diff(want, got, cmp.AllowUnexported(Style{})); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	alone, err := Read([]byte(sample), Limits{})
	if err != nil || len(alone) != 1 || len(alone[0].Cells) != 5 {
		t.Errorf("a model without a file: %+v, %v", alone, err)
	}
}

func TestCellsAreReadAsWritten(t *testing.T) {
	pages, err := Read([]byte(sample), Limits{})
	if err != nil {
		t.Fatal(err)
	}
	a, o, e := pages[0].Cells[2], pages[0].Cells[3], pages[0].Cells[4]
	if a.Label != "Web <b>app</b>" || !a.Vertex || a.X != 10 || a.Y != 20.5 || a.Width != 100 || !a.Style.Is("html") || !a.Style.Has("ellipse") {
		t.Errorf("the shape is %+v", a)
	}
	if o.ID != "o" || o.Label != "Store at 100%" || o.Style.Get("shape") != "cylinder3" || o.Attributes["name"] != "Store" {
		t.Errorf("the object is %+v", o)
	}
	if !e.Edge || e.Source != "a" || e.Target != "o" || e.Start == nil || *e.Start != (Point{1, 2}) || e.End != nil {
		t.Errorf("the arrow is %+v", e)
	}
}

func TestWhatIsADrawing(t *testing.T) {
	for content, want := range map[string]bool{
		`<mxfile host="x">`: true, `<?xml version="1.0"?>` + "\n<mxGraphModel><root/></mxGraphModel>": true, "  <!-- c --><mxfile/>": true,
		`<mxfile a="` + strings.Repeat("x", 5000): true,
		`<html><mxfile/></html>`:                  false, `text <mxfile/>`: false, "": false, `<mxlibrary>[]</mxlibrary>`: false, "\x89PNG": false,
	} {
		if got := Is([]byte(content)); got != want {
			t.Errorf("Is(%.40q) = %v", content, got)
		}
	}
	for content, want := range map[string]bool{
		`<svg content="&lt;mxfile/&gt;"/>`: true, `<svg width="1"/>`: false, `<svg content="hello"/>`: false, `<g><svg content="&lt;mxfile/&gt;"/></g>`: false,
	} {
		if got := IsSVG([]byte(content)); got != want {
			t.Errorf("IsSVG(%q) = %v", content, got)
		}
	}
	for want, data := range map[bool][]byte{true: png("tEXt", []byte("mxfile\x00x")), false: png("tEXt", []byte("mxfiles\x00x"))} {
		if got := HasPNG(bytes.NewReader(data), int64(len(data))); got != want {
			t.Errorf("HasPNG(%q) = %v", data, got)
		}
	}
	if _, err := Read(png("tEXt", []byte("other\x00x")), Limits{}); !errors.Is(err, ErrNotDrawing) {
		t.Errorf("a PNG without a drawing: %v", err)
	}
	if _, err := Read([]byte("<svg/>"), Limits{}); !errors.Is(err, ErrNotDrawing) {
		t.Errorf("an SVG without a drawing: %v", err)
	}
}

func TestLimitsHold(t *testing.T) {
	bomb := `<mxfile><diagram>` + base64.StdEncoding.EncodeToString(deflate(strings.Repeat(" ", 8<<20))) + `</diagram></mxfile>`
	cells := `<mxGraphModel><root>` + strings.Repeat(`<mxCell/>`, 11) + `</root></mxGraphModel>`
	for name, tt := range map[string]struct {
		data   []byte
		limits Limits
	}{
		"a page that unpacks to much":    {[]byte(bomb), Limits{Bytes: 1 << 20}},
		"many cells":                     {[]byte(cells), Limits{Cells: 10}},
		"many pages":                     {[]byte(`<mxfile>` + strings.Repeat(`<diagram/>`, 4) + `</mxfile>`), Limits{Pages: 3}},
		"deep nesting":                   {[]byte(`<mxfile>` + strings.Repeat(`<diagram>`, 1) + strings.Repeat(`<x>`, 200)), Limits{}},
		"a picture that unpacks to much": {png("zTXt", append([]byte("mxfile\x00\x00"), deflateZlib(strings.Repeat(" ", 8<<20))...)), Limits{Bytes: 1 << 20}},
		"a long file":                    {[]byte("<mxfile>" + strings.Repeat(" ", 2000)), Limits{Bytes: 1000}},
	} {
		if _, err := Read(tt.data, tt.limits); !IsLimit(err) {
			t.Errorf("%s: %v, want an error that names the limit", name, err)
		}
	}
}

func TestOfABrokenDrawingThePagesBeforeAreKept(t *testing.T) {
	good := strings.TrimSuffix(packed("One", sample), "</mxfile>")
	for name, tail := range map[string]string{
		"no base64":  `<diagram name="Two">???</diagram></mxfile>`,
		"no deflate": `<diagram name="Two">AAAA</diagram></mxfile>`,
		"no XML":     `<diagram name="Two"><mxGraphModel><root><mxCell id="x"/><mxCell <<`,
	} {
		pages, err := Read([]byte(good+tail), Limits{})
		if err == nil || len(pages) != 2 || len(pages[0].Cells) != 5 {
			t.Errorf("%s: %d pages, %v: want an error, and the first page", name, len(pages), err)
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add([]byte(sample))
	f.Add([]byte(packed("P", sample)))
	f.Add([]byte(`<svg content="` + html.EscapeString(packed("P", sample)) + `"/>`))
	f.Add(png("tEXt", []byte("mxfile\x00"+escape(sample))))
	f.Add(png("zTXt", append([]byte("mxfile\x00\x00"), deflateZlib(sample)...)))
	f.Add(png("iTXt", []byte("mxfile\x00\x00\x00\x00\x00"+sample)))
	f.Fuzz(func(t *testing.T, data []byte) {
		limits := Limits{Bytes: 1 << 20, Cells: 1000, Pages: 20}
		pages, err := Read(data, limits)
		cells := 0
		for _, p := range pages {
			cells += len(p.Cells)
		}
		if cells > limits.Cells || len(pages) > limits.Pages {
			t.Fatalf("%d cells on %d pages, with the error %v", cells, len(pages), err)
		}
		if err == nil && len(pages) == 0 {
			t.Fatal("neither pages nor an error")
		}
	})
}
