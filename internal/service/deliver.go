package service

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/google/uuid"

	"github.com/bartizan-security/bartizan/internal/identifier"
	"github.com/bartizan-security/bartizan/internal/postgres"
	"github.com/bartizan-security/bartizan/internal/postgres/query"
)

// States of a delivery.
const (
	deliveryQueued    = "queued"
	deliveryDelivered = "delivered"
	deliveryFailed    = "failed"
)

// deliveryPauses follow failed tries; after the last the message has failed. All
// together they span a day and a half.
var deliveryPauses = []time.Duration{
	5 * time.Second, time.Minute, 5 * time.Minute, 30 * time.Minute, 2 * time.Hour, 5 * time.Hour, 10 * time.Hour, 18 * time.Hour,
}

// keptResponse is how much of an answer the log of deliveries keeps, in bytes.
const keptResponse = 1024

// Deliver makes one try to deliver a message to a webhook. A failed try that
// will be repeated is no error: the next one is in the backlog. A message may
// arrive twice, under one id, where the answer to it was lost.
func (s *Service) Deliver(ctx context.Context, organization, delivery uuid.UUID) error {
	a := Worker(organization)
	var row query.DeliveryRow
	err := s.tenant(ctx, a, func(tx *postgres.Tx) (err error) {
		row, err = tx.Queries.Delivery(ctx, delivery)
		return err
	})
	switch {
	case errors.Is(err, postgres.ErrNoRows):
		return nil // the webhook was removed
	case err != nil:
		return err
	case row.Delivery.State != deliveryQueued:
		return nil
	}
	t := s.call(ctx, row)
	if ctx.Err() != nil {
		return ctx.Err() // no try that counts
	}
	return s.tenant(ctx, a, func(tx *postgres.Tx) error { return s.settleDelivery(ctx, tx, row, t) })
}

// try is what came of calling a webhook.
type try struct {
	// status is 0 where no answer came.
	status   int
	response string
}

func (t try) good() bool { return t.status >= 200 && t.status < 300 }

// settleDelivery writes down what came of a try, and asks for the next.
func (s *Service) settleDelivery(ctx context.Context, tx *postgres.Tx, row query.DeliveryRow, t try) error {
	d, now := row.Delivery, s.cfg.Now()
	p := query.SetDeliveryParams{ID: d.ID, State: deliveryFailed, Attempts: d.Attempts + 1, Response: t.response}
	if t.status != 0 {
		status := int32(t.status)
		p.Status = &status
	}
	hook := identifier.String(identifier.Webhook, row.Webhook.ID)
	switch {
	case t.good():
		p.State, p.DeliveredAt = deliveryDelivered, &now
	case t.status == http.StatusGone:
		// The receiver says that it wants no more.
		w := row.Webhook
		if _, err := tx.Queries.UpdateWebhook(ctx, query.UpdateWebhookParams{ID: w.ID, Version: w.Version, URL: w.URL, Events: w.Events}); err == nil {
			if err := tx.Audit(Worker(d.OrganizationID).Name, "webhook.disable", hook, map[string]string{"reason": "it answered 410 Gone"}); err != nil {
				return err
			}
		} else if !errors.Is(err, postgres.ErrNoRows) {
			return err
		}
	case row.Webhook.Enabled && int(d.Attempts) < len(deliveryPauses):
		next := now.Add(deliveryPauses[d.Attempts])
		p.State, p.NextAt = deliveryQueued, &next
		if err := tx.Enqueue(ctx, postgres.KindDeliver, d.ID, postgres.PriorityUsual, next); err != nil {
			return err
		}
	}
	if p.State == deliveryFailed {
		s.cfg.Log.Warn("a webhook was not reached", "webhook", hook, "event", d.Event, "attempts", p.Attempts, "status", t.status, "response", t.response)
	}
	_, err := tx.SetDelivery(ctx, p)
	return err
}

