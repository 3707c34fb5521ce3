package service

import (
	"context"

	"github.com/google/uuid"

	"github.com/bartizan-security/bartizan/pkg/resource"
)

// CreateBatch plans a re-analysis of the systems that the selector names: the
// estimate comes in the background. Scope write, of the whole organization.
func (s *Service) CreateBatch(ctx context.Context, a Actor, in resource.NewBatch) (resource.Batch, error) {
	return resource.Batch{}, errNotBuilt
}

// StartBatch begins a batch that is planned. Scope write, of the whole
// organization.
func (s *Service) StartBatch(ctx context.Context, a Actor, id uuid.UUID) (resource.Batch, error) {
	return resource.Batch{}, errNotBuilt
}

// CancelBatch ends a batch; what was analysed stays. Scope write, of the
// whole organization.
func (s *Service) CancelBatch(ctx context.Context, a Actor, id uuid.UUID) (resource.Batch, error) {
	return resource.Batch{}, errNotBuilt
}

// Batch is one batch. Scope read, of the whole organization.
func (s *Service) Batch(ctx context.Context, a Actor, id uuid.UUID) (resource.Batch, error) {
	return resource.Batch{}, errNotBuilt
}

// Batches lists batches, newest first. Scope read, of the whole organization.
func (s *Service) Batches(ctx context.Context, a Actor, list resource.List) (resource.Page[resource.Batch], error) {
	return resource.Page[resource.Batch]{}, errNotBuilt
}

// BatchItems lists the systems of a batch by name. Scope read, of the whole
// organization.
func (s *Service) BatchItems(ctx context.Context, a Actor, batch uuid.UUID, list resource.List) (resource.Page[resource.BatchItem], error) {
	return resource.Page[resource.BatchItem]{}, errNotBuilt
}
