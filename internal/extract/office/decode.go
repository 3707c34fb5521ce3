package office

import (
	"bufio"
	"bytes"
	"io"

	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"
)

// decodeUTF16 turns UTF-16, which a part may be written in, into UTF-8. What
// its declaration says of the encoding is then no longer true and must not be
// heeded, so it is taken out.
func decodeUTF16(r io.Reader) io.Reader {
	b := bufio.NewReader(r)
	head, _ := b.Peek(2) // an error comes again with the first read
	if !bytes.Equal(head, []byte("\xff\xfe")) && !bytes.Equal(head, []byte("\xfe\xff")) {
		return b
	}
	utf16 := unicode.UTF16(unicode.LittleEndian, unicode.ExpectBOM)
	text := bufio.NewReaderSize(transform.NewReader(b, utf16.NewDecoder()), 4096)
	start, _ := text.Peek(len(declaration))
	if string(start) == declaration {
		// The declaration ends at its first >; what it says is in its quotes.
		if _, err := text.ReadBytes('>'); err != nil {
			return bytes.NewReader(nil)
		}
	}
	return text
}

const declaration = "<?xml"
