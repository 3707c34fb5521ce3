package api_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/bartizan-security/bartizan/internal/api"
	"github.com/bartizan-security/bartizan/internal/service"
	"github.com/bartizan-security/bartizan/pkg/resource"
)

// problemIn reads a problem and checks what holds for all of them.
func problemIn(t *testing.T, resp *http.Response, raw []byte) resource.Problem {
	t.Helper()
	if got := resp.Header.Get("Content-Type"); got != "application/problem+json" {
		t.Fatalf("%s %s: status %d with content type %q: %s", resp.Request.Method, resp.Request.URL, resp.StatusCode, got, raw)
	}
	var p resource.Problem
	if err := json.Unmarshal(raw, &p); err != nil {
		t.Fatalf("problem is no JSON: %v", err)
	}
	if p.Status != resp.StatusCode || !strings.HasPrefix(p.Type, resource.ProblemType) || p.Title == "" || p.Detail == "" {
		t.Errorf("problem is not whole: %s", raw)
	}
	if want := "urn:bartizan:request:" + resp.Header.Get("X-Request-Id"); p.Instance != want {
		t.Errorf("instance %q, want %q", p.Instance, want)
	}
	return p
}

// TestWhatIsWrongIsSaidAsAProblem holds status, kind and pointer of refusals.
func TestWhatIsWrongIsSaidAsAProblem(t *testing.T) {
	limits := api.Limits{Body: 2000}
	for name, tt := range map[string]struct {
		method, path, body string
		header             []string
		status             int
		kind               string
		field              string
	}{
		"no token":                  {method: "GET", path: "/v1/systems", header: []string{"Authorization", ""}, status: 401, kind: "unauthenticated"},
		"another scheme":            {method: "GET", path: "/v1/systems", header: []string{"Authorization", "Basic eDp5"}, status: 401, kind: "unauthenticated"},
		"an unknown token":          {method: "GET", path: "/v1/systems", header: []string{"Authorization", "Bearer btz_other"}, status: 401, kind: "unauthenticated"},
		"an unknown path, no token": {method: "GET", path: "/v1/nothing", header: []string{"Authorization", ""}, status: 401, kind: "unauthenticated"},
		"an unknown path":           {method: "GET", path: "/v1/nothing", status: 404, kind: "not_found"},
		"a path outside":            {method: "GET", path: "/nothing", header: []string{"Authorization", ""}, status: 404, kind: "not_found"},
		"another method":            {method: "PUT", path: "/v1/systems", status: 405, kind: "method"},
		"an id of another type":     {method: "GET", path: "/v1/systems/doc_123", status: 404, kind: "not_found"},
		"a parameter nobody knows":  {method: "GET", path: "/v1/systems?nonsense=1", status: 422, kind: "invalid", field: "nonsense"},
		"a limit out of range":      {method: "GET", path: "/v1/systems?limit=1000", status: 422, kind: "invalid", field: "limit"},
		"a limit that is none":      {method: "GET", path: "/v1/systems?limit=many", status: 422, kind: "invalid", field: "limit"},
		"a value not in the list":   {method: "GET", path: "/v1/threats?risk=huge", status: 422, kind: "invalid", field: "risk[0]"},
		"NUL in the address":        {method: "GET", path: "/v1/systems?q=a%00b", status: 400, kind: "malformed"},
		"no UTF-8 in the address":   {method: "GET", path: "/v1/systems?q=%ff", status: 400, kind: "malformed"},
		"no body":                   {method: "POST", path: "/v1/systems", status: 400, kind: "malformed"},
		"half a body":               {method: "POST", path: "/v1/systems", body: `{"name": "x`, status: 400, kind: "malformed"},
		"a body and more":           {method: "POST", path: "/v1/systems", body: `{"name": "x"} {}`, status: 400, kind: "malformed"},
		"a list for an object":      {method: "POST", path: "/v1/systems", body: `[1]`, status: 422, kind: "invalid"},
		"a field nobody knows":      {method: "POST", path: "/v1/systems", body: `{"name":"x","nom":"y"}`, status: 422, kind: "invalid", field: "/nom"},
		"a field of another type":   {method: "POST", path: "/v1/systems", body: `{"name":7}`, status: 422, kind: "invalid", field: "/name"},
		"a field in a list":         {method: "POST", path: "/v1/systems", body: `{"name":"x","labels":["a",7]}`, status: 422, kind: "invalid", field: "/labels/1"},
		"a field deep inside":       {method: "POST", path: "/v1/systems", body: `{"name":"x","context":{"data_classes":[{"name":"n","class":1}]}}`, status: 422, kind: "invalid", field: "/context/data_classes/0/class"},
		"a field that is missing":   {method: "POST", path: "/v1/systems", body: `{"owner":"x"}`, status: 422, kind: "invalid", field: "/name"},
		"a value out of the enum":   {method: "POST", path: "/v1/systems", body: `{"name":"x","criticality":"extreme"}`, status: 422, kind: "invalid", field: "/criticality"},
		"NUL in a body":             {method: "POST", path: "/v1/systems", body: `{"name":"a\u0000b"}`, status: 400, kind: "malformed"},
		"a form for JSON":           {method: "POST", path: "/v1/systems", body: `name=x`, header: []string{"Content-Type", "application/x-www-form-urlencoded"}, status: 415, kind: "media_type"},
		"a body that is too large":  {method: "POST", path: "/v1/systems", body: `{"name":"` + strings.Repeat("x", 3000) + `"}`, status: 413, kind: "too_large"},
		"an upload that is none":    {method: "POST", path: "/v1/systems/" + systemID + "/uploads", body: `{}`, status: 415, kind: "media_type"},
		"a key with line breaks":    {method: "POST", path: "/v1/systems", body: `{"name":"x"}`, header: []string{"Idempotency-Key", strings.Repeat("k", 300)}, status: 400, kind: "malformed"},
		"a model of another schema": {method: "POST", path: "/v1/systems/" + systemID + "/import", body: `{"model":{"schema_version":"9.0"}}`, status: 422, kind: "invalid", field: "/model/schema_version"},
		"a model that is none":      {method: "POST", path: "/v1/systems/" + systemID + "/import", body: `{"model":{"threats":7}}`, status: 400, kind: "malformed"},
		"no model":                  {method: "POST", path: "/v1/systems/" + systemID + "/import", body: `{}`, status: 422, kind: "invalid", field: "/model"},
		"a ticket to elsewhere":     {method: "POST", path: "/v1/tickets", body: `{"path":"/v1/systems"}`, status: 422, kind: "invalid", field: "/path"},
		"a last event that is none": {method: "GET", path: "/v1/analyses/" + analysisID + "/events", header: []string{"Last-Event-ID", "seven"}, status: 422, kind: "invalid", field: "Last-Event-ID"},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFake()
			cfg := config(f)
			cfg.Limits = limits
			var body *strings.Reader
			if tt.body != "" {
				body = strings.NewReader(tt.body)
			}
			resp, raw := do(t, serve(t, cfg), tt.method, tt.path, body, tt.header...)
			if resp.StatusCode != tt.status {
				t.Fatalf("status %d, want %d: %s", resp.StatusCode, tt.status, raw)
			}
			p := problemIn(t, resp, raw)
			if p.Type != resource.ProblemType+tt.kind {
				t.Errorf("type %q, want %q", p.Type, tt.kind)
			}
			if tt.field != "" && !names(p, tt.field) {
				t.Errorf("errors %+v do not name %q", p.Errors, tt.field)
			}
			if n := f.calls.Load(); n != 0 {
				t.Errorf("the service was called %d times", n)
			}
			if (tt.status == 401) != (resp.Header.Get("WWW-Authenticate") != "") {
				t.Errorf("WWW-Authenticate is %q", resp.Header.Get("WWW-Authenticate"))
			}
		})
	}
}

