package pattern

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Token is one word of a text.
type Token struct {
	// Word is in lower case, without contraction: "isn't" gives is and not.
	Word string
	// Start and End are its bytes in the text; the parts of a contraction
	// share them.
	Start, End int
	// Break says what stands before the word.
	Break Break
}

// Break is how much of a stop stands between a word and the one before.
type Break int

// The breaks, weakest first: none, a comma, and what ends a clause for good
// (semicolon, colon, dash, bracket, cell, sentence).
const (
	NoBreak Break = iota
	CommaBreak
	HardBreak
)

// Text is a piece of text, folded once for all that is looked for in it.
type Text struct {
	Raw    string
	Tokens []Token
	// Mentions are the lexicon's entries that the text names, in order.
	Mentions []Mention
	question bool
}

// Mention is an entry of the lexicon that a text names: the words from Start
// to End, End not included.
type Mention struct {
	Entry      *Entry
	Start, End int
}

// contractions spread what an apostrophe hides. The key is the letters on both
// sides of it.
var contractions = map[string][2]string{
	"can t": {"can", "not"}, "won t": {"will", "not"}, "shan t": {"shall", "not"},
	"it s": {"it", "is"}, "that s": {"that", "is"}, "there s": {"there", "is"}, "let s": {"let", "us"},
	"we re": {"we", "are"}, "they re": {"they", "are"}, "you re": {"you", "are"},
	"we ve": {"we", "have"}, "i ve": {"i", "have"}, "they ve": {"they", "have"},
	"we ll": {"we", "will"}, "it ll": {"it", "will"}, "they ll": {"they", "will"}, "i ll": {"i", "will"},
	"we d": {"we", "would"}, "i m": {"i", "am"},
}

// tokenize cuts a text into words.
func tokenize(s string) []Token {
	out := make([]Token, 0, len(s)/6+1)
	gap := HardBreak
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		if !isWordRune(r) {
			gap = max(gap, breakOf(s, i, r))
			i += size
			continue
		}
		start := i
		for i < len(s) {
			r, size = utf8.DecodeRuneInString(s[i:])
			if !isWordRune(r) {
				break
			}
			i += size
		}
		word := strings.ToLower(s[start:i])
		if end, second, ok := contraction(s, i, word); ok {
			out = append(out, Token{second[0], start, end, gap}, Token{second[1], start, end, NoBreak})
			i = end
		} else if word == "cannot" {
			out = append(out, Token{"can", start, i, gap}, Token{"not", start, i, NoBreak})
		} else {
			out = append(out, Token{word, start, i, gap})
		}
		gap = NoBreak
	}
	return out
}

func isWordRune(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }

// contraction reads "n't", "'s" and the like after a word that ends at i.
func contraction(s string, i int, word string) (end int, parts [2]string, ok bool) {
	r, size := utf8.DecodeRuneInString(s[i:])
	if r != '\'' && r != '’' {
		return 0, parts, false
	}
	end = i + size
	for end < len(s) && unicode.IsLetter(rune(s[end])) {
		end++
	}
	tail := strings.ToLower(s[i+size : end])
	if parts, ok = contractions[word+" "+tail]; ok {
		return end, parts, true
	}
	if tail == "t" && strings.HasSuffix(word, "n") && len(word) > 2 {
		return end, [2]string{strings.TrimSuffix(word, "n"), "not"}, true
	}
	return 0, parts, false
}

// breakOf weighs a mark between words.
func breakOf(s string, i int, r rune) Break {
	switch r {
	case ',':
		return CommaBreak
	case ';', ':', '(', ')', '[', ']', '|', '—', '–', '!', '?', '\n', '→':
		if r == ':' && i+1 < len(s) && !unicode.IsSpace(rune(s[i+1])) {
			return NoBreak // a port or a URL
		}
		if r == ':' && isSetting(s[i+1:]) {
			return NoBreak
		}
		if r == '\n' {
			return NoBreak
		}
		return HardBreak
	case '.':
		if i+1 >= len(s) || unicode.IsSpace(rune(s[i+1])) {
			return HardBreak
		}
	case '-':
		if i > 0 && i+1 < len(s) && unicode.IsSpace(rune(s[i-1])) && unicode.IsSpace(rune(s[i+1])) {
			return HardBreak
		}
	}
	return NoBreak
}

// settings are values after a colon that belong to the word before it:
// "encrypted: no".
var settings = []string{"no", "none", "off", "disabled", "false", "yes", "on", "true", "enabled", "optional"}

// isSetting reports whether a text begins with such a value.
func isSetting(s string) bool {
	s = strings.ToLower(strings.TrimLeft(s, " "))
	for _, v := range settings {
		if rest, ok := strings.CutPrefix(s, v); ok && (rest == "" || strings.ContainsRune(".,;|)", rune(rest[0]))) {
			return true
		}
	}
	return false
}

// Words are the text's words in order.
func (t *Text) Words() []string {
	out := make([]string, len(t.Tokens))
	for i := range t.Tokens {
		out[i] = t.Tokens[i].Word
	}
	return out
}

// Slice is the raw text of the words from start to end, end not included.
func (t *Text) Slice(start, end int) string {
	if start >= end || end > len(t.Tokens) {
		return ""
	}
	return t.Raw[t.Tokens[start].Start:t.Tokens[end-1].End]
}

// IsQuestion reports whether the text asks.
func (t *Text) IsQuestion() bool { return t.question }
