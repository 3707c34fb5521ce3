package main

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/bartizan-security/bartizan/internal/analyze"
	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

// clock is a clock that a test moves.
type clock struct{ at time.Time }

func (c *clock) now() time.Time { return c.at }

func (c *clock) pass(d time.Duration) { c.at = c.at.Add(d) }

func update(done int) analyze.Progress {
	return analyze.Progress{Stage: threatmodel.StageElicit, Done: done, Total: 97, TokensIn: 12_000, TokensOut: 345}
}

func TestPlainProgressIsALineEveryFewSeconds(t *testing.T) {
	var b bytes.Buffer
	c := &clock{time.Unix(1_800_000_000, 0)}
	p := newProgress(&b, false, c.now)
	p.cost = func(int, int) string { return "  0.0123 EUR" }
	for i := range 40 {
		p.update(update(i))
		c.pass(time.Second / 2)
	}
	p.done()
	lines := strings.Split(strings.TrimSpace(b.String()), "\n")
	if len(lines) != 4 || lines[0] != "elicit    4/97   12,345 tokens  0.0123 EUR" {
		t.Errorf("20 seconds gave %d lines:\n%s", len(lines), b.String())
	}
	if strings.ContainsAny(b.String(), "\r\x1b") {
		t.Errorf("control characters where no terminal is: %q", b.String())
	}
}

func TestWhatIsQuickIsNotToldOf(t *testing.T) {
	var b bytes.Buffer
	c := &clock{time.Unix(1_800_000_000, 0)}
	p := newProgress(&b, false, c.now)
	for i := range 20 {
		p.update(update(i))
		c.pass(90 * time.Millisecond)
	}
	if p.done(); b.Len() > 0 {
		t.Errorf("%q", b.String())
	}
}

func TestQuietKeepsProgressToItself(t *testing.T) {
	var b bytes.Buffer
	c := &clock{time.Unix(1_800_000_000, 0)}
	p := newProgress(&b, true, c.now)
	c.pass(time.Minute)
	p.update(update(1))
	p.step(threatmodel.StageExtract, 1, 0)
	if p.done(); b.Len() > 0 {
		t.Errorf("%q", b.String())
	}
	p.line("not read: %v", errors.New("a\x1b[31m.md"))
	if got := b.String(); got != "not read: a.md\n" {
		t.Errorf("what must be known is %q", got)
	}
}

func TestLiveProgressIsOneLineThatGoesAway(t *testing.T) {
	var b bytes.Buffer
	c := &clock{time.Unix(1_800_000_000, 0)}
	p := newProgress(&b, false, c.now)
	p.live = true
	c.pass(time.Minute)
	p.update(update(1))
	c.pass(time.Second)
	p.update(update(2))
	p.line("not read: a.md")
	c.pass(time.Second)
	p.step(threatmodel.StageExtract, 7, 0)
	p.done()
	p.done()
	const want = "\r\x1b[Kelicit    1/97   12,345 tokens\r\x1b[Kelicit    2/97   12,345 tokens" +
		"\r\x1b[Knot read: a.md\n\r\x1b[Kextract   7\r\x1b[K"
	if b.String() != want {
		t.Errorf("%q\nwant\n%q", b.String(), want)
	}
}

func TestFileNamesOfDocuments(t *testing.T) {
	m := &threatmodel.Model{Documents: []threatmodel.Document{
		{ID: "D-1", Name: "a/b.md"},
		{ID: "D-2", Name: "a_b.md"},
		{ID: "D-3", Name: "../../etc/passwd"},
		{ID: "D-4", Name: "Größe & Zahl.md"},
		{ID: "D-5", Name: "bartizan.yaml"},
		{ID: "D-6", Name: "A_B.MD"},
		{ID: "D-7", Name: strings.Repeat("x", 300)},
		{ID: "D-8", Name: "…"},
	}}
	var sources []threatmodel.Source
	for _, d := range m.Documents {
		sources = append(sources, threatmodel.Source{Document: d, Body: "text"})
	}
	if _, err := documentTexts(m, sources); err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{strings.ToLower(contextTextName): true}
	for _, d := range m.Documents {
		name := strings.ToLower(d.Text)
		if seen[name] || strings.ContainsAny(name, "/\\ ") || strings.HasPrefix(name, ".") || len(name) > 120 || !strings.HasSuffix(name, ".txt") {
			t.Errorf("%s lies in %q", d.Name, d.Text)
		}
		seen[name] = true
	}
}

func TestEndpointsByClassification(t *testing.T) {
	list := []threatmodel.Endpoint{{URL: "http://localhost:11434/v1", UpTo: "restricted"}, {URL: "api.openai.com", UpTo: "internal"}}
	for _, tt := range []struct {
		class, endpoint string
		ok              bool
	}{
		{"internal", "https://api.openai.com/v1", true},
		{"public", "https://api.openai.com/v1", true},
		{"confidential", "https://api.openai.com/v1", false},
		{"confidential", "http://localhost:11434/v1", true},
		{"public", "https://models.example.com/v1", false},
		{"public", "http://localhost:8080/v1", false},
		{"", "https://api.openai.com/v1", false}, // not said is the highest
		{"", "http://localhost:11434/v1", true},
		{"public", "https://api.openai.com.example.com/v1", false},
	} {
		err := allowed(&threatmodel.Context{Classification: tt.class, Endpoints: list}, tt.endpoint)
		if (err == nil) != tt.ok {
			t.Errorf("%s to %s: %v", tt.class, tt.endpoint, err)
		}
	}
	if err := allowed(nil, "https://anywhere.example.com"); err != nil {
		t.Error(err)
	}
	if err := allowed(&threatmodel.Context{Classification: "restricted"}, "https://anywhere.example.com"); err != nil {
		t.Errorf("no list allows any: %v", err)
	}
}

func TestSecretsAreTakenOutOfMessages(t *testing.T) {
	var b bytes.Buffer
	f := modelFlags{LLMAPIKey: "sk-abc", LLMBaseURL: "https://joe:pa55@host/v1"}
	streams{err: &b, secrets: f.secrets()}.complain("https://joe:pa55@host/v1 refused sk-abc\x1b[2J")
	if got := b.String(); got != "bartizan: https://[secret]@host/v1 refused [secret]\n" {
		t.Errorf("%q", got)
	}
}
