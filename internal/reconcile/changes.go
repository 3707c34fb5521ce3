package reconcile

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

// summary is a change of a kind, with what every change tells.
func (p *Plan) summary(o, t *threatmodel.Threat, kind threatmodel.ChangeKind) threatmodel.ThreatChange {
	c := threatmodel.ThreatChange{Threat: t.ID, Title: t.Title, Kind: kind, Review: t.ReviewDue != nil && o.ReviewDue == nil}
	if t.Risk != o.Risk && t.Risk.AtLeast(o.Risk) {
		c.RaisedTo = t.Risk
	}
	return c
}

// change tells how a threat that goes on differs from what it was.
func (p *Plan) change(o, t *threatmodel.Threat) threatmodel.ThreatChange {
	details := p.details(o, t)
	c := p.summary(o, t, p.kind(o, t, details))
	c.Details = details
	switch c.Kind {
	case threatmodel.ThreatUnchanged, threatmodel.ThreatMoved:
	case threatmodel.ThreatReworded, threatmodel.ThreatNotReproduced:
		c.Cause = threatmodel.CauseAnalyst
	default:
		c.Cause = p.cause(o, t)
	}
	c.Before, c.After = p.texts(o, nil)
	if c.Review {
		c.Cause = t.ReviewDue.Cause
		c.Before, c.After = t.ReviewDue.Before, t.ReviewDue.After
		c.Details = append(c.Details, "Its decision is to be looked at again: "+t.ReviewDue.Reason)
	}
	return c
}

// kind classifies a change. Other words alone are never a change.
func (p *Plan) kind(o, t *threatmodel.Threat, details []string) threatmodel.ChangeKind {
	switch {
	case o.MergedInto != "" || resolvedByAnalysis(o):
		return threatmodel.ThreatReturned
	case len(details) > 0:
		return threatmodel.ThreatChanged
	case t.NotReproduced:
		return threatmodel.ThreatNotReproduced
	case o.Title != t.Title || o.Statement != t.Statement:
		return threatmodel.ThreatReworded
	case p.moved(o):
		return threatmodel.ThreatMoved
	}
	return threatmodel.ThreatUnchanged
}

func (p *Plan) moved(o *threatmodel.Threat) bool {
	return slices.ContainsFunc(o.Anchors, func(a threatmodel.Anchor) bool { return p.in.Trail.Of(a).Fate == Moved })
}

// details say in sentences what is different about a threat beside its words.
func (p *Plan) details(o, t *threatmodel.Threat) []string {
	out := p.quoteDetails(o, t)
	was, is := p.currentKey(o), KeyOf(t)
	if was.Element != is.Element {
		out = append(out, fmt.Sprintf("It concerns %s now; it was %s.", p.nameOf(is.Element), p.nameOf(was.Element)))
	}
	if was.Family != is.Family {
		out = append(out, fmt.Sprintf("The weakness is of the family %s now; it was %s.", is.Family, was.Family))
	}
	out = append(out, verdictChanges(VerdictsOf(o), t)...)
	if o.Proposed.Risk != t.Proposed.Risk {
		out = append(out, fmt.Sprintf("The proposed risk went from %s to %s.", o.Proposed.Risk, t.Proposed.Risk))
	}
	return out
}

// quoteDetails tell what became of the quotes, and which came up.
func (p *Plan) quoteDetails(o, t *threatmodel.Threat) []string {
	var edited, gone, dropped, added int
	known, now := map[string]bool{}, map[string]bool{}
	for _, a := range t.Anchors {
		now[a.Hash] = true
	}
	for _, a := range o.Anchors {
		trace := p.in.Trail.Of(a)
		known[trace.Anchor.Hash] = true
		switch {
		case trace.Fate == Edited:
			edited++
		case trace.Fate == Gone:
			gone++
		case !now[trace.Anchor.Hash]:
			dropped++
		}
	}
	for h := range now {
		if !known[h] && len(p.in.Text.byHash[h]) > 0 {
			added++
		}
	}
	var out []string
	for _, x := range []struct {
		n    int
		says string
	}{
		{edited, "%s it rests on %s edited."},
		{gone, "%s it rested on %s no longer in the documents."},
		{dropped, "%s it rested on %s cited no more, though still in the documents."},
		{added, "%s %s cited for it that did not count before."},
	} {
		if x.n > 0 {
			out = append(out, fmt.Sprintf(x.says, count(x.n), verb(x.n)))
		}
	}
	return out
}

