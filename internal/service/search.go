package service

import (
	"context"

	"github.com/google/uuid"

	"github.com/bartizan-security/bartizan/internal/embed"
	"github.com/bartizan-security/bartizan/internal/identifier"
	"github.com/bartizan-security/bartizan/internal/postgres"
	"github.com/bartizan-security/bartizan/internal/postgres/query"
	"github.com/bartizan-security/bartizan/pkg/resource"
)

const (
	usualHits    = 20
	mostHits     = 100
	longestQuery = 1000
)

// SearchPassages finds passages of current documents by words and meaning, best
// first; a nil system stands for all in the actor's reach. Scope read.
func (s *Service) SearchPassages(ctx context.Context, a Actor, words string, system *uuid.UUID, limit int) ([]resource.PassageHit, error) {
	if system == nil {
		system = a.System
	}
	if err := a.can(resource.ScopeRead); err != nil {
		return nil, err
	}
	words, limit, err := readSearch(words, limit)
	if err != nil {
		return nil, err
	}
	search := postgres.PassageSearch{Words: words, Limit: limit}
	if system != nil {
		if err := a.mustFor(resource.ScopeRead, *system); err != nil {
			return nil, err
		}
		search.System = *system
	}
	embedder, vector, err := s.queryVector(ctx, a, words)
	if err != nil {
		return nil, err
	}
	out := []resource.PassageHit{}
	err = s.tenant(ctx, a, func(tx *postgres.Tx) error {
		if search.System != uuid.Nil {
			if _, err := tx.Queries.System(ctx, search.System); err != nil {
				return missing(err, "system")
			}
		}
		if vector != nil {
			var err error
			if search.Model, err = tx.EmbeddingModel(ctx, embedder.Name(), len(vector)); err != nil {
				return err
			}
			search.Vector = vector
		}
		hits, err := tx.SearchPassages(ctx, search)
		out = out[:0]
		for _, h := range hits {
			out = append(out, resource.PassageHit{
				System: identifier.String(identifier.System, h.System), Document: identifier.String(identifier.Document, h.Document),
				Source:  resource.Source{ID: identifier.String(identifier.Source, h.Source), Name: h.SourceName, Title: h.SourceTitle, SHA256: h.SourceHash},
				Passage: h.PassageID, Heading: h.Heading, Text: h.Text, Locator: h.Locator, Score: h.Score,
			})
		}
		return err
	})
	return out, err
}

// queryVector embeds what people search for; nil where the embedding model is not
// to be reached, or the words carry no meaning to it: words alone find then.
func (s *Service) queryVector(ctx context.Context, a Actor, words string) (embed.Embedder, []float32, error) {
	embedder, err := s.queryEmbedder(ctx, a)
	if err != nil || embedder == nil {
		return nil, nil, err
	}
	found, err := embedder.Embed(ctx, []string{words})
	if err != nil {
		s.cfg.Log.WarnContext(ctx, "a search goes by words alone", "error", err)
		return nil, nil, nil
	}
	for _, x := range found[0] {
		if x != 0 {
			return embedder, found[0], nil
		}
	}
	return nil, nil, nil
}

// queryEmbedder is the embedder of what people type, which belongs to no system
// and counts as internal.
func (s *Service) queryEmbedder(ctx context.Context, a Actor) (embed.Embedder, error) {
	if s.cfg.Model.EmbeddingModel == "" {
		return embed.Builtin()
	}
	m := &material{system: query.System{Classification: "internal"}}
	err := s.tenant(ctx, a, func(tx *postgres.Tx) (err error) {
		m.settings, err = settings(ctx, tx)
		return err
	})
	if err != nil || m.allowed(or(s.cfg.Model.EmbeddingBaseURL, s.cfg.Model.BaseURL)) != nil {
		return nil, err
	}
	return s.embedder(m, s.newGate(a.Organization, m))
}

// policy is what decides where text of a system may go.
func (s *Service) policy(ctx context.Context, a Actor, system uuid.UUID) (*material, error) {
	m := &material{}
	err := s.tenant(ctx, a, func(tx *postgres.Tx) (err error) {
		if m.system, err = tx.Queries.System(ctx, system); err != nil {
			return missing(err, "system")
		}
		if m.settings, err = settings(ctx, tx); err != nil {
			return err
		}
		m.context, err = statedContext(m.system)
		return err
	})
	return m, err
}
