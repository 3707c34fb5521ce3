package decision

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"

	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

// entry is a decision as the file has it.
type entry struct {
	Threat     string                         `yaml:"threat"`
	Action     threatmodel.Action             `yaml:"action"`
	Reason     string                         `yaml:"reason,omitempty"`
	By         string                         `yaml:"by"`
	At         string                         `yaml:"at"`
	Until      string                         `yaml:"until,omitempty"`
	Of         string                         `yaml:"of,omitempty"`
	Likelihood int                            `yaml:"likelihood,omitempty"`
	Impact     int                            `yaml:"impact,omitempty"`
	Proposed   threatmodel.Level              `yaml:"proposed_risk,omitempty"`
	Element    string                         `yaml:"element,omitempty"`
	Family     string                         `yaml:"family,omitempty"`
	Verdicts   map[string]threatmodel.Verdict `yaml:"verdicts,omitempty"`
	Anchors    []anchor                       `yaml:"anchors"`
}

type anchor struct {
	Quote    string `yaml:"quote"`
	Document string `yaml:"document"`
	Heading  string `yaml:"heading,omitempty"`
	Before   string `yaml:"before,omitempty"`
	After    string `yaml:"after,omitempty"`
	Hash     string `yaml:"hash"`
}

func entryOf(d *threatmodel.Decision) entry {
	e := entry{
		Threat: d.Threat, Action: d.Action, Reason: d.Reason, By: d.By, At: d.At.UTC().Format(time.RFC3339Nano), Of: d.Of,
		Likelihood: d.Likelihood, Impact: d.Impact, Proposed: d.Proposed, Element: d.Element, Family: d.Family, Verdicts: d.Verdicts,
		Anchors: []anchor{},
	}
	if d.Until != nil {
		e.Until = formatDay(*d.Until)
	}
	for _, a := range d.Anchors {
		e.Anchors = append(e.Anchors, anchor{a.Quote, a.Document, a.Heading, a.Before, a.After, a.Hash})
	}
	return e
}

// decision checks an entry and returns what it says.
func (e *entry) decision() (threatmodel.Decision, error) {
	d := threatmodel.Decision{
		Threat: e.Threat, Action: e.Action, Reason: e.Reason, By: e.By, Of: e.Of, Likelihood: e.Likelihood, Impact: e.Impact,
		Proposed: e.Proposed, Element: e.Element, Family: e.Family, Verdicts: e.Verdicts, Anchors: []threatmodel.Anchor{},
	}
	if e.At != "" {
		at, err := time.Parse(time.RFC3339, e.At)
		if err != nil {
			return d, fmt.Errorf("at: %q is no time such as 2027-03-31T12:00:00Z", e.At)
		}
		d.At = at.UTC()
	}
	if e.Until != "" {
		until, err := ParseDay(e.Until)
		if err != nil {
			return d, fmt.Errorf("until: %w", err)
		}
		d.Until = &until
	}
	if e.Proposed != "" && !slices.Contains(threatmodel.Levels(), e.Proposed) {
		return d, fmt.Errorf("proposed_risk: %q is no risk level", e.Proposed)
	}
	for control, v := range e.Verdicts {
		if !slices.Contains(threatmodel.Verdicts(), v) {
			return d, fmt.Errorf("verdicts: %q of %s is no verdict", v, control)
		}
	}
	for _, a := range e.Anchors {
		if a.Hash == "" {
			return d, fmt.Errorf("anchors: %q has no hash", a.Quote)
		}
		d.Anchors = append(d.Anchors, threatmodel.Anchor{Hash: a.Hash, Quote: a.Quote, Before: a.Before, After: a.After, Document: a.Document, Heading: a.Heading})
	}
	return d, Check(&d)
}

// Parse reads the content of a decisions file; the name stands in errors.
func Parse(name string, raw []byte) ([]threatmodel.Decision, error) {
	list, err := sequence(name, raw)
	if err != nil || list == nil {
		return []threatmodel.Decision{}, err
	}
	out := make([]threatmodel.Decision, 0, len(list.Values))
	for _, node := range list.Values {
		var e entry
		if err := yaml.NodeToValue(node, &e, yaml.Strict()); err != nil {
			return nil, located(name, err, node)
		}
		d, err := e.decision()
		if err != nil {
			return nil, located(name, err, node)
		}
		out = append(out, d)
	}
	return out, nil
}

