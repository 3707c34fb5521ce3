package confluence

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bartizan-security/bartizan/internal/extract/sourcetest"
	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

var update = flag.Bool("update", false, "write the golden files")

// outcome is what came of reading an export.
type outcome struct {
	pages []Page
	errs  []error
	left  map[string]int
}

func readXML(t *testing.T, content string, opt Options) outcome {
	t.Helper()
	out := outcome{left: map[string]int{}}
	left := func(kind string, n int) { out.left[kind] += n }
	for p, err := range ReadXML(t.Context(), strings.NewReader(content), opt, left) {
		out.take(t, p, err)
	}
	return out
}

func (o *outcome) take(t *testing.T, p Page, err error) {
	t.Helper()
	if err != nil {
		o.errs = append(o.errs, err)
		return
	}
	if err := sourcetest.Check(p.Source, 0); err != nil {
		t.Errorf("%s: %v", p.Source.Name, err)
	}
	if p.Number != len(o.pages)+o.failed() || p.Parent >= p.Number {
		t.Errorf("%s: number %d, parent %d, after %d pages", p.Source.Name, p.Number, p.Parent, len(o.pages))
	}
	o.pages = append(o.pages, p)
}

// failed counts the pages that could not be read.
func (o *outcome) failed() int {
	n := 0
	for _, err := range o.errs {
		var page *PageError
		if errors.As(err, &page) {
			n++
		}
	}
	return n
}

func (o *outcome) names() []string {
	var names []string
	for _, p := range o.pages {
		names = append(names, p.Source.Name)
	}
	return names
}

// structure writes blocks so that a person can read them.
func structure(pages []Page) string {
	var b strings.Builder
	for _, p := range pages {
		fmt.Fprintf(&b, "== %s (below %d): %s\n", p.Source.Name, p.Parent, p.Source.Title)
		for _, blk := range p.Source.Blocks {
			b.WriteString(line(blk) + "\n")
		}
		for _, d := range p.Source.Diagrams {
			fmt.Fprintf(&b, "diagram %s in %s: %d nodes, %d edges, %d groups\n", d.Type, d.Block, len(d.Nodes), len(d.Edges), len(d.Groups))
		}
		for _, n := range p.Source.Notices {
			fmt.Fprintf(&b, "notice %s: %s\n", n.Kind, n.Text)
		}
	}
	return b.String()
}

// line is a block in one line: what is body, and what is no row or item, goes
// without saying.
func line(b threatmodel.Block) string {
	var s strings.Builder
	if b.Role != threatmodel.RoleBody {
		s.WriteString(string(b.Role) + " ")
	}
	s.WriteString(string(b.Kind))
	if b.Level > 0 {
		fmt.Fprintf(&s, " %d", b.Level)
	}
	if b.Header {
		s.WriteString(" header")
	}
	if b.Group > 0 {
		fmt.Fprintf(&s, " of %d", b.Group)
	}
	if b.Language != "" {
		s.WriteString(" in " + b.Language)
	}
	return s.String() + ": " + strings.ReplaceAll(b.Text, "\n", "⏎")
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", file, diff)
	}
}

const designs = "../../../testdata/designs/"

func TestTheSampleAsXMLKeepsItsStructure(t *testing.T) {
	data, err := os.ReadFile(designs + "forge/source/entities.xml")
	if err != nil {
		t.Fatal(err)
	}
	out := readXML(t, string(data), Options{})
	if len(out.errs) > 0 {
		t.Fatal(out.errs)
	}
	golden(t, "forge.golden", structure(out.pages))
	want := map[string]int{"comment": 1, "draft page": 2, "older version": 2, "deleted page": 1, "archived page": 1}
	if diff := cmp.Diff(want, out.left); diff != "" {
		t.Errorf("left out (-want +got):\n%s", diff)
	}
}

func TestTheSampleAsHTMLKeepsItsStructure(t *testing.T) {
	out := readFolder(t, folder(t, designs+"appointments/export/BWA"))
	if len(out.errs) > 0 {
		t.Fatal(out.errs)
	}
	golden(t, "appointments.golden", structure(out.pages))
}

func TestWhatIsNotCurrentIsNotRead(t *testing.T) {
	data, err := os.ReadFile(designs + "forge/source/entities.xml")
	if err != nil {
		t.Fatal(err)
	}
	out := readXML(t, string(data), Options{})
	for _, hidden := range []string{"shared in the team chat", "which nobody patches", "runs on our own machines", "merges its own pull requests", "open script console", "unpatched host"} {
		if !strings.Contains(string(data), hidden) {
			t.Fatalf("the sample does not hold %q", hidden)
		}
		for _, p := range out.pages {
			if strings.Contains(p.Source.Body, hidden) {
				t.Errorf("%s shows %q", p.Source.Name, hidden)
			}
		}
	}
}

// folder is a folder on disk.
func folder(t *testing.T, dir string) Folder {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	f := Folder{Read: func(name string) ([]byte, error) { return os.ReadFile(filepath.Join(dir, name)) }}
	for _, e := range entries {
		f.Names = append(f.Names, e.Name())
	}
	return f
}

func readFolder(t *testing.T, f Folder) outcome {
	t.Helper()
	var out outcome
	for p, err := range ReadHTML(t.Context(), f, Options{Comments: true}, nil) {
		out.take(t, p, err)
	}
	return out
}

func TestReadingStopsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	pages, last := 0, error(nil)
	for _, err := range ReadXML(ctx, strings.NewReader(export(many(50)...)), Options{}, nil) {
		if err != nil {
			last = err
			continue
		}
		if pages++; pages == 3 {
			cancel()
		}
	}
	if pages != 3 || !errors.Is(last, context.Canceled) {
		t.Errorf("%d pages, then %v", pages, last)
	}
}

func TestReadingStopsWhereNoMoreIsWanted(t *testing.T) {
	pages := 0
	for range ReadXML(t.Context(), strings.NewReader(export(many(50)...)), Options{}, nil) {
		if pages++; pages == 5 {
			break
		}
	}
	if pages != 5 {
		t.Errorf("%d pages", pages)
	}
}

func TestTheTableOfMacrosLoads(t *testing.T) {
	m, err := loadMacros()
	if err != nil {
		t.Fatal(err)
	}
	for name, kind := range map[string]macroKind{"code": macroCode, "Info": macroBox, "toc": macroContents, "mermaid": macroMermaid, "never-heard-of": macroUnknown} {
		if got := m.kind(name); got != kind {
			t.Errorf("%s is %q, want %q", name, got, kind)
		}
	}
	for _, kind := range macroKinds() {
		found := false
		for _, k := range m.kinds {
			found = found || k == kind
		}
		if !found {
			t.Errorf("no macro is of the kind %s", kind)
		}
	}
}
