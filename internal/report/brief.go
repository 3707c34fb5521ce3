package report

import (
	"fmt"
	"strings"

	"github.com/bartizan-security/bartizan/internal/report/visible"
	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

// briefTitles are the facts of a brief in the order in which they are told.
var briefTitles = []struct{ name, title string }{
	{"purpose", "Purpose"},
	{"users", "Users"},
	{"exposure", "Exposure"},
	{"tenancy", "Tenancy"},
	{"deployment", "Deployment"},
	{"data_classes", "Data"},
}

// paragraph tells the system in one paragraph: the purpose as a sentence, then
// the other facts with their names.
func (s *shown) paragraph() string {
	var out []string
	for _, b := range briefTitles {
		for _, f := range s.Brief.Facts {
			if f.Name != b.name || f.Value == "" {
				continue
			}
			value := visible.Line(f.Value)
			if b.name != "purpose" {
				value = b.title + ": " + value
			}
			out = append(out, strings.TrimRight(value, ". ")+".")
		}
	}
	return strings.Join(out, " ")
}

// size says how much there is of the system: "6 elements, 5 flows, 2 trust
// boundaries".
func (s *shown) size() string {
	var elements, flows, zones int
	for _, e := range s.Elements {
		switch e.Kind {
		case threatmodel.DataFlow:
			flows++
		case threatmodel.TrustBoundary:
			zones++
		default:
			elements++
		}
	}
	return fmt.Sprintf("%s, %s, %s, %s", plural(elements, "element"), plural(flows, "data flow"), plural(zones, "trust boundary"), plural(len(s.Assets), "asset"))
}

// pages is the number of pages of all PDF documents.
func (s *shown) pages() int {
	n := 0
	for _, d := range s.Documents {
		if d.Pages != nil {
			n += *d.Pages
		}
	}
	return n
}

// counts are the numbers of a summary.
type counts struct {
	// Level counts threats that ask for something; Omissions are those among
	// them that rest on what the design leaves out.
	Level           map[threatmodel.Level]int
	Open, Omissions int
	// Settled counts by status those that a person or a change settled.
	Settled map[threatmodel.Status]int
	// Review counts the decisions to look at again.
	Review int
	// NotReproduced counts standing threats that the analyst did not find again.
	NotReproduced int
}

func (s *shown) counts() counts {
	c := counts{Level: map[threatmodel.Level]int{}, Settled: map[threatmodel.Status]int{}}
	for i := range s.Threats {
		t := &s.Threats[i]
		if t.ReviewDue != nil && t.MergedInto == "" {
			c.Review++
		}
		if !ask(t) {
			if t.MergedInto == "" {
				c.Settled[t.Status]++
			}
			continue
		}
		c.Open++
		c.Level[t.Risk]++
		if omission(t) {
			c.Omissions++
		}
		if t.NotReproduced {
			c.NotReproduced++
		}
	}
	return c
}

// headline is "17 open: 2 critical, 5 high, 8 medium, 2 low".
func (c counts) headline() string {
	out := plural(c.Open, "threat") + " open"
	var levels []string
	for i := range threatmodel.Levels() {
		level := threatmodel.Levels()[len(threatmodel.Levels())-1-i]
		if n := c.Level[level]; n > 0 {
			levels = append(levels, fmt.Sprintf("%d %s", n, level))
		}
	}
	if len(levels) > 0 {
		out += ": " + strings.Join(levels, ", ")
	}
	return out
}

// rest tells omissions apart, and what was settled.
func (c counts) rest() []string {
	var out []string
	if c.Omissions > 0 {
		out = append(out, fmt.Sprintf("%d stated by the documents, %d by omission (what the design leaves out)", c.Open-c.Omissions, c.Omissions))
	}
	if settled := c.Settlements(); settled != "" {
		out = append(out, "settled: "+settled)
	}
	return out
}

// Settlements is "2 mitigated, 1 accepted"; empty where nothing is settled.
func (c counts) Settlements() string {
	var out []string
	for _, st := range []threatmodel.Status{
		threatmodel.StatusMitigated, threatmodel.StatusAccepted, threatmodel.StatusRejected, threatmodel.StatusDuplicate, threatmodel.StatusResolved,
	} {
		if n := c.Settled[st]; n > 0 {
			out = append(out, fmt.Sprintf("%d %s", n, st))
		}
	}
	return strings.Join(out, ", ")
}

// Stated counts the open threats that rest on what the documents say.
func (c counts) Stated() int { return c.Open - c.Omissions }

// changeCounts is "2 added, 1 changed, 12 unchanged"; empty without a baseline.
func (s *shown) changeCounts() string {
	if s.Changes == nil {
		return ""
	}
	n := map[threatmodel.ChangeKind]int{}
	for _, c := range s.Changes.Threats {
		n[c.Kind]++
	}
	var out []string
	for _, k := range changeKinds() {
		if n[k] > 0 {
			out = append(out, fmt.Sprintf("%d %s", n[k], changeNames[k]))
		}
	}
	if len(out) == 0 {
		return "no threat before or after"
	}
	return strings.Join(out, ", ")
}

// changed are the changes of one kind.
func (s *shown) changed(kind threatmodel.ChangeKind) []threatmodel.ThreatChange {
	var out []threatmodel.ThreatChange
	for _, c := range s.Changes.Threats {
		if c.Kind == kind {
			out = append(out, c)
		}
	}
	return out
}

// worker says who analysed: "both (gpt-5-mini)".
func (s *shown) worker() string {
	if s.Analysis.Model == "" {
		return s.Analysis.Analyst
	}
	return fmt.Sprintf("%s (%s)", s.Analysis.Analyst, visible.Line(s.Analysis.Model))
}

// spent tells time, calls, tokens and cost of a run.
func (s *shown) spent() []string {
	r := s.Analysis.Run
	if r == nil {
		return nil
	}
	out := []string{took(r.Finished.Sub(r.Started))}
	if s.Analysis.Model == "" {
		return append(out, "no model was asked: one would find more, follow attacks over several parts, and weigh controls in context (--llm-model)")
	}
	calls := plural(r.Calls, "model call")
	if r.CachedCalls > 0 {
		calls += fmt.Sprintf(" and %s from memory", number(r.CachedCalls))
	}
	if r.ReusedUnits > 0 {
		calls += fmt.Sprintf(", %s units taken from the baseline", number(r.ReusedUnits))
	}
	if r.Calls+r.CachedCalls == 0 {
		return append(out, calls)
	}
	out = append(out, calls, fmt.Sprintf("%s tokens in, %s out", number(r.TokensIn), number(r.TokensOut)))
	if r.Cost != nil {
		out = append(out, strings.TrimSpace(fmt.Sprintf("%.2f %s", *r.Cost, visible.Line(r.Currency))))
	} else {
		out = append(out, "cost unknown (bartizan.yaml names no price for the model)")
	}
	return out
}
