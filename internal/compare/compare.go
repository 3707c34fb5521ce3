// Package compare tells what changed between two finished threat models of one
// system, such as those of two releases. Threats are known by their ids, which
// package reconcile carries from analysis to analysis.
package compare

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"github.com/bartizan-security/bartizan/internal/reconcile"
	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

// Models compares an older model with a newer one. Where the newer was made
// directly on the older, what its analysis recorded is given: only the analysis
// saw both texts. Otherwise what both models hold is compared.
func Models(older, newer *threatmodel.Model) *threatmodel.Changes {
	if c := newer.Changes; c != nil && c.Baseline == older.Analysis.ID && older.Analysis.ID != newer.Analysis.ID {
		return c
	}
	d := differ{older: older, newer: newer, sentences: sentences(older)}
	return &threatmodel.Changes{
		Baseline: older.Analysis.ID, Documents: d.documents(), Elements: d.elements(), Threats: d.threats(),
	}
}

// Related reports whether the newer model was made on the older one, directly
// or over others, so that ids are carried from one to the other.
func Related(older, newer *threatmodel.Model) bool {
	if older.Analysis.ID == newer.Analysis.ID || slices.Contains(newer.Analysis.History, older.Analysis.ID) {
		return true
	}
	return newer.Changes != nil && newer.Changes.Baseline == older.Analysis.ID
}

// differ compares two models.
type differ struct {
	older, newer *threatmodel.Model
	// sentences are those that the older documents hold, by short hash; empty
	// where the model does not say.
	sentences map[string]bool
}

func sentences(m *threatmodel.Model) map[string]bool {
	out := map[string]bool{}
	for _, d := range m.Documents {
		for _, s := range d.Sentences {
			out[s] = true
		}
	}
	return out
}

func (d *differ) documents() []threatmodel.DocumentDiff {
	out := []threatmodel.DocumentDiff{}
	for _, now := range d.newer.Documents {
		change := "unchanged"
		if was := d.older.Document(now.ID); was == nil {
			change = "added"
		} else if was.SHA256 != now.SHA256 {
			change = "edited"
		}
		out = append(out, threatmodel.DocumentDiff{Document: now.ID, Name: now.Name, Change: change})
	}
	for _, was := range d.older.Documents {
		if d.newer.Document(was.ID) == nil {
			out = append(out, threatmodel.DocumentDiff{Document: was.ID, Name: was.Name, Change: "removed"})
		}
	}
	slices.SortFunc(out, func(a, b threatmodel.DocumentDiff) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Document, b.Document))
	})
	return out
}

func (d *differ) elements() []threatmodel.ElementDiff {
	out := []threatmodel.ElementDiff{}
	for _, now := range d.newer.Elements {
		switch was := d.older.Element(now.ID); {
		case was == nil:
			out = append(out, threatmodel.ElementDiff{Element: now.ID, Name: now.Name, Change: "added"})
		case was.Name != now.Name:
			out = append(out, threatmodel.ElementDiff{Element: now.ID, Name: now.Name, Change: "renamed", Before: was.Name})
		}
	}
	for _, was := range d.older.Elements {
		if d.newer.Element(was.ID) == nil {
			out = append(out, threatmodel.ElementDiff{Element: was.ID, Name: was.Name, Change: "removed"})
		}
	}
	slices.SortFunc(out, func(a, b threatmodel.ElementDiff) int {
		return cmp.Or(cmp.Compare(a.Change, b.Change), cmp.Compare(a.Name, b.Name), cmp.Compare(a.Element, b.Element))
	})
	return out
}

// Kinds lists the kinds of change in the order in which they are told: what
// asks for something first.
func Kinds() []threatmodel.ChangeKind {
	return []threatmodel.ChangeKind{
		threatmodel.ThreatAdded, threatmodel.ThreatReturned, threatmodel.ThreatChanged, threatmodel.ThreatResolved, threatmodel.ThreatMerged,
		threatmodel.ThreatNotReproduced, threatmodel.ThreatReworded, threatmodel.ThreatMoved, threatmodel.ThreatUnchanged,
	}
}

