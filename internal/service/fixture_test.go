package service_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/bartizan-security/bartizan/internal/extract"
	"github.com/bartizan-security/bartizan/internal/identifier"
	"github.com/bartizan-security/bartizan/internal/llm/llmtest"
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

// bench is a service with one organization, and a worker that the test drives.
type bench struct {
	*service.Service
	t     testing.TB
	db    *postgres.DB
	admin service.Actor
	// now is the clock's time where the test has set one.
	mu  sync.Mutex
	now time.Time
	job int64
}

// newBench starts a service; change adapts its configuration.
func newBench(t testing.TB, change ...func(*service.Config)) *bench {
	t.Helper()
	urls := pgtest.New(t, postgres.Migrate)
	db, err := postgres.Open(t.Context(), postgres.Config{URL: urls.URL})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	b := &bench{t: t, db: db}
	cfg := service.Config{DB: db, Version: "test", TempDir: t.TempDir(), Now: b.clock, Log: slog.New(slog.NewTextHandler(testLog{t}, nil))}
	for _, c := range change {
		c(&cfg)
	}
	if b.Service, err = service.New(cfg); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	b.admin = b.organization("example")
	return b
}

// testLog is where the service logs; it is shown where the test fails.
type testLog struct{ t testing.TB }

func (l testLog) Write(p []byte) (int, error) {
	if l.t.Context().Err() == nil {
		l.t.Log(strings.TrimSpace(string(p)))
	}
	return len(p), nil
}

func (b *bench) clock() time.Time {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.now.IsZero() {
		return time.Now()
	}
	return b.now
}

func (b *bench) setClock(at time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.now = at
}

// organization makes one, and gives its first administrator.
func (b *bench) organization(name string) service.Actor {
	b.t.Helper()
	_, err := b.CreateOrganization(b.t.Context(), name, "")
	b.must(err)
	token, err := b.CreateFirstToken(b.t.Context(), name, "first")
	b.must(err)
	a, err := b.Authenticate(b.t.Context(), token.Secret)
	b.must(err)
	return a
}

func (b *bench) must(err error) {
	b.t.Helper()
	if err != nil {
		b.t.Fatal(err)
	}
}

// system makes a system, worked on by the built-in analyst where nothing else is
// said.
func (b *bench) system(in resource.NewSystem) uuid.UUID {
	b.t.Helper()
	x, err := b.CreateSystem(b.t.Context(), b.admin, in)
	b.must(err)
	return key(b.t, identifier.System, x.ID)
}

