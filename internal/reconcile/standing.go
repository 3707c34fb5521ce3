package reconcile

import (
	"slices"

	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

// Standing is the decision that sets a threat's status: the last one that is no
// rerating. It is nil where there is none, or where it reopened the threat.
func Standing(decisions []threatmodel.Decision) *threatmodel.Decision {
	d := lastSetting(decisions)
	if d == nil || d.Action == threatmodel.ActionReopen {
		return nil
	}
	return d
}

// Rerated is the last decision that rated the threat, nil where there is none.
func Rerated(decisions []threatmodel.Decision) *threatmodel.Decision {
	return last(decisions, func(d *threatmodel.Decision) bool { return d.Action == threatmodel.ActionRerate })
}

func lastSetting(decisions []threatmodel.Decision) *threatmodel.Decision {
	return last(decisions, func(d *threatmodel.Decision) bool { return d.Action != threatmodel.ActionRerate })
}

func last(decisions []threatmodel.Decision, is func(*threatmodel.Decision) bool) *threatmodel.Decision {
	for i := len(decisions) - 1; i >= 0; i-- {
		if is(&decisions[i]) {
			return &decisions[i]
		}
	}
	return nil
}

// InForce are the decisions that must be looked at again when what they rest on
// changes: the one that sets the status, and the last rating.
func InForce(decisions []threatmodel.Decision) []threatmodel.Decision {
	var out []threatmodel.Decision
	if d := Standing(decisions); d != nil {
		out = append(out, *d)
	}
	if d := Rerated(decisions); d != nil {
		out = append(out, *d)
	}
	return out
}

// Recorded reports whether a decision is among others, which may be copies.
func Recorded(d threatmodel.Decision, among []threatmodel.Decision) bool {
	return slices.ContainsFunc(among, func(x threatmodel.Decision) bool {
		return x.Threat == d.Threat && x.Action == d.Action && x.By == d.By && x.Reason == d.Reason && x.At.Equal(d.At)
	})
}

var statusOf = map[threatmodel.Action]threatmodel.Status{
	threatmodel.ActionConfirm:   threatmodel.StatusConfirmed,
	threatmodel.ActionReject:    threatmodel.StatusRejected,
	threatmodel.ActionAccept:    threatmodel.StatusAccepted,
	threatmodel.ActionMitigate:  threatmodel.StatusMitigated,
	threatmodel.ActionDuplicate: threatmodel.StatusDuplicate,
	threatmodel.ActionResolve:   threatmodel.StatusResolved,
}

// Settle lets a threat's decisions set its status, its rating and what it is a
// duplicate of, and gives the threat a copy of them. What no decision sets is as
// analysis has it: open, or resolved where the text it rested on is gone.
func Settle(t *threatmodel.Threat, decisions []threatmodel.Decision) {
	before := lastSetting(t.Decisions)
	d := lastSetting(decisions)
	t.DuplicateOf = ""
	switch {
	case d != nil && d.Action != threatmodel.ActionReopen:
		t.Status = statusOf[d.Action]
		if d.Action == threatmodel.ActionDuplicate {
			t.DuplicateOf = d.Of
		}
	case t.Status != threatmodel.StatusResolved, before != nil && before.Action == threatmodel.ActionResolve,
		d != nil && !Recorded(*d, t.Decisions):
		t.Status = threatmodel.StatusOpen
	}
	settleRating(t, Rerated(decisions))
	t.Decisions = append([]threatmodel.Decision{}, decisions...)
}

func settleRating(t *threatmodel.Threat, rerated *threatmodel.Decision) {
	if rerated != nil {
		t.Likelihood.Value, t.Impact.Value = rerated.Likelihood, rerated.Impact
		t.Risk, t.Rating = threatmodel.Risk(rerated.Likelihood, rerated.Impact), threatmodel.RatingConfirmed
		return
	}
	if t.Rating == threatmodel.RatingConfirmed {
		t.Likelihood.Value, t.Impact.Value, t.Risk = t.Proposed.Likelihood, t.Proposed.Impact, t.Proposed.Risk
	}
	t.Rating = threatmodel.RatingProposed
}

// resolvedByAnalysis reports whether a threat is resolved although nobody
// decided that.
func resolvedByAnalysis(t *threatmodel.Threat) bool {
	return t.Status == threatmodel.StatusResolved && Standing(t.Decisions) == nil
}
