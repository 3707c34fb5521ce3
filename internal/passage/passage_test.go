package passage_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/bartizan-security/bartizan/internal/extract/markdown"
	"github.com/bartizan-security/bartizan/internal/passage"
	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

func read(name, text string) threatmodel.Source {
	return markdown.Read(threatmodel.Document{ID: name, Name: name}, text, markdown.Options{})
}

func split(texts ...string) []threatmodel.Passage {
	var docs []threatmodel.Source
	for i, text := range texts {
		docs = append(docs, read(fmt.Sprintf("d%d.md", i+1), text))
	}
	return passage.Split(docs)
}

func ids(ps []threatmodel.Passage) []string {
	out := []string{}
	for _, p := range ps {
		out = append(out, p.ID)
	}
	return out
}

func sentencesOf(ps []threatmodel.Passage) []string {
	out := []string{}
	for _, p := range ps {
		for _, s := range p.Sentences {
			out = append(out, s.Text)
		}
	}
	return out
}

const design = `# Metering

## Collection

Meters send readings over MQTT. The broker accepts them
without a client certificate.

- The gateway buffers readings for an hour.
- It drops what is older.

## Storage

| Store | Holds | Encrypted |
| --- | --- | --- |
| readings | consumption per household | no |
| tariffs | price lists | yes |

Readings are kept for ten years.
`

func TestRenamingAChapterKeepsIDs(t *testing.T) {
	before, after := split(design), split(strings.Replace(design, "# Metering", "# Metering and billing, second edition", 1))
	if diff := cmp.Diff(ids(before), ids(after)); diff != "" {
		t.Errorf("ids changed with the chapter's name:\n%s", diff)
	}
	if got := after[0].Locator.HeadingPath; !slices.Contains(got, "Metering and billing, second edition") {
		t.Errorf("the locator does not tell of the new name: %v", got)
	}
}

func TestRenamingTheNearestHeadingGivesNewIDs(t *testing.T) {
	before, after := split(design), split(strings.Replace(design, "## Storage", "## Databases", 1))
	for i := range before {
		if same := before[i].ID == after[i].ID; same != (before[i].Heading == "Collection") {
			t.Errorf("%q under %q: same id %v", before[i].Text, before[i].Heading, same)
		}
	}
}

func TestReflowKeepsIDsAndSentences(t *testing.T) {
	before, after := split(design), split(strings.Replace(design, "accepts them\nwithout a client", "accepts\nthem without   a\nclient", 1))
	if diff := cmp.Diff(ids(before), ids(after)); diff != "" {
		t.Errorf("ids changed with the line breaks:\n%s", diff)
	}
	if diff := cmp.Diff(sentencesOf(before), sentencesOf(after)); diff != "" {
		t.Errorf("sentences changed with the line breaks:\n%s", diff)
	}
}

func TestThePassageOfAnIDSaysTheSame(t *testing.T) {
	want := passage.ID("Storage", "Readings are kept for ten years.")
	ps := split(design)
	if last := ps[len(ps)-1]; last.ID != want {
		t.Errorf("the id is %s, want that of heading and text, %s", last.ID, want)
	}
}

func TestRepeatedPassagesAreToldApart(t *testing.T) {
	ps := split("# A\n\nSee the runbook.\n\n# B\n\nSee the runbook.\n", "# A\n\nSee the runbook.\n")
	if len(ps) != 3 || ps[0].ID == ps[1].ID || ps[2].ID != ps[0].ID+"-2" {
		t.Errorf("ids are %v: want another heading to give another id, and the repetition a number", ids(ps))
	}
}

// pieces are what documents are made of.
var pieces = []string{
	"The gateway signs every request. It keeps no state.", "Operators sign in with a password, e.g. from home.",
	"- first item\n- second item. With two sentences.", "| a | b |\n| --- | --- |\n| one | two |\n| three | four |",
	"```\nline one\n\nline two\n```", "> A quoted paragraph stands here.", "1. number one\n2. number two\n   - nested", "Version 1.2.3 of the API listens on 10.0.0.1:8443.",
}

