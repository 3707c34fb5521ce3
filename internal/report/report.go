// Package report shows a threat model to people: on a terminal, as one HTML
// page, and as Markdown.
//
// What comes from documents, and from models that read them, is data here: it
// is made visible (package visible) before anything else, and then escaped for
// where it goes.
package report

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/bartizan-security/bartizan/internal/report/dataflow"
	"github.com/bartizan-security/bartizan/internal/report/visible"
	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

// Texts holds the extracted text of documents by document id, as the locators
// of evidence count in it. Where a text is missing, or no longer fits the
// model, quotes are shown without what stands around them.
type Texts map[string]string

// Diagram is the data flow diagram as an SVG file; of a large system the
// overview, with each outermost trust boundary as one box. It fails for a
// model without elements, and where ctx ends before the layout is done.
func Diagram(ctx context.Context, m *threatmodel.Model) ([]byte, error) {
	views := dataflow.Views(m)
	if len(views) == 0 {
		return nil, errors.New("drawing the data flow diagram: the model has no elements")
	}
	return dataflow.Standalone(ctx, views[0].Graph)
}

// shown is the part of a model that all reports share: a copy with every text
// made visible, and what is asked of it again and again.
type shown struct {
	*threatmodel.Model
	elements map[string]*threatmodel.Element
	assets   map[string]*threatmodel.Asset
}

func show(m *threatmodel.Model) *shown {
	c := visible.Copy(*m)
	s := &shown{Model: &c, elements: map[string]*threatmodel.Element{}, assets: map[string]*threatmodel.Asset{}}
	for i := range c.Elements {
		s.elements[c.Elements[i].ID] = &c.Elements[i]
	}
	for i := range c.Assets {
		s.assets[c.Assets[i].ID] = &c.Assets[i]
	}
	return s
}

// elementName is what people call an element; a flow without a name is called
// by its ends.
func (s *shown) elementName(id string) string {
	e := s.elements[id]
	switch {
	case e == nil:
		return id
	case e.Name != "":
		return visible.Line(e.Name)
	case e.From != "" && e.To != "" && s.elements[e.From] != nil && s.elements[e.To] != nil:
		return visible.Line(s.elements[e.From].Name + " → " + s.elements[e.To].Name)
	}
	return id
}

func (s *shown) assetName(id string) string {
	if a := s.assets[id]; a != nil {
		return visible.Line(a.Name)
	}
	return id
}

func (s *shown) documentName(id string) string {
	if d := s.Document(id); d != nil {
		return visible.Line(d.Name)
	}
	return id
}

// ask says whether a threat is one that a reader has to do something about:
// it stands, and nobody settled it.
func ask(t *threatmodel.Threat) bool { return t.Live() && t.IsOpen() }

// omission reports whether all that a threat rests on is what the design does
// not say.
func omission(t *threatmodel.Threat) bool {
	for _, e := range t.Evidence {
		if !e.Omission {
			return false
		}
	}
	return len(t.Evidence) > 0
}

// byRisk are the threats that pass a test, highest risk first, in the order of
// the model within a level.
func (s *shown) byRisk(keep func(*threatmodel.Threat) bool) []*threatmodel.Threat {
	var out []*threatmodel.Threat
	for i := range threatmodel.Levels() {
		level := threatmodel.Levels()[len(threatmodel.Levels())-1-i]
		for j := range s.Threats {
			if t := &s.Threats[j]; t.Risk == level && keep(t) {
				out = append(out, t)
			}
		}
	}
	for j := range s.Threats {
		if t := &s.Threats[j]; !t.Risk.AtLeast(threatmodel.Low) && keep(t) {
			out = append(out, t)
		}
	}
	return out
}

// worst is the control with the worst verdict: what a table has room for.
func worst(t *threatmodel.Threat) *threatmodel.ControlRef {
	var out *threatmodel.ControlRef
	for i := range t.Controls {
		if c := &t.Controls[i]; out == nil || verdictRank(c.Verdict) > verdictRank(out.Verdict) {
			out = c
		}
	}
	return out
}

