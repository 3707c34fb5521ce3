package language

import (
	"bytes"
	_ "embed"
	"fmt"
	"strings"
	"sync"
	"unicode"

	"github.com/goccy/go-yaml"
)

// vocabulary is the different words of a text, in lower case. Those that stood
// so somewhere are true: a word that is always great may be part of a name.
type vocabulary map[string]bool

func different(text string) vocabulary {
	words := vocabulary{}
	for word := range strings.FieldsSeq(text) {
		word = bare(word)
		lower := strings.ToLower(word)
		words[lower] = words[lower] || word == lower
	}
	return words
}

// letters counts those of all words.
func (v vocabulary) letters() int {
	n := 0
	for word := range v {
		for _, r := range word {
			if unicode.IsLetter(r) {
				n++
			}
		}
	}
	return n
}

const (
	// twoWords is how many different small words of a language a text must hold
	// to be in it, and smallShare how large their share of its words must be.
	twoWords   = 2
	smallShare = 0.08
)

// hold reports whether there are enough small words of a language among the
// words.
func (v vocabulary) hold(small vocabulary) bool {
	n := 0
	for word, lower := range v {
		if lower && small[word] {
			n++
		}
	}
	return n >= twoWords && float64(n) >= smallShare*float64(len(v))
}

//go:embed smallwords.yaml
var smallWordsYAML []byte

// loadSmallWords are the small words of languages by their code. An error is a
// fault of the program.
var loadSmallWords = sync.OnceValues(func() (map[string]vocabulary, error) {
	var data map[string]string
	if err := yaml.NewDecoder(bytes.NewReader(smallWordsYAML), yaml.Strict()).Decode(&data); err != nil {
		return nil, fmt.Errorf("read smallwords.yaml: %w", err)
	}
	all := map[string]vocabulary{}
	for code, words := range data {
		all[code] = different(words)
	}
	return all, nil
})

// smallWordsOf are the small words of a language; nil where they are not known.
func smallWordsOf(code string) vocabulary {
	all, err := loadSmallWords()
	if err != nil {
		return nil // then more words are asked for
	}
	return all[code]
}
