package service_test

import (
	"crypto/ed25519"
	"encoding/json"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/bartizan-security/bartizan/internal/identifier"
	"github.com/bartizan-security/bartizan/internal/postgres"
	"github.com/bartizan-security/bartizan/internal/service"
	"github.com/bartizan-security/bartizan/pkg/resource"
)

const ownCatalog = `id: own
title: Our own rules
edition: "1"
controls:
  - id: R-1
    title: Exports are encrypted
    theme: data
    summary: Whatever leaves the company is encrypted.
    design_visible: yes
    look_for: [export, encryption]
  - id: R-2
    title: Support is named
    theme: people
    summary: Each agent signs in under a name of their own.
    design_visible: yes
    look_for: [shared password]
`

// TestABatchAnalysesWhatChanged: it says beforehand what it will do, skips what is
// up to date, and tells what came of it.
func TestABatchAnalysesWhatChanged(t *testing.T) {
	b := newBench(t)
	ctx := t.Context()
	same := b.system(resource.NewSystem{Name: "same", Labels: []string{"prod"}})
	changed := b.system(resource.NewSystem{Name: "changed", Labels: []string{"prod", "new"}})
	b.system(resource.NewSystem{Name: "empty", Labels: []string{"prod"}})
	b.system(resource.NewSystem{Name: "aside"})
	b.upload(same, orders())
	b.upload(changed, orders())
	b.drain()
	_, err := b.Upload(ctx, b.admin, changed, edited().all(), false)
	b.must(err)
	b.drain()
	if _, v := b.model(changed); v.Number != 1 {
		t.Fatalf("an upload without analysis made version %d", v.Number)
	}

	_, err = b.CreateBatch(ctx, b.admin, resource.NewBatch{})
	wantKind(t, err, service.KindInvalid, "nothing selected")
	batch, err := b.CreateBatch(ctx, b.admin, resource.NewBatch{Selector: resource.Selector{Labels: []string{"prod"}}})
	b.must(err)
	id := key(t, identifier.Batch, batch.ID)
	b.drain()
	batch, err = b.Batch(ctx, b.admin, id)
	b.must(err)
	if batch.State != "planned" || batch.Total != 3 || batch.Estimate == nil || batch.Estimate.ChangedDocuments != 1 {
		t.Fatalf("planned as %+v", batch)
	}
	events, err := b.Events(ctx, b.admin, id, 0)
	b.must(err)
	_, err = b.StartBatch(ctx, b.admin, id)
	b.must(err)
	b.drain()
	batch, err = b.Batch(ctx, b.admin, id)
	b.must(err)
	if batch.State != "done" || batch.Done != 3 || batch.Failed != 1 || batch.FinishedAt == nil {
		t.Errorf("done as %+v", batch)
	}
	last, ended := "", map[string]string{}
	for e := range events {
		raw, err := json.Marshal(e.Data)
		b.must(err)
		last = string(raw)
		var item resource.BatchItem
		if e.Kind != "item" {
			continue
		}
		b.must(json.Unmarshal(raw, &item))
		if _, again := ended[item.Name]; again {
			t.Errorf("told twice of %s", item.Name)
		}
		ended[item.Name] = item.State
	}
	if ended["same"] != "skipped" || ended["changed"] != "done" || ended["empty"] != "failed" || len(ended) != 3 {
		t.Errorf("told of %v", ended)
	}
	if !strings.Contains(last, `"done"`) {
		t.Errorf("the last event is %s", last)
	}
	items, err := b.BatchItems(ctx, b.admin, id, resource.List{})
	b.must(err)
	states := map[string]string{}
	for _, i := range items.Items {
		states[i.Name] = i.State
		if i.Name == "changed" && (i.Analysis == "" || len(i.Changes) == 0) {
			t.Errorf("the changed one is %+v", i)
		}
	}
	if states["same"] != "skipped" || states["changed"] != "done" || states["empty"] != "failed" || len(states) != 3 {
		t.Errorf("the items are %v", states)
	}
	if _, v := b.model(changed); v.Number != 2 {
		t.Errorf("the changed system has version %d", v.Number)
	}
}

