package service

import (
	"context"

	"github.com/google/uuid"

	"github.com/bartizan-security/bartizan/pkg/resource"
)

// Events follows the events of an analysis or a batch, those after the given id
// first. The channel is closed when nothing more will come (the state is final)
// and when the context ends. Scope read.
func (s *Service) Events(ctx context.Context, a Actor, subject uuid.UUID, after int64) (<-chan resource.Event, error) {
	return nil, errNotBuilt
}

// Analyze asks for an analysis of the system's current documents. Where one
// is asked for and has not begun, that one is given. Scope write.
func (s *Service) Analyze(ctx context.Context, a Actor, system uuid.UUID, in resource.NewAnalysis) (resource.Analysis, error) {
	return resource.Analysis{}, errNotBuilt
}

// Analyses lists a system's analyses, newest first. Scope read.
func (s *Service) Analyses(ctx context.Context, a Actor, system uuid.UUID, list resource.List) (resource.Page[resource.Analysis], error) {
	return resource.Page[resource.Analysis]{}, errNotBuilt
}

// Analysis is one analysis. Scope read.
func (s *Service) Analysis(ctx context.Context, a Actor, id uuid.UUID) (resource.Analysis, error) {
	return resource.Analysis{}, errNotBuilt
}

// CancelAnalysis asks an analysis to stop; what was answered is kept. Scope
// write.
func (s *Service) CancelAnalysis(ctx context.Context, a Actor, id uuid.UUID) (resource.Analysis, error) {
	return resource.Analysis{}, errNotBuilt
}

// Estimate says what an analysis would cost; no model is asked. Scope read.
func (s *Service) Estimate(ctx context.Context, a Actor, system uuid.UUID, in resource.NewAnalysis) (resource.Estimate, error) {
	return resource.Estimate{}, errNotBuilt
}
