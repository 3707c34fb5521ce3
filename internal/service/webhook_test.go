package service_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/bartizan-security/bartizan/internal/identifier"
	"github.com/bartizan-security/bartizan/internal/service"
	"github.com/bartizan-security/bartizan/pkg/resource"
)

// receiver is a portal that is called back.
type receiver struct {
	*httptest.Server
	mu sync.Mutex
	// answers are the statuses of the next calls; 204 when they are used up.
	answers []int
	got     []call
}

type call struct {
	header http.Header
	body   string
}

func newReceiver(t *testing.T, answers ...int) *receiver {
	r := &receiver{answers: answers}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		body, _ := io.ReadAll(q.Body)
		r.mu.Lock()
		defer r.mu.Unlock()
		r.got = append(r.got, call{q.Header.Clone(), string(body)})
		status := http.StatusNoContent
		if len(r.answers) > 0 {
			status, r.answers = r.answers[0], r.answers[1:]
		}
		if status == http.StatusFound {
			w.Header().Set("Location", "/elsewhere")
		}
		w.WriteHeader(status)
		if status >= 400 {
			fmt.Fprint(w, "not now \x00 please")
		}
	}))
	t.Cleanup(r.Close)
	return r
}

func (r *receiver) calls() []call {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]call(nil), r.got...)
}

func toPrivate(c *service.Config) { c.WebhooksToPrivate = true }

// hook makes a webhook and a message to it.
func (b *bench) hook(url string) (resource.Webhook, uuid.UUID) {
	b.t.Helper()
	w, err := b.CreateWebhook(b.t.Context(), b.admin, resource.NewWebhook{URL: url, Events: []string{"*"}})
	b.must(err)
	d, err := b.TestWebhook(b.t.Context(), b.admin, key(b.t, identifier.Webhook, w.ID))
	b.must(err)
	return w, key(b.t, identifier.Delivery, d.ID)
}

func (b *bench) delivery(id uuid.UUID) resource.Delivery {
	b.t.Helper()
	d, err := b.Delivery(b.t.Context(), b.admin, id)
	b.must(err)
	return d
}

func (b *bench) waitingUntil(delivery uuid.UUID) *time.Time {
	b.t.Helper()
	var at *time.Time
	err := b.db.OwnerPool().QueryRow(b.t.Context(), "select max(not_before) from bartizan.backlog where subject = $1", delivery).Scan(&at)
	b.must(err)
	return at
}

// TestAMessageIsSigned holds the Standard Webhooks: id, time, and a signature
// over both and the body, with the secret that was shown once.
func TestAMessageIsSigned(t *testing.T) {
	b := newBench(t, toPrivate)
	r := newReceiver(t)
	hook, id := b.hook(r.URL)
	b.must(b.Deliver(t.Context(), b.admin.Organization, id))
	if len(r.calls()) != 1 {
		t.Fatalf("%d calls", len(r.calls()))
	}
	got := r.calls()[0]
	secret, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(hook.Secret, "whsec_"))
	b.must(err)
	mac := hmac.New(sha256.New, secret)
	fmt.Fprintf(mac, "%s.%s.%s", got.header.Get("webhook-id"), got.header.Get("webhook-timestamp"), got.body)
	if want := "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil)); got.header.Get("webhook-signature") != want {
		t.Errorf("signature %q, want %q", got.header.Get("webhook-signature"), want)
	}
	var body struct {
		Type      string
		Timestamp time.Time
		Data      map[string]string
	}
	b.must(json.Unmarshal([]byte(got.body), &body))
	if body.Type != "webhook.test" || body.Timestamp.IsZero() || body.Data["webhook"] != hook.ID {
		t.Errorf("body %s", got.body)
	}
	if d := b.delivery(id); d.State != "delivered" || d.Status != http.StatusNoContent || d.Attempts != 1 || d.DeliveredAt == nil {
		t.Errorf("the log says %+v", d)
	}
	again, err := b.Webhook(t.Context(), b.admin, key(t, identifier.Webhook, hook.ID))
	if b.must(err); again.Secret != "" {
		t.Error("the secret is shown a second time")
	}
	// What was delivered is not sent again.
	b.must(b.Deliver(t.Context(), b.admin.Organization, id))
	if len(r.calls()) != 1 {
		t.Error("it was sent twice")
	}
}

