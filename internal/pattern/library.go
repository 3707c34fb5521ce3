package pattern

import (
	"fmt"
	"slices"
	"strings"
)

// Library is the knowledge, ready to be looked up. It is read-only and safe
// for concurrent use.
type Library struct {
	version  string
	patterns []*Pattern
	controls []*Control
	assets   []*Asset
	groups   map[string]*wordSet
	lexicon  *lexicon
	signals  []signal
	byWord   map[string][]int
	byPrefix map[string][]int
	always   []int
	guard    guards
}

// Role is the part that a signal plays in what it belongs to.
type Role int

// The roles of a signal.
const (
	// Weakness signals state what is wrong.
	Weakness Role = iota
	// Answer signals state that it is dealt with.
	Answer
	// Mention signals state what makes silence worth a question.
	Mentioned
	// Mechanism signals say how a control is built.
	Mechanism
	// Claim signals assert a control without saying how.
	Claim
	// Short signals state a control that falls short.
	Short
	// Holding signals name an asset.
	Holding
)

// signal is a compiled Signal of a pattern or a control.
type signal struct {
	role  Role
	owner int // index into patterns, or into controls
	terms []term
}

// Hit is a signal that a sentence carries.
type Hit struct {
	Role Role
	// Owner is an index into Patterns for weakness, answer and mention
	// signals, into Assets for holdings, and into Controls for the others.
	Owner int
	// Start and End are the words that the match spans, End not included.
	Start, End int
	// Matched is how many words carry the match: a longer match says more.
	Matched int
}

// Overlaps reports whether two hits of one sentence rest on the same words, or
// on words between each other's.
func (h *Hit) Overlaps(o *Hit) bool { return h.Start < o.End && o.Start < h.End }

// Version changes whenever the knowledge does.
func (l *Library) Version() string { return l.version }

// Patterns are the threat patterns in the order of their ids.
func (l *Library) Patterns() []*Pattern { return l.patterns }

// Controls are the controls that documents state, in the order of their ids.
func (l *Library) Controls() []*Control { return l.controls }

// Assets are what is worth protecting, most telling first.
func (l *Library) Assets() []*Asset { return l.assets }

// Says reports whether a sentence holds one of a group of words, and does not
// take it back; start and end are the words that it spans.
func (l *Library) Says(group string, t *Text) (start, end int, ok bool) {
	w := l.groups[group]
	for i := 0; w != nil && i < len(t.Tokens); i++ {
		e := w.at(t, i)
		if e > i && !l.guard.turns(t, span{i, e}, make([]bool, len(t.Tokens)), Answer) {
			return i, e, true
		}
	}
	return 0, 0, false
}

// At gives the end of the longest of a group's words that begins at the i-th
// word, or i.
func (l *Library) At(group string, t *Text, i int) int {
	if w := l.groups[group]; w != nil {
		return w.at(t, i)
	}
	return i
}

// Pattern finds a pattern by id; nil where there is none such.
func (l *Library) Pattern(id string) *Pattern {
	i, ok := slices.BinarySearchFunc(l.patterns, id, func(p *Pattern, id string) int { return strings.Compare(p.ID, id) })
	if !ok {
		return nil
	}
	return l.patterns[i]
}

// Read folds a text for [Library.Find].
func (l *Library) Read(s string) *Text {
	t := &Text{Raw: s, Tokens: tokenize(s), question: strings.HasSuffix(strings.TrimRight(s, " \"')”’"), "?")}
	t.Mentions = l.lexicon.find(t)
	l.guard.readOver(t)
	return t
}

// Find gives the signals that a sentence carries; around is the passage with
// its headings. Weakness signals that the sentence negates, puts off or takes
// back are left out, and so are all other signals but claims, which
// [Library.Standing] weighs.
func (l *Library) Find(sentence, around *Text) []Hit {
	var out []Hit
	for _, i := range l.candidates(sentence) {
		s := &l.signals[i]
		if h, ok := l.match(s, sentence, around); ok {
			out = append(out, h)
		}
	}
	return out
}

