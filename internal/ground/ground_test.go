package ground_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/bartizan-security/bartizan/internal/extract/markdown"
	"github.com/bartizan-security/bartizan/internal/ground"
	"github.com/bartizan-security/bartizan/internal/passage"
	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

const design = `# Portal

The portal forwards the bearer token
to the *reporting* service. Reports hold personal data of all tenants.
Yes. It does.

- TLS 1.3
- no rate limit

| Interface | Authentication |
| --- | --- |
| metering feed | none |
`

func read(text string) (threatmodel.Source, []threatmodel.Passage) {
	doc := markdown.Read(threatmodel.Document{ID: "d1", Name: "portal.md"}, text, markdown.Options{})
	return doc, passage.Split([]threatmodel.Source{doc})
}

func cite(at, words string) ground.Citation { return ground.Citation{At: at, Words: words} }

func TestACitationIsDoubleEntry(t *testing.T) {
	_, shown := read(design)
	for name, c := range map[string]struct {
		citation ground.Citation
		quote    string // what is found; empty where it is refused
		refusal  string
	}{
		"number and words agree":           {cite("P1.1", "The portal forwards the bearer token"), "The portal forwards the bearer token to the reporting service.", ""},
		"three words are enough":           {cite("P1.2", "Reports hold personal"), "Reports hold personal data of all tenants.", ""},
		"case and marks do not count":      {cite("P1.1", "the PORTAL, forwards \"the\" bearer..."), "The portal forwards the bearer token to the reporting service.", ""},
		"after the eighth word none does":  {cite("P1.1", "The portal forwards the bearer token to the wrong place"), "The portal forwards the bearer token to the reporting service.", ""},
		"a number in brackets":             {cite("[P1.2]", "Reports hold personal data"), "Reports hold personal data of all tenants.", ""},
		"a whole short item":               {cite("P2.1", "TLS 1.3"), "TLS 1.3", ""},
		"a row":                            {cite("P4.1", "metering feed none"), "metering feed | none", ""},
		"a passage alone, words tell":      {cite("P1", "Reports hold personal data"), "Reports hold personal data of all tenants.", ""},
		"number of another sentence":       {cite("P1.2", "The portal forwards the bearer token"), "", `P1.2 begins with "Reports hold personal data of all tenants.", not with "The portal forwards the bearer token"`},
		"words that stand nowhere":         {cite("P1.1", "The portal never forwards the token"), "", "P1.1 begins with"},
		"words from the middle":            {cite("P1.1", "forwards the bearer token"), "", "P1.1 begins with"},
		"one word left out":                {cite("P1.1", "The portal forwards bearer token"), "", "P1.1 begins with"},
		"too few words":                    {cite("P1.1", "The portal"), "", "P1.1 begins with"},
		"no words":                         {cite("P1.1", ""), "", "P1.1 begins with"},
		"a short sentence is no evidence":  {cite("P1.4", "It does."), "", "P1.4 is too short to carry evidence"},
		"no such passage":                  {cite("P9.1", "The portal forwards"), "", "there is no passage P9"},
		"passage zero":                     {cite("P0.1", "The portal forwards"), "", "there is no passage P0"},
		"no such sentence":                 {cite("P1.9", "The portal forwards"), "", "P1 has no sentence 9"},
		"sentence zero":                    {cite("P1.0", "The portal forwards"), "", `"P1.0" is not the number of a sentence`},
		"no number at all":                 {cite("the first", "The portal forwards"), "", `"the first" is not the number of a sentence`},
		"negative":                         {cite("P-1.1", "The portal forwards"), "", "there is no passage P-1"},
		"a passage alone, words tell none": {cite("P1", "Nothing of the kind here"), "", "P1 has 4 sentences; say which one"},
	} {
		t.Run(name, func(t *testing.T) {
			q, err := ground.Find(c.citation, shown)
			switch {
			case c.quote == "" && (err == nil || !strings.Contains(err.Error(), c.refusal)):
				t.Errorf("got %+v, %v, want a refusal with %q", q, err, c.refusal)
			case c.quote != "" && (err != nil || q.Sentence.Text != c.quote):
				t.Errorf("got %+v, %v, want %q", q.Sentence, err, c.quote)
			}
		})
	}
}

// quotable is every sentence of the shown passages, by number.
func numbers(shown []threatmodel.Passage) []string {
	var out []string
	for i, p := range shown {
		for j := range p.Sentences {
			out = append(out, fmt.Sprintf("P%d.%d", i+1, j+1))
		}
	}
	return out
}

var paragraphs = []string{
	"The gateway signs every request with a key. It keeps no state, e.g. no sessions.",
	"Operators sign in with a password\nover **plain** HTTP. The `console` is public.",
	"- tokens never expire\n- logs hold “card numbers” in clear. Nobody removes them.",
	"| Store | Encrypted |\n| --- | --- |\n| invoices | no |\n| tariffs | yes, AES |",
	"```mermaid\nflowchart LR\n  a[Portal] --> b[(Invoices)]\n```",
	"Gerät und Schlüssel: früher geprüft, später nicht mehr. 鍵は共有されます。",
	"Short.",
}

