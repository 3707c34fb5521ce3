package postgres_test

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"

	"github.com/bartizan-security/bartizan/internal/postgres"
)

// TestStorableChangesNothingButZeros holds it for any text, among them those that
// look like an escaped zero and are none.
func TestStorableChangesNothingButZeros(t *testing.T) {
	piece := rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{"\x00", `\`, `\\`, `\u0000`, "u0000", `"`, "🏰"}))
	rapid.Check(t, func(t *rapid.T) {
		text := strings.Join(rapid.SliceOf(piece).Draw(t, "text"), "")
		raw, err := json.Marshal(map[string]string{text: text})
		if err != nil {
			t.Fatal(err)
		}
		var got map[string]string
		if err := json.Unmarshal(postgres.Storable(raw), &got); err != nil {
			t.Fatalf("%s became %s: %v", raw, postgres.Storable(raw), err)
		}
		want := strings.ReplaceAll(strings.ToValidUTF8(text, "\uFFFD"), "\x00", "\uFFFD")
		if got[want] != want {
			t.Fatalf("%q came back as %q", text, got)
		}
	})
}

func TestStorableTextIsOne(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := string(rapid.SliceOf(rapid.Byte()).Draw(t, "text"))
		got := postgres.StorableText(text)
		if !utf8.ValidString(got) || strings.Contains(got, "\x00") {
			t.Fatalf("%q became %q", text, got)
		}
		if utf8.ValidString(text) && !strings.Contains(text, "\x00") && got != text {
			t.Fatalf("%q, which can be stored, became %q", text, got)
		}
	})
}

func FuzzParseCheckpoint(f *testing.F) {
	f.Add("bartizan-checkpoint-1/01a21365-b9f7-7e9b-a53c-9c764fdf6212/7/" + strings.Repeat("ab", 32) + "/2026-11-25T12:00:00.000000Z/0123456789abcdef/c2lnbmF0dXJl")
	f.Fuzz(func(t *testing.T, s string) {
		c, err := postgres.ParseCheckpoint(s)
		if err != nil {
			return
		}
		again, err := postgres.ParseCheckpoint(c.String())
		if err != nil || again.String() != c.String() {
			t.Errorf("%q was read as %s, and that as %v, %v", s, c, again, err)
		}
	})
}

func FuzzParseKeys(f *testing.F) {
	f.Add("k:MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=")
	f.Fuzz(func(t *testing.T, s string) {
		k, err := postgres.ParseKeys(s)
		if err != nil || k == nil {
			return
		}
		id, sealed := k.Seal("place", []byte("text"))
		if plain, err := k.Open("place", id, sealed); err != nil || string(plain) != "text" {
			t.Errorf("%q: opening what was sealed gave %q, %v", s, plain, err)
		}
	})
}