// TestInsertionMovesNoLaterCut: text put in between leaves every other passage
// as it was, id and sentences.
func TestInsertionMovesNoLaterCut(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		body := rapid.SliceOfN(rapid.SampledFrom(pieces), 1, 12).Draw(t, "body")
		at := rapid.IntRange(0, len(body)).Draw(t, "at")
		long := strings.Repeat("This paragraph is new and rather long. ", rapid.IntRange(1, 60).Draw(t, "length"))
		render := func(parts []string) []threatmodel.Passage {
			return split("# Chapter\n\n" + strings.Join(parts, "\n\n<!-- -->\n\n") + "\n")
		}
		before := render(body)
		after := render(slices.Insert(slices.Clone(body), at, long))
		i := slices.IndexFunc(after, func(p threatmodel.Passage) bool { return strings.HasPrefix(p.Text, "This paragraph is new") })
		if i < 0 {
			t.Fatal("the new paragraph is no passage")
		}
		after = slices.Delete(after, i, i+1)
		if diff := cmp.Diff(ids(before), ids(after)); diff != "" {
			t.Fatalf("ids moved:\n%s", diff)
		}
		if diff := cmp.Diff(sentencesOf(before), sentencesOf(after)); diff != "" {
			t.Fatalf("cuts moved:\n%s", diff)
		}
	})
}

// checkPassages reports the first passage that breaks what every citation rests
// on: unique ids, and sentences that are the slices of the document's text where
// their spans say.
func checkPassages(body map[string]string, ps []threatmodel.Passage) error {
	seen := map[string]bool{}
	for _, p := range ps {
		if seen[p.ID] {
			return fmt.Errorf("%s stands twice", p.ID)
		}
		seen[p.ID] = true
		if len(p.Sentences) == 0 {
			return fmt.Errorf("%s has no sentence", p.ID)
		}
		for _, s := range p.Sentences {
			var whole []string
			for _, span := range s.Spans {
				l := span.Locator
				if got := passage.Fold(body[p.Document][l.ByteStart:l.ByteEnd]); got != span.Text {
					return fmt.Errorf("%s: the text has %q where %q is said to stand", p.ID, got, span.Text)
				}
				whole = append(whole, span.Text)
			}
			if strings.Join(whole, " ") != s.Text || s.Text == "" {
				return fmt.Errorf("%s: the sentence %q is not its spans %q", p.ID, s.Text, whole)
			}
		}
	}
	return nil
}

func TestSentencesAreSlicesOfTheText(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		parts := rapid.SliceOfN(rapid.OneOf(rapid.SampledFrom(pieces), rapid.StringN(0, 60, -1)), 1, 8).Draw(t, "parts")
		doc := read("d.md", strings.Join(parts, "\n\n"))
		if err := checkPassages(map[string]string{"d.md": doc.Body}, passage.Split([]threatmodel.Source{doc})); err != nil {
			t.Fatal(err)
		}
	})
}

