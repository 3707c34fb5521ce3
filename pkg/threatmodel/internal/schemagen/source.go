package schemagen

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strconv"
	"strings"
)

// Source is what the Go source says about types beside their structure.
type Source struct {
	// Types and Fields hold comments, by Type and Type.Field.
	Types, Fields map[string]string
	// Values are the constants of a named text, in the order of the source.
	Values map[string][]string
}

// Read reads the source of a package in a folder; tests are left out.
func Read(folder string) (*Source, error) {
	paths, err := filepath.Glob(filepath.Join(folder, "*.go"))
	if err != nil {
		return nil, fmt.Errorf("listing the source: %w", err)
	}
	s := &Source{Types: map[string]string{}, Fields: map[string]string{}, Values: map[string][]string{}}
	for _, path := range paths {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ParseComments)
		if err != nil {
			return nil, fmt.Errorf("reading the source: %w", err)
		}
		for _, d := range file.Decls {
			if g, ok := d.(*ast.GenDecl); ok {
				s.declaration(g)
			}
		}
	}
	return s, nil
}

func (s *Source) declaration(g *ast.GenDecl) {
	for _, spec := range g.Specs {
		switch x := spec.(type) {
		case *ast.TypeSpec:
			doc := x.Doc
			if doc == nil {
				doc = g.Doc
			}
			s.Types[x.Name.Name] = comment(doc)
			if body, ok := x.Type.(*ast.StructType); ok {
				s.fields(x.Name.Name, body)
			}
		case *ast.ValueSpec:
			s.constants(x)
		}
	}
}

func (s *Source) fields(name string, body *ast.StructType) {
	for _, f := range body.Fields.List {
		for _, n := range f.Names {
			s.Fields[name+"."+n.Name] = comment(f.Doc)
		}
	}
}

// constants takes the values of constants that name their type.
func (s *Source) constants(x *ast.ValueSpec) {
	kind, ok := x.Type.(*ast.Ident)
	if !ok {
		return
	}
	for _, v := range x.Values {
		if lit, ok := v.(*ast.BasicLit); ok && lit.Kind == token.STRING {
			if value, err := strconv.Unquote(lit.Value); err == nil {
				s.Values[kind.Name] = append(s.Values[kind.Name], value)
			}
		}
	}
}

// comment is the text of a comment in one line.
func comment(c *ast.CommentGroup) string {
	if c == nil {
		return ""
	}
	return strings.Join(strings.Fields(c.Text()), " ")
}