// verdictRank orders verdicts from best to worst. Bypassed ranks above absent:
// a control that is believed in and gone round misleads more than none.
func verdictRank(v threatmodel.Verdict) int {
	for i, x := range threatmodel.Verdicts() {
		if x == v {
			if v == threatmodel.Bypassed {
				return len(threatmodel.Verdicts())
			}
			return i
		}
	}
	return -1
}

// where is the place of a quote as a reader finds it: "p. 3" or "lines 4–9".
func where(l threatmodel.Locator) string {
	switch {
	case l.Page != nil:
		return fmt.Sprintf("p. %d", *l.Page)
	case l.LineStart == nil:
		return ""
	case l.LineEnd == nil || *l.LineEnd == *l.LineStart:
		return fmt.Sprintf("line %d", *l.LineStart)
	}
	return fmt.Sprintf("lines %d–%d", *l.LineStart, *l.LineEnd)
}

// flags are what a reader should know of a threat before reading on, in
// brackets after a space; empty for an ordinary open threat.
func flags(x *threatmodel.Threat) string {
	var out []string
	if x.MergedInto != "" {
		out = append(out, "merged")
	} else if x.Status != threatmodel.StatusOpen {
		out = append(out, string(x.Status))
	}
	if x.ReviewDue != nil {
		out = append(out, "look again")
	}
	if omission(x) {
		out = append(out, "omission")
	}
	if x.NotReproduced {
		out = append(out, "not reproduced")
	}
	if len(out) == 0 {
		return ""
	}
	return " (" + strings.Join(out, ", ") + ")"
}

// plural is "1 threat", "2 threats".
func plural(n int, one string) string {
	if n == 1 {
		return "1 " + one
	}
	if one[len(one)-1] == 'y' {
		return number(n) + " " + one[:len(one)-1] + "ies"
	}
	return number(n) + " " + one + "s"
}

// number writes n with commas between thousands.
func number(n int) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// took writes a duration as people say it.
func took(d time.Duration) string {
	switch {
	case d < time.Second:
		return fmt.Sprintf("%d ms", d.Milliseconds())
	case d < time.Minute:
		return fmt.Sprintf("%.1f s", d.Seconds())
	}
	return fmt.Sprintf("%d min %d s", int(d.Minutes()), int(d.Seconds())%60)
}

// words of the vocabulary as people read them.
var strideNames = map[threatmodel.STRIDE]string{
	threatmodel.Spoofing: "Spoofing", threatmodel.Tampering: "Tampering", threatmodel.Repudiation: "Repudiation",
	threatmodel.InformationDisclosure: "Information disclosure", threatmodel.DenialOfService: "Denial of service",
	threatmodel.ElevationOfPrivilege: "Elevation of privilege",
}

var changeNames = map[threatmodel.ChangeKind]string{
	threatmodel.ThreatAdded: "added", threatmodel.ThreatChanged: "changed", threatmodel.ThreatResolved: "resolved",
	threatmodel.ThreatReturned: "returned", threatmodel.ThreatUnchanged: "unchanged", threatmodel.ThreatMoved: "moved",
	threatmodel.ThreatReworded: "reworded", threatmodel.ThreatMerged: "merged", threatmodel.ThreatNotReproduced: "not reproduced",
}

// changeKinds is the order in which changes are told: what asks for attention
// first.
func changeKinds() []threatmodel.ChangeKind {
	return []threatmodel.ChangeKind{
		threatmodel.ThreatAdded, threatmodel.ThreatReturned, threatmodel.ThreatChanged, threatmodel.ThreatResolved, threatmodel.ThreatMerged,
		threatmodel.ThreatNotReproduced, threatmodel.ThreatMoved, threatmodel.ThreatReworded, threatmodel.ThreatUnchanged,
	}
}
