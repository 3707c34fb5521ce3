package secret_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/bartizan-security/bartizan/internal/extract/markdown"
	"github.com/bartizan-security/bartizan/internal/extract/secret"
	"github.com/bartizan-security/bartizan/internal/extract/sourcetest"
	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

func read(text string) threatmodel.Source {
	return markdown.Read(threatmodel.Document{ID: "d", Name: "d.md"}, text, markdown.Options{})
}

// holding are the places of a document that hold a text.
func holding(src *threatmodel.Source, text string) []string {
	var out []string
	add := func(where, s string) {
		if strings.Contains(s, text) {
			out = append(out, where)
		}
	}
	add("title", src.Title)
	add("body", src.Body)
	for _, b := range src.Blocks {
		add("block "+b.ID, b.Text+"\x00"+strings.Join(b.Cells, "\x00"))
		add("path of "+b.ID, strings.Join(b.Locator.HeadingPath, "\x00"))
	}
	for _, d := range src.Diagrams {
		for _, n := range append(slices.Clone(d.Nodes), d.Groups...) {
			add("node", n.ID+"\x00"+n.Name+"\x00"+n.Group)
		}
		for _, e := range d.Edges {
			add("edge", e.From+"\x00"+e.To+"\x00"+e.Label)
		}
	}
	for _, n := range src.Notices {
		add("notice", n.Text)
		for _, e := range n.Evidence {
			add("evidence", e.Quote+"\x00"+strings.Join(e.Locator.HeadingPath, "\x00"))
		}
	}
	return out
}

func TestACredentialIsMaskedWhereverTheDocumentHoldsIt(t *testing.T) {
	token := key("gh", "p_", alnum36)
	src := read("---\ntitle: Upload with " + token + "\n---\n\n# Upload " + token + "\n\nThe uploader uses " + token + ". It is old.\n\n- item " + token +
		"\n\n| Name | Value |\n| --- | --- |\n| token | " + token + " |\n\n```\nexport T=" + token + "\n```\n\n" +
		"```mermaid\nflowchart LR\n  subgraph s[\"Zone " + token + "\"]\n  A[\"Uploader " + token + "\"]\n  end\n  A -->|" + token + "| B\n  this is " + token + " no statement @@\n```\n")
	before := read("---\ntitle: Upload with " + token + "\n---\n\nx")
	if len(holding(&before, token)) == 0 || len(src.Diagrams) != 1 {
		t.Fatal("the document does not hold what it should")
	}
	length, lines := len(src.Body), strings.Count(src.Body, "\n")
	secret.Mask(&src, false)
	for _, part := range []string{token, token[:12]} {
		if places := holding(&src, part); len(places) > 0 {
			t.Errorf("%q still stands in %q", part, places)
		}
	}
	if len(src.Body) != length || strings.Count(src.Body, "\n") != lines {
		t.Errorf("the text has %d bytes in %d lines, before %d in %d", len(src.Body), strings.Count(src.Body, "\n"), length, lines)
	}
	if !strings.Contains(src.Body, "The uploader uses "+strings.Repeat("*", len(token))+". It is old.") {
		t.Errorf("the text is %q", src.Body)
	}
	if err := sourcetest.Check(src, 40); err != nil {
		t.Error(err)
	}
	d := src.Diagrams[0]
	if d.Edges[0].Label != strings.Repeat("*", len(token)) || d.Nodes[0].Name != "Uploader "+strings.Repeat("*", len(token)) {
		t.Errorf("the diagram reads %+v", d)
	}
}

