// Package decision keeps what people decided about threats: decisions.yaml,
// made to live in version control beside the documents, and what it does to a
// model.
//
// The file is the truth. It is only ever appended to; a model carries a copy. A
// decision is bound to the quotes, verdicts and proposed risk that it was taken
// on, and must be looked at again when these change; see package reconcile.
package decision

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/bartizan-security/bartizan/internal/reconcile"
	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

// Details are what a person says with a decision.
type Details struct {
	Reason string
	// By names who decides.
	By string
	// At is when; kept to the second.
	At time.Time
	// Until is the last day of an acceptance; see ParseDay.
	Until *time.Time
	// Of is the threat that a duplicate stands for.
	Of string
	// Likelihood and Impact, 1..5, are what a rerating sets.
	Likelihood, Impact int
}

// New makes a decision on a threat of a model, bound to what the threat rests on
// now. The error says what is missing or does not fit, and for an unknown
// threat which ids are near.
func New(m *threatmodel.Model, threat string, action threatmodel.Action, x Details) (threatmodel.Decision, error) {
	t, err := find(m, threat)
	if err != nil {
		return threatmodel.Decision{}, err
	}
	if t.MergedInto != "" {
		return threatmodel.Decision{}, fmt.Errorf("%s is one with %s now: decide on that", t.ID, t.MergedInto)
	}
	d := threatmodel.Decision{
		Threat: t.ID, Action: action, Reason: strings.TrimSpace(x.Reason), By: strings.TrimSpace(x.By),
		At: x.At.UTC().Truncate(time.Second), Until: x.Until, Of: x.Of, Likelihood: x.Likelihood, Impact: x.Impact,
		Anchors: reconcile.Binding(t), Verdicts: reconcile.VerdictsOf(t), Proposed: t.Proposed.Risk, Family: t.Family,
	}
	if len(t.Elements) > 0 {
		d.Element = t.Elements[0]
	}
	if action == threatmodel.ActionDuplicate && d.Of != "" {
		if d.Of, err = original(m, t, d.Of); err != nil {
			return threatmodel.Decision{}, err
		}
	}
	if err := Check(&d); err != nil {
		return threatmodel.Decision{}, fmt.Errorf("%s %s: %w", action, t.ID, err)
	}
	return d, nil
}

// original checks the threat that another is said to be a duplicate of.
func original(m *threatmodel.Model, t *threatmodel.Threat, of string) (string, error) {
	o, err := find(m, of)
	if err != nil {
		return "", err
	}
	if o.MergedInto != "" {
		return "", fmt.Errorf("%s is one with %s now: name that", o.ID, o.MergedInto)
	}
	seen := map[string]bool{}
	for x := o; x != nil && !seen[x.ID]; x = m.Threat(x.DuplicateOf) {
		if x.ID != t.ID {
			seen[x.ID] = true
			continue
		}
		if x == o {
			return "", fmt.Errorf("%s cannot be a duplicate of itself", t.ID)
		}
		return "", fmt.Errorf("%s is itself a duplicate of %s: reopen it first, or decide on %s", o.ID, t.ID, o.ID)
	}
	return o.ID, nil
}

// reasoned are the actions that close a threat: who looks at it later must learn
// why.
var reasoned = []threatmodel.Action{
	threatmodel.ActionAccept, threatmodel.ActionReject, threatmodel.ActionMitigate, threatmodel.ActionResolve,
}

// Check tells what is wrong with a decision by itself; nil where nothing is.
func Check(d *threatmodel.Decision) error {
	rerates := d.Action == threatmodel.ActionRerate
	switch {
	case d.Threat == "":
		return missing("threat")
	case !slices.Contains(threatmodel.Actions(), d.Action):
		return fmt.Errorf("%q is no action; it must be one of %s", d.Action, actions())
	case d.By == "":
		return missing("by: who decides")
	case d.At.IsZero():
		return missing("at: when it was decided")
	case d.Reason == "" && slices.Contains(reasoned, d.Action):
		return missing("reason")
	case d.Until != nil && d.Action != threatmodel.ActionAccept:
		return fmt.Errorf("until goes with accept only")
	case d.Until != nil && d.Until.Before(d.At):
		return fmt.Errorf("until lies before the decision itself")
	case (d.Of != "") != (d.Action == threatmodel.ActionDuplicate):
		return fmt.Errorf("of names the threat that a duplicate stands for: duplicate needs it, nothing else takes it")
	case d.Of == d.Threat:
		return fmt.Errorf("a threat cannot be a duplicate of itself")
	case rerates && (!rated(d.Likelihood) || !rated(d.Impact)):
		return fmt.Errorf("rerate needs likelihood and impact, each 1 to 5")
	case !rerates && (d.Likelihood != 0 || d.Impact != 0):
		return fmt.Errorf("likelihood and impact go with rerate only")
	}
	return nil
}

func missing(what string) error { return fmt.Errorf("it has no %s", what) }

func rated(n int) bool { return n >= 1 && n <= 5 }

func actions() string {
	var names []string
	for _, a := range threatmodel.Actions() {
		names = append(names, string(a))
	}
	return strings.Join(names, ", ")
}

// ParseDay reads the last day of an acceptance: a date, which counts to its end
// in UTC, or an instant (RFC 3339).
func ParseDay(s string) (time.Time, error) {
	if day, err := time.Parse(time.DateOnly, s); err == nil {
		return day.Add(24*time.Hour - time.Second), nil
	}
	if at, err := time.Parse(time.RFC3339, s); err == nil {
		return at.UTC(), nil
	}
	return time.Time{}, fmt.Errorf("%q is no date such as 2027-03-31", s)
}

// formatDay writes what ParseDay reads.
func formatDay(t time.Time) string {
	t = t.UTC()
	if t.Equal(t.Truncate(24 * time.Hour).Add(24*time.Hour - time.Second)) {
		return t.Format(time.DateOnly)
	}
	return t.Format(time.RFC3339)
}
