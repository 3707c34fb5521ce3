package api

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"runtime/debug"
	"time"

	"github.com/google/uuid"

	"github.com/bartizan-security/bartizan/internal/identifier"
	"github.com/bartizan-security/bartizan/internal/service"
)

// exchange is one request and its answer, as it is known while it is handled
// and logged when it is done.
type exchange struct {
	id    string
	route string
	actor service.Actor
	// secret is what the caller showed; empty for a ticket.
	secret string
	// fault is what callers are not told.
	fault error
}

type exchangeKey struct{}

func exchangeOf(ctx context.Context) *exchange {
	if x, ok := ctx.Value(exchangeKey{}).(*exchange); ok {
		return x
	}
	return &exchange{}
}

// Observation is what is known of a request once it is answered.
type Observation struct {
	Method string
	// Route is the pattern that matched, such as /v1/systems/{system}; empty
	// where none did.
	Route  string
	Status int
	Took   time.Duration
}

// envelope is around everything: it names the request, turns a panic into an
// answer, and logs.
func (s *server) envelope(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		begun := s.cfg.Now()
		x := &exchange{id: requestID(r.Header.Get("X-Request-Id"))}
		rec := &recorder{ResponseWriter: w}
		rec.Header().Set("X-Request-Id", x.id)
		r = r.WithContext(context.WithValue(r.Context(), exchangeKey{}, x))
		defer func() {
			if p := recover(); p != nil {
				if p == http.ErrAbortHandler {
					panic(p)
				}
				s.cfg.Log.ErrorContext(r.Context(), "panic while answering", "panic", p, "request", x.id, "stack", string(debug.Stack()))
				if rec.status != 0 {
					panic(http.ErrAbortHandler) // half an answer must not look like a whole one
				}
				s.fail(rec, r, newProblem(kindInternal, "the server failed; its log tells why under the id of this request"))
			}
			s.done(r, x, rec, s.cfg.Now().Sub(begun))
		}()
		next.ServeHTTP(rec, r)
	})
}

// requestID takes the caller's id where it is harmless in a log, else makes one.
func requestID(given string) string {
	if len(given) < 8 || len(given) > 128 {
		return uuid.NewString()
	}
	for _, c := range []byte(given) {
		ok := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '_' || c == '.' || c == ':'
		if !ok {
			return uuid.NewString()
		}
	}
	return given
}

func (s *server) done(r *http.Request, x *exchange, rec *recorder, took time.Duration) {
	status := rec.status
	if status == 0 {
		status = http.StatusOK
	}
	attrs := []slog.Attr{
		slog.String("request", x.id), slog.String("method", r.Method), slog.String("route", x.route),
		slog.Int("status", status), slog.Int64("bytes", rec.bytes), slog.Duration("took", took),
	}
	if x.actor.Organization != uuid.Nil {
		attrs = append(attrs, slog.String("organization", identifier.String(identifier.Organization, x.actor.Organization)),
			slog.String("token", identifier.String(identifier.Token, x.actor.Token)))
	}
	level := slog.LevelInfo
	if x.fault != nil {
		level = slog.LevelError
		attrs = append(attrs, slog.String("error", x.fault.Error()))
	}
	s.cfg.Log.LogAttrs(r.Context(), level, "request", attrs...)
	if s.cfg.Observe != nil {
		s.cfg.Observe(Observation{Method: r.Method, Route: x.route, Status: status, Took: took})
	}
}

// fail answers with a problem.
func (s *server) fail(w http.ResponseWriter, r *http.Request, p *problem) {
	for k, vs := range p.header {
		w.Header()[k] = vs
	}
	p.Instance = instance(exchangeOf(r.Context()).id)
	w.Header().Set("Content-Type", problemMediaType)
	w.WriteHeader(p.Status)
	_ = json.NewEncoder(w).Encode(p) // the caller may be gone; there is nobody else to tell
}

func instance(request string) string {
	if request == "" {
		return ""
	}
	return "urn:bartizan:request:" + request
}

// recorder notes what was answered.
type recorder struct {
	http.ResponseWriter
	status int
	bytes  int64
}

// WriteHeader implements http.ResponseWriter.
func (r *recorder) WriteHeader(status int) {
	if r.status == 0 && status >= 200 {
		r.status = status
	}
	r.ResponseWriter.WriteHeader(status)
}

// Write implements io.Writer.
func (r *recorder) Write(b []byte) (int, error) {
	if r.status == 0 {
		r.status = http.StatusOK
	}
	n, err := r.ResponseWriter.Write(b)
	r.bytes += int64(n)
	return n, err
}

// Unwrap lets http.ResponseController reach the connection.
func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }
