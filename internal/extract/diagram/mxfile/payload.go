package mxfile

import (
	"bytes"
	"compress/flate"
	"compress/zlib"
	"encoding/base64"
	"encoding/binary"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strings"
)

var pngMagic = []byte("\x89PNG\r\n\x1a\n")

// Is reports whether a file, of which the beginning or all is given, is a
// drawing as XML: not a picture that holds one.
func Is(head []byte) bool {
	root := rootElement(head)
	return root == "mxfile" || root == "mxGraphModel"
}

// IsSVG reports whether an SVG picture holds the drawing that it shows.
func IsSVG(data []byte) bool {
	if rootElement(data) != "svg" {
		return false
	}
	content, ok := svgContent(data)
	return ok && Is([]byte(content))
}

// IsPicture reports whether a file, of which the beginning is given, is an SVG
// picture, with or without a drawing in it.
func IsPicture(head []byte) bool { return rootElement(head) == "svg" }

// IsLibrary reports whether a file, of which the beginning is given, is a
// library of shapes.
func IsLibrary(head []byte) bool { return rootElement(head) == "mxlibrary" }

// rootElement is the name of the first element, without reading on.
func rootElement(data []byte) string {
	const most = 64 << 10
	d := newDecoder(bytes.TrimPrefix(data[:min(len(data), most)], []byte("\xef\xbb\xbf")))
	for {
		token, err := d.RawToken()
		if err != nil {
			return partialRoot(data)
		}
		switch t := token.(type) {
		case xml.StartElement:
			return t.Name.Local
		case xml.CharData:
			if len(bytes.TrimSpace(t)) > 0 {
				return ""
			}
		}
	}
}

// partialRoot is the name of an element whose attributes do not end within
// what was given.
func partialRoot(data []byte) string {
	head := data[:min(len(data), 4096)]
	for _, name := range []string{"mxfile", "mxGraphModel", "svg"} {
		i := bytes.Index(head, []byte("<"+name+" "))
		if i >= 0 && !bytes.Contains(head[:i], []byte("<html")) {
			return name
		}
	}
	return ""
}

func newDecoder(data []byte) *xml.Decoder {
	d := xml.NewDecoder(bytes.NewReader(data))
	d.Strict = false
	d.CharsetReader = func(_ string, in io.Reader) (io.Reader, error) { return in, nil }
	return d
}

// payload is the XML of a drawing, out of the picture that holds it.
func payload(data []byte, limit int64) ([]byte, error) {
	switch {
	case bytes.HasPrefix(data, pngMagic):
		return pngPayload(bytes.NewReader(data), int64(len(data)), limit)
	case rootElement(data) == "svg":
		content, ok := svgContent(data)
		if !ok {
			return nil, ErrNotDrawing
		}
		return []byte(content), nil
	}
	if int64(len(data)) > limit {
		return nil, tooMuch("the drawing has more than %d bytes", limit)
	}
	return bytes.TrimPrefix(data, []byte("\xef\xbb\xbf")), nil
}

// svgContent is the drawing in the attribute of an SVG picture.
func svgContent(data []byte) (string, bool) {
	d := newDecoder(bytes.TrimPrefix(data, []byte("\xef\xbb\xbf")))
	for {
		token, err := d.RawToken()
		if err != nil {
			return "", false
		}
		start, ok := token.(xml.StartElement)
		if !ok {
			continue
		}
		for _, a := range start.Attr {
			if a.Name.Local == "content" {
				return unescaped(a.Value), true
			}
		}
		return "", false
	}
}

// unescaped undoes the escapes of an address, where a text is written so.
func unescaped(s string) string {
	if !strings.HasPrefix(strings.TrimSpace(s), "%3C") {
		return s
	}
	if plain, err := url.PathUnescape(s); err == nil {
		return plain
	}
	return s
}

// pngKeywords name the chunks of a PNG picture that hold a drawing.
var pngKeywords = []string{"mxfile", "mxGraphModel"}

// maxChunks bounds how many chunks of a picture are looked at.
const maxChunks = 20_000

// HasPNG reports whether a PNG picture holds the drawing that it shows. It
// reads no more than the heads of its chunks.
func HasPNG(r io.ReaderAt, size int64) bool {
	found := false
	_ = eachText(r, size, func(keyword, kind string, at, length int64) error {
		found = true
		return io.EOF
	})
	return found
}

