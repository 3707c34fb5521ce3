package catalog

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// source is a file with its name, for messages.
type source struct {
	name string
	raw  []byte
}

// file is a catalog as it is written; see the package's comment.
type file struct {
	ID        string    `yaml:"id"`
	Title     string    `yaml:"title"`
	Edition   string    `yaml:"edition"`
	Publisher string    `yaml:"publisher,omitempty"`
	Controls  []Control `yaml:"controls"`
	Fit       *fitTable `yaml:"fit,omitempty"`

	// controlsIn and fitIn are where controls and fit were read from.
	controlsIn, fitIn source
}

// decode reads a file strictly: an unknown key or a key given twice is an error.
func decode(s source) (*file, error) {
	f := &file{}
	if err := strict(s, f); err != nil {
		return nil, err
	}
	f.controlsIn, f.fitIn = s, s
	return f, nil
}

// addFit reads the fit table of a catalog from a file of its own.
func (f *file) addFit(s source) error {
	var table struct {
		Fit *fitTable `yaml:"fit"`
	}
	if err := strict(s, &table); err != nil {
		return err
	}
	if f.Fit != nil {
		return f.problem(path("fit"), "the catalog has a fit table in "+s.name+" too", "keep one of them")
	}
	f.Fit, f.fitIn = table.Fit, s
	return nil
}

func strict(s source, into any) error {
	doc, err := parser.ParseBytes(s.raw, 0)
	if err != nil {
		return s.explain(err)
	}
	filled := 0
	for _, d := range doc.Docs {
		if d.Body == nil || d.Body.Type() == ast.CommentType || d.Body.Type() == ast.NullType {
			continue
		}
		if filled++; filled > 1 {
			return fmt.Errorf("%s:%d: a second document begins here: a catalog is one, remove the line ---", s.name, start(d.Body)-1)
		}
	}
	if filled == 0 {
		return fmt.Errorf("%s is empty: a catalog has at least id, title, edition and controls", s.name)
	}
	if err := yaml.UnmarshalWithOptions(s.raw, into, yaml.Strict()); err != nil {
		return s.explain(err)
	}
	return nil
}

// explain names file and line of an error of the decoder.
func (s source) explain(err error) error {
	var at yaml.Error
	if errors.As(err, &at) && at.GetToken() != nil {
		return fmt.Errorf("%s:%d: %s: %s", s.name, at.GetToken().Position.Line, at.GetMessage(), keys)
	}
	return fmt.Errorf("%s: %w: %s", s.name, err, keys)
}

// keys says what a catalog may hold, for whoever wrote something else.
const keys = "a catalog has id, title, edition, publisher, controls and fit; a control has id, title, theme, parent, tags, summary, " +
	"design_visible, look_for, withdrawn and replaced_by; fit has families and cwes, and a row of it control, strength and reason"

// version is the edition and a hash of the content. Map keys are sorted by the
// encoder.
func (f *file) version() string {
	raw, err := json.Marshal(struct {
		ID, Title, Edition, Publisher string
		Controls                      []Control
		Fit                           *fitTable
	}{f.ID, f.Title, f.Edition, f.Publisher, f.Controls, f.Fit})
	if err != nil {
		panic("catalog: strings and lists do not encode: " + err.Error())
	}
	sum := sha256.Sum256(raw)
	return f.Edition + "-" + hex.EncodeToString(sum[:])[:8]
}

// problem says what is wrong at a place of the file, and what to do.
func (f *file) problem(at []any, what, remedy string) error {
	s := f.controlsIn
	if len(at) > 0 && at[0] == "fit" {
		s = f.fitIn
	}
	if line := s.line(at); line > 0 {
		return fmt.Errorf("%s:%d: %s: %s", s.name, line, what, remedy)
	}
	return fmt.Errorf("%s: %s: %s", s.name, what, remedy)
}

// path leads to a value: keys are strings, places in a list are ints.
func path(steps ...any) []any { return steps }

// line is the line of the value that a path leads to, or of the last one on the
// way that is there; 0 where there is none.
func (s source) line(path []any) int {
	doc, err := parser.ParseBytes(s.raw, 0)
	if err != nil || len(doc.Docs) == 0 {
		return 0
	}
	node := doc.Docs[0].Body
	for _, step := range path {
		next := child(node, step)
		if next == nil {
			break
		}
		node = next
	}
	if node == nil {
		return 0
	}
	return start(node)
}

// start is the line where a value begins. The token of a mapping or a pair is
// the colon, which may stand lower.
func start(node ast.Node) int {
	switch n := node.(type) {
	case *ast.MappingNode:
		if len(n.Values) > 0 && !n.IsFlowStyle {
			return start(n.Values[0])
		}
	case *ast.MappingValueNode:
		return n.Key.GetToken().Position.Line
	case *ast.SequenceNode:
		if len(n.Values) > 0 && !n.IsFlowStyle {
			return start(n.Values[0])
		}
	}
	return node.GetToken().Position.Line
}

func child(node ast.Node, step any) ast.Node {
	switch n := node.(type) {
	case *ast.MappingNode:
		for _, v := range n.Values {
			if v.Key.String() == fmt.Sprint(step) || strings.Trim(v.Key.String(), `"'`) == fmt.Sprint(step) {
				return v.Value
			}
		}
	case *ast.SequenceNode:
		if i, ok := step.(int); ok && i < len(n.Values) {
			return n.Values[i]
		}
	}
	return nil
}
