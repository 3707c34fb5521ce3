package confluence

import (
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// addedByteByByte is what flow.add says, one character after the other.
func addedByteByByte(f *flow, s string) {
	for i := 0; i < len(s); {
		switch c := s[i]; {
		case c == ' ' || c == '\n' || c == '\t' || c == '\r' || c == '\f':
			f.space()
			i++
		case c < 0x80:
			f.text, f.words = append(f.text, c), true
			i++
		default:
			i += f.rune(s[i:])
		}
	}
}

func TestTextIsFoldedInWholeRunsAsItIsByteByByte(t *testing.T) {
	piece := rapid.OneOf(rapid.SampledFrom([]string{" ", "  ", "\n", "\t", "a", "word by word", "é", "\u00a0", "\u200b", "\x7f", "\x0b", "\xff"}), rapid.StringN(0, 3, -1))
	rapid.Check(t, func(t *rapid.T) {
		var want, got flow
		for _, s := range rapid.SliceOfN(rapid.SliceOfN(piece, 0, 6), 0, 4).Draw(t, "texts") {
			addedByteByByte(&want, strings.Join(s, ""))
			got.add(strings.Join(s, ""))
		}
		if string(want.text) != string(got.text) || want.words != got.words {
			t.Fatalf("the text is %q (words: %v), want %q (%v)", got.text, got.words, want.text, want.words)
		}
		if a, b := string(trimmed(got.text)), strings.Trim(string(got.text), around); a != b {
			t.Fatalf("trimmed it is %q, want %q", a, b)
		}
	})
}
