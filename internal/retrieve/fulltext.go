package retrieve

import (
	"slices"

	"github.com/bartizan-security/bartizan/internal/embed/lexis"
)

// BM25: how soon a repeated word adds no more, and how far a long passage is
// held to be wordy.
const (
	saturation = 1.2
	lengthPart = 0.75
)

// fullText is an inverted index that scores by BM25 with constant word weights
// and a constant average length.
type fullText struct {
	lexicon  *lexis.Lexicon
	passages int
	postings map[string][]posting
}

// posting is a passage that has a stem, with what that is worth there.
type posting struct {
	passage int
	gain    float64
}

func newFullText(lexicon *lexis.Lexicon, texts []string) *fullText {
	f := &fullText{lexicon: lexicon, passages: len(texts), postings: map[string][]posting{}}
	stemmer := lexis.NewStemmer()
	for i, text := range texts {
		stems := stemmer.Stems(text)
		norm := saturation * (1 - lengthPart + lengthPart*float64(len(stems))/lexicon.AverageLength())
		for stem, n := range count(stems) {
			if w := lexicon.Weight(stem); w > 0 {
				gain := w * float64(n) * (saturation + 1) / (float64(n) + norm)
				f.postings[stem] = append(f.postings[stem], posting{i, gain})
			}
		}
	}
	return f
}

func count(stems []string) map[string]int {
	out := make(map[string]int, len(stems))
	for _, s := range stems {
		out[s]++
	}
	return out
}

// scores are those of every passage, by passage; a word that the query repeats
// counts once.
func (f *fullText) scores(query string) []float64 {
	stems := lexis.NewStemmer().Stems(query)
	slices.Sort(stems) // sums of floats depend on their order
	out := make([]float64, f.passages)
	for _, stem := range slices.Compact(stems) {
		for _, p := range f.postings[stem] {
			out[p.passage] += p.gain
		}
	}
	return out
}
