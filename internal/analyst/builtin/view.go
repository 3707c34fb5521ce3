package builtin

import (
	"fmt"
	"slices"
	"strings"

	"github.com/bartizan-security/bartizan/internal/analyze"
	"github.com/bartizan-security/bartizan/internal/ground"
	"github.com/bartizan-security/bartizan/internal/pattern"
	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

// view is a question with its passages read.
type view struct {
	a        *Analyst
	q        *analyze.Question
	readings []*reading
}

func (a *Analyst) view(q *analyze.Question) *view {
	v := &view{a: a, q: q}
	for i := range q.Passages {
		v.readings = append(v.readings, a.read.passage(&q.Passages[i]))
	}
	return v
}

// place is a sentence of a question: the passage's and the sentence's index.
type place struct{ passage, sentence int }

func (v *view) sentence(at place) *sentence { return v.readings[at.passage].sentences[at.sentence] }

func (v *view) source(at place) *threatmodel.Sentence {
	return &v.q.Passages[at.passage].Sentences[at.sentence]
}

// places are all sentences of the question, in order.
func (v *view) places() []place {
	var out []place
	for i, r := range v.readings {
		for k := range r.sentences {
			out = append(out, place{i, k})
		}
	}
	return out
}

// citedWords is how many first words a citation gives.
const citedWords = 10

// cite points to a sentence; ok is false where it is too short to carry
// evidence.
func (v *view) cite(at place) (ground.Citation, bool) {
	words := strings.Fields(v.source(at).Text)
	c := ground.Citation{
		At:    fmt.Sprintf("P%d.%d", at.passage+1, at.sentence+1),
		Words: strings.Join(words[:min(len(words), citedWords)], " "),
	}
	_, err := ground.Find(c, v.q.Passages)
	return c, err == nil
}

// citeAll points to sentences, each once, in their order.
func (v *view) citeAll(places []place) []ground.Citation {
	out := []ground.Citation{}
	for i, at := range places {
		if slices.Contains(places[:i], at) {
			continue
		}
		if c, ok := v.cite(at); ok {
			out = append(out, c)
		}
	}
	return out
}

// isContext reports whether a passage is from what people stated beside the
// documents.
func (v *view) isContext(i int) bool { return v.q.Passages[i].Document == analyze.ContextDocument }

// hits are a sentence's hits of one role.
func (s *sentence) of(role pattern.Role) []pattern.Hit {
	var out []pattern.Hit
	for _, h := range s.hits {
		if h.Role == role {
			out = append(out, h)
		}
	}
	return out
}

// key makes spellings of a name alike, as the analysis does: case, articles,
// the plural of the last word.
func key(name string) string {
	words := ground.Words(name)
	for len(words) > 1 && (words[0] == "the" || words[0] == "a" || words[0] == "an" || words[0] == "our") {
		words = words[1:]
	}
	if n := len(words); n > 0 {
		words[n-1] = singular(words[n-1])
	}
	return strings.Join(words, " ")
}

func singular(w string) string {
	switch {
	case len(w) > 4 && strings.HasSuffix(w, "ies"):
		return w[:len(w)-3] + "y"
	case len(w) > 3 && strings.HasSuffix(w, "s") && !strings.HasSuffix(w, "ss") && !strings.HasSuffix(w, "us") && !strings.HasSuffix(w, "is"):
		return w[:len(w)-1]
	}
	return w
}

// mentionOf finds a name, given as its key's words, in a text; the words that
// it spans.
func mentionOf(t *pattern.Text, words []string) (start, end int, ok bool) {
	for i := 0; i+len(words) <= len(t.Tokens) && len(words) > 0; i++ {
		n := 0
		for n < len(words) && sameWord(t.Tokens[i+n].Word, words[n], n == len(words)-1) && (n == 0 || t.Tokens[i+n].Break == pattern.NoBreak) {
			n++
		}
		if n == len(words) {
			return i, i + n, true
		}
	}
	return 0, 0, false
}

func sameWord(word, want string, last bool) bool {
	return word == want || (last && singular(word) == want)
}