func do(t *testing.T, server *httptest.Server, method, path string, body *strings.Reader, header ...string) (*http.Response, []byte) {
	t.Helper()
	if body == nil {
		return call(t, server, method, path, nil, header...)
	}
	return call(t, server, method, path, body, header...)
}

func names(p resource.Problem, field string) bool {
	for _, e := range p.Errors {
		if e.Pointer == field || e.Parameter == field {
			return true
		}
	}
	return false
}

// TestErrorsOfTheServiceBecomeProblems holds the status of each kind, and that
// what is inside stays inside.
func TestErrorsOfTheServiceBecomeProblems(t *testing.T) {
	for kind, status := range map[service.Kind]int{
		service.KindNotFound: 404, service.KindForbidden: 403, service.KindInvalid: 422, service.KindConflict: 409,
		service.KindPrecondition: 412, service.KindTooLarge: 413, service.KindUnsupported: 415, service.KindLimited: 429, service.KindUnavailable: 503,
	} {
		f := newFake()
		f.fail = fmt.Errorf("reading: %w", &service.Error{Kind: kind, Pointer: "/name", Message: "because"})
		resp, raw := call(t, serve(t, config(f)), "GET", "/v1/systems/"+systemID, nil)
		if resp.StatusCode != status {
			t.Errorf("%s: status %d, want %d", kind, resp.StatusCode, status)
		}
		if p := problemIn(t, resp, raw); p.Type != resource.ProblemType+string(kind) || p.Detail != "because" || !names(p, "/name") {
			t.Errorf("%s: %s", kind, raw)
		}
	}
}

