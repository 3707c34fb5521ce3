package client_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/bartizan-security/bartizan/pkg/client"
	"github.com/bartizan-security/bartizan/pkg/resource"
)

// broken lets the first requests fail: before they are done, or after.
type broken struct {
	mu    sync.Mutex
	first []fault
	seen  []string // Idempotency-Keys
}

type fault struct {
	status int
	header http.Header
	// done has the request be done, and its answer lost.
	done bool
	// cut breaks the connection instead of answering.
	cut bool
}

func (b *broken) around(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b.mu.Lock()
		b.seen = append(b.seen, r.Header.Get("Idempotency-Key"))
		var f *fault
		if len(b.first) > 0 {
			f, b.first = &b.first[0], b.first[1:]
		}
		b.mu.Unlock()
		if f == nil {
			next.ServeHTTP(w, r)
			return
		}
		if f.done {
			next.ServeHTTP(httptest.NewRecorder(), r)
		}
		if f.cut {
			panic(http.ErrAbortHandler)
		}
		for k, v := range f.header {
			w.Header()[k] = v
		}
		w.WriteHeader(f.status)
	})
}

// keys are the Idempotency-Keys of the requests so far, one a request.
func (b *broken) keys() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.seen)
}

// TestRequestsAreSentAgainWhereThatIsSafe holds what is tried again, and that
// what is tried again is done once.
func TestRequestsAreSentAgainWhereThatIsSafe(t *testing.T) {
	create := func(ctx context.Context, c *client.Client) error {
		_, err := c.CreateSystem(ctx, resource.NewSystem{Name: "Claims portal"})
		return err
	}
	read := func(ctx context.Context, c *client.Client) error {
		_, err := c.System(ctx, system)
		return err
	}
	edit := func(ctx context.Context, c *client.Client) error {
		_, err := c.UpdateSystem(ctx, system, resource.SystemEdit{Owner: new("me")}, 1)
		return err
	}
	purge := func(ctx context.Context, c *client.Client) error { return c.PurgeSystem(ctx, system) }
	after := func(s string) http.Header { return http.Header{"Retry-After": {s}} }
	for name, tt := range map[string]struct {
		do      func(context.Context, *client.Client) error
		faults  []fault
		status  int // of the error; 0 for none
		network bool
		tries   int
		wait    time.Duration
	}{
		"a read, the connection broken twice": {do: read, faults: []fault{{cut: true}, {cut: true}}, tries: 3},
		"a read, the gateway broken":          {do: read, faults: []fault{{status: 502}}, tries: 2},
		"a read, always broken":               {do: read, faults: []fault{{status: 503}, {status: 503}, {status: 503}}, status: 503, tries: 3},
		"a read, the server itself failed":    {do: read, faults: []fault{{status: 500}}, status: 500, tries: 1},
		"a read, too often":                   {do: read, faults: []fault{{status: 429, header: after("7")}}, tries: 2, wait: 7 * time.Second},
		"a read, a budget is used up":         {do: read, faults: []fault{{status: 429}}, status: 429, tries: 1},
		"a POST, broken before it was done":   {do: create, faults: []fault{{cut: true}}, tries: 2},
		"a POST, broken after it was done":    {do: create, faults: []fault{{cut: true, done: true}, {status: 504, done: true}}, tries: 3},
		"a PATCH, broken":                     {do: edit, faults: []fault{{cut: true}}, network: true, tries: 1},
		"a PATCH, not now":                    {do: edit, faults: []fault{{status: 503, header: after("1")}}, tries: 2, wait: time.Second},
		"a DELETE, broken after it was done":  {do: purge, faults: []fault{{cut: true, done: true}}, tries: 2},
		"a DELETE of what is not there":       {do: func(ctx context.Context, c *client.Client) error { _ = purge(ctx, c); return purge(ctx, c) }, status: 404, tries: 2},
		"Retry-After as a time":               {do: read, faults: []fault{{status: 503, header: http.Header{"Date": {"Sun, 01 Mar 2026 12:00:00 GMT"}, "Retry-After": {"Sun, 01 Mar 2026 12:01:30 GMT"}}}}, tries: 2, wait: 90 * time.Second},
		"a redirect is not followed":          {do: read, faults: []fault{{status: 302, header: http.Header{"Location": {"/elsewhere"}}}}, status: 302, tries: 1},
	} {
		t.Run(name, func(t *testing.T) {
			s := newServer()
			if strings.HasPrefix(name, "a DELETE") {
				s.created = 1
			}
			b := &broken{first: tt.faults}
			ts := s.listen(b.around)
			defer ts.Close()
			ts.Config.ErrorLog = nil
			var waits []time.Duration
			// A connection of its own for each request: Go's transport would
			// otherwise try a broken one again by itself.
			h := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
			err := tt.do(t.Context(), connect(ts.URL, &waits, client.WithRetries(2), client.WithHTTPClient(h)))
			var p *client.Problem
			switch {
			case tt.status != 0 && (!errors.As(err, &p) || p.Status != tt.status):
				t.Errorf("error %v, want status %d", err, tt.status)
			case tt.network && (err == nil || errors.As(err, &p)):
				t.Errorf("error %v, want one of the network", err)
			case tt.status == 0 && !tt.network && err != nil:
				t.Error(err)
			}
			keys := b.keys()
			if len(keys) != tt.tries {
				t.Errorf("%d tries, want %d", len(keys), tt.tries)
			}
			if strings.HasPrefix(name, "a POST") {
				if s.created != 1 {
					t.Errorf("done %d times", s.created)
				}
				if keys[0] == "" || keys[0] != keys[len(keys)-1] {
					t.Errorf("keys %q", keys)
				}
			}
			if tt.wait != 0 && (len(waits) != 1 || waits[0] < tt.wait) {
				t.Errorf("waited %v, want %v", waits, tt.wait)
			}
		})
	}
}