func TestANoticeNamesKindAndPlaceAndNeverTheValue(t *testing.T) {
	aws, token := key("AKIA", "QWERTZ2345ABCDEF"), key("gh", "p_", alnum36)
	src := read("# Access\n\nFirst sentence. The uploader signs with " + aws + " only. Last sentence.\n\n```\na=" + token + " b=" + token + "\nc=" + token + "\n```\n")
	secret.Mask(&src, false)
	type notice struct{ Text, Quote string }
	var got []notice
	for _, n := range src.Notices {
		if n.Kind != threatmodel.NoticeSecret || n.Document != "d" {
			t.Errorf("notice %+v", n)
		}
		e := n.Evidence[0]
		got = append(got, notice{strings.SplitAfter(n.Text, ".")[0], e.Quote})
		if fold := strings.Join(strings.Fields(src.Body[e.Locator.ByteStart:e.Locator.ByteEnd]), " "); fold != e.Quote {
			t.Errorf("the quote is %q, the text there %q", e.Quote, fold)
		}
	}
	stars := strings.Repeat("*", len(token))
	want := []notice{
		{"An AWS access key id stands on line 3.", "The uploader signs with " + strings.Repeat("*", len(aws)) + " only."},
		{"A GitHub token (2 times) stands on line 6.", "a=" + stars + " b=" + stars},
		{"A GitHub token stands on line 7.", "c=" + stars},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestSecretsThatAreToBeShownStayAndAreNoticed(t *testing.T) {
	token := key("gh", "p_", alnum36)
	src := read("Uploads use " + token + ".\n")
	secret.Mask(&src, true)
	if !strings.Contains(src.Body, token) {
		t.Errorf("the text is %q", src.Body)
	}
	if len(src.Notices) != 1 || len(src.Notices[0].Evidence) > 0 || strings.Contains(src.Notices[0].Text, token[:8]) {
		t.Errorf("notices %+v", src.Notices)
	}
}

func TestPlaceIsThePageOfAPageAndTheHeadingOfAnExport(t *testing.T) {
	token, page := key("gh", "p_", alnum36), 7
	for want, l := range map[string]threatmodel.Locator{
		"on page 7":        {Page: &page, HeadingPath: []string{"Access"}},
		`under "Deploy"`:   {HeadingPath: []string{"Access", "Deploy"}},
		"at byte 0 of the": {HeadingPath: []string{}},
	} {
		l.ByteEnd = len(token)
		src := threatmodel.Source{Body: token, Blocks: []threatmodel.Block{{ID: "b1", Kind: threatmodel.BlockParagraph, Text: token, Locator: l}}}
		secret.Mask(&src, false)
		if len(src.Notices) != 1 || !strings.Contains(src.Notices[0].Text, want) {
			t.Errorf("notices %+v, want one %s", src.Notices, want)
		}
	}
}

func TestTheWholeBodyOfAPrivateKeyIsMasked(t *testing.T) {
	lines := strings.Split(keyBody, "\n")
	for name, c := range map[string]struct {
		text string
		kept []string
	}{
		"in a fence":        {"```\n" + beginRSA + "\n" + keyBody + "\n" + endRSA + "\n```\n", []string{beginRSA, endRSA}},
		"with headers":      {"```\n" + beginRSA + "\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,AA\n\n" + keyBody + "\n" + endRSA + "\n```\n", []string{beginRSA, endRSA}},
		"in a paragraph":    {"The key is:\n" + beginRSA + "\n" + keyBody + "\n" + endRSA + "\nKeep it.\n", []string{"The key is:", "Keep it."}},
		"in JSON":           {"```\n{\"key\": \"" + beginRSA + `\n` + strings.ReplaceAll(keyBody, "\n", `\n`) + `\n` + endRSA + "\\n\"}\n```\n", []string{beginRSA, endRSA, `"}`}},
		"without an end":    {"```\n" + beginRSA + "\n" + strings.Join(lines[:2], "\n") + "\n...\nand so on\n```\n\nThe rest is prose.\n", []string{"and so on", "The rest is prose."}},
		"over a page end":   {"```\n" + beginRSA + "\n" + lines[0] + "\n```\n\nPage 3 of 9\n\n```\n" + lines[1] + "\n" + lines[2] + "\n" + endRSA + "\n```\n", []string{"Page 3 of 9"}},
		"on one line":       {beginRSA + " " + strings.ReplaceAll(keyBody, "\n", " ") + " " + endRSA + "\n", []string{beginRSA, endRSA}},
		"indented, in YAML": {"```\nkey: |\n  " + beginRSA + "\n  " + strings.ReplaceAll(keyBody, "\n", "\n  ") + "\n  " + endRSA + "\nnext: 1\n```\n", []string{"key: |", "next: 1"}},
	} {
		t.Run(name, func(t *testing.T) {
			src := read(c.text)
			for _, l := range lines[:2] {
				if l != "" && strings.Contains(c.text, l) && len(holding(&src, l)) == 0 {
					t.Fatal("the document does not hold the key")
				}
			}
			secret.Mask(&src, false)
			for _, l := range lines {
				if strings.Contains(src.Body, l) {
					t.Errorf("%q still stands in %q", l, src.Body)
				}
			}
			for _, k := range c.kept {
				if !strings.Contains(src.Body, k) {
					t.Errorf("%q is gone from %q", k, src.Body)
				}
			}
			if len(src.Notices) != 1 || !strings.HasPrefix(src.Notices[0].Text, "A private key stands on line ") {
				t.Errorf("notices %+v", src.Notices)
			}
			if err := sourcetest.Check(src, 40); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestATokenThatLineEndsCutIsOne(t *testing.T) {
	cut := jwt[:20] + "\n" + jwt[20:60] + "\n" + jwt[60:]
	src := read("```\ntoken:\n" + cut + "\nThe next line\n```\n")
	secret.Mask(&src, false)
	if len(src.Notices) != 1 || !strings.Contains(src.Notices[0].Text, "A JSON web token") {
		t.Errorf("notices %+v", src.Notices)
	}
	if want := "\n" + strings.Repeat("*", len(jwt)-60) + "\nThe next line"; !strings.Contains(src.Body, want) {
		t.Errorf("the text is %q, want the end of the token masked and what follows kept", src.Body)
	}
}

func TestTokensOnLinesOfTheirOwnAreSeveral(t *testing.T) {
	text := "```\n" + jwt + "\n" + jwt + "\n" + jwt + "\nThe end\n```\n"
	src := read(text)
	secret.Mask(&src, false)
	if len(src.Notices) != 3 || strings.Contains(src.Body, "eyJ") || !strings.Contains(src.Body, "\nThe end") {
		t.Errorf("%d notices; the text is %q", len(src.Notices), src.Body)
	}
}

func TestManyCredentialsAreCounted(t *testing.T) {
	src := read("```\n" + strings.Repeat("password: hunter2\n", 130) + "```\n")
	secret.Mask(&src, false)
	if n := len(src.Notices); n != 101 || !strings.Contains(src.Notices[100].Text, "30 more") {
		t.Errorf("%d notices, the last %q", n, src.Notices[n-1].Text)
	}
}

func TestTheSecretOfAnAWSKeyIsFoundBesideIt(t *testing.T) {
	half := "Kx9/" + alnum36
	src := read("| user | id | other |\n| --- | --- | --- |\n| ci | " + key("AKIA", "QWERTZ2345ABCDEF") + " | " + half + " |\n\nCommit " + hex32 + hex32[:8] + " of it.\n")
	secret.Mask(&src, false)
	if len(holding(&src, half)) > 0 || !strings.Contains(src.Body, hex32) {
		t.Errorf("the text is %q", src.Body)
	}
	if alone := found("Checksum " + half + " only"); len(alone) > 0 {
		t.Errorf("alone it is %q", alone)
	}
}

func TestAColumnOfPasswordsIsMasked(t *testing.T) {
	src := read("| User | Password | Note |\n| --- | --- | --- |\n| ops | Winter2024 | yearly1 |\n| dev | none | Summer2024 |\n| qa | see the vault | x |\n\n" +
		"| Field | Password rules |\n| --- | --- |\n| a | Autumn2024 |\n")
	secret.Mask(&src, false)
	for text, want := range map[string]bool{"Winter2024": false, "Summer2024": true, "none": true, "see the vault": true, "Autumn2024": true} {
		if got := strings.Contains(src.Body, text); got != want {
			t.Errorf("%q stands in the text: %v, want %v", text, got, want)
		}
	}
	if err := sourcetest.Check(src, 20); err != nil {
		t.Error(err)
	}
}

// fragments are what the documents of the property test are made of.
func fragments() []string {
	return []string{
		"The gateway signs every request.", "password: hunter2", "| key | " + key("AI", "za", alnum36[:35]) + " |", "postgres://a:tr0ub4dor@db/x",
		beginRSA, keyBody, endRSA, jwt, jwt[:50], "Überprüfung – 密码: Gänse4füße", "`" + key("gh", "p_", alnum36) + "`", key("AKIA", "QWERTZ2345ABCDEF"),
		"```", "# Heading " + key("xo", "xb-", alnum36), "- item", "| User | Password |\n| --- | --- |\n| ops | Winter2024 |", "\\n", "Authorization: Basic b3BzOldpbnQzcg==",
	}
}

func TestMaskingKeepsEveryOffsetAndOnlyHides(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		part := rapid.OneOf(rapid.SampledFrom(fragments()), rapid.StringN(0, 40, -1))
		seps := rapid.SampledFrom([]string{"\n\n", "\n", " ", "", ": ", "="})
		var text strings.Builder
		for _, p := range rapid.SliceOfN(part, 1, 12).Draw(t, "parts") {
			text.WriteString(p + seps.Draw(t, "separator"))
		}
		check(t, text.String())
	})
}

type failer interface{ Fatalf(string, ...any) }

// check holds what masking promises of any text.
func check(t failer, text string) {
	text = strings.ToValidUTF8(text, "?")
	src, before := read(text), read(text)
	secret.Mask(&src, false)
	if len(src.Body) != len(before.Body) {
		t.Fatalf("%d bytes became %d", len(before.Body), len(src.Body))
	}
	for i := range len(src.Body) {
		if src.Body[i] != before.Body[i] && (src.Body[i] != '*' || before.Body[i] == '\n' || before.Body[i] == ' ') {
			t.Fatalf("byte %d: %q became %q", i, before.Body[i], src.Body[i])
		}
	}
	if err := sourcetest.Check(src, 0); err != nil {
		t.Fatalf("%q: %v", text, err)
	}
	end := 0
	for _, f := range secret.Find(before.Body) {
		for _, s := range f.Spans {
			if s.Start < end || s.End <= s.Start || s.End > len(before.Body) {
				t.Fatalf("spans of %s out of order: %v after %d", f.Kind, f.Spans, end)
			}
			end = s.End
		}
	}
}

func FuzzMask(f *testing.F) {
	for _, s := range fragments() {
		f.Add(s)
	}
	f.Add("Server=a;Pwd=b4c;\n--password x1y2z3 <secret>a</secret> ://a:b1c@d eyJ.. -----BEGIN PRIVATE KEY-----\\n")
	f.Fuzz(func(t *testing.T, text string) { check(t, text) })
}

// design is about n bytes of a text as designs have it, with many names of
// secrets and few secrets.
func design(n int) string {
	unit := "## Access\n\nThe gateway checks the access token of each caller: it must be signed by the issuer. Passwords are hashed with Argon2id.\n" +
		"See https://wiki.example.com:8443/design?page=12 for keys, tokens and secrets. Every API key: one per tenant, and rotated.\n\n" +
		"| Field | Type | Secret |\n| --- | --- | --- |\n| password | varchar(255) | yes |\n\nserver: db1\npassword: ${DB_PASSWORD}\n\n"
	return strings.Repeat(unit, n/len(unit)) + "password: hunter2\n" + key("gh", "p_", alnum36) + "\n"
}

func BenchmarkFind(b *testing.B) {
	text := design(1 << 20)
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		if got := secret.Find(text); len(got) != 2 {
			b.Fatalf("%d findings", len(got))
		}
	}
}

func BenchmarkMask(b *testing.B) {
	src := read(design(1 << 20))
	b.SetBytes(int64(len(src.Body)))
	for b.Loop() {
		work := src
		work.Blocks = slices.Clone(src.Blocks)
		secret.Mask(&work, false)
	}
}
