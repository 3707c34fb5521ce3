// Package eval scores a threat model against what people found in the same
// documents.
//
// What they found stands in a truth file, truth.yaml:
//
//	system: Tallybridge Portal     # for people
//	input: docs                    # the documents, relative to the file
//	elements:                      # the parts of the system
//	  - {name: Portal API, aliases: [api], kind: process}
//	threats:
//	  - id: tenant-export          # unique in the file
//	    title: A tenant exports invoices of any other tenant
//	    elements: [Portal API]     # names or aliases of elements
//	    stride: [information_disclosure]
//	    family: authorization      # or families: [...], where readers may differ
//	    cwe: [639, 863]
//	    document: api.md           # where the quotes stand
//	    quotes: ["It does not compare the ids with the caller's tenant."]
//	    also_in: [flows.md]        # further documents in which quotes stand
//	    omission: false            # the quotes only state that the element exists
//	    level: high
//	    control: A.8.3             # the control that answers it, and what the
//	    verdict: bypassed          # design shows of it
//	stated_controls:               # controls that the documents say the system has
//	  - name: Least privilege in the database
//	    elements: [Invoice DB]
//	    control: A.8.2
//	    verdict: bypassed
//	    quotes: ["The roles can read only the schemas that they need."]
//	    against: ["portal_owner | does not apply"]   # what goes round it
//	    document: README.md
//	not_threats:                   # sentences that must not become a threat
//	  - {quote: "Invoice texts are not sent to any model.", document: faq.md, why: negated}
//	neutralised:                   # threats that another sentence rules out
//	  - {threat: The caller sets the tenant, document: api.md, quotes: ["..."]}
//
// Quotes are whole sentences, list items or table rows (cells joined by " | ")
// as a reader sees them. Reading is strict: an unknown key, family, verdict,
// element or level is an error that names the entry.
package eval

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"slices"

	"github.com/goccy/go-yaml"

	"github.com/bartizan-security/bartizan/internal/catalog/weakness"
	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

// Truth is what people found in documents.
type Truth struct {
	System      string              `yaml:"system"`
	Input       string              `yaml:"input"`
	Elements    []TruthElement      `yaml:"elements"`
	Threats     []TruthThreat       `yaml:"threats"`
	Controls    []TruthControl      `yaml:"stated_controls"`
	NotThreats  []NotThreat         `yaml:"not_threats"`
	Neutralised []NeutralisedThreat `yaml:"neutralised"`
}

// TruthElement is a part of the system.
type TruthElement struct {
	Name    string           `yaml:"name"`
	Aliases []string         `yaml:"aliases"`
	Kind    threatmodel.Kind `yaml:"kind"`
}

// TruthThreat is a threat that a reader must find.
type TruthThreat struct {
	ID       string               `yaml:"id"`
	Title    string               `yaml:"title"`
	Elements []string             `yaml:"elements"`
	STRIDE   []threatmodel.STRIDE `yaml:"stride"`
	// Family, or Families where readers may differ, is the weakness family.
	Family   string   `yaml:"family"`
	Families []string `yaml:"families"`
	CWE      []int    `yaml:"cwe"`
	Document string   `yaml:"document"`
	// Quotes are sentences each of which carries the threat.
	Quotes   []string            `yaml:"quotes"`
	AlsoIn   []string            `yaml:"also_in"`
	Omission bool                `yaml:"omission"`
	Level    threatmodel.Level   `yaml:"level"`
	Control  string              `yaml:"control"`
	Verdict  threatmodel.Verdict `yaml:"verdict"`
}

// TruthControl is a control that the documents state.
type TruthControl struct {
	Name     string              `yaml:"name"`
	Elements []string            `yaml:"elements"`
	Control  string              `yaml:"control"`
	Verdict  threatmodel.Verdict `yaml:"verdict"`
	Quotes   []string            `yaml:"quotes"`
	Against  []string            `yaml:"against"`
	Document string              `yaml:"document"`
}

// NotThreat is a sentence that must not become a threat.
type NotThreat struct {
	Quote    string `yaml:"quote"`
	Document string `yaml:"document"`
	Why      string `yaml:"why"`
}

// NeutralisedThreat is what looks like a threat until the quotes are read.
type NeutralisedThreat struct {
	Threat   string   `yaml:"threat"`
	Document string   `yaml:"document"`
	Quotes   []string `yaml:"quotes"`
}

// families are all that count as right.
func (t *TruthThreat) families() []string {
	if t.Family == "" {
		return t.Families
	}
	return append([]string{t.Family}, t.Families...)
}

