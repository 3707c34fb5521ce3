package service

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/bartizan-security/bartizan/internal/identifier"
	"github.com/bartizan-security/bartizan/internal/postgres"
	"github.com/bartizan-security/bartizan/internal/postgres/query"
	"github.com/bartizan-security/bartizan/pkg/resource"
)

const (
	// webhookSecretPrefix is the Standard Webhooks specification's.
	webhookSecretPrefix = "whsec_"
	webhookSecretBytes  = 32
)

// Webhooks lists webhooks, newest first. Scope admin.
func (s *Service) Webhooks(ctx context.Context, a Actor, list resource.List) (resource.Page[resource.Webhook], error) {
	p, err := readPage(list)
	if err := together(a.must(resource.ScopeAdmin), err); err != nil {
		return resource.Page[resource.Webhook]{}, err
	}
	var rows []query.Webhook
	err = s.tenant(ctx, a, func(tx *postgres.Tx) (err error) {
		rows, err = tx.Queries.Webhooks(ctx, p.before(), p.rows())
		return err
	})
	return pageOf(p, rows, webhookOf, func(r query.Webhook) cursor { return cursor{ID: r.ID} }), err
}

func webhookOf(r query.Webhook) resource.Webhook {
	return resource.Webhook{
		ID: identifier.String(identifier.Webhook, r.ID), URL: r.URL, Events: r.Events, Enabled: r.Enabled, Version: r.Version,
		CreatedAt: r.CreatedAt.UTC(), CreatedBy: r.CreatedBy,
	}
}

// Webhook is one webhook. Scope admin.
func (s *Service) Webhook(ctx context.Context, a Actor, id uuid.UUID) (resource.Webhook, error) {
	if err := a.must(resource.ScopeAdmin); err != nil {
		return resource.Webhook{}, err
	}
	var row query.Webhook
	err := s.tenant(ctx, a, func(tx *postgres.Tx) (err error) {
		row, err = tx.Queries.Webhook(ctx, id)
		return missing(err, "webhook")
	})
	return webhookOf(row), err
}

// CreateWebhook makes a webhook; its secret is in this answer and nowhere
// else. Scope admin.
func (s *Service) CreateWebhook(ctx context.Context, a Actor, in resource.NewWebhook) (resource.Webhook, error) {
	if err := together(a.must(resource.ScopeAdmin), s.checkWebhookURL(in.URL), checkEvents(in.Events)); err != nil {
		return resource.Webhook{}, err
	}
	secret := make([]byte, webhookSecretBytes)
	_, _ = rand.Read(secret) // never fails: see crypto/rand
	id := identifier.New()
	key, sealed := s.cfg.Keys.Seal(webhookPlace(id), secret)
	var out resource.Webhook
	err := s.tenant(ctx, a, func(tx *postgres.Tx) error {
		row, err := tx.InsertWebhook(ctx, query.InsertWebhookParams{
			ID: id, URL: in.URL, Secret: sealed, KeyID: key, Events: in.Events, Enabled: in.Enabled == nil || *in.Enabled, CreatedBy: a.Name,
		})
		if err != nil {
			return err
		}
		out = webhookOf(row)
		return tx.Audit(a.Name, "webhook.create", out.ID, out)
	})
	out.Secret = webhookSecretPrefix + base64.StdEncoding.EncodeToString(secret)
	return out, err
}

// webhookPlace binds a sealed secret to its row.
func webhookPlace(id uuid.UUID) string { return "webhook " + id.String() }

// UpdateWebhook changes a webhook. Scope admin.
func (s *Service) UpdateWebhook(ctx context.Context, a Actor, id uuid.UUID, edit resource.WebhookEdit, ifMatch int64) (resource.Webhook, error) {
	faults := []error{a.must(resource.ScopeAdmin)}
	if edit.URL != nil {
		faults = append(faults, s.checkWebhookURL(*edit.URL))
	}
	if edit.Events != nil {
		faults = append(faults, checkEvents(*edit.Events))
	}
	err := together(faults...)
	if err != nil {
		return resource.Webhook{}, err
	}
	var out resource.Webhook
	err = s.tenant(ctx, a, func(tx *postgres.Tx) error {
		row, err := tx.Queries.Webhook(ctx, id)
		if err != nil {
			return missing(err, "webhook")
		}
		if err := matches(ifMatch, row.Version, "webhook"); err != nil {
			return err
		}
		p := query.UpdateWebhookParams{ID: id, Version: row.Version, URL: row.URL, Events: row.Events, Enabled: row.Enabled}
		if edit.URL != nil {
			p.URL = *edit.URL
		}
		if edit.Events != nil {
			p.Events = *edit.Events
		}
		if edit.Enabled != nil {
			p.Enabled = *edit.Enabled
		}
		row, err = tx.Queries.UpdateWebhook(ctx, p)
		if err != nil {
			return changedMeanwhile(err, "webhook")
		}
		out = webhookOf(row)
		return tx.Audit(a.Name, "webhook.update", out.ID, out)
	})
	return out, err
}

// DeleteWebhook removes a webhook and its delivery log. Scope admin.
func (s *Service) DeleteWebhook(ctx context.Context, a Actor, id uuid.UUID) error {
	if err := a.must(resource.ScopeAdmin); err != nil {
		return err
	}
	return s.tenant(ctx, a, func(tx *postgres.Tx) error {
		n, err := tx.Queries.DeleteWebhook(ctx, id)
		if err != nil {
			return err
		}
		if n == 0 {
			return notFound("webhook")
		}
		return tx.Audit(a.Name, "webhook.delete", identifier.String(identifier.Webhook, id), nil)
	})
}

