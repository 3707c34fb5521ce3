package main

import (
	"slices"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// tokens are the words of a text, in the form in which they are compared:
// compatibility characters such as ligatures spelled out, no marks. Raised
// figures, which mark footnotes, are words of their own.
func tokens(s string) []string {
	s = norm.NFKC.String(apartFigures.Replace(s))
	return strings.FieldsFunc(strings.ToLower(s), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
}

var apartFigures = func() *strings.Replacer {
	var pairs []string
	for i, r := range []rune("⁰¹²³⁴⁵⁶⁷⁸⁹") {
		pairs = append(pairs, string(r), " "+string(rune('0'+i))+" ")
	}
	return strings.NewReplacer(pairs...)
}()

// pairs are the pairs of successive words: they agree where the order does.
func pairs(words []string) []string {
	var out []string
	for i := 1; i < len(words); i++ {
		out = append(out, words[i-1]+" "+words[i])
	}
	return out
}

// f1 is the harmonic mean of precision and recall of two bags of words.
func f1(got, want []string) float64 {
	if len(got)+len(want) == 0 {
		return 1
	}
	count := map[string]int{}
	for _, w := range want {
		count[w]++
	}
	same := 0
	for _, w := range got {
		if count[w] > 0 {
			count[w]--
			same++
		}
	}
	return 2 * float64(same) / float64(len(got)+len(want))
}

func median(v []float64) float64 {
	s := slices.Sorted(slices.Values(v))
	if n := len(s); n%2 == 0 {
		return (s[n/2-1] + s[n/2]) / 2
	}
	return s[len(s)/2]
}

func mean(v []float64) float64 {
	sum := 0.0
	for _, x := range v {
		sum += x
	}
	return sum / float64(len(v))
}

// mended counts the words of a text that are two successive ones of another,
// glued, and those that are one of the other, split.
func mended(got, want []string) (glued, split int) {
	whole, joined := map[string]bool{}, map[string]bool{}
	for i, w := range want {
		whole[w] = true
		if i > 0 {
			joined[want[i-1]+w] = true
		}
	}
	for i, w := range got {
		if !whole[w] && joined[w] {
			glued++
		}
		if i > 0 && whole[got[i-1]+w] && !(whole[got[i-1]] && whole[w]) {
			split++
		}
	}
	return glued, split
}
