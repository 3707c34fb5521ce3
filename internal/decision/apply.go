package decision

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/bartizan-security/bartizan/internal/reconcile"
	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

// Apply lets decisions set the status, rating, duplicate mark and review mark of
// a model's threats, in place. Nil decisions mean that there is no file: the
// copies in the model then count. Decisions on threats that the model does not
// have become notices.
//
// A decision that the model has a copy of was followed by the analysis that made
// the model, which marked what must be looked at again. One that is new to the
// model is held against the threat as it stands there. Applying twice changes
// nothing.
func Apply(m *threatmodel.Model, decisions []threatmodel.Decision, now time.Time) {
	if decisions == nil {
		decisions = Copies(m)
	}
	byThreat := map[string][]threatmodel.Decision{}
	for _, d := range decisions {
		byThreat[d.Threat] = append(byThreat[d.Threat], d)
	}
	for i := range m.Threats {
		apply(m, &m.Threats[i], byThreat[m.Threats[i].ID], now)
	}
	m.Notices = slices.DeleteFunc(m.Notices, func(n threatmodel.Notice) bool { return n.Kind == threatmodel.NoticeDecision })
	for _, d := range decisions {
		if m.Threat(d.Threat) == nil {
			m.Notices = append(m.Notices, orphan(d))
		}
	}
}

// Copies are the decisions that a model carries.
func Copies(m *threatmodel.Model) []threatmodel.Decision {
	var out []threatmodel.Decision
	for i := range m.Threats {
		out = append(out, m.Threats[i].Decisions...)
	}
	return out
}

func orphan(d threatmodel.Decision) threatmodel.Notice {
	return threatmodel.Notice{Kind: threatmodel.NoticeDecision, Text: fmt.Sprintf(
		"The decision to %s %s, by %s on %s, fits no threat of this model. It stays in the decisions file.",
		d.Action, d.Threat, d.By, d.At.UTC().Format(time.DateOnly))}
}

// apply lets its decisions set one threat.
func apply(m *threatmodel.Model, t *threatmodel.Threat, decisions []threatmodel.Decision, now time.Time) {
	known := t.Decisions
	reconcile.Settle(t, decisions)
	standing := reconcile.Standing(decisions)
	due := reviewDue(t, decisions, known)
	if due != nil {
		withoutEnd(due)
		if due.Reason == "" {
			due = nil
		}
	}
	if due == nil && t.DuplicateOf != "" && m.Threat(t.DuplicateOf) == nil {
		due = &threatmodel.ReviewDue{Reason: "The threat that it is a duplicate of, " + t.DuplicateOf + ", is not in the model.", Cause: threatmodel.CauseAnalyst}
	}
	if expired(standing, now) {
		t.Status = threatmodel.StatusOpen
		due = withEnd(due, *standing)
	}
	t.ReviewDue = due
}

// reviewDue is why the decisions in force on a threat must be looked at again.
// What analysis marked stays until a person decides anew.
func reviewDue(t *threatmodel.Threat, decisions, known []threatmodel.Decision) *threatmodel.ReviewDue {
	inForce := reconcile.InForce(decisions)
	if len(inForce) == 0 {
		if t.Source == threatmodel.SourcePerson && len(decisions) == 0 {
			return copyOf(t.ReviewDue)
		}
		return nil
	}
	if t.ReviewDue != nil && reconcile.Recorded(inForce[0], known) {
		return copyOf(t.ReviewDue)
	}
	for _, d := range inForce {
		if !reconcile.Recorded(d, known) {
			if due := unfollowed(d, t); due != nil {
				return due
			}
		}
		if t.Status == threatmodel.StatusResolved {
			continue
		}
		if due := reconcile.Review(d, t, threatmodel.CauseDocument); due != nil {
			return due
		}
	}
	return nil
}

func copyOf(due *threatmodel.ReviewDue) *threatmodel.ReviewDue {
	if due == nil {
		return nil
	}
	c := *due
	return &c
}

// unfollowed tells that a decision was taken on another model than this one:
// quotes that it is bound to are not among the threat's.
func unfollowed(d threatmodel.Decision, t *threatmodel.Threat) *threatmodel.ReviewDue {
	now := map[string]bool{}
	for _, a := range reconcile.Binding(t) {
		now[a.Hash] = true
	}
	for _, a := range d.Anchors {
		if !now[a.Hash] {
			due := &threatmodel.ReviewDue{
				Reason: "The threat does not rest on a sentence that the decision was taken on.",
				Cause:  threatmodel.CauseDocument, Before: a.Quote,
			}
			if len(t.Anchors) > 0 {
				due.After = t.Anchors[0].Quote
			}
			return due
		}
	}
	return nil
}

// expired reports whether an acceptance is past its last day.
func expired(d *threatmodel.Decision, now time.Time) bool {
	return d != nil && d.Action == threatmodel.ActionAccept && d.Until != nil && now.After(*d.Until)
}

// endOfAcceptance begins the reason of a review that time asks for.
const endOfAcceptance = "The acceptance ended on "

// withEnd puts the end of an acceptance before the other reasons.
func withEnd(due *threatmodel.ReviewDue, d threatmodel.Decision) *threatmodel.ReviewDue {
	if due == nil {
		due = &threatmodel.ReviewDue{Cause: threatmodel.CauseTime}
	}
	due.Reason = strings.TrimSpace(endOfAcceptance + formatDay(*d.Until) + ". " + due.Reason)
	return due
}

// withoutEnd takes the end of an acceptance out of the reasons: whether it ended
// is for the present clock to say.
func withoutEnd(due *threatmodel.ReviewDue) {
	if rest, ok := strings.CutPrefix(due.Reason, endOfAcceptance); ok {
		_, rest, _ = strings.Cut(rest, ".")
		due.Reason = strings.TrimSpace(rest)
	}
}
