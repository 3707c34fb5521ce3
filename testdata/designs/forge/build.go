//go:build ignore

// Command build packs source into forge.zip, as Confluence packs a space
// export. Equal sources give equal bytes:
//
//	cd testdata/designs/forge && go run build.go
package main

import (
	"archive/zip"
	"bytes"
	"io/fs"
	"log"
	"os"
	"time"
)

func main() {
	var b bytes.Buffer
	if err := pack(zip.NewWriter(&b), os.DirFS("source")); err != nil {
		log.Fatalf("pack the export: %v", err)
	}
	if err := os.WriteFile("forge.zip", b.Bytes(), 0o644); err != nil {
		log.Fatalf("write the export: %v", err)
	}
}

// pack adds the files in the order of their names, all with one date.
func pack(zw *zip.Writer, source fs.FS) error {
	exported := time.Date(2025, 5, 22, 7, 30, 0, 0, time.UTC)
	err := fs.WalkDir(source, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		data, err := fs.ReadFile(source, name)
		if err != nil {
			return err
		}
		w, err := zw.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Deflate, Modified: exported})
		if err != nil {
			return err
		}
		_, err = w.Write(data)
		return err
	})
	if err != nil {
		return err
	}
	return zw.Close()
}
