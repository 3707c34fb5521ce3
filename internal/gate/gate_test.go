package gate_test

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/bartizan-security/bartizan/internal/gate"
	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

// threat makes a live threat of a status and level.
func threat(status threatmodel.Status, risk threatmodel.Level, change func(*threatmodel.Threat)) threatmodel.Threat {
	t := threatmodel.Threat{ID: "T-1", Status: status, Risk: risk}
	if change != nil {
		change(&t)
	}
	return t
}

func due(cause string) func(*threatmodel.Threat) {
	return func(t *threatmodel.Threat) { t.ReviewDue = &threatmodel.ReviewDue{Reason: "because", Cause: cause} }
}

func fails(m *threatmodel.Model, level threatmodel.Level) bool {
	return slices.ContainsFunc(gate.Failing(m, level), func(t *threatmodel.Threat) bool { return t.ID == "T-1" })
}

func TestWithoutABaselineWhatAsksForSomethingFails(t *testing.T) {
	for name, c := range map[string]struct {
		threat threatmodel.Threat
		want   bool
	}{
		"open":                                  {threat(threatmodel.StatusOpen, threatmodel.High, nil), true},
		"confirmed":                             {threat(threatmodel.StatusConfirmed, threatmodel.High, nil), true},
		"higher than asked":                     {threat(threatmodel.StatusOpen, threatmodel.Critical, nil), true},
		"below the level":                       {threat(threatmodel.StatusOpen, threatmodel.Medium, nil), false},
		"without a level":                       {threat(threatmodel.StatusOpen, "", nil), false},
		"accepted":                              {threat(threatmodel.StatusAccepted, threatmodel.High, nil), false},
		"mitigated":                             {threat(threatmodel.StatusMitigated, threatmodel.High, nil), false},
		"rejected":                              {threat(threatmodel.StatusRejected, threatmodel.High, nil), false},
		"duplicate":                             {threat(threatmodel.StatusDuplicate, threatmodel.High, nil), false},
		"accepted, up for review":               {threat(threatmodel.StatusAccepted, threatmodel.High, due(threatmodel.CauseDocument)), true},
		"rejected, up for review by a new tool": {threat(threatmodel.StatusRejected, threatmodel.High, due(threatmodel.CauseAnalyst)), true},
		"an acceptance that ended":              {threat(threatmodel.StatusOpen, threatmodel.High, due(threatmodel.CauseTime)), true},
		"resolved":                              {threat(threatmodel.StatusResolved, threatmodel.High, nil), false},
		"merged into another":                   {threat(threatmodel.StatusOpen, threatmodel.High, func(t *threatmodel.Threat) { t.MergedInto = "T-2" }), false},
	} {
		t.Run(name, func(t *testing.T) {
			if got := fails(&threatmodel.Model{Threats: []threatmodel.Threat{c.threat}}, threatmodel.High); got != c.want {
				t.Errorf("fails: %v, want %v", got, c.want)
			}
		})
	}
}