// TestEveryQuoteIsInTheTextAtItsPlace: whatever is cited, what comes out is a
// slice of the extracted text at the bytes that its locator names, and a plain
// search finds it.
func TestEveryQuoteIsInTheTextAtItsPlace(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		doc, shown := read(strings.Join(rapid.SliceOfN(rapid.SampledFrom(paragraphs), 1, 8).Draw(t, "paragraphs"), "\n\n"))
		texts := []string{"", "nonsense that stands nowhere at all"}
		for _, p := range shown {
			for _, s := range p.Sentences {
				texts = append(texts, s.Text)
			}
		}
		var cs []ground.Citation
		for range rapid.IntRange(1, 12).Draw(t, "citations") {
			words := rapid.SampledFrom(texts).Draw(t, "words")
			cs = append(cs, cite(rapid.SampledFrom(append(numbers(shown), "P1", "P99.1", "x")).Draw(t, "at"), words[:rapid.IntRange(0, len(words)).Draw(t, "cut")]))
		}
		evidence, quotes, refusals := ground.FindAll(cs, shown, threatmodel.States)
		if len(quotes)+len(refusals) > len(cs) || len(evidence) < len(quotes) {
			t.Fatalf("%d citations gave %d quotes, %d pieces of evidence and %d refusals", len(cs), len(quotes), len(evidence), len(refusals))
		}
		for _, e := range evidence {
			l := e.Locator
			if got := passage.Fold(doc.Body[l.ByteStart:l.ByteEnd]); got != e.Quote || e.Quote == "" {
				t.Fatalf("the quote is %q, the text at its bytes %q", e.Quote, got)
			}
			if !strings.Contains(passage.Fold(doc.Body), e.Quote) {
				t.Fatalf("a plain search does not find %q", e.Quote)
			}
			if !slices.ContainsFunc(shown, func(p threatmodel.Passage) bool { return p.ID == e.Passage && p.Document == e.Document }) {
				t.Fatalf("%q is said to stand in passage %s, which was not shown", e.Quote, e.Passage)
			}
		}
		for _, q := range quotes {
			if !slices.ContainsFunc(cs, func(c ground.Citation) bool { return ground.Agrees(c.Words, q.Sentence.Text) }) {
				t.Fatalf("nobody cited %q in words", q.Sentence.Text)
			}
		}
	})
}

// TestAWrongNumberNeverYieldsTheQuote: the words of one sentence under the number
// of another are refused, unless the two begin alike.
func TestAWrongNumberNeverYieldsTheQuote(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		_, shown := read(strings.Join(rapid.SliceOfN(rapid.SampledFrom(paragraphs), 2, 8).Draw(t, "paragraphs"), "\n\n"))
		at := rapid.SampledFrom(numbers(shown)).Draw(t, "at")
		p := rapid.SampledFrom(shown).Draw(t, "passage")
		words := rapid.SampledFrom(p.Sentences).Draw(t, "sentence").Text
		q, err := ground.Find(cite(at, words), shown)
		if err == nil && !ground.Agrees(words, q.Sentence.Text) {
			t.Fatalf("%s with the words %q gave %q", at, words, q.Sentence.Text)
		}
	})
}

