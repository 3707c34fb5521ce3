package analyze

import (
	"slices"

	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

// goneRound moves the statements of controls that a live threat goes round into
// entries of their own, whose verdict is bypassed and whose evidence shows what
// contradicts them. A survey reads one section and cannot know; the threats can.
// Lists that are passed in stay as they are.
func goneRound(stated []threatmodel.StatedControl, threats []threatmodel.Threat) []threatmodel.StatedControl {
	out := []threatmodel.StatedControl{}
	for _, c := range stated {
		kept, round := c, c
		kept.Evidence, round.Evidence = nil, nil
		for _, e := range c.Evidence {
			if against := contradictions(e, threats); len(against) > 0 {
				round.Evidence = uniteEvidence(append(round.Evidence, e), against)
				continue
			}
			kept.Evidence = append(kept.Evidence, e)
		}
		if len(kept.Evidence) > 0 || len(round.Evidence) == 0 {
			out = append(out, c)
			out[len(out)-1].Evidence = kept.Evidence
		}
		if len(round.Evidence) > 0 {
			round.ID, round.Verdict = bypassedID(&c), threatmodel.Bypassed
			out = append(out, round)
		}
	}
	return out
}

// contradictions are the sentences by which live threats go round a statement.
func contradictions(states threatmodel.Evidence, threats []threatmodel.Threat) []threatmodel.Evidence {
	var out []threatmodel.Evidence
	for i := range threats {
		t := &threats[i]
		if !t.Live() || t.Status == threatmodel.StatusRejected || t.Status == threatmodel.StatusDuplicate {
			continue
		}
		for _, ref := range t.Controls {
			if ref.Verdict != threatmodel.Bypassed || !slices.ContainsFunc(ref.Evidence, func(e threatmodel.Evidence) bool {
				return e.Role == threatmodel.States && sameSpot(e, states)
			}) {
				continue
			}
			for _, e := range ref.Evidence {
				if e.Role == threatmodel.Contradicts {
					out = uniteEvidence(out, []threatmodel.Evidence{e})
				}
			}
		}
	}
	return out
}

// bypassedID names the statements of one control that are gone round. It is
// made of the id under which they were surveyed, so that [asSurveyed] finds back.
func bypassedID(c *threatmodel.StatedControl) string { return mint("S", c.ID+"\x00bypassed") }

// asSurveyed undoes [goneRound] for one entry of a baseline: what the survey had
// said of it. Whether a threat goes round it is found out anew in each run.
func asSurveyed(c threatmodel.StatedControl) threatmodel.StatedControl {
	if c.Verdict != threatmodel.Bypassed {
		return c
	}
	for _, v := range threatmodel.Verdicts() {
		was := threatmodel.StatedControl{ID: controlID(c.Name, v), Verdict: v}
		if bypassedID(&was) != c.ID {
			continue
		}
		was.Name, was.Elements, was.Family = c.Name, c.Elements, c.Family
		was.Evidence = slices.DeleteFunc(slices.Clone(c.Evidence), func(e threatmodel.Evidence) bool { return e.Role == threatmodel.Contradicts })
		return was
	}
	return c
}