// TestWaitsGrow holds that retries give a server that is down time, and differ.
func TestWaitsGrow(t *testing.T) {
	b := &broken{first: []fault{{status: 503}, {status: 503}, {status: 503}, {status: 503}, {status: 503}, {status: 503}, {status: 503}}}
	ts := newServer().listen(b.around)
	defer ts.Close()
	var waits []time.Duration
	c := connect(ts.URL, &waits, client.WithRetries(7), client.WithBackoff(100*time.Millisecond, time.Second))
	if _, err := c.System(t.Context(), system); err != nil {
		t.Fatal(err)
	}
	for i, most := range []time.Duration{100, 200, 400, 800, 1000, 1000, 1000} {
		if most *= time.Millisecond; waits[i] < most/2 || waits[i] > most {
			t.Errorf("wait %d is %v, want %v to %v", i, waits[i], most/2, most)
		}
	}
}

func TestProblemsCanBeTold(t *testing.T) {
	ts := newServer().listen(nil)
	defer ts.Close()
	c := connect(ts.URL, nil)
	_, err := c.UpdateSystem(t.Context(), system, resource.SystemEdit{Owner: new("me")}, 9)
	if !client.IsKind(err, client.KindPrecondition) {
		t.Errorf("error %v", err)
	}
	_, err = c.CreateSystem(t.Context(), resource.NewSystem{})
	var p *client.Problem
	if !errors.As(err, &p) || p.Kind() != client.KindInvalid || len(p.Errors) == 0 || p.Errors[0].Pointer != "/name" || p.RequestID == "" {
		t.Fatalf("problem %+v", p)
	}
	if !strings.Contains(err.Error(), "POST /v1/systems: 422 Unprocessable Entity: ") || !strings.Contains(err.Error(), "/name") {
		t.Errorf("says %q", err)
	}
	other, err := client.New(ts.URL, "btz_wrong")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := other.Me(t.Context()); !client.IsKind(err, client.KindUnauthenticated) || strings.Contains(err.Error(), "btz_wrong") {
		t.Errorf("error %v", err)
	}
}

