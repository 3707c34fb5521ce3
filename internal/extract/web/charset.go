package web

import (
	"regexp"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/html/charset"
)

// Transcode turns a page into UTF-8 where it declares another encoding in its
// head. Anything else is returned as it is, also a page that declares an older
// encoding and yet is sound UTF-8: programs that save pages turn the text into
// UTF-8 and forget the declaration.
func Transcode(data []byte) []byte {
	if !IsPage(string(data[:min(len(data), 4096)])) {
		return data
	}
	m := declared.FindSubmatch(data[:min(len(data), 4096)])
	if m == nil || hasHigh(data) && utf8.Valid(data) {
		return data
	}
	encoding, name := charset.Lookup(string(m[1]))
	if encoding == nil || name == "utf-8" || strings.HasPrefix(name, "utf-16") {
		return data
	}
	decoded, err := encoding.NewDecoder().Bytes(data)
	if err != nil {
		return data // the reader of text tells what is wrong with it
	}
	return decoded
}

// declared is where a page says its encoding. UTF-16 says it by its first
// bytes, which are looked at elsewhere.
var declared = regexp.MustCompile(`(?i)(?:<meta\b[^>]*\bcharset|<\?xml\b[^>]*\bencoding)\s*=\s*["']?\s*([a-z0-9_:.-]+)`)

// hasHigh reports whether there are bytes beyond ASCII.
func hasHigh(data []byte) bool {
	for _, b := range data {
		if b >= utf8.RuneSelf {
			return true
		}
	}
	return false
}
