package analyze

import (
	"strings"
	"testing"

	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

func alikeCandidate(title, family, element, quote string) *candidate {
	return &candidate{threat: threatmodel.Threat{
		Title: title, Statement: title, Family: family, Elements: []string{element},
		Evidence: []threatmodel.Evidence{{Quote: quote, Passage: quote}},
	}}
}

// TestMergeAnswersAreHeldToTheList: what a model says of threats that it was not
// shown, or says twice, goes back to it.
func TestMergeAnswersAreHeldToTheList(t *testing.T) {
	group := []*candidate{
		alikeCandidate("a", "f", "e1", "q1"), alikeCandidate("b", "f", "e2", "q2"),
		alikeCandidate("c", "g", "e1", "q3"), alikeCandidate("d", "h", "e3", "q4"),
	}
	for _, c := range []struct {
		name    string
		same    []MergeGroup
		united  int
		refused string
	}{
		{"none", nil, 0, ""},
		{"a group of one says nothing", []MergeGroup{{Threats: []string{"X1"}, Fuller: "X1"}}, 0, ""},
		{"two of a family", []MergeGroup{{Threats: []string{"X1", "X2"}, Fuller: "X2", Reason: "r"}}, 1, ""},
		{"two at an element", []MergeGroup{{Threats: []string{"X1", "X3"}, Fuller: "X1", Reason: "r"}}, 1, ""},
		{"the fuller is taken in", []MergeGroup{{Threats: []string{"X2"}, Fuller: "X1", Reason: "r"}}, 1, ""},
		{"an unknown one", []MergeGroup{{Threats: []string{"X1", "X9"}, Fuller: "X1"}}, 0, "X9 is not one"},
		{"no fuller", []MergeGroup{{Threats: []string{"X1", "X2"}, Fuller: "none"}}, 0, "none is not one"},
		{"nothing ties them", []MergeGroup{{Threats: []string{"X1", "X4"}, Fuller: "X1"}}, 0, "shares neither"},
		{"in two groups", []MergeGroup{{Threats: []string{"X1", "X2"}, Fuller: "X1", Reason: "r"}, {Threats: []string{"X1", "X3"}, Fuller: "X3"}}, 1, "stands in two groups"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, refusals := checkMerge(&MergeAnswer{Same: c.same}, group)
			n := 0
			for _, s := range got {
				n += len(s.others)
			}
			if n != c.united {
				t.Errorf("%d united, want %d", n, c.united)
			}
			switch {
			case c.refused == "" && len(refusals) > 0:
				t.Errorf("refused: %+v", refusals)
			case c.refused != "" && (len(refusals) != 1 || !strings.Contains(refusals[0].Reason, c.refused) || !refusals[0].Repairable):
				t.Errorf("refused %+v, want %q", refusals, c.refused)
			}
		})
	}
}

// TestGroupsOfAlikeStaySmall: the most alike come together first, and a chain of
// likenesses does not put all threats into one question.
func TestGroupsOfAlikeStaySmall(t *testing.T) {
	var list []*candidate
	var pairs []alikePair
	for i := range 3 * maxAlike {
		list = append(list, alikeCandidate("t", "f", "e", "q"))
		if i > 0 {
			pairs = append(pairs, alikePair{i - 1, i, 0.9})
		}
	}
	total := 0
	for _, g := range grouped(list, pairs) {
		if len(g) < 2 || len(g) > maxAlike {
			t.Errorf("a group of %d", len(g))
		}
		total += len(g)
	}
	if total < 2*maxAlike {
		t.Errorf("only %d are compared", total)
	}
}
