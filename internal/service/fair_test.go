package service_test

import (
	"context"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/bartizan-security/bartizan/internal/identifier"
	"github.com/bartizan-security/bartizan/internal/job"
	"github.com/bartizan-security/bartizan/internal/postgres"
	"github.com/bartizan-security/bartizan/internal/service"
	"github.com/bartizan-security/bartizan/pkg/resource"
)

// witness notes whose work was done, in order.
type witness struct {
	*service.Service
	mu   sync.Mutex
	done []deed
}

// deed is work that was done.
type deed struct {
	kind         service.WorkKind
	organization uuid.UUID
}

func (w *witness) note(kind service.WorkKind, organization uuid.UUID, err error) {
	if err != nil {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.done = append(w.done, deed{kind, organization})
}

func (w *witness) Ingest(ctx context.Context, organization, revision uuid.UUID) error {
	err := w.Service.Ingest(ctx, organization, revision)
	w.note(service.WorkIngest, organization, err)
	return err
}

func (w *witness) RunAnalysis(ctx context.Context, organization, system uuid.UUID, holder string) (bool, error) {
	done, err := w.Service.RunAnalysis(ctx, organization, system, holder)
	w.note(service.WorkAnalyse, organization, err)
	return done, err
}

func (w *witness) all() []deed {
	w.mu.Lock()
	defer w.mu.Unlock()
	return append([]deed(nil), w.done...)
}

// before counts the work of a kind that was done for an organization in a list
// before the first of another organization's.
func before(list []deed, kind service.WorkKind, of, other uuid.UUID) (n int, found bool) {
	for _, d := range list {
		switch {
		case d.kind == kind && d.organization == other:
			return n, true
		case d.kind == kind && d.organization == of:
			n++
		}
	}
	return n, false
}

// many makes so many documents of a system out of one that was sent, each of
// which waits to be read.
func (b *bench) many(a service.Actor, system uuid.UUID, n int) {
	b.t.Helper()
	b.must(b.db.OwnerOf(b.t.Context(), a.Organization, func(tx *postgres.Tx) error {
		_, err := tx.Exec(b.t.Context(), `
			with sent as (
				select r.* from bartizan.revision r join bartizan.document d on d.organization_id = r.organization_id and d.id = r.document_id
				where d.organization_id = $1 and d.system_id = $2 limit 1
			), documents as (
				insert into bartizan.document (organization_id, id, system_id, reference, name)
				select $1, gen_random_uuid(), $2, 'copy-' || i || '.md', 'copy.md' from generate_series(1, $3::int) i returning id
			), revisions as (
				insert into bartizan.revision (organization_id, id, document_id, number, name, sha256, size, created_by)
				select $1, gen_random_uuid(), d.id, 1, 'copy.md', sent.sha256, sent.size, 'test' from documents d, sent returning id
			), ingestions as (
				insert into bartizan.ingestion (organization_id, revision_id) select $1, id from revisions returning revision_id
			)
			insert into bartizan.backlog (organization_id, kind, subject, priority) select $1, 'ingest', revision_id, $4 from ingestions`,
			a.Organization, system, n, postgres.PriorityPerson)
		return err
	}))
}

// TestTenThousandDocumentsHoldUpNobodyElse: an organization sends ten thousand
// documents and has analyses waiting; another sends one document. It is read and
// analysed after no more than a few jobs of the first, those that were with the
// workers already.
func TestTenThousandDocumentsHoldUpNobodyElse(t *testing.T) {
	const (
		documents, systems = 10_000, 20
		readings, analyses = 2, 2
		share              = 4
	)
	b := newBench(t)
	large := b.admin
	for range systems {
		system := b.system(resource.NewSystem{Name: uuid.NewString()})
		b.upload(system, orders())
	}
	b.read()
	archive := b.system(resource.NewSystem{Name: "archive"})
	b.upload(archive, files{"first.md": orders()["overview.md"]})
	b.many(large, archive, documents-1)
	small := b.organization("small")
	created, err := b.CreateSystem(t.Context(), small, resource.NewSystem{Name: "one"})
	b.must(err)
	one := key(t, identifier.System, created.ID)

	w := &witness{Service: b.Service}
	worker, err := job.New(job.Config{
		Service: w, Pool: b.db.OwnerPool(), PerOrganization: share, SoftStop: time.Second, Log: slog.New(slog.DiscardHandler),
		Workers: map[service.WorkKind]int{service.WorkIngest: readings, service.WorkAnalyse: analyses},
	})
	b.must(err)
	b.must(worker.Start(t.Context()))
	defer func() { b.must(worker.Stop(context.WithoutCancel(t.Context()))) }()
	for len(w.all()) < 10 { // the workers are busy
		time.Sleep(time.Millisecond)
	}
	start := len(w.all())
	up, err := b.Upload(t.Context(), small, one, files{"one.md": orders()["exports.md"]}.all(), true)
	b.must(err)
	for end := time.Now().Add(time.Minute); ; time.Sleep(5 * time.Millisecond) {
		a, err := b.Analysis(t.Context(), small, key(t, identifier.Analysis, up.Analysis.ID))
		b.must(err)
		if a.State == resource.AnalysisDone {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("the analysis is %+v; %d jobs were done meanwhile", a, len(w.all())-start)
		}
	}
	since := w.all()[start:]
	// What was handed over before, what was being worked on, and what is handed
	// over in the same turn.
	read, found := before(since, service.WorkIngest, large.Organization, small.Organization)
	if !found || read > 2*share+readings {
		t.Errorf("%d documents were read first", read)
	}
	analysed, found := before(since, service.WorkAnalyse, large.Organization, small.Organization)
	if !found || analysed > 2*(2*share+analyses) {
		t.Errorf("%d systems were analysed first", analysed)
	}
	t.Logf("%d of %d documents were read and %d of %d systems analysed before the one", read, documents, analysed, systems)
}
