package reconcile

import (
	"cmp"
	"slices"
	"strings"

	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

// pass is the way in which an old and a new threat were found to be the same.
type pass int

const (
	byKeyAndAnchor pass = iota + 1 // same key and an anchor in common
	byKeyAlone                     // same key, alone on both sides, and claimed
	byClaim                        // claimed, and the same element or much evidence
	byEvidence                     // another key, nearly all evidence, and the same element or family
)

// doubtful reports whether the match calls for another look at a decision.
func (p pass) doubtful() bool { return p == byClaim || p == byEvidence }

// subject is a threat as the matcher sees it.
type subject struct {
	threat *threatmodel.Threat
	key    Key
	// anchors are the hashes of the quotes: for an old threat, of what
	// stands in their place now. quotes counts them, gone ones too.
	anchors map[string]bool
	// places tell repeated quotes apart.
	places map[place]bool
	quotes int
	words  []string
	// index is the place of a new threat in the input.
	index int
	claim string // the old id that an analyst says a new threat has
}

// overlap is the number of anchors in common over the number of the side with
// fewer; 0 where a side has none.
func overlap(a, b *subject) float64 {
	return share(common(a.anchors, b.anchors), min(a.quotes, b.quotes))
}

// overlapInPlace is the overlap where a quote under another heading is another
// quote.
func overlapInPlace(a, b *subject) float64 {
	n := 0
	for p := range a.places {
		if b.places[p] {
			n++
		}
	}
	return share(n, min(a.quotes, b.quotes))
}

func share(n, of int) float64 {
	if of == 0 {
		return 0
	}
	return min(1, float64(n)/float64(of))
}

// sameAnchors reports whether both rest on the very same quotes.
func sameAnchors(a, b *subject) bool {
	n := common(a.anchors, b.anchors)
	return n > 0 && n == a.quotes && n == b.quotes
}

// score weighs evidence before words: 0.7 overlap, 0.3 likeness of statements.
func score(a, b *subject) float64 { return 0.7*overlap(a, b) + 0.3*similarity(a.words, b.words) }

// similarity is the share of distinct words that two texts have in common
// (Dice).
func similarity(a, b []string) float64 {
	x, y := countWords(a), countWords(b)
	if len(x)+len(y) == 0 {
		return 0
	}
	n := 0
	for w := range x {
		if y[w] > 0 {
			n++
		}
	}
	return 2 * float64(n) / float64(len(x)+len(y))
}

// matching pairs old and new threats, one to one. Old are ordered by first
// seen, new by content, so that the order of input never matters.
type matching struct {
	old, found []*subject
	newOf      map[int]int
	oldOf      map[int]int
	how        map[int]pass // by index of the new threat
}

func newMatching(old, found []*subject) *matching {
	return &matching{old: old, found: found, newOf: map[int]int{}, oldOf: map[int]int{}, how: map[int]pass{}}
}

// run makes the passes, each on what the passes before left.
func (m *matching) run() {
	sameKey := func(o, n *subject) bool { return o.key == n.key }
	// Threats that several new ones could continue are told apart by their
	// quotes first: those that rest on the very same ones are the same.
	m.pass(byKeyAndAnchor, func(o, n *subject) bool { return sameKey(o, n) && sameAnchors(o, n) })
	m.pass(byKeyAndAnchor, func(o, n *subject) bool { return sameKey(o, n) && overlap(o, n) > 0 })
	alone := m.alone()
	// With an anchor in common they would have been paired before.
	m.pass(byKeyAlone, func(o, n *subject) bool { return sameKey(o, n) && alone[o.key] && n.claim == o.threat.ID })
	m.pass(byClaim, func(o, n *subject) bool {
		return n.claim == o.threat.ID && o.key.Chain == n.key.Chain && (o.key.Element == n.key.Element || overlap(o, n) >= 0.5)
	})
	m.pass(byEvidence, func(o, n *subject) bool {
		return o.key != n.key && o.key.Chain == n.key.Chain && (o.key.Element == n.key.Element || o.key.Family == n.key.Family) && overlapInPlace(o, n) >= 0.8
	})
}

// alone lists the keys that one old and one new threat have left.
func (m *matching) alone() map[Key]bool {
	then, now := map[Key]int{}, map[Key]int{}
	for i, o := range m.old {
		if _, used := m.newOf[i]; !used {
			then[o.key]++
		}
	}
	for i, n := range m.found {
		if _, used := m.oldOf[i]; !used {
			now[n.key]++
		}
	}
	out := map[Key]bool{}
	for k, n := range then {
		out[k] = n == 1 && now[k] == 1
	}
	return out
}

// pass pairs what fits so that the sum of scores is the largest; among equal
// sums, those first seen earlier are paired.
func (m *matching) pass(how pass, fits func(old, found *subject) bool) {
	var edges []edge
	for i, o := range m.old {
		if _, used := m.newOf[i]; used {
			continue
		}
		for j, n := range m.found {
			if _, used := m.oldOf[j]; used || !fits(o, n) {
				continue
			}
			edges = append(edges, edge{i, j, m.weight(i, j)})
		}
	}
	for _, e := range assign(edges) {
		m.newOf[e.row], m.oldOf[e.col], m.how[e.col] = e.col, e.row, how
	}
}

// weight is the score in millionths, above the ranks that break ties.
func (m *matching) weight(i, j int) int64 {
	n := int64(len(m.old) + 1)
	return (1+int64(score(m.old[i], m.found[j])*1e6))*n*n + n - int64(i)
}

// oldSubjects are threats of the old model, earlier first.
func (p *Plan) oldSubjects(keep func(*threatmodel.Threat) bool) []*subject {
	var out []*subject
	for i := range p.old {
		t := &p.old[i]
		if !keep(t) {
			continue
		}
		s := &subject{threat: t, key: p.currentKey(t), anchors: map[string]bool{}, places: map[place]bool{}, words: wordsOf(Fold(t.Statement))}
		hashes := map[string]bool{}
		for _, a := range t.Anchors {
			hashes[a.Hash] = true
			if now := p.in.Trail.Of(a); now.Fate != Gone {
				s.anchors[now.Anchor.Hash] = true
				s.places[placeOf(now.Anchor)] = true
			}
		}
		s.quotes = len(hashes)
		out = append(out, s)
	}
	slices.SortFunc(out, func(a, b *subject) int { return p.earlier(a.threat, b.threat) })
	return out
}

// currentKey is the key of an old threat in terms of the elements that stand
// now.
func (p *Plan) currentKey(t *threatmodel.Threat) Key {
	k := KeyOf(t)
	k.Element = p.in.Elements.current(k.Element)
	return k
}

// earlier orders old threats by first seen, then id.
func (p *Plan) earlier(a, b *threatmodel.Threat) int {
	return cmp.Or(cmp.Compare(p.seen(a.FirstSeen), p.seen(b.FirstSeen)), cmp.Compare(a.ID, b.ID))
}

// seen is the place of an analysis in the old model's history. One that is not
// known there was before all of it.
func (p *Plan) seen(analysis string) int {
	at := slices.Index(p.in.Old.Analysis.History, analysis)
	if at < 0 && analysis == p.in.Old.Analysis.ID {
		return len(p.in.Old.Analysis.History)
	}
	return at
}

// newSubjects are new threats in an order that their content decides.
func newSubjects(threats []threatmodel.Threat, claims func(int) string) []*subject {
	out := make([]*subject, len(threats))
	for i := range threats {
		t := &threats[i]
		s := &subject{threat: t, key: KeyOf(t), anchors: map[string]bool{}, places: map[place]bool{}, words: wordsOf(Fold(t.Statement)), index: i, claim: claims(i)}
		for _, a := range t.Anchors {
			s.anchors[a.Hash] = true
			s.places[placeOf(a)] = true
		}
		s.quotes = len(s.anchors)
		out[i] = s
	}
	slices.SortStableFunc(out, compareContent)
	return out
}

func compareContent(a, b *subject) int {
	return cmp.Or(
		cmp.Compare(a.key.String(), b.key.String()),
		slices.Compare(hashesOf(a.threat.Anchors), hashesOf(b.threat.Anchors)),
		cmp.Compare(a.threat.Statement, b.threat.Statement), cmp.Compare(a.threat.Title, b.threat.Title),
		cmp.Compare(a.threat.Source, b.threat.Source), cmp.Compare(a.claim, b.claim),
		cmp.Compare(strings.Join(a.threat.Provenance, " "), strings.Join(b.threat.Provenance, " ")),
	)
}

func hashesOf(anchors []threatmodel.Anchor) []string {
	out := make([]string, len(anchors))
	for i, a := range anchors {
		out[i] = a.Hash
	}
	return out
}
