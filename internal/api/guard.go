package api

import (
	"errors"
	"net/http"
	"strings"

	"github.com/bartizan-security/bartizan/internal/service"
)

// guard lets nobody under /v1 without a valid token, not even to learn what is
// not there, and nobody more often than the rate allows.
func (s *server) guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/v1" && !strings.HasPrefix(r.URL.Path, "/v1/") {
			next.ServeHTTP(w, r)
			return
		}
		x := exchangeOf(r.Context())
		if err := s.identify(r, x); err != nil {
			s.fail(w, r, s.told(x, err))
			return
		}
		if p := s.buckets.take(w.Header(), x.actor.Token, s.cfg.Now()); p != nil {
			s.fail(w, r, p)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// told is the problem of an error; what stays inside is kept for the log.
func (s *server) told(x *exchange, err error) *problem {
	p := problemOf(err)
	if p.Status >= http.StatusInternalServerError {
		x.fault = err
	}
	return p
}

// identify finds out who asks.
func (s *server) identify(r *http.Request, x *exchange) error {
	if ticket := r.URL.Query().Get("ticket"); ticket != "" && isStream(r) {
		actor, err := s.tickets.redeem(ticket, r.URL.Path, s.cfg.Now())
		x.actor = actor
		return err
	}
	secret, err := bearer(r.Header)
	if err != nil {
		return err
	}
	actor, err := s.cfg.Service.Authenticate(r.Context(), secret)
	if err != nil {
		return unauthenticated(err)
	}
	x.actor, x.secret = actor, secret
	return nil
}

func isStream(r *http.Request) bool {
	return r.Method == http.MethodGet && strings.HasSuffix(r.URL.Path, "/events")
}

// bearer takes the token from the header (RFC 6750; the scheme is in any case).
func bearer(h http.Header) (string, error) {
	given := h.Values("Authorization")
	if len(given) == 0 {
		return "", newProblem(string(service.KindUnauthenticated), "a token is wanted: Authorization: Bearer btz_...")
	}
	scheme, secret, _ := strings.Cut(given[0], " ")
	secret = strings.TrimSpace(secret)
	if len(given) > 1 || !strings.EqualFold(scheme, "Bearer") || secret == "" || len(secret) > 512 || !isText(secret) {
		return "", badToken("the Authorization header holds no token: it must read Bearer btz_...")
	}
	return secret, nil
}

// unauthenticated answers a token that is not good with what RFC 6750 wants.
func unauthenticated(err error) error {
	var told *service.Error
	if errors.As(err, &told) && told.Kind == service.KindUnauthenticated {
		return badToken("the token is not valid: it is unknown, has expired, or was revoked")
	}
	return err
}

func badToken(detail string) *problem {
	p := newProblem(string(service.KindUnauthenticated), detail)
	p.header.Set("WWW-Authenticate", `Bearer realm="bartizan", error="invalid_token"`)
	return p
}
