package pattern

import (
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"pgregory.net/rapid"

	"github.com/bartizan-security/bartizan/internal/catalog/weakness"
)

func load(t testing.TB) *Library {
	t.Helper()
	l, err := Load()
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func TestEmbeddedKnowledgeIsSound(t *testing.T) {
	l := load(t)
	if len(l.Patterns()) < 40 || len(l.Controls()) < 20 || len(l.Entries()) < 100 || len(l.Assets()) < 10 || l.Version() == "" {
		t.Fatalf("%d patterns, %d controls, %d entries, %d assets", len(l.Patterns()), len(l.Controls()), len(l.Entries()), len(l.Assets()))
	}
	for _, p := range l.Patterns() {
		if l.Pattern(p.ID) != p {
			t.Errorf("pattern %s is not found by its id", p.ID)
		}
	}
	if l.Pattern("no-such-pattern") != nil {
		t.Error("a pattern that does not exist was found")
	}
}

// TestPatternsNameWeaknessesThatFindingsMayBeMappedTo holds the patterns
// against the tables of CWE, CAPEC and ATT&CK.
func TestPatternsNameWeaknessesThatFindingsMayBeMappedTo(t *testing.T) {
	table, err := weakness.Load()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range load(t).Patterns() {
		if !table.Mappable(p.CWE) {
			t.Errorf("%s: CWE-%d is not for mapping", p.ID, p.CWE)
		}
		if got := table.Family(p.CWE); got != p.Family {
			t.Errorf("%s: CWE-%d is of the family %s, not %s", p.ID, p.CWE, got, p.Family)
		}
		for _, id := range p.CAPEC {
			if _, ok := table.CAPEC(id); !ok {
				t.Errorf("%s: there is no CAPEC-%d", p.ID, id)
			}
		}
		for _, id := range p.ATTACK {
			if _, ok := table.Technique(id); !ok {
				t.Errorf("%s: there is no technique %s", p.ID, id)
			}
		}
	}
}

func TestTextIsFoldedToWords(t *testing.T) {
	for in, want := range map[string][]string{
		"It isn't plain-text.":       {"it", "is", "not", "plain", "text"},
		"They can’t, and cannot.":    {"they", "can", "not", "and", "can", "not"},
		"The user's key won't do":    {"the", "user", "s", "key", "will", "not", "do"},
		"Port 0.0.0.0:8080/tcp":      {"port", "0", "0", "0", "0", "8080", "tcp"},
		"Größe — Äpfel, 5 µs":        {"größe", "äpfel", "5", "µs"},
		"X-Forwarded-For is trusted": {"x", "forwarded", "for", "is", "trusted"},
	} {
		text := Text{Raw: in, Tokens: tokenize(in)}
		if got := text.Words(); !slices.Equal(got, want) {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

// library is a small one, for rules that the embedded data must not bend.
func library(t testing.TB, signals ...string) *Library {
	t.Helper()
	quoted := ""
	for _, s := range signals {
		quoted += "\n      - '" + s + "'"
	}
	fsys := fstest.MapFS{
		"words/words.yaml": {Data: []byte(`groups:
  not: [not, never, without, no]
  negator: [not, never, no, without, nobody]
  joint: [and, but, because]
  planned: [planned, roadmap]
  hypothetical: [should, could]
  conditional: [if]
  past: [previously]
  gone: [removed]
  still: [until, still]
  attack: ["attack*"]
  exception: [except, only]
  aside: ["alternative*"]
  idiom: ["not limited to"]
  permit: ["accept*", may]
  only-condition: [with, after]
  only-word: [read, append]
`)},
		"lexicon/l.yaml": {Data: []byte(`entries:
  - {name: Redis, type: technology, kind: data_store, tags: [cache]}
  - {name: Go, type: technology, kind: process, tags: [library], cased: true}
  - {name: load balancer, type: noun, kind: process, tags: [proxy]}
`)},
		"controls/c.yaml": {Data: []byte("controls:\n  - id: rule\n    name: The rule\n    families: [logging]\n    mechanism:" + quoted + "\n")},
	}
	l, err := Read(fsys)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func TestSignalGrammar(t *testing.T) {
	for _, c := range []struct {
		rule, signal, text string
		want               bool
	}{
		{"words follow one another", "plain http", "It speaks plain HTTP.", true},
		{"words in another order do not match", "plain http", "HTTP is plain.", false},
		{"a gap spans up to six words", "keys ... stored", "Keys of all six customers are always stored.", true},
		{"a gap spans no more", "keys ... stored", "Keys one two three four five six seven stored.", false},
		{"a gap ends with the clause", "keys ... stored", "Keys are made; it is stored.", false},
		{"alternatives", "(keys|secrets of users)", "Secrets of users leak.", true},
		{"an optional word is there", "open [tcp] port", "An open TCP port.", true},
		{"an optional word is missing", "open [tcp] port", "An open port.", true},
		{"the beginning of a word", "verif*", "They verify.", true},
		{"a whole word matches no longer one", "port", "A portal.", false},
		{"a plural matches", "port", "Two ports.", true},
		{"terms stand in any order", "keys & stored", "Stored are the keys.", true},
		{"an absent term", "keys & !vault", "Keys lie in the vault.", false},
		{"a group", "keys ... @not stored", "Keys are never stored.", true},
		{"a tag", "#cache ... lost", "Redis is lost.", true},
		{"a tag that is not named", "#cache ... lost", "All is lost.", false},
		{"hyphens split words", "plain text", "plain-text", true},
		{"a turn of phrase is read over", "@not limited", "This is not limited to that.", false},
	} {
		t.Run(c.rule, func(t *testing.T) {
			l := library(t, c.signal)
			if got := len(l.Find(l.Read(c.text), nil)) > 0; got != c.want {
				t.Errorf("%q on %q: %v", c.signal, c.text, got)
			}
		})
	}
}

func TestSignalMayRestOnItsSurroundings(t *testing.T) {
	l := library(t, "verified & ~webhook*")
	s := l.Read("The sender is verified.")
	if len(l.Find(s, l.Read("Webhooks ; The sender is verified."))) == 0 {
		t.Error("the heading was not looked at")
	}
	if len(l.Find(s, l.Read("Uploads"))) > 0 {
		t.Error("it matched under another heading")
	}
}

func TestClausesThatTakeBackWhatTheySay(t *testing.T) {
	l := library(t, "plain http")
	for text, want := range map[string]bool{
		"The bridge uses plain HTTP.":                           true,
		"The bridge never uses plain HTTP.":                     false,
		"There is no bridge, plain HTTP is spoken.":             true,
		"The bridge is not new and uses plain HTTP.":            true,
		"Plain HTTP is planned.":                                false,
		"The bridge should use plain HTTP.":                     false,
		"An attacker could use plain HTTP.":                     true,
		"Previously the bridge used plain HTTP.":                false,
		"The old bridge, removed in May, used plain HTTP.":      false,
		"If the bridge uses plain HTTP it is refused.":          false,
		"Does the bridge use plain HTTP?":                       false,
		"The bridge accepts requests, never over plain HTTP, .": false,
	} {
		if got := len(l.Find(l.Read(text), nil)) > 0; got != want {
			t.Errorf("%q: %v, want %v", text, got, want)
		}
	}
}

func TestNegatorInAGapTurnsAMatch(t *testing.T) {
	l := library(t, "bucket ... public")
	if len(l.Find(l.Read("The bucket is never public."), nil)) > 0 {
		t.Error("a negated statement matched")
	}
	if len(l.Find(l.Read("The bucket is public."), nil)) == 0 {
		t.Error("the statement did not match")
	}
}

func TestLexiconFindsNamesAsWritten(t *testing.T) {
	l := library(t, "x")
	for text, want := range map[string]string{
		"We go with redis.":         "Redis",
		"It is written in Go.":      "Go",
		"The load balancers answer": "load balancer",
		"Let us go there":           "",
	} {
		got := ""
		for _, m := range l.Read(text).Mentions {
			got += m.Entry.Name
		}
		if got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

func TestBrokenKnowledgeIsRefused(t *testing.T) {
	for rule, signal := range map[string]string{
		"an open bracket":       "(a|b",
		"an empty alternative":  "(a|) b",
		"an unknown group":      "@nothing",
		"an empty term":         "a &  & b",
		"a star of its own":     "a * b",
		"only an absent term":   "!a",
		"a mark inside a term":  "a (~b|c)",
		"a bracket too many":    "a) b",
		"only the surroundings": "~a",
	} {
		p := &parser{groups: map[string][][]node{}}
		if _, err := p.parseSignal(Signal(signal)); err == nil {
			t.Errorf("%s: %q was taken", rule, signal)
		}
	}
	for rule, file := range map[string]string{
		"an unknown key":   "patterns:\n  - id: x\n    colour: red\n",
		"an empty pattern": "patterns:\n  - id: x\n",
	} {
		fsys := fstest.MapFS{"patterns/p.yaml": {Data: []byte(file)}}
		if _, err := Read(fsys); err == nil {
			t.Errorf("%s was taken", rule)
		}
	}
}

// TestIndexLosesNoMatch compares the look-up by anchors with trying every
// signal, on texts made of the words that signals are made of.
func TestIndexLosesNoMatch(t *testing.T) {
	l := load(t)
	words := []string{"the", "is", "not", "never", "key", "keys", "token", "stored", "plain", "http", "any", "user", "can", "read", "all", "bucket", "public", "tls", "without", "password", "log", "logs", "Redis", "certificate", "verified", "admin", "root", ",", ";"}
	rapid.Check(t, func(t *rapid.T) {
		text := strings.Join(rapid.SliceOfN(rapid.SampledFrom(words), 3, 14).Draw(t, "words"), " ")
		s := l.Read(text)
		want := 0
		for i := range l.signals {
			if _, ok := l.match(&l.signals[i], s, nil); ok {
				want++
			}
		}
		if got := len(l.Find(s, nil)); got != want {
			t.Fatalf("%q: %d found through the index, %d without", text, got, want)
		}
	})
}

func FuzzSignal(f *testing.F) {
	for _, s := range []string{"a (b|c d) ... [e] f*", "@not & !x & ~y", "#tag", "((", "a & ", "…", "x*y z*"} {
		f.Add(s, "a b e f and more")
	}
	l := library(f, "x")
	f.Fuzz(func(t *testing.T, source, text string) {
		p := &parser{groups: map[string][][]node{"not": {{{kind: nodeWord, text: "not"}}}}}
		terms, err := p.parseSignal(Signal(source))
		if err != nil {
			return
		}
		s := l.Read(text)
		h, ok := l.match(&signal{role: Mechanism, terms: terms}, s, nil)
		if ok && (h.Start < 0 || h.End > len(s.Tokens)) {
			t.Fatalf("the match %v lies outside of %d words", h, len(s.Tokens))
		}
	})
}

func TestOnlyLimitsASafeguardAndNotWhatIsLetThrough(t *testing.T) {
	l := load(t)
	for text, want := range map[string]bool{
		"The volumes are encrypted only in the second region.": true,
		"Volumes are encrypted except for the scratch disk.":   true,
		"Most volumes are encrypted.":                          true,
		"A second factor can be switched on.":                  true,
		"The gateway accepts TLS 1.3 only.":                    false,
		"It opens the door only with a valid certificate.":     false,
		"The analysts have a read-only account each.":          false,
		"A caller gets at most ten answers a second.":          false,
		"The volumes are encrypted.":                           false,
	} {
		if got := l.HasException(l.Read(text)); got != want {
			t.Errorf("%q: %v, want %v", text, got, want)
		}
	}
}
