package pdf_test

import (
	"bytes"
	"compress/zlib"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"strings"
	"testing"

	"github.com/jung-kurt/gofpdf"
)

// rawPDF puts objects together into a PDF; the first is the catalog. It checks
// nothing, so that what is wrong stays wrong.
func rawPDF(objects ...string) []byte {
	var b bytes.Buffer
	b.WriteString("%PDF-1.7\n")
	offsets := make([]int, len(objects))
	for i, o := range objects {
		offsets[i] = b.Len()
		fmt.Fprintf(&b, "%d 0 obj\n%s\nendobj\n", i+1, o)
	}
	start := b.Len()
	fmt.Fprintf(&b, "xref\n0 %d\n0000000000 65535 f \n", len(objects)+1)
	for _, o := range offsets {
		fmt.Fprintf(&b, "%010d 00000 n \n", o)
	}
	fmt.Fprintf(&b, "trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n", len(objects)+1, start)
	return b.Bytes()
}

// stream is a stream object.
func stream(dict, data string) string {
	return fmt.Sprintf("<< %s /Length %d >>\nstream\n%s\nendstream", dict, len(data), data)
}

// spaces is a compressed stream object that expands to as many megabytes.
func spaces(megabytes int) string {
	var b bytes.Buffer
	w := zlib.NewWriter(&b)
	megabyte := bytes.Repeat([]byte{' '}, 1<<20)
	for range megabytes {
		_, _ = w.Write(megabyte) // a buffer takes it all
	}
	_ = w.Close()
	return stream("/Filter /FlateDecode", b.String())
}

// onePage is a PDF of one page, with the page's content and more entries of its
// dictionary, and objects from number 6 on.
func onePage(content, entries string, more ...string) []byte {
	return rawPDF(append([]string{
		"<< /Type /Catalog /Pages 2 0 R " + catalogEntries(more) + " >>",
		"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
		"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 600 800] /Contents 4 0 R /Resources << /Font << /F 5 0 R >> >> " + entries + " >>",
		stream("", content),
		"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
	}, more...)...)
}

func catalogEntries(more []string) string {
	for _, o := range more {
		if strings.Contains(o, "/Fields") {
			return "/AcroForm 6 0 R"
		}
	}
	return ""
}

// show draws a text at a place, in points from the bottom left.
func show(size, x, y int, text string) string {
	return fmt.Sprintf("BT /F %d Tf 1 0 0 1 %d %d Tm (%s) Tj ET\n", size, x, y, text)
}

// made is a PDF of the library that is used to make one.
func made(t *testing.T, draw func(p *gofpdf.Fpdf)) []byte {
	t.Helper()
	p := gofpdf.New("P", "pt", "A4", "")
	p.SetFont("Helvetica", "", 11)
	draw(p)
	var b bytes.Buffer
	if err := p.Output(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// picture is a page-sized grey image.
func picture(t *testing.T) []byte {
	t.Helper()
	img := image.NewGray(image.Rect(0, 0, 60, 80))
	for i := range img.Pix {
		img.Pix[i] = color.Gray{Y: uint8(i)}.Y
	}
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// scan is a document of pictures; pages that have a text are given.
func scan(t *testing.T, texts ...string) []byte {
	return made(t, func(p *gofpdf.Fpdf) {
		p.RegisterImageOptionsReader("scan", gofpdf.ImageOptions{ImageType: "PNG"}, bytes.NewReader(picture(t)))
		for _, text := range texts {
			p.AddPage()
			if text == "" {
				p.ImageOptions("scan", 0, 0, 595, 842, false, gofpdf.ImageOptions{ImageType: "PNG"}, 0, "")
				continue
			}
			p.Text(60, 100, text)
		}
	})
}
