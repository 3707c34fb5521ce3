package service

import (
	"context"

	"github.com/bartizan-security/bartizan/pkg/resource"
)

// SearchPassages finds passages of current documents by words and meaning,
// best first; system is empty for all in the actor's reach. Scope read.
func (s *Service) SearchPassages(ctx context.Context, a Actor, query, system string, limit int) ([]resource.PassageHit, error) {
	return nil, errNotBuilt
}