func pngPayload(r io.ReaderAt, size, limit int64) ([]byte, error) {
	var content []byte
	err := eachText(r, size, func(keyword, kind string, at, length int64) error {
		if length > limit {
			return tooMuch("the drawing in the picture has more than %d bytes", limit)
		}
		raw := make([]byte, length)
		if n, err := r.ReadAt(raw, at); int64(n) != length {
			return fmt.Errorf("read the drawing in the picture: %w", err)
		}
		var err error
		if content, err = chunkText(kind, raw[len(keyword)+1:], limit); err != nil {
			return err
		}
		return io.EOF
	})
	switch {
	case content != nil:
		return []byte(unescaped(string(content))), nil
	case err != nil && !errors.Is(err, io.EOF):
		return nil, err
	}
	return nil, ErrNotDrawing
}

// eachText calls f for the text chunks that may hold a drawing, until it
// returns an error.
func eachText(r io.ReaderAt, size int64, f func(keyword, kind string, at, length int64) error) error {
	head := make([]byte, 8)
	word := make([]byte, 16)
	at := int64(len(pngMagic))
	for range maxChunks {
		if n, err := r.ReadAt(head, at); n < len(head) {
			return err
		}
		length, kind := int64(binary.BigEndian.Uint32(head)), string(head[4:])
		if length > size-at-8 {
			return io.ErrUnexpectedEOF
		}
		if kind == "tEXt" || kind == "zTXt" || kind == "iTXt" {
			n, _ := r.ReadAt(word[:min(int64(len(word)), length)], at+8)
			for _, k := range pngKeywords {
				if bytes.HasPrefix(word[:n], append([]byte(k), 0)) {
					if err := f(k, kind, at+8, length); err != nil {
						return err
					}
				}
			}
		}
		at += 8 + length + 4
	}
	return io.EOF
}

// chunkText is the text of a chunk after its keyword.
func chunkText(kind string, raw []byte, limit int64) ([]byte, error) {
	switch kind {
	case "zTXt":
		if len(raw) < 1 {
			return nil, io.ErrUnexpectedEOF
		}
		return inflateChunk(raw[1:], limit)
	case "iTXt":
		if len(raw) < 2 {
			return nil, io.ErrUnexpectedEOF
		}
		packed := raw[0] == 1
		parts := bytes.SplitN(raw[2:], []byte{0}, 3)
		if len(parts) < 3 {
			return nil, io.ErrUnexpectedEOF
		}
		if packed {
			return inflateChunk(parts[2], limit)
		}
		return parts[2], nil
	}
	return raw, nil
}

// inflateChunk unpacks what should be zlib, and was written without its head
// by old versions, with plus signs for blanks.
func inflateChunk(raw []byte, limit int64) ([]byte, error) {
	if z, err := zlib.NewReader(bytes.NewReader(raw)); err == nil {
		if text, err := readAll(z, limit); err == nil || IsLimit(err) {
			return text, err
		}
	}
	text, err := readAll(flate.NewReader(bytes.NewReader(raw)), limit)
	if err != nil {
		return nil, err
	}
	if bytes.HasPrefix(text, []byte("%3C")) {
		text = bytes.ReplaceAll(text, []byte("+"), []byte(" "))
	}
	return text, nil
}

func readAll(r io.Reader, limit int64) ([]byte, error) {
	text, err := io.ReadAll(io.LimitReader(r, limit+1))
	if int64(len(text)) > limit {
		return nil, tooMuch("the drawing unpacks to more than %d bytes", limit)
	}
	if err != nil {
		return nil, fmt.Errorf("unpack the drawing: %w", err)
	}
	return text, nil
}

// unpack gives the XML of a page that is written as base64 of deflated text.
func unpack(packed string, limit int64) ([]byte, error) {
	packed = strings.Join(strings.Fields(packed), "")
	raw, err := base64.StdEncoding.DecodeString(packed)
	if err != nil {
		if raw, err = base64.RawStdEncoding.DecodeString(strings.TrimRight(packed, "=")); err != nil {
			return nil, fmt.Errorf("decode the page: %w", err)
		}
	}
	text, err := readAll(flate.NewReader(bytes.NewReader(raw)), limit)
	if err != nil {
		return nil, err
	}
	return []byte(unescaped(string(text))), nil
}
