package service

import (
	"context"
	"errors"
	"reflect"
	"slices"

	"github.com/google/uuid"

	"github.com/bartizan-security/bartizan/internal/analyst/llm"
	"github.com/bartizan-security/bartizan/internal/embed"
	"github.com/bartizan-security/bartizan/internal/estimate"
	client "github.com/bartizan-security/bartizan/internal/llm"
	"github.com/bartizan-security/bartizan/pkg/resource"
	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

// Estimate says what an analysis would cost; no model is asked. Scope read.
func (s *Service) Estimate(ctx context.Context, a Actor, system uuid.UUID, in resource.NewAnalysis) (resource.Estimate, error) {
	if err := a.mustFor(resource.ScopeRead, system); err != nil {
		return resource.Estimate{}, err
	}
	m, err := s.material(ctx, a, system)
	if err != nil {
		return resource.Estimate{}, err
	}
	if len(m.documents) == 0 {
		return resource.Estimate{}, conflict("%v", errNoDocuments)
	}
	return s.estimate(ctx, a, m, in.Fresh)
}

// estimate is made by the code that then runs, with a stand-in for the model and
// the organization's memo.
func (s *Service) estimate(ctx context.Context, a Actor, m *material, fresh bool) (resource.Estimate, error) {
	out := resource.Estimate{ChangedDocuments: changedDocuments(m)}
	name := m.analyst(s.cfg.Model)
	switch {
	case name == analystBuiltin:
		out.Basis = []string{"The built-in analyst asks nobody."}
		return out, nil
	case !s.cfg.Model.Configured():
		return out, conflict("the server has no language model: configure one, or choose the built-in analyst")
	}
	if err := s.weighty.Acquire(ctx, 1); err != nil {
		return out, err
	}
	defer s.weighty.Release(1)
	model := m.model(s.cfg.Model)
	config := s.baseConfig()
	config.Model, config.Prompts = model, s.prompts.Version()
	if name == analystBoth {
		config.Colleague = s.own
	}
	embedder, err := embed.Builtin()
	if err != nil {
		return out, err
	}
	useEmbedder(&config, embedder)
	f, err := estimate.Run(ctx, m.input(fresh), config, estimate.Config{
		Analyst: llm.New(nil, model, client.Params{}, s.prompts, llm.NewFence(s.cfg.Model.FenceSecret)), StandIn: s.own,
		Kept: s.memo(a.Organization, m.system.ID), Model: model, Params: client.Params{},
	})
	if err != nil {
		return out, err
	}
	out.CallsLow, out.CallsHigh = f.Low.Calls, f.High.Calls
	out.TokensLow, out.TokensHigh = int64(f.Low.TokensIn+f.Low.TokensOut), int64(f.High.TokensIn+f.High.TokensOut)
	out.Basis = f.Basis
	if s.cfg.Model.EmbeddingModel != "" {
		out.Basis = append(out.Basis, "Passages are found by the built-in embedding here; what the embedding model costs is left out.")
	}
	low, currency := client.Cost(m.prices(), model, f.Low.TokensIn, f.Low.TokensOut)
	high, _ := client.Cost(m.prices(), model, f.High.TokensIn, f.High.TokensOut)
	if low != nil && high != nil {
		out.CostLow, out.CostHigh, out.Currency = *low, *high, currency
	} else {
		out.Basis = append(out.Basis, "No price is known for "+model+".")
	}
	return out, nil
}

// changedDocuments counts those that the baseline does not have, or has other
// bytes of, and those that are gone.
func changedDocuments(m *material) int {
	if m.baseline == nil {
		return len(m.documents)
	}
	n := 0
	now := map[string]bool{}
	for i := range m.documents {
		d := &m.documents[i]
		now[d.ID] = true
		if was := m.baseline.Document(d.ID); was == nil || was.SHA256 != d.SHA256 {
			n++
		}
	}
	for _, d := range m.baseline.Documents {
		if !now[d.ID] {
			n++
		}
	}
	return n
}

// upToDate reports whether an analysis would find nothing but what the current
// model says: the same documents, context, catalogs, analyst and versions.
func (s *Service) upToDate(m *material) bool {
	b := m.baseline
	if b == nil || b.Analysis.Incomplete != "" || len(m.unread) > 0 || changedDocuments(m) > 0 {
		return false
	}
	name := m.analyst(s.cfg.Model)
	model, promptsVersion := "", ""
	if name != analystBuiltin {
		model, promptsVersion = m.model(s.cfg.Model), s.prompts.Version()
	}
	catalogs := map[string]string{}
	for _, c := range m.catalogs {
		catalogs[c.ID] = c.Version()
	}
	return b.System == m.system.Name && b.Analysis.Analyst == name && b.Analysis.Model == model && b.Analysis.Prompts == promptsVersion &&
		b.Analysis.Patterns == s.library.Version() && b.Analysis.Version == s.cfg.Version && reflect.DeepEqual(b.Analysis.Catalogs, catalogs) &&
		sameContext(b.Context, m.context)
}

func sameContext(a, b *threatmodel.Context) bool {
	if a == nil || b == nil {
		return a == b
	}
	return reflect.DeepEqual(*a, *b)
}

// addEstimates sums estimates up.
func addEstimates(list []resource.Estimate) resource.Estimate {
	var sum resource.Estimate
	for _, e := range list {
		sum.ChangedDocuments += e.ChangedDocuments
		sum.CallsLow, sum.CallsHigh = sum.CallsLow+e.CallsLow, sum.CallsHigh+e.CallsHigh
		sum.TokensLow, sum.TokensHigh = sum.TokensLow+e.TokensLow, sum.TokensHigh+e.TokensHigh
		sum.CostLow, sum.CostHigh, sum.Currency = sum.CostLow+e.CostLow, sum.CostHigh+e.CostHigh, or(sum.Currency, e.Currency)
		for _, b := range e.Basis {
			if !slices.Contains(sum.Basis, b) && len(sum.Basis) < 20 {
				sum.Basis = append(sum.Basis, b)
			}
		}
	}
	return sum
}

// forPeople is the message of an error that callers may be told.
func forPeople(err error) (string, bool) {
	var told *Error
	if errors.As(err, &told) && told.Kind != KindUnavailable {
		return told.Message, true
	}
	return "", false
}
