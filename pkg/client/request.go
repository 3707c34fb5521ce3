package client

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"net/url"
	"strconv"

	"github.com/bartizan-security/bartizan/pkg/resource"
)

// request is what is to be sent, once or more often.
type request struct {
	method, path string
	query        url.Values
	// body is sent as JSON where it is not nil and raw is.
	body any
	// raw makes the body anew for each try; it must not be called again where
	// once is true.
	raw         func() (io.ReadCloser, error)
	once        bool
	contentType string
	accept      string
	// version is sent as If-Match; 0 for none.
	version int64
	header  http.Header
}

// prepare makes what stays the same over all tries.
func (r *request) prepare() error {
	if r.header == nil {
		r.header = http.Header{}
	}
	if r.body != nil {
		raw, err := json.Marshal(r.body)
		if err != nil {
			return fmt.Errorf("writing the request %s %s: %w", r.method, r.path, err)
		}
		r.contentType = "application/json"
		r.raw = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(raw)), nil }
	}
	if r.contentType != "" {
		r.header.Set("Content-Type", r.contentType)
	}
	if r.accept == "" {
		r.accept = "application/json"
	}
	r.header.Set("Accept", r.accept)
	if r.version != 0 {
		r.header.Set("If-Match", strconv.Quote(strconv.FormatInt(r.version, 10)))
	}
	if r.method == http.MethodPost {
		r.header.Set("Idempotency-Key", rand.Text())
	}
	return nil
}

// safe reports whether the request may be sent again though it may have been
// done. A PATCH may not: with If-Match it would fail on its own success.
func (r *request) safe() bool { return r.method != http.MethodPatch && !r.once }

// send sends a request, again where that helps, and gives an answer of 2xx or
// 304, whose body the caller closes.
func (c *Client) send(ctx context.Context, r request) (*http.Response, error) {
	if err := r.prepare(); err != nil {
		return nil, err
	}
	lost := false // an earlier try may have been done
	for try := 0; ; try++ {
		resp, err := c.try(ctx, &r)
		if err == nil {
			return resp, nil
		}
		var p *Problem
		told := errors.As(err, &p)
		if told && lost && r.method == http.MethodDelete && p.Status == http.StatusNotFound {
			return &http.Response{StatusCode: http.StatusNoContent, Body: http.NoBody, Header: http.Header{}}, nil
		}
		if ctx.Err() != nil || try >= c.retries || !again(&r, p) {
			return nil, fmt.Errorf("%s %s: %w", r.method, r.path, err)
		}
		lost = lost || !told
		asked := c.wait(try, 0)
		if told {
			asked = c.wait(try, p.RetryAfter)
		}
		if err := c.sleep(ctx, asked); err != nil {
			return nil, fmt.Errorf("%s %s: %w", r.method, r.path, err)
		}
	}
}

// again reports whether sending once more may help. A nil problem is a network
// that failed: nobody knows what was done.
func again(r *request, p *Problem) bool {
	if r.once {
		return false
	}
	if p == nil {
		return r.safe()
	}
	switch p.Status {
	case http.StatusTooManyRequests:
		return p.RetryAfter > 0 // without it, a budget is used up: waiting seconds does not help
	case http.StatusServiceUnavailable:
		return true // not done
	case http.StatusBadGateway, http.StatusGatewayTimeout:
		return r.safe()
	case http.StatusConflict:
		return p.Kind() == KindUnderWay
	}
	return false
}

// try sends a request one time.
func (c *Client) try(ctx context.Context, r *request) (*http.Response, error) {
	var body io.ReadCloser
	if r.raw != nil {
		var err error
		if body, err = r.raw(); err != nil {
			return nil, err
		}
	}
	req, err := http.NewRequestWithContext(ctx, r.method, c.address(r.path, r.query), body)
	if err != nil {
		return nil, err
	}
	req.Header = r.header.Clone()
	req.Header.Set("Authorization", "Bearer "+c.token)
	req.Header.Set("User-Agent", c.agent)
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode/100 == 2 || resp.StatusCode == http.StatusNotModified {
		return resp, nil
	}
	defer drain(resp.Body)
	return nil, problemOf(resp)
}

// call sends a request and reads the answer as JSON.
func call[T any](ctx context.Context, c *Client, r request) (T, error) {
	var out T
	resp, err := c.send(ctx, r)
	if err != nil {
		return out, err
	}
	defer drain(resp.Body)
	if resp.StatusCode == http.StatusNoContent {
		return out, nil
	}
	if err := json.NewDecoder(resp.Body).Decode(&out); err != nil {
		return out, fmt.Errorf("reading the answer to %s %s: %w", r.method, r.path, err)
	}
	return out, nil
}

// nothing is an answer that says nothing.
type nothing struct{}

func (c *Client) done(ctx context.Context, r request) error {
	_, err := call[nothing](ctx, c, r)
	return err
}

func get[T any](ctx context.Context, c *Client, path string, query url.Values) (T, error) {
	return call[T](ctx, c, request{method: http.MethodGet, path: path, query: query})
}

func post[T any](ctx context.Context, c *Client, path string, body any) (T, error) {
	return call[T](ctx, c, request{method: http.MethodPost, path: path, body: body})
}

func patch[T any](ctx context.Context, c *Client, path string, body any, version int64) (T, error) {
	return call[T](ctx, c, request{method: http.MethodPatch, path: path, body: body, version: version})
}

// pages lists all items, asking for page after page as they are wanted. After
// an error there are no more.
func pages[T any](ctx context.Context, c *Client, path string, query url.Values) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		asked := url.Values{}
		for k, v := range query {
			asked[k] = v
		}
		for {
			page, err := get[resource.Page[T]](ctx, c, path, asked)
			if err != nil {
				var zero T
				yield(zero, err)
				return
			}
			for _, item := range page.Items {
				if !yield(item, nil) {
					return
				}
			}
			if page.Next == "" {
				return
			}
			asked.Set("cursor", page.Next)
		}
	}
}

// items reads a list that comes in one page.
func items[T any](ctx context.Context, c *Client, path string, query url.Values) ([]T, error) {
	page, err := get[resource.Page[T]](ctx, c, path, query)
	return page.Items, err
}

// values makes a query of names and values; empty values are left out.
func values(pairs ...string) url.Values {
	v := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			v.Set(pairs[i], pairs[i+1])
		}
	}
	return v
}
