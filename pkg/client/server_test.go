package client_test

import (
	"context"
	"fmt"
	"io"
	"iter"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/bartizan-security/bartizan/internal/api"
	"github.com/bartizan-security/bartizan/internal/identifier"
	"github.com/bartizan-security/bartizan/internal/service"
	"github.com/bartizan-security/bartizan/pkg/client"
	"github.com/bartizan-security/bartizan/pkg/resource"
	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

// server is the real API over a service of a few lines: one system, whose
// analysis is done after a few events.
type server struct {
	api.Service

	mu       sync.Mutex
	kept     map[string]*service.Remembered
	received map[string]string // documents by reference
	created  int
	told     int64 // events that were given
	final    bool
	// silent gives no events: the analysis is over when it was asked for
	// often enough.
	silent bool
	asked  int
}

var (
	system   = identifier.String(identifier.System, uuid.MustParse("0196d0a0-0000-7000-8000-000000000003"))
	analysis = identifier.String(identifier.Analysis, uuid.MustParse("0196d0a0-0000-7000-8000-000000000004"))
	at       = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
)

func newServer() *server {
	return &server{kept: map[string]*service.Remembered{}, received: map[string]string{}}
}

// listen serves over a real connection; around may break what it likes.
func (s *server) listen(around func(http.Handler) http.Handler) *httptest.Server {
	h := api.New(api.Config{
		Service: s, Log: slog.New(slog.DiscardHandler), Version: "test", Rate: api.Rate{PerMinute: -1},
		TicketKey: []byte("0123456789abcdef0123456789abcdef"),
	})
	if around != nil {
		h = around(h)
	}
	return httptest.NewServer(h)
}

func (s *server) Authenticate(_ context.Context, secret string) (service.Actor, error) {
	if secret != "btz_example" {
		return service.Actor{}, &service.Error{Kind: service.KindUnauthenticated, Message: "no"}
	}
	return service.Actor{Organization: uuid.UUID{15: 1}, Token: uuid.UUID{15: 2}, Name: "ci", Role: resource.RoleAdmin, Scopes: []resource.Scope{resource.ScopeAdmin}}, nil
}

func (s *server) System(context.Context, service.Actor, uuid.UUID) (resource.System, error) {
	return resource.System{ID: system, Name: "Claims portal", Version: 1}, nil
}

func (s *server) CreateSystem(_ context.Context, _ service.Actor, in resource.NewSystem) (resource.System, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.created++
	return resource.System{ID: system, Name: in.Name, Version: 1}, nil
}

func (s *server) UpdateSystem(_ context.Context, _ service.Actor, _ uuid.UUID, _ resource.SystemEdit, ifMatch int64) (resource.System, error) {
	if ifMatch != 0 && ifMatch != 1 {
		return resource.System{}, &service.Error{Kind: service.KindPrecondition, Message: "somebody else changed the system: read it again"}
	}
	return resource.System{ID: system, Version: 2}, nil
}

// Systems has 5 systems, two a page.
func (s *server) Systems(_ context.Context, _ service.Actor, _ resource.SystemFilter, list resource.List) (resource.Page[resource.System], error) {
	from, _ := strconv.Atoi(list.Cursor)
	var page resource.Page[resource.System]
	for n := from; n < 5 && len(page.Items) < 2; n++ {
		page.Items = append(page.Items, resource.System{ID: system, Name: fmt.Sprint("System ", n+1)})
	}
	if from+2 < 5 {
		page.Next = strconv.Itoa(from + 2)
	}
	return page, nil
}

func (s *server) ArchiveSystem(context.Context, service.Actor, uuid.UUID) error { return nil }

func (s *server) PurgeSystem(context.Context, service.Actor, uuid.UUID) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.created--
	if s.created < 0 {
		return &service.Error{Kind: service.KindNotFound, Message: "there is no such system"}
	}
	return nil
}

