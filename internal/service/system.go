package service

import (
	"context"

	"github.com/google/uuid"

	"github.com/bartizan-security/bartizan/pkg/resource"
)

// Systems lists those in the actor's reach by name. Scope read.
func (s *Service) Systems(ctx context.Context, a Actor, filter resource.SystemFilter, list resource.List) (resource.Page[resource.System], error) {
	return resource.Page[resource.System]{}, errNotBuilt
}

// CreateSystem makes a system. Scope write, of the whole organization.
func (s *Service) CreateSystem(ctx context.Context, a Actor, in resource.NewSystem) (resource.System, error) {
	return resource.System{}, errNotBuilt
}

// System is one system. Scope read.
func (s *Service) System(ctx context.Context, a Actor, id uuid.UUID) (resource.System, error) {
	return resource.System{}, errNotBuilt
}

// UpdateSystem changes a system; a change of what analysis reads (context,
// criticality, classification, catalogs, analyst) asks for an analysis where
// there was one. Scope write.
func (s *Service) UpdateSystem(ctx context.Context, a Actor, id uuid.UUID, edit resource.SystemEdit, ifMatch int64) (resource.System, error) {
	return resource.System{}, errNotBuilt
}

// ArchiveSystem takes a system out of lists; nothing more is done on it.
// Scope write.
func (s *Service) ArchiveSystem(ctx context.Context, a Actor, id uuid.UUID) error {
	return errNotBuilt
}

// PurgeSystem removes all text of a system for good; hashes and events stay.
// Scope admin.
func (s *Service) PurgeSystem(ctx context.Context, a Actor, id uuid.UUID) error {
	return errNotBuilt
}
