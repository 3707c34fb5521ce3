package api

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"

	"github.com/bartizan-security/bartizan/internal/identifier"
	"github.com/bartizan-security/bartizan/internal/service"
	"github.com/bartizan-security/bartizan/pkg/resource"
)

// WebhookPath leads to a webhook.
type WebhookPath struct {
	Webhook string `path:"webhook" maxLength:"40" doc:"Id of the webhook"`
}

func (p WebhookPath) id() (uuid.UUID, error) {
	return identified(identifier.Webhook, "webhook", p.Webhook)
}

// DeliveryPath leads to a delivery.
type DeliveryPath struct {
	Delivery string `path:"delivery" maxLength:"40" doc:"Id of the delivery: the webhook-id that the receiver saw"`
}

func (p DeliveryPath) id() (uuid.UUID, error) {
	return identified(identifier.Delivery, "delivery", p.Delivery)
}

func webhookVersion(v resource.Webhook) int64 { return v.Version }

func (s *server) webhooks(api huma.API) {
	register(s, api, operation{
		id: "listWebhooks", method: http.MethodGet, path: "/v1/webhooks", tag: tagWebhooks, scope: resource.ScopeAdmin, wide: true,
		summary: "List webhooks",
	}, func(ctx context.Context, a service.Actor, in *Paging) (*answer[resource.Page[resource.Webhook]], error) {
		return answerOf(s.cfg.Service.Webhooks(ctx, a, in.list()))
	})
	register(s, api, operation{
		id: "createWebhook", method: http.MethodPost, path: "/v1/webhooks", tag: tagWebhooks, scope: resource.ScopeAdmin, wide: true, status: http.StatusCreated,
		summary: "Make a webhook",
		text: "Messages are signed as Standard Webhooks has it: `webhook-id`, `webhook-timestamp`, `webhook-signature` (`v1,` and HMAC-SHA256 in base64 over id, time and body). The answer holds the secret, `whsec_...`, this once. " +
			"A message that is not taken with 2xx is sent again for a day. Private addresses are called only where the server allows it.",
	}, func(ctx context.Context, a service.Actor, in *struct{ Body resource.NewWebhook }) (*placed[resource.Webhook], error) {
		v, err := s.cfg.Service.CreateWebhook(ctx, a, in.Body)
		return placedOf(v, webhookVersion, "/v1/webhooks/"+v.ID, err)
	})
	s.webhook(api)
}

// webhook is about one.
func (s *server) webhook(api huma.API) {
	register(s, api, operation{
		id: "getWebhook", method: http.MethodGet, path: "/v1/webhooks/{webhook}", tag: tagWebhooks, scope: resource.ScopeAdmin, wide: true,
		summary: "Read a webhook",
	}, func(ctx context.Context, a service.Actor, in *WebhookPath) (*tagged[resource.Webhook], error) {
		id, err := in.id()
		if err != nil {
			return nil, err
		}
		v, err := s.cfg.Service.Webhook(ctx, a, id)
		return taggedOf(v, webhookVersion, err)
	})
	register(s, api, operation{
		id: "updateWebhook", method: http.MethodPatch, path: "/v1/webhooks/{webhook}", tag: tagWebhooks, scope: resource.ScopeAdmin, wide: true, edits: true,
		summary: "Change a webhook",
	}, func(ctx context.Context, a service.Actor, in *struct {
		WebhookPath
		Guarded
		Body resource.WebhookEdit
	},
	) (*tagged[resource.Webhook], error) {
		id, err := in.id()
		if err != nil {
			return nil, err
		}
		v, err := s.cfg.Service.UpdateWebhook(ctx, a, id, in.Body, in.version())
		return taggedOf(v, webhookVersion, err)
	})
	register(s, api, operation{
		id: "deleteWebhook", method: http.MethodDelete, path: "/v1/webhooks/{webhook}", tag: tagWebhooks, scope: resource.ScopeAdmin, wide: true,
		summary: "Delete a webhook", text: "With its delivery log.",
	}, func(ctx context.Context, a service.Actor, in *WebhookPath) (*nothing, error) {
		id, err := in.id()
		if err != nil {
			return nil, err
		}
		return nil, s.cfg.Service.DeleteWebhook(ctx, a, id)
	})
	register(s, api, operation{
		id: "testWebhook", method: http.MethodPost, path: "/v1/webhooks/{webhook}/test", tag: tagWebhooks, scope: resource.ScopeAdmin, wide: true, status: http.StatusAccepted,
		summary: "Send a test message", text: "Of the event `webhook.test`. See the delivery for what the receiver said.",
	}, func(ctx context.Context, a service.Actor, in *WebhookPath) (*placed[resource.Delivery], error) {
		id, err := in.id()
		if err != nil {
			return nil, err
		}
		v, err := s.cfg.Service.TestWebhook(ctx, a, id)
		return placedOf(v, nil, "/v1/deliveries/"+v.ID, err)
	})
	s.deliveries(api)
}

func (s *server) deliveries(api huma.API) {
	register(s, api, operation{
		id: "listDeliveries", method: http.MethodGet, path: "/v1/webhooks/{webhook}/deliveries", tag: tagWebhooks, scope: resource.ScopeAdmin, wide: true,
		summary: "List deliveries", text: "Newest first, for 30 days.",
	}, func(ctx context.Context, a service.Actor, in *struct {
		WebhookPath
		Paging
	},
	) (*answer[resource.Page[resource.Delivery]], error) {
		id, err := in.id()
		if err != nil {
			return nil, err
		}
		return answerOf(s.cfg.Service.Deliveries(ctx, a, id, in.list()))
	})
	register(s, api, operation{
		id: "getDelivery", method: http.MethodGet, path: "/v1/deliveries/{delivery}", tag: tagWebhooks, scope: resource.ScopeAdmin, wide: true,
		summary: "Read a delivery",
	}, func(ctx context.Context, a service.Actor, in *DeliveryPath) (*answer[resource.Delivery], error) {
		id, err := in.id()
		if err != nil {
			return nil, err
		}
		return answerOf(s.cfg.Service.Delivery(ctx, a, id))
	})
	register(s, api, operation{
		id: "redeliver", method: http.MethodPost, path: "/v1/deliveries/{delivery}/redeliver", tag: tagWebhooks, scope: resource.ScopeAdmin, wide: true, status: http.StatusAccepted,
		summary: "Send a message again", text: "Under its old id, by which the receiver knows that it is the same.",
	}, func(ctx context.Context, a service.Actor, in *DeliveryPath) (*placed[resource.Delivery], error) {
		id, err := in.id()
		if err != nil {
			return nil, err
		}
		v, err := s.cfg.Service.Redeliver(ctx, a, id)
		return placedOf(v, nil, "/v1/deliveries/"+v.ID, err)
	})
}