// TestABatchCanBeCancelled: what has not begun is not done.
func TestABatchCanBeCancelled(t *testing.T) {
	b := newBench(t)
	ctx := t.Context()
	for _, name := range []string{"one", "two", "three"} {
		_, err := b.Upload(ctx, b.admin, b.system(resource.NewSystem{Name: name}), orders().all(), false)
		b.must(err)
	}
	b.drain()
	batch, err := b.CreateBatch(ctx, b.admin, resource.NewBatch{Selector: resource.Selector{Everything: true}, Start: true})
	b.must(err)
	id := key(t, identifier.Batch, batch.ID)
	for _, e := range b.handOver() { // plans, and asks for the analyses
		b.do(ctx, e, "worker")
	}
	batch, err = b.Batch(ctx, b.admin, id)
	b.must(err)
	if batch.State != "running" || batch.Total != 3 {
		t.Fatalf("begun as %+v", batch)
	}
	batch, err = b.CancelBatch(ctx, b.admin, id)
	b.must(err)
	b.drain()
	if batch.State != "cancelled" {
		t.Errorf("cancelled as %+v", batch)
	}
	list, err := b.Systems(ctx, b.admin, resource.SystemFilter{}, resource.List{})
	b.must(err)
	for _, s := range list.Items {
		if s.ModelVersion != 0 || s.Summary.AnalysisState != "cancelled" {
			t.Errorf("%s has version %d, %s", s.Name, s.ModelVersion, s.Summary.AnalysisState)
		}
	}
}

// TestASchedule starts a batch when it is due, once.
func TestASchedule(t *testing.T) {
	b := newBench(t)
	ctx := t.Context()
	_, err := b.Upload(ctx, b.admin, b.system(resource.NewSystem{Name: "orders"}), orders().all(), false)
	b.must(err)
	b.drain()
	b.setClock(time.Date(2027, 3, 1, 12, 0, 0, 0, time.UTC))
	for _, bad := range []string{"@daily", "61 * * * *", "nonsense here it is"} {
		_, err := b.CreateSchedule(ctx, b.admin, resource.NewSchedule{Name: "nightly", Cron: bad, Selector: resource.Selector{Everything: true}})
		wantKind(t, err, service.KindInvalid, bad)
	}
	x, err := b.CreateSchedule(ctx, b.admin, resource.NewSchedule{Name: "nightly", Cron: "0 3 * * *", Selector: resource.Selector{Everything: true}})
	b.must(err)
	if want := time.Date(2027, 3, 2, 3, 0, 0, 0, time.UTC); x.NextAt == nil || !x.NextAt.Equal(want) {
		t.Errorf("it is due at %v, want %v", x.NextAt, want)
	}
	b.must(b.Housekeep(ctx))
	b.setClock(time.Date(2027, 3, 4, 3, 0, 1, 0, time.UTC)) // two nights were missed
	b.must(b.Housekeep(ctx))
	b.must(b.Housekeep(ctx))
	b.drain()
	list, err := b.Batches(ctx, b.admin, resource.List{})
	b.must(err)
	if len(list.Items) != 1 || list.Items[0].State != "done" || list.Items[0].CreatedBy != "schedule nightly" {
		t.Errorf("the batches are %+v", list.Items)
	}
	x, err = b.Schedule(ctx, b.admin, key(t, identifier.Schedule, x.ID))
	b.must(err)
	if x.LastBatch != list.Items[0].ID || !x.NextAt.Equal(time.Date(2027, 3, 5, 3, 0, 0, 0, time.UTC)) {
		t.Errorf("the schedule is %+v", x)
	}
	if a, err := b.Analyses(ctx, b.admin, key(t, identifier.System, b.first()), resource.List{}); err != nil || a.Items[0].Cause != "schedule" {
		t.Errorf("the analyses are %+v (%v)", a.Items, err)
	}
}

// first is the identifier of the first system.
func (b *bench) first() string {
	b.t.Helper()
	list, err := b.Systems(b.t.Context(), b.admin, resource.SystemFilter{}, resource.List{Limit: 1})
	b.must(err)
	return list.Items[0].ID
}

