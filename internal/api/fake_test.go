package api_test

import (
	"context"
	"errors"
	"io"
	"iter"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/bartizan-security/bartizan/internal/api"
	"github.com/bartizan-security/bartizan/internal/identifier"
	"github.com/bartizan-security/bartizan/internal/service"
	"github.com/bartizan-security/bartizan/pkg/resource"
	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

// fake stands for the service where a test is about HTTP alone. A method that
// it does not have panics.
type fake struct {
	api.Service

	mu      sync.Mutex
	kept    map[string]*service.Remembered
	uploads []uploaded
	// calls counts what was done.
	calls atomic.Int64
	// during runs while a system is created.
	during func()
	// fail is the error of every use case.
	fail   error
	system resource.System
	events func(after int64) []resource.Event
	state  resource.AnalysisState
	ifSeen atomic.Int64
}

type uploaded struct {
	service.File
	bytes []byte
}

const goodToken = "btz_good"

var (
	fakeOrganization = uuid.MustParse("0196d0a0-0000-7000-8000-000000000001")
	fakeTokenID      = uuid.MustParse("0196d0a0-0000-7000-8000-000000000002")
	fakeSystem       = uuid.MustParse("0196d0a0-0000-7000-8000-000000000003")
	fakeAnalysis     = uuid.MustParse("0196d0a0-0000-7000-8000-000000000004")
)

var (
	systemID   = identifier.String(identifier.System, fakeSystem)
	analysisID = identifier.String(identifier.Analysis, fakeAnalysis)
)

func newFake() *fake {
	return &fake{
		kept:   map[string]*service.Remembered{},
		system: resource.System{ID: systemID, Name: "Portal", Labels: []string{}, Catalogs: []string{}, Version: 3},
		state:  resource.AnalysisRunning,
	}
}

func (f *fake) Authenticate(_ context.Context, secret string) (service.Actor, error) {
	if secret != goodToken {
		return service.Actor{}, &service.Error{Kind: service.KindUnauthenticated, Message: "no"}
	}
	return service.Actor{
		Organization: fakeOrganization, Token: fakeTokenID, Name: "tester", Role: resource.RoleAdmin,
		Scopes: []resource.Scope{resource.ScopeAdmin},
	}, nil
}

func (f *fake) CreateSystem(_ context.Context, _ service.Actor, in resource.NewSystem) (resource.System, error) {
	f.calls.Add(1)
	if f.during != nil {
		f.during()
	}
	v := f.system
	v.Name = in.Name
	return v, f.fail
}

func (f *fake) System(context.Context, service.Actor, uuid.UUID) (resource.System, error) {
	f.calls.Add(1)
	return f.system, f.fail
}

func (f *fake) UpdateSystem(_ context.Context, _ service.Actor, _ uuid.UUID, _ resource.SystemEdit, ifMatch int64) (resource.System, error) {
	f.calls.Add(1)
	f.ifSeen.Store(ifMatch)
	return f.system, f.fail
}

func (f *fake) Systems(context.Context, service.Actor, resource.SystemFilter, resource.List) (resource.Page[resource.System], error) {
	f.calls.Add(1)
	return resource.Page[resource.System]{Items: []resource.System{f.system}}, f.fail
}

func (f *fake) Upload(_ context.Context, _ service.Actor, _ uuid.UUID, files iter.Seq2[service.File, error], _ bool) (resource.Uploaded, error) {
	var got []uploaded
	for file, err := range files {
		if err != nil {
			return resource.Uploaded{}, err
		}
		b, err := io.ReadAll(file.Content)
		if err != nil {
			return resource.Uploaded{}, err
		}
		got = append(got, uploaded{file, b})
	}
	f.calls.Add(1)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.uploads = append(f.uploads, got...)
	return resource.Uploaded{Documents: []resource.Upload{}, Analysis: &resource.Analysis{ID: analysisID}}, f.fail
}

func (f *fake) Analysis(context.Context, service.Actor, uuid.UUID) (resource.Analysis, error) {
	return resource.Analysis{ID: analysisID, System: systemID, State: f.state}, f.fail
}

func (f *fake) Events(ctx context.Context, _ service.Actor, _ uuid.UUID, after int64) (<-chan resource.Event, error) {
	out := make(chan resource.Event)
	go func() {
		defer close(out)
		for _, e := range f.events(after) {
			select {
			case out <- e:
			case <-ctx.Done():
				return
			}
		}
		if !f.state.Final() {
			<-ctx.Done()
		}
	}()
	return out, nil
}

func (f *fake) Model(context.Context, service.Actor, uuid.UUID, int64) (*threatmodel.Model, resource.ModelVersion, error) {
	return &threatmodel.Model{SchemaVersion: threatmodel.SchemaVersion}, resource.ModelVersion{Number: 4, SHA256: "aa11"}, f.fail
}

func (f *fake) Import(_ context.Context, _ service.Actor, _ uuid.UUID, _ resource.Import) (resource.ModelVersion, error) {
	f.calls.Add(1)
	return resource.ModelVersion{Number: 1}, f.fail
}

func (f *fake) PutCatalog(_ context.Context, _ service.Actor, id string, yaml []byte, _ int64) (resource.Catalog, error) {
	f.calls.Add(1)
	return resource.Catalog{ID: id, Title: string(yaml), Own: true, Revision: 1}, f.fail
}

func (f *fake) ClaimRequest(_ context.Context, a service.Actor, key string, request []byte) (*service.Remembered, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	k := a.Token.String() + key
	if prior, ok := f.kept[k]; ok {
		return new(*prior), nil
	}
	f.kept[k] = &service.Remembered{Request: request}
	return nil, nil
}

func (f *fake) RememberAnswer(_ context.Context, a service.Actor, key string, answer service.Remembered) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	k := a.Token.String() + key
	if prior, ok := f.kept[k]; !ok || prior.Status != 0 {
		return errors.New("not claimed")
	}
	f.kept[k] = &answer
	return nil
}

func (f *fake) ForgetRequest(_ context.Context, a service.Actor, key string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.kept, a.Token.String()+key)
	return nil
}

// config is the least that the API wants.
func config(s api.Service) api.Config {
	return api.Config{
		Service: s, Log: slog.New(slog.DiscardHandler), Version: "test", Rate: api.Rate{PerMinute: -1},
		TicketKey: []byte("0123456789abcdef0123456789abcdef"),
	}
}

// serve answers over a real connection.
func serve(t *testing.T, cfg api.Config) *httptest.Server {
	t.Helper()
	server := httptest.NewServer(api.New(cfg))
	t.Cleanup(server.Close)
	return server
}

// call sends a request with the good token, unless the header says otherwise.
func call(t *testing.T, server *httptest.Server, method, path string, body io.Reader, header ...string) (*http.Response, []byte) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, server.URL+path, body)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+goodToken)
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
		if header[i+1] == "" {
			req.Header.Del(header[i])
		}
	}
	resp, err := server.Client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, raw
}

// moment is the time of tests.
var moment = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// closing tells when a stream's context has ended.
type closing struct {
	*fake
	gone chan struct{}
}

func (c closing) Events(ctx context.Context, a service.Actor, id uuid.UUID, after int64) (<-chan resource.Event, error) {
	context.AfterFunc(ctx, func() { close(c.gone) })
	return c.fake.Events(ctx, a, id, after)
}
