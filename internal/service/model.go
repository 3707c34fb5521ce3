package service

import (
	"context"

	"github.com/google/uuid"

	"github.com/bartizan-security/bartizan/pkg/resource"
	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

// Model is a version of a system's model, 0 the current one, with the digest
// (SHA-256 in hexadecimal) of its JSON. Scope read.
func (s *Service) Model(ctx context.Context, a Actor, system uuid.UUID, version int64) (*threatmodel.Model, resource.ModelVersion, error) {
	return nil, resource.ModelVersion{}, errNotBuilt
}

// ModelVersions lists the versions of a system's model, newest first. Scope
// read.
func (s *Service) ModelVersions(ctx context.Context, a Actor, system uuid.UUID, list resource.List) (resource.Page[resource.ModelVersion], error) {
	return resource.Page[resource.ModelVersion]{}, errNotBuilt
}

// Changes tells how one version of the model differs from a later one; 0
// stands for the version before the later one, and for the newest. Scope
// read.
func (s *Service) Changes(ctx context.Context, a Actor, system uuid.UUID, from, to int64) (*threatmodel.Changes, error) {
	return nil, errNotBuilt
}

// Bundle is a version of the model, 0 the current one, with all decisions and
// the extracted texts of the documents that it cites, as the command line
// keeps them in a folder. A text that was purged is missing. Scope read.
func (s *Service) Bundle(ctx context.Context, a Actor, system uuid.UUID, version int64) (resource.Bundle, error) {
	return resource.Bundle{}, errNotBuilt
}

// Decisions are all decisions on a system's threats, in their order, as
// decisions.yaml holds them. Scope read.
func (s *Service) Decisions(ctx context.Context, a Actor, system uuid.UUID) ([]threatmodel.Decision, error) {
	return nil, errNotBuilt
}

// Import takes a model and decisions of the command line into a system that
// has no model, or on top of the model that it was made from. Scope write;
// with decisions, decide too.
func (s *Service) Import(ctx context.Context, a Actor, system uuid.UUID, in resource.Import) (resource.ModelVersion, error) {
	return resource.ModelVersion{}, errNotBuilt
}
