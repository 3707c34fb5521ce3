package reconcile

import (
	"cmp"
	"slices"

	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

// Fate is what became of a quote of the old model.
type Fate string

// Fates.
const (
	Same   Fate = "same"   // it stands under the same heading of the same document
	Moved  Fate = "moved"  // it stands elsewhere
	Edited Fate = "edited" // another sentence took its place
	Gone   Fate = "gone"
)

// Stands reports whether the quote is in the text, word for word.
func (f Fate) Stands() bool { return f == Same || f == Moved }

// Trace is where a quote of the old model stands now. Anchor is zero where it
// is gone.
type Trace struct {
	Fate   Fate
	Anchor threatmodel.Anchor
	// sentence is the index into the text; -1 where the quote is gone.
	sentence int
}

// Trail follows every quote of an old model into the present text.
type Trail struct {
	text   *Text
	traces map[place]Trace
	// former counts the sentences of the old text by short hash.
	former map[string]int
}

// Follow looks up every quote of the old model, and those that decisions are
// bound to, in the present text: word for word anywhere, else the best partner
// among the sentences that the old text did not have, one to one. A nil old
// model has no quotes.
func Follow(old *threatmodel.Model, decisions []threatmodel.Decision, text *Text) *Trail {
	t := &Trail{text: text, traces: map[place]Trace{}, former: map[string]int{}}
	if old == nil {
		return t
	}
	for _, d := range old.Documents {
		for _, h := range d.Sentences {
			t.former[h]++
		}
	}
	t.follow(placesOf(quotesOf(old)))
	// Anchors that did not stand in the old text either must not take a
	// partner away from those that did.
	t.follow(slices.DeleteFunc(placesOf(boundOf(old, decisions)), func(q tracked) bool {
		_, known := t.traces[q.place]
		return known
	}))
	return t
}

// Of is what became of a quote.
func (t *Trail) Of(a threatmodel.Anchor) Trace {
	if trace, ok := t.traces[placeOf(a)]; ok {
		return trace
	}
	i := t.text.at(a, -1)
	if i < 0 {
		return Trace{Fate: Gone, sentence: -1}
	}
	return t.standing(placeOf(a), i)
}

func (t *Trail) standing(p place, i int) Trace {
	s := &t.text.sentences[i]
	fate := Moved
	if s.place.document == p.document && s.place.heading == p.heading {
		fate = Same
	}
	return Trace{Fate: fate, Anchor: s.anchor, sentence: i}
}

// relocate gives old evidence as it stands now: where it is, or the sentence
// that took its place. Lost are the quotes that no longer stand word for word.
func (t *Trail) relocate(old []threatmodel.Evidence) (now []threatmodel.Evidence, lost []quotation) {
	now = []threatmodel.Evidence{}
	taken := map[int]bool{}
	for _, q := range quotations(old) {
		trace := t.Of(q.anchor())
		if !trace.Fate.Stands() {
			lost = append(lost, q)
		}
		if trace.sentence >= 0 && !taken[trace.sentence] {
			taken[trace.sentence] = true
			now = append(now, t.text.evidence(trace.sentence, q.role, q.omission)...)
		}
	}
	return now, lost
}

// stood reports whether a sentence stood in the old text.
func (t *Trail) stood(hash string) bool { return t.former[short(hash)] > 0 }

// quotesOf are the quotes that stand in the old model as evidence; those of
// threats with the text around them.
func quotesOf(m *threatmodel.Model) []threatmodel.Anchor {
	var out []threatmodel.Anchor
	for i := range m.Threats {
		t := &m.Threats[i]
		shown := Anchors(allEvidence(t))
		out = append(out, shown...)
		stands := map[place]bool{}
		for _, a := range shown {
			stands[placeOf(a)] = true
		}
		for _, a := range t.Anchors {
			if stands[placeOf(a)] {
				out = append(out, a)
			}
		}
	}
	for i := range m.Elements {
		out = append(out, Anchors(m.Elements[i].Evidence)...)
	}
	for i := range m.Assets {
		out = append(out, Anchors(m.Assets[i].Evidence)...)
	}
	for i := range m.StatedControls {
		out = append(out, Anchors(m.StatedControls[i].Evidence)...)
	}
	for i := range m.Brief.Facts {
		out = append(out, Anchors(m.Brief.Facts[i].Evidence)...)
	}
	return out
}

// boundOf are the quotes that tombstones and decisions remember.
func boundOf(m *threatmodel.Model, decisions []threatmodel.Decision) []threatmodel.Anchor {
	var out []threatmodel.Anchor
	for i := range m.Threats {
		out = append(out, m.Threats[i].Anchors...)
		for _, d := range m.Threats[i].Decisions {
			out = append(out, d.Anchors...)
		}
	}
	for _, d := range decisions {
		out = append(out, d.Anchors...)
	}
	return out
}

// allEvidence is every quote that a threat shows.
func allEvidence(t *threatmodel.Threat) []threatmodel.Evidence {
	out := slices.Clone(t.Evidence)
	for i := range t.Controls {
		out = append(out, t.Controls[i].Evidence...)
	}
	for i := range t.Steps {
		out = append(out, t.Steps[i].Evidence...)
	}
	return out
}

// tracked is a quote on its way into the present text.
type tracked struct {
	place  place
	anchor threatmodel.Anchor
	words  []string
}

// placesOf gives each place once, in an order that does not depend on the
// input's, with the text around it where any anchor has that.
func placesOf(list []threatmodel.Anchor) []tracked {
	byPlace := map[place]threatmodel.Anchor{}
	for _, a := range list {
		p := placeOf(a)
		if known, ok := byPlace[p]; !ok || known.Before+"\x00"+known.After < a.Before+"\x00"+a.After {
			byPlace[p] = a
		}
	}
	out := make([]tracked, 0, len(byPlace))
	for p, a := range byPlace {
		out = append(out, tracked{place: p, anchor: a})
	}
	slices.SortFunc(out, func(a, b tracked) int { return comparePlaces(a.place, b.place) })
	return out
}

// follow finds the traces of quotes.
func (t *Trail) follow(quotes []tracked) {
	var lost []tracked
	for rest := quotes; len(rest) > 0; {
		n := 1
		for n < len(rest) && rest[n].place.hash == rest[0].place.hash {
			n++
		}
		lost = append(lost, t.lookUp(rest[:n])...)
		rest = rest[n:]
	}
	t.findEdited(lost)
}

// lookUp finds quotes of the same words and returns those to look for among
// edited sentences: all of them where the words are gone; where they stand less
// often than before, those whose own place is empty.
func (t *Trail) lookUp(quotes []tracked) []tracked {
	hash := quotes[0].place.hash
	found := t.text.byHash[hash]
	if len(found) == 0 {
		for _, q := range quotes {
			t.traces[q.place] = Trace{Fate: Gone, sentence: -1}
		}
		return quotes
	}
	used := map[int]bool{}
	for _, q := range quotes {
		if i := t.text.at(q.anchor, -1); t.standing(q.place, i).Fate == Same {
			t.traces[q.place] = t.standing(q.place, i)
			used[i] = true
		}
	}
	fewer := len(found) < max(len(quotes), t.former[short(hash)])
	var contested []tracked
	for _, q := range quotes {
		if t.traces[q.place].Fate == Same {
			continue
		}
		i := t.nearest(q, found, used)
		used[i] = true
		t.traces[q.place] = t.standing(q.place, i)
		if fewer {
			contested = append(contested, q)
		}
	}
	return contested
}

// nearest picks the place where a moved quote stands now: one that no other
// took, with the same text around it, in the same document, the first.
func (t *Trail) nearest(q tracked, found []int, used map[int]bool) int {
	best, rank := found[0], -1
	for _, i := range found {
		s, r := &t.text.sentences[i], 0
		if !used[i] {
			r += 8
		}
		if q.anchor.Before != "" && q.anchor.Before == s.anchor.Before {
			r += 2
		}
		if q.anchor.After != "" && q.anchor.After == s.anchor.After {
			r += 2
		}
		if q.place.document == s.place.document {
			r++
		}
		if r > rank {
			best, rank = i, r
		}
	}
	return best
}

// partner is an old quote and the new sentence that may have taken its place.
type partner struct {
	quote, sentence int
	common, longer  int
	sameHeading     bool
	sameDocument    bool
}

// comparePartners puts the better one first: more words in common, then nearer.
func comparePartners(a, b partner) int {
	return cmp.Or(
		cmp.Compare(b.common*a.longer, a.common*b.longer),
		compareBool(a.sameHeading, b.sameHeading), compareBool(a.sameDocument, b.sameDocument),
		cmp.Compare(a.quote, b.quote), cmp.Compare(a.sentence, b.sentence),
	)
}

// compareBool puts true first.
func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return -1
	}
	return 1
}

