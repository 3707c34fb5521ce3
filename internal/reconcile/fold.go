package reconcile

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"unicode"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"

	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

// Fold reduces a text to what makes it the same text for a reader:
// compatibility forms, case, white space, kinds of quotation mark and dash,
// and invisible characters do not count. Folding twice changes nothing.
func Fold(s string) string {
	for range maxFolds {
		folded := foldOnce(s)
		if folded == s {
			break
		}
		s = folded
	}
	return s
}

// maxFolds bounds the passes of Fold. Case folding can open a composition that
// the next pass closes; three passes settle every text known.
const maxFolds = 4

func foldOnce(s string) string {
	s = strings.Map(unify, strings.ToValidUTF8(s, "\uFFFD"))
	s = norm.NFKC.String(cases.Fold().String(norm.NFKC.String(s)))
	return strings.Join(strings.Fields(strings.Map(unify, s)), " ")
}

// unify gives kinds of quotation mark and dash one form and drops characters
// that nobody sees.
func unify(r rune) rune {
	switch r {
	case '‘', '’', '‚', '‛', '′', '‹', '›', '`', '´', 'ʼ':
		return '\''
	case '“', '”', '„', '‟', '″', '«', '»':
		return '"'
	case '‐', '‑', '‒', '–', '—', '―', '−', '﹣', '－':
		return '-'
	case '\u00AD', '\u200B', '\u200C', '\u200D', '\u2060', '\uFEFF':
		return -1
	}
	return r
}

// Hash is the hash of a quote, as anchors and decisions hold it: 128 bits in
// hexadecimal. Quotes that fold to the same text have the same hash.
func Hash(quote string) string { return hashFolded(Fold(quote)) }

func hashFolded(folded string) string {
	sum := sha256.Sum256([]byte(folded))
	return hex.EncodeToString(sum[:16])
}

// short is the form of a hash in threatmodel.Document.Sentences.
func short(hash string) string { return hash[:min(len(hash), 16)] }

// Known are the sentences that the documents of a model hold; nil holds none.
func Known(m *threatmodel.Model) func(sentence string) bool {
	known := map[string]bool{}
	if m != nil {
		for i := range m.Documents {
			for _, h := range m.Documents[i].Sentences {
				known[h] = true
			}
		}
	}
	return func(sentence string) bool { return known[short(Hash(sentence))] }
}

// wordsOf are the words of a folded text: runs of letters and digits. In
// scripts that are written without spaces each character is a word.
func wordsOf(folded string) []string {
	var words []string
	start := -1
	flush := func(end int) {
		if start >= 0 {
			words = append(words, folded[start:end])
			start = -1
		}
	}
	for i, r := range folded {
		switch {
		case unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Thai):
			flush(i)
			words = append(words, string(r))
		case unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.IsMark(r):
			if start < 0 {
				start = i
			}
		default:
			flush(i)
		}
	}
	flush(len(folded))
	return words
}

// foldName reduces the name of an element to its words: hyphens, case and a
// leading article do not count.
func foldName(name string) string {
	words := wordsOf(Fold(name))
	if len(words) > 1 && (words[0] == "the" || words[0] == "a" || words[0] == "an") {
		words = words[1:]
	}
	if len(words) == 0 {
		return Fold(name)
	}
	return strings.Join(words, " ")
}
