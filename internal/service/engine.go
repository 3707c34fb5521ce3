package service

import (
	"context"

	"github.com/google/uuid"

	"github.com/bartizan-security/bartizan/internal/analyst/llm"
	"github.com/bartizan-security/bartizan/internal/analyze"
	"github.com/bartizan-security/bartizan/internal/embed"
	client "github.com/bartizan-security/bartizan/internal/llm"
	"github.com/bartizan-security/bartizan/internal/retrieve"
	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

// engine is the wired analysis of one system: the stages of the command line,
// with answers kept in the database and calls under the organization's limits.
type engine struct {
	config analyze.Config
	client *client.Client // nil for the built-in analyst
}

// baseConfig is the analysis by the built-in analyst alone, without an embedder.
func (s *Service) baseConfig() analyze.Config {
	return analyze.Config{
		Analyst: s.own, Concurrency: max(1, s.concurrency()), Now: s.cfg.Now,
		Version: s.cfg.Version, Patterns: s.library.Version(), Hints: s.own.Hints,
	}
}

func (s *Service) concurrency() int {
	if s.cfg.Model.Concurrency > 0 {
		return s.cfg.Model.Concurrency
	}
	return 4
}

func useEmbedder(c *analyze.Config, embedder embed.Embedder) {
	c.NewRetriever = func(ctx context.Context, ps []threatmodel.Passage) (analyze.Retriever, error) {
		return retrieve.New(ctx, ps, embedder)
	}
	c.Similarity = func(ctx context.Context, a, b string) (float64, error) { return embed.Cosine(ctx, embedder, a, b) }
}

// engine wires the analysis of a system. Calls go through the gate.
func (s *Service) engine(m *material, g *gate) (*engine, error) {
	e := &engine{config: s.baseConfig()}
	name := m.analyst(s.cfg.Model)
	if name != analystBuiltin {
		if err := s.wireModel(e, m, g, name); err != nil {
			return nil, err
		}
	}
	embedder, err := s.embedder(m, g)
	if err != nil {
		return nil, err
	}
	useEmbedder(&e.config, embedder)
	return e, nil
}

// wireModel puts the model in the first place and, for both, the built-in analyst
// beside it.
func (s *Service) wireModel(e *engine, m *material, g *gate, name string) error {
	server := s.cfg.Model
	model := m.model(server)
	c, err := client.New(client.Config{
		BaseURL: server.BaseURL, Model: model, APIKey: server.APIKey, Timeout: server.Timeout, Concurrency: s.concurrency(),
		Allowed: m.allowed, Transport: g.transport(server.BaseURL, model, ""), RetryDelay: server.RetryDelay, Now: s.cfg.Now,
	}, s.memo(g.organization, m.system.ID))
	if err != nil {
		return err
	}
	e.client = c
	e.config.Analyst = llm.New(&staged{c, g, model}, model, client.Params{}, s.prompts, llm.NewFence(server.FenceSecret))
	e.config.Model, e.config.Prompts = model, s.prompts.Version()
	if name == analystBoth {
		e.config.Colleague = s.own
	}
	return nil
}

func (s *Service) memo(organization, system uuid.UUID) client.Memo {
	return s.db.Memo(organization, system, s.cfg.Keys)
}

// embedder is the built-in embedding, or the endpoint's with vectors kept as it
// gave them.
func (s *Service) embedder(m *material, g *gate) (embed.Embedder, error) {
	server := s.cfg.Model
	if server.EmbeddingModel == "" {
		return embed.Builtin()
	}
	base := or(server.EmbeddingBaseURL, server.BaseURL)
	return embed.NewOpenAI(embed.Config{
		BaseURL: base, Model: server.EmbeddingModel, APIKey: server.APIKey, Timeout: server.Timeout, Allowed: m.allowed,
		Transport: g.transport(base, server.EmbeddingModel, "embed"), RetryDelay: server.RetryDelay, Now: s.cfg.Now,
	}, s.memo(g.organization, m.system.ID))
}

// searchEmbedder is the embedder whose vectors search goes by; nil where text of
// the system may not go to it: its passages are found by their words.
func (s *Service) searchEmbedder(ctx context.Context, a Actor, system uuid.UUID) (embed.Embedder, error) {
	if s.cfg.Model.EmbeddingModel == "" {
		return embed.Builtin()
	}
	m, err := s.policy(ctx, a, system)
	if err != nil {
		return nil, err
	}
	if m.allowed(or(s.cfg.Model.EmbeddingBaseURL, s.cfg.Model.BaseURL)) != nil {
		return nil, nil
	}
	return s.embedder(m, s.newGate(a.Organization, m))
}
