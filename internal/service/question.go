package service

import (
	"context"

	"github.com/google/uuid"

	"github.com/bartizan-security/bartizan/pkg/resource"
)

// Questions are what the current model leaves open. Scope read.
func (s *Service) Questions(ctx context.Context, a Actor, system uuid.UUID) ([]resource.Question, error) {
	return nil, errNotBuilt
}

// Answers are those that people gave, newest first; the newest of a question
// counts. Scope read.
func (s *Service) Answers(ctx context.Context, a Actor, system uuid.UUID, list resource.List) (resource.Page[resource.Answer], error) {
	return resource.Page[resource.Answer]{}, errNotBuilt
}

// Answer answers a question of the current model; it becomes context, and an
// analysis is asked for. Scope write.
func (s *Service) Answer(ctx context.Context, a Actor, system uuid.UUID, question string, in resource.NewAnswer) (resource.Answer, error) {
	return resource.Answer{}, errNotBuilt
}
