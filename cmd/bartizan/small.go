package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"

	"github.com/bartizan-security/bartizan/internal/config"
	"github.com/bartizan-security/bartizan/internal/extract"
	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

// initCmd writes a bartizan.yaml to begin with.
type initCmd struct {
	Folder string `arg:"" optional:"" default:"." type:"path" help:"Folder of the documents."`
	Print  bool   `help:"Print it instead of writing it."`
}

// Help is shown below the flags.
func (initCmd) Help() string {
	return `bartizan.yaml states what the documents do not: owner, criticality, data classes, assumptions, what is out of scope, controls that a platform provides, which model endpoints may see the documents, prices. A file that is there is left alone.`
}

// Run writes the file.
func (c *initCmd) Run(s streams) error {
	if c.Print {
		_, err := s.out.Write(config.Sample)
		return err
	}
	path := filepath.Join(c.Folder, config.ContextName)
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	switch {
	case errors.Is(err, fs.ErrExist):
		return fmt.Errorf("%s is there already and is left as it is; `bartizan init --print` shows a fresh one", path)
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%s: there is no such folder. Make it first, or give the folder of your documents", c.Folder)
	case err != nil:
		return fmt.Errorf("writing the context: %w", err)
	}
	if _, err := f.Write(config.Sample); err != nil {
		_ = f.Close()
		return fmt.Errorf("writing %s: %w", path, err)
	}
	if err := f.Close(); err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	fmt.Fprintln(s.out, path)
	return nil
}

// schemaCmd prints the JSON Schema of model.json.
type schemaCmd struct{}

// Help is shown below the flags.
func (schemaCmd) Help() string {
	return `JSON Schema, draft 2020-12. For tools that read model.json, and editors that check it.`
}

// Run prints the schema.
func (schemaCmd) Run(s streams) error {
	_, err := s.out.Write(threatmodel.Schema())
	return err
}

// warmCmd fills the cache of the PDF engine.
type warmCmd struct{}

// Help is shown below the flags.
func (warmCmd) Help() string {
	return `The PDF engine is compiled once and kept in the folder of BARTIZAN_PDF_CACHE, else in your cache folder. Run this while an image is built, so that no container compiles it again.`
}

// Run compiles the engine.
func (warmCmd) Run(ctx context.Context, s streams) error {
	if err := extract.WarmPDF(ctx, ""); err != nil {
		return err
	}
	fmt.Fprintln(s.out, "The PDF engine is ready.")
	return nil
}

// versionCmd prints the version.
type versionCmd struct{}

// Run prints the version with what it was built from.
func (versionCmd) Run(s streams) error {
	revision := ""
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, kv := range info.Settings {
			if kv.Key == "vcs.revision" {
				revision = " " + kv.Value[:min(len(kv.Value), 12)]
			}
		}
	}
	_, err := fmt.Fprintf(s.out, "bartizan %s%s %s %s/%s, model.json schema %s\n", version, revision, runtime.Version(), runtime.GOOS, runtime.GOARCH, threatmodel.SchemaVersion)
	return err
}
