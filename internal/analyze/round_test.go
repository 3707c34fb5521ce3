package analyze

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

func spot(at int, role threatmodel.EvidenceRole) threatmodel.Evidence {
	return threatmodel.Evidence{
		Document: "d", Passage: "p", Role: role, Quote: string(rune('a' + at)),
		Locator: threatmodel.Locator{ByteStart: 10 * at, ByteEnd: 10*at + 9},
	}
}

func statedControl(v threatmodel.Verdict, evidence ...threatmodel.Evidence) threatmodel.StatedControl {
	return threatmodel.StatedControl{ID: controlID("Encryption", v), Name: "Encryption", Elements: []string{"E-1"}, Verdict: v, Evidence: evidence}
}

func roundThreat(v threatmodel.Verdict, status threatmodel.Status, evidence ...threatmodel.Evidence) threatmodel.Threat {
	return threatmodel.Threat{ID: "T-1", Status: status, Controls: []threatmodel.ControlRef{{Catalog: "c", ID: "1", Verdict: v, Evidence: evidence}}}
}

func TestAStatementThatALiveThreatGoesRoundIsBypassed(t *testing.T) {
	one, two, against := spot(1, threatmodel.States), spot(2, threatmodel.States), spot(3, threatmodel.Contradicts)
	stated := []threatmodel.StatedControl{statedControl(threatmodel.Enforced, one, two)}
	round := statedControl(threatmodel.Enforced, one, against)
	round.ID, round.Verdict = bypassedID(&stated[0]), threatmodel.Bypassed
	for rule, c := range map[string]struct {
		threat threatmodel.Threat
		want   []threatmodel.StatedControl
	}{
		"a live threat goes round one of two sentences": {
			roundThreat(threatmodel.Bypassed, threatmodel.StatusOpen, one, against),
			[]threatmodel.StatedControl{statedControl(threatmodel.Enforced, two), round},
		},
		"a partial control is not gone round": {roundThreat(threatmodel.Partial, threatmodel.StatusOpen, one, against), stated},
		"a threat that a person rejected":     {roundThreat(threatmodel.Bypassed, threatmodel.StatusRejected, one, against), stated},
		"a threat that is resolved":           {roundThreat(threatmodel.Bypassed, threatmodel.StatusResolved, one, against), stated},
		"another sentence is gone round":      {roundThreat(threatmodel.Bypassed, threatmodel.StatusOpen, spot(4, threatmodel.States), against), stated},
	} {
		got := goneRound(stated, []threatmodel.Threat{c.threat})
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", rule, diff)
		}
	}
	if len(stated[0].Evidence) != 2 || stated[0].Verdict != threatmodel.Enforced {
		t.Errorf("the survey's own list was changed: %+v", stated[0])
	}
}

func TestWhatTheSurveySaidIsFoundBackFromABaseline(t *testing.T) {
	one, against := spot(1, threatmodel.States), spot(3, threatmodel.Contradicts)
	for _, v := range []threatmodel.Verdict{threatmodel.Enforced, threatmodel.Partial, threatmodel.Claimed} {
		was := statedControl(v, one)
		after := goneRound([]threatmodel.StatedControl{was}, []threatmodel.Threat{roundThreat(threatmodel.Bypassed, threatmodel.StatusOpen, one, against)})
		if len(after) != 1 || after[0].Verdict != threatmodel.Bypassed {
			t.Fatalf("%s: %+v", v, after)
		}
		if diff := cmp.Diff(was, asSurveyed(after[0])); diff != "" {
			t.Errorf("%s (-want +got):\n%s", v, diff)
		}
		if diff := cmp.Diff(was, asSurveyed(was)); diff != "" {
			t.Errorf("%s, not gone round (-want +got):\n%s", v, diff)
		}
	}
}
