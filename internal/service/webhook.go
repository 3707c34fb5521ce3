package service

import (
	"context"

	"github.com/google/uuid"

	"github.com/bartizan-security/bartizan/pkg/resource"
)

// Webhooks lists webhooks, newest first. Scope admin.
func (s *Service) Webhooks(ctx context.Context, a Actor, list resource.List) (resource.Page[resource.Webhook], error) {
	return resource.Page[resource.Webhook]{}, errNotBuilt
}

// Webhook is one webhook. Scope admin.
func (s *Service) Webhook(ctx context.Context, a Actor, id uuid.UUID) (resource.Webhook, error) {
	return resource.Webhook{}, errNotBuilt
}

// CreateWebhook makes a webhook; its secret is in this answer and nowhere
// else. Scope admin.
func (s *Service) CreateWebhook(ctx context.Context, a Actor, in resource.NewWebhook) (resource.Webhook, error) {
	return resource.Webhook{}, errNotBuilt
}

// UpdateWebhook changes a webhook. Scope admin.
func (s *Service) UpdateWebhook(ctx context.Context, a Actor, id uuid.UUID, edit resource.WebhookEdit, ifMatch int64) (resource.Webhook, error) {
	return resource.Webhook{}, errNotBuilt
}

// DeleteWebhook removes a webhook and its delivery log. Scope admin.
func (s *Service) DeleteWebhook(ctx context.Context, a Actor, id uuid.UUID) error {
	return errNotBuilt
}

// TestWebhook sends a message of the event webhook.test to one webhook. Scope
// admin.
func (s *Service) TestWebhook(ctx context.Context, a Actor, id uuid.UUID) (resource.Delivery, error) {
	return resource.Delivery{}, errNotBuilt
}

// Deliveries lists the messages to a webhook, newest first. Scope admin.
func (s *Service) Deliveries(ctx context.Context, a Actor, webhook uuid.UUID, list resource.List) (resource.Page[resource.Delivery], error) {
	return resource.Page[resource.Delivery]{}, errNotBuilt
}

// Delivery is one message. Scope admin.
func (s *Service) Delivery(ctx context.Context, a Actor, id uuid.UUID) (resource.Delivery, error) {
	return resource.Delivery{}, errNotBuilt
}

// Redeliver sends a message once more, under its old id. Scope admin.
func (s *Service) Redeliver(ctx context.Context, a Actor, delivery uuid.UUID) (resource.Delivery, error) {
	return resource.Delivery{}, errNotBuilt
}
