package embed

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"
	"unicode/utf8"

	openai "github.com/sashabaranov/go-openai"

	"github.com/bartizan-security/bartizan/internal/llm"
)

const (
	defaultTimeout = 2 * time.Minute
	// batchTexts and batchBytes bound one request.
	batchTexts = 64
	batchBytes = 200 << 10
	// textBytes bounds one text: models take about 8,000 tokens. Beyond, a
	// passage is known by its beginning.
	textBytes = 16 << 10
	stage     = "embed"
)

// Config says which endpoint and model to ask for vectors.
type Config struct {
	BaseURL string
	Model   string
	APIKey  string
	// Timeout of one try; default 2 minutes.
	Timeout time.Duration
	// Allowed refuses an endpoint; it is asked before any connection. Nil
	// allows all.
	Allowed func(baseURL string) error
	// Transport replaces http.DefaultTransport in tests.
	Transport http.RoundTripper
	// RetryDelay is the first wait before a retry; default half a second.
	RetryDelay time.Duration
	// Now is the clock for records; default time.Now.
	Now func() time.Time
}

// Memo keeps vectors under a hash of model and text: a text is paid for once.
// An [llm.Memo] is one.
type Memo interface {
	Get(ctx context.Context, hash string) (llm.Record, bool, error)
	Put(ctx context.Context, hash string, r llm.Record) error
}

// remote asks an OpenAI-compatible endpoint.
type remote struct {
	cfg        Config
	api        *openai.Client
	memo       Memo
	dimensions atomic.Int64
}

// NewOpenAI makes an embedder that asks an OpenAI-compatible endpoint, and keeps
// every vector in the memo before it is used. Its errors are *llm.Error where
// the endpoint gave no answer.
func NewOpenAI(cfg Config, memo Memo) (Embedder, error) {
	if cfg.Model == "" {
		return nil, errors.New("no embedding model is named")
	}
	u, err := url.Parse(cfg.BaseURL)
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
		return nil, fmt.Errorf("the embedding endpoint %q is no http or https URL", cfg.BaseURL)
	}
	setDefaults(&cfg)
	api := openai.DefaultConfig(cfg.APIKey)
	if strings.HasSuffix(u.Hostname(), ".openai.azure.com") && !strings.Contains(u.Path, "/v1") {
		api = openai.DefaultAzureConfig(cfg.APIKey, cfg.BaseURL)
		api.APIVersion = "2024-10-21"
		api.AzureModelMapperFunc = func(model string) string { return model }
	}
	api.BaseURL = strings.TrimRight(cfg.BaseURL, "/")
	api.HTTPClient = &http.Client{Transport: llm.NewTransport(cfg.Transport, cfg.Timeout, cfg.RetryDelay, answerBytes, nil)}
	return &remote{cfg: cfg, api: openai.NewClientWithConfig(api), memo: memo}, nil
}

