package llm

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"
	openai "github.com/sashabaranov/go-openai"
	"golang.org/x/sync/semaphore"
	"golang.org/x/sync/singleflight"
)

const (
	defaultTimeout   = 5 * time.Minute
	defaultMaxOutput = 8192
	// defaultGrace is how long calls under way may go on when the run was
	// interrupted: they are paid for.
	defaultGrace = 20 * time.Second
)

// Config says which endpoint and model to ask, and how.
type Config struct {
	BaseURL string
	Model   string
	APIKey  string
	Params  Params
	// Timeout of one try; default 5 minutes.
	Timeout time.Duration
	// Concurrency is how many calls may be under way; default 4.
	Concurrency int
	// TokensPerMinute and MaxTokens, for the whole run; 0 is no limit.
	TokensPerMinute, MaxTokens int
	// MaxOutput bounds an answer, in tokens; default 8192. A truncated answer
	// is asked for once more with twice as many.
	MaxOutput int
	// Offline opens no connection at all; kept answers are still given.
	Offline bool
	// Allowed refuses an endpoint; it is asked before any connection.
	Allowed func(baseURL string) error
	// Transport replaces http.DefaultTransport in tests.
	Transport http.RoundTripper
	// RetryDelay is the first wait before a retry; default half a second.
	RetryDelay time.Duration
	// Grace is how long calls under way may go on after their context ended,
	// so that what is paid for is kept; default 20 seconds. See [Client.Wait].
	Grace time.Duration
	// Now is the clock for records; default time.Now.
	Now func() time.Time
}

// Stats is what a client did.
type Stats struct {
	Calls, Cached       int
	TokensIn, TokensOut int
	// Faults counts retried, truncated, refused, empty, invalid, repaired.
	Faults map[string]int
	// Mode is how schemas are sent; empty until that is known.
	Mode string
}

// Client asks an endpoint. It is safe for concurrent use.
type Client struct {
	cfg     Config
	api     *openai.Client
	memo    Memo
	meter   *meter
	slots   *semaphore.Weighted
	flights singleflight.Group

	mu      sync.Mutex
	stats   Stats
	mode    string
	schemas map[string]*jsonschema.Schema
}

// New makes a client that keeps answers in the memo.
func New(cfg Config, memo Memo) (*Client, error) {
	if cfg.Model == "" {
		return nil, errors.New("no model is named: set --llm-model or BARTIZAN_LLM_MODEL")
	}
	u, err := url.Parse(cfg.BaseURL)
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
		return nil, fmt.Errorf("the model endpoint %q is no http or https URL", cfg.BaseURL)
	}
	setDefaults(&cfg)
	c := &Client{
		cfg: cfg, memo: memo, meter: newMeter(cfg.MaxTokens, cfg.TokensPerMinute),
		slots: semaphore.NewWeighted(int64(cfg.Concurrency)), schemas: map[string]*jsonschema.Schema{},
		stats: Stats{Faults: map[string]int{}},
	}
	api := openai.DefaultConfig(cfg.APIKey)
	if strings.HasSuffix(u.Hostname(), ".openai.azure.com") && !strings.Contains(u.Path, "/v1") {
		api = openai.DefaultAzureConfig(cfg.APIKey, cfg.BaseURL)
		api.APIVersion = "2024-10-21"
		api.AzureModelMapperFunc = func(model string) string { return model }
	}
	api.BaseURL = strings.TrimRight(cfg.BaseURL, "/")
	api.HTTPClient = &http.Client{Transport: NewTransport(cfg.Transport, cfg.Timeout, cfg.RetryDelay, answerBytes, func() { c.count("retried") })}
	c.api = openai.NewClientWithConfig(api)
	if keeper, ok := memo.(modeKeeper); ok {
		c.mode, _ = keeper.Mode(c.modeKey(), cfg.Now())
		c.stats.Mode = c.mode
	}
	return c, nil
}