// findEdited pairs lost quotes with sentences that the old text did not have,
// best first, one to one.
func (t *Trail) findEdited(lost []tracked) {
	if len(lost) == 0 {
		return
	}
	for i := range lost {
		lost[i].words = wordsOf(Fold(lost[i].anchor.Quote))
	}
	partners := t.partners(lost)
	slices.SortFunc(partners, comparePartners)
	quoteUsed, sentenceUsed := map[int]bool{}, map[int]bool{}
	for _, p := range partners {
		if quoteUsed[p.quote] || sentenceUsed[p.sentence] {
			continue
		}
		quoteUsed[p.quote], sentenceUsed[p.sentence] = true, true
		t.traces[lost[p.quote].place] = Trace{Fate: Edited, Anchor: t.text.sentences[p.sentence].anchor, sentence: p.sentence}
	}
}

// partners are the pairs with enough words in common order: 0.6 of those of the
// longer, 0.5 under the same heading. A quote whose words still stand elsewhere
// takes a partner under its own heading only.
func (t *Trail) partners(lost []tracked) []partner {
	words := t.freshWords()
	var out []partner
	for i := range lost {
		q := &lost[i]
		shared := map[int]int{}
		for word, n := range countWords(q.words) {
			for _, at := range words[word] {
				shared[at.sentence] += min(n, at.count)
			}
		}
		contested := t.traces[q.place].Fate.Stands()
		for at, n := range shared {
			s := &t.text.sentences[at]
			p := partner{quote: i, sentence: at, longer: max(len(q.words), len(s.words))}
			p.sameDocument = q.place.document == s.place.document
			p.sameHeading = p.sameDocument && q.place.heading == s.place.heading
			if !p.enough(n) || (contested && !p.sameHeading) {
				continue
			}
			if p.common = commonOrder(q.words, s.words); p.enough(p.common) {
				out = append(out, p)
			}
		}
	}
	return out
}

