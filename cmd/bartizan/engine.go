package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/bartizan-security/bartizan/internal/analyst/builtin"
	"github.com/bartizan-security/bartizan/internal/analyze"
	"github.com/bartizan-security/bartizan/internal/embed"
	client "github.com/bartizan-security/bartizan/internal/llm"
	"github.com/bartizan-security/bartizan/internal/pattern"
	"github.com/bartizan-security/bartizan/internal/retrieve"
	"github.com/bartizan-security/bartizan/pkg/threatmodel"
	"github.com/bartizan-security/bartizan/prompts"
)

// engine is the wired analysis.
type engine struct {
	config analyze.Config
	client *client.Client // nil for the built-in analyst
}

// engine wires the analysts as the flags say.
func (x *session) engine(p *progress) (*engine, error) {
	library, err := pattern.Load()
	if err != nil {
		return nil, err
	}
	own, err := builtin.New(library)
	if err != nil {
		return nil, err
	}
	config := x.config(own, library)
	config.Progress = p.update
	e := &engine{config: config}
	name := x.cmd.analystName()
	if name != "builtin" {
		if err := x.wireModel(e, own, name); err != nil {
			return nil, err
		}
	}
	embedder, err := x.cmd.Model.embedder(x.context)
	if err != nil {
		return nil, err
	}
	useEmbedder(&e.config, embedder)
	return e, nil
}

// config is the analysis by the built-in analyst alone, without an embedder.
func (x *session) config(own *builtin.Analyst, library *pattern.Library) analyze.Config {
	return analyze.Config{
		Analyst: own, Concurrency: x.cmd.Model.Concurrency, Now: time.Now,
		Version: version, Patterns: library.Version(), Hints: own.Hints,
	}
}

// useEmbedder lets passages be found, and texts be compared, by an embedding.
func useEmbedder(c *analyze.Config, embedder embed.Embedder) {
	c.NewRetriever = func(ctx context.Context, ps []threatmodel.Passage) (analyze.Retriever, error) {
		return retrieve.New(ctx, ps, embedder)
	}
	c.Similarity = func(ctx context.Context, a, b string) (float64, error) { return embed.Cosine(ctx, embedder, a, b) }
}

// wireModel puts the model in the first place and, for both, the built-in
// analyst beside it.
func (x *session) wireModel(e *engine, own *builtin.Analyst, name string) error {
	c, err := x.cmd.Model.client(x.context)
	if err != nil {
		return err
	}
	model, err := x.cmd.Model.analyst(c)
	if err != nil {
		return err
	}
	set, err := prompts.Load()
	if err != nil {
		return err
	}
	e.client = c
	e.config.Analyst, e.config.Model, e.config.Prompts = model, x.cmd.Model.LLMModel, set.Version()
	if name == "both" {
		e.config.Colleague = own
	}
	return nil
}

// embedder is the built-in embedding, or the endpoint's.
func (f *modelFlags) embedder(c *threatmodel.Context) (embed.Embedder, error) {
	if f.EmbeddingModel == "" || f.Offline {
		return embed.Builtin()
	}
	memo, err := f.memo()
	if err != nil {
		return nil, err
	}
	base := f.EmbeddingBaseURL
	if base == "" {
		base = f.endpoint()
	}
	return embed.NewOpenAI(embed.Config{
		BaseURL: base, Model: f.EmbeddingModel, APIKey: f.LLMAPIKey, Timeout: f.LLMTimeout,
		Allowed: func(u string) error { return allowed(c, u) },
	}, memo)
}

// wait lets the calls under way of an interrupted run come to their end: they
// are paid for.
func (e *engine) wait(ctx context.Context, p *progress) {
	if e.client == nil || ctx.Err() == nil {
		return
	}
	p.line("Interrupted. Waiting a moment for the answers under way, which are paid for; interrupt again to end at once.")
	end, cancel := context.WithTimeout(context.WithoutCancel(ctx), waitForAnswers)
	defer cancel()
	_ = e.client.Wait(end) // what does not come in time is asked again
}

// waitForAnswers is longer than the client lets a call go on for.
const waitForAnswers = 25 * time.Second

// complete adds to the model what only the command knows: the client's
// account, and documents that were not read.
func (e *engine) complete(m *threatmodel.Model, x *session) {
	m.Analysis.Analyst = x.cmd.analystName()
	run := m.Analysis.Run
	if e.client != nil {
		e.client.Account(run)
		run.Cost, run.Currency = cost(x.context, x.cmd.Model.LLMModel, run.TokensIn, run.TokensOut)
	}
	run.Started = x.started.UTC()
	run.Finished = time.Now().UTC()
	if len(x.failures) > 0 {
		reasons := []string{m.Analysis.Incomplete}
		for _, err := range x.failures {
			reasons = append(reasons, "not read: "+err.Error())
		}
		m.Analysis.Incomplete = strings.Trim(strings.Join(reasons, "; "), "; ")
	}
}

// cost is what the tokens cost by bartizan.yaml; nil where it names no price
// for the model.
func cost(c *threatmodel.Context, model string, in, out int) (*float64, string) {
	if c == nil {
		return nil, ""
	}
	return client.Cost(c.Prices, model, in, out)
}

// price is what tokens cost, for people; empty where no price is known.
func (x *session) price(in, out int) string {
	total, currency := cost(x.context, x.cmd.Model.LLMModel, in, out)
	if total == nil {
		return ""
	}
	return "  " + money(*total, currency)
}

// money writes an amount: more digits for the small ones.
func money(amount float64, currency string) string {
	digits := 2
	if amount < 1 {
		digits = 4
	}
	return strings.TrimSpace(fmt.Sprintf("%.*f %s", digits, amount, currency))
}
