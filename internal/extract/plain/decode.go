package plain

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
)

// ErrBinary is returned for bytes that are no text in any encoding.
var ErrBinary = errors.New("these bytes are not text")

// Text is the content of a text file.
type Text struct {
	// Content is UTF-8 with \n as line end. Its lines are those of the file.
	Content string
	// Notice tells what a reader should know about the encoding; empty where
	// there is nothing to tell.
	Notice string
}

// Decode finds out the encoding of a text file and decodes it: UTF-8, UTF-16
// with or without byte order mark, else Windows-1252, which holds Latin-1.
// It returns ErrBinary for what is no text.
func Decode(data []byte) (Text, error) {
	t, err := decode(data)
	if err != nil {
		return Text{}, err
	}
	t.Content = normalize(t.Content)
	if tooManyControls(t.Content) {
		return Text{}, ErrBinary
	}
	return t, nil
}

func decode(data []byte) (Text, error) {
	switch {
	case bytes.HasPrefix(data, []byte("\xff\xfe\x00\x00")), bytes.HasPrefix(data, []byte("\x00\x00\xfe\xff")):
		return Text{}, fmt.Errorf("%w that can be read: the encoding is UTF-32", ErrBinary)
	case bytes.HasPrefix(data, []byte("\xef\xbb\xbf")):
		return decodeUTF8(data[3:])
	case bytes.HasPrefix(data, []byte("\xff\xfe")):
		return decodeUTF16(data[2:], binary.LittleEndian, "")
	case bytes.HasPrefix(data, []byte("\xfe\xff")):
		return decodeUTF16(data[2:], binary.BigEndian, "")
	}
	if order := utf16Order(data); order != nil {
		return decodeUTF16(data, order, "The file is read as UTF-16; it has no byte order mark that says so.")
	}
	if bytes.IndexByte(data, 0) >= 0 {
		return Text{}, ErrBinary
	}
	return decodeUTF8(data)
}

// decodeUTF8 decodes UTF-8. Where more bytes are wrong than right beyond
// ASCII, the file was written in the older encoding of Western Europe.
func decodeUTF8(data []byte) (Text, error) {
	if utf8.Valid(data) {
		return Text{Content: string(data)}, nil
	}
	good, bad, at := survey(data)
	if bad > good {
		return decodeWindows1252(data)
	}
	line := 1 + bytes.Count(data[:at], []byte{'\n'})
	return Text{
		Content: strings.ToValidUTF8(string(data), "\uFFFD"),
		Notice:  fmt.Sprintf("The file is UTF-8 with %d wrong bytes, the first on line %d; they are shown as \uFFFD.", bad, line),
	}, nil
}

// survey counts characters beyond ASCII that are right and bytes that are
// wrong, and finds the first wrong one.
func survey(data []byte) (good, bad, first int) {
	first = -1
	for i := 0; i < len(data); {
		r, size := utf8.DecodeRune(data[i:])
		switch {
		case r == utf8.RuneError && size == 1:
			bad++
			if first < 0 {
				first = i
			}
		case size > 1:
			good++
		}
		i += size
	}
	return good, bad, first
}

func decodeWindows1252(data []byte) (Text, error) {
	content, err := charmap.Windows1252.NewDecoder().Bytes(data)
	if err != nil {
		return Text{}, fmt.Errorf("decode as Windows-1252: %w", err)
	}
	letters := 0
	for _, r := range string(content) {
		if r > 0x7f && !isWestern(r) {
			letters--
		} else if r > 0x7f {
			letters++
		}
	}
	if letters < 0 {
		return Text{}, ErrBinary
	}
	return Text{
		Content: string(content),
		Notice:  "The file is not UTF-8; it is read as Windows-1252 (Latin-1). If letters look wrong, save it as UTF-8.",
	}, nil
}

// isWestern reports whether a character is one that Western European text
// uses beyond ASCII.
func isWestern(r rune) bool {
	return strings.ContainsRune("ÀÁÂÃÄÅÆÇÈÉÊËÌÍÎÏÑÒÓÔÕÖØÙÚÛÜÝßàáâãäåæçèéêëìíîïñòóôõöøùúûüýÿŒœŠšŽž€£§©®°±·«»¿¡–—‘’“”„…•\u00a0", r)
}

func decodeUTF16(data []byte, order binary.ByteOrder, notice string) (Text, error) {
	units := make([]uint16, len(data)/2)
	for i := range units {
		units[i] = order.Uint16(data[2*i:])
	}
	if len(data)%2 == 1 {
		notice = strings.TrimSpace(notice + " The file ends within a character: it may be cut short.")
	}
	return Text{Content: string(utf16.Decode(units)), Notice: notice}, nil
}

// utf16Order tells UTF-16 without a byte order mark by the zero bytes that
// its Latin letters have: nearly all on one side.
func utf16Order(data []byte) binary.ByteOrder {
	data = data[:min(len(data), 4096)]
	if len(data) < 8 {
		return nil
	}
	var zeros [2]int
	for i, b := range data {
		if b == 0 {
			zeros[i%2]++
		}
	}
	half := len(data) / 2
	switch {
	case zeros[1] > half*7/10 && zeros[0] < half/20+1:
		return binary.LittleEndian
	case zeros[0] > half*7/10 && zeros[1] < half/20+1:
		return binary.BigEndian
	}
	return nil
}

// normalize makes \n the only line end. Characters that end a line for
// Unicode but not for an editor become spaces, so that lines can be counted
// the way people do.
func normalize(s string) string {
	if strings.Contains(s, "\r") {
		s = strings.ReplaceAll(s, "\r\n", "\n")
		if strings.Contains(s, "\n") {
			s = strings.ReplaceAll(s, "\r", " ")
		} else {
			s = strings.ReplaceAll(s, "\r", "\n")
		}
	}
	return lineSeparators.Replace(s)
}

var lineSeparators = strings.NewReplacer("\u2028", " ", "\u2029", " ", "\u0085", " ")

// few control characters may be in any text.
const few = 2

// tooManyControls reports whether more than one character in a hundred is a
// control character or the mark of a wrong one: no text has that.
func tooManyControls(s string) bool {
	controls, total := 0, 0
	for _, r := range s {
		total++
		if r < 0x20 && r != '\n' && r != '\t' && r != '\f' && r != 0x1b || r == 0x7f || r == utf8.RuneError {
			controls++
		}
	}
	return controls > few+total/100
}
