package reconcile

import (
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// heaviest tries every set of pairs.
func heaviest(edges []edge, rows, cols map[int]bool) int64 {
	if len(edges) == 0 {
		return 0
	}
	e, rest := edges[0], edges[1:]
	best := heaviest(rest, rows, cols)
	if !rows[e.row] && !cols[e.col] {
		rows[e.row], cols[e.col] = true, true
		best = max(best, e.weight+heaviest(rest, rows, cols))
		delete(rows, e.row)
		delete(cols, e.col)
	}
	return best
}

func drawEdges(t *rapid.T) []edge {
	var out []edge
	for row := range rapid.IntRange(1, 5).Draw(t, "rows") {
		for col := range 5 {
			if w := rapid.Int64Range(-6, 12).Draw(t, "weight"); w > 0 {
				out = append(out, edge{row, col, w})
			}
		}
	}
	return out
}

func TestAssignmentIsTheHeaviest(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		edges := drawEdges(t)
		got := assign(edges)
		var sum int64
		rows, cols := map[int]bool{}, map[int]bool{}
		for _, e := range got {
			if rows[e.row] || cols[e.col] || !slices.Contains(edges, e) {
				t.Fatalf("%v is no assignment of %v", got, edges)
			}
			rows[e.row], cols[e.col] = true, true
			sum += e.weight
		}
		if want := heaviest(edges, map[int]bool{}, map[int]bool{}); sum != want {
			t.Fatalf("the pairs weigh %d, the best %d", sum, want)
		}
		if again := assign(rapid.Permutation(edges).Draw(t, "order")); !slices.Equal(got, again) {
			t.Fatalf("in another order of edges %v became %v", got, again)
		}
	})
}

func TestFoldTwiceIsFoldOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.String().Draw(t, "text")
		if once := Fold(s); Fold(once) != once {
			t.Fatalf("%q folds to %q and that to %q", s, once, Fold(once))
		}
	})
}

func TestFoldIsWhatAReaderCallsTheSame(t *testing.T) {
	same := [][2]string{
		{"The portal’s “key”", `the PORTAL's "key"`},
		{"a – b", "a - b"},
		{"soft\u00ADhyphen zero\u200Bwidth", "softhyphen zerowidth"},
		{"ﬁle  of\n\tkeys", "file of keys"},
		{"Straße", "STRASSE"},
		{"e\u0301tat", "état"},
	}
	for _, p := range same {
		if Hash(p[0]) != Hash(p[1]) {
			t.Errorf("%q and %q are told apart", p[0], p[1])
		}
	}
	for _, p := range [][2]string{{"is encrypted", "is not encrypted"}, {"TLS 1.2", "TLS 1.3"}, {"a.", "a"}, {"a b", "ab"}} {
		if Hash(p[0]) == Hash(p[1]) {
			t.Errorf("%q and %q are held to be the same", p[0], p[1])
		}
	}
}

func TestCommonOrderIsTheLongestCommonSubsequence(t *testing.T) {
	word := rapid.SampledFrom([]string{"a", "b", "c"})
	var slow func(a, b []string) int
	slow = func(a, b []string) int {
		switch {
		case len(a) == 0 || len(b) == 0:
			return 0
		case a[0] == b[0]:
			return 1 + slow(a[1:], b[1:])
		}
		return max(slow(a[1:], b), slow(a, b[1:]))
	}
	rapid.Check(t, func(t *rapid.T) {
		a, b := rapid.SliceOfN(word, 0, 7).Draw(t, "a"), rapid.SliceOfN(word, 0, 7).Draw(t, "b")
		if got, want := commonOrder(a, b), slow(a, b); got != want {
			t.Fatalf("%v and %v have %d words in common order, want %d", a, b, got, want)
		}
	})
}
