package main

import "testing"

func TestWordsThatAreGluedOrSplitAreCounted(t *testing.T) {
	want := tokens("The office keeps no keys of its own")
	tests := map[string]struct {
		text         string
		glued, split int
	}{
		"as it is":                      {"The office keeps no keys of its own", 0, 0},
		"two words as one":              {"The office keepsno keys of its own", 1, 0},
		"one word as two":               {"The off ice keeps no keys of its own", 0, 1},
		"a ligature and raised figures": {"The oﬃce keeps no keys¹ of its own", 0, 0},
		"other words":                   {"An office that has keys", 0, 0},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if glued, split := mended(tokens(tt.text), want); glued != tt.glued || split != tt.split {
				t.Errorf("%d glued and %d split, want %d and %d", glued, split, tt.glued, tt.split)
			}
		})
	}
}

func TestF1CountsWordsAndTheirOrder(t *testing.T) {
	want := tokens("a b c d")
	if got := f1(tokens("d c b a"), want); got != 1 {
		t.Errorf("F1 of the words in another order: %v", got)
	}
	if got := f1(pairs(tokens("d c b a")), pairs(want)); got != 0 {
		t.Errorf("F1 of the pairs in another order: %v", got)
	}
	if got := f1(tokens("a b"), want); got < 0.66 || got > 0.67 {
		t.Errorf("F1 of half the words: %v, want two thirds", got)
	}
}