func TestWithABaselineOnlyWhatGotWorseFails(t *testing.T) {
	open := threat(threatmodel.StatusOpen, threatmodel.High, nil)
	for name, c := range map[string]struct {
		threat threatmodel.Threat
		change threatmodel.ThreatChange
		want   bool
	}{
		"new":                              {open, threatmodel.ThreatChange{Kind: threatmodel.ThreatAdded}, true},
		"new, though the analyst's":        {open, threatmodel.ThreatChange{Kind: threatmodel.ThreatAdded, Cause: threatmodel.CauseAnalyst}, true},
		"came back":                        {open, threatmodel.ThreatChange{Kind: threatmodel.ThreatReturned}, true},
		"as it was":                        {open, threatmodel.ThreatChange{Kind: threatmodel.ThreatUnchanged}, false},
		"moved":                            {open, threatmodel.ThreatChange{Kind: threatmodel.ThreatMoved}, false},
		"told in other words":              {open, threatmodel.ThreatChange{Kind: threatmodel.ThreatReworded}, false},
		"changed, no higher":               {open, threatmodel.ThreatChange{Kind: threatmodel.ThreatChanged}, false},
		"raised to the level":              {open, threatmodel.ThreatChange{Kind: threatmodel.ThreatChanged, RaisedTo: threatmodel.High}, true},
		"raised, not to the level":         {threat(threatmodel.StatusOpen, threatmodel.Medium, nil), threatmodel.ThreatChange{Kind: threatmodel.ThreatChanged, RaisedTo: threatmodel.Medium}, false},
		"not found again":                  {open, threatmodel.ThreatChange{Kind: threatmodel.ThreatNotReproduced}, false},
		"new, but accepted at once":        {threat(threatmodel.StatusAccepted, threatmodel.High, nil), threatmodel.ThreatChange{Kind: threatmodel.ThreatAdded}, false},
		"put to review by the document":    {threat(threatmodel.StatusAccepted, threatmodel.High, due(threatmodel.CauseDocument)), threatmodel.ThreatChange{Kind: threatmodel.ThreatChanged, Cause: threatmodel.CauseDocument, Review: true}, true},
		"put to review by the analyst":     {threat(threatmodel.StatusAccepted, threatmodel.High, due(threatmodel.CauseAnalyst)), threatmodel.ThreatChange{Kind: threatmodel.ThreatChanged, Cause: threatmodel.CauseAnalyst, Review: true}, false},
		"up for review since before":       {threat(threatmodel.StatusAccepted, threatmodel.High, due(threatmodel.CauseDocument)), threatmodel.ThreatChange{Kind: threatmodel.ThreatUnchanged}, false},
		"an acceptance that ended":         {threat(threatmodel.StatusOpen, threatmodel.High, due(threatmodel.CauseTime)), threatmodel.ThreatChange{Kind: threatmodel.ThreatUnchanged}, false},
		"review by document, named in due": {threat(threatmodel.StatusAccepted, threatmodel.High, due(threatmodel.CauseDocument)), threatmodel.ThreatChange{Kind: threatmodel.ThreatChanged, Review: true}, true},
		"another threat's change":          {open, threatmodel.ThreatChange{Threat: "T-2", Kind: threatmodel.ThreatAdded}, false},
	} {
		t.Run(name, func(t *testing.T) {
			if c.change.Threat == "" {
				c.change.Threat = "T-1"
			}
			m := &threatmodel.Model{
				Threats: []threatmodel.Threat{c.threat, {ID: "T-2", Status: threatmodel.StatusResolved}},
				Changes: &threatmodel.Changes{Threats: []threatmodel.ThreatChange{c.change}},
			}
			if got := fails(m, threatmodel.High); got != c.want {
				t.Errorf("fails: %v, want %v", got, c.want)
			}
		})
	}
}

// TestABaselineNeverFailsMore: what fails beside a baseline fails without one,
// and a lower level never lets a threat through that a higher one stops.
func TestABaselineNeverFailsMore(t *testing.T) {
	statuses := []threatmodel.Status{threatmodel.StatusOpen, threatmodel.StatusConfirmed, threatmodel.StatusAccepted, threatmodel.StatusResolved}
	kinds := []threatmodel.ChangeKind{threatmodel.ThreatAdded, threatmodel.ThreatChanged, threatmodel.ThreatUnchanged, threatmodel.ThreatReturned}
	level := rapid.SampledFrom(threatmodel.Levels())
	rapid.Check(t, func(t *rapid.T) {
		x := threat(rapid.SampledFrom(statuses).Draw(t, "status"), level.Draw(t, "risk"), nil)
		if rapid.Bool().Draw(t, "due") {
			due(threatmodel.CauseDocument)(&x)
		}
		change := threatmodel.ThreatChange{Threat: "T-1", Kind: rapid.SampledFrom(kinds).Draw(t, "kind"), Review: rapid.Bool().Draw(t, "review")}
		alone := &threatmodel.Model{Threats: []threatmodel.Threat{x}}
		beside := &threatmodel.Model{Threats: []threatmodel.Threat{x}, Changes: &threatmodel.Changes{Threats: []threatmodel.ThreatChange{change}}}
		low, high := level.Draw(t, "one level"), level.Draw(t, "another")
		if !high.AtLeast(low) {
			low, high = high, low
		}
		if fails(beside, low) && !fails(alone, low) {
			t.Fatalf("%+v fails beside a baseline only", x)
		}
		if fails(alone, high) && !fails(alone, low) {
			t.Fatalf("%+v fails at %s and not at %s", x, high, low)
		}
	})
}
