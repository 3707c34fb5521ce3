package catalog

import (
	"cmp"
	"math"
	"slices"
	"strings"
	"unicode"

	"github.com/kljensen/snowball/english"
)

// index ranks controls against a text by BM25 over their words' stems.
type index struct {
	ids     []string
	terms   []map[string]float64
	lengths []float64
	average float64
	// rarity is the inverse document frequency of a term.
	rarity map[string]float64
}

// The usual constants of BM25: how fast a repeated word stops to count, and how
// much a long description is held against a control.
const (
	saturation = 1.2
	lengthPull = 0.75
)

// A word of the title or of look_for says more about a control than one of its
// summary, which is prose.
const (
	titleWeight   = 2
	lookForWeight = 2
	summaryWeight = 1
)

func newIndex(controls []Control) *index {
	x := &index{rarity: map[string]float64{}}
	for _, c := range controls {
		if c.Withdrawn || c.DesignVisible == NotVisible {
			continue
		}
		terms, length := map[string]float64{}, 0.0
		add := func(text string, weight float64) {
			for _, w := range stems(text) {
				terms[w] += weight
				length += weight
			}
		}
		add(c.Title, titleWeight)
		add(c.Summary, summaryWeight)
		add(strings.Join(c.LookFor, " "), lookForWeight)
		x.ids = append(x.ids, c.ID)
		x.terms = append(x.terms, terms)
		x.lengths = append(x.lengths, length)
		x.average += length
	}
	x.average /= float64(max(1, len(x.ids)))
	seen := map[string]float64{}
	for _, terms := range x.terms {
		for w := range terms {
			seen[w]++
		}
	}
	for w, n := range seen {
		x.rarity[w] = math.Log(1 + (float64(len(x.ids))-n+0.5)/(n+0.5))
	}
	return x
}

// search returns the ids of the n best controls that share a word with the text.
func (x *index) search(text string, n int) []string {
	query := stems(text)
	slices.Sort(query)
	query = slices.Compact(query)
	type hit struct {
		i     int
		score float64
	}
	var hits []hit
	for i, terms := range x.terms {
		score := 0.0
		for _, w := range query {
			if f := terms[w]; f > 0 {
				score += x.rarity[w] * f * (saturation + 1) / (f + saturation*(1-lengthPull+lengthPull*x.lengths[i]/x.average))
			}
		}
		if score > 0 {
			hits = append(hits, hit{i, score})
		}
	}
	slices.SortStableFunc(hits, func(a, b hit) int { return cmp.Compare(b.score, a.score) })
	out := make([]string, 0, min(max(0, n), len(hits)))
	for _, h := range hits {
		if len(out) == cap(out) {
			break
		}
		out = append(out, x.ids[h.i])
	}
	return out
}

// stems are the stems of a text's words, in lower case, without those that carry
// no meaning.
func stems(text string) []string {
	words := strings.FieldsFunc(strings.ToLower(text), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
	out := words[:0]
	for _, w := range words {
		if len(w) > 1 && !english.IsStopWord(w) {
			out = append(out, english.Stem(w, false))
		}
	}
	return out
}
