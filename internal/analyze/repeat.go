package analyze

import (
	"slices"

	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

// saidToRepeat takes over the claim that a candidate is the same as another,
// where the text allows it: both rest on a passage in common or lie at the same
// element. What continues a threat of the baseline stays on its own, and so do
// chains: whether two threats that a person may have decided on are one is for
// reconcile and that person to say.
func (c *candidate) saidToRepeat(o *candidate) {
	if c.repeats != nil || o.original() == c || c.old != "" || c.chain || o.chain {
		return
	}
	if c.threat.Elements[0] != o.threat.Elements[0] && !sharePassage(c.threat.Evidence, o.threat.Evidence) {
		return
	}
	c.repeats = o
}

func sharePassage(a, b []threatmodel.Evidence) bool {
	return slices.ContainsFunc(a, func(x threatmodel.Evidence) bool {
		return slices.ContainsFunc(b, func(y threatmodel.Evidence) bool { return x.Passage == y.Passage })
	})
}

// withoutRepeats unites each candidate that repeats another with that one, and
// records it. A candidate whose counterpart was refuted stands on its own, and
// one that was refuted itself repeats nothing.
func (r *run) withoutRepeats(found []*candidate) []*candidate {
	sorted := slices.Clone(found)
	sortCandidates(sorted)
	gone := map[*candidate]bool{}
	for _, c := range sorted {
		into := c.original()
		if into == c || c.verdict == Contradicted || into.verdict == Contradicted || gone[into] {
			continue
		}
		gone[c] = true
		reason := "It repeats another threat: " + into.threat.Title
		r.reject(threatmodel.Rejection{
			Stage: threatmodel.StageChallenge, What: "threat", Title: c.threat.Title, Reason: reason, Source: c.threat.Source,
			Element: c.threat.Elements[0], Evidence: c.threat.Evidence,
		})
		r.lookedAt(&c.threat, reason)
		carrier := r.carrier(into, c)
		into.absorb(c)
		into.carriedBy(carrier)
		if c.verdict == Supported {
			into.verdict = Supported
		}
	}
	return slices.DeleteFunc(slices.Clone(found), func(c *candidate) bool { return gone[c] })
}

// original is the candidate that this one repeats at last; itself where it
// repeats none.
func (c *candidate) original() *candidate {
	for c.repeats != nil {
		c = c.repeats
	}
	return c
}