// candidates are the signals of which the sentence holds an anchor, ascending.
func (l *Library) candidates(t *Text) []int {
	seen := map[int]bool{}
	out := slices.Clone(l.always)
	add := func(list []int) {
		for _, i := range list {
			if !seen[i] {
				seen[i] = true
				out = append(out, i)
			}
		}
	}
	for k := range t.Tokens {
		w := t.Tokens[k].Word
		add(l.byWord[w])
		if base, ok := strings.CutSuffix(w, "s"); ok {
			add(l.byWord[base])
			add(l.byWord[strings.TrimSuffix(base, "e")])
		}
		for n := 2; n <= len(w); n++ {
			add(l.byPrefix[w[:n]])
		}
	}
	slices.Sort(out)
	return out
}

// match tries one signal on a sentence.
func (l *Library) match(s *signal, sentence, around *Text) (Hit, bool) {
	found := make([][]span, 0, len(s.terms))
	covered := make([]bool, len(sentence.Tokens))
	for k := range s.terms {
		t := &s.terms[k]
		if t.around {
			if len(spans(t.seq, sentence)) == 0 && (around == nil || len(spans(t.seq, around)) == 0) {
				return Hit{}, false
			}
			continue
		}
		list := spans(t.seq, sentence)
		if !t.absent && s.role != Holding {
			list = slices.DeleteFunc(list, func(x span) bool { return l.guard.negatedWithin(t.seq, sentence, x) })
		}
		if (len(list) == 0) != t.absent {
			return Hit{}, false
		}
		if t.absent {
			continue
		}
		found = append(found, list)
		for _, x := range list {
			for i := x.start; i < x.end; i++ {
				covered[i] = true
			}
		}
	}
	h := Hit{Role: s.role, Owner: s.owner, Start: len(sentence.Tokens)}
	for _, list := range found {
		i := slices.IndexFunc(list, func(x span) bool {
			return s.role == Holding || !l.guard.turns(sentence, x, covered, s.role)
		})
		if i < 0 {
			return Hit{}, false
		}
		h.Start, h.End = min(h.Start, list[i].start), max(h.End, list[i].end)
		h.Matched += list[i].end - list[i].start
	}
	return h, true
}

// Lookup gives the lexicon's entry for a whole name; nil where there is none.
func (l *Library) Lookup(name string) *Entry {
	t := l.Read(name)
	for _, m := range t.Mentions {
		if m.Start == 0 && m.End == len(t.Tokens) {
			return m.Entry
		}
	}
	return nil
}

// index lists a signal under its anchors.
func (l *Library) index(i int, terms []term) {
	best := -1
	var words, prefixes []string
	for k := range terms {
		if terms[k].absent || terms[k].around {
			continue
		}
		w, p, ok := anchors(terms[k].seq)
		if ok && (best < 0 || len(w)+len(p) < best) {
			best, words, prefixes = len(w)+len(p), w, p
		}
	}
	if best < 0 {
		l.always = append(l.always, i)
		return
	}
	for _, w := range words {
		l.byWord[w] = append(l.byWord[w], i)
	}
	for _, p := range prefixes {
		l.byPrefix[p] = append(l.byPrefix[p], i)
	}
}

// add compiles the signals of one owner.
func (l *Library) add(p *parser, role Role, owner int, list []Signal) error {
	for _, s := range list {
		terms, err := p.parseSignal(s)
		if err != nil {
			return err
		}
		l.signals = append(l.signals, signal{role, owner, terms})
		l.index(len(l.signals)-1, terms)
	}
	return nil
}

// roled are the signals of an entry that play one part.
type roled struct {
	role Role
	list []Signal
}

// compile makes all signals of the library ready.
func (l *Library) compile(p *parser) error {
	for i, x := range l.patterns {
		lists := []roled{{Weakness, x.Signals}, {Answer, x.Answers}}
		if x.Question != nil {
			lists = append(lists, roled{Mentioned, x.Question.Mentions})
		}
		if err := l.addAll(p, i, lists); err != nil {
			return fmt.Errorf("pattern %s: %w", x.ID, err)
		}
	}
	for i, x := range l.controls {
		if err := l.addAll(p, i, []roled{{Mechanism, x.Mechanism}, {Claim, x.Claim}, {Short, x.Short}}); err != nil {
			return fmt.Errorf("control %s: %w", x.ID, err)
		}
	}
	for i, x := range l.assets {
		if err := l.add(p, Holding, i, x.Words); err != nil {
			return fmt.Errorf("asset %s: %w", x.Name, err)
		}
	}
	return nil
}

func (l *Library) addAll(p *parser, owner int, lists []roled) error {
	for _, x := range lists {
		if err := l.add(p, x.role, owner, x.list); err != nil {
			return err
		}
	}
	return nil
}
