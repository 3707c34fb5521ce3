package lexis

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func load(t *testing.T) *Lexicon {
	t.Helper()
	l, err := Load()
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func TestShippedWeightsAreSound(t *testing.T) {
	l := load(t)
	if len(l.weights) < 1000 {
		t.Errorf("%d stems are listed: too few to weigh words by", len(l.weights))
	}
	for stem, w := range l.weights {
		if w > l.unknown {
			t.Errorf("%q weighs %v, more than a word never seen (%v)", stem, w, l.unknown)
		}
		if strings.ToLower(stem) != stem || len(stem) < 2 && w != 0 {
			t.Errorf("%q is no stem that a text can have", stem)
		}
	}
	if l.AverageLength() < 5 || l.AverageLength() > 100 {
		t.Errorf("a passage has %v words on average: that is no paragraph", l.AverageLength())
	}
}

func TestWeightTellsWordsThatCarryMeaning(t *testing.T) {
	l, s := load(t), NewStemmer()
	for _, silent := range []string{"the", "of", "and", "their", "whom", "which"} {
		if w := l.Weight(s.Stem(silent)); w != 0 {
			t.Errorf("%q weighs %v, want 0", silent, w)
		}
	}
	for _, pair := range [][2]string{{"data", "tenant"}, {"system", "encryption"}, {"not", "password"}, {"user", "deserialization"}} {
		if low, high := l.Weight(s.Stem(pair[0])), l.Weight(s.Stem(pair[1])); low <= 0 || low > high {
			t.Errorf("%q weighs %v, %q %v: want the first above 0 and no more than the second", pair[0], low, pair[1], high)
		}
	}
	for _, limit := range []string{"not", "no", "without", "only", "except", "never"} {
		if l.Weight(s.Stem(limit)) == 0 {
			t.Errorf("%q counts for nothing, though it turns a sentence round", limit)
		}
	}
}

func TestWords(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		want []string
	}{
		"punctuation separates":        {"TLS 1.3, mTLS/gRPC (v2)", []string{"tls", "mtls", "grpc", "v2"}},
		"hyphens separate":             {"re-encrypts cross-tenant data", []string{"re", "encrypts", "cross", "tenant", "data"}},
		"letters of other scripts":     {"Schlüssel für Übergabe", []string{"schlüssel", "für", "übergabe"}},
		"an endless word is cut":       {strings.Repeat("a", 4000), []string{strings.Repeat("a", longest)}},
		"a cut word stays valid UTF-8": {"a" + strings.Repeat("ü", 100), []string{"a" + strings.Repeat("ü", 23)}},
		"nothing":                      {" \n\t--", []string{}},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, Words(c.text)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestStemsJoinFormsOfAWord(t *testing.T) {
	got := NewStemmer().Stems("Encrypted encrypts encrypting encryption")
	slices.Sort(got)
	if got = slices.Compact(got); len(got) != 1 {
		t.Errorf("forms of one word have the stems %v", got)
	}
}

func TestBrokenWeightsAreRefused(t *testing.T) {
	const head = "version: \"1\"\nunknown: 7\naverage_length: 20\n"
	for name, c := range map[string]struct{ text, want string }{
		"a stem twice":      {head + "stems:\n  - weight: 1\n    words: a b\n  - weight: 2\n    words: b\n", `"b" stands twice`},
		"a negative weight": {head + "stems:\n  - weight: -1\n    words: a\n", "-1 is no weight"},
		"no average":        {"version: \"1\"\nunknown: 7\n", "average_length"},
		"an unknown field":  {head + "stemz: []\n", "stemz"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := parse([]byte(c.text)); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got the error %v, want one with %q", err, c.want)
			}
		})
	}
}
