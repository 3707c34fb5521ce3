package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/bartizan-security/bartizan/internal/analyze"
	"github.com/bartizan-security/bartizan/internal/catalog"
	"github.com/bartizan-security/bartizan/internal/extract"
	"github.com/bartizan-security/bartizan/internal/report"
	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

// Names in the output folder.
const (
	modelName     = "model.json"
	htmlName      = "report.html"
	markdownName  = "report.md"
	documentsName = "documents"
	// contextTextName is the text of bartizan.yaml, which evidence points into too.
	contextTextName = analyze.ContextDocument + ".txt"
)

// readModel reads a model.json.
func readModel(path string) (*threatmodel.Model, error) {
	path = modelFile(path)
	raw, err := os.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("%s: there is no such file; give the model.json that `bartizan analyze --out` wrote", path)
	case err != nil:
		return nil, fmt.Errorf("reading the threat model: %w", err)
	case len(bytes.TrimSpace(raw)) == 0:
		return nil, fmt.Errorf("%s is empty; give the model.json that `bartizan analyze --out` wrote", path)
	}
	m := &threatmodel.Model{}
	if err := json.Unmarshal(raw, m); err != nil {
		return nil, fmt.Errorf("%s is no threat model: %w; give the model.json that `bartizan analyze --out` wrote", path, inLine(raw, err))
	}
	if m.SchemaVersion == "" {
		return nil, fmt.Errorf("%s is no threat model: it has no schema_version; give the model.json that `bartizan analyze --out` wrote", path)
	}
	if major(m.SchemaVersion) != major(threatmodel.SchemaVersion) {
		return nil, fmt.Errorf("%s has the schema version %s and this program reads %s: use a release that fits, or analyse again", path, m.SchemaVersion, threatmodel.SchemaVersion)
	}
	return m, nil
}

// modelFile is the file that a path stands for: a folder stands for the
// model.json in it.
func modelFile(path string) string {
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		return filepath.Join(path, modelName)
	}
	return path
}

// inLine adds the line to an error of the JSON decoder.
func inLine(raw []byte, err error) error {
	offset := int64(-1)
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	switch {
	case errors.As(err, &syntax):
		offset = syntax.Offset
	case errors.As(err, &kind):
		offset = kind.Offset
	}
	if offset < 0 || offset > int64(len(raw)) {
		return err
	}
	return fmt.Errorf("line %d: %w", 1+bytes.Count(raw[:offset], []byte("\n")), err)
}

func major(version string) string {
	m, _, _ := strings.Cut(version, ".")
	return m
}

// encode is JSON as model.json holds it.
func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(v); err != nil {
		return nil, fmt.Errorf("writing JSON: %w", err)
	}
	return b.Bytes(), nil
}

// checkFolder refuses an output folder that is none.
func checkFolder(dir string) error {
	if info, err := os.Stat(dir); err == nil && !info.IsDir() {
		return fmt.Errorf("--out: %s is a file; name a folder", dir)
	}
	return nil
}

// makeFolder makes the output folder and finds out whether it may be written
// to, before an analysis is paid for.
func makeFolder(dir string) error {
	if dir == "" {
		return nil
	}
	if err := os.MkdirAll(filepath.Join(dir, documentsName), 0o755); err != nil {
		return fmt.Errorf("--out: the folder cannot be made: %w. Name another", err)
	}
	for _, d := range []string{dir, filepath.Join(dir, documentsName)} {
		f, err := os.CreateTemp(d, ".bartizan-*")
		if err != nil {
			return fmt.Errorf("--out: nothing can be written into %s: %w. Name another folder, or change its permissions", d, bare(err))
		}
		_ = f.Close() // it is empty
		if err := os.Remove(f.Name()); err != nil {
			return fmt.Errorf("--out: %w", err)
		}
	}
	return nil
}

// bare is what went wrong with a file, without its name.
func bare(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	return err
}

// writeModel writes the files of a run into a folder: the model last, so that
// it never names a text that is not there.
func writeModel(ctx context.Context, dir string, m *threatmodel.Model, texts report.Texts) error {
	for _, d := range m.Documents {
		if text, ok := texts[d.ID]; ok && d.Text != "" {
			if err := replaceFile(filepath.Join(dir, documentsName, d.Text), []byte(text)); err != nil {
				return err
			}
		}
	}
	if text, ok := texts[analyze.ContextDocument]; ok {
		if err := replaceFile(filepath.Join(dir, documentsName, contextTextName), []byte(text)); err != nil {
			return err
		}
	}
	if err := dropOldTexts(dir, m); err != nil {
		return err
	}
	if err := writeReports(ctx, dir, m, texts); err != nil {
		return err
	}
	raw, err := encode(m)
	if err != nil {
		return err
	}
	return replaceFile(filepath.Join(dir, modelName), raw)
}