func TestAddressesThatAreNoneAreRefused(t *testing.T) {
	for _, address := range []string{"", "bartizan.example.com", "ftp://host", "https://user:pass@host", "https://host?x=1", "https://"} {
		if _, err := client.New(address, "t"); err == nil {
			t.Errorf("%q is taken", address)
		}
	}
	if _, err := client.New("https://host", ""); err == nil {
		t.Error("no token is taken")
	}
}

// TestListsAskForPageAfterPage holds that all items come, and no page that is
// not wanted.
func TestListsAskForPageAfterPage(t *testing.T) {
	b := &broken{}
	ts := newServer().listen(b.around)
	defer ts.Close()
	c := connect(ts.URL, nil)
	var names []string
	for s, err := range c.Systems(t.Context(), resource.SystemFilter{}) {
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, s.Name)
	}
	if fmt.Sprint(names) != "[System 1 System 2 System 3 System 4 System 5]" || len(b.keys()) != 3 {
		t.Errorf("%q in %d requests", names, len(b.keys()))
	}
	for range c.Systems(t.Context(), resource.SystemFilter{}) {
		break
	}
	if len(b.keys()) != 4 {
		t.Errorf("%d requests for one item", len(b.keys())-3)
	}
	b.first = []fault{{status: 400}}
	n := 0
	for _, err := range c.Systems(t.Context(), resource.SystemFilter{}) {
		if n++; err == nil {
			t.Error("no error")
		}
	}
	if n != 1 {
		t.Errorf("%d items after an error", n)
	}
}

