package service

import (
	"context"

	"github.com/bartizan-security/bartizan/pkg/resource"
	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

// Model is a version of a system's model, 0 the current one, with the digest
// (SHA-256 in hexadecimal) of its JSON. Scope read.
func (s *Service) Model(ctx context.Context, a Actor, system string, version int64) (*threatmodel.Model, resource.ModelVersion, error) {
	return nil, resource.ModelVersion{}, errNotBuilt
}

// ModelVersions lists the versions of a system's model, newest first. Scope
// read.
func (s *Service) ModelVersions(ctx context.Context, a Actor, system string, list resource.List) (resource.Page[resource.ModelVersion], error) {
	return resource.Page[resource.ModelVersion]{}, errNotBuilt
}

// Changes tells how one version of the model differs from a later one; 0
// stands for the version before the later one, and for the newest. Scope
// read.
func (s *Service) Changes(ctx context.Context, a Actor, system string, from, to int64) (*threatmodel.Changes, error) {
	return nil, errNotBuilt
}

// Texts are the extracted texts that a version of the model quotes, by
// document id; 0 is the current version. A text that was purged is missing.
// Scope read.
func (s *Service) Texts(ctx context.Context, a Actor, system string, version int64) (map[string]string, error) {
	return nil, errNotBuilt
}

// Decisions are all decisions on a system's threats, in their order, as
// decisions.yaml holds them. Scope read.
func (s *Service) Decisions(ctx context.Context, a Actor, system string) ([]threatmodel.Decision, error) {
	return nil, errNotBuilt
}

// Import takes a model and decisions of the command line into a system that
// has no model, or on top of the model that it was made from. Scope write;
// with decisions, decide too.
func (s *Service) Import(ctx context.Context, a Actor, system string, in resource.Import) (resource.ModelVersion, error) {
	return resource.ModelVersion{}, errNotBuilt
}