// TestAFailedMessageIsTriedAgain holds that each failure leads to a later try
// under the same id, with longer pauses, until it fails for good.
func TestAFailedMessageIsTriedAgain(t *testing.T) {
	b := newBench(t, toPrivate)
	r := newReceiver(t, 500, 302, 500, 500, 500, 500, 500, 500, 500)
	start := time.Now().Truncate(time.Second)
	b.setClock(start)
	_, id := b.hook(r.URL)
	var last time.Duration
	for i := range 9 {
		b.must(b.Deliver(t.Context(), b.admin.Organization, id))
		d := b.delivery(id)
		if d.Attempts != i+1 {
			t.Fatalf("%d attempts after %d tries", d.Attempts, i+1)
		}
		if i == 8 {
			if d.State != "failed" || d.NextAt != nil {
				t.Errorf("after the last try: %+v", d)
			}
			break
		}
		if d.State != "queued" || d.NextAt == nil || d.NextAt.Sub(start) <= last {
			t.Fatalf("after try %d: %+v; the pause must grow beyond %s", i+1, d, last)
		}
		last = d.NextAt.Sub(start)
		if strings.ContainsRune(d.Response, 0) {
			t.Error("the answer is kept with its control characters")
		}
	}
	calls := r.calls()
	if len(calls) != 9 {
		t.Fatalf("%d calls: a redirect must not be followed", len(calls))
	}
	for _, c := range calls {
		if c.header.Get("webhook-id") != calls[0].header.Get("webhook-id") || c.body != calls[0].body {
			t.Error("a repeated message is not the same message")
		}
	}
	_, err := b.Redeliver(t.Context(), b.admin, id)
	b.must(err)
	b.must(b.Deliver(t.Context(), b.admin.Organization, id))
	if d := b.delivery(id); d.State != "delivered" {
		t.Errorf("sent again by a person: %+v", d)
	}
}

// TestThePauseIsInTheBacklog holds that the next try waits for its time.
func TestThePauseIsInTheBacklog(t *testing.T) {
	b := newBench(t, toPrivate)
	r := newReceiver(t, 500)
	start := time.Now()
	_, id := b.hook(r.URL)
	_, err := b.db.OwnerPool().Exec(t.Context(), "delete from bartizan.backlog") // the worker took it
	b.must(err)
	b.must(b.Deliver(t.Context(), b.admin.Organization, id))
	if at := b.waitingUntil(id); at == nil || at.Before(start.Add(4*time.Second)) {
		t.Errorf("the next try waits until %v", at)
	}
}

// TestGoneSwitchesOff holds that a receiver which answers 410 is left alone.
func TestGoneSwitchesOff(t *testing.T) {
	b := newBench(t, toPrivate)
	r := newReceiver(t, http.StatusGone)
	hook, id := b.hook(r.URL)
	b.must(b.Deliver(t.Context(), b.admin.Organization, id))
	got, err := b.Webhook(t.Context(), b.admin, key(t, identifier.Webhook, hook.ID))
	b.must(err)
	if got.Enabled || b.delivery(id).State != "failed" {
		t.Errorf("enabled %v, %+v", got.Enabled, b.delivery(id))
	}
}

// TestNoPrivateAddressIsCalled holds that a webhook cannot reach into the
// server's own network: neither by an address, nor by a name that leads there.
func TestNoPrivateAddressIsCalled(t *testing.T) {
	b := newBench(t)
	for _, url := range []string{
		"https://127.0.0.1/x", "https://10.1.2.3/", "https://[::1]/", "https://169.254.169.254/latest", "https://[::ffff:10.0.0.1]/",
		"https://100.64.0.1/", "https://[64:ff9b::a00:1]/", "https://0.0.0.0/", "http://example.com/", "ftp://example.com", "https://u:p@example.com/", "nonsense", "https:///x",
	} {
		_, err := b.CreateWebhook(t.Context(), b.admin, resource.NewWebhook{URL: url, Events: []string{"*"}})
		var told *service.Error
		if !errors.As(err, &told) || told.Kind != service.KindInvalid || told.Pointer != "/url" {
			t.Errorf("%s: %v", url, err)
		}
	}
	// localhost is a name; what it resolves to is looked at when it is dialled.
	_, id := b.hook("https://localhost:1/")
	b.must(b.Deliver(t.Context(), b.admin.Organization, id))
	if d := b.delivery(id); d.State != "queued" || d.Status != 0 || !strings.Contains(d.Response, "private address") {
		t.Errorf("%+v", d)
	}
}

func TestUnknownEventsAreRefused(t *testing.T) {
	b := newBench(t)
	_, err := b.CreateWebhook(t.Context(), b.admin, resource.NewWebhook{URL: "https://example.com/", Events: []string{"analysis.began"}})
	var told *service.Error
	if !errors.As(err, &told) || told.Pointer != "/events/0" || !strings.Contains(told.Message, "analysis.finished") {
		t.Errorf("%v", err)
	}
}
