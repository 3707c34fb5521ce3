package reconcile

import (
	"cmp"
	"slices"
	"strings"

	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

// Text is the present text of a system, sentence by sentence. It must hold
// everything that evidence may quote: the documents and, where people stated
// something beside them, that as well.
type Text struct {
	sentences []sentence
	// byHash lists the places at which a sentence stands, in reading order.
	byHash map[string][]int
}

type sentence struct {
	anchor  threatmodel.Anchor
	place   place
	passage string
	words   []string
	spans   []threatmodel.Span
}

// NewText indexes the passages of all documents. Their order does not matter.
func NewText(passages []threatmodel.Passage) *Text {
	sorted := make([]*threatmodel.Passage, len(passages))
	for i := range passages {
		sorted[i] = &passages[i]
	}
	slices.SortStableFunc(sorted, func(a, b *threatmodel.Passage) int {
		return cmp.Or(cmp.Compare(a.Document, b.Document), cmp.Compare(a.Order, b.Order), cmp.Compare(a.ID, b.ID))
	})
	t := &Text{byHash: map[string][]int{}}
	for _, p := range sorted {
		for i := range p.Sentences {
			t.add(p, &p.Sentences[i])
		}
	}
	t.surround()
	return t
}

func (t *Text) add(p *threatmodel.Passage, s *threatmodel.Sentence) {
	folded := Fold(s.Text)
	a := threatmodel.Anchor{Hash: hashFolded(folded), Quote: squeeze(s.Text), Document: p.Document, Heading: squeeze(p.Heading)}
	t.byHash[a.Hash] = append(t.byHash[a.Hash], len(t.sentences))
	t.sentences = append(t.sentences, sentence{anchor: a, place: placeOf(a), passage: p.ID, words: wordsOf(folded), spans: s.Spans})
}

// surround gives every sentence the characters before and after it.
func (t *Text) surround() {
	for i := range t.sentences {
		s := &t.sentences[i]
		for j := i - 1; j >= 0 && len(s.anchor.Before) < contextLength && t.sentences[j].anchor.Document == s.anchor.Document; j-- {
			s.anchor.Before = lastRunes(strings.TrimSpace(t.sentences[j].anchor.Quote+" "+s.anchor.Before), contextLength)
		}
		for j := i + 1; j < len(t.sentences) && len(s.anchor.After) < contextLength && t.sentences[j].anchor.Document == s.anchor.Document; j++ {
			s.anchor.After = firstRunes(strings.TrimSpace(s.anchor.After+" "+t.sentences[j].anchor.Quote), contextLength)
		}
	}
}

func firstRunes(s string, n int) string {
	r := []rune(s)
	return string(r[:min(n, len(r))])
}

func lastRunes(s string, n int) string {
	r := []rune(s)
	return string(r[max(0, len(r)-n):])
}

// Anchors are the anchors of evidence, in the order of documents and places,
// with the text around them. A quote that stands twice under one heading is one
// anchor.
func (t *Text) Anchors(evidence []threatmodel.Evidence) []threatmodel.Anchor {
	return anchors(evidence, func(q quotation) threatmodel.Anchor {
		a := q.anchor()
		if i := t.at(a, q.start); i >= 0 {
			return t.sentences[i].anchor
		}
		return a
	})
}

// at finds the sentence that an anchor stands for: the one that begins at the
// byte, else one at the same place, else any with the same words; -1 where the
// text has none.
func (t *Text) at(a threatmodel.Anchor, start int) int {
	best, rank := -1, 0
	want := placeOf(a)
	for _, i := range t.byHash[a.Hash] {
		s, r := &t.sentences[i], 1
		if s.place == want {
			r = 2
		}
		if s.anchor.Document == a.Document && len(s.spans) > 0 && s.spans[0].Locator.ByteStart == start {
			r = 3
		}
		if r > rank {
			best, rank = i, r
		}
	}
	return best
}

// evidence quotes the sentence as evidence: one entry, or one a page.
func (t *Text) evidence(i int, role threatmodel.EvidenceRole, omission bool) []threatmodel.Evidence {
	s := &t.sentences[i]
	out := make([]threatmodel.Evidence, 0, len(s.spans))
	for _, span := range s.spans {
		out = append(out, threatmodel.Evidence{
			Quote: span.Text, Document: s.anchor.Document, Passage: s.passage,
			Role: role, Locator: span.Locator, Omission: omission,
		})
	}
	return out
}

// Sentences are the short hashes of a document's sentences, ascending, as
// threatmodel.Document keeps them for the next analysis.
func (t *Text) Sentences(document string) []string {
	out := []string{}
	for i := range t.sentences {
		if t.sentences[i].anchor.Document == document {
			out = append(out, short(t.sentences[i].anchor.Hash))
		}
	}
	slices.Sort(out)
	return out
}