func (d *differ) threats() []threatmodel.ThreatChange {
	out := []threatmodel.ThreatChange{}
	for i := range d.newer.Threats {
		now := &d.newer.Threats[i]
		was := d.older.Threat(now.ID)
		switch {
		case was == nil && now.Live():
			out = append(out, d.addition(now))
		case was != nil && (was.Live() || now.Live()):
			out = append(out, d.change(was, now))
		}
	}
	for i := range d.older.Threats {
		if was := &d.older.Threats[i]; was.Live() && d.newer.Threat(was.ID) == nil {
			out = append(out, threatmodel.ThreatChange{
				Threat: was.ID, Title: was.Title, Kind: threatmodel.ThreatResolved, Cause: threatmodel.CauseAnalyst,
				Details: []string{"The newer model does not know it."}, Before: quote(was),
			})
		}
	}
	slices.SortFunc(out, func(a, b threatmodel.ThreatChange) int {
		return cmp.Or(cmp.Compare(slices.Index(Kinds(), a.Kind), slices.Index(Kinds(), b.Kind)), cmp.Compare(a.Threat, b.Threat))
	})
	return out
}

func (d *differ) addition(t *threatmodel.Threat) threatmodel.ThreatChange {
	c := threatmodel.ThreatChange{Threat: t.ID, Title: t.Title, Kind: threatmodel.ThreatAdded, After: quote(t), RaisedTo: t.Risk}
	c.Cause = d.cause(nil, t)
	if t.SplitFrom != "" {
		c.Details = append(c.Details, "It was part of "+t.SplitFrom+" before.")
	}
	return c
}

// cause is the document where a quote is no sentence of the older documents, or
// one of the older quotes is among the newer no more.
func (d *differ) cause(was, now *threatmodel.Threat) string {
	for _, e := range now.Evidence {
		if h := reconcile.Hash(e.Quote); len(d.sentences) > 0 && !d.sentences[h[:16]] {
			return threatmodel.CauseDocument
		}
	}
	if was == nil {
		return threatmodel.CauseAnalyst
	}
	present := sentences(d.newer)
	for _, e := range was.Evidence {
		if h := reconcile.Hash(e.Quote); len(present) > 0 && !present[h[:16]] {
			return threatmodel.CauseDocument
		}
	}
	return threatmodel.CauseAnalyst
}

// change compares a threat with itself.
func (d *differ) change(was, now *threatmodel.Threat) threatmodel.ThreatChange {
	details := d.details(was, now)
	c := threatmodel.ThreatChange{
		Threat: now.ID, Title: now.Title, Kind: kind(was, now, details), Details: details,
		Review: now.ReviewDue != nil && was.ReviewDue == nil,
	}
	if now.Risk != was.Risk && now.Risk.AtLeast(was.Risk) {
		c.RaisedTo = now.Risk
	}
	switch c.Kind {
	case threatmodel.ThreatUnchanged, threatmodel.ThreatMoved:
	case threatmodel.ThreatReworded, threatmodel.ThreatNotReproduced:
		c.Cause = threatmodel.CauseAnalyst
	default:
		c.Cause = d.cause(was, now)
		if before, after := quote(was), quote(now); before != after {
			c.Before, c.After = before, after
		}
	}
	if c.Review {
		c.Cause, c.Before, c.After = now.ReviewDue.Cause, now.ReviewDue.Before, now.ReviewDue.After
		c.Details = append(c.Details, "Its decision is to be looked at again: "+now.ReviewDue.Reason)
	}
	return c
}

func kind(was, now *threatmodel.Threat, details []string) threatmodel.ChangeKind {
	switch {
	case now.MergedInto != "" && was.MergedInto == "":
		return threatmodel.ThreatMerged
	case was.Live() && !now.Live():
		return threatmodel.ThreatResolved
	case !was.Live() && now.Live():
		return threatmodel.ThreatReturned
	case len(details) > 0:
		return threatmodel.ThreatChanged
	case now.NotReproduced && !was.NotReproduced:
		return threatmodel.ThreatNotReproduced
	case was.Title != now.Title || was.Statement != now.Statement:
		return threatmodel.ThreatReworded
	case moved(was, now):
		return threatmodel.ThreatMoved
	}
	return threatmodel.ThreatUnchanged
}