// TestACatalogOfOnesOwn serves like those that come with the program.
func TestACatalogOfOnesOwn(t *testing.T) {
	b := newBench(t)
	ctx := t.Context()
	_, err := b.CreateSystem(ctx, b.admin, resource.NewSystem{Name: "orders", Catalogs: []string{"own"}})
	wantKind(t, err, service.KindInvalid, "an unknown catalog")
	for name, yaml := range map[string]string{"own": "id: own\nnonsense: 1\n", "other": ownCatalog, "iso27001-2022": ownCatalog} {
		if _, err := b.PutCatalog(ctx, b.admin, name, []byte(yaml), 0); err == nil {
			t.Errorf("put %q as %s", yaml[:20], name)
		}
	}
	c, err := b.PutCatalog(ctx, b.admin, "own", []byte(ownCatalog), 0)
	b.must(err)
	if !c.Own || c.Controls != 2 || c.Revision != 1 {
		t.Errorf("put as %+v", c)
	}
	controls, err := b.Controls(ctx, b.admin, "own", "signs name")
	b.must(err)
	if len(controls) != 1 || controls[0].ID != "R-2" {
		t.Errorf("found %+v", controls)
	}
	list, err := b.Catalogs(ctx, b.admin)
	b.must(err)
	if len(list) < 2 {
		t.Errorf("the catalogs are %+v", list)
	}
	system := b.system(resource.NewSystem{Name: "orders", Catalogs: []string{"own", "iso27001-2022"}})
	b.upload(system, orders())
	b.drain()
	m, _ := b.model(system)
	if m.Analysis.Catalogs["own"] != c.Version {
		t.Errorf("analysed with %v", m.Analysis.Catalogs)
	}
	wantKind(t, b.DeleteCatalog(ctx, b.admin, "own"), service.KindConflict, "one in use")
	c, err = b.PutCatalog(ctx, b.admin, "own", []byte(strings.Replace(ownCatalog, "Exports are encrypted", "Exports are sealed", 1)), 1)
	b.must(err)
	b.drain()
	if m, v := b.model(system); v.Number != 2 || m.Analysis.Catalogs["own"] != c.Version {
		t.Errorf("after a change: version %d with %v", v.Number, m.Analysis.Catalogs)
	}
	_, err = b.PutCatalog(ctx, b.admin, "own", []byte(ownCatalog), 1)
	wantKind(t, err, service.KindPrecondition, "an old revision")
}

// TestPurge: the text of a document, and then of a system, is nowhere any more;
// the audit trail still verifies.
func TestPurge(t *testing.T) {
	_, key64, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	b := newBench(t, func(c *service.Config) { c.AuditKey = key64 })
	ctx := t.Context()
	system := b.system(resource.NewSystem{Name: "orders"})
	up := b.upload(system, orders())
	b.drain()
	before, err := b.VerifyAudit(ctx, b.admin, "")
	b.must(err)
	if !before.Valid || before.Head == "" {
		t.Fatalf("the trail is %+v", before)
	}
	doc := up.Documents[0].Document
	id := key(t, identifier.Document, doc.ID)
	b.must(b.PurgeDocument(ctx, b.admin, id))
	b.drain()
	_, err = b.Document(ctx, b.admin, id)
	wantKind(t, err, service.KindNotFound, "a purged document")
	_, _, err = b.Original(ctx, b.admin, key(t, identifier.Revision, doc.Revision.ID))
	wantKind(t, err, service.KindNotFound, "its bytes")
	for number := int64(1); number <= 2; number++ {
		m, _, err := b.Model(ctx, b.admin, system, number)
		b.must(err)
		for i := range m.Threats {
			for _, e := range m.Threats[i].Evidence {
				if strings.Contains(e.Quote, "one shared password") {
					t.Errorf("version %d still quotes it: %s", number, e.Quote)
				}
			}
		}
	}
	if a := b.newest(system); a.State != resource.AnalysisDone || a.Cause != "purge" {
		t.Errorf("the analysis after it is %+v", a)
	}
	b.must(b.PurgeSystem(ctx, b.admin, system))
	_, err = b.System(ctx, b.admin, system)
	wantKind(t, err, service.KindNotFound, "a purged system")
	wantKind(t, b.PurgeSystem(ctx, b.admin, system), service.KindNotFound, "purged twice")
	after, err := b.VerifyAudit(ctx, b.admin, before.Head)
	b.must(err)
	if !after.Valid || after.Events <= before.Events {
		t.Errorf("the trail is %+v", after)
	}
}

// TestRetention purges what was archived longer ago than the organization keeps.
func TestRetention(t *testing.T) {
	b := newBench(t)
	ctx := t.Context()
	_, err := b.UpdateOrganization(ctx, b.admin, resource.OrganizationEdit{Settings: &resource.Settings{RetentionDays: 30}}, 0)
	b.must(err)
	kept, old := b.system(resource.NewSystem{Name: "kept"}), b.system(resource.NewSystem{Name: "old"})
	b.upload(old, orders())
	b.drain()
	b.must(b.ArchiveSystem(ctx, b.admin, old))
	b.must(b.ArchiveSystem(ctx, b.admin, kept))
	b.must(b.db.Owner(ctx, func(tx *postgres.Tx) error {
		_, err := tx.Exec(ctx, `update bartizan.system set archived_at = now() - interval '31 days' where id = $1`, old)
		return err
	}))
	b.must(b.Housekeep(ctx))
	_, err = b.System(ctx, b.admin, old)
	wantKind(t, err, service.KindNotFound, "archived 31 days ago")
	_, err = b.System(ctx, b.admin, kept)
	b.must(err)
}

