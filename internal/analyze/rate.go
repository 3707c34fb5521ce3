package analyze

import (
	_ "embed"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/goccy/go-yaml"

	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

//go:embed criteria.yaml
var criteriaData []byte

// criteria turn facts about a threat into likelihood and impact.
type criteria struct {
	Likelihood struct {
		Start        int            `yaml:"start"`
		Exposure     map[string]int `yaml:"exposure"`
		Prerequisite map[string]int `yaml:"prerequisite"`
		Control      map[string]int `yaml:"control"`
	} `yaml:"likelihood"`
	Impact struct {
		Class       map[string]int `yaml:"class"`
		Properties  map[string]int `yaml:"properties"`
		Scope       map[string]int `yaml:"scope"`
		Criticality map[string]int `yaml:"criticality"`
	} `yaml:"impact"`
}

var loadCriteria = sync.OnceValues(func() (*criteria, error) {
	var c criteria
	if err := yaml.UnmarshalWithOptions(criteriaData, &c, yaml.Strict()); err != nil {
		return nil, fmt.Errorf("reading the embedded risk criteria: %w", err)
	}
	return &c, nil
})

// rate proposes likelihood and impact from the facts that were cited. No call:
// the same facts give the same rating.
func (r *run) rate(found []*candidate) {
	for _, c := range found {
		t := &c.threat
		r.completeFacts(t)
		t.Likelihood = r.likelihood(t)
		t.Impact = r.impact(t)
		t.Risk = threatmodel.Risk(t.Likelihood.Value, t.Impact.Value)
		t.Proposed = threatmodel.Proposal{Likelihood: t.Likelihood.Value, Impact: t.Impact.Value, Risk: t.Risk}
		t.Rating = threatmodel.RatingProposed
	}
}

// completeFacts fills in what the analyst left open from the diagram.
func (r *run) completeFacts(t *threatmodel.Threat) {
	f := &t.Facts
	if f.Exposure == "" || f.Exposure == threatmodel.ExposureUnknown {
		if e := r.element(t.Elements[0]); e != nil {
			f.Exposure = e.Exposure
		}
	}
	if f.Exposure == "" {
		f.Exposure = threatmodel.ExposureUnknown
	}
	f.Class = "unknown"
	for _, a := range r.graph.holdings {
		if slices.Contains(t.Assets, a.ID) && classRank(a.Class) > classRank(f.Class) {
			f.Class = a.Class
		}
	}
	if f.Class != "unknown" {
		return
	}
	for _, a := range r.assetsOf(t.Elements...) {
		if classRank(a.Class) > classRank(f.Class) {
			f.Class = a.Class
		}
	}
}

func (r *run) likelihood(t *threatmodel.Threat) threatmodel.Score {
	c := &r.criteria.Likelihood
	n := c.Start + c.Exposure[string(t.Facts.Exposure)] + c.Prerequisite[t.Facts.Prerequisite]
	why := []string{"reachable from: " + string(t.Facts.Exposure), "needs: " + orUnknown(t.Facts.Prerequisite)}
	if best, ok := bestVerdict(t.Controls); ok {
		n += c.Control[string(best)]
		why = append(why, "best stated control: "+string(best))
	} else {
		why = append(why, "no control stated")
	}
	return threatmodel.Score{Value: max(1, min(5, n)), Rationale: strings.Join(why, "; ")}
}

// bestVerdict is the best of the verdicts on a threat's controls.
func bestVerdict(refs []threatmodel.ControlRef) (threatmodel.Verdict, bool) {
	for _, v := range threatmodel.Verdicts() {
		if slices.ContainsFunc(refs, func(c threatmodel.ControlRef) bool { return c.Verdict == v }) {
			return v, true
		}
	}
	return "", false
}

func (r *run) impact(t *threatmodel.Threat) threatmodel.Score {
	c := &r.criteria.Impact
	n := c.Class[t.Facts.Class]
	why := []string{"data class: " + t.Facts.Class}
	for _, p := range t.Facts.Properties {
		n = max(n, c.Properties[p])
	}
	if len(t.Facts.Properties) > 0 {
		why = append(why, "hits: "+list(t.Facts.Properties))
	}
	n += c.Scope[t.Facts.Scope]
	why = append(why, "scope: "+orUnknown(t.Facts.Scope))
	if ctx := r.in.Context; ctx != nil && ctx.Criticality != "" {
		n += c.Criticality[ctx.Criticality]
		why = append(why, "criticality: "+ctx.Criticality)
	}
	return threatmodel.Score{Value: max(1, min(5, n)), Rationale: strings.Join(why, "; ")}
}

func orUnknown(s string) string {
	if s == "" {
		return "unknown"
	}
	return s
}