// Load reads a truth file.
func Load(path string) (*Truth, error) {
	raw, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("%s: there is no such file; give a truth.yaml", path)
	}
	if err != nil {
		return nil, fmt.Errorf("reading the truth: %w", err)
	}
	return Parse(path, raw)
}

// Parse reads a truth file's content; the name stands in errors.
func Parse(name string, raw []byte) (*Truth, error) {
	var t Truth
	if len(bytes.TrimSpace(raw)) == 0 {
		return nil, fmt.Errorf("%s is empty", name)
	}
	if err := yaml.UnmarshalWithOptions(raw, &t, yaml.Strict()); err != nil {
		return nil, fmt.Errorf("%s: %s", name, yaml.FormatError(err, false, true))
	}
	table, err := weakness.Load()
	if err != nil {
		return nil, err
	}
	if err := t.check(table); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return &t, nil
}

// check finds what is missing or unknown.
func (t *Truth) check(table *weakness.Table) error {
	if len(t.Threats) == 0 {
		return errors.New("it has no threats")
	}
	for _, e := range t.Elements {
		if e.Name == "" || !slices.Contains(threatmodel.Kinds(), e.Kind) {
			return fmt.Errorf("the element %q needs a name and a kind, one of %v", e.Name, threatmodel.Kinds())
		}
	}
	seen := map[string]bool{}
	for i := range t.Threats {
		x := &t.Threats[i]
		if x.ID == "" || seen[x.ID] {
			return fmt.Errorf("threat %d (%q) needs an id that no other has", i+1, x.Title)
		}
		seen[x.ID] = true
		if err := t.checkThreat(x, table); err != nil {
			return fmt.Errorf("threat %s: %w", x.ID, err)
		}
	}
	for _, c := range t.Controls {
		if c.Name == "" {
			return errors.New("a stated control has no name")
		}
		if err := firstError(quotes(c.Quotes), verdict(c.Verdict), t.known(c.Elements)); err != nil {
			return fmt.Errorf("stated control %q: %w", c.Name, err)
		}
	}
	return t.checkRest()
}

func (t *Truth) checkThreat(x *TruthThreat, table *weakness.Table) error {
	if x.Title == "" || x.Document == "" {
		return errors.New("it needs a title and a document")
	}
	if len(x.families()) == 0 {
		return errors.New("it needs a family, or families")
	}
	for _, f := range x.families() {
		if _, ok := table.Named(f); !ok {
			return fmt.Errorf("%q is no weakness family", f)
		}
	}
	for _, s := range x.STRIDE {
		if !slices.Contains(threatmodel.STRIDECategories(), s) {
			return fmt.Errorf("%q is no STRIDE category", s)
		}
	}
	if x.Level != "" && !slices.Contains(threatmodel.Levels(), x.Level) {
		return fmt.Errorf("%q is no level", x.Level)
	}
	if (x.Control == "") != (x.Verdict == "") {
		return errors.New("control and verdict go together")
	}
	if x.Verdict != "" {
		if err := verdict(x.Verdict); err != nil {
			return err
		}
	}
	return firstError(quotes(x.Quotes), t.known(x.Elements))
}

func (t *Truth) checkRest() error {
	for i, n := range t.NotThreats {
		if err := quotes([]string{n.Quote}); err != nil {
			return fmt.Errorf("not_threats %d: %w", i+1, err)
		}
	}
	for _, n := range t.Neutralised {
		if err := quotes(n.Quotes); err != nil {
			return fmt.Errorf("neutralised %q: %w", n.Threat, err)
		}
	}
	return nil
}

// known refuses names of elements that the truth does not list. Without a list
// any name goes.
func (t *Truth) known(names []string) error {
	if len(t.Elements) == 0 {
		return nil
	}
	for _, name := range names {
		if t.element(name) == nil {
			return fmt.Errorf("%q is none of the elements", name)
		}
	}
	return nil
}

// element finds an element by name or alias.
func (t *Truth) element(name string) *TruthElement {
	for i := range t.Elements {
		e := &t.Elements[i]
		if slices.ContainsFunc(e.names(), func(n string) bool { return foldName(n) == foldName(name) }) {
			return e
		}
	}
	return nil
}

func (e *TruthElement) names() []string { return append([]string{e.Name}, e.Aliases...) }

func quotes(list []string) error {
	if len(list) == 0 {
		return errors.New("it needs a quote")
	}
	for _, q := range list {
		if len(words(q)) == 0 {
			return errors.New("a quote is empty")
		}
	}
	return nil
}

func verdict(v threatmodel.Verdict) error {
	if !slices.Contains(threatmodel.Verdicts(), v) {
		return fmt.Errorf("%q is no verdict; it must be one of %v", v, threatmodel.Verdicts())
	}
	return nil
}

// firstError is the first error that is one.
func firstError(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
