package service

import (
	"errors"
	"testing"

	"github.com/bartizan-security/bartizan/internal/extract"
)

// TestProblemsNameNoFlags holds that clients, who have no command line, are not
// sent to one.
func TestProblemsNameNoFlags(t *testing.T) {
	tests := map[string]struct {
		err  error
		want string
	}{
		"a password": {
			&extract.Error{Path: "a.zip", Where: "b.pdf", Kind: extract.KindEncrypted, Err: errors.New("the document is encrypted: give its password (--password)")},
			"a.zip: b.pdf: the document is encrypted. Save a copy without a password, and send that",
		},
		"a limit": {
			&extract.Error{
				Path: "a.pdf", Kind: extract.KindUnsafe, Err: errors.New("reading it takes longer than it may, 2m"),
				Remedy: "Print it to a new PDF or split it, or raise the limit (--limit time=...)",
			},
			"a.pdf: reading it takes longer than it may, 2m. Print it to a new PDF or split it",
		},
		"no flag": {
			&extract.Error{Path: "a.txt", Kind: extract.KindEmpty, Err: errors.New("the file is empty (0 bytes)")},
			"a.txt: the file is empty (0 bytes)",
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if got := tell([]error{tt.err}); got != tt.want {
				t.Errorf("told %q, want %q", got, tt.want)
			}
		})
	}
}