func setDefaults(cfg *Config) {
	if cfg.Timeout <= 0 {
		cfg.Timeout = defaultTimeout
	}
	if cfg.Transport == nil {
		cfg.Transport = http.DefaultTransport
	}
	if cfg.RetryDelay <= 0 {
		cfg.RetryDelay = firstDelay
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
}

// Name implements [Embedder].
func (r *remote) Name() string { return r.cfg.Model }

// Dimensions implements [Embedder].
func (r *remote) Dimensions() int { return int(r.dimensions.Load()) }

// Embed implements [Embedder].
func (r *remote) Embed(ctx context.Context, texts []string) ([][]float32, error) {
	out := make([][]float32, len(texts))
	places := map[string][]int{} // by text: one that repeats is asked for once
	var missing []string
	for i, text := range texts {
		text = clip(strings.Join(strings.Fields(text), " "))
		if text != "" && places[text] == nil {
			missing = append(missing, text)
		}
		places[text] = append(places[text], i)
	}
	asked, err := r.vectors(ctx, missing)
	if err != nil {
		return nil, err
	}
	for _, i := range places[""] {
		out[i] = make([]float32, r.Dimensions())
	}
	for k, text := range missing {
		for _, i := range places[text] {
			out[i] = asked[k]
		}
	}
	return out, nil
}

// vectors takes what the memo has and asks for the rest, batch by batch.
func (r *remote) vectors(ctx context.Context, texts []string) ([][]float32, error) {
	out := make([][]float32, len(texts))
	var batch []int
	size := 0
	flush := func() error {
		err := r.ask(ctx, texts, batch, out)
		batch, size = batch[:0], 0
		return err
	}
	for i, text := range texts {
		v, ok, err := r.kept(ctx, text)
		if err != nil {
			return nil, err
		}
		if ok {
			out[i] = v
			continue
		}
		if len(batch) == batchTexts || size+len(text) > batchBytes {
			if err := flush(); err != nil {
				return nil, err
			}
		}
		batch, size = append(batch, i), size+len(text)
	}
	return out, flush()
}

// ask makes one request and keeps its vectors before they are given out.
func (r *remote) ask(ctx context.Context, texts []string, batch []int, out [][]float32) error {
	if len(batch) == 0 {
		return nil
	}
	if r.cfg.Allowed != nil {
		if err := r.cfg.Allowed(r.cfg.BaseURL); err != nil {
			return &llm.Error{Kind: llm.KindNotAllowed, Stage: stage, Message: err.Error(), Err: err}
		}
	}
	input := make([]string, len(batch))
	for k, i := range batch {
		input[k] = texts[i]
	}
	resp, err := r.api.CreateEmbeddings(ctx, openai.EmbeddingRequestStrings{Input: input, Model: openai.EmbeddingModel(r.cfg.Model)})
	if err != nil {
		return r.explain(ctx, err)
	}
	if len(resp.Data) != len(input) {
		return &llm.Error{Kind: llm.KindInvalid, Stage: stage, Message: fmt.Sprintf("%d vectors came for %d texts", len(resp.Data), len(input))}
	}
	for _, d := range resp.Data {
		if d.Index < 0 || d.Index >= len(batch) || out[batch[d.Index]] != nil {
			return &llm.Error{Kind: llm.KindInvalid, Stage: stage, Message: fmt.Sprintf("the answer has a vector for text %d, which was not asked or comes twice", d.Index)}
		}
		if err := r.check(d.Embedding); err != nil {
			return err
		}
		normalise(d.Embedding)
		if err := r.keep(ctx, input[d.Index], d.Embedding); err != nil {
			return err
		}
		out[batch[d.Index]] = d.Embedding
	}
	return nil
}

// check refuses a vector that is not one of this model's.
func (r *remote) check(v []float32) error {
	invalid := func(format string, args ...any) error {
		return &llm.Error{Kind: llm.KindInvalid, Stage: stage, Message: fmt.Sprintf(format, args...), Remedy: "Check the embedding model " + r.cfg.Model}
	}
	if len(v) == 0 {
		return &llm.Error{Kind: llm.KindEmpty, Stage: stage, Message: "a vector is empty"}
	}
	for _, x := range v {
		if math.IsNaN(float64(x)) || math.IsInf(float64(x), 0) {
			return invalid("a vector holds what is no number")
		}
	}
	if !r.dimensions.CompareAndSwap(0, int64(len(v))) && r.dimensions.Load() != int64(len(v)) {
		return invalid("a vector has %d dimensions, others had %d", len(v), r.dimensions.Load())
	}
	return nil
}

// key names a vector in the memo.
func (r *remote) key(text string) string {
	sum := sha256.Sum256([]byte("embedding\x00" + r.cfg.Model + "\x00" + text))
	return hex.EncodeToString(sum[:16])
}

func (r *remote) kept(ctx context.Context, text string) ([]float32, bool, error) {
	record, ok, err := r.memo.Get(ctx, r.key(text))
	if err != nil || !ok {
		return nil, false, err
	}
	var packed string
	if json.Unmarshal(record.Answer, &packed) != nil {
		return nil, false, nil
	}
	v, ok := unpack(packed)
	if !ok || r.check(v) != nil {
		return nil, false, nil // damaged, or of other times: asked again
	}
	return v, true, nil
}

func (r *remote) keep(ctx context.Context, text string, v []float32) error {
	answer, err := json.Marshal(pack(v))
	if err != nil {
		return fmt.Errorf("keeping a vector: %w", err)
	}
	return r.memo.Put(context.WithoutCancel(ctx), r.key(text), llm.Record{
		Answer: answer, Model: r.cfg.Model, Mode: "float", Stage: stage, At: r.cfg.Now().UTC(),
	})
}

// pack writes a vector as base 64 of its numbers, 4 bytes each, the least
// significant first.
func pack(v []float32) string {
	raw := make([]byte, 0, 4*len(v))
	for _, x := range v {
		raw = binary.LittleEndian.AppendUint32(raw, math.Float32bits(x))
	}
	return base64.StdEncoding.EncodeToString(raw)
}

func unpack(s string) ([]float32, bool) {
	raw, err := base64.StdEncoding.DecodeString(s)
	if err != nil || len(raw)%4 != 0 {
		return nil, false
	}
	v := make([]float32, len(raw)/4)
	for i := range v {
		v[i] = math.Float32frombits(binary.LittleEndian.Uint32(raw[4*i:]))
	}
	return v, true
}

// clip cuts a text that is too long for a model at a character.
func clip(s string) string {
	if len(s) <= textBytes {
		return s
	}
	end := textBytes
	for !utf8.RuneStart(s[end]) {
		end--
	}
	return s[:end]
}
