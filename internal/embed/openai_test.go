package embed_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bartizan-security/bartizan/internal/embed"
	"github.com/bartizan-security/bartizan/internal/llm"
)

// endpoint answers like an embeddings endpoint, without a network: a text's
// vector counts its vowels, and vectors come in another order than asked.
type endpoint struct {
	// faults are played first, one a request.
	faults []func(inputs []string) *http.Response

	mu       sync.Mutex
	requests [][]string
	keys     []string
	at       []time.Time
}

func (e *endpoint) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	raw, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	var body struct {
		Model string
		Input []string
	}
	if err := json.Unmarshal(raw, &body); err != nil || r.URL.Path != "/v1/embeddings" || body.Model != "vowels" {
		return reply(http.StatusNotFound, `{"error":{"message":"no such model"}}`), nil
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.requests, e.keys, e.at = append(e.requests, body.Input), append(e.keys, r.Header.Get("Authorization")), append(e.at, time.Now())
	if len(e.faults) > 0 {
		play := e.faults[0]
		e.faults = e.faults[1:]
		return play(body.Input), nil
	}
	return reply(http.StatusOK, answer(body.Input, nil)), nil
}

func reply(status int, body string) *http.Response {
	return &http.Response{
		StatusCode: status, Status: strconv.Itoa(status), Header: http.Header{"Content-Type": {"application/json"}},
		Body: io.NopCloser(bytes.NewBufferString(body)),
	}
}

// answer is the endpoint's answer to texts, last text first. The spoiler may
// change a vector.
func answer(inputs []string, spoil func(i int, v []float64) []float64) string {
	data := []map[string]any{}
	for i := len(inputs) - 1; i >= 0; i-- {
		v := vowels(inputs[i])
		if spoil != nil {
			v = spoil(i, v)
		}
		data = append(data, map[string]any{"object": "embedding", "index": i, "embedding": v})
	}
	raw, err := json.Marshal(map[string]any{"object": "list", "data": data, "model": "vowels"})
	if err != nil {
		panic(err)
	}
	return string(raw)
}

func vowels(s string) []float64 {
	v := []float64{1, 0, 0, 0, 0, 0}
	for _, r := range s {
		if i := strings.IndexRune("aeiou", r); i >= 0 {
			v[i+1]++
		}
	}
	return v
}

// memory is a memo in memory.
type memory struct {
	mu      sync.Mutex
	records map[string]llm.Record
}

func (m *memory) Get(_ context.Context, hash string) (llm.Record, bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	r, ok := m.records[hash]
	return r, ok, nil
}

func (m *memory) Put(_ context.Context, hash string, r llm.Record) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.records == nil {
		m.records = map[string]llm.Record{}
	}
	m.records[hash] = r
	return nil
}

const key = "sk-very-secret"

