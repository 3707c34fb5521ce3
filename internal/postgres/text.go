package postgres

import (
	"bytes"
	"strings"
)

// storable makes a text one that PostgreSQL takes: valid UTF-8 without zeros,
// each replaced by U+FFFD. Documents may hold both.
func storable(s string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "\uFFFD")
}

// Storable makes JSON one that a column of type jsonb takes: PostgreSQL refuses
// the escaped zero, which text of a document may hold; U+FFFD stands for it.
func Storable(raw []byte) []byte {
	if !bytes.Contains(raw, []byte(`\u0000`)) {
		return raw
	}
	out := make([]byte, 0, len(raw))
	for i := 0; i < len(raw); i++ {
		switch {
		case bytes.HasPrefix(raw[i:], []byte(`\u0000`)):
			out = append(out, `\ufffd`...)
			i += 5
		case raw[i] == '\\' && i+1 < len(raw):
			out = append(out, raw[i], raw[i+1])
			i++
		default:
			out = append(out, raw[i])
		}
	}
	return out
}

// StorableText makes a text one that a column takes: valid UTF-8 without zeros.
func StorableText(s string) string { return storable(s) }
