package service_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/bartizan-security/bartizan/internal/analyst/builtin"
	"github.com/bartizan-security/bartizan/internal/analyze"
	"github.com/bartizan-security/bartizan/internal/catalog"
	"github.com/bartizan-security/bartizan/internal/config"
	"github.com/bartizan-security/bartizan/internal/decision"
	"github.com/bartizan-security/bartizan/internal/embed"
	"github.com/bartizan-security/bartizan/internal/extract"
	"github.com/bartizan-security/bartizan/internal/identifier"
	"github.com/bartizan-security/bartizan/internal/pattern"
	"github.com/bartizan-security/bartizan/internal/report"
	"github.com/bartizan-security/bartizan/internal/retrieve"
	"github.com/bartizan-security/bartizan/internal/service"
	"github.com/bartizan-security/bartizan/pkg/resource"
	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

const portal = "../../testdata/designs/portal/docs"

// commandLine makes the model that `bartizan analyze` makes of a folder.
func commandLine(t testing.TB, dir, system string, baseline *threatmodel.Model) *threatmodel.Model {
	t.Helper()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	var docs []threatmodel.Source
	for d, err := range extract.ReadPaths(t.Context(), []string{dir}, extract.Options{}) {
		must(err)
		docs = append(docs, d)
	}
	stated, err := config.ReadContext(config.ContextFile{Path: filepath.Join(dir, config.ContextName)})
	must(err)
	lib, err := pattern.Load()
	must(err)
	own, err := builtin.New(lib)
	must(err)
	iso, err := catalog.Open("iso27001-2022")
	must(err)
	e, err := embed.Builtin()
	must(err)
	m, err := analyze.Run(t.Context(), analyze.Input{System: system, Documents: docs, Context: stated, Catalogs: []*catalog.Catalog{iso}, Baseline: baseline}, analyze.Config{
		Analyst: own, Concurrency: 4, Now: time.Now, Version: "test", Patterns: lib.Version(), Hints: own.Hints,
		NewRetriever: func(ctx context.Context, ps []threatmodel.Passage) (analyze.Retriever, error) {
			return retrieve.New(ctx, ps, e)
		},
		Similarity: func(ctx context.Context, a, b string) (float64, error) { return embed.Cosine(ctx, e, a, b) },
	})
	must(err)
	decision.Apply(m, []threatmodel.Decision{}, time.Now())
	texts := report.Texts{}
	for i := range docs {
		texts[docs[i].ID] = docs[i].Body
	}
	report.NameTexts(m, texts)
	return m
}

// TestUploadToModel is the main path: documents are sent, read, analysed once, and
// the model is the one that the command line makes of the same folder, to the
// byte but for the record of the run.
func TestUploadToModel(t *testing.T) {
	b := newBench(t)
	stated, err := config.ReadContext(config.ContextFile{Path: filepath.Join(portal, config.ContextName)})
	b.must(err)
	system := b.system(resource.NewSystem{Name: "portal", Context: stated})
	up := b.upload(system, folder(t, portal))
	if up.Analysis == nil || up.Analysis.State != resource.AnalysisQueued {
		t.Fatalf("the upload asked for %+v", up.Analysis)
	}
	done := b.drain()
	analyses := 0
	for _, d := range done {
		if strings.HasPrefix(d, "analyse") {
			analyses++
		}
	}
	if analyses != 1 {
		t.Errorf("%d analyses for one upload: %q", analyses, done)
	}
	a := b.analysis(up.Analysis.ID)
	if a.State != resource.AnalysisDone || a.ModelVersion != 1 {
		t.Fatalf("the analysis is %+v", a)
	}
	m, v := b.model(system)
	if len(m.Threats) == 0 || v.Number != 1 || v.Cause != "analysis" || v.Analysis != a.ID {
		t.Fatalf("%d threats in %+v", len(m.Threats), v)
	}
	raw, err := service.ModelJSON(m)
	b.must(err)
	if sum := sha256.Sum256(raw); hex.EncodeToString(sum[:]) != v.SHA256 {
		t.Errorf("the digest is %s, that of model.json %x", v.SHA256, sum)
	}
	if a.Changes[threatmodel.ThreatAdded] != len(m.Threats) {
		t.Errorf("changes %v, with %d threats", a.Changes, len(m.Threats))
	}
	own := commandLine(t, portal, "portal", nil)
	if got, want := canonical(t, m), canonical(t, own); got != want {
		t.Errorf("service and command line differ:\n%s", differ(got, want))
	}

	list, err := b.Threats(t.Context(), b.admin, resource.ThreatFilter{}, resource.List{Limit: 200})
	b.must(err)
	if len(list.Items) != len(m.Threats) {
		t.Errorf("%d threats are listed of %d", len(list.Items), len(m.Threats))
	}
	for _, x := range list.Items {
		if x.Version != 1 || m.Threat(x.ID) == nil || m.Threat(x.ID).Title != x.Title {
			t.Errorf("listed as %+v", x)
		}
	}
	s, err := b.System(t.Context(), b.admin, system)
	b.must(err)
	if s.Summary.Open != len(m.Threats) || s.Summary.Questions != len(m.Questions) || s.Summary.AnalysisState != "done" || s.ModelVersion != 1 {
		t.Errorf("the summary is %+v of version %d", s.Summary, s.ModelVersion)
	}
	bundle, err := b.Bundle(t.Context(), b.admin, system, 0)
	b.must(err)
	if len(bundle.Texts) < len(m.Documents) {
		t.Errorf("%d texts of %d documents", len(bundle.Texts), len(m.Documents))
	}
	hits, err := b.SearchPassages(t.Context(), b.admin, "portal", nil, 5)
	b.must(err)
	if len(hits) == 0 || hits[0].Text == "" || hits[0].System != s.ID {
		t.Errorf("a search finds %+v", hits)
	}
}