// call sends a message, signed as the Standard Webhooks specification says.
func (s *Service) call(ctx context.Context, row query.DeliveryRow) try {
	hook, d := row.Webhook, row.Delivery
	if !hook.Enabled {
		return try{response: "the webhook is switched off"}
	}
	secret, err := s.cfg.Keys.Open(webhookPlace(hook.ID), hook.KeyID, hook.Secret)
	if err != nil {
		return try{response: "the webhook's secret cannot be read: " + err.Error()}
	}
	ctx, cancel := context.WithTimeout(ctx, s.cfg.WebhookTimeout)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, hook.URL, bytes.NewReader(d.Body))
	if err != nil {
		return try{response: err.Error()}
	}
	id, at := identifier.String(identifier.Delivery, d.ID), strconv.FormatInt(s.cfg.Now().Unix(), 10)
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("User-Agent", "bartizan/"+s.cfg.Version)
	r.Header.Set("Webhook-Id", id)
	r.Header.Set("Webhook-Timestamp", at)
	r.Header.Set("Webhook-Signature", "v1,"+sign(secret, id, at, d.Body))
	answer, err := s.callback.Do(r)
	if err != nil {
		return try{response: cleanText([]byte(err.Error()))}
	}
	defer answer.Body.Close()
	body, _ := io.ReadAll(io.LimitReader(answer.Body, keptResponse)) // what came of it is enough
	t := try{status: answer.StatusCode, response: cleanText(body)}
	if t.status >= 300 && t.status < 400 {
		t.response = "it redirects, which is not followed: " + t.response
	}
	return t
}

// sign is the signature of a message: HMAC-SHA256 over id, time and body.
func sign(secret []byte, id, at string, body []byte) string {
	mac := hmac.New(sha256.New, secret)
	fmt.Fprintf(mac, "%s.%s.", id, at)
	mac.Write(body)
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// cleanText is text that a database takes, at most as long as is kept.
func cleanText(raw []byte) string {
	s := strings.ReplaceAll(strings.ToValidUTF8(string(raw), "?"), "\x00", "?")
	if len(s) > keptResponse {
		s = strings.ToValidUTF8(s[:keptResponse], "")
	}
	return s
}

// newCallback is the client that calls webhooks: over no proxy, along no
// redirect, and to public addresses only unless private ones are allowed.
func newCallback(toPrivate bool) *http.Client {
	dialer := &net.Dialer{Timeout: 10 * time.Second}
	if !toPrivate {
		dialer.Control = publicOnly
	}
	return &http.Client{
		Transport: &http.Transport{
			DialContext: dialer.DialContext, TLSHandshakeTimeout: 10 * time.Second, MaxIdleConns: 50, IdleConnTimeout: 30 * time.Second,
			MaxResponseHeaderBytes: 64 << 10, ForceAttemptHTTP2: true,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// publicOnly refuses to connect to an address that is not public. It is asked
// with the very address that is about to be dialled, so that a name which
// resolves to something else each time is of no help.
func publicOnly(_, address string, _ syscall.RawConn) error {
	to, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("webhook: %s is no address", address)
	}
	if !public(to.Addr()) {
		return fmt.Errorf("webhook: %s is a private address, which this server does not call", to.Addr())
	}
	return nil
}

// notPublic are ranges beside those that netip knows by name: RFC 6890 and the
// IANA special-purpose registries, with the ranges that carry an IPv4 address
// within an IPv6 one.
var notPublic = []netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"), netip.MustParsePrefix("100.64.0.0/10"), netip.MustParsePrefix("192.0.0.0/24"),
	netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("198.18.0.0/15"), netip.MustParsePrefix("198.51.100.0/24"),
	netip.MustParsePrefix("203.0.113.0/24"), netip.MustParsePrefix("240.0.0.0/4"), netip.MustParsePrefix("::/96"),
	netip.MustParsePrefix("64:ff9b::/96"), netip.MustParsePrefix("64:ff9b:1::/48"), netip.MustParsePrefix("100::/64"),
	netip.MustParsePrefix("2001::/23"), netip.MustParsePrefix("2001:db8::/32"), netip.MustParsePrefix("2002::/16"), netip.MustParsePrefix("fec0::/10"),
}

// public reports whether an address is one of the open internet.
func public(ip netip.Addr) bool {
	ip = ip.Unmap().WithZone("")
	if !ip.IsGlobalUnicast() || ip.IsPrivate() || ip.IsLoopback() || ip.IsLinkLocalUnicast() {
		return false
	}
	for _, p := range notPublic {
		if p.Contains(ip) {
			return false
		}
	}
	return true
}
