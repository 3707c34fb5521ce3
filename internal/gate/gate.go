// Package gate decides whether a threat model should fail a build.
package gate

import "github.com/bartizan-security/bartizan/pkg/threatmodel"

// Failing lists the threats of at least the given level that fail a build.
//
// Without a baseline these are all that are open, confirmed or up for review.
// With one, only what got worse: threats that are new or came back, that were
// raised to the level, or whose decision the document put up for review.
func Failing(m *threatmodel.Model, level threatmodel.Level) []*threatmodel.Threat {
	var out []*threatmodel.Threat
	for i := range m.Threats {
		t := &m.Threats[i]
		if t.Live() && t.IsOpen() && t.Risk.AtLeast(level) && (m.Changes == nil || gotWorse(m, t, level)) {
			out = append(out, t)
		}
	}
	return out
}

func gotWorse(m *threatmodel.Model, t *threatmodel.Threat, level threatmodel.Level) bool {
	for _, c := range m.Changes.Threats {
		if c.Threat != t.ID {
			continue
		}
		switch {
		case c.Kind == threatmodel.ThreatAdded, c.Kind == threatmodel.ThreatReturned:
			return true
		case c.RaisedTo != "" && c.RaisedTo.AtLeast(level):
			return true
		case c.Review && c.Cause == threatmodel.CauseDocument:
			return true
		}
	}
	return t.ReviewDue != nil && t.ReviewDue.Cause == threatmodel.CauseDocument && newlyDue(m, t.ID)
}

// newlyDue reports whether this analysis put the threat to review.
func newlyDue(m *threatmodel.Model, id string) bool {
	for _, c := range m.Changes.Threats {
		if c.Threat == id && c.Review {
			return true
		}
	}
	return false
}
