package extract_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/bartizan-security/bartizan/internal/extract"
)

// What a document costs in this process, in a child that waits for it, and in
// one that is started for it. BARTIZAN_CORPUS may name a folder with PDFs in
// its folder pdf.
func BenchmarkCost(b *testing.B) {
	files := map[string]string{"pdf-12-pages": "../../testdata/designs/telemetry/telemetry.pdf"}
	if dir := os.Getenv("BARTIZAN_CORPUS"); dir != "" {
		files["pdf-1-page"] = filepath.Join(dir, "pdf", "google-doc.pdf")
		files["pdf-68-pages"] = filepath.Join(dir, "pdf", "handbook-fuzzing.pdf")
	}
	if found, err := filepath.Glob("../../testdata/designs/portal/docs/*.md"); err == nil && len(found) > 0 {
		files["markdown"] = found[0]
	}
	here := extract.NewHere()
	defer here.Close()
	warm := extract.NewPool(extract.Options{Children: 1})
	defer warm.Close()
	for name, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			b.Fatal(err)
		}
		read := func(b *testing.B, pool *extract.Pool) {
			for _, err := range extract.Read(b.Context(), file, bytes.NewReader(data), int64(len(data)), extract.Options{Pool: pool}) {
				if err != nil {
					b.Fatal(err)
				}
			}
		}
		b.Run(name+"/in-process", func(b *testing.B) {
			for b.Loop() {
				if _, errs := here.Read(file, bytes.NewReader(data), int64(len(data))); errs != nil {
					b.Fatal(errs)
				}
			}
		})
		b.Run(name+"/warm", func(b *testing.B) {
			read(b, warm) // starts it
			for b.Loop() {
				read(b, warm)
			}
		})
		b.Run(name+"/fresh", func(b *testing.B) {
			for b.Loop() {
				pool := extract.NewPool(extract.Options{Children: 1})
				read(b, pool)
				pool.Close()
			}
		})
	}
}
