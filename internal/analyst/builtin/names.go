package builtin

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/bartizan-security/bartizan/internal/pattern"
	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

// named is a component or party that a sentence names: the words from start to
// end, end not included.
type named struct {
	start, end int
	text       string
	kind       threatmodel.Kind
	tags       []string
	// entry is the word of the lexicon that makes it a name.
	entry *pattern.Entry
	// bare is true for a noun without anything that tells which one.
	bare bool
	// proper is true for a name written with capitals.
	proper bool
	// phrase is true for words with an article that no entry explains, and
	// role is what they do in the sentence.
	phrase bool
	role   role
}

// maxModifiers is how many words before a noun belong to its name.
const maxModifiers = 3

// names finds what a sentence names: technologies, nouns of the lexicon with
// the words before them, parties, and names in capitals.
func (r *reader) names(t *pattern.Text) []named {
	var out []named
	taken := make([]bool, len(t.Tokens))
	for _, m := range t.Mentions {
		n, ok := r.mention(t, m, taken)
		if !ok {
			continue
		}
		for i := n.start; i < n.end; i++ {
			taken[i] = true
		}
		out = append(out, n)
	}
	out = append(out, r.capitals(t, taken)...)
	for _, n := range out {
		for i := n.start; i < n.end; i++ {
			taken[i] = true
		}
	}
	out = append(out, r.phrases(t, taken)...)
	slices.SortFunc(out, func(a, b named) int { return a.start - b.start })
	return out
}

// mention makes a name of an entry's mention, with the words around it that
// belong to it.
func (r *reader) mention(t *pattern.Text, m pattern.Mention, taken []bool) (named, bool) {
	e := m.Entry
	if taken[m.Start] || inCode(t, m.Start, m.End) {
		return named{}, false
	}
	n := named{start: m.Start, end: m.End, kind: e.Kind, tags: e.Tags, entry: e}
	switch e.Type {
	case "technology":
		if slices.Contains(e.Tags, "library") || e.Kind == threatmodel.DataFlow {
			return named{}, false
		}
		n.proper = true
		if r.headFollows(t, m.End) {
			return named{}, false // the noun after it makes the name
		}
	case "noun":
		if r.verbal(t, m) || r.headFollows(t, m.End) {
			return named{}, false
		}
		n.start = r.modifiers(t, m.Start, taken)
		if tech := r.soleTechnology(t, n.start, m.Start); tech != nil {
			return r.technology(t, tech, n), true
		}
		n.bare = n.start == m.Start && m.End-m.Start == 1
		n.proper = n.start < m.Start && upper(t, n.start)
		if n.bare && m.Start > 0 && isArticle(t.Tokens[m.Start-1].Word) {
			n.role = r.roleOf(t, m.Start-1, m.End)
		}
	case "party":
		if r.headFollows(t, m.End) {
			return named{}, false
		}
		n.start = r.properModifiers(t, m.Start, taken)
	}
	n.text = t.Slice(n.start, n.end)
	return n, n.text != ""
}

// soleTechnology is the technology that alone stands between start and the
// noun: "Redis cache" names Redis.
func (r *reader) soleTechnology(t *pattern.Text, start, noun int) *pattern.Mention {
	for i := range t.Mentions {
		if m := &t.Mentions[i]; m.Start == start && m.End == noun && m.Entry.Type == "technology" && !slices.Contains(m.Entry.Tags, "library") {
			return m
		}
	}
	return nil
}

// technology names a technology with the noun after it.
func (r *reader) technology(t *pattern.Text, m *pattern.Mention, n named) named {
	n.text, n.proper = t.Slice(m.Start, m.End), true
	n.tags = append(slices.Clone(m.Entry.Tags), n.tags...)
	n.entry = m.Entry
	return n
}

// headFollows reports whether a noun of the lexicon stands right after, so
// that what came before only says which one.
func (r *reader) headFollows(t *pattern.Text, i int) bool {
	if i >= len(t.Tokens) || t.Tokens[i].Break != pattern.NoBreak {
		return false
	}
	for _, m := range t.Mentions {
		if m.Start == i && (m.Entry.Type == "noun") && !r.verbal(t, m) {
			return true
		}
	}
	return false
}

// verbal reports whether a noun's mention is a verb: "stores", "queues".
func (r *reader) verbal(t *pattern.Text, m pattern.Mention) bool {
	if m.End-m.Start > 1 || m.Start == 0 {
		return false
	}
	if !r.isVerb(t, m.Start) || t.Tokens[m.Start].Break != pattern.NoBreak {
		return false
	}
	before := t.Tokens[m.Start-1].Word
	if t.Tokens[m.Start].Word != strings.ToLower(m.Entry.Name) {
		return !isArticle(before)
	}
	return strings.HasSuffix(before, "s") || r.auxiliary(t, m.Start-1) || before == "to" || before == "not" || before == "and" || before == "we" || before == "they"
}

