package pattern

import (
	"slices"
	"testing"
)

func TestEmbeddedKnowledgeIsSound(t *testing.T) {
	l, err := Load()
	if err != nil {
		t.Fatal(err)
	}
	if len(l.Patterns()) == 0 || len(l.Controls()) == 0 || len(l.Entries()) == 0 || l.Version() == "" {
		t.Fatalf("%d patterns, %d controls, %d entries", len(l.Patterns()), len(l.Controls()), len(l.Entries()))
	}
	for _, p := range l.Patterns() {
		if l.Pattern(p.ID) != p {
			t.Errorf("pattern %s is not found by its id", p.ID)
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
		var got []string
		for _, tok := range tokenize(in) {
			got = append(got, tok.Word)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}