// moved reports whether a quote stands in another document or under another
// heading.
func moved(was, now *threatmodel.Threat) bool {
	places := map[string]string{}
	for _, e := range was.Evidence {
		places[reconcile.Hash(e.Quote)] = place(e)
	}
	return slices.ContainsFunc(now.Evidence, func(e threatmodel.Evidence) bool {
		p, ok := places[reconcile.Hash(e.Quote)]
		return ok && p != place(e)
	})
}

func place(e threatmodel.Evidence) string { return fmt.Sprint(e.Document, e.Locator.HeadingPath) }

// details say in sentences what is different about a threat beside its words.
func (d *differ) details(was, now *threatmodel.Threat) []string {
	var out []string
	if was.Status != now.Status {
		out = append(out, fmt.Sprintf("It is %s now; it was %s.", now.Status, was.Status))
	}
	if now.MergedInto != "" && was.MergedInto == "" {
		out = append(out, "It is one with "+now.MergedInto+" now.")
	}
	a, b := reconcile.KeyOf(was), reconcile.KeyOf(now)
	if a.Element != b.Element {
		out = append(out, fmt.Sprintf("It concerns %s now; it was %s.", d.name(b.Element), d.name(a.Element)))
	}
	if a.Family != b.Family {
		out = append(out, fmt.Sprintf("The weakness is of the family %s now; it was %s.", b.Family, a.Family))
	}
	if was.Risk != now.Risk {
		out = append(out, fmt.Sprintf("The risk went from %s to %s.", was.Risk, now.Risk))
	}
	out = append(out, verdicts(was, now)...)
	if n := quotesOnlyIn(now, was); n > 0 {
		out = append(out, fmt.Sprintf("%d of its quotes %s new.", n, verb(n)))
	}
	if n := quotesOnlyIn(was, now); n > 0 {
		out = append(out, fmt.Sprintf("%d of its quotes %s gone.", n, verb(n)))
	}
	return out
}

func verb(n int) string {
	if n == 1 {
		return "is"
	}
	return "are"
}

// verdicts say which controls have another verdict, came or went.
func verdicts(was, now *threatmodel.Threat) []string {
	before, after := reconcile.VerdictsOf(was), reconcile.VerdictsOf(now)
	controls := slices.Collect(maps.Keys(before))
	for c := range after {
		if _, ok := before[c]; !ok {
			controls = append(controls, c)
		}
	}
	slices.Sort(controls)
	var out []string
	for _, c := range controls {
		switch b, a := before[c], after[c]; {
		case b == a:
		case b == "":
			out = append(out, fmt.Sprintf("%s is among its controls now: %s.", c, a))
		case a == "":
			out = append(out, fmt.Sprintf("%s (%s) is no longer among its controls.", c, b))
		default:
			out = append(out, fmt.Sprintf("The verdict on %s went from %s to %s.", c, b, a))
		}
	}
	return out
}

// quotesOnlyIn counts the quotes that one threat has and another has not.
func quotesOnlyIn(a, b *threatmodel.Threat) int {
	has := map[string]bool{}
	for _, e := range b.Evidence {
		has[reconcile.Hash(e.Quote)] = true
	}
	only := map[string]bool{}
	for _, e := range a.Evidence {
		if h := reconcile.Hash(e.Quote); !has[h] {
			only[h] = true
		}
	}
	return len(only)
}

func (d *differ) name(element string) string {
	for _, m := range []*threatmodel.Model{d.newer, d.older} {
		if e := m.Element(element); e != nil {
			return e.Name
		}
	}
	return cmp.Or(element, "no element")
}

func quote(t *threatmodel.Threat) string {
	if len(t.Evidence) == 0 {
		return ""
	}
	return t.Evidence[0].Quote
}
