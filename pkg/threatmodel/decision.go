package threatmodel

import "time"

// Action is what a person did to a threat.
type Action string

// Actions.
const (
	ActionConfirm   Action = "confirm"
	ActionReject    Action = "reject"
	ActionAccept    Action = "accept"
	ActionMitigate  Action = "mitigate"
	ActionDuplicate Action = "duplicate"
	ActionRerate    Action = "rerate"
	ActionResolve   Action = "resolve"
	ActionReopen    Action = "reopen"
)

// Actions lists the actions.
func Actions() []Action {
	return []Action{ActionConfirm, ActionReject, ActionAccept, ActionMitigate, ActionDuplicate, ActionRerate, ActionResolve, ActionReopen}
}

// Decision is what a person decided about a threat. Decisions are only ever
// appended; the last one that sets a status counts. A decision is bound to
// the text, verdicts and risk that it was taken on.
type Decision struct {
	Threat string    `json:"threat" yaml:"threat"`
	Action Action    `json:"action" yaml:"action"`
	Reason string    `json:"reason" yaml:"reason"`
	By     string    `json:"by" yaml:"by"`
	At     time.Time `json:"at" yaml:"at"`
	// Until is the day after which an acceptance no longer counts.
	Until *time.Time `json:"until,omitempty" yaml:"until,omitempty"`
	// Of is the threat that this one is a duplicate of.
	Of         string `json:"of,omitempty" yaml:"of,omitempty"`
	Likelihood int    `json:"likelihood,omitempty" yaml:"likelihood,omitempty"`
	Impact     int    `json:"impact,omitempty" yaml:"impact,omitempty"`
	// Anchors, Verdicts and Proposed are what the decision was taken on.
	Anchors []Anchor `json:"anchors" yaml:"anchors"`
	// Verdicts maps catalog:control to the verdict.
	Verdicts map[string]Verdict `json:"verdicts,omitempty" yaml:"verdicts,omitempty"`
	Proposed Level              `json:"proposed_risk,omitempty" yaml:"proposed_risk,omitempty"`
	// Element is the element that carried the weakness, Family its family.
	Element string `json:"element,omitempty" yaml:"element,omitempty"`
	Family  string `json:"family,omitempty" yaml:"family,omitempty"`
}