// TestAChangeGivesTheModelOfTheCommandLine: what a second version of the documents
// leads to is the same in both worlds, ids and changes too.
func TestAChangeGivesTheModelOfTheCommandLine(t *testing.T) {
	b := newBench(t)
	stated, err := config.ReadContext(config.ContextFile{Path: filepath.Join(portal, config.ContextName)})
	b.must(err)
	system := b.system(resource.NewSystem{Name: "portal", Context: stated})
	up := b.upload(system, folder(t, portal))
	b.drain()
	second := folder(t, portal+"-v2")
	for _, u := range up.Documents {
		if _, stays := second[u.Document.Reference]; !stays {
			b.must(b.RemoveDocument(t.Context(), b.admin, key(t, identifier.Document, u.Document.ID), 0))
		}
	}
	b.upload(system, second)
	b.drain()
	m, v := b.model(system)
	if v.Number != 2 {
		t.Fatalf("the version is %+v", v)
	}
	want := commandLine(t, portal+"-v2", "portal", commandLine(t, portal, "portal", nil))
	if a, b := canonical(t, m), canonical(t, want); a != b {
		t.Errorf("service and command line differ:\n%s", differ(a, b))
	}
}

// TestTheSameBytesAreNoChange: nothing is read or analysed anew.
func TestTheSameBytesAreNoChange(t *testing.T) {
	b := newBench(t)
	system := b.system(resource.NewSystem{Name: "orders"})
	first := b.upload(system, orders())
	b.drain()
	again := b.upload(system, orders())
	if again.Analysis != nil || len(b.drain()) > 0 {
		t.Errorf("the same bytes asked for %+v", again.Analysis)
	}
	for i, u := range again.Documents {
		if u.Change != "unchanged" || u.Document.ID != first.Documents[i].Document.ID || u.Document.Revision.Number != 1 {
			t.Errorf("%s is %s: %+v", u.Document.Reference, u.Change, u.Document.Revision)
		}
	}
	changed := orders()
	changed["exports.md"] = strings.ReplaceAll(changed["exports.md"], "every night", "every hour")
	third := b.upload(system, changed)
	for _, u := range third.Documents {
		want := map[string]string{"overview.md": "unchanged", "exports.md": "revised"}[u.Document.Reference]
		if u.Change != want {
			t.Errorf("%s is %s, want %s", u.Document.Reference, u.Change, want)
		}
	}
	b.drain()
	if a := b.analysis(third.Analysis.ID); a.State != resource.AnalysisDone || a.ModelVersion != 2 {
		t.Errorf("the analysis of the change is %+v", a)
	}
	doc, err := b.Document(t.Context(), b.admin, key(t, identifier.Document, third.Documents[0].Document.ID))
	b.must(err)
	if doc.Revision.Number != 2 || len(doc.Revision.Sources) != 1 {
		t.Errorf("the document is %+v", doc)
	}
	b.must(b.RemoveDocument(t.Context(), b.admin, key(t, identifier.Document, doc.ID), 0))
	b.drain()
	m, _ := b.model(system)
	if len(m.Documents) != 1 {
		t.Errorf("the model has %d documents after one was removed", len(m.Documents))
	}
}

// TestNothingChangedIsNoNewVersion: asked for again, an analysis of the same is
// done and leaves the model.
func TestNothingChangedIsNoNewVersion(t *testing.T) {
	b := newBench(t)
	system := b.system(resource.NewSystem{Name: "orders"})
	b.upload(system, orders())
	b.drain()
	a, err := b.Analyze(t.Context(), b.admin, system, resource.NewAnalysis{})
	b.must(err)
	b.drain()
	if a = b.analysis(a.ID); a.State != resource.AnalysisDone || a.ModelVersion != 1 {
		t.Errorf("the analysis is %+v", a)
	}
	if _, v := b.model(system); v.Number != 1 {
		t.Errorf("version %d", v.Number)
	}
}

// TestWhatCannotBeReadMakesTheModelIncomplete, and says why.
func TestWhatCannotBeReadMakesTheModelIncomplete(t *testing.T) {
	b := newBench(t)
	system := b.system(resource.NewSystem{Name: "orders"})
	f := orders()
	f["broken.pdf"] = "%PDF-1.7\nnothing of use"
	up := b.upload(system, f)
	b.drain()
	a := b.analysis(up.Analysis.ID)
	if a.State != resource.AnalysisIncomplete || !strings.Contains(a.Message, "not read: broken.pdf") {
		t.Errorf("the analysis is %+v", a)
	}
	if m, _ := b.model(system); len(m.Threats) == 0 || m.Analysis.Incomplete != a.Message {
		t.Errorf("%d threats, incomplete %q", len(m.Threats), m.Analysis.Incomplete)
	}
	t.Run("alone, it is a failure", func(t *testing.T) {
		system := b.system(resource.NewSystem{Name: "broken"})
		up := b.upload(system, files{"broken.pdf": f["broken.pdf"]})
		b.drain()
		if a := b.analysis(up.Analysis.ID); a.State != resource.AnalysisFailed || !strings.Contains(a.Message, "broken.pdf") {
			t.Errorf("the analysis is %+v", a)
		}
	})
}