// TestWebhook sends a message of the event webhook.test to one webhook. Scope
// admin.
func (s *Service) TestWebhook(ctx context.Context, a Actor, id uuid.UUID) (resource.Delivery, error) {
	if err := a.must(resource.ScopeAdmin); err != nil {
		return resource.Delivery{}, err
	}
	var out resource.Delivery
	err := s.tenant(ctx, a, func(tx *postgres.Tx) error {
		hook, err := tx.Queries.Webhook(ctx, id)
		if err != nil {
			return missing(err, "webhook")
		}
		if !hook.Enabled {
			return &Error{Kind: KindConflict, Message: "the webhook is switched off: switch it on first"}
		}
		row, err := s.sendMessage(ctx, tx, id, eventTest, map[string]string{"webhook": identifier.String(identifier.Webhook, id)})
		if err != nil {
			return err
		}
		out = deliveryOf(row)
		return tx.Audit(a.Name, "webhook.test", identifier.String(identifier.Webhook, id), nil)
	})
	return out, err
}

// Deliveries lists the messages to a webhook, newest first. Scope admin.
func (s *Service) Deliveries(ctx context.Context, a Actor, webhook uuid.UUID, list resource.List) (resource.Page[resource.Delivery], error) {
	p, err := readPage(list)
	if err := together(a.must(resource.ScopeAdmin), err); err != nil {
		return resource.Page[resource.Delivery]{}, err
	}
	var rows []query.Delivery
	err = s.tenant(ctx, a, func(tx *postgres.Tx) error {
		if _, err := tx.Queries.Webhook(ctx, webhook); err != nil {
			return missing(err, "webhook")
		}
		rows, err = tx.Queries.Deliveries(ctx, query.DeliveriesParams{WebhookID: webhook, Before: p.before(), MaxRows: p.rows()})
		return err
	})
	return pageOf(p, rows, deliveryOf, func(r query.Delivery) cursor { return cursor{ID: r.ID} }), err
}

func deliveryOf(r query.Delivery) resource.Delivery {
	d := resource.Delivery{
		ID: identifier.String(identifier.Delivery, r.ID), Event: r.Event, State: r.State, Attempts: int(r.Attempts), Response: r.Response,
		CreatedAt: r.CreatedAt.UTC(), NextAt: utc(r.NextAt), DeliveredAt: utc(r.DeliveredAt),
	}
	if r.Status != nil {
		d.Status = int(*r.Status)
	}
	return d
}

// Delivery is one message. Scope admin.
func (s *Service) Delivery(ctx context.Context, a Actor, id uuid.UUID) (resource.Delivery, error) {
	if err := a.must(resource.ScopeAdmin); err != nil {
		return resource.Delivery{}, err
	}
	var row query.DeliveryRow
	err := s.tenant(ctx, a, func(tx *postgres.Tx) (err error) {
		row, err = tx.Queries.Delivery(ctx, id)
		return missing(err, "delivery")
	})
	return deliveryOf(row.Delivery), err
}

// Redeliver sends a message once more, under its old id. Scope admin.
func (s *Service) Redeliver(ctx context.Context, a Actor, delivery uuid.UUID) (resource.Delivery, error) {
	if err := a.must(resource.ScopeAdmin); err != nil {
		return resource.Delivery{}, err
	}
	var out resource.Delivery
	err := s.tenant(ctx, a, func(tx *postgres.Tx) error {
		row, err := tx.Queries.Delivery(ctx, delivery)
		if err != nil {
			return missing(err, "delivery")
		}
		if row.Delivery.State == deliveryQueued {
			return &Error{Kind: KindConflict, Message: "the message is on its way already"}
		}
		now := s.cfg.Now()
		again, err := tx.SetDelivery(ctx, query.SetDeliveryParams{ID: delivery, State: deliveryQueued, NextAt: &now})
		if err != nil {
			return err
		}
		out = deliveryOf(again)
		if err := tx.Enqueue(ctx, postgres.KindDeliver, delivery, postgres.PriorityPerson, now); err != nil {
			return err
		}
		return tx.Audit(a.Name, "webhook.redeliver", out.ID, nil)
	})
	return out, err
}

// checkWebhookURL refuses addresses that are none, or that would let a tenant
// reach into the network that the server stands in. Names are looked at when
// they are dialled: see publicOnly.
func (s *Service) checkWebhookURL(raw string) error {
	u, err := url.Parse(raw)
	switch {
	case err != nil || u.Host == "" || u.Hostname() == "":
		return invalid("/url", "it is no address such as https://portal.example.com/hooks/bartizan")
	case u.Scheme != "https" && (u.Scheme != "http" || !s.cfg.WebhooksToPrivate):
		return invalid("/url", "it must begin with https://")
	case u.User != nil:
		return invalid("/url", "it must not hold a user name or a password: messages are signed")
	case u.Fragment != "":
		return invalid("/url", "a part after # never reaches the server: leave it out")
	}
	if ip, err := netip.ParseAddr(strings.Trim(u.Hostname(), "[]")); err == nil && !s.cfg.WebhooksToPrivate && !public(ip) {
		return invalid("/url", "%s is a private address, which this server does not call", ip)
	}
	return nil
}

func checkEvents(events []string) error {
	if len(events) == 0 {
		return invalid("/events", "name at least one of %s; or * for all", strings.Join(webhookEvents, ", "))
	}
	var faults []error
	for i, e := range events {
		known := e == "*" || slices.Contains(webhookEvents, e)
		faults = append(faults, unless(known, invalid(fmt.Sprintf("/events/%d", i), "%q is none of %s; or * for all", e, strings.Join(webhookEvents, ", "))))
	}
	return together(faults...)
}