func setDefaults(cfg *Config) {
	if cfg.Timeout <= 0 {
		cfg.Timeout = defaultTimeout
	}
	if cfg.Concurrency <= 0 {
		cfg.Concurrency = 4
	}
	if cfg.MaxOutput <= 0 {
		cfg.MaxOutput = defaultMaxOutput
	}
	if cfg.Transport == nil {
		cfg.Transport = http.DefaultTransport
	}
	if cfg.RetryDelay <= 0 {
		cfg.RetryDelay = firstDelay
	}
	if cfg.Grace <= 0 {
		cfg.Grace = defaultGrace
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
}

// modeKeeper is a memo that remembers how an endpoint wants schemas.
type modeKeeper interface {
	Mode(key string, now time.Time) (string, bool)
	SetMode(key, mode, reason string, now time.Time) error
}

func (c *Client) modeKey() string {
	sum := sha256.Sum256([]byte(c.cfg.BaseURL + "\x00" + c.cfg.Model))
	return hex.EncodeToString(sum[:8])
}

// Endpoint is the scheme and host that is asked.
func (c *Client) Endpoint() string {
	u, err := url.Parse(c.cfg.BaseURL)
	if err != nil {
		return ""
	}
	return u.Scheme + "://" + u.Host
}

// Stats is what the client did so far.
func (c *Client) Stats() Stats {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.stats
	s.Faults = maps.Clone(c.stats.Faults)
	s.Mode = c.mode
	return s
}

func (c *Client) count(fault string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.stats.Faults[fault]++
}

// Complete implements [Completer]. Two callers with the same request make one
// call; where the one that makes it goes away, the other makes it anew.
func (c *Client) Complete(ctx context.Context, r Request) (Answer, error) {
	key := CallHash(c.cfg.Model, c.cfg.Params, r.Messages, r.Schema)
	for {
		if a, ok, err := c.kept(ctx, key); ok || err != nil {
			return a, err
		}
		done := c.flights.DoChan(key, func() (any, error) { return c.ask(ctx, key, r) })
		select {
		case res := <-done:
			if res.Shared && errors.Is(res.Err, context.Canceled) && ctx.Err() == nil {
				continue
			}
			if res.Err != nil {
				return Answer{}, res.Err
			}
			return res.Val.(Answer), nil
		case <-ctx.Done():
			return Answer{}, context.Cause(ctx)
		}
	}
}

// Wait returns when no call is under way. After an interruption calls go on for
// at most [Config.Grace], so that their answers are kept.
func (c *Client) Wait(ctx context.Context) error {
	n := int64(c.cfg.Concurrency)
	if err := c.slots.Acquire(ctx, n); err != nil {
		return context.Cause(ctx)
	}
	c.slots.Release(n)
	return nil
}

// graceful is a context that ends some time after its parent.
func graceful(ctx context.Context, grace time.Duration) (context.Context, context.CancelFunc) {
	work, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() {
		select {
		case <-time.After(grace):
			cancel(context.Cause(ctx))
		case <-work.Done():
		}
	})
	return work, func() {
		stop()
		cancel(context.Canceled)
	}
}

// kept looks an answer up in the memo.
func (c *Client) kept(ctx context.Context, key string) (Answer, bool, error) {
	r, ok, err := c.memo.Get(ctx, key)
	if err != nil || !ok {
		return Answer{}, false, err
	}
	c.mu.Lock()
	c.stats.Cached++
	c.mu.Unlock()
	return Answer{JSON: r.Answer, CallHash: key, Cached: true, Usage: r.Usage, Mode: r.Mode}, true, nil
}

// ask makes the call, unless another process just did, and keeps the answer
// before giving it out, also where the caller has gone.
func (c *Client) ask(ctx context.Context, key string, r Request) (Answer, error) {
	if err := c.mayConnect(r.Stage); err != nil {
		return Answer{}, err
	}
	if err := c.slots.Acquire(ctx, 1); err != nil {
		return Answer{}, context.Cause(ctx)
	}
	defer c.slots.Release(1)
	unlock, err := c.memo.Lock(ctx, key)
	if err != nil {
		return Answer{}, err
	}
	defer unlock()
	if a, ok, err := c.kept(ctx, key); ok || err != nil {
		return a, err
	}
	work, cancel := graceful(ctx, c.cfg.Grace)
	defer cancel()
	answer, err := c.call(work, key, r)
	if err != nil {
		return Answer{}, err
	}
	answer.CallHash = key
	return answer, c.memo.Put(context.WithoutCancel(work), key, Record{
		Answer: answer.JSON, Usage: answer.Usage, Model: c.cfg.Model, Mode: answer.Mode,
		Stage: r.Stage, InputHash: r.InputHash, At: c.cfg.Now().UTC(),
	})
}

