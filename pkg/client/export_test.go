package client

import (
	"context"
	"time"
)

// WithSleep replaces waiting in tests.
func WithSleep(f func(context.Context, time.Duration) error) Option {
	return func(c *Client) { c.sleep = f }
}
