package service

import (
	"context"

	"github.com/google/uuid"

	"github.com/bartizan-security/bartizan/pkg/resource"
)

// Threats lists the threats of the current models in the actor's reach. Scope
// read.
func (s *Service) Threats(ctx context.Context, a Actor, filter resource.ThreatFilter, list resource.List) (resource.Page[resource.Threat], error) {
	return resource.Page[resource.Threat]{}, errNotBuilt
}

// Threat is one threat by the system and its id in the model. Scope read.
func (s *Service) Threat(ctx context.Context, a Actor, system uuid.UUID, id string) (resource.Threat, error) {
	return resource.Threat{}, errNotBuilt
}

// Review lists the threats whose decision is to be looked at again; a nil
// system stands for all in the actor's reach. Scope read.
func (s *Service) Review(ctx context.Context, a Actor, system *uuid.UUID, list resource.List) (resource.Page[resource.Threat], error) {
	return resource.Page[resource.Threat]{}, errNotBuilt
}

// Decide records a decision, bound to the evidence that the threat rests on
// now. Scope decide.
func (s *Service) Decide(ctx context.Context, a Actor, system uuid.UUID, id string, in resource.Decision, ifMatch int64) (resource.Threat, error) {
	return resource.Threat{}, errNotBuilt
}

// EditThreat changes a person's part of a threat; a person's wording stays in
// later analyses. Scope write.
func (s *Service) EditThreat(ctx context.Context, a Actor, system uuid.UUID, id string, in resource.ThreatEdit, ifMatch int64) (resource.Threat, error) {
	return resource.Threat{}, errNotBuilt
}

// AddThreat adds a threat that a person found, on a quote of a current
// document. Scope write.
func (s *Service) AddThreat(ctx context.Context, a Actor, system uuid.UUID, in resource.NewThreat) (resource.Threat, error) {
	return resource.Threat{}, errNotBuilt
}
