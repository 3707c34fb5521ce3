package diagram

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bartizan-security/bartizan/internal/extract/diagram/mxfile"
	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

// system is what a diagram says, without the ids that its language gives.
type system struct{ Boundaries, Elements, Flows []string }

func systemOf(d threatmodel.Diagram) system {
	all := map[string]threatmodel.DiagramNode{}
	for _, n := range append(append([]threatmodel.DiagramNode{}, d.Groups...), d.Nodes...) {
		all[n.ID] = n
	}
	path := func(id string) string {
		var names []string
		for n, ok := all[id]; ok; n, ok = all[n.Group] {
			names = append([]string{n.Name}, names...)
		}
		return strings.Join(names, " > ")
	}
	var s system
	for _, g := range d.Groups {
		s.Boundaries = append(s.Boundaries, path(g.ID))
	}
	for _, n := range d.Nodes {
		s.Elements = append(s.Elements, string(n.Kind)+": "+path(n.ID))
	}
	for _, e := range d.Edges {
		from, to, arrow := all[e.From].Name, all[e.To].Name, "->"
		if e.Bidirectional {
			arrow = "<->"
			from, to = min(from, to), max(from, to)
		}
		s.Flows = append(s.Flows, strings.TrimSpace(fmt.Sprintf("%s %s %s: %s", from, arrow, to, e.Label)))
	}
	for _, list := range [][]string{s.Boundaries, s.Elements, s.Flows} {
		slices.Sort(list)
	}
	return s
}

// readSystem reads a diagram by the name of its file; nothing in it may be
// left unread.
func readSystem(t *testing.T, file string) system {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", "systems", file))
	if err != nil {
		t.Fatal(err)
	}
	if filepath.Ext(file) == ".drawio" {
		sheets, err := ReadDrawing(data, mxfile.Limits{})
		if err != nil || len(sheets) != 1 {
			t.Fatalf("%s: %d sheets, %v", file, len(sheets), err)
		}
		for _, p := range sheets[0].Problems {
			if !strings.Contains(p, "hidden") {
				t.Errorf("%s: %s", file, p)
			}
		}
		checkSheet(t, sheets[0])
		return systemOf(sheets[0].Diagram)
	}
	d, problems := Read(LanguageOf(file, string(data)), string(data))
	for _, p := range problems {
		t.Errorf("%s: line %d: %s", file, p.Line, p.Text)
	}
	return systemOf(d)
}

// TestTheSameSystemIsReadFromEveryLanguage holds that it does not matter in
// what a team draws.
func TestTheSameSystemIsReadFromEveryLanguage(t *testing.T) {
	for name, tt := range map[string]struct {
		files                       []string
		boundaries, elements, flows int
	}{
		"lockers": {[]string{"lockers.mmd", "lockers.puml", "lockers.drawio", "lockers.c4.mmd", "lockers.c4.puml"}, 4, 12, 13},
		"claims":  {[]string{"claims.mmd", "claims.puml", "claims.drawio"}, 3, 11, 11},
		"clinic":  {[]string{"clinic.mmd", "clinic.puml", "clinic.drawio"}, 4, 9, 8},
	} {
		t.Run(name, func(t *testing.T) {
			want := readSystem(t, tt.files[0])
			if len(want.Boundaries) != tt.boundaries || len(want.Elements) != tt.elements || len(want.Flows) != tt.flows {
				t.Errorf("%s has %d boundaries, %d elements, %d flows: %+v", tt.files[0], len(want.Boundaries), len(want.Elements), len(want.Flows), want)
			}
			for _, file := range tt.files[1:] {
				if diff := cmp.Diff(want, readSystem(t, file)); diff != "" {
					t.Errorf("%s against %s (-want +got):\n%s", file, tt.files[0], diff)
				}
			}
		})
	}
}

// BenchmarkRead reads ordinary diagrams, and one statement after another on a
// line of 200 KB, which must not cost more a byte.
func BenchmarkRead(b *testing.B) {
	const long = 200 << 10
	sources := map[string]string{
		"mermaid line":  "flowchart LR\n" + strings.Repeat("a & ", long/4) + "a",
		"block line":    "block-beta\n" + strings.Repeat("a ", long/2),
		"sequence line": "sequenceDiagram\n" + strings.Repeat("A->>B: x;", long/9),
	}
	for _, file := range []string{"lockers.mmd", "lockers.puml", "lockers.c4.puml"} {
		data, err := os.ReadFile(filepath.Join("testdata", "systems", file))
		if err != nil {
			b.Fatal(err)
		}
		sources[file] = string(data)
	}
	for name, source := range sources {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(source)))
			for b.Loop() {
				Read(LanguageOf(name, source), source)
			}
		})
	}
}