// mayConnect holds policy before any connection is opened.
func (c *Client) mayConnect(stage string) error {
	if c.cfg.Offline {
		return &Error{Kind: KindOffline, Stage: stage, Message: "the run is offline and this question was not answered before"}
	}
	if c.cfg.Allowed == nil {
		return nil
	}
	if err := c.cfg.Allowed(c.cfg.BaseURL); err != nil {
		return &Error{Kind: KindNotAllowed, Stage: stage, Message: err.Error(), Err: err}
	}
	return nil
}

// call asks until there is a complete answer of the schema: a truncated answer
// is asked for once more with more room, an invalid one goes back once.
func (c *Client) call(ctx context.Context, key string, r Request) (Answer, error) {
	schema, err := c.compile(r.Schema)
	if err != nil {
		return Answer{}, err
	}
	var (
		total    Usage
		room     = max(r.MaxOutput, c.cfg.MaxOutput)
		messages = r.Messages
		repaired bool
	)
	for {
		reply, mode, err := c.send(ctx, r, messages, room)
		total.In, total.CachedIn, total.Out = total.In+reply.usage.In, total.CachedIn+reply.usage.CachedIn, total.Out+reply.usage.Out
		if err != nil {
			var e *Error
			if errors.As(err, &e) && reply.content != "" {
				_ = c.memo.Fault(context.WithoutCancel(ctx), key, e.Kind, reply.content)
			}
			if !errors.As(err, &e) || e.Kind != KindTruncated || room > c.cfg.MaxOutput {
				return Answer{}, err
			}
			room *= 2
			continue
		}
		raw, err := parseAnswer(reply.content, schema)
		if err == nil {
			return Answer{JSON: raw, Usage: total, Mode: mode}, nil
		}
		c.count(string(KindInvalid))
		_ = c.memo.Fault(context.WithoutCancel(ctx), key, KindInvalid, reply.content)
		if repaired {
			return Answer{}, &Error{Kind: KindInvalid, Stage: r.Stage, Message: "the answer does not fit the schema, also when asked again: " + err.Error(), Remedy: "Try another model"}
		}
		repaired = true
		c.count("repaired")
		messages = append(append([]Message{}, r.Messages...),
			Message{"assistant", reply.content},
			Message{"user", "That is not a valid answer: " + err.Error() + ". Answer again, with one JSON object of the schema and nothing else."},
		)
	}
}

// compile prepares a schema for validation, once.
func (c *Client) compile(s Schema) (*jsonschema.Schema, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	key := s.Name + string(s.JSON)
	if compiled := c.schemas[key]; compiled != nil {
		return compiled, nil
	}
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(string(s.JSON)))
	if err != nil {
		return nil, fmt.Errorf("the schema %s is no JSON: %w", s.Name, err)
	}
	compiler := jsonschema.NewCompiler()
	if err := compiler.AddResource(s.Name+".json", doc); err != nil {
		return nil, fmt.Errorf("the schema %s: %w", s.Name, err)
	}
	compiled, err := compiler.Compile(s.Name + ".json")
	if err != nil {
		return nil, fmt.Errorf("the schema %s: %w", s.Name, err)
	}
	c.schemas[key] = compiled
	return compiled, nil
}

// parseAnswer takes the one JSON object out of an answer and validates it.
func parseAnswer(content string, schema *jsonschema.Schema) (json.RawMessage, error) {
	text := strings.TrimSpace(content)
	if _, fenced, ok := strings.Cut(text, "```"); ok && !strings.HasPrefix(text, "{") {
		fenced = strings.TrimPrefix(fenced, "json")
		text, _, _ = strings.Cut(fenced, "```")
	}
	if start := strings.IndexByte(text, '{'); start > 0 {
		text = text[start:]
	}
	text = strings.TrimSpace(text)
	if end := strings.LastIndexByte(text, '}'); end >= 0 {
		text = text[:end+1]
	}
	value, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
	if err != nil {
		return nil, fmt.Errorf("it is no JSON (%w)", err)
	}
	if err := schema.Validate(value); err != nil {
		return nil, errors.New(firstLines(err.Error(), 6))
	}
	return json.RawMessage(text), nil
}

func firstLines(s string, n int) string {
	lines := strings.SplitN(s, "\n", n+1)
	return strings.Join(lines[:min(n, len(lines))], "; ")
}
