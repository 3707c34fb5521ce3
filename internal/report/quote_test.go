package report

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/bartizan-security/bartizan/internal/report/visible"
	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

func TestQuoteStandsInItsSurroundings(t *testing.T) {
	tests := []struct{ rule, text, quote, before, after string }{
		{"the rest of its paragraph stands around it", "One.\n\nTwo is here. Three is here. Four.\n\nFive.", "Three is here.", "Two is here. ", " Four."},
		{"lines that end because the page does are joined", "It goes\non and on. The quote\nis here and\nends.", "The quote is here", "It goes on and on. ", " and ends."},
		{"rows and items stay apart", "a | b\nc | d\ne | f", "c | d", "a | b\n", "\ne | f"},
		{"a paragraph of its own has a little of its neighbours", "First.\n\nThe quote.\n\nLast.", "The quote.", "First.\n", "\nLast."},
		{"a page end parts paragraphs", "First page ends.\fThe quote. More.", "The quote.", "", " More."},
		{"the whole text", "The quote.", "The quote.", "", ""},
		{
			"a long paragraph is cut at words", strings.Repeat("word ", 100) + "The quote." + strings.Repeat(" word", 100), "The quote.",
			"…" + strings.Repeat("word ", 47), strings.Repeat(" word", 47) + "…",
		},
		{"a long word is left out", strings.Repeat("w", 500) + " The quote. " + strings.Repeat("w", 500), "The quote.", "… ", " …"},
	}
	for _, tt := range tests {
		t.Run(tt.rule, func(t *testing.T) {
			s := newSources(Texts{"d": tt.text})
			// No locator: the quote is searched.
			start, end, ok := s.find(threatmodel.Evidence{Document: "d", Quote: tt.quote})
			if !ok || visible.Line(tt.text[start:end]) != tt.quote {
				t.Fatalf("found %v at %d to %d", ok, start, end)
			}
			before, after := s["d"].context(start, end)
			if before != tt.before || after != tt.after {
				t.Errorf("before %q, after %q; want %q, %q", before, after, tt.before, tt.after)
			}
		})
	}
}

func TestQuoteIsTakenFromItsLocatorNotFromAnEarlierPlace(t *testing.T) {
	s := newSources(Texts{"d": "Same words. Other. Same words."})
	start, _, ok := s.find(threatmodel.Evidence{Document: "d", Quote: "Same words.", Locator: threatmodel.Locator{ByteStart: 19, ByteEnd: 30}})
	if !ok || start != 19 {
		t.Errorf("found %v at %d, want 19", ok, start)
	}
}

func TestQuoteOfAnotherRevisionIsNotFound(t *testing.T) {
	s := newSources(Texts{"d": "The text is another one now."})
	for _, e := range []threatmodel.Evidence{
		{Document: "d", Quote: "It was so.", Locator: threatmodel.Locator{ByteStart: 4, ByteEnd: 900}},
		{Document: "d", Quote: "It was so.", Locator: threatmodel.Locator{ByteStart: -4, ByteEnd: 9}},
		{Document: "d", Quote: ""},
		{Document: "gone", Quote: "The text"},
	} {
		if _, _, ok := s.find(e); ok {
			t.Errorf("%+v was found", e)
		}
	}
}

// TestAnySliceIsFoundAgain: whatever a text holds, a quote made of it is found,
// and what stands around it is cut from the text without a panic.
func TestAnySliceIsFoundAgain(t *testing.T) {
	piece := rapid.OneOf(rapid.StringN(0, 12, 40), rapid.SampledFrom([]string{" ", "\n", "\n\n", "\f", "\t", "\u00a0", "\u200b", "\x1b[1m", "\u202e", "é", "a | b", "- "}))
	rapid.Check(t, func(t *rapid.T) {
		text := strings.ToValidUTF8(strings.Join(rapid.SliceOfN(piece, 1, 30).Draw(t, "text"), ""), "")
		runes := []rune(text)
		i := rapid.IntRange(0, len(runes)).Draw(t, "from")
		j := rapid.IntRange(i, len(runes)).Draw(t, "to")
		start, end := len(string(runes[:i])), len(string(runes[:j]))
		quote := visible.Line(text[start:end])
		s := newSources(Texts{"d": text})
		e := threatmodel.Evidence{Document: "d", Quote: quote, Locator: threatmodel.Locator{ByteStart: start, ByteEnd: end}}
		from, to, ok := s.find(e)
		if ok != (quote != "") {
			t.Fatalf("%q found: %v", quote, ok)
		}
		if ok && visible.Line(text[from:to]) != quote {
			t.Fatalf("%q is not %q", text[from:to], quote)
		}
		s["d"].context(start, end)
	})
}

func TestMergeMarksEachPlaceOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var spans []span
		for range rapid.IntRange(0, 12).Draw(t, "n") {
			start := rapid.IntRange(0, 40).Draw(t, "start")
			spans = append(spans, span{start, start + rapid.IntRange(1, 10).Draw(t, "length"), []string{rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "threat")}})
		}
		covered := map[int]bool{}
		for _, s := range spans {
			for i := s.start; i < s.end; i++ {
				covered[i] = true
			}
		}
		last := -1
		n := 0
		for _, s := range merge(spans) {
			if s.start < last {
				t.Fatalf("%v overlaps what ends at %d", s, last)
			}
			last = s.end
			n += s.end - s.start
		}
		if n != len(covered) {
			t.Fatalf("%d bytes marked, want %d", n, len(covered))
		}
	})
}

func TestCompareMarksWhatOneSideAloneSays(t *testing.T) {
	tests := []struct {
		rule, before, after string
		a, b                string
	}{
		{"a negation cannot be overlooked", "Access is logged.", "Access is not logged.", "Access is logged.", "Access is [not] logged."},
		{"a replaced word", "kept for 7 days", "kept for 90 days", "kept for [7] days", "kept for [90] days"},
		{"one side empty", "all gone", "", "all gone", ""},
		{"the same", "the same", "the same", "the same", "the same"},
	}
	for _, tt := range tests {
		t.Run(tt.rule, func(t *testing.T) {
			a, b := compare(tt.before, tt.after)
			if marked(a) != tt.a || marked(b) != tt.b {
				t.Errorf("%q, %q; want %q, %q", marked(a), marked(b), tt.a, tt.b)
			}
		})
	}
}

func marked(ps []piece) string {
	var out []string
	for _, p := range ps {
		if p.Only {
			p.Text = "[" + p.Text + "]"
		}
		out = append(out, p.Text)
	}
	return strings.Join(out, " ")
}