func (p *partner) enough(common int) bool {
	if p.sameHeading {
		return common*10 >= p.longer*5
	}
	return common*10 >= p.longer*6
}

// occurrence is how often a word stands in a sentence.
type occurrence struct{ sentence, count int }

// freshWords indexes, by word, the sentences that match no old one and are
// nobody's partner yet.
func (t *Trail) freshWords() map[string][]occurrence {
	taken := map[int]bool{}
	old := map[string]bool{}
	for p, trace := range t.traces {
		old[p.hash] = true
		if trace.Fate == Edited {
			taken[trace.sentence] = true
		}
	}
	out := map[string][]occurrence{}
	for i := range t.text.sentences {
		s := &t.text.sentences[i]
		if taken[i] || old[s.anchor.Hash] || t.stood(s.anchor.Hash) {
			continue
		}
		for word, n := range countWords(s.words) {
			out[word] = append(out[word], occurrence{i, n})
		}
	}
	return out
}

func countWords(words []string) map[string]int {
	out := map[string]int{}
	for _, w := range words {
		out[w]++
	}
	return out
}

// commonOrder is the length of the longest sequence of words that both have in
// the same order.
func commonOrder(a, b []string) int {
	row := make([]int, len(b)+1)
	for _, x := range a {
		diagonal := 0
		for j, y := range b {
			up := row[j+1]
			if x == y {
				row[j+1] = diagonal + 1
			} else {
				row[j+1] = max(up, row[j])
			}
			diagonal = up
		}
	}
	return row[len(b)]
}