func remote(t *testing.T, e *endpoint, memo embed.Memo) embed.Embedder {
	t.Helper()
	out, err := embed.NewOpenAI(embed.Config{
		BaseURL: "http://models.example/v1", Model: "vowels", APIKey: key, Transport: e, Timeout: time.Minute, RetryDelay: time.Second,
	}, memo)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// isOf reports whether a vector is that of a text: of its direction, and of
// length one.
func isOf(v []float32, text string) bool {
	want := make([]float32, 6)
	var square float32
	for i, x := range vowels(text) {
		want[i] = float32(x)
		square += want[i] * want[i]
	}
	dot := embed.Dot(v, v)
	var along float32
	for i := range v {
		along += v[i] * want[i]
	}
	return len(v) == 6 && dot > 0.9999 && along*along > 0.9999*square
}

func TestVectorsComeInTheOrderOfTexts(t *testing.T) {
	e := &endpoint{}
	r := remote(t, e, &memory{})
	texts := []string{"token", "", "queue", "token", "  audit\n log "}
	got, err := r.Embed(t.Context(), texts)
	if err != nil {
		t.Fatal(err)
	}
	for i, text := range texts {
		if text == "" {
			if len(got[i]) != 6 || embed.Dot(got[i], got[i]) != 0 {
				t.Errorf("the empty text has the vector %v, want zeros", got[i])
			}
		} else if !isOf(got[i], text) {
			t.Errorf("%q has the vector %v", text, got[i])
		}
	}
	if len(e.requests) != 1 || len(e.requests[0]) != 3 {
		t.Errorf("asked %q, want each text once and the empty one never", e.requests)
	}
	if r.Dimensions() != 6 || r.Name() != "vowels" {
		t.Errorf("the embedder is %s with %d dimensions", r.Name(), r.Dimensions())
	}
}

func TestManyTextsGoInBatches(t *testing.T) {
	e := &endpoint{}
	var texts []string
	for i := range 150 {
		texts = append(texts, fmt.Sprintf("text %s %d", strings.Repeat("a", i), i))
	}
	got, err := remote(t, e, &memory{}).Embed(t.Context(), texts)
	if err != nil {
		t.Fatal(err)
	}
	for i := range texts {
		if !isOf(got[i], texts[i]) {
			t.Fatalf("text %d has a vector of another", i)
		}
	}
	if len(e.requests) != 3 {
		t.Errorf("%d requests, want 3 of at most 64 texts", len(e.requests))
	}
}

func TestAnAnswerIsPaidForOnce(t *testing.T) {
	e, memo := &endpoint{}, &memory{}
	for range 2 { // the second embedder is another run's
		r := remote(t, e, memo)
		if _, err := r.Embed(t.Context(), []string{"token", "queue"}); err != nil {
			t.Fatal(err)
		}
		if r.Dimensions() != 6 {
			t.Errorf("%d dimensions, want 6 also from what was kept", r.Dimensions())
		}
	}
	if len(e.requests) != 1 {
		t.Errorf("%d requests, want 1", len(e.requests))
	}
	if got, err := remote(t, e, memo).Embed(t.Context(), []string{"queue", "audit"}); err != nil || !isOf(got[0], "queue") || !isOf(got[1], "audit") {
		t.Fatalf("kept and new together: %v, %v", got, err)
	}
	if last := e.requests[len(e.requests)-1]; len(last) != 1 || last[0] != "audit" {
		t.Errorf("asked %q again, want only the new text", last)
	}
}

func TestDiskMemoKeepsVectorsBitForBit(t *testing.T) {
	dir := t.TempDir()
	var got [2][][]float32
	for i := range got {
		memo, err := llm.NewDiskMemo(dir)
		if err != nil {
			t.Fatal(err)
		}
		e := &endpoint{}
		if got[i], err = remote(t, e, memo).Embed(t.Context(), []string{"authentication"}); err != nil {
			t.Fatal(err)
		}
		if len(e.requests) != 1-i {
			t.Errorf("run %d made %d requests", i+1, len(e.requests))
		}
	}
	for d, x := range got[0][0] {
		if got[1][0][d] != x {
			t.Errorf("dimension %d was %v and came back as %v", d, x, got[1][0][d])
		}
	}
}

func TestADamagedRecordIsAskedAgain(t *testing.T) {
	e, memo := &endpoint{}, &memory{}
	if _, err := remote(t, e, memo).Embed(t.Context(), []string{"token"}); err != nil {
		t.Fatal(err)
	}
	for h := range memo.records {
		memo.records[h] = llm.Record{Answer: json.RawMessage(`"not base 64"`)}
	}
	got, err := remote(t, e, memo).Embed(t.Context(), []string{"token"})
	if err != nil || !isOf(got[0], "token") || len(e.requests) != 2 {
		t.Errorf("got %v, %v after %d requests", got, err, len(e.requests))
	}
}

// TestRetriesWaitAsLongAsTheEndpointSays runs on a clock of its own.
func TestRetriesWaitAsLongAsTheEndpointSays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		limited := reply(http.StatusTooManyRequests, `{"error":{"message":"slow down"}}`)
		limited.Header.Set("Retry-After", "17")
		e := &endpoint{faults: []func([]string) *http.Response{
			func([]string) *http.Response { return limited },
			func([]string) *http.Response { return reply(http.StatusBadGateway, "upstream is gone") },
		}}
		got, err := remote(t, e, &memory{}).Embed(t.Context(), []string{"token"})
		if err != nil || !isOf(got[0], "token") {
			t.Fatalf("got %v, %v", got, err)
		}
		if len(e.at) != 3 {
			t.Fatalf("%d tries, want 3", len(e.at))
		}
		if told := e.at[1].Sub(e.at[0]); told < 17*time.Second {
			t.Errorf("tried again after %s, told to wait 17s", told)
		}
		if own := e.at[2].Sub(e.at[1]); own < time.Second || own > 10*time.Second {
			t.Errorf("tried again after %s, want a pause of its own", own)
		}
	})
}

