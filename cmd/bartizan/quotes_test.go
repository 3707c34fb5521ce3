package main

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/bartizan-security/bartizan/internal/extract"
	"github.com/bartizan-security/bartizan/internal/ground"
	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

// samples are what the quotes are checked on: the designs of the project, and
// the documents in the folder that BARTIZAN_CORPUS names.
func samples(t *testing.T) map[string]string {
	t.Helper()
	root := filepath.Join("..", "..", "testdata", "designs")
	out := map[string]string{
		"portal":    filepath.Join(root, "portal", "docs"),
		"telemetry": filepath.Join(root, "telemetry", "telemetry.pdf"),

		"appointments": filepath.Join(root, "appointments", "export"),
		"forge":        filepath.Join(root, "forge", "forge.zip"),
	}
	if corpus := os.Getenv("BARTIZAN_CORPUS"); corpus != "" {
		for _, pattern := range []string{"markdown/*.md", "markdown/slsa", "pdf/*.pdf"} {
			paths, err := filepath.Glob(filepath.Join(corpus, pattern))
			if err != nil {
				t.Fatal(err)
			}
			for _, p := range paths {
				out[filepath.Base(p)] = p
			}
		}
	}
	return out
}

// TestEveryQuoteStandsWhereItSays: each quote in a model is found by a plain
// search, white space folded, in the text that was written beside the model and
// that `extract --format text` prints; it is what stands at its byte range; and
// its words stand on the lines or the page that it names. No control is from
// outside the catalog, and no threat without either control or reason.
func TestEveryQuoteStandsWhereItSays(t *testing.T) {
	for name, path := range samples(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			var stderr bytes.Buffer
			code := run(t.Context(), []string{"analyze", "--analyst", "builtin", "--quiet", "--out", dir, path}, streams{out: &bytes.Buffer{}, err: &stderr})
			if strings.Contains(stderr.String(), "--password") || strings.Contains(stderr.String(), "no text") {
				t.Skipf("not to be read: %s", stderr.String())
			}
			if code != exitOK {
				t.Fatalf("exit %d: %s", code, stderr.String())
			}
			m, err := readModel(dir)
			if err != nil {
				t.Fatal(err)
			}
			if len(m.Elements) == 0 {
				t.Skip("it describes no system")
			}
			c := quoteChecker{t: t, sources: read(t, path), root: path, texts: map[string]string{}}
			for _, d := range m.Documents {
				raw, err := os.ReadFile(filepath.Join(dir, documentsName, d.Text))
				if err != nil {
					t.Fatal(err)
				}
				c.texts[d.ID] = string(raw)
			}
			c.model(m)
			t.Logf("%d threats, %d quotes", len(m.Threats), c.checked)
			if c.checked == 0 {
				t.Error("not one quote was checked")
			}
		})
	}
}

func read(t *testing.T, path string) map[string]*threatmodel.Source {
	t.Helper()
	out := map[string]*threatmodel.Source{}
	for d, err := range extract.ReadPaths(context.Background(), []string{path}, extract.Options{}) {
		if err != nil {
			t.Fatal(err)
		}
		out[d.ID] = &d
	}
	return out
}

type quoteChecker struct {
	t       *testing.T
	sources map[string]*threatmodel.Source
	root    string
	texts   map[string]string
	checked int
}

// model checks everything in a model that is evidence, by its JSON: a new kind
// of evidence is checked without a line here.
func (c *quoteChecker) model(m *threatmodel.Model) {
	raw, err := json.Marshal(m)
	if err != nil {
		c.t.Fatal(err)
	}
	var tree any
	if err := json.Unmarshal(raw, &tree); err != nil {
		c.t.Fatal(err)
	}
	c.walk(tree)
	for i := range m.Threats {
		if t := &m.Threats[i]; t.Live() && len(t.Controls) == 0 && t.NoControl == "" {
			c.t.Errorf("%s has neither a control nor a reason", t.ID)
		}
	}
}

func (c *quoteChecker) walk(v any) {
	switch x := v.(type) {
	case []any:
		for _, y := range x {
			c.walk(y)
		}
	case map[string]any:
		if _, ok := x["quote"]; ok && x["locator"] != nil {
			c.evidence(x)
		}
		for _, y := range x {
			c.walk(y)
		}
	}
}

func (c *quoteChecker) evidence(x map[string]any) {
	raw, err := json.Marshal(x)
	if err != nil {
		c.t.Fatal(err)
	}
	var e threatmodel.Evidence
	if err := json.Unmarshal(raw, &e); err != nil {
		c.t.Fatal(err)
	}
	text, ok := c.texts[e.Document]
	if !ok {
		c.t.Errorf("%q is of a document %s that is not there", e.Quote, e.Document)
		return
	}
	c.checked++
	if !strings.Contains(folded(text), folded(e.Quote)) {
		c.t.Errorf("%q does not stand in the text", e.Quote)
	}
	loc := e.Locator
	if loc.ByteEnd > len(text) || loc.ByteStart > loc.ByteEnd || folded(text[loc.ByteStart:loc.ByteEnd]) != folded(e.Quote) {
		c.t.Errorf("%q is not what stands at bytes %d to %d", e.Quote, loc.ByteStart, loc.ByteEnd)
	}
	switch {
	case loc.Page != nil:
		c.hasWords(e.Quote, c.page(e.Document, *loc.Page))
	case loc.LineStart != nil:
		c.hasWords(e.Quote, c.lines(e.Document, *loc.LineStart, *loc.LineEnd))
	}
}

func folded(s string) string { return strings.Join(strings.Fields(s), " ") }

// hasWords checks that the words of a quote stand in a piece of the source.
func (c *quoteChecker) hasWords(quote, source string) {
	there := ground.Words(source)
	for _, w := range ground.Words(quote) {
		if !slices.ContainsFunc(there, func(x string) bool { return strings.Contains(x, w) }) {
			c.t.Errorf("%q: the word %q does not stand where the locator points: %.200q", quote, w, source)
			return
		}
	}
}

// page is the text of all blocks of a page, a block that goes over several
// counted for each.
func (c *quoteChecker) page(document string, page int) string {
	var b strings.Builder
	for _, block := range c.sources[document].Blocks {
		on := block.Locator.Page != nil && *block.Locator.Page == page
		for _, m := range block.Marks {
			on = on || m.Page == page
		}
		if on {
			b.WriteString(block.Text + "\n")
		}
	}
	return b.String()
}

// lines are lines of the source file, as its author wrote them.
func (c *quoteChecker) lines(document string, from, to int) string {
	path := c.root
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		path = filepath.Join(path, filepath.FromSlash(c.sources[document].Name))
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		c.t.Fatal(err)
	}
	lines := strings.Split(string(raw), "\n")
	if from < 1 || to > len(lines) || from > to {
		c.t.Errorf("%s has %d lines, not %d to %d", path, len(lines), from, to)
		return ""
	}
	return strings.Join(lines[from-1:to], "\n")
}
