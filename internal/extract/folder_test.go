package extract_test

import (
	"testing"

	"github.com/bartizan-security/bartizan/internal/extract"
)

// TestFilesOfAFolderThatMayBeDocuments holds that nobody sends code and pictures
// to a server, and that what might hold text is sent.
func TestFilesOfAFolderThatMayBeDocuments(t *testing.T) {
	for _, tt := range []struct {
		name, head string
		may        bool
	}{
		{"design.md", "# Design\n", true},
		{"README", "Read me.\n", true},
		{"design.pdf", "%PDF-1.7\n", true},
		{"sent.pdf", "\xef\xbb\xbf%PDF-1.7\n%\xc4\xe5\xf2\x00", true},
		{"export.zip", "PK\x03\x04", true},
		{"old.doc", "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", true}, // not read, and that is to be told
		{"notes.txt", "\xff\xfeN\x00o\x00", true},
		{"logo.png", "\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR", false},
		{"main.go", "package main\n", false},
		{"values.yaml", "a: 1\n", false},
		{"entities.xml", `<?xml version="1.0"?><hibernate-generic datetime="2025-01-01">`, true},
		{"data.bin", "\x01\x02\x00\x03", false},
		{"empty.md", "", false},
	} {
		may, why := extract.MayBeDocument(tt.name, []byte(tt.head))
		if may != tt.may || (why == "") != may {
			t.Errorf("%s: %v (%s), want %v", tt.name, may, why, tt.may)
		}
	}
}
