package analyze

import (
	"testing"

	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

func proposed(title, element, passage string) *candidate {
	return &candidate{threat: threatmodel.Threat{
		Title: title, Elements: []string{element}, Family: title, Source: threatmodel.SourceModel,
		Evidence: []threatmodel.Evidence{{Quote: "The sentence of " + title + ".", Passage: passage, Document: title}},
	}}
}

// TestOnlyTextMakesARepeat holds the claim that a candidate repeats another to
// the text, and to what people may have decided.
func TestOnlyTextMakesARepeat(t *testing.T) {
	tests := []struct {
		name  string
		c, o  *candidate
		taken bool
	}{
		{"at one element", proposed("a", "E1", "P1"), proposed("b", "E1", "P2"), true},
		{"on one passage", proposed("a", "E1", "P1"), proposed("b", "E2", "P1"), true},
		{"neither", proposed("a", "E1", "P1"), proposed("b", "E2", "P2"), false},
	}
	old := proposed("a", "E1", "P1")
	old.old = "T-1"
	chain := proposed("b", "E1", "P1")
	chain.chain = true
	tests = append(tests,
		struct {
			name  string
			c, o  *candidate
			taken bool
		}{"a threat of the baseline", old, proposed("b", "E1", "P1"), false},
		struct {
			name  string
			c, o  *candidate
			taken bool
		}{"a chain", proposed("a", "E1", "P1"), chain, false},
	)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.c.saidToRepeat(tt.o)
			if got := tt.c.original() == tt.o; got != tt.taken {
				t.Errorf("taken: %v, want %v", got, tt.taken)
			}
		})
	}
}

// TestRepeatsGoRoundInNoCircle holds that of candidates which are said to
// repeat each other one is left.
func TestRepeatsGoRoundInNoCircle(t *testing.T) {
	a, b, c := proposed("a", "E1", "P1"), proposed("b", "E1", "P1"), proposed("c", "E1", "P1")
	a.saidToRepeat(b)
	b.saidToRepeat(c)
	c.saidToRepeat(a)
	r := &run{notApplicable: map[cell]string{}}
	left := r.withoutRepeats([]*candidate{a, b, c})
	if len(left) != 1 || left[0] != c || len(c.threat.Evidence) != 3 {
		t.Fatalf("%d left, with %d quotes; want c alone with three", len(left), len(c.threat.Evidence))
	}
	if len(r.rejections) != 2 {
		t.Errorf("%d rejections recorded, want 2: nothing is dropped silently", len(r.rejections))
	}
}

// TestARefutedThreatTakesNoneWithIt holds that a candidate stands on its own
// where the one that it repeats was refuted.
func TestARefutedThreatTakesNoneWithIt(t *testing.T) {
	a, b := proposed("a", "E1", "P1"), proposed("b", "E1", "P1")
	a.saidToRepeat(b)
	b.verdict = Contradicted
	r := &run{notApplicable: map[cell]string{}}
	if left := r.withoutRepeats([]*candidate{a, b}); len(left) != 2 {
		t.Fatalf("%d left, want both: b is rejected by its verdict, a stands", len(left))
	}
}