func key(t testing.TB, p identifier.Prefix, id string) uuid.UUID {
	t.Helper()
	k, err := identifier.Parse(p, id)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// files are documents by reference.
type files map[string]string

func (f files) all() iter.Seq2[service.File, error] {
	return func(yield func(service.File, error) bool) {
		for _, name := range slices.Sorted(func(yield func(string) bool) {
			for n := range f {
				if !yield(n) {
					return
				}
			}
		}) {
			if !yield(service.File{Reference: name, Content: strings.NewReader(f[name])}, nil) {
				return
			}
		}
	}
}

// folder reads the documents below a folder.
func folder(t testing.TB, dir string) files {
	t.Helper()
	out := files{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Base(path) == "bartizan.yaml" {
			return err
		}
		raw, err := os.ReadFile(path)
		rel, _ := filepath.Rel(dir, path)
		out[filepath.ToSlash(rel)] = string(raw)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// upload sends documents and asks for an analysis.
func (b *bench) upload(system uuid.UUID, f files) resource.Uploaded {
	b.t.Helper()
	out, err := b.Upload(b.t.Context(), b.admin, system, f.all(), true)
	b.must(err)
	return out
}

const lease = time.Minute

// drain works off the backlog, as workers do, until nothing waits that may begin
// now. It tells the entries in the order in which they were done.
func (b *bench) drain() []string {
	b.t.Helper()
	var done []string
	for {
		entries := b.handOver()
		if len(entries) == 0 {
			return done
		}
		for _, e := range entries {
			if how := b.do(b.t.Context(), e, "drain"); how != "" {
				done = append(done, how)
			}
		}
	}
}

// read reads what was sent, and leaves other work for later.
func (b *bench) read() {
	b.t.Helper()
	ctx := b.t.Context()
	var entries []handed
	b.note(b.db.Owner(ctx, func(tx *postgres.Tx) error {
		entries = nil
		rows, err := tx.Query(ctx, `update bartizan.backlog set job_id = -id, handed_at = now() where kind = 'ingest' and job_id is null returning id, organization_id, subject`)
		if err != nil {
			return err
		}
		e := handed{Entry: postgres.Entry{Kind: postgres.KindIngest}}
		_, err = pgx.ForEachRow(rows, []any{&e.ID, &e.Organization, &e.Subject}, func() error {
			e.job = -e.ID
			entries = append(entries, e)
			return nil
		})
		return err
	}))
	for _, e := range entries {
		b.do(ctx, e, "reader")
	}
}

type handed struct {
	postgres.Entry
	job int64
}

func (b *bench) handOver() []handed {
	b.t.Helper()
	var out []handed
	_, err := b.db.HandOver(b.t.Context(), postgres.Share{PerOrganization: 100, Total: 100}, func(_ context.Context, _ pgx.Tx, entries []postgres.Entry) ([]int64, error) {
		out = nil
		var jobs []int64
		for _, e := range entries {
			b.mu.Lock()
			b.job++
			job := b.job
			b.mu.Unlock()
			out, jobs = append(out, handed{e, job}), append(jobs, job)
		}
		return jobs, nil
	})
	b.must(err)
	return out
}

// do works on one entry, and says what it was; empty where somebody else has it.
func (b *bench) do(ctx context.Context, e handed, holder string) string {
	b.t.Helper()
	mine, err := b.db.Claim(ctx, e.Entry, e.job, holder, lease)
	b.must(err)
	if !mine {
		return ""
	}
	switch e.Kind {
	case postgres.KindIngest:
		err = b.Ingest(ctx, e.Organization, e.Subject)
	case postgres.KindAnalyse:
		for done := false; !done && err == nil; {
			done, err = b.RunAnalysis(ctx, e.Organization, e.Subject, holder)
		}
	case postgres.KindBatch:
		err = b.StepBatch(ctx, e.Organization, e.Subject)
	case postgres.KindDeliver:
		err = b.Deliver(ctx, e.Organization, e.Subject)
	}
	end := context.WithoutCancel(ctx)
	var later *service.Later
	switch {
	case err == nil:
		b.must(b.db.Finish(end, e.Entry, holder))
	case errors.As(err, &later):
		b.must(b.db.PutBack(end, e.Entry, holder, later.After, ""))
		return string(e.Kind) + " later: " + later.Reason
	default:
		b.must(b.db.PutBack(end, e.Entry, holder, time.Hour, err.Error()))
		return string(e.Kind) + " failed: " + err.Error()
	}
	return string(e.Kind)
}

// analysis is an analysis as it stands.
func (b *bench) analysis(id string) resource.Analysis {
	b.t.Helper()
	a, err := b.Analysis(b.t.Context(), b.admin, key(b.t, identifier.Analysis, id))
	b.must(err)
	return a
}

// newest is a system's newest analysis.
func (b *bench) newest(system uuid.UUID) resource.Analysis {
	b.t.Helper()
	list, err := b.Analyses(b.t.Context(), b.admin, system, resource.List{Limit: 1})
	b.must(err)
	if len(list.Items) == 0 {
		b.t.Fatal("the system has no analysis")
	}
	return list.Items[0]
}

// model is the current model.
func (b *bench) model(system uuid.UUID) (*threatmodel.Model, resource.ModelVersion) {
	b.t.Helper()
	m, v, err := b.Model(b.t.Context(), b.admin, system, 0)
	b.must(err)
	return m, v
}

// is reports the kind of an error for callers.
func is(err error, kind service.Kind) bool {
	var e *service.Error
	return errors.As(err, &e) && e.Kind == kind
}

func wantKind(t testing.TB, err error, kind service.Kind, what string) {
	t.Helper()
	if !is(err, kind) {
		t.Errorf("%s: %v, want an error of the kind %s", what, err, kind)
	}
}

// withModel lets a service ask a test server.
func withModel(server *llmtest.Server) func(*service.Config) {
	return func(c *service.Config) {
		c.Model = service.Model{
			BaseURL: server.URL(), Name: "test-model", APIKey: "key", FenceSecret: []byte("fence"), Timeout: 20 * time.Second,
			RetryDelay: time.Millisecond,
		}
	}
}

// orders is a small system with stated weaknesses.
func orders() files {
	return files{
		"overview.md": "# Orders\n\nOrders takes orders of shops over the internet and hands them to the warehouse.\n\n## Parts\n\n" +
			"The Shop User calls the Order Gateway over HTTPS.\nThe Order Gateway stands inside the Shop Zone.\n\n" +
			"The Order Gateway calls the Price Service over plain HTTP between two data centres.\n\n" +
			"The Order Gateway writes orders to the Order Store.\nThe Order Store keeps customer addresses.\n\n" +
			"Changes in the Order Store are not logged by anything.\n",
		"exports.md": "# Exports\n\nThe Export Job reads orders from the Order Store every night.\n" +
			"The Export Job does not check which shop an order belongs to.\n\n## Support\n\n" +
			"The Support Desk reads orders from the Order Store for callers.\nThe Support Desk uses one shared password for all agents.\n",
	}
}

// canonical is a model without what a run cost and when it was.
func canonical(t testing.TB, m *threatmodel.Model) string {
	t.Helper()
	c := *m
	c.Analysis.Run = nil
	raw, err := service.ModelJSON(&c)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// differ shows the first lines in which two texts differ.
func differ(a, b string) string {
	x, y := strings.Split(a, "\n"), strings.Split(b, "\n")
	var out bytes.Buffer
	for i := 0; i < max(len(x), len(y)) && out.Len() < 2000; i++ {
		l, r := "", ""
		if i < len(x) {
			l = x[i]
		}
		if i < len(y) {
			r = y[i]
		}
		if l != r {
			fmt.Fprintf(&out, "%d: %s\n    %s\n", i+1, l, r)
		}
	}
	return out.String()
}

// hurry lets work that waits for a time begin now.
func (b *bench) hurry() {
	b.t.Helper()
	b.must(b.db.Owner(b.t.Context(), func(tx *postgres.Tx) error {
		_, err := tx.Exec(b.t.Context(), `update bartizan.backlog set not_before = now() where job_id is null`)
		return err
	}))
}

// note is must for goroutines that are not the test's own.
func (b *bench) note(err error) {
	b.t.Helper()
	if err != nil {
		b.t.Error(err)
	}
}

func (b *bench) addQuietly(system uuid.UUID) resource.Threat {
	x, err := b.AddThreat(b.t.Context(), b.admin, system, newThreat())
	b.note(err)
	return x
}

// add adds a threat on a sentence of orders.
func (b *bench) add(system uuid.UUID) resource.Threat {
	b.t.Helper()
	x, err := b.AddThreat(b.t.Context(), b.admin, system, newThreat())
	b.must(err)
	return x
}

func newThreat() resource.NewThreat {
	return resource.NewThreat{
		Title: "Exports are read by whoever runs the job", Statement: "An insider with access to the Export Job can read all orders, which leads to disclosure, negatively affecting confidentiality of orders",
		Element: "export job", STRIDE: []threatmodel.STRIDE{threatmodel.InformationDisclosure}, CWE: 863,
		Quote: "The Export Job reads orders from the Order Store every night.", Controls: []string{"iso27001-2022:A.8.3"}, Likelihood: 3, Impact: 4,
	}
}
