package client

import (
	"context"
	"iter"
	"net/http"

	"github.com/bartizan-security/bartizan/pkg/resource"
)

// CreateBatch plans a re-analysis of many systems, and starts it where asked.
func (c *Client) CreateBatch(ctx context.Context, in resource.NewBatch) (resource.Batch, error) {
	return post[resource.Batch](ctx, c, path("batches"), in)
}

// Batches lists batches, newest first.
func (c *Client) Batches(ctx context.Context) iter.Seq2[resource.Batch, error] {
	return pages[resource.Batch](ctx, c, path("batches"), nil)
}

// Batch is one batch.
func (c *Client) Batch(ctx context.Context, id string) (resource.Batch, error) {
	return get[resource.Batch](ctx, c, path("batches", id), nil)
}

// BatchItems lists the systems of a batch.
func (c *Client) BatchItems(ctx context.Context, id string) iter.Seq2[resource.BatchItem, error] {
	return pages[resource.BatchItem](ctx, c, path("batches", id, "items"), nil)
}

// StartBatch begins a batch that is planned.
func (c *Client) StartBatch(ctx context.Context, id string) (resource.Batch, error) {
	return post[resource.Batch](ctx, c, path("batches", id, "start"), nil)
}

// CancelBatch ends a batch.
func (c *Client) CancelBatch(ctx context.Context, id string) (resource.Batch, error) {
	return post[resource.Batch](ctx, c, path("batches", id, "cancel"), nil)
}

// Schedules lists schedules by name.
func (c *Client) Schedules(ctx context.Context) iter.Seq2[resource.Schedule, error] {
	return pages[resource.Schedule](ctx, c, path("schedules"), nil)
}

// Schedule is one schedule.
func (c *Client) Schedule(ctx context.Context, id string) (resource.Schedule, error) {
	return get[resource.Schedule](ctx, c, path("schedules", id), nil)
}

// CreateSchedule makes a schedule.
func (c *Client) CreateSchedule(ctx context.Context, in resource.NewSchedule) (resource.Schedule, error) {
	return post[resource.Schedule](ctx, c, path("schedules"), in)
}

// UpdateSchedule changes a schedule.
func (c *Client) UpdateSchedule(ctx context.Context, id string, edit resource.ScheduleEdit, version int64) (resource.Schedule, error) {
	return patch[resource.Schedule](ctx, c, path("schedules", id), edit, version)
}

// DeleteSchedule removes a schedule.
func (c *Client) DeleteSchedule(ctx context.Context, id string) error {
	return c.done(ctx, request{method: http.MethodDelete, path: path("schedules", id)})
}

// Webhooks lists webhooks, newest first.
func (c *Client) Webhooks(ctx context.Context) iter.Seq2[resource.Webhook, error] {
	return pages[resource.Webhook](ctx, c, path("webhooks"), nil)
}

// Webhook is one webhook.
func (c *Client) Webhook(ctx context.Context, id string) (resource.Webhook, error) {
	return get[resource.Webhook](ctx, c, path("webhooks", id), nil)
}

// CreateWebhook makes a webhook; its secret, which [Verify] wants, is in this
// answer and nowhere else.
func (c *Client) CreateWebhook(ctx context.Context, in resource.NewWebhook) (resource.Webhook, error) {
	return post[resource.Webhook](ctx, c, path("webhooks"), in)
}

// UpdateWebhook changes a webhook.
func (c *Client) UpdateWebhook(ctx context.Context, id string, edit resource.WebhookEdit, version int64) (resource.Webhook, error) {
	return patch[resource.Webhook](ctx, c, path("webhooks", id), edit, version)
}

// DeleteWebhook removes a webhook.
func (c *Client) DeleteWebhook(ctx context.Context, id string) error {
	return c.done(ctx, request{method: http.MethodDelete, path: path("webhooks", id)})
}

// TestWebhook has a test message sent.
func (c *Client) TestWebhook(ctx context.Context, id string) (resource.Delivery, error) {
	return post[resource.Delivery](ctx, c, path("webhooks", id, "test"), nil)
}

// Deliveries lists the messages to a webhook, newest first.
func (c *Client) Deliveries(ctx context.Context, webhook string) iter.Seq2[resource.Delivery, error] {
	return pages[resource.Delivery](ctx, c, path("webhooks", webhook, "deliveries"), nil)
}

// Delivery is one message.
func (c *Client) Delivery(ctx context.Context, id string) (resource.Delivery, error) {
	return get[resource.Delivery](ctx, c, path("deliveries", id), nil)
}

// Redeliver has a message sent again.
func (c *Client) Redeliver(ctx context.Context, id string) (resource.Delivery, error) {
	return post[resource.Delivery](ctx, c, path("deliveries", id, "redeliver"), nil)
}
