package client

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/bartizan-security/bartizan/pkg/resource"
)

// Problem is an error that the server told.
type Problem struct {
	resource.Problem
	// RetryAfter is how long the server asked to wait; 0 where it did not.
	RetryAfter time.Duration
	// RequestID names the request; the server's log has the same id.
	RequestID string
}

// Kinds of problem, as [Problem.Kind] gives them. There are others.
const (
	KindUnauthenticated = "unauthenticated"
	KindForbidden       = "forbidden"
	KindNotFound        = "not_found"
	KindInvalid         = "invalid"
	KindConflict        = "conflict"
	KindPrecondition    = "precondition"
	KindTooLarge        = "too_large"
	KindUnsupported     = "unsupported"
	KindLimited         = "limited"
	KindRate            = "rate"
	KindUnderWay        = "under_way"
	KindUnavailable     = "unavailable"
	KindInternal        = "internal"
)

// Error implements error.
func (p *Problem) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d %s", p.Status, p.Title)
	if p.Detail != "" {
		b.WriteString(": " + p.Detail)
	}
	for _, e := range p.Errors {
		if where := e.Pointer + e.Parameter; where != "" && !strings.Contains(p.Detail, e.Detail) {
			fmt.Fprintf(&b, "; %s: %s", where, e.Detail)
		}
	}
	if p.RequestID != "" && p.Status >= http.StatusInternalServerError {
		fmt.Fprintf(&b, " (request %s)", p.RequestID)
	}
	return b.String()
}

// Kind is the kind of problem; empty for an answer that is not of Bartizan.
func (p *Problem) Kind() string {
	kind, ok := strings.CutPrefix(p.Type, resource.ProblemType)
	if !ok {
		return ""
	}
	return kind
}

// IsKind reports whether an error is a problem of a kind.
func IsKind(err error, kind string) bool {
	var p *Problem
	return errors.As(err, &p) && p.Kind() == kind
}

// problemOf reads a problem of an answer.
func problemOf(resp *http.Response) *Problem {
	p := &Problem{RetryAfter: retryAfter(resp.Header), RequestID: resp.Header.Get("X-Request-Id")}
	kind, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	if kind == "application/problem+json" {
		raw, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
		if err != nil || json.Unmarshal(raw, &p.Problem) != nil {
			p.Problem = resource.Problem{}
		}
	}
	p.Status = resp.StatusCode
	if p.Title == "" {
		p.Title = http.StatusText(resp.StatusCode)
	}
	return p
}

// retryAfter reads the header, in seconds or as a time.
func retryAfter(h http.Header) time.Duration {
	v := h.Get("Retry-After")
	if seconds, err := strconv.Atoi(v); err == nil && seconds > 0 {
		return time.Duration(seconds) * time.Second
	}
	if at, err := http.ParseTime(v); err == nil {
		from, err := http.ParseTime(h.Get("Date")) // the server's clock, which may not be ours
		if err != nil {
			from = time.Now()
		}
		return max(0, at.Sub(from))
	}
	return 0
}
