package extract_test

import (
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/bartizan-security/bartizan/internal/extract"
)

// TestACacheOfAnotherVersionIsFilledAnew holds that a program with another
// version of the engine than the one before, whose compiled code is still there,
// reads PDFs at once, though the process that reads may not write to the cache.
func TestACacheOfAnotherVersionIsFilledAnew(t *testing.T) {
	cache := t.TempDir()
	before := filepath.Join(cache, "wazero-v0.0.1-"+runtime.GOARCH+"-"+runtime.GOOS)
	if err := os.Mkdir(before, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(before, "code"), make([]byte, 2<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	dir := write(t, t.TempDir(), member{"a.pdf", string(pdfOf(t, "", "The text of a page."))})
	r := readPaths(t, extract.Options{CacheDir: cache}, dir)
	if len(r.docs) != 1 || len(r.errors) > 0 {
		t.Errorf("documents %v, errors %s", r.names(), r.messages())
	}
}
