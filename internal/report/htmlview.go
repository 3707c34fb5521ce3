package report

import (
	"fmt"
	"slices"
	"strings"

	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

// What follows is called by the templates.

// ReviewsDue are the threats whose decision must be looked at again.
func (p *html) ReviewsDue() []threatView {
	var out []threatView
	for _, list := range [][]threatView{p.Open, p.Settled} {
		for _, t := range list {
			if t.Review != nil && t.MergedInto == "" {
				out = append(out, t)
			}
		}
	}
	return out
}

// Pages is the number of pages of all PDF documents.
func (p *html) Pages() int { return p.pages() }

// Worker says who analysed.
func (p *html) Worker() string { return p.worker() }

// Size says how much there is of the system.
func (p *html) Size() string { return p.size() }

// ChangeCounts tells the changes in numbers.
func (p *html) ChangeCounts() string { return p.changeCounts() }

// ImpactScale heads the columns of the matrix.
func (p *html) ImpactScale() []int { return []int{1, 2, 3, 4, 5} }

// briefLine is a fact of the brief.
type briefLine struct {
	Title, Value string
	Evidence     []threatmodel.Evidence
}

// BriefLines are the facts of the brief in their order, unknown ones last.
func (p *html) BriefLines() []briefLine {
	var out []briefLine
	for _, b := range briefTitles {
		for _, f := range p.Brief.Facts {
			if f.Name == b.name && f.Value != "" {
				out = append(out, briefLine{b.title, f.Value, f.Evidence})
			}
		}
	}
	for _, f := range p.Brief.Facts {
		if !slices.ContainsFunc(briefTitles, func(b struct{ name, title string }) bool { return b.name == f.Name }) {
			out = append(out, briefLine{words(f.Name), f.Value, f.Evidence})
		}
	}
	return out
}

// Parts are the elements by kind, in the order in which kinds are shown.
func (p *html) Parts() []threatmodel.Element {
	out := slices.Clone(p.Elements)
	kinds := threatmodel.Kinds()
	slices.SortStableFunc(out, func(a, b threatmodel.Element) int { return slices.Index(kinds, a.Kind) - slices.Index(kinds, b.Kind) })
	return out
}

// ChangedDocuments are those that are not as they were.
func (p *html) ChangedDocuments() []threatmodel.DocumentDiff {
	return slices.DeleteFunc(slices.Clone(p.Changes.Documents), func(d threatmodel.DocumentDiff) bool { return d.Change == "unchanged" })
}

// ChangeList are the changes in the order in which they are told; what stayed
// as it was is only counted.
func (p *html) ChangeList() []threatmodel.ThreatChange {
	var out []threatmodel.ThreatChange
	for _, k := range changeKinds() {
		if k != threatmodel.ThreatUnchanged {
			out = append(out, p.changed(k)...)
		}
	}
	return out
}

// Statuses are those that open threats have.
func (p *html) Statuses() []string {
	return p.seen(func(t threatView) []string { return []string{string(t.Status)} })
}

// VerdictsSeen are the verdicts on controls of open threats.
func (p *html) VerdictsSeen() []string {
	return p.seen(func(t threatView) []string { return strings.Fields(t.VerdictList()) })
}

func (p *html) seen(of func(threatView) []string) []string {
	var out []string
	for _, t := range p.Open {
		for _, s := range of(t) {
			if !slices.Contains(out, s) {
				out = append(out, s)
			}
		}
	}
	slices.Sort(out)
	return out
}

// VerdictList are the verdicts on a threat's controls, or none.
func (v threatView) VerdictList() string {
	if len(v.Controls) == 0 {
		return "none"
	}
	var out []string
	for _, c := range v.Controls {
		out = append(out, string(c.Verdict))
	}
	return strings.Join(out, " ")
}

// LastDecision is the one that counts; nil where nobody decided.
func (v threatView) LastDecision() *threatmodel.Decision {
	if len(v.Decisions) == 0 {
		return nil
	}
	return &v.Decisions[len(v.Decisions)-1]
}

// Rerated reports whether a person rated other than the analysis proposed.
func (v threatView) Rerated() bool {
	return v.Proposed.Likelihood != 0 && (v.Proposed.Likelihood != v.Likelihood.Value || v.Proposed.Impact != v.Impact.Value)
}

// FoundBy says where a threat comes from.
func (v threatView) FoundBy() string {
	switch v.Source {
	case threatmodel.SourcePattern:
		return "the built-in analyst"
	case threatmodel.SourceModel:
		return "the model"
	case threatmodel.SourceBoth:
		return "the model and the built-in analyst"
	case threatmodel.SourcePerson:
		return "a person"
	}
	return fmt.Sprintf("%q", v.Source)
}
