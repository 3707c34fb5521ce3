// Package config reads what people write: the settings file and bartizan.yaml.
// Both are strict: a key that nobody knows is an error that names the line.
package config

import (
	_ "embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"

	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

// ContextName is the file in which people state what documents do not.
const ContextName = "bartizan.yaml"

// Sample is a commented bartizan.yaml.
//
//go:embed bartizan.yaml
var Sample []byte

// ContextFile is where a context may lie. Must makes its absence an error.
type ContextFile struct {
	Path string
	Must bool
}

// ReadContext reads a bartizan.yaml; nil where there is none.
func ReadContext(f ContextFile) (*threatmodel.Context, error) {
	raw, err := os.ReadFile(f.Path)
	if errors.Is(err, fs.ErrNotExist) && !f.Must {
		return nil, nil
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s: there is no such file; `bartizan init` writes a bartizan.yaml to fill in", f.Path)
	}
	if err != nil {
		return nil, fmt.Errorf("reading the context: %w", err)
	}
	var list []any // the decoder would take a list for an empty context
	if err := yaml.Unmarshal(raw, &list); err == nil && len(list) > 0 {
		return nil, fmt.Errorf("%s: it is a list; it must be keys with values, such as \"system: Orders\" (`bartizan init --print` shows them)", f.Path)
	}
	c := &threatmodel.Context{}
	if err := yaml.UnmarshalWithOptions(raw, c, yaml.Strict()); err != nil {
		return nil, fmt.Errorf("%s: %s", f.Path, yaml.FormatError(err, false, true))
	}
	if err := CheckContext(c); err != nil {
		return nil, fmt.Errorf("%s: %w", f.Path, err)
	}
	return c, nil
}

// CheckContext tells what of a context does not fit.
func CheckContext(c *threatmodel.Context) error {
	levels := []string{"low", "medium", "high", "critical"}
	if err := oneOf("criticality", c.Criticality, levels); err != nil {
		return err
	}
	if err := oneOf("classification", c.Classification, threatmodel.Classes()); err != nil {
		return err
	}
	for _, d := range c.DataClasses {
		if d.Name == "" {
			return errors.New("data_classes: an entry has no name")
		}
		if err := oneOf("class of "+d.Name, d.Class, threatmodel.Classes()); err != nil {
			return err
		}
	}
	for _, i := range c.Inherited {
		if i.Control == "" || i.Statement == "" || i.Provider == "" {
			return errors.New("inherited_controls: control, provider and statement must be given")
		}
	}
	for _, e := range c.Endpoints {
		if e.URL == "" {
			return errors.New("endpoints: an entry has no url")
		}
		if err := oneOf("up_to of "+e.URL, e.UpTo, threatmodel.Classes()); err != nil {
			return err
		}
	}
	for _, p := range c.Prices {
		if p.Model == "" || p.Input < 0 || p.Output < 0 {
			return fmt.Errorf("prices: the price of %q needs a model, and input and output of 0 or more", p.Model)
		}
	}
	return nil
}

func oneOf(what, value string, known []string) error {
	if value == "" || slices.Contains(known, value) {
		return nil
	}
	return fmt.Errorf("%s is %q; it must be one of %s", what, value, strings.Join(known, ", "))
}
