package embed

import (
	"context"
	"math"
	"slices"

	"github.com/bartizan-security/bartizan/internal/embed/lexis"
)

const (
	builtinDimensions = 512
	gramLength        = 4
	// gramShare is what the character n-grams of a word weigh together,
	// against the word itself: enough to find "authenticator" by
	// "authentication" or a typing error, too little to drown the words.
	gramShare = 0.5
)

// builtin hashes stemmed words and their character 4-grams into a vector of
// fixed length, each weighed by how rare the word is.
type builtin struct{ lexicon *lexis.Lexicon }

// Builtin is the embedding that needs no model and no network: deterministic,
// the same on every machine.
func Builtin() (Embedder, error) {
	lexicon, err := lexis.Load()
	if err != nil {
		return nil, err
	}
	return &builtin{lexicon}, nil
}

// Name implements [Embedder].
func (b *builtin) Name() string { return "builtin-hash512-v1-words" + b.lexicon.Version() }

// Dimensions implements [Embedder].
func (b *builtin) Dimensions() int { return builtinDimensions }

// Embed implements [Embedder].
func (b *builtin) Embed(ctx context.Context, texts []string) ([][]float32, error) {
	stemmer := lexis.NewStemmer()
	out := make([][]float32, len(texts))
	for i, text := range texts {
		if err := context.Cause(ctx); err != nil {
			return nil, err
		}
		out[i] = b.vector(stemmer.Stems(text))
	}
	return out, nil
}

// vector sums the features of stems. Words that repeat count for less each
// time.
func (b *builtin) vector(stems []string) []float32 {
	v := make([]float32, builtinDimensions)
	slices.Sort(stems) // sums of floats depend on their order
	for start := 0; start < len(stems); {
		end := start + 1
		for end < len(stems) && stems[end] == stems[start] {
			end++
		}
		if w := b.lexicon.Weight(stems[start]); w > 0 {
			addWord(v, stems[start], w*(1+math.Log(float64(end-start))))
		}
		start = end
	}
	normalise(v)
	return v
}

// addWord adds the features of one word.
func addWord(v []float32, stem string, weight float64) {
	add(v, hash(fnvOffset, stem), weight)
	runes := []rune("^" + stem + "$")
	n := len(runes) - gramLength + 1
	if n < 2 { // the only gram would be the word again
		return
	}
	share := gramShare * weight / math.Sqrt(float64(n))
	for i := range n {
		add(v, hash(fnvOffset^gramLength, string(runes[i:i+gramLength])), share)
	}
}

// add puts a feature at the place that its hash gives it, with a sign that it
// gives too, so that features that fall together cancel out on average.
func add(v []float32, h uint64, weight float64) {
	if h>>63 == 1 {
		weight = -weight
	}
	v[h%builtinDimensions] += float32(weight)
}

// FNV-1a, 64 bits, with a last mixing: the low bits of short keys are poor.
const (
	fnvOffset uint64 = 14695981039346656037
	fnvPrime  uint64 = 1099511628211
)

func hash(seed uint64, s string) uint64 {
	h := seed
	for i := range len(s) {
		h ^= uint64(s[i])
		h *= fnvPrime
	}
	h ^= h >> 33
	h *= 0xff51afd7ed558ccd
	h ^= h >> 33
	return h
}
