package service

import (
	"context"

	"github.com/google/uuid"

	"github.com/bartizan-security/bartizan/pkg/resource"
)

// SearchPassages finds passages of current documents by words and meaning,
// best first; a nil system stands for all in the actor's reach. Scope read.
func (s *Service) SearchPassages(ctx context.Context, a Actor, query string, system *uuid.UUID, limit int) ([]resource.PassageHit, error) {
	return nil, errNotBuilt
}
