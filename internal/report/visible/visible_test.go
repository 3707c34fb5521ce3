package visible_test

import (
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/bartizan-security/bartizan/internal/report/visible"
)

func TestText(t *testing.T) {
	tests := []struct{ rule, in, want string }{
		{"plain text stays", "TLS 1.3 — für alle, 日本語 👩‍💻", "TLS 1.3 — für alle, 日本語 👩‍💻"},
		{"lines and tabs stay", "a\n\tb", "a\n\tb"},
		{"a carriage return is a line end, not a way to overwrite", "safe\rEVIL\r\nx", "safe\nEVIL\nx"},
		{"colours go whole", "\x1b[1;31mred\x1b[0m", "red"},
		{"window titles and links go whole", "\x1b]0;title\x07a\x1b]8;;http://x\x1b\\b", "ab"},
		{"an unfinished escape code goes", "a\x1b[", "a"},
		{"one-character forms go", "a\u009b31mb\u009d0;t\u009cc", "abc"},
		{"bells and backspaces go", "pass\bword\a\x00\x7f", "password"},
		{"direction marks are shown", "user\u202Etxt.exe", "user⟦U+202E⟧txt.exe"},
		{"invisible letters are counted", "a\U000E0041\U000E0042b", "a⟦2 hidden characters⟧b"},
		{"zero width goes", "ad\u200bmin\ufeff", "admin"},
		{"broken UTF-8 is marked", "a\xffb", "a\uFFFDb"},
	}
	for _, tt := range tests {
		t.Run(tt.rule, func(t *testing.T) {
			if got := visible.Text(tt.in); got != tt.want {
				t.Errorf("Text(%q) = %q, want %q", tt.in, got, tt.want)
			}
		})
	}
}

func TestTextHoldsNoControlCharacterWhateverGoesIn(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		parts := rapid.SliceOf(rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{"\x1b[", "\x1b]", "\u009b", "\u202e", "\U000E0041", "\x1b", "\xff", "\r"}))).Draw(t, "parts")
		got := visible.Text(strings.Join(parts, ""))
		for _, r := range got {
			if r != '\n' && r != '\t' && (unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r)) {
				t.Fatalf("%q holds %U", got, r)
			}
		}
		if again := visible.Text(got); again != got {
			t.Fatalf("Text is not stable: %q, then %q", got, again)
		}
	})
}

func TestLineFoldsWhiteSpace(t *testing.T) {
	if got := visible.Line(" a\n\n b\t\u2028c "); got != "a b c" {
		t.Errorf("Line = %q", got)
	}
}

func TestCopyReachesEveryStringAndSharesNothing(t *testing.T) {
	type leaf struct {
		S  string
		At time.Time
	}
	type node struct {
		P *leaf
		L []leaf
		M map[string][]string
		B []byte
		N int
	}
	at := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	in := node{&leaf{"a\x07", at}, []leaf{{"b\x07", at}}, map[string][]string{"k\x07": {"c\x07"}}, []byte("d"), 3}
	got := visible.Copy(in)
	want := node{&leaf{"a", at}, []leaf{{"b", at}}, map[string][]string{"k": {"c"}}, []byte("d"), 3}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	got.P.S, got.L[0].S = "changed", "changed"
	if in.P.S != "a\x07" || in.L[0].S != "b\x07" {
		t.Error("the copy shares memory with the original")
	}
}
