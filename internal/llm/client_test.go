package llm_test

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/bartizan-security/bartizan/internal/llm"
	"github.com/bartizan-security/bartizan/internal/llm/llmtest"
	"github.com/bartizan-security/bartizan/prompts"
)

const testKey = "sk-never-to-be-seen"

func newMemo(t *testing.T) *llm.DiskMemo {
	t.Helper()
	memo, err := llm.NewDiskMemo(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return memo
}

func newClient(t *testing.T, s *llmtest.Server, memo llm.Memo, change func(*llm.Config)) *llm.Client {
	t.Helper()
	cfg := llm.Config{BaseURL: s.URL(), Model: "test", APIKey: testKey, Timeout: 5 * time.Second, RetryDelay: time.Millisecond}
	if change != nil {
		change(&cfg)
	}
	c, err := llm.New(cfg, memo)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// briefRequest asks the brief of one sentence.
func briefRequest(t *testing.T, sentence string) llm.Request {
	t.Helper()
	set, err := prompts.Load()
	if err != nil {
		t.Fatal(err)
	}
	return llm.Request{
		Stage:    "brief",
		Messages: []llm.Message{{Role: "system", Content: set.System("brief")}, {Role: "user", Content: "The tag is T.\n\n<<<T\nPassages\n\nP1.1 " + sentence + "\nT>>>\n"}},
		Schema:   llm.Schema{Name: "brief", JSON: set.Schema("brief")},
	}
}

func kindOf(err error) llm.Kind {
	var e *llm.Error
	if errors.As(err, &e) {
		return e.Kind
	}
	return ""
}

func TestAnswerIsKeptAndNotAskedAgain(t *testing.T) {
	s, memo := llmtest.New(t), newMemo(t)
	r := briefRequest(t, "Shops send their orders over the internet.")
	first, err := newClient(t, s, memo, nil).Complete(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	if first.Cached || first.Usage.In == 0 || first.Mode != llm.ModeStrict {
		t.Errorf("first answer: %+v", first)
	}
	s.NextRound()
	c := newClient(t, s, memo, nil)
	second, err := c.Complete(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	if !second.Cached || string(second.JSON) != string(first.JSON) || second.CallHash != first.CallHash {
		t.Errorf("second answer is not the kept one: %+v", second)
	}
	if n := len(s.Requests()); n != 1 {
		t.Errorf("%d requests, want 1", n)
	}
	if stats := c.Stats(); stats.Calls != 0 || stats.Cached != 1 || stats.TokensIn != 0 {
		t.Errorf("a kept answer costs nothing: %+v", stats)
	}
}

// TestFaults holds what a user gets for each thing that can go wrong.
func TestFaults(t *testing.T) {
	tests := []struct {
		name  string
		fault llmtest.Fault
		times int
		// kind is empty where the client copes.
		kind     llm.Kind
		requests int
		counted  string
		says     string
	}{
		{"rate limit passes", llmtest.RateLimited, 1, "", 2, "retried", ""},
		{"server error passes", llmtest.ServerError, 2, "", 3, "retried", ""},
		{"error in a body with status 200 passes", llmtest.ErrorInside, 1, "", 2, "retried", ""},
		{"error in a body with status 200 for ever", llmtest.ErrorInside, -1, llm.KindHTTP, 5, "retried", "upstream failed"},
		{"server error for ever", llmtest.ServerError, -1, llm.KindHTTP, 5, "retried", "something broke"},
		{"truncated once: asked again with more room", llmtest.Truncation, 1, "", 2, "truncated", ""},
		{"truncated twice", llmtest.Truncation, 2, llm.KindTruncated, 2, "truncated", "cut off"},
		{"refused", llmtest.Refusal, 1, llm.KindRefused, 1, "refused", "Try another model"},
		{"empty", llmtest.Empty, 1, llm.KindEmpty, 1, "empty", "empty"},
		{"broken JSON goes back once", llmtest.BrokenJSON, 1, "", 2, "repaired", ""},
		{"broken JSON twice", llmtest.BrokenJSON, 2, llm.KindInvalid, 2, "invalid", "also when asked again"},
		{"another shape goes back once", llmtest.WrongShape, 1, "", 2, "repaired", ""},
		{"wrong key", llmtest.Unauthorized, 1, llm.KindAuth, 1, "", "BARTIZAN_LLM_API_KEY"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s, memo := llmtest.New(t), newMemo(t)
			s.Play(tt.fault, "", tt.times)
			c := newClient(t, s, memo, nil)
			_, err := c.Complete(t.Context(), briefRequest(t, "Shops send their orders over the internet."))
			if kindOf(err) != tt.kind || (err == nil) != (tt.kind == "") {
				t.Fatalf("error %v, want kind %q", err, tt.kind)
			}
			if err != nil && (!strings.Contains(err.Error(), tt.says) || strings.Contains(err.Error(), testKey)) {
				t.Errorf("the message must say %q and never the key: %v", tt.says, err)
			}
			if n := len(s.Requests()); n != tt.requests {
				t.Errorf("%d requests, want %d", n, tt.requests)
			}
			if tt.counted != "" && c.Stats().Faults[tt.counted] == 0 {
				t.Errorf("%s is not counted: %v", tt.counted, c.Stats().Faults)
			}
			if tt.kind == "" {
				return
			}
			s.Play(tt.fault, "", 0)
			if _, ok, _ := memo.Get(t.Context(), "00"); ok {
				t.Error("a faulty answer must not be kept")
			}
		})
	}
}

func TestFaultyAnswersAreRecordedAndNeverReplayed(t *testing.T) {
	s, memo := llmtest.New(t), newMemo(t)
	s.Play(llmtest.BrokenJSON, "", 2)
	r := briefRequest(t, "Shops send their orders over the internet.")
	if _, err := newClient(t, s, memo, nil).Complete(t.Context(), r); kindOf(err) != llm.KindInvalid {
		t.Fatalf("error %v, want invalid", err)
	}
	kept, err := filepath.Glob(filepath.Join(memo.Dir(), "faults", "*-invalid.json"))
	if err != nil || len(kept) != 1 {
		t.Fatalf("recorded faults: %v, %v", kept, err)
	}
	a, err := newClient(t, s, memo, nil).Complete(t.Context(), r)
	if err != nil || a.Cached {
		t.Errorf("asked again after a fault: %+v, %v", a, err)
	}
}

func TestRetryAfterIsHonoured(t *testing.T) {
	s := llmtest.New(t)
	s.Play(llmtest.RateLimited, "", 1)
	start := time.Now()
	if _, err := newClient(t, s, newMemo(t), nil).Complete(t.Context(), briefRequest(t, "Shops send their orders over the internet.")); err != nil {
		t.Fatal(err)
	}
	// The server said one second; the client's own first delay is a millisecond.
	if waited := time.Since(start); waited < time.Second {
		t.Errorf("asked again after %v; the server had said one second", waited)
	}
}

func TestHangEndsInTime(t *testing.T) {
	s := llmtest.New(t)
	s.Play(llmtest.Hang, "", -1)
	c := newClient(t, s, newMemo(t), func(cfg *llm.Config) { cfg.Timeout = 30 * time.Millisecond })
	_, err := c.Complete(t.Context(), briefRequest(t, "Shops send their orders over the internet."))
	if kindOf(err) != llm.KindTimeout || !strings.Contains(err.Error(), "--llm-timeout") {
		t.Errorf("error %v, want a time-out that names the flag", err)
	}
}

func TestSchemaModeIsFoundOutOnceAndRemembered(t *testing.T) {
	for _, tt := range []struct {
		name   string
		faults []llmtest.Fault
		mode   string
	}{
		{"strict", nil, llm.ModeStrict},
		{"object", []llmtest.Fault{llmtest.NoStrict}, llm.ModeObject},
		{"text", []llmtest.Fault{llmtest.NoFormat}, llm.ModeText},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s, memo := llmtest.New(t), newMemo(t)
			for _, f := range tt.faults {
				s.Play(f, "", -1)
			}
			c := newClient(t, s, memo, nil)
			a, err := c.Complete(t.Context(), briefRequest(t, "Shops send their orders over the internet."))
			if err != nil || a.Mode != tt.mode || c.Stats().Mode != tt.mode {
				t.Fatalf("mode %q, %v; want %q", a.Mode, err, tt.mode)
			}
			s.Forget()
			if _, err := newClient(t, s, memo, nil).Complete(t.Context(), briefRequest(t, "Partners call the system at night.")); err != nil {
				t.Fatal(err)
			}
			if reqs := s.Requests(); len(reqs) != 1 || reqs[0].Mode != tt.mode {
				t.Errorf("the mode is not remembered: %d requests, first in mode %s", len(reqs), reqs[0].Mode)
			}
		})
	}
}

func TestTheWayASchemaIsSentIsNoPartOfTheHash(t *testing.T) {
	s, memo := llmtest.New(t), newMemo(t)
	r := briefRequest(t, "Shops send their orders over the internet.")
	s.Play(llmtest.NoStrict, "", -1)
	if _, err := newClient(t, s, memo, nil).Complete(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	other := llmtest.New(t)
	a, err := newClient(t, other, memo, nil).Complete(t.Context(), r)
	if err != nil || !a.Cached || len(other.Requests()) != 0 {
		t.Errorf("another endpoint was asked again: %+v, %v", a, err)
	}
}

func TestConcurrencyIsLimited(t *testing.T) {
	s := llmtest.New(t)
	s.Latency = 60 * time.Millisecond
	c := newClient(t, s, newMemo(t), func(cfg *llm.Config) { cfg.Concurrency = 3 })
	var wg sync.WaitGroup
	for _, word := range strings.Fields("one two three four five six seven eight nine ten") {
		wg.Go(func() {
			if _, err := c.Complete(t.Context(), briefRequest(t, "Shops send orders number "+word+" here.")); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if p := s.Peak(); p > 3 || p < 2 {
		t.Errorf("%d requests at once, want up to 3", p)
	}
}

func TestTwoWhoAskTheSameMakeOneCall(t *testing.T) {
	s, dir := llmtest.New(t), t.TempDir()
	s.Latency = 50 * time.Millisecond
	r := briefRequest(t, "Shops send their orders over the internet.")
	var wg sync.WaitGroup
	for range 4 { // two clients over one folder, as two processes are
		memo, err := llm.NewDiskMemo(dir)
		if err != nil {
			t.Fatal(err)
		}
		c := newClient(t, s, memo, nil)
		for range 2 {
			wg.Go(func() {
				if _, err := c.Complete(t.Context(), r); err != nil {
					t.Error(err)
				}
			})
		}
	}
	wg.Wait()
	if n := len(s.Requests()); n != 1 {
		t.Errorf("%d requests, want 1", n)
	}
}

func TestInterruptedCallIsKept(t *testing.T) {
	s, memo := llmtest.New(t), newMemo(t)
	s.Latency = 600 * time.Millisecond
	c := newClient(t, s, memo, nil)
	r := briefRequest(t, "Shops send their orders over the internet.")
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(200*time.Millisecond, cancel)
	if _, err := c.Complete(ctx, r); !errors.Is(err, context.Canceled) {
		t.Fatalf("error %v, want canceled", err)
	}
	if err := c.Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	a, err := newClient(t, s, memo, nil).Complete(t.Context(), r)
	if err != nil || !a.Cached || len(s.Requests()) != 1 {
		t.Errorf("the answer under way at the interruption was not kept: %+v, %v, %d requests", a, err, len(s.Requests()))
	}
}

func TestBudgetStopsBeforeItIsPassed(t *testing.T) {
	s := llmtest.New(t)
	c := newClient(t, s, newMemo(t), func(cfg *llm.Config) { cfg.MaxTokens = 100 })
	_, err := c.Complete(t.Context(), briefRequest(t, "Shops send their orders over the internet."))
	var e *llm.Error
	if !errors.As(err, &e) || e.Kind != llm.KindBudget || !e.Fatal() || len(s.Requests()) != 0 {
		t.Errorf("error %v after %d requests; want the budget, without a call", err, len(s.Requests()))
	}
}

func TestNoConnectionWhereNoneMayBeOpened(t *testing.T) {
	refuse := errors.New("documents classified restricted may not go there")
	for _, tt := range []struct {
		name   string
		change func(*llm.Config)
		kind   llm.Kind
	}{
		{"offline", func(c *llm.Config) { c.Offline = true }, llm.KindOffline},
		{"not allowed", func(c *llm.Config) { c.Allowed = func(string) error { return refuse } }, llm.KindNotAllowed},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s, memo := llmtest.New(t), newMemo(t)
			r := briefRequest(t, "Shops send their orders over the internet.")
			_, err := newClient(t, s, memo, tt.change).Complete(t.Context(), r)
			if kindOf(err) != tt.kind || len(s.Requests()) != 0 {
				t.Errorf("error %v after %d requests", err, len(s.Requests()))
			}
			if _, err := newClient(t, s, memo, nil).Complete(t.Context(), r); err != nil {
				t.Fatal(err)
			}
			if a, err := newClient(t, s, memo, tt.change).Complete(t.Context(), r); err != nil || !a.Cached {
				t.Errorf("a kept answer needs no connection: %v", err)
			}
		})
	}
}

func TestAnEndpointThatIsDownIsNotAskedForEver(t *testing.T) {
	s := llmtest.New(t)
	s.Play(llmtest.ServerError, "", -1)
	c := newClient(t, s, newMemo(t), nil)
	var last error
	for _, word := range strings.Fields("one two three four five six") {
		_, last = c.Complete(t.Context(), briefRequest(t, "Shops send orders number "+word+" here."))
	}
	if kindOf(last) != llm.KindDown {
		t.Errorf("last error %v, want down", last)
	}
}

func TestADamagedMemoFileCountsAsNone(t *testing.T) {
	s, memo := llmtest.New(t), newMemo(t)
	r := briefRequest(t, "Shops send their orders over the internet.")
	a, err := newClient(t, s, memo, nil).Complete(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(memo.Dir(), "answers", a.CallHash[:2], a.CallHash+".json")
	if err := os.WriteFile(path, []byte(`{"answer": {"fa`), 0o600); err != nil {
		t.Fatal(err)
	}
	b, err := newClient(t, s, memo, nil).Complete(t.Context(), r)
	if err != nil || b.Cached {
		t.Errorf("damaged answer: %+v, %v", b, err)
	}
}

func TestSchemasAreInTheStrictSubset(t *testing.T) {
	set, err := prompts.Load()
	if err != nil {
		t.Fatal(err)
	}
	for _, stage := range prompts.Stages() {
		if err := llm.LintStrict(set.Schema(stage)); err != nil {
			t.Errorf("%s: %v", stage, err)
		}
	}
}

func TestLintStrictFindsWhatEndpointsRefuse(t *testing.T) {
	for name, schema := range map[string]string{
		"root is no object":     `{"type":"array","items":{"type":"string"}}`,
		"optional property":     `{"type":"object","properties":{"a":{"type":"string"}},"required":[],"additionalProperties":false}`,
		"further properties":    `{"type":"object","properties":{"a":{"type":"string"}},"required":["a"]}`,
		"keyword out of subset": `{"type":"object","properties":{"a":{"type":"string","minLength":1}},"required":["a"],"additionalProperties":false}`,
		"array without items":   `{"type":"object","properties":{"a":{"type":"array"}},"required":["a"],"additionalProperties":false}`,
		"required unknown":      `{"type":"object","properties":{"a":{"type":"string"}},"required":["a","b"],"additionalProperties":false}`,
	} {
		if err := llm.LintStrict(json.RawMessage(schema)); err == nil {
			t.Errorf("%s: not found", name)
		}
	}
}