// sequence is the list that a decisions file holds; nil where it holds nothing.
func sequence(name string, raw []byte) (*ast.SequenceNode, error) {
	file, err := parser.ParseBytes(raw, 0)
	if err != nil {
		return nil, located(name, err, nil)
	}
	var list *ast.SequenceNode
	for _, doc := range file.Docs {
		if doc.Body == nil || doc.Body.Type() == ast.CommentType {
			continue
		}
		found, ok := doc.Body.(*ast.SequenceNode)
		if !ok || list != nil {
			return nil, located(name, errors.New("the file must be one list of decisions, each beginning with a dash"), doc.Body)
		}
		list = found
	}
	return list, nil
}

// located names the file and the line of an error.
func located(name string, err error, node ast.Node) error {
	line := 0
	if node != nil && node.GetToken() != nil {
		line = node.GetToken().Position.Line
	}
	var at yaml.Error
	if errors.As(err, &at) {
		if at.GetToken() != nil {
			line = at.GetToken().Position.Line
		}
		err = errors.New(at.GetMessage())
	}
	return fmt.Errorf("%s:%d: %w", name, max(1, line), err)
}

// extend is the content of a file with decisions added at its end. It refuses to
// add to what cannot be read.
func extend(name string, raw []byte, decisions []threatmodel.Decision) ([]byte, error) {
	before, err := Parse(name, raw)
	if err != nil {
		return nil, err
	}
	list, err := sequence(name, raw)
	if err != nil {
		return nil, err
	}
	next := slices.Clone(raw)
	if len(bytes.TrimSpace(raw)) == 0 {
		next = []byte(header)
	}
	if n := len(next); n > 0 && next[n-1] != '\n' {
		next = append(next, '\n')
	}
	for i := range decisions {
		text, err := encode(&decisions[i])
		if err != nil {
			return nil, fmt.Errorf("writing the decision on %s: %w", decisions[i].Threat, err)
		}
		next = append(next, '\n')
		next = append(next, indent(text, list)...)
	}
	after, err := Parse(name, next)
	if err != nil || len(after) != len(before)+len(decisions) {
		return nil, fmt.Errorf("%s: nothing can be added at its end: write it as one list, each decision beginning with a dash on a line of its own", name)
	}
	return next, nil
}

// encode writes a decision as an item of a list: in block style, or where that
// would not read back as it was, because of how a text begins or what it holds,
// in flow style with everything quoted.
func encode(d *threatmodel.Decision) ([]byte, error) {
	e := entryOf(d)
	text, err := yaml.MarshalWithOptions([]entry{e}, yaml.UseLiteralStyleIfMultiline(true))
	if err == nil && readsBack(text, e) {
		return text, nil
	}
	flow, err := yaml.MarshalWithOptions(e, yaml.JSON())
	if err != nil {
		return nil, err
	}
	text = append([]byte("- "), flow...)
	if !readsBack(text, e) {
		return nil, errors.New("its text holds characters that a YAML file cannot keep")
	}
	return text, nil
}

// readsBack reports whether a text holds exactly one entry.
func readsBack(text []byte, want entry) bool {
	var got []entry
	if err := yaml.UnmarshalWithOptions(text, &got, yaml.Strict()); err != nil || len(got) != 1 {
		return false
	}
	if len(want.Verdicts) == 0 {
		want.Verdicts = nil
	}
	return reflect.DeepEqual(got[0], want)
}

// indent puts an entry as far right as those of the list before it.
func indent(text []byte, list *ast.SequenceNode) []byte {
	if list == nil || list.Start == nil || list.Start.Position.Column <= 1 {
		return text
	}
	space := strings.Repeat(" ", list.Start.Position.Column-1)
	var out strings.Builder
	for line := range strings.Lines(string(text)) {
		out.WriteString(space + line)
	}
	return []byte(out.String())
}
