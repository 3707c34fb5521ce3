package api

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"strings"
	"sync"
	"time"

	"github.com/bartizan-security/bartizan/internal/service"
	"github.com/bartizan-security/bartizan/pkg/resource"
)

// ticketLife is how long a ticket waits to be used.
const ticketLife = time.Minute

// tickets lets those in who cannot send a header: a browser's EventSource. A
// ticket stands in an address, where logs keep it; so it opens one stream, once,
// within a minute, and can only read.
//
// It is not stored but signed. That it was used is remembered by the process
// that took it: of several behind one address each would take it once. A token
// that is revoked meanwhile still holds for what is left of the minute.
type tickets struct {
	key []byte

	mu   sync.Mutex
	used map[string]time.Time
}

func newTickets(key []byte) *tickets { return &tickets{key: key, used: map[string]time.Time{}} }

// claims is what a ticket says.
type claims struct {
	Actor   service.Actor `json:"a"`
	Path    string        `json:"p"`
	Expires time.Time     `json:"e"`
	Nonce   string        `json:"n"`
}

// issue makes a ticket for one stream, good for reading.
func (t *tickets) issue(a service.Actor, path string, now time.Time) (resource.Ticket, error) {
	a.Scopes = []resource.Scope{resource.ScopeRead}
	c := claims{Actor: a, Path: path, Expires: now.Add(ticketLife).UTC(), Nonce: rand.Text()}
	raw, err := json.Marshal(c)
	if err != nil {
		return resource.Ticket{}, err
	}
	body := base64.RawURLEncoding.EncodeToString(raw)
	ticket := body + "." + t.sign(body)
	return resource.Ticket{Ticket: ticket, URL: path + "?ticket=" + ticket, ExpiresAt: c.Expires}, nil
}

func (t *tickets) sign(body string) string {
	mac := hmac.New(sha256.New, t.key)
	mac.Write([]byte("bartizan ticket 1\n" + body))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// redeem takes a ticket for the stream at a path.
func (t *tickets) redeem(ticket, path string, now time.Time) (service.Actor, error) {
	body, mac, _ := strings.Cut(ticket, ".")
	// As text: decoders pass over line breaks, and a ticket has one form only.
	if !hmac.Equal([]byte(mac), []byte(t.sign(body))) {
		return service.Actor{}, badTicket()
	}
	raw, err := base64.RawURLEncoding.DecodeString(body)
	var c claims
	if err != nil || json.Unmarshal(raw, &c) != nil {
		return service.Actor{}, badTicket()
	}
	if c.Path != path || now.After(c.Expires) || !t.first(c, now) {
		return service.Actor{}, badTicket()
	}
	return c.Actor, nil
}

// first reports whether the ticket was not used before, and marks it.
func (t *tickets) first(c claims, now time.Time) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	for nonce, expires := range t.used {
		if now.After(expires) {
			delete(t.used, nonce)
		}
	}
	if _, used := t.used[c.Nonce]; used {
		return false
	}
	t.used[c.Nonce] = c.Expires
	return true
}

func badTicket() *problem {
	return badToken("the ticket is not valid: it is good for one stream, once, within a minute")
}