// TestAnUploadIsAStream holds that documents arrive whole, and again where they
// can be read again.
func TestAnUploadIsAStream(t *testing.T) {
	big := strings.Repeat("line\n", 1<<18)
	for name, tt := range map[string]struct {
		file   client.File
		faults []fault
		fails  bool
	}{
		"a seeker":                   {file: client.File{Reference: "docs/a.md", Content: strings.NewReader(big)}},
		"a seeker, answer lost":      {file: client.File{Reference: "docs/a.md", Content: strings.NewReader(big)}, faults: []fault{{done: true, status: 502}}},
		"a seeker, not taken":        {file: client.File{Reference: "docs/a.md", Content: strings.NewReader(big)}, faults: []fault{{status: 503}}},
		"opened anew, not taken":     {file: client.File{Reference: "docs/a.md", Open: func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(big)), nil }}, faults: []fault{{status: 503}}},
		"a stream":                   {file: client.File{Reference: "docs/a.md", Content: io.MultiReader(strings.NewReader(big))}},
		"a stream is not sent again": {file: client.File{Reference: "docs/a.md", Content: io.MultiReader(strings.NewReader(big))}, faults: []fault{{status: 503}}, fails: true},
		"a file that cannot be read": {file: client.File{Reference: "docs/a.md", Open: func() (io.ReadCloser, error) { return nil, errors.New("permission denied") }}, fails: true},
	} {
		t.Run(name, func(t *testing.T) {
			s := newServer()
			b := &broken{first: tt.faults}
			ts := s.listen(b.around)
			defer ts.Close()
			got, err := connect(ts.URL, nil, client.WithRetries(2)).Upload(t.Context(), system, client.UploadOptions{}, tt.file)
			if tt.fails {
				if err == nil || s.created != 0 {
					t.Errorf("error %v, done %d times", err, s.created)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if s.received["docs/a.md"] != big || s.created != 1 || got.Documents[0].Document.Name != "a.md" || got.Analysis.ID != analysis {
				t.Errorf("%d bytes received, done %d times: %+v", len(s.received["docs/a.md"]), s.created, got)
			}
		})
	}
}

func TestADownloadThatIsCutIsAnError(t *testing.T) {
	ts := newServer().listen(nil)
	defer ts.Close()
	body, err := connect(ts.URL, nil).Original(t.Context(), "rev_"+system[4:])
	if err != nil {
		t.Fatal(err)
	}
	defer body.Close()
	if raw, err := io.ReadAll(body); err == nil {
		t.Errorf("%d bytes of a million look whole", len(raw))
	}
}

// TestWaiting holds that an analysis is waited for by events, over broken
// connections, and without events.
func TestWaiting(t *testing.T) {
	t.Run("by events", func(t *testing.T) {
		ts := newServer().listen(nil)
		defer ts.Close()
		var seen []int64
		a, err := connect(ts.URL, nil).WaitForAnalysis(t.Context(), analysis, func(e client.Event) { seen = append(seen, e.ID) })
		if err != nil || a.State != resource.AnalysisDone || fmt.Sprint(seen) != "[1 2 3 4]" {
			t.Errorf("%+v %v, seen %v", a, err, seen)
		}
	})
	t.Run("over a connection that breaks", func(t *testing.T) {
		s := newServer()
		ts := s.listen(func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if strings.HasSuffix(r.URL.Path, "/events") {
					w = &shortWriter{ResponseWriter: w, events: 2}
				}
				next.ServeHTTP(w, r)
			})
		})
		defer ts.Close()
		var seen []int64
		a, err := connect(ts.URL, nil).WaitForAnalysis(t.Context(), analysis, func(e client.Event) { seen = append(seen, e.ID) })
		if err != nil || a.State != resource.AnalysisDone || fmt.Sprint(seen) != "[1 2 3 4]" {
			t.Errorf("%+v %v, seen %v", a, err, seen)
		}
	})
	t.Run("without events", func(t *testing.T) {
		s := newServer()
		s.silent = true
		ts := s.listen(nil)
		defer ts.Close()
		var waits []time.Duration
		a, err := connect(ts.URL, &waits, client.WithPollInterval(3*time.Second)).WaitForAnalysis(t.Context(), analysis, nil)
		if err != nil || a.State != resource.AnalysisDone || len(waits) == 0 || waits[0] != 3*time.Second {
			t.Errorf("%+v %v, waited %v", a, err, waits)
		}
	})
	t.Run("until somebody has enough", func(t *testing.T) {
		s := newServer()
		s.silent = true
		ts := s.listen(nil)
		defer ts.Close()
		ctx, stop := context.WithCancel(t.Context())
		c, err := client.New(ts.URL, "btz_example", client.WithSleep(func(context.Context, time.Duration) error { stop(); return ctx.Err() }))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.WaitForAnalysis(ctx, analysis, nil); !errors.Is(err, context.Canceled) {
			t.Errorf("error %v", err)
		}
	})
}

// shortWriter breaks the connection after some events.
type shortWriter struct {
	http.ResponseWriter
	events int
}

func (s *shortWriter) Unwrap() http.ResponseWriter { return s.ResponseWriter }

func (s *shortWriter) Write(p []byte) (int, error) {
	if strings.HasPrefix(string(p), "id: ") {
		if s.events == 0 {
			conn, _, err := http.NewResponseController(s.ResponseWriter).Hijack()
			if err != nil {
				return 0, err
			}
			conn.Close()
			return 0, net.ErrClosed
		}
		s.events--
	}
	return s.ResponseWriter.Write(p)
}

func TestAModelThatIsTheSameIsNotSentAgain(t *testing.T) {
	ts := newServer().listen(nil)
	defer ts.Close()
	c := connect(ts.URL, nil)
	m, info, err := c.Model(t.Context(), system, 0)
	if err != nil || m.System != "Claims portal" || info != (client.ModelInfo{Version: 7, SHA256: "abc"}) {
		t.Fatalf("%+v %+v %v", m, info, err)
	}
	if _, _, err := c.ModelUnless(t.Context(), system, "abc"); !errors.Is(err, client.ErrNotModified) {
		t.Errorf("error %v", err)
	}
}
