// Package client speaks to a Bartizan server from Go: systems, documents,
// analyses, threats, decisions, and everything else of its HTTP API, in the
// types of packages resource and threatmodel.
//
//	c, err := client.New("https://bartizan.example.com", os.Getenv("BARTIZAN_TOKEN"))
//	...
//	uploaded, err := c.Upload(ctx, system, client.UploadOptions{}, client.File{Reference: "docs/design.md", Open: open("docs/design.md")})
//	...
//	analysis, err := c.WaitForAnalysis(ctx, uploaded.Analysis.ID, nil)
//
// Requests that can be sent again without harm are, when the network or the
// server fails for a moment: those that only read, and every POST, which
// carries an Idempotency-Key. An error that the server tells is a [*Problem].
// Lists are iterators that ask for page after page.
//
// A Client is safe for concurrent use.
package client

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Client speaks to one server with one token.
type Client struct {
	base      *url.URL
	token     string
	http      *http.Client
	agent     string
	retries   int
	firstWait time.Duration
	mostWait  time.Duration
	poll      time.Duration
	sleep     func(ctx context.Context, d time.Duration) error
}

// Option changes a client that is being made.
type Option func(*Client)

// WithHTTPClient has requests go through another client, for its transport: a
// proxy, certificates, measuring. It should have no Timeout of its own, which
// would end uploads and streams; contexts bound requests.
func WithHTTPClient(h *http.Client) Option { return func(c *Client) { c.http = h } }

// WithRetries says how often a request is sent again, at most; 4 by default.
func WithRetries(n int) Option { return func(c *Client) { c.retries = n } }

// WithBackoff says how long is waited before the first retry, and at most; each
// wait is about twice the one before. A server's Retry-After counts for more.
func WithBackoff(first, most time.Duration) Option {
	return func(c *Client) { c.firstWait, c.mostWait = first, most }
}

// WithPollInterval says how often an analysis is asked after where events do
// not come through; every 2 seconds by default.
func WithPollInterval(d time.Duration) Option { return func(c *Client) { c.poll = d } }

// WithUserAgent names the caller in the server's and proxies' logs.
func WithUserAgent(s string) Option { return func(c *Client) { c.agent = s } }

// New makes a client of the server at an address, such as
// https://bartizan.example.com, that shows a token with every request.
func New(baseURL, token string, opts ...Option) (*Client, error) {
	u, err := url.Parse(strings.TrimSuffix(baseURL, "/"))
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, fmt.Errorf("%q is no address of a server: it must read https://host", baseURL)
	}
	if token == "" {
		return nil, errors.New("a token is wanted")
	}
	if u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return nil, errors.New("the address of the server must have no user, query or fragment")
	}
	c := &Client{
		base: u, token: token, agent: "bartizan-client-go", retries: 4,
		firstWait: 250 * time.Millisecond, mostWait: 20 * time.Second, poll: 2 * time.Second, sleep: sleep,
		http: &http.Client{},
	}
	for _, o := range opts {
		o(c)
	}
	// Redirects would carry the token elsewhere, and make a POST a GET.
	h := *c.http
	h.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	c.http = &h
	return c, nil
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// path joins segments, escaping each.
func path(segments ...string) string {
	var b strings.Builder
	b.WriteString("/v1")
	for _, s := range segments {
		b.WriteByte('/')
		b.WriteString(url.PathEscape(s))
	}
	return b.String()
}

// address is a path of the server with a query.
func (c *Client) address(path string, query url.Values) string {
	out := c.base.String() + path
	if len(query) > 0 {
		out += "?" + query.Encode()
	}
	return out
}

// wait is the pause before a retry: about twice the one before, and no two
// clients at the same time; at least what the server asked for.
func (c *Client) wait(try int, asked time.Duration) time.Duration {
	d := min(c.firstWait<<min(try, 20), c.mostWait)
	if d <= 0 {
		d = c.mostWait
	}
	return max(asked, d/2+rand.N(d/2+1))
}

// drain lets a connection be used again.
func drain(body io.ReadCloser) {
	_, _ = io.Copy(io.Discard, io.LimitReader(body, 64<<10)) // what is left is not wanted
	_ = body.Close()
}