// TestWhatAnalysisReadsIsAnalysedAnew: a change of context, not of labels.
func TestWhatAnalysisReadsIsAnalysedAnew(t *testing.T) {
	b := newBench(t)
	ctx := t.Context()
	system := b.system(resource.NewSystem{Name: "orders"})
	b.upload(system, orders())
	b.drain()
	labels, level := []string{"prod"}, "high"
	x, err := b.UpdateSystem(ctx, b.admin, system, resource.SystemEdit{Labels: &labels}, 1)
	b.must(err)
	if len(b.drain()) > 0 || x.Version != 2 {
		t.Errorf("labels alone led to an analysis; version %d", x.Version)
	}
	_, err = b.UpdateSystem(ctx, b.admin, system, resource.SystemEdit{Criticality: &level}, 1)
	wantKind(t, err, service.KindPrecondition, "an old version")
	_, err = b.UpdateSystem(ctx, b.admin, system, resource.SystemEdit{Criticality: &level}, 2)
	b.must(err)
	b.drain()
	m, v := b.model(system)
	if v.Number != 2 || m.Context == nil || m.Context.Criticality != level || b.newest(system).Cause != "context" {
		t.Errorf("version %d, context %+v", v.Number, m.Context)
	}
	archived, back := true, false
	_, err = b.UpdateSystem(ctx, b.admin, system, resource.SystemEdit{Archived: &archived}, 0)
	b.must(err)
	_, err = b.Upload(ctx, b.admin, system, edited().all(), true)
	wantKind(t, err, service.KindConflict, "an archived system")
	_, err = b.UpdateSystem(ctx, b.admin, system, resource.SystemEdit{Archived: &back}, 0)
	b.must(err)
	_, err = b.CreateSystem(ctx, b.admin, resource.NewSystem{Name: "ORDERS"})
	wantKind(t, err, service.KindConflict, "a name that is taken")
}

// TestUploadRefuses what cannot be a document, and stores nothing of it.
func TestUploadRefuses(t *testing.T) {
	b := newBench(t, func(c *service.Config) { c.Extract.Limits.Bytes = 1000 })
	ctx := t.Context()
	system := b.system(resource.NewSystem{Name: "orders"})
	good := service.File{Reference: "good.md", Content: strings.NewReader("# Good\n\nThe Desk calls the Store.\n")}
	for name, c := range map[string]struct {
		file service.File
		kind service.Kind
	}{
		"too large":          {service.File{Reference: "a.md", Content: strings.NewReader(strings.Repeat("x", 1001))}, service.KindTooLarge},
		"empty":              {service.File{Reference: "a.md", Content: strings.NewReader("")}, service.KindInvalid},
		"without a name":     {service.File{Content: strings.NewReader("x")}, service.KindInvalid},
		"sent twice":         {service.File{Reference: "good.md", Content: strings.NewReader("x")}, service.KindInvalid},
		"control characters": {service.File{Reference: "a\x00b", Content: strings.NewReader("x")}, service.KindInvalid},
	} {
		_, err := b.Upload(ctx, b.admin, system, func(yield func(service.File, error) bool) {
			first := good
			first.Content = strings.NewReader("# Good\n\nThe Desk calls the Store.\n")
			_ = yield(first, nil) && yield(c.file, nil)
		}, true)
		wantKind(t, err, c.kind, name)
	}
	broken := io.ErrUnexpectedEOF
	_, err := b.Upload(ctx, b.admin, system, func(yield func(service.File, error) bool) { _ = yield(good, nil) && yield(service.File{}, broken) }, true)
	if err == nil {
		t.Error("a broken sequence was taken")
	}
	docs, err := b.Documents(ctx, b.admin, system, resource.List{})
	b.must(err)
	if len(docs.Items) > 0 || len(b.drain()) > 0 {
		t.Errorf("stored: %+v", docs.Items)
	}
}

// TestABatchCountsIncompleteApart from failed: an incomplete analysis made a model,
// a failed one did not.
func TestABatchCountsIncompleteApart(t *testing.T) {
	b := newBench(t)
	ctx := t.Context()
	for name, docs := range map[string]files{"whole": orders(), "partial": {"broken.pdf": "%PDF-1.4 broken", "overview.md": orders()["overview.md"]}, "none": nil} {
		system := b.system(resource.NewSystem{Name: name})
		if docs != nil {
			_, err := b.Upload(ctx, b.admin, system, docs.all(), false)
			b.must(err)
		}
	}
	b.drain()
	batch, err := b.CreateBatch(ctx, b.admin, resource.NewBatch{Selector: resource.Selector{Everything: true}, Start: true})
	b.must(err)
	b.drain()
	batch, err = b.Batch(ctx, b.admin, key(t, identifier.Batch, batch.ID))
	b.must(err)
	if batch.State != "done" || batch.Total != 3 || batch.Done != 3 || batch.Incomplete != 1 || batch.Failed != 1 {
		t.Errorf("the batch is %+v", batch)
	}
}
