package api_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/bartizan-security/bartizan/internal/api"
	"github.com/bartizan-security/bartizan/internal/extract"
	"github.com/bartizan-security/bartizan/internal/postgres"
	"github.com/bartizan-security/bartizan/internal/postgres/pgtest"
	"github.com/bartizan-security/bartizan/internal/service"
	"github.com/bartizan-security/bartizan/pkg/resource"
	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

func TestMain(m *testing.M) {
	extract.ChildIfAsked()
	os.Exit(m.Run())
}

// world is the API over the real service and database: an organization in which
// there is one of everything, a second system in it, and another organization.
type world struct {
	t       testing.TB
	server  *httptest.Server
	service *service.Service
	db      *postgres.DB
	// behind sees all rows, whoever's they are.
	behind *pgx.Conn

	// admin and stranger are tokens of the two organizations.
	admin, stranger string
	// ids are what the parameters of paths stand for, in the first
	// organization.
	ids map[string]string
	// other is the second system of the first organization, and neighbour a
	// token that is good for it alone.
	other, neighbour string
	// modelJSON is the current model of the first system.
	modelJSON []byte
	spec      map[string]endpoint
}

// marker stands in the names of all that the first organization has: whoever
// may not see it must not find this word.
const marker = "zanzibar"

func newWorld(t *testing.T) *world {
	t.Helper()
	urls := pgtest.New(t, postgres.Migrate)
	db, err := postgres.Open(t.Context(), postgres.Config{URL: urls.URL})
	must1(t, err)
	t.Cleanup(db.Close)
	s, err := service.New(service.Config{
		DB: db, Version: "test", TempDir: t.TempDir(), WebhooksToPrivate: true, Log: slog.New(slog.DiscardHandler),
	})
	must1(t, err)
	t.Cleanup(s.Close)
	cfg := config(s)
	cfg.TempDir, cfg.StreamFor = t.TempDir(), 300*time.Millisecond
	cfg.Log = slog.New(slog.NewTextHandler(faultLog{t}, &slog.HandlerOptions{Level: slog.LevelError}))
	specification, _ := readSpecification(t)
	w := &world{t: t, service: s, db: db, ids: map[string]string{}, spec: specification.endpoints()}
	w.behind, err = pgx.Connect(t.Context(), urls.AdminURL)
	must1(t, err)
	t.Cleanup(func() { _ = w.behind.Close(context.Background()) })
	w.server = httptest.NewServer(api.New(cfg))
	t.Cleanup(w.server.Close)
	w.admin, w.stranger = w.organization("acme"), w.organization("umbrella")
	w.furnish()
	return w
}

// faultLog fails a test whose server has a fault.
type faultLog struct{ t testing.TB }

func (l faultLog) Write(p []byte) (int, error) {
	l.t.Errorf("the server logs: %s", bytes.TrimSpace(p))
	return len(p), nil
}

