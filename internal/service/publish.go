package service

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/bartizan-security/bartizan/internal/identifier"
	"github.com/bartizan-security/bartizan/internal/postgres"
	"github.com/bartizan-security/bartizan/internal/postgres/query"
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

// webhookEvents are those that a webhook may ask for.
var webhookEvents = []string{eventAnalysisFinished, eventThreatDecided, eventBatchFinished, eventReviewDue, eventCheckpoint, eventTest}

// message is what a webhook gets: the payload of the Standard Webhooks
// specification.
type message struct {
	Type      string    `json:"type"`
	Timestamp time.Time `json:"timestamp"`
	Data      any       `json:"data"`
}

// publish writes a message for each webhook that asked for the event, in the
// transaction in which it came about, and puts the deliveries into the backlog.
func (s *Service) publish(ctx context.Context, tx *postgres.Tx, event string, data any) error {
	to, err := tx.WebhooksFor(ctx, event)
	if err != nil {
		return fmt.Errorf("finding the webhooks for %s: %w", event, err)
	}
	for _, webhook := range to {
		if _, err := s.sendMessage(ctx, tx, webhook, event, data); err != nil {
			return err
		}
	}
	return nil
}

// sendMessage writes one message.
func (s *Service) sendMessage(ctx context.Context, tx *postgres.Tx, webhook uuid.UUID, event string, data any) (query.Delivery, error) {
	body, err := json.Marshal(message{Type: event, Timestamp: s.cfg.Now().UTC(), Data: data})
	if err != nil {
		return query.Delivery{}, fmt.Errorf("writing the message for %s: %w", event, err)
	}
	row, err := tx.InsertDelivery(ctx, query.InsertDeliveryParams{ID: identifier.New(), WebhookID: webhook, Event: event, Body: body})
	if err != nil {
		return row, fmt.Errorf("keeping the message for %s: %w", event, err)
	}
	return row, tx.Enqueue(ctx, postgres.KindDeliver, row.ID, postgres.PriorityUsual, time.Time{})
}