func TestASentenceCutByAPageIsTwoPiecesOfEvidence(t *testing.T) {
	one, two := 1, 2
	doc := threatmodel.Source{Document: threatmodel.Document{ID: "d.pdf"}, Body: "It accepts every\nclient without a certificate. Logs are kept for a year.\n"}
	block := func(page *int, start, end int, joins bool) threatmodel.Block {
		return threatmodel.Block{
			ID: fmt.Sprint("b", start), Kind: threatmodel.BlockParagraph, Role: threatmodel.RoleBody, Text: doc.Body[start:end], Joins: joins,
			Locator: threatmodel.Locator{Page: page, ByteStart: start, ByteEnd: end}, Marks: []threatmodel.Mark{{Page: *page}},
		}
	}
	doc.Blocks = []threatmodel.Block{block(&one, 0, 16, false), block(&two, 17, len(doc.Body)-1, true)}
	shown := passage.Split([]threatmodel.Source{doc})
	evidence, quotes, refusals := ground.FindAll([]ground.Citation{cite("P1.1", "It accepts every client without")}, shown, threatmodel.Contradicts)
	if len(quotes) != 1 || len(refusals) != 0 {
		t.Fatalf("got %v, %v", quotes, refusals)
	}
	type piece struct {
		Quote string
		Page  int
		Role  threatmodel.EvidenceRole
	}
	var got []piece
	for _, e := range evidence {
		got = append(got, piece{e.Quote, *e.Locator.Page, e.Role})
	}
	want := []piece{{"It accepts every", 1, threatmodel.Contradicts}, {"client without a certificate.", 2, threatmodel.Contradicts}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestASentenceCitedTwiceIsOneQuote(t *testing.T) {
	_, shown := read(design)
	evidence, quotes, refusals := ground.FindAll([]ground.Citation{
		cite("P1.2", "Reports hold personal data"), cite("P1", "Reports hold personal data of all"), cite("P1.3", "Reports hold personal data"),
	}, shown, threatmodel.States)
	if len(evidence) != 1 || len(quotes) != 1 || len(refusals) != 1 {
		t.Errorf("got %d pieces of evidence, %d quotes, %d refusals, want 1 each", len(evidence), len(quotes), len(refusals))
	}
}

func TestOnlyWhatWasShownCanBeCited(t *testing.T) {
	_, all := read(design)
	_, err := ground.Find(cite("P4.1", "metering feed none"), all[:3])
	if err == nil {
		t.Error("a passage that the prompt did not hold was cited")
	}
}

func signals(t *testing.T) *ground.Signals {
	t.Helper()
	s, err := ground.LoadSignals()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestSignalsAreInTheFormThatTheyAreComparedIn(t *testing.T) {
	s := signals(t)
	if len(s.Families()) < 30 {
		t.Errorf("%d families have signals, of about 40", len(s.Families()))
	}
	for family, phrases := range s.Families() {
		if len(phrases) == 0 {
			t.Errorf("%s has no signal", family)
		}
		for _, p := range phrases {
			if want := strings.Join(ground.Words(p), " "); strings.TrimSuffix(p, " ") != want {
				t.Errorf("%s: %q can never match; write %q", family, p, want)
			}
		}
	}
}

func TestNamesTellsWhetherAQuoteIsAboutTheThreat(t *testing.T) {
	s := signals(t)
	_, shown := read("# Broker\n\nReadings arrive every minute from the field. Nothing else is known.\n\n# Archive\n\nInvoices are encrypted with a key of the platform.\n")
	quote := func(p int) ground.Quote { return ground.Quote{Passage: &shown[p], Sentence: &shown[p].Sentences[0]} }
	for name, c := range map[string]struct {
		passage int
		names   []string
		family  string
		want    bool
	}{
		"the element in the heading":       {0, []string{"Broker"}, "resilience", true},
		"a signal of the weakness":         {1, []string{"Gateway"}, "weak-cryptography", true},
		"neither":                          {0, []string{"Gateway"}, "weak-cryptography", false},
		"a plural finds the singular":      {1, []string{"invoice store"}, "none", true},
		"no names and no family":           {0, nil, "", false},
		"a part of a word is no mention":   {0, []string{"Roker"}, "none", false},
		"an unknown family has no signals": {1, []string{"Gateway"}, "no such family", false},
	} {
		t.Run(name, func(t *testing.T) {
			if got := s.Names(quote(c.passage), c.names, c.family); got != c.want {
				t.Errorf("got %v", got)
			}
		})
	}
}

func TestAnOmissionOnlyStatesThatSomethingExists(t *testing.T) {
	s := signals(t)
	for quote, want := range map[string]bool{
		"The portal sends invoices to the archive.":              true,
		"The portal sends invoices to the archive without TLS.":  false,
		"No one checks who asks.":                                false,
		"Encryption is planned for the next release.":            false,
		"Operators sign in with a password.":                     false,
		"The node forwards readings to the broker in the field.": true, // "no " is a word, not a beginning
	} {
		if got := s.Omission(quote, "authentication"); got != want {
			t.Errorf("%q is an omission: %v, want %v", quote, got, want)
		}
	}
}

func TestSalienceCountsFamiliesNotWords(t *testing.T) {
	s := signals(t)
	dull, rich := s.Salience("The lunch was good."), s.Salience("Tokens never expire and passwords are logged in clear.")
	if dull != 0 || rich < 3 {
		t.Errorf("a dull text counts %d, one on tokens, passwords and logs %d", dull, rich)
	}
	if once, twice := s.Salience("password"), s.Salience("password password password"); once != twice {
		t.Errorf("repeating a word raises salience from %d to %d", once, twice)
	}
}

func FuzzFind(f *testing.F) {
	_, shown := read(design)
	f.Add("P1.1", "The portal forwards the bearer token")
	f.Add("[P2.1]", "TLS 1.3")
	f.Add("P99999999999999999999.1", "x")
	f.Fuzz(func(t *testing.T, at, words string) {
		q, err := ground.Find(cite(at, words), shown)
		if err != nil {
			return
		}
		if !ground.Agrees(words, q.Sentence.Text) {
			t.Errorf("%s %q gave %q", at, words, q.Sentence.Text)
		}
	})
}
