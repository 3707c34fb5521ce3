package api

import (
	"errors"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/bartizan-security/bartizan/internal/service"
)

// harden tells browsers to make nothing of an answer but data.
func (s *server) harden(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Frame-Options", "DENY")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Cache-Control", "no-store")
		if r.TLS != nil {
			h.Set("Strict-Transport-Security", "max-age=31536000")
		}
		next.ServeHTTP(w, r)
	})
}

// What scripts of other origins may send and see.
const (
	corsMethods = "GET, POST, PUT, PATCH, DELETE"
	corsHeaders = "Authorization, Content-Type, Idempotency-Key, If-Match, If-None-Match, Last-Event-ID, X-Request-Id"
	corsExposed = "ETag, Location, RateLimit, RateLimit-Policy, Retry-After, X-Request-Id, Content-Disposition"
)

// cors lets scripts of the configured origins in. Tokens travel in a header
// that scripts set themselves, so no credentials of the browser are asked for.
func (s *server) cors(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if len(s.cfg.Origins) == 0 {
			next.ServeHTTP(w, r)
			return
		}
		w.Header().Add("Vary", "Origin")
		origin := r.Header.Get("Origin")
		if origin == "" || !slices.Contains(s.cfg.Origins, origin) {
			next.ServeHTTP(w, r)
			return
		}
		h := w.Header()
		h.Set("Access-Control-Allow-Origin", origin)
		h.Set("Access-Control-Expose-Headers", corsExposed)
		h.Set("Cross-Origin-Resource-Policy", "cross-origin")
		if r.Method == http.MethodOptions && r.Header.Get("Access-Control-Request-Method") != "" {
			h.Set("Access-Control-Allow-Methods", corsMethods)
			h.Set("Access-Control-Allow-Headers", corsHeaders)
			h.Set("Access-Control-Max-Age", "600")
			w.WriteHeader(http.StatusNoContent)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// readable refuses addresses that hold what no text of ours can hold: bytes
// that are no UTF-8, and NUL, which the database has no place for.
func (s *server) readable(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		query, err := url.ParseQuery(r.URL.RawQuery)
		ok := err == nil && isText(r.URL.Path)
		for name, values := range query {
			ok = ok && isText(name) && !slices.ContainsFunc(values, func(v string) bool { return !isText(v) })
		}
		if !ok {
			s.fail(w, r, newProblem(kindMalformed, "the address is not well-formed: it must be UTF-8 in percent encoding, without NUL"))
			return
		}
		next.ServeHTTP(w, r)
	})
}

func isText(s string) bool { return utf8.ValidString(s) && !strings.ContainsRune(s, 0) }

// patient waits for a body as long as a slow line needs, and not for one that
// does not come.
func (s *server) patient(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Body != nil && r.Body != http.NoBody {
			r.Body = &slowBody{ReadCloser: r.Body, control: http.NewResponseController(w), limits: s.cfg.Limits, begun: time.Now()}
		}
		next.ServeHTTP(w, r)
	})
}

// slowBody moves the connection's read deadline as bytes come. It uses the
// clock of the operating system, which is the one that deadlines go by.
type slowBody struct {
	io.ReadCloser
	control *http.ResponseController
	limits  Limits
	begun   time.Time
	got     int64
}

// Read implements io.Reader.
func (b *slowBody) Read(p []byte) (int, error) {
	due := b.limits.Grace + time.Duration(float64(b.got)/float64(b.limits.BytesPerSecond)*float64(time.Second))
	_ = b.control.SetReadDeadline(b.begun.Add(due)) // a recorder in tests has no connection
	n, err := b.ReadCloser.Read(p)
	b.got += int64(n)
	if errors.Is(err, io.EOF) {
		_ = b.control.SetReadDeadline(time.Time{}) // what the handler does afterwards takes its time
	}
	return n, err // after another error the deadline stays: nobody waits for the rest
}

// dispatch finds the route, and answers in our form where there is none.
func (s *server) dispatch() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, pattern := s.mux.Handler(r)
		if pattern != "" {
			_, exchangeOf(r.Context()).route, _ = strings.Cut(pattern, " ")
			s.mux.ServeHTTP(w, r)
			return
		}
		if allowed := s.allowed(r); len(allowed) > 0 {
			w.Header().Set("Allow", strings.Join(allowed, ", "))
			s.fail(w, r, newProblem(kindMethod, r.Method+" is not done here; "+strings.Join(allowed, ", ")+" is"))
			return
		}
		s.fail(w, r, newProblem(string(service.KindNotFound), "there is nothing at this address; /docs shows what there is"))
	})
}

// allowed are the methods that the address of a request is good for.
func (s *server) allowed(r *http.Request) []string {
	var out []string
	for _, m := range []string{http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete} {
		probe := &http.Request{Method: m, URL: r.URL, Host: r.Host}
		if _, pattern := s.mux.Handler(probe); pattern != "" {
			out = append(out, m)
		}
	}
	return out
}
