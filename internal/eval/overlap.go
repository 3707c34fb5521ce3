package eval

import (
	"strings"
	"unicode"

	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

const (
	// leastContained is how many words a text must have to count as contained
	// in another, unless it is a third of it: "the units" stands everywhere.
	leastContained = 4
	// leastShared is the share of the words of the longer text that two
	// quotes of the same sentence have in common.
	leastShared = 0.6
	// near is how many bytes of text may lie between two places that speak of
	// the same: about a paragraph.
	near = 600
)

// words are the words of a text, folded: case, punctuation and kinds of quotation
// mark do not count, and an apostrophe joins.
func words(s string) []string {
	s = strings.NewReplacer("’", "'", "‘", "'", "\u00ad", "").Replace(strings.ToLower(s))
	return strings.FieldsFunc(strings.ReplaceAll(s, "'", ""), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
}

func folded(s string) string { return " " + strings.Join(words(s), " ") + " " }

// same reports whether two quotes are of the same sentence: one contains the
// other, or they share most of their words.
func same(a, b string) bool {
	x, y := words(a), words(b)
	if len(x) > len(y) {
		x, y, a, b = y, x, b, a
	}
	if len(x) == 0 {
		return false
	}
	long := len(x) >= leastContained || 3*len(x) >= len(y)
	if long && strings.Contains(folded(b), folded(a)) {
		return true
	}
	return float64(common(x, y)) >= leastShared*float64(len(y))
}

// common counts the words that two texts share, each as often as both have it.
func common(x, y []string) int {
	left := map[string]int{}
	for _, w := range y {
		left[w]++
	}
	n := 0
	for _, w := range x {
		if left[w] > 0 {
			left[w]--
			n++
		}
	}
	return n
}

// overlaps reports whether any evidence quotes any of the sentences.
func overlaps(evidence []threatmodel.Evidence, quotes []string) bool {
	for _, e := range evidence {
		for _, q := range quotes {
			if same(e.Quote, q) {
				return true
			}
		}
	}
	return false
}

// foldName reduces the name of an element to its words without an article.
func foldName(name string) string {
	w := words(name)
	if len(w) > 1 && (w[0] == "the" || w[0] == "a" || w[0] == "an") {
		w = w[1:]
	}
	return strings.Join(w, " ")
}

// places finds where sentences stand in the extracted texts.
type places struct {
	// texts hold each document's words with the byte offset of each.
	texts map[string][]located
	known map[string][]place
}

type located struct {
	word   string
	offset int
}

// place is where a sentence stands.
type place struct {
	document   string
	start, end int
}

func newPlaces(texts map[string]string) *places {
	p := &places{texts: map[string][]located{}, known: map[string][]place{}}
	for id, text := range texts {
		p.texts[id] = locate(text)
	}
	return p
}

// locate splits a text into words as [words] does.
func locate(text string) []located {
	var out []located
	start := -1
	flush := func(end int) {
		if start >= 0 {
			for _, w := range words(text[start:end]) {
				out = append(out, located{w, start})
			}
			start = -1
		}
	}
	for i, r := range text {
		switch {
		case unicode.IsLetter(r), unicode.IsDigit(r), r == '\'', r == '’', r == '‘', r == '\u00ad':
			if start < 0 {
				start = i
			}
		default:
			flush(i)
		}
	}
	flush(len(text))
	return out
}

// of are the places of a sentence.
func (p *places) of(quote string) []place {
	if found, ok := p.known[quote]; ok {
		return found
	}
	want := words(quote)
	var out []place
	for id, text := range p.texts {
		for i := 0; i+len(want) <= len(text); i++ {
			if matches(text[i:], want) {
				out = append(out, place{id, text[i].offset, text[i+len(want)-1].offset})
			}
		}
	}
	p.known[quote] = out
	return out
}

func matches(text []located, want []string) bool {
	for i, w := range want {
		if text[i].word != w {
			return false
		}
	}
	return true
}

// near reports whether evidence stands close to one of the sentences.
func (p *places) near(evidence []threatmodel.Evidence, quotes []string) bool {
	for _, q := range quotes {
		for _, at := range p.of(q) {
			for _, e := range evidence {
				if e.Document == at.document && e.Locator.ByteStart <= at.end+near && at.start <= e.Locator.ByteEnd+near {
					return true
				}
			}
		}
	}
	return false
}