func TestFailuresSayWhatToDo(t *testing.T) {
	always := func(status int, body string) []func([]string) *http.Response {
		var out []func([]string) *http.Response
		for range 10 {
			out = append(out, func([]string) *http.Response { return reply(status, body) })
		}
		return out
	}
	spoiled := func(spoil func(int, []float64) []float64) []func([]string) *http.Response {
		return []func([]string) *http.Response{func(in []string) *http.Response { return reply(http.StatusOK, answer(in, spoil)) }}
	}
	for name, c := range map[string]struct {
		faults []func([]string) *http.Response
		kind   llm.Kind
		says   string
	}{
		"the key is wrong":           {always(http.StatusUnauthorized, `{"error":{"message":"bad key `+key+`"}}`), llm.KindAuth, "bad key ***"},
		"the model does not exist":   {always(http.StatusNotFound, `{"error":{"message":"no model vowels"}}`), llm.KindNotFound, "no model vowels"},
		"rate limited beyond hope":   {always(http.StatusTooManyRequests, `{"error":{"message":"slow down"}}`), llm.KindRate, "slow down"},
		"the server is broken":       {always(http.StatusInternalServerError, "oops"), llm.KindHTTP, "oops"},
		"an error with status 200":   {always(http.StatusOK, `{"error":{"message":"overloaded"}}`), llm.KindHTTP, "overloaded (HTTP 500)"},
		"vectors of several lengths": {spoiled(func(i int, v []float64) []float64 { return v[i:] }), llm.KindInvalid, "dimensions"},
		"an empty vector":            {spoiled(func(int, []float64) []float64 { return []float64{} }), llm.KindEmpty, "empty"},
		"too few vectors": {[]func([]string) *http.Response{func(in []string) *http.Response {
			return reply(http.StatusOK, answer(in[1:], nil))
		}}, llm.KindInvalid, "1 vectors came for 2 texts"},
		"one index twice": {[]func([]string) *http.Response{func(in []string) *http.Response {
			return reply(http.StatusOK, strings.ReplaceAll(answer(in, nil), `"index":1`, `"index":0`))
		}}, llm.KindInvalid, "comes twice"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				memo := &memory{}
				_, err := remote(t, &endpoint{faults: c.faults}, memo).Embed(t.Context(), []string{"token", "queue"})
				var e *llm.Error
				if !errors.As(err, &e) || e.Kind != c.kind || !strings.Contains(err.Error(), c.says) {
					t.Fatalf("got the error %v (%+v), want the kind %s and %q", err, e, c.kind, c.says)
				}
				if strings.Contains(err.Error(), key) {
					t.Error("the error shows the key")
				}
			})
		})
	}
}

func TestAnEndpointThatHangsIsGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hang := roundTrip(func(r *http.Request) (*http.Response, error) {
			<-r.Context().Done()
			return nil, r.Context().Err()
		})
		r, err := embed.NewOpenAI(embed.Config{BaseURL: "http://models.example/v1", Model: "vowels", Transport: hang, Timeout: time.Minute}, &memory{})
		if err != nil {
			t.Fatal(err)
		}
		_, err = r.Embed(t.Context(), []string{"token"})
		var e *llm.Error
		if !errors.As(err, &e) || e.Kind != llm.KindTimeout {
			t.Errorf("got the error %v, want a time-out", err)
		}
	})
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestAnEndpointThatIsNotAllowedIsNeverReached(t *testing.T) {
	e := &endpoint{}
	r, err := embed.NewOpenAI(embed.Config{
		BaseURL: "http://models.example/v1", Model: "vowels", Transport: e,
		Allowed: func(string) error { return errors.New("the documents are restricted") },
	}, &memory{})
	if err != nil {
		t.Fatal(err)
	}
	_, err = r.Embed(t.Context(), []string{"token"})
	var failed *llm.Error
	if !errors.As(err, &failed) || failed.Kind != llm.KindNotAllowed || len(e.requests) > 0 {
		t.Errorf("got the error %v after %d requests, want a refusal and none", err, len(e.requests))
	}
}

func TestWrongConfigurationIsRefusedAtOnce(t *testing.T) {
	for name, c := range map[string]embed.Config{
		"no model":  {BaseURL: "http://models.example/v1"},
		"no URL":    {Model: "vowels"},
		"no scheme": {BaseURL: "models.example", Model: "vowels"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := embed.NewOpenAI(c, &memory{}); err == nil {
				t.Error("it was taken")
			}
		})
	}
}
