package postgres

import "strings"

// storable makes a text one that PostgreSQL takes: valid UTF-8 without zeros,
// each replaced by U+FFFD. Documents may hold both.
func storable(s string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "\uFFFD")
}