func count(n int) string {
	if n == 1 {
		return "One sentence"
	}
	return fmt.Sprintf("%d sentences", n)
}

func verb(n int) string {
	if n == 1 {
		return "is"
	}
	return "are"
}

func (p *Plan) nameOf(element string) string {
	for _, m := range []*threatmodel.Model{p.in.New, p.in.Old} {
		if e := m.Element(element); e != nil {
			return e.Name
		}
	}
	return cmp.Or(element, "no element")
}

// addition tells of a new threat. It is the document's where any of its quotes
// is new there, and the analyst's where all of them stood before.
func (p *Plan) addition(t *threatmodel.Threat) threatmodel.ThreatChange {
	c := threatmodel.ThreatChange{Threat: t.ID, Title: t.Title, Kind: threatmodel.ThreatAdded, Cause: threatmodel.CauseAnalyst}
	if p.quotesNew(t) {
		c.Cause = threatmodel.CauseDocument
	} else {
		c.Details = append(c.Details, "The text that it rests on stood in the documents before.")
	}
	if t.SplitFrom != "" {
		c.Details = append(c.Details, "It was part of "+t.SplitFrom+" before.")
	}
	return c
}

// quotesNew reports whether a threat quotes a sentence that the old text did not
// have.
func (p *Plan) quotesNew(t *threatmodel.Threat) bool {
	return slices.ContainsFunc(Anchors(allEvidence(t)), func(a threatmodel.Anchor) bool { return !p.in.Trail.stood(a.Hash) })
}

// cause tells whose change made o into t: the document's where a quote of
// either was edited, is gone or is new. Else the analyst's where it is another
// one or was asked to start afresh. Else only text can have changed what was
// asked.
func (p *Plan) cause(o, t *threatmodel.Threat) string {
	lost := slices.ContainsFunc(append(Anchors(allEvidence(o)), o.Anchors...), func(a threatmodel.Anchor) bool { return !p.in.Trail.Of(a).Fate.Stands() })
	switch {
	case lost || p.quotesNew(t):
		return threatmodel.CauseDocument
	case p.in.Fresh || p.otherAnalyst() || !p.textChanged():
		return threatmodel.CauseAnalyst
	}
	return threatmodel.CauseDocument
}

// otherAnalyst reports whether model, prompts, patterns or catalogs are not
// those of the baseline.
func (p *Plan) otherAnalyst() bool {
	a, b := &p.in.Old.Analysis, &p.in.New.Analysis
	if a.Analyst != b.Analyst || a.Model != b.Model || a.Prompts != b.Prompts || a.Patterns != b.Patterns || a.Weaknesses != b.Weaknesses || len(a.Catalogs) != len(b.Catalogs) {
		return true
	}
	for id, version := range a.Catalogs {
		if b.Catalogs[id] != version {
			return true
		}
	}
	return false
}

func (p *Plan) textChanged() bool {
	return slices.ContainsFunc(p.documents(), func(d threatmodel.DocumentDiff) bool { return d.Change != "unchanged" })
}

// documents tells what became of each document.
func (p *Plan) documents() []threatmodel.DocumentDiff {
	out := []threatmodel.DocumentDiff{}
	for _, d := range p.in.New.Documents {
		change := "unchanged"
		if o := p.in.Old.Document(d.ID); o == nil {
			change = "added"
		} else if o.SHA256 != d.SHA256 {
			change = "edited"
		}
		out = append(out, threatmodel.DocumentDiff{Document: d.ID, Name: d.Name, Change: change})
	}
	for _, d := range p.in.Old.Documents {
		if p.in.New.Document(d.ID) == nil {
			out = append(out, threatmodel.DocumentDiff{Document: d.ID, Name: d.Name, Change: "removed"})
		}
	}
	slices.SortFunc(out, func(a, b threatmodel.DocumentDiff) int {
		return cmp.Or(strings.Compare(a.Name, b.Name), strings.Compare(a.Document, b.Document))
	})
	return out
}
