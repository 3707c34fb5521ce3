// Package ground turns citations into located quotes. A citation is
// double-entry: the number of a sentence shown in the prompt, and the first
// words of that sentence. Both must agree, so an analyst that invents a
// quote, or loses count, is caught; and the quote that people see is always
// the slice of the document's text, never the analyst's typing.
//
// Everything here is a pure function.
package ground

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"

	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

// Citation points to a sentence of a prompt.
type Citation struct {
	// At is the sentence's number, such as P3.2: the second sentence of the
	// third passage shown.
	At string `json:"at"`
	// Words are the first words of that sentence.
	Words string `json:"words"`
}

// Quote is a sentence that a citation was found to point to.
type Quote struct {
	Passage  *threatmodel.Passage
	Sentence *threatmodel.Sentence
}

// Refusal says why a citation does not hold, in words that an analyst can act
// on.
type Refusal struct {
	Citation Citation
	Reason   string
}

func (r *Refusal) Error() string { return r.Reason }

const (
	// comparedWords is how many first words are held against the sentence.
	comparedWords = 8
	// leastCited is how many words a citation must give of a longer sentence.
	leastCited = 3
	// leastWords is how long a sentence must be to carry evidence, unless it
	// is a whole list item, row or line.
	leastWords = 4
)

// Find looks a citation up among the passages shown in the prompt, in the
// order in which they were numbered. The error is a *Refusal.
func Find(c Citation, shown []threatmodel.Passage) (Quote, error) {
	p, n, ok := parseNumber(c.At)
	if !ok {
		return Quote{}, refuse(c, "%q is not the number of a sentence such as P1.2", c.At)
	}
	if p < 1 || p > len(shown) {
		return Quote{}, refuse(c, "there is no passage P%d in the material", p)
	}
	passage := &shown[p-1]
	if n == 0 {
		if n = soleMatch(passage, c.Words); n == 0 {
			return Quote{}, refuse(c, "P%d has %d sentences; say which one, as P%d.1", p, len(passage.Sentences), p)
		}
	}
	if n > len(passage.Sentences) {
		return Quote{}, refuse(c, "P%d has no sentence %d", p, n)
	}
	s := &passage.Sentences[n-1]
	if !Agrees(c.Words, s.Text) {
		return Quote{}, refuse(c, "P%d.%d begins with %q, not with %q", p, n, firstWords(s.Text, comparedWords), firstWords(c.Words, comparedWords))
	}
	if !s.Whole && len(Words(s.Text)) < leastWords {
		return Quote{}, refuse(c, "P%d.%d is too short to carry evidence", p, n)
	}
	return Quote{passage, s}, nil
}

func refuse(c Citation, format string, args ...any) *Refusal {
	return &Refusal{Citation: c, Reason: fmt.Sprintf(format, args...)}
}

// parseNumber reads P3.2 or P3; the sentence is 0 where it is left out.
func parseNumber(at string) (passage, sentence int, ok bool) {
	at = strings.Trim(at, " []().")
	digits, ok := strings.CutPrefix(strings.ToUpper(at), "P")
	if !ok {
		return 0, 0, false
	}
	first, second, has := strings.Cut(digits, ".")
	passage, err := strconv.Atoi(first)
	if err != nil {
		return 0, 0, false
	}
	if has {
		if sentence, err = strconv.Atoi(second); err != nil || sentence < 1 {
			return 0, 0, false
		}
	}
	return passage, sentence, true
}

// soleMatch returns the number of the only sentence of a passage that begins
// with the words, or 0.
func soleMatch(p *threatmodel.Passage, words string) int {
	found := 0
	for i := range p.Sentences {
		if !Agrees(words, p.Sentences[i].Text) {
			continue
		}
		if found != 0 {
			return 0
		}
		found = i + 1
	}
	return found
}

// Agrees reports whether the cited words are the first words of the sentence.
// Case, punctuation and white space do not count; beyond the eighth word
// nothing is compared.
func Agrees(cited, sentence string) bool {
	c, s := Words(cited), Words(sentence)
	if len(c) < min(leastCited, len(s)) || len(s) == 0 {
		return false
	}
	for i := range min(len(c), len(s), comparedWords) {
		if c[i] != s[i] {
			return false
		}
	}
	return true
}

// Words are the runs of letters and digits of a text, in lower case.
func Words(s string) []string {
	return strings.FieldsFunc(strings.ToLower(s), func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r)
	})
}

func firstWords(s string, n int) string {
	words := strings.Fields(s)
	if len(words) > n {
		return strings.Join(words[:n], " ") + " …"
	}
	return strings.Join(words, " ")
}

// Evidence is the quote as evidence: one entry, or one a page where a page
// break cuts the sentence.
func (q Quote) Evidence(role threatmodel.EvidenceRole) []threatmodel.Evidence {
	out := make([]threatmodel.Evidence, 0, len(q.Sentence.Spans))
	for _, span := range q.Sentence.Spans {
		out = append(out, threatmodel.Evidence{
			Quote:    span.Text,
			Document: q.Passage.Document,
			Passage:  q.Passage.ID,
			Role:     role,
			Locator:  span.Locator,
		})
	}
	return out
}

// FindAll looks up several citations. It returns the evidence of those that
// hold, each sentence once, and the refusals of the others.
func FindAll(cs []Citation, shown []threatmodel.Passage, role threatmodel.EvidenceRole) ([]threatmodel.Evidence, []Quote, []*Refusal) {
	var (
		evidence []threatmodel.Evidence
		quotes   []Quote
		refusals []*Refusal
		seen     = map[*threatmodel.Sentence]bool{}
	)
	for _, c := range cs {
		q, err := Find(c, shown)
		if err != nil {
			refusals = append(refusals, err.(*Refusal))
			continue
		}
		if seen[q.Sentence] {
			continue
		}
		seen[q.Sentence] = true
		quotes = append(quotes, q)
		evidence = append(evidence, q.Evidence(role)...)
	}
	return evidence, quotes, refusals
}
