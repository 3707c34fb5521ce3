package diagram

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/bartizan-security/bartizan/internal/extract/block"
	"github.com/bartizan-security/bartizan/internal/extract/diagram/mxfile"
	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

// addSystems seeds a fuzz target with the systems drawn in a language.
func addSystems(f *testing.F, ext string) {
	f.Helper()
	files, err := filepath.Glob(filepath.Join("testdata", "systems", "*"+ext))
	if err != nil || len(files) == 0 {
		f.Fatalf("no systems in *%s: %v", ext, err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(data))
	}
}

// checkDiagram reports what is wrong with a diagram of a source.
func checkDiagram(t *testing.T, d threatmodel.Diagram, source string) {
	t.Helper()
	ids := map[string]bool{}
	all := append(append([]threatmodel.DiagramNode{}, d.Nodes...), d.Groups...)
	for _, n := range all {
		switch {
		case n.Start < 0 || n.End < n.Start || n.End > len(source) || strings.Contains(source[n.Start:n.End], "\n"):
			t.Fatalf("the place of %+v", n)
		case n.Name == "" || strings.ContainsAny(n.Name+n.Technology, "\n\r\x1b") || !utf8.ValidString(n.Name+n.Technology):
			t.Fatalf("the name of %+v", n)
		case ids[n.ID]:
			t.Fatalf("the id of %+v occurs twice", n)
		}
		ids[n.ID] = true
	}
	for _, n := range all {
		if n.Group != "" && (!ids[n.Group] || n.Group == n.ID) {
			t.Fatalf("the group of %+v", n)
		}
	}
	for _, e := range d.Edges {
		if e.Start < 0 || e.End < e.Start || e.End > len(source) || !ids[e.From] || !ids[e.To] || e.From == e.To || strings.Contains(e.Label, "\n") {
			t.Fatalf("the arrow %+v of %v", e, ids)
		}
	}
	if len(d.Nodes) > maxNodes || len(d.Edges) > maxEdges || !slices.IsSorted(d.Lines) {
		t.Fatalf("%d nodes, %d arrows, lines %v", len(d.Nodes), len(d.Edges), d.Lines)
	}
	for _, at := range d.Lines {
		if at < 0 || at > len(source) || at > 0 && source[at-1] != '\n' {
			t.Fatalf("no line begins at %d", at)
		}
	}
}

func fuzzLanguage(f *testing.F, language string) {
	f.Fuzz(func(t *testing.T, source string) {
		source = block.Clean(source)
		d, problems := Read(language, source)
		checkDiagram(t, d, source)
		for _, p := range problems {
			if p.Line < 1 || p.Line > strings.Count(source, "\n")+1 || !utf8.ValidString(p.Text) {
				t.Fatalf("problem %+v", p)
			}
		}
	})
}

func FuzzMermaid(f *testing.F) {
	f.Add("flowchart LR\na[\"x\"] -- l --> b & c:::d\nsubgraph s [t]\nend\n")
	f.Add("sequenceDiagram\nbox red x\nparticipant A as B\nend\nA->>+B: c\nalt\nelse\nend")
	f.Add("---\nt: x\n---\n%%{init}%%\ngraph TD; a@{ shape: cyl }; x e@--> y")
	f.Add("C4Context\nSystem_Boundary(b, \"B\") {\nPerson(p, \"P\", $techn=\"x\")\n}\nBiRel(p, q,\n\"l\")\nNode(n)")
	f.Add("block-beta\ncolumns 2\na:2 space b[(\"x\")]\nblock:c\nd<[\"e\"]>(up)\nend\na-- \"l\" -->b")
	addSystems(f, ".mmd")
	fuzzLanguage(f, "mermaid")
}

func FuzzPlantUML(f *testing.F) {
	f.Add("@startuml\n!define X(a) component a\n!$v = \"w\" + $v\nX(b)\n!procedure $p($q=\"r\")\n[$q] --> b\n!endprocedure\n$p()\n@enduml")
	f.Add("@startuml\nparticipant A [\n=T\n]\nbox \"B\" #red\nqueue Q\nend box\nA -[#red]>> Q ++ : x\nreturn y\nalt a\nelse\nend\nnote over A : n\nref over A\nend ref\n[-> A\n@enduml")
	f.Add("component X {\nportin p\n() i\n}\ni )- [A]\n[B] \"1\" o-up-(0 \"2\" p #red;line:blue <<s>> : l\n:a: .> (u)\nnote \"x\" as N\nN .. i\n/' c\n'/ together {\n}")
	addSystems(f, ".puml")
	fuzzLanguage(f, "plantuml")
}

func FuzzDrawing(f *testing.F) {
	f.Add(cells(box("a", "1", "A", "", 0, 0, 80, 40), box("b", "a", "", "shape=mxgraph.aws4.resourceIcon;resIcon=mxgraph.aws4.s3", 0, 0, 20, 20), line("e", "a", "b", "x", "")))
	f.Add(cells(box("p", "q", "P", "group", 0, 200, 100, 40), box("q", "p", "Q<br>q", "swimlane", 300, 200, 100, 40), box("w", "1", "", "shape=waypoint", 0, 0, 1, 1), line("e", "w", "p", "", "startArrow=open"), line("f", "q", "w", "", "endArrow=none")))
	f.Add(`<mxfile><diagram><mxGraphModel><root><mxCell id="0"/><UserObject id="m" mermaidData="{&quot;data&quot;:&quot;graph TD\na--&gt;b&quot;}" plantUmlData="[A] -> [B]"><mxCell parent="0" vertex="1"/></UserObject></root></mxGraphModel></diagram></mxfile>`)
	addSystems(f, ".drawio")
	f.Fuzz(func(t *testing.T, data string) {
		sheets, _ := ReadDrawing([]byte(data), mxfile.Limits{Bytes: 1 << 20, Cells: 500})
		for _, s := range sheets {
			if shown := s.Name + s.Text + strings.Join(s.Problems, ""); block.Clean(shown) != shown {
				t.Fatalf("the text %q", shown)
			}
			checkDiagram(t, s.Diagram, s.Text)
			if IsDrawn(s.Language) {
				checkSheet(t, s)
			}
		}
	})
}