func must1(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (w *world) organization(name string) string {
	w.t.Helper()
	_, err := w.service.CreateOrganization(w.t.Context(), name, "")
	must1(w.t, err)
	token, err := w.service.CreateFirstToken(w.t.Context(), name, "first")
	must1(w.t, err)
	return token.Secret
}

// furnish makes one of everything.
func (w *world) furnish() {
	w.ids["system"] = w.make("createSystem", `{"name":"`+marker+` portal","analyst":"builtin","labels":["`+marker+`"]}`)
	w.ids["member"] = w.make("createMember", `{"name":"`+marker+` Ada","email":"`+marker+`@example.com","role":"viewer"}`)
	w.ids["token"] = w.make("createToken", `{"name":"`+marker+` token","scopes":["read"]}`)
	w.ids["webhook"] = w.make("createWebhook", `{"url":"`+hole(w.t)+`/`+marker+`","events":["*"]}`)
	w.ids["schedule"] = w.make("createSchedule", `{"name":"`+marker+` nightly","cron":"0 3 * * *","selector":{"everything":true}}`)
	w.ids["catalog"] = marker
	w.expect(200, w.do(w.admin, "putCatalog", "", []byte(ownCatalog), "application/yaml"))
	uploaded := w.do(w.admin, "pushDocument", "", []byte(design()), "application/json")
	w.expect(202, uploaded)
	var up resource.Uploaded
	must1(w.t, json.Unmarshal(uploaded.body, &up))
	w.ids["document"], w.ids["revision"], w.ids["analysis"] = up.Documents[0].Document.ID, up.Documents[0].Document.Revision.ID, up.Analysis.ID
	w.drain()
	w.find()
	w.ids["delivery"] = w.make("testWebhook", "")
	w.ids["batch"] = w.make("createBatch", `{"selector":{"labels":["`+marker+`"]}}`)
	w.drain()
	keep := w.ids["system"]
	w.other = w.make("createSystem", `{"name":"neighbour","analyst":"builtin"}`)
	w.neighbour = w.token(resource.NewToken{Name: "neighbour", Scopes: []resource.Scope{"read", "write", "decide", "admin"}, System: w.other})
	w.ids["system"] = keep
}

// hole takes whatever is sent to it.
func hole(t testing.TB) string {
	ts := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	t.Cleanup(ts.Close)
	return ts.URL
}

// ownCatalog is a catalog of the organization's own.
const ownCatalog = "id: " + marker + "\ntitle: " + marker + " baseline\nedition: \"1\"\ncontrols:\n" +
	"  - id: Z-1\n    title: Access is granted by role\n    theme: Access\n    summary: Access to customer data is granted through a role that an owner approved.\n    design_visible: yes\n    look_for: [roles]\n"

// design states weaknesses, and leaves questions.
func design() string {
	text := "# " + marker + " portal\n\nThe portal takes orders of shops over the internet.\n\n## Parts\n\n" +
		"The Shop User calls the Order Gateway over HTTPS.\nThe Order Gateway stands inside the Shop Zone.\n\n" +
		"The Order Gateway calls the Price Service over plain HTTP between two data centres.\n\n" +
		"The Order Gateway writes orders to the Order Store.\nThe Order Store keeps customer addresses.\n\n" +
		"Changes in the Order Store are not logged by anything.\n\n" +
		"The Support Desk reads orders from the Order Store for callers.\nThe Support Desk uses one shared password for all agents.\n"
	raw, _ := json.Marshal(resource.NewDocument{Reference: marker + "/design.md", Name: "design.md", Text: text}) // cannot fail
	return string(raw)
}

// make does an operation that makes something, and gives its id.
func (w *world) make(id, body string) string {
	w.t.Helper()
	a := w.do(w.admin, id, "", []byte(body), "application/json")
	var made struct{ ID string }
	if a.status/100 != 2 || json.Unmarshal(a.body, &made) != nil || made.ID == "" {
		w.t.Fatalf("%s: %d %s", id, a.status, a.body)
	}
	return made.ID
}

// find looks up what the analysis made.
func (w *world) find() {
	w.t.Helper()
	var rev resource.Revision
	w.read("getRevision", &rev)
	if len(rev.Sources) == 0 {
		w.t.Fatalf("the document was not read: %+v", rev)
	}
	w.ids["source"] = rev.Sources[0].ID
	a := w.do(w.admin, "getModel", "", nil, "")
	w.expect(200, a)
	w.modelJSON = a.body
	var m threatmodel.Model
	must1(w.t, json.Unmarshal(a.body, &m))
	if len(m.Threats) == 0 || len(m.Questions) == 0 {
		w.t.Fatalf("%d threats and %d questions were found: one of each is wanted", len(m.Threats), len(m.Questions))
	}
	w.ids["threat"], w.ids["question"] = m.Threats[0].ID, m.Questions[0].ID
}

func (w *world) read(id string, v any) {
	w.t.Helper()
	a := w.do(w.admin, id, "", nil, "")
	w.expect(200, a)
	must1(w.t, json.Unmarshal(a.body, v))
}

// token makes a token of the first organization.
func (w *world) token(in resource.NewToken) string {
	w.t.Helper()
	raw, err := json.Marshal(in)
	must1(w.t, err)
	a := w.do(w.admin, "createToken", "", raw, "application/json")
	w.expect(201, a)
	var v resource.Token
	must1(w.t, json.Unmarshal(a.body, &v))
	return v.Secret
}

// answered is what came back.
type answered struct {
	id     string
	status int
	header http.Header
	body   []byte
	resp   *http.Response
}

func (w *world) expect(status int, a answered) {
	w.t.Helper()
	if a.status != status {
		w.t.Fatalf("%s: status %d, want %d: %s", a.id, a.status, status, a.body)
	}
}

// do sends the request of an operation, with the ids of the world in its path.
func (w *world) do(token, id, query string, body []byte, kind string, header ...string) answered {
	w.t.Helper()
	e, ok := w.spec[id]
	if !ok {
		w.t.Fatalf("there is no operation %s", id)
	}
	path := e.path
	for name, value := range w.ids {
		path = strings.ReplaceAll(path, "{"+name+"}", value)
	}
	if strings.Contains(path, "{") {
		w.t.Fatalf("%s: nothing is known to stand for %s", id, path)
	}
	if query != "" {
		path += "?" + query
	}
	ctx, stop := context.WithTimeout(w.t.Context(), time.Minute)
	defer stop()
	req, err := http.NewRequestWithContext(ctx, e.method, w.server.URL+path, bytes.NewReader(body))
	must1(w.t, err)
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	if kind != "" {
		req.Header.Set("Content-Type", kind)
	}
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := w.server.Client().Do(req)
	must1(w.t, err)
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	must1(w.t, err)
	return answered{id: id, status: resp.StatusCode, header: resp.Header, body: raw, resp: resp}
}

// drain works off the backlog, as workers do.
func (w *world) drain() {
	w.t.Helper()
	ctx, job := w.t.Context(), int64(0)
	for {
		var entries []postgres.Entry
		_, err := w.db.HandOver(ctx, postgres.Share{PerOrganization: 100, Total: 100}, func(_ context.Context, _ pgx.Tx, got []postgres.Entry) ([]int64, error) {
			entries = got
			jobs := make([]int64, len(got))
			for i := range got {
				job++
				jobs[i] = job
			}
			return jobs, nil
		})
		must1(w.t, err)
		if len(entries) == 0 {
			return
		}
		for i, e := range entries {
			w.work(e, job-int64(len(entries)-1-i))
		}
	}
}

func (w *world) work(e postgres.Entry, job int64) {
	w.t.Helper()
	ctx := w.t.Context()
	const holder = "test"
	mine, err := w.db.Claim(ctx, e, job, holder, time.Minute)
	must1(w.t, err)
	if !mine {
		return
	}
	switch e.Kind {
	case postgres.KindIngest:
		err = w.service.Ingest(ctx, e.Organization, e.Subject)
	case postgres.KindAnalyse:
		for done := false; !done && err == nil; {
			done, err = w.service.RunAnalysis(ctx, e.Organization, e.Subject, holder)
		}
	case postgres.KindBatch:
		err = w.service.StepBatch(ctx, e.Organization, e.Subject)
	case postgres.KindDeliver:
		err = w.service.Deliver(ctx, e.Organization, e.Subject)
	}
	var later *service.Later
	if errors.As(err, &later) {
		must1(w.t, w.db.PutBack(ctx, e, holder, time.Hour, ""))
		return
	}
	must1(w.t, err)
	must1(w.t, w.db.Finish(ctx, e, holder))
}

// rows is a digest of the rows of each table, without when tokens were last
// used: what was refused must leave them as they are.
func (w *world) rows() map[string]string {
	w.t.Helper()
	ctx := w.t.Context()
	tables, err := w.behind.Query(ctx, `select tablename from pg_tables where schemaname = 'bartizan' order by 1`)
	must1(w.t, err)
	names, err := pgx.CollectRows(tables, pgx.RowTo[string])
	must1(w.t, err)
	if len(names) < 20 {
		w.t.Fatalf("only the tables %q are there", names)
	}
	out := map[string]string{}
	for _, name := range names {
		var digest *string
		err := w.behind.QueryRow(ctx, fmt.Sprintf(`select md5(string_agg(line, '' order by line)) from
			(select md5((to_jsonb(t) - 'last_used_at')::text) line from bartizan.%s t) x`, pgx.Identifier{name}.Sanitize())).Scan(&digest)
		must1(w.t, err)
		if digest != nil {
			out[name] = *digest
		}
	}
	return out
}

// unchanged fails where rows are not as they were.
func (w *world) unchanged(before map[string]string, what string) {
	w.t.Helper()
	after := w.rows()
	for name := range after {
		if after[name] != before[name] {
			w.t.Errorf("%s changed the table %s", what, name)
		}
	}
	for name := range before {
		if _, ok := after[name]; !ok {
			w.t.Errorf("%s emptied the table %s", what, name)
		}
	}
}
