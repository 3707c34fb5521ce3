package service

import (
	"context"

	"github.com/bartizan-security/bartizan/internal/postgres"
)

// Events that webhooks are called for.
const (
	eventAnalysisFinished = "analysis.finished"
	eventThreatDecided    = "threat.decided"
	eventBatchFinished    = "batch.finished"
	eventReviewDue        = "review.due"
	eventCheckpoint       = "audit.checkpoint"
	eventTest             = "webhook.test"
)

func (s *Service) publish(ctx context.Context, tx *postgres.Tx, event string, data any) error {
	return nil
}
