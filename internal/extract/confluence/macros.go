package confluence

import (
	_ "embed"
	"fmt"
	"strings"
	"sync"

	"github.com/goccy/go-yaml"
)

//go:embed macros.yaml
var macrosYAML []byte

// macroKind says what a macro does with its body.
type macroKind string

const (
	macroCode           macroKind = "code"
	macroBox            macroKind = "box"
	macroExcerpt        macroKind = "excerpt"
	macroInclude        macroKind = "include"
	macroExcerptInclude macroKind = "excerpt-include"
	macroChildren       macroKind = "children"
	macroContents       macroKind = "contents"
	macroStatus         macroKind = "status"
	macroIssue          macroKind = "issue"
	macroMermaid        macroKind = "mermaid"
	macroPlantUML       macroKind = "plantuml"
	macroMarkdown       macroKind = "markdown"
	macroHTML           macroKind = "html"
	macroDrawing        macroKind = "drawing"
	macroFile           macroKind = "file"
	macroAttachments    macroKind = "attachments"
	macroSilent         macroKind = "silent"
	macroUnknown        macroKind = ""
)

func macroKinds() []macroKind {
	return []macroKind{
		macroCode, macroBox, macroExcerpt, macroInclude, macroExcerptInclude, macroChildren, macroContents,
		macroStatus, macroIssue, macroMermaid, macroPlantUML, macroMarkdown, macroHTML, macroDrawing,
		macroFile, macroAttachments, macroSilent,
	}
}

// macroTable is what is known of macros.
type macroTable struct {
	kinds   map[string]macroKind
	symbols map[string]string
	// looks are the parameters that say how a macro looks.
	looks map[string]bool
}

// loadMacros is the table that is part of the program. An error is a fault of
// the program.
var loadMacros = sync.OnceValues(readMacros)

func readMacros() (*macroTable, error) {
	var raw struct {
		Kinds   map[macroKind][]string `yaml:"kinds"`
		Symbols map[string]string      `yaml:"symbols"`
		Looks   []string               `yaml:"looks"`
	}
	if err := yaml.UnmarshalWithOptions(macrosYAML, &raw, yaml.Strict()); err != nil {
		return nil, fmt.Errorf("macros.yaml: %s", yaml.FormatError(err, false, true))
	}
	t := &macroTable{kinds: map[string]macroKind{}, symbols: raw.Symbols, looks: map[string]bool{}}
	for _, name := range raw.Looks {
		t.looks[name] = true
	}
	for _, kind := range macroKinds() {
		for _, name := range raw.Kinds[kind] {
			if other, ok := t.kinds[name]; ok {
				return nil, fmt.Errorf("macros.yaml: %s is both %s and %s", name, other, kind)
			}
			t.kinds[name] = kind
		}
		delete(raw.Kinds, kind)
	}
	for kind := range raw.Kinds {
		return nil, fmt.Errorf("macros.yaml: %q is no kind of macro", kind)
	}
	return t, nil
}

func (t *macroTable) kind(name string) macroKind { return t.kinds[strings.ToLower(name)] }