// TestWholeCorpus holds the same on real documents, and that sentences leave out
// no word of a passage.
func TestWholeCorpus(t *testing.T) {
	root := os.Getenv("BARTIZAN_CORPUS")
	if root == "" {
		t.Skip("BARTIZAN_CORPUS is not set")
	}
	paths, err := filepath.Glob(filepath.Join(root, "markdown", "*.md"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("no documents under %s: %v", root, err)
	}
	for _, path := range paths {
		raw, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		doc := read(path, string(raw))
		ps := passage.Split([]threatmodel.Source{doc})
		if len(ps) < 20 {
			t.Errorf("%s has %d passages only", path, len(ps))
		}
		if err := checkPassages(map[string]string{path: doc.Body}, ps); err != nil {
			t.Errorf("%s: %v", path, err)
		}
		for _, p := range ps {
			if p.Kind == threatmodel.BlockDiagram {
				continue // its syntax is no sentence
			}
			if got := strings.Join(sentencesOf([]threatmodel.Passage{p}), " "); got != passage.Fold(p.Text) {
				t.Errorf("%s: the sentences of %s read %q, the passage %q", path, p.ID, got, p.Text)
			}
		}
	}
}

func TestSentences(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		want []string
	}{
		"two sentences":                  {"Keys rotate daily. Tokens do not.", []string{"Keys rotate daily.", "Tokens do not."}},
		"question and exclamation":       {"Who signs? Nobody! Yet it works.", []string{"Who signs?", "Nobody!", "Yet it works."}},
		"abbreviations":                  {"Use strong ciphers, e.g. AES, i.e. no RC4, etc. Operators vs. Auditors differ.", []string{"Use strong ciphers, e.g. AES, i.e. no RC4, etc. Operators vs. Auditors differ."}},
		"figures and sections":           {"See Fig. 3 and Sec. 4. Then go on.", []string{"See Fig. 3 and Sec. 4.", "Then go on."}},
		"titles and initials":            {"Dr. Miller and J. Smith own it. They left.", []string{"Dr. Miller and J. Smith own it.", "They left."}},
		"decimals and versions":          {"TLS 1.3 is used at 99.9 percent. Version 2.0.1 follows.", []string{"TLS 1.3 is used at 99.9 percent.", "Version 2.0.1 follows."}},
		"hosts and files":                {"It calls api.example.com and reads config.yaml. Nothing else.", []string{"It calls api.example.com and reads config.yaml.", "Nothing else."}},
		"a number at the end":            {"The port is 443. Another is 8443.", []string{"The port is 443.", "Another is 8443."}},
		"closing quotes and brackets":    {"He said \"trust us.\" (They did.) We did not.", []string{"He said \"trust us.\"", "(They did.)", "We did not."}},
		"an ellipsis":                    {"It waits... then fails. Done.", []string{"It waits... then fails.", "Done."}},
		"a small letter goes on":         {"The file .env is read. it may hold keys.", []string{"The file .env is read. it may hold keys."}},
		"no full stop at the end":        {"First sentence here. And a rest", []string{"First sentence here.", "And a rest"}},
		"other scripts":                  {"これは文です。次の文です。", []string{"これは文です。", "次の文です。"}},
		"a code span with dots":          {"Set `a.b.C` first. Then restart.", []string{"Set a.b.C first.", "Then restart."}},
		"the mark of a footnote":         {"The flag is hidden.¹ Nobody asks.”² It stays", []string{"The flag is hidden.¹", "Nobody asks.”²", "It stays"}},
		"colon and semicolon do not end": {"Roles: admin; user. Others fail.", []string{"Roles: admin; user.", "Others fail."}},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, sentencesOf(split(c.text))); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestItemsRowsAndLinesAreWholeSentences(t *testing.T) {
	ps := split("Callers must:\n\n- sign\n- keep the key. Never log it.\n  - not even hashed\n\n| Port | Use |\n| --- | --- |\n| 443 | web |\n\n```\nallow all\n\ndeny none\n```\n")
	type line struct {
		Text, Header string
		Whole        bool
	}
	var got []line
	for _, p := range ps {
		for _, s := range p.Sentences {
			got = append(got, line{s.Text, p.Header, s.Whole})
		}
	}
	want := []line{
		{"Callers must:", "", false},
		{"sign", "Callers must:", true},
		{"keep the key.", "Callers must:", false},
		{"Never log it.", "Callers must:", false},
		{"not even hashed", "keep the key. Never log it.", true},
		{"443 | web", "Port | Use", true},
		{"allow all", "", true},
		{"deny none", "", true},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestOnlyLinesOfADiagramThatStateSomethingAreSentences(t *testing.T) {
	ps := split("```mermaid\nflowchart LR\n  subgraph vpc [VPC]\n    direction TB\n    api[Orders API]\n  end\n  classDef hot fill:#f00\n  u[User] -->|HTTPS| api\n  ?? unclear\n```\n\n```mermaid\npie\n  \"a\" : 1\n```\n")
	want := []string{"subgraph vpc [VPC]", "api[Orders API]", "u[User] -->|HTTPS| api", "?? unclear", "pie", `"a" : 1`}
	if diff := cmp.Diff(want, sentencesOf(ps)); diff != "" {
		t.Error(diff)
	}
	if len(ps) != 2 || !strings.Contains(ps[0].Text, "direction TB") {
		t.Errorf("the passages are %+v, want the whole source in each", ps)
	}
}

// page makes a paragraph of a paged document.
func page(body *strings.Builder, n int, text string, joins bool) threatmodel.Block {
	start := body.Len()
	body.WriteString(text + "\n")
	return threatmodel.Block{
		ID: fmt.Sprintf("b%d", start), Kind: threatmodel.BlockParagraph, Role: threatmodel.RoleBody, Text: text, Joins: joins,
		Locator: threatmodel.Locator{Page: &n, ByteStart: start, ByteEnd: start + len(text), HeadingPath: []string{}},
		Marks:   []threatmodel.Mark{{Page: n}},
	}
}

func paged(first, second string) (threatmodel.Source, []threatmodel.Passage) {
	var body strings.Builder
	doc := threatmodel.Source{Document: threatmodel.Document{ID: "d.pdf", Name: "d.pdf"}}
	doc.Blocks = append(doc.Blocks, page(&body, 1, first, false), page(&body, 2, second, true))
	doc.Body = body.String()
	return doc, passage.Split([]threatmodel.Source{doc})
}

func TestASentenceCutByAPageIsOneWithTwoSpans(t *testing.T) {
	doc, ps := paged("The broker is public. It accepts every", "client without a certificate. Logs are kept.")
	if len(ps) != 1 {
		t.Fatalf("%d passages, want one over both pages", len(ps))
	}
	if diff := cmp.Diff([]string{"The broker is public.", "It accepts every client without a certificate.", "Logs are kept."}, sentencesOf(ps)); diff != "" {
		t.Error(diff)
	}
	cut := ps[0].Sentences[1]
	if len(cut.Spans) != 2 || *cut.Spans[0].Locator.Page != 1 || *cut.Spans[1].Locator.Page != 2 {
		t.Errorf("the spans are %+v, want one a page", cut.Spans)
	}
	if err := checkPassages(map[string]string{"d.pdf": doc.Body}, ps); err != nil {
		t.Error(err)
	}
}

// pages is a paged document of the given blocks, whose places it fills in, and
// its passages.
func pages(t *testing.T, blocks ...threatmodel.Block) []threatmodel.Passage {
	t.Helper()
	var body strings.Builder
	doc := threatmodel.Source{Document: threatmodel.Document{ID: "d.pdf"}}
	for _, b := range blocks {
		placed := page(&body, b.Level, b.Text, b.Joins)
		placed.Kind, placed.Group, placed.Header, placed.Level = b.Kind, b.Group, b.Header, 1
		if b.Role != "" {
			placed.Role = b.Role
		}
		doc.Blocks = append(doc.Blocks, placed)
	}
	doc.Body = body.String()
	ps := passage.Split([]threatmodel.Source{doc})
	if err := checkPassages(map[string]string{"d.pdf": doc.Body}, ps); err != nil {
		t.Error(err)
	}
	return ps
}

// on is a block on a page; Level holds the page on the way to pages.
func on(n int, kind threatmodel.BlockKind, group int, text string) threatmodel.Block {
	return threatmodel.Block{Level: n, Kind: kind, Group: group, Text: text}
}

func joining(b threatmodel.Block) threatmodel.Block {
	b.Joins = true
	return b
}

func as(role threatmodel.Role, b threatmodel.Block) threatmodel.Block {
	b.Role = role
	return b
}

func TestAListItemCutByAPageIsOnePassage(t *testing.T) {
	ps := pages(
		t,
		on(1, threatmodel.BlockParagraph, 0, "Callers must:"),
		on(1, threatmodel.BlockListItem, 1, "sign every request with"),
		joining(on(2, threatmodel.BlockListItem, 1, "their own key")),
		on(2, threatmodel.BlockListItem, 1, "rotate it"),
	)
	if len(ps) != 3 {
		t.Fatalf("%d passages, want the introduction and two items", len(ps))
	}
	item := ps[1]
	if item.Header != "Callers must:" || item.Text != "sign every request with\ntheir own key" || len(item.Sentences) != 1 {
		t.Fatalf("the item is %+v", item)
	}
	s := item.Sentences[0]
	if s.Text != "sign every request with their own key" || !s.Whole || len(s.Spans) != 2 || *s.Spans[0].Locator.Page != 1 || *s.Spans[1].Locator.Page != 2 {
		t.Errorf("the sentence is %+v, want one over both pages", s)
	}
	if ps[2].Header != "Callers must:" {
		t.Errorf("the item after it stands under %q", ps[2].Header)
	}
}

func TestAnItemCutBetweenSentencesHasNoneThatIsWhole(t *testing.T) {
	ps := pages(t, on(1, threatmodel.BlockListItem, 1, "Keys are rotated."), joining(on(2, threatmodel.BlockListItem, 1, "Tokens are")))
	if diff := cmp.Diff([]string{"Keys are rotated.", "Tokens are"}, sentencesOf(ps)); len(ps) != 1 || diff != "" {
		t.Fatal(diff)
	}
	for _, s := range ps[0].Sentences {
		if s.Whole || len(s.Spans) != 1 {
			t.Errorf("%+v", s)
		}
	}
}

func TestWhatFloatsStandsBetweenTheHalves(t *testing.T) {
	for _, kind := range []threatmodel.BlockKind{threatmodel.BlockParagraph, threatmodel.BlockListItem} {
		ps := pages(
			t,
			on(1, kind, 1, "The broker accepts every"),
			on(1, threatmodel.BlockFootnote, 0, "See the annex."),
			on(1, threatmodel.BlockCaption, 0, "Figure 2: the broker"),
			as(threatmodel.RoleFooter, on(1, threatmodel.BlockParagraph, 0, "Page 1")),
			as(threatmodel.RoleHeader, on(2, threatmodel.BlockParagraph, 0, "Metering")),
			on(2, threatmodel.BlockTableRow, 2, "443 | web"),
			joining(on(2, kind, 1, "client.")),
		)
		if len(ps) != 4 {
			t.Fatalf("%s: %d passages, want four: %q", kind, len(ps), sentencesOf(ps))
		}
		if s := ps[0].Sentences[0]; s.Text != "The broker accepts every client." || len(s.Spans) != 2 {
			t.Errorf("%s: the sentence is %+v", kind, s)
		}
	}
}

func TestNothingJoinsOverAHeadingOrAnotherText(t *testing.T) {
	for name, between := range map[string]threatmodel.Block{
		"heading": on(1, threatmodel.BlockHeading, 0, "Storage"), "item": on(1, threatmodel.BlockListItem, 3, "an item"), "code": on(1, threatmodel.BlockCode, 0, "allow all"),
	} {
		ps := pages(t, on(1, threatmodel.BlockParagraph, 0, "The broker accepts every"), between, joining(on(2, threatmodel.BlockParagraph, 0, "client.")))
		if last := ps[len(ps)-1]; last.Text != "client." || ps[0].Text != "The broker accepts every" {
			t.Errorf("%s: the passages say %q", name, sentencesOf(ps))
		}
	}
}

func TestAFootnoteEndsNeitherAListNorATable(t *testing.T) {
	row := on(1, threatmodel.BlockTableRow, 2, "Port | Use")
	row.Header = true
	ps := pages(
		t, on(1, threatmodel.BlockParagraph, 0, "Callers must:"), on(1, threatmodel.BlockFootnote, 0, "A note."), on(2, threatmodel.BlockListItem, 1, "sign"),
		row, on(1, threatmodel.BlockTableRow, 2, "443 | web"), on(1, threatmodel.BlockFootnote, 0, "Another note."), on(2, threatmodel.BlockTableRow, 2, "8443 | admin"),
	)
	want := map[string]string{"sign": "Callers must:", "443 | web": "Port | Use", "8443 | admin": "Port | Use", "A note.": ""}
	for _, p := range ps {
		if w, ok := want[p.Text]; ok && p.Header != w {
			t.Errorf("%q stands under %q, want %q", p.Text, p.Header, w)
		}
	}
}

func TestAnIntroductionCutByAPageStillIntroduces(t *testing.T) {
	var body strings.Builder
	doc := threatmodel.Source{Document: threatmodel.Document{ID: "d.pdf"}}
	doc.Blocks = append(doc.Blocks, page(&body, 1, "The broker is public. It accepts these", false), page(&body, 2, "clients:", true), page(&body, 2, "meters", false))
	doc.Blocks[2].Kind, doc.Blocks[2].Group = threatmodel.BlockListItem, 1
	ps := passage.Split([]threatmodel.Source{doc})
	if want := "It accepts these clients:"; len(ps) != 2 || ps[1].Header != want {
		t.Errorf("got %+v, want the item to stand under %q", ps, want)
	}
}

func TestASentenceThatEndsWithThePageStaysApart(t *testing.T) {
	_, ps := paged("The broker is public.", "It accepts every client.")
	if diff := cmp.Diff([]string{"The broker is public.", "It accepts every client."}, sentencesOf(ps)); diff != "" {
		t.Error(diff)
	}
	for _, s := range ps[0].Sentences {
		if len(s.Spans) != 1 {
			t.Errorf("%q has %d spans", s.Text, len(s.Spans))
		}
	}
}

func TestOnlyBodyTextBecomesPassages(t *testing.T) {
	for _, role := range []threatmodel.Role{threatmodel.RoleHeader, threatmodel.RoleFooter, threatmodel.RoleTOC, threatmodel.RoleAnnotation, threatmodel.RoleForm, threatmodel.RoleAttachment} {
		doc := read("d.md", "Readings are kept for ten years.\n\nAnd a second paragraph.")
		doc.Blocks[0].Role = role
		if got := sentencesOf(passage.Split([]threatmodel.Source{doc})); !slices.Equal(got, []string{"And a second paragraph."}) {
			t.Errorf("with the role %s the passages say %q", role, got)
		}
	}
}

func FuzzSplit(f *testing.F) {
	f.Add(design)
	for _, p := range pieces {
		f.Add(p)
	}
	f.Add("A. B. C.d. \"E.\" ... ?! 。x")
	f.Fuzz(func(t *testing.T, text string) {
		doc := read("d.md", strings.ToValidUTF8(text, "?"))
		if err := checkPassages(map[string]string{"d.md": doc.Body}, passage.Split([]threatmodel.Source{doc})); err != nil {
			t.Error(err)
		}
	})
}
