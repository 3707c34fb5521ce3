package main

import (
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/bartizan-security/bartizan/internal/analyst/llm"
	client "github.com/bartizan-security/bartizan/internal/llm"
	"github.com/bartizan-security/bartizan/pkg/threatmodel"
	"github.com/bartizan-security/bartizan/prompts"
)

// modelFlags say which model is asked, and how.
type modelFlags struct {
	LLMBaseURL       string        `name:"llm-base-url" env:"BARTIZAN_LLM_BASE_URL,OPENAI_BASE_URL" placeholder:"URL" help:"OpenAI-compatible endpoint, such as http://localhost:11434/v1. Default: OpenAI's, where an API key is set." group:"Model"`
	LLMModel         string        `name:"llm-model" env:"BARTIZAN_LLM_MODEL" placeholder:"NAME" help:"Model to ask. Without one, the built-in analyst works alone." group:"Model"`
	LLMAPIKey        string        `name:"llm-api-key" env:"BARTIZAN_LLM_API_KEY,OPENAI_API_KEY" placeholder:"KEY" help:"API key. Better in the environment than on the command line; never printed or written." group:"Model"`
	LLMTimeout       time.Duration `name:"llm-timeout" default:"5m" help:"How long one call may take." group:"Model"`
	Concurrency      int           `default:"4" help:"How many calls may be under way at once." group:"Model"`
	TokensPerMinute  int           `name:"tokens-per-minute" placeholder:"N" help:"Slow down to at most N tokens a minute." group:"Model"`
	MaxTokens        int           `name:"max-tokens" placeholder:"N" help:"Stop before the run costs more than N tokens; what is finished is kept and marked incomplete." group:"Model"`
	EmbeddingModel   string        `name:"embedding-model" env:"BARTIZAN_EMBEDDING_MODEL" placeholder:"NAME" help:"Embedding model at the same endpoint. Default: the built-in embedding." group:"Model"`
	EmbeddingBaseURL string        `name:"embedding-base-url" env:"BARTIZAN_EMBEDDING_BASE_URL" placeholder:"URL" help:"Another endpoint for embeddings." group:"Model"`
	Offline          bool          `help:"Open no connection at all." group:"Model"`
}

const openAI = "https://api.openai.com/v1"

// configured reports whether a model can be asked.
func (f *modelFlags) configured() bool { return f.LLMModel != "" && !f.Offline }

// secrets takes the API key, a password within an endpoint's URL and further
// secrets out of what is printed.
func (f *modelFlags) secrets(further ...string) *strings.Replacer {
	var pairs []string
	hide := func(secret string) {
		if secret != "" {
			pairs = append(pairs, secret, "[secret]")
		}
	}
	hide(f.LLMAPIKey)
	for _, s := range further {
		hide(s)
	}
	for _, raw := range []string{f.LLMBaseURL, f.EmbeddingBaseURL} {
		if u, err := url.Parse(raw); err == nil && u.User != nil {
			hide(u.User.String())
		}
	}
	return strings.NewReplacer(pairs...)
}

// check refuses numbers that make no sense.
func (f *modelFlags) check() error {
	switch {
	case f.Concurrency < 1:
		return fmt.Errorf("--concurrency %d: it must be 1 or more", f.Concurrency)
	case f.LLMTimeout <= 0:
		return fmt.Errorf("--llm-timeout %s: it must be longer than nothing, such as 5m", f.LLMTimeout)
	case f.MaxTokens < 0:
		return fmt.Errorf("--max-tokens %d: it must not be below 0; 0 is no limit", f.MaxTokens)
	case f.TokensPerMinute < 0:
		return fmt.Errorf("--tokens-per-minute %d: it must not be below 0; 0 is no limit", f.TokensPerMinute)
	}
	return nil
}

// endpoint is the base URL that is asked.
func (f *modelFlags) endpoint() string {
	if f.LLMBaseURL == "" {
		return openAI
	}
	return f.LLMBaseURL
}

// client makes the model client. The context of the documents decides whether
// their text may go to the endpoint.
func (f *modelFlags) client(c *threatmodel.Context) (*client.Client, error) {
	memo, err := f.memo()
	if err != nil {
		return nil, err
	}
	return client.New(client.Config{
		BaseURL: f.endpoint(), Model: f.LLMModel, APIKey: f.LLMAPIKey, Timeout: f.LLMTimeout,
		Concurrency: f.Concurrency, TokensPerMinute: f.TokensPerMinute, MaxTokens: f.MaxTokens, Offline: f.Offline,
		Allowed: func(u string) error { return allowed(c, u) },
	}, memo)
}

// memo keeps the model's answers in the user's cache folder.
func (f *modelFlags) memo() (*client.DiskMemo, error) {
	dir, err := cacheDir("memo")
	if err != nil {
		return nil, err
	}
	return client.NewDiskMemo(dir)
}

// analyst makes the analyst that asks the model.
func (f *modelFlags) analyst(model client.Completer) (*llm.Analyst, error) {
	set, err := prompts.Load()
	if err != nil {
		return nil, err
	}
	secret, err := fenceSecret()
	if err != nil {
		return nil, err
	}
	return llm.New(model, f.LLMModel, client.Params{}, set, llm.NewFence(secret)), nil
}

// fenceSecret is BARTIZAN_FENCE_SECRET, else the installation's own.
func fenceSecret() ([]byte, error) {
	if s := os.Getenv("BARTIZAN_FENCE_SECRET"); s != "" {
		return []byte(s), nil
	}
	dir, err := os.UserConfigDir()
	if err != nil {
		return nil, fmt.Errorf("finding your configuration folder: %w; set BARTIZAN_FENCE_SECRET to do without", err)
	}
	return llm.LoadSecret(filepath.Join(dir, "bartizan", "fence"))
}

// cacheDir is a folder of ours in the user's cache folder.
func cacheDir(name string) (string, error) {
	dir, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("finding your cache folder: %w; set XDG_CACHE_HOME", err)
	}
	return filepath.Join(dir, "bartizan", name), nil
}

// allowed refuses an endpoint that bartizan.yaml does not allow for documents
// of their classification. Where it lists no endpoints, any is allowed.
func allowed(c *threatmodel.Context, endpoint string) error {
	if c == nil || len(c.Endpoints) == 0 {
		return nil
	}
	if client.Allows(c.Endpoints, c.Classification, endpoint) {
		return nil
	}
	class := c.Classification
	if class == "" {
		class = "restricted"
	}
	return fmt.Errorf("bartizan.yaml does not allow documents classified %s to go to %s: add it to endpoints, lower the classification, or use --analyst builtin", class, client.Host(endpoint))
}