func TestFaultsStayInTheLog(t *testing.T) {
	for name, break_ := range map[string]func(*fake){
		"an error": func(f *fake) { f.fail = errors.New("password=hunter2 at 10.0.0.1") },
		"a panic":  func(f *fake) { f.during = func() { panic("password=hunter2 at 10.0.0.1") } },
	} {
		t.Run(name, func(t *testing.T) {
			var log lockedBuffer
			f := newFake()
			break_(f)
			cfg := config(f)
			cfg.Log = slog.New(slog.NewJSONHandler(&log, nil))
			resp, raw := call(t, serve(t, cfg), "POST", "/v1/systems", strings.NewReader(`{"name":"x"}`), "X-Request-Id", "from-the-portal-1")
			if resp.StatusCode != 500 {
				t.Fatalf("status %d", resp.StatusCode)
			}
			p := problemIn(t, resp, raw)
			if bytes.Contains(raw, []byte("hunter2")) {
				t.Errorf("the caller is told too much: %s", raw)
			}
			if p.Instance != "urn:bartizan:request:from-the-portal-1" {
				t.Errorf("instance %q does not lead to the log", p.Instance)
			}
			if got := log.String(); !strings.Contains(got, "hunter2") || !strings.Contains(got, "from-the-portal-1") {
				t.Errorf("the log does not tell: %s", got)
			}
		})
	}
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// TestRequestsAreLoggedAndCounted holds what operators rely on.
func TestRequestsAreLoggedAndCounted(t *testing.T) {
	var log lockedBuffer
	var mu sync.Mutex
	var seen []api.Observation
	cfg := config(newFake())
	cfg.Log = slog.New(slog.NewJSONHandler(&log, nil))
	cfg.Observe = func(o api.Observation) {
		mu.Lock()
		defer mu.Unlock()
		seen = append(seen, o)
	}
	server := serve(t, cfg)
	resp, _ := call(t, server, "GET", "/v1/systems/"+systemID, nil, "X-Request-Id", "bad id\twith space")
	call(t, server, "GET", "/nowhere", nil)
	server.Close() // all is logged now
	if id := resp.Header.Get("X-Request-Id"); len(id) != 36 {
		t.Errorf("X-Request-Id %q is not one of ours", id)
	}
	var line struct{ Request, Route, Organization, Token string }
	first, _, _ := strings.Cut(log.String(), "\n")
	if err := json.Unmarshal([]byte(first), &line); err != nil {
		t.Fatal(err)
	}
	if line.Route != "/v1/systems/{system}" || !strings.HasPrefix(line.Organization, "org_") || line.Request != resp.Header.Get("X-Request-Id") {
		t.Errorf("log line %s", first)
	}
	if strings.Contains(log.String(), goodToken) {
		t.Error("the log holds the token")
	}
	if len(seen) != 2 || seen[0].Route != "/v1/systems/{system}" || seen[0].Status != 200 || seen[1].Route != "" || seen[1].Status != 404 {
		t.Errorf("observed %+v", seen)
	}
}

func TestAnswersAreNothingButData(t *testing.T) {
	cfg := config(newFake())
	cfg.Origins = []string{"https://portal.example.com"}
	server := serve(t, cfg)
	resp, _ := call(t, server, "GET", "/v1/systems", nil, "Origin", "https://evil.example.com")
	for name, want := range map[string]string{
		"X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY", "Cache-Control": "no-store", "Referrer-Policy": "no-referrer",
		"Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'", "Access-Control-Allow-Origin": "",
	} {
		if got := resp.Header.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	resp, _ = call(t, server, "GET", "/v1/systems", nil, "Origin", "https://portal.example.com")
	if got := resp.Header.Get("Access-Control-Allow-Origin"); got != "https://portal.example.com" {
		t.Errorf("the portal is not let in: %q", got)
	}
	resp, _ = call(t, server, "OPTIONS", "/v1/systems", nil, "Origin", "https://portal.example.com", "Access-Control-Request-Method", "POST", "Authorization", "")
	if resp.StatusCode != 204 || !strings.Contains(resp.Header.Get("Access-Control-Allow-Headers"), "If-Match") {
		t.Errorf("preflight: %d %v", resp.StatusCode, resp.Header)
	}
}

func TestNobodyAsksMoreOftenThanTheRateAllows(t *testing.T) {
	now := moment
	var mu sync.Mutex
	cfg := config(newFake())
	cfg.Rate = api.Rate{PerMinute: 60, Burst: 3}
	cfg.Now = func() time.Time { mu.Lock(); defer mu.Unlock(); return now }
	server := serve(t, cfg)
	for i, left := range []string{"2", "1", "0"} {
		resp, _ := call(t, server, "GET", "/v1/systems", nil)
		if got := resp.Header.Get("RateLimit"); resp.StatusCode != 200 || !strings.HasPrefix(got, `"token";r=`+left+";t=") {
			t.Fatalf("request %d: %d %q", i, resp.StatusCode, got)
		}
		if got := resp.Header.Get("RateLimit-Policy"); got != `"token";q=60;w=60` {
			t.Errorf("policy %q", got)
		}
	}
	resp, raw := call(t, server, "GET", "/v1/systems", nil)
	if resp.StatusCode != 429 || resp.Header.Get("Retry-After") != "1" {
		t.Fatalf("status %d, Retry-After %q", resp.StatusCode, resp.Header.Get("Retry-After"))
	}
	problemIn(t, resp, raw)
	mu.Lock()
	now = now.Add(time.Second)
	mu.Unlock()
	if resp, _ := call(t, server, "GET", "/v1/systems", nil); resp.StatusCode != 200 {
		t.Errorf("after the wait: %d", resp.StatusCode)
	}
}

func TestIfMatchNamesTheVersion(t *testing.T) {
	for header, want := range map[string]int64{"": 0, "*": 0, `"7"`: 7, `W/"7"`: -1, `7`: -1, `"x"`: -1, `"07"`: -1, `"7", "8"`: -1} {
		f := newFake()
		f.ifSeen.Store(99)
		resp, raw := call(t, serve(t, config(f)), "PATCH", "/v1/systems/"+systemID, strings.NewReader(`{"owner":"me"}`), "If-Match", header)
		if resp.StatusCode != 200 || f.ifSeen.Load() != want {
			t.Errorf("If-Match %s: status %d, version %d, want %d: %s", header, resp.StatusCode, f.ifSeen.Load(), want, raw)
		}
		if got := resp.Header.Get("ETag"); got != `"3"` {
			t.Errorf("ETag %s", got)
		}
	}
}

func TestAModelThatIsTheSameIsNotSentAgain(t *testing.T) {
	server := serve(t, config(newFake()))
	path := "/v1/systems/" + systemID + "/model"
	resp, raw := call(t, server, "GET", path, nil)
	if resp.StatusCode != 200 || resp.Header.Get("ETag") != `"aa11"` || resp.Header.Get("Bartizan-Model-Version") != "4" || !bytes.Contains(raw, []byte(`"schema_version"`)) {
		t.Fatalf("%d %v %s", resp.StatusCode, resp.Header, raw)
	}
	resp, raw = call(t, server, "GET", path, nil, "If-None-Match", `"aa11"`)
	if resp.StatusCode != 304 || len(raw) != 0 || resp.Header.Get("ETag") != `"aa11"` {
		t.Errorf("%d %v %s", resp.StatusCode, resp.Header, raw)
	}
}

// TestABodyThatTrickles holds that a slow client does not keep a connection.
func TestABodyThatTrickles(t *testing.T) {
	f := newFake()
	cfg := config(f)
	cfg.Limits.Grace = 50 * time.Millisecond
	server := serve(t, cfg)
	conn, err := net.Dial("tcp", server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "POST /v1/systems HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{", goodToken)
	answer := make([]byte, 4096)
	n, err := conn.Read(answer) // the server, not this test, gives up
	if err != nil || !bytes.HasPrefix(answer[:n], []byte("HTTP/1.1 408 ")) {
		t.Fatalf("%v: %s", err, answer[:n])
	}
	if f.calls.Load() != 0 {
		t.Error("the service was called")
	}
}