func (s *server) Upload(_ context.Context, _ service.Actor, _ uuid.UUID, files iter.Seq2[service.File, error], _ bool) (resource.Uploaded, error) {
	got := map[string]string{}
	var out resource.Uploaded
	for f, err := range files {
		if err != nil {
			return out, err
		}
		raw, err := io.ReadAll(f.Content)
		if err != nil {
			return out, err
		}
		got[f.Reference] = string(raw)
		out.Documents = append(out.Documents, resource.Upload{Document: resource.Document{Reference: f.Reference, Name: f.Name}, Change: "added"})
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for k, v := range got {
		s.received[k] = v
	}
	s.created++
	out.Analysis = &resource.Analysis{ID: analysis, System: system, State: resource.AnalysisQueued}
	return out, nil
}

func (s *server) Original(context.Context, service.Actor, uuid.UUID) (io.ReadCloser, resource.Revision, error) {
	return io.NopCloser(&endless{left: 100 << 10}), resource.Revision{Name: "x", Size: 1 << 20}, nil // gives less than it says
}

// endless gives some bytes.
type endless struct{ left int }

func (e *endless) Read(p []byte) (int, error) {
	if e.left == 0 {
		return 0, io.EOF
	}
	n := min(e.left, len(p))
	e.left -= n
	return n, nil
}

func (s *server) Analysis(context.Context, service.Actor, uuid.UUID) (resource.Analysis, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked++
	a := resource.Analysis{ID: analysis, System: system, State: resource.AnalysisRunning}
	if s.final || s.silent && s.asked > 3 {
		a.State, a.ModelVersion = resource.AnalysisDone, 1
	}
	return a, nil
}

// Events gives four, the last of which says that the analysis is done.
func (s *server) Events(ctx context.Context, _ service.Actor, _ uuid.UUID, after int64) (<-chan resource.Event, error) {
	if s.silent {
		return nil, &service.Error{Kind: service.KindUnsupported, Message: "there are no events"}
	}
	out := make(chan resource.Event)
	go func() {
		defer close(out)
		for id := after + 1; id <= 4; id++ {
			e := resource.Event{ID: id, Kind: "progress", At: at, Data: resource.Progress{Stage: "elicit", Done: int(id), Total: 3}}
			s.mu.Lock()
			s.told++
			if id == 4 {
				e.Kind, e.Data, s.final = "state", resource.Analysis{ID: analysis, State: resource.AnalysisDone}, true
			}
			s.mu.Unlock()
			select {
			case out <- e:
			case <-ctx.Done():
				return
			}
		}
	}()
	return out, nil
}

func (s *server) Threats(context.Context, service.Actor, resource.ThreatFilter, resource.List) (resource.Page[resource.Threat], error) {
	return resource.Page[resource.Threat]{Items: []resource.Threat{{System: system, Version: 3, Threat: threatmodel.Threat{
		ID: "T-7K2M9Q", Title: "Scans of claims can be read by every employee", Risk: threatmodel.High,
	}}}}, nil
}

func (s *server) Decide(_ context.Context, _ service.Actor, _ uuid.UUID, id string, in resource.Decision, ifMatch int64) (resource.Threat, error) {
	if ifMatch != 0 && ifMatch != 3 {
		return resource.Threat{}, &service.Error{Kind: service.KindPrecondition, Message: "the threat has changed: read it again"}
	}
	return resource.Threat{System: system, Version: 4, Threat: threatmodel.Threat{ID: id, Status: threatmodel.StatusAccepted}}, nil
}

func (s *server) Model(context.Context, service.Actor, uuid.UUID, int64) (*threatmodel.Model, resource.ModelVersion, error) {
	return &threatmodel.Model{SchemaVersion: threatmodel.SchemaVersion, System: "Claims portal"}, resource.ModelVersion{Number: 7, SHA256: "abc"}, nil
}

func (s *server) ClaimRequest(_ context.Context, _ service.Actor, key string, request []byte) (*service.Remembered, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if prior, ok := s.kept[key]; ok {
		return new(*prior), nil
	}
	s.kept[key] = &service.Remembered{Request: request}
	return nil, nil
}

func (s *server) RememberAnswer(_ context.Context, _ service.Actor, key string, answer service.Remembered) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.kept[key] = &answer
	return nil
}

func (s *server) ForgetRequest(_ context.Context, _ service.Actor, key string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.kept, key)
	return nil
}

// connect makes a client that does not wait, and notes how long it would have.
func connect(url string, waits *[]time.Duration, opts ...client.Option) *client.Client {
	opts = append([]client.Option{client.WithSleep(func(ctx context.Context, d time.Duration) error {
		if waits != nil {
			*waits = append(*waits, d)
		}
		return ctx.Err()
	})}, opts...)
	c, err := client.New(url, "btz_example", opts...)
	if err != nil {
		panic(err)
	}
	return c
}