// writeReports renders report.md and report.html into a folder.
func writeReports(ctx context.Context, dir string, m *threatmodel.Model, texts report.Texts) error {
	var md, html bytes.Buffer
	if err := report.Markdown(&md, m, texts); err != nil {
		return fmt.Errorf("writing %s: %w", markdownName, err)
	}
	if err := report.HTML(ctx, &html, m, texts); err != nil {
		return fmt.Errorf("writing %s: %w", htmlName, err)
	}
	if err := replaceFile(filepath.Join(dir, markdownName), md.Bytes()); err != nil {
		return err
	}
	return replaceFile(filepath.Join(dir, htmlName), html.Bytes())
}

// dropOldTexts removes the texts of documents that the model no longer has. Only
// files that an earlier model in the folder names are removed.
func dropOldTexts(dir string, m *threatmodel.Model) error {
	old, err := readModel(filepath.Join(dir, modelName))
	if err != nil {
		return nil // there is none, or it is not ours to tidy up after
	}
	kept := map[string]bool{}
	for _, d := range m.Documents {
		kept[d.Text] = true
	}
	for _, d := range old.Documents {
		if d.Text == "" || kept[d.Text] || filepath.Base(d.Text) != d.Text {
			continue
		}
		if err := os.Remove(filepath.Join(dir, documentsName, d.Text)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("removing the text of a document that is gone: %w", err)
		}
	}
	return nil
}

// replaceFile writes a file so that it is whole or not there.
func replaceFile(path string, raw []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".bartizan-*")
	if err != nil {
		return fmt.Errorf("writing %s: %w", path, bare(err))
	}
	defer os.Remove(f.Name())
	_, err = f.Write(raw)
	if err == nil {
		err = f.Chmod(0o644)
	}
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return fmt.Errorf("writing %s: %w", path, bare(err))
	}
	return nil
}

// documentTexts are the texts by document id, exactly as `extract --format
// text` prints them; the model's documents are told the names of their files.
func documentTexts(m *threatmodel.Model, documents []threatmodel.Source) (report.Texts, error) {
	texts := report.Texts{}
	for i := range documents {
		var b strings.Builder
		if err := extract.Format(&b, documents[i], "text"); err != nil {
			return nil, err
		}
		texts[documents[i].ID] = b.String()
	}
	report.NameTexts(m, texts)
	if c := analyze.ContextText(m.Context); c != "" {
		texts[analyze.ContextDocument] = c
	}
	return texts, nil
}

// missingTexts counts the documents whose text is not among the texts.
func missingTexts(m *threatmodel.Model, texts report.Texts) int {
	n := 0
	for _, d := range m.Documents {
		if _, ok := texts[d.ID]; !ok {
			n++
		}
	}
	return n
}

// readTexts reads the texts that lie beside a model; what is not there is left
// out.
func readTexts(dir string, m *threatmodel.Model) report.Texts {
	texts := report.Texts{}
	for _, d := range m.Documents {
		if d.Text == "" || filepath.Base(d.Text) != d.Text {
			continue
		}
		if raw, err := os.ReadFile(filepath.Join(dir, documentsName, d.Text)); err == nil {
			texts[d.ID] = string(raw)
		}
	}
	if c := analyze.ContextText(m.Context); c != "" {
		texts[analyze.ContextDocument] = c
	}
	return texts
}

// folderOf is the folder in which the things beside a path lie: the path itself
// where it is a folder.
func folderOf(path string) string {
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		return path
	}
	return filepath.Dir(path)
}

// nameOf makes a system's name of a path.
func nameOf(path string) string {
	abs, err := filepath.Abs(path)
	if err != nil {
		abs = path
	}
	base := filepath.Base(abs)
	if info, err := os.Stat(abs); err != nil || !info.IsDir() {
		base = strings.TrimSuffix(base, filepath.Ext(base))
	}
	// "docs" and "design" name no system; the folder around them does.
	switch strings.ToLower(base) {
	case "docs", "doc", "design", "documents", "documentation", "architecture", "export":
		return filepath.Base(filepath.Dir(abs))
	}
	return base
}

// openCatalogs opens the catalogs that the flags name; two with one id are an
// error.
func openCatalogs(names []string) ([]*catalog.Catalog, error) {
	var out []*catalog.Catalog
	seen := map[string]string{}
	for _, name := range names {
		c, err := catalog.Open(name)
		if err != nil {
			return nil, err
		}
		if other, twice := seen[c.ID]; twice {
			return nil, fmt.Errorf("--catalog %s and --catalog %s have the same id %s: give one of them", other, name, c.ID)
		}
		seen[c.ID] = name
		out = append(out, c)
	}
	return out, nil
}
