// Package lexis knows what a word of a design document is worth to a search:
// it cuts text into stems and weighs them by how rare they are.
//
// Weights are shipped constants, never counted over the documents at hand: a
// document that is added must not change what an old passage scores.
package lexis

import (
	_ "embed"
	"fmt"
	"math"
	"strings"
	"unicode"

	"github.com/goccy/go-yaml"
	"github.com/kljensen/snowball/english"
)

// Lexicon weighs stems. It is safe for concurrent use.
type Lexicon struct {
	version string
	unknown float64
	average float64
	weights map[string]float64
}

//go:embed weights.yaml
var weights []byte

// file is weights.yaml: stems grouped by weight.
type file struct {
	Version       string  `yaml:"version"`
	Unknown       float64 `yaml:"unknown"`
	AverageLength float64 `yaml:"average_length"`
	Stems         []struct {
		Weight float64 `yaml:"weight"`
		Words  string  `yaml:"words"`
	} `yaml:"stems"`
}

// Load reads the shipped lexicon.
func Load() (*Lexicon, error) { return parse(weights) }

func parse(raw []byte) (*Lexicon, error) {
	var f file
	if err := yaml.UnmarshalWithOptions(raw, &f, yaml.Strict()); err != nil {
		return nil, fmt.Errorf("reading the word weights: %w", err)
	}
	if f.Version == "" || f.AverageLength <= 0 || f.Unknown <= 0 {
		return nil, fmt.Errorf("reading the word weights: version, average_length and unknown must be set")
	}
	l := &Lexicon{version: f.Version, unknown: f.Unknown, average: f.AverageLength, weights: map[string]float64{}}
	for _, group := range f.Stems {
		if group.Weight < 0 || math.IsNaN(group.Weight) || math.IsInf(group.Weight, 0) {
			return nil, fmt.Errorf("reading the word weights: %v is no weight", group.Weight)
		}
		for stem := range strings.FieldsSeq(group.Words) {
			if _, twice := l.weights[stem]; twice {
				return nil, fmt.Errorf("reading the word weights: %q stands twice", stem)
			}
			l.weights[stem] = group.Weight
		}
	}
	return l, nil
}

// Version names the weights: what is computed from others does not compare.
func (l *Lexicon) Version() string { return l.version }

// Weight is the inverse document frequency of a stem, 0 for a word that says
// nothing.
func (l *Lexicon) Weight(stem string) float64 {
	if w, ok := l.weights[stem]; ok {
		return w
	}
	return l.unknown
}

// AverageLength is the number of words that a passage has on average.
func (l *Lexicon) AverageLength() float64 { return l.average }

// Stemmer remembers the stems of the words that it has seen. It is for one
// goroutine and one batch of texts; make another for the next.
type Stemmer struct{ stems map[string]string }

// NewStemmer makes a stemmer.
func NewStemmer() *Stemmer { return &Stemmer{map[string]string{}} }

// Stems are the stems of a text's words, in order, repeated as they repeat.
func (s *Stemmer) Stems(text string) []string {
	words := Words(text)
	for i, w := range words {
		words[i] = s.Stem(w)
	}
	return words
}

// Stem reduces a word in lower case to its stem.
func (s *Stemmer) Stem(word string) string {
	stem, ok := s.stems[word]
	if !ok {
		stem = english.Stem(word, false)
		s.stems[word] = stem
	}
	return stem
}

// longest is the length in bytes past which a word is cut: what is longer is
// a key or a picture in base 64, not a word.
const longest = 48

// Words are the runs of letters and digits in a text, in lower case, without
// those of one byte.
func Words(text string) []string {
	words := strings.FieldsFunc(strings.ToLower(text), func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.IsMark(r)
	})
	kept := words[:0]
	for _, w := range words {
		if len(w) > longest {
			w = strings.ToValidUTF8(w[:longest], "")
		}
		if len(w) > 1 {
			kept = append(kept, w)
		}
	}
	return kept
}