func (r *reader) isVerb(t *pattern.Text, i int) bool {
	for _, g := range []string{"verb-to", "verb-from", "verb-back", "verb-other"} {
		if r.lib.At(g, t, i) > i {
			return true
		}
	}
	return false
}

// modifiers gives where the name begins whose noun stands at i.
func (r *reader) modifiers(t *pattern.Text, i int, taken []bool) int {
	start := i
	for start > 0 && i-start < maxModifiers && t.Tokens[start].Break == pattern.NoBreak {
		k := start - 1
		if taken[k] || !r.modifies(t, k) {
			break
		}
		// A capital begins the name: what stands before in lower case is
		// not part of it.
		if upper(t, start) && start < i && !upper(t, k) {
			break
		}
		start = k
	}
	return start
}

func (r *reader) properModifiers(t *pattern.Text, i int, taken []bool) int {
	start := i
	for start > 0 && upper(t, start) && upper(t, start-1) && t.Tokens[start].Break == pattern.NoBreak && !taken[start-1] && r.modifies(t, start-1) {
		start--
	}
	return start
}

// modifies reports whether a word can be part of a component's name.
func (r *reader) modifies(t *pattern.Text, k int) bool {
	w := t.Tokens[k].Word
	if utf8.RuneCountInString(w) < 2 && !upper(t, k) || digits(w) || inCode(t, k, k+1) {
		return false
	}
	if r.lib.At("stop", t, k) > k {
		return upper(t, k) && k > 0 && t.Tokens[k].Break == pattern.NoBreak && len(w) > 3
	}
	if r.isVerb(t, k) {
		if k > 0 && isArticle(t.Tokens[k-1].Word) && t.Tokens[k].Break == pattern.NoBreak {
			return true
		}
		return upper(t, k) && k > 0 && t.Tokens[k].Break == pattern.NoBreak || r.lib.At("verb-noun", t, k) > k
	}
	return !strings.HasSuffix(w, "ly")
}

// inCode reports whether words are part of an address, a path or an
// identifier, by the run of characters without space that they stand in.
func inCode(t *pattern.Text, start, end int) bool {
	from, to := t.Tokens[start].Start, t.Tokens[end-1].End
	for from > 0 && !unicode.IsSpace(rune(t.Raw[from-1])) {
		from--
	}
	for to < len(t.Raw) && !unicode.IsSpace(rune(t.Raw[to])) {
		to++
	}
	run := strings.Trim(t.Raw[from:to], "().,;:!?\"'")
	if strings.ContainsAny(run, "_@=$\\") || strings.Contains(run, "://") || strings.HasPrefix(run, "/") || strings.HasPrefix(run, "--") || strings.Count(run, "/") > 1 {
		return true
	}
	i := strings.IndexByte(run, '.')
	return i > 0 && i+1 < len(run) && end-start == 1 && len(run) > t.Tokens[end-1].End-t.Tokens[start].Start
}

func digits(s string) bool { return strings.Trim(s, "0123456789") == "" }

func upper(t *pattern.Text, i int) bool {
	r, _ := utf8.DecodeRuneInString(t.Raw[t.Tokens[i].Start:])
	return unicode.IsUpper(r)
}

// capitals finds names of two words or more in capitals that no entry of the
// lexicon explains.
func (r *reader) capitals(t *pattern.Text, taken []bool) []named {
	var out []named
	for i := 0; i < len(t.Tokens); i++ {
		if taken[i] || !upper(t, i) || !r.modifies(t, i) {
			continue
		}
		end := i + 1
		for end < len(t.Tokens) && !taken[end] && upper(t, end) && t.Tokens[end].Break == pattern.NoBreak && r.modifies(t, end) {
			end++
		}
		if text := t.Slice(i, end); r.isName(t, i, end) {
			n := named{start: i, end: end, text: text, kind: threatmodel.Process, proper: true, role: r.roleOf(t, i, end)}
			if people(t.Tokens[end-1].Word) {
				n.kind = threatmodel.ExternalEntity
			}
			out = append(out, n)
		}
		i = end
	}
	return out
}

// people reports whether a plural names those who do something: "Insurers".
func people(word string) bool {
	for _, end := range []string{"ers", "ors", "ists", "ants", "ents"} {
		if strings.HasSuffix(word, end) && len(word) > len(end)+3 {
			return true
		}
	}
	return false
}

// isName reports whether words in capitals name something: two or more of
// them, or one within a sentence that is no abbreviation.
func (r *reader) isName(t *pattern.Text, start, end int) bool {
	if end < len(t.Tokens) && start == 0 && t.Tokens[end].Break == pattern.HardBreak || end == len(t.Tokens) && start == 0 {
		return false // a label
	}
	if r.lib.At("calendar", t, start) > start {
		return false
	}
	if end-start > 1 {
		return end-start <= 4
	}
	raw := t.Slice(start, end)
	if len(raw) < 4 || strings.ToUpper(raw) == raw {
		return false
	}
	return start > 0 && t.Tokens[start].Break == pattern.NoBreak || r.roleOf(t, start, end) == agent
}
