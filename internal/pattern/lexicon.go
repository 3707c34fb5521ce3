package pattern

import "strings"

// lexicon finds entries in texts: by the first word of each name and alias,
// longest first.
type lexicon struct {
	entries []*Entry
	byFirst map[string][]phrase
}

// phrase is a name of an entry, as words.
type phrase struct {
	words []string
	raw   string // as written, for cased entries
	entry *Entry
}

func newLexicon(entries []*Entry) *lexicon {
	l := &lexicon{entries: entries, byFirst: map[string][]phrase{}}
	for _, e := range entries {
		for _, name := range append([]string{e.Name}, e.Aliases...) {
			var words []string
			for _, t := range tokenize(name) {
				words = append(words, t.Word)
			}
			if len(words) > 0 {
				l.byFirst[words[0]] = append(l.byFirst[words[0]], phrase{words, name, e})
			}
		}
	}
	return l
}

// find gives the entries that a text names, the longest at each place, without
// overlap.
func (l *lexicon) find(t *Text) []Mention {
	var out []Mention
	for i := 0; i < len(t.Tokens); {
		m, ok := l.longest(t, i)
		if !ok {
			i++
			continue
		}
		out = append(out, m)
		i = m.End
	}
	return out
}

func (l *lexicon) longest(t *Text, i int) (Mention, bool) {
	best := Mention{Start: i, End: i}
	w := t.Tokens[i].Word
	for _, first := range []string{w, strings.TrimSuffix(w, "s"), strings.TrimSuffix(w, "es")} {
		for _, p := range l.byFirst[first] {
			if n := len(p.words); i+n > best.End && i+n <= len(t.Tokens) && p.stands(t, i) {
				best = Mention{p.entry, i, i + n}
			}
		}
	}
	return best, best.Entry != nil
}

// stands reports whether the phrase stands at the i-th word.
func (p *phrase) stands(t *Text, i int) bool {
	for k, w := range p.words {
		tok := &t.Tokens[i+k]
		last := k == len(p.words)-1
		if tok.Word != w && !(last && !p.entry.Cased && isForm(tok.Word, w)) {
			return false
		}
		if k > 0 && tok.Break != NoBreak {
			return false
		}
	}
	return !p.entry.Cased || t.Slice(i, i+len(p.words)) == p.raw
}

// Entries are the words of the lexicon.
func (l *Library) Entries() []*Entry { return l.lexicon.entries }
