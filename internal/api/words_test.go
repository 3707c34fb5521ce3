package api_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write words.json and openapi.json anew")

// sourceWords are the comments and constants of package resource.
type sourceWords struct {
	Types  map[string]string   `json:"types"`
	Fields map[string]string   `json:"fields"`
	Values map[string][]string `json:"values"`
}

// TestWordsAreCurrent holds that /openapi.json tells what the source of package
// resource says. Make words.json anew with
//
//	go test ./internal/api -run 'TestWordsAreCurrent|TestOpenAPIIsAsCommitted' -update
//
// twice, and read what changed in openapi.json.
func TestWordsAreCurrent(t *testing.T) {
	w := sourceWords{Types: map[string]string{}, Fields: map[string]string{}, Values: map[string][]string{}}
	paths, err := filepath.Glob("../../pkg/resource/*.go")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no source of package resource: %v", err)
	}
	for _, path := range paths {
		if !strings.HasSuffix(path, "_test.go") {
			w.read(t, path, "")
		}
	}
	w.read(t, "../../pkg/threatmodel/source.go", "Model") // is not part of the model's schema
	var want bytes.Buffer
	enc := json.NewEncoder(&want)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(w); err != nil {
		t.Fatal(err)
	}
	golden(t, "words.json", want.Bytes())
}

// golden compares with a committed file, or writes it.
func golden(t *testing.T, path string, got []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s is not current: run go test ./internal/api -run 'TestWordsAreCurrent|TestOpenAPIIsAsCommitted' -update twice, and read what changed", path)
	}
}

func (w *sourceWords) read(t *testing.T, path, prefix string) {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range file.Decls {
		g, ok := d.(*ast.GenDecl)
		if !ok {
			continue
		}
		for _, spec := range g.Specs {
			switch x := spec.(type) {
			case *ast.TypeSpec:
				w.declared(g, x, prefix)
			case *ast.ValueSpec:
				w.constant(x)
			}
		}
	}
}

func (w *sourceWords) declared(g *ast.GenDecl, x *ast.TypeSpec, prefix string) {
	name := prefix + x.Name.Name
	w.note(w.Types, name, g.Doc)
	body, ok := x.Type.(*ast.StructType)
	if !ok {
		return
	}
	for _, f := range body.Fields.List {
		for _, n := range f.Names {
			w.note(w.Fields, name+"."+n.Name, f.Doc)
			if f.Doc == nil {
				w.note(w.Fields, name+"."+n.Name, f.Comment)
			}
		}
	}
}

func (w *sourceWords) note(to map[string]string, name string, c *ast.CommentGroup) {
	if text := strings.Join(strings.Fields(c.Text()), " "); text != "" {
		to[name] = text
	}
}

// constant takes the value of a constant that names its type.
func (w *sourceWords) constant(x *ast.ValueSpec) {
	kind, ok := x.Type.(*ast.Ident)
	if !ok {
		return
	}
	for _, v := range x.Values {
		if lit, ok := v.(*ast.BasicLit); ok && lit.Kind == token.STRING {
			if value, err := strconv.Unquote(lit.Value); err == nil {
				w.Values[kind.Name] = append(w.Values[kind.Name], value)
			}
		}
	}
}
