package pdf

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

// What a document costs once the engine runs. BARTIZAN_CORPUS
// may name a folder with PDFs in its folder pdf.
func BenchmarkEngine(b *testing.B) {
	files := []string{filepath.FromSlash("../../../testdata/designs/telemetry/telemetry.pdf")}
	if dir := os.Getenv("BARTIZAN_CORPUS"); dir != "" {
		more, err := filepath.Glob(filepath.Join(dir, "pdf", "*.pdf"))
		if err != nil {
			b.Fatal(err)
		}
		files = append(files, more...)
	}
	opt, err := Options{}.withDefaults()
	if err != nil {
		b.Fatal(err)
	}
	e, err := startEngine(opt)
	if err != nil {
		b.Fatal(err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(filepath.Base(file), func(b *testing.B) {
			b.SetBytes(int64(len(data)))
			for b.Loop() {
				if _, err := e.read(request{name: file, maxPages: opt.MaxPages, file: bytes.NewReader(data), size: int64(len(data))}); err != nil {
					b.Skip(err)
				}
			}
		})
	}
}
