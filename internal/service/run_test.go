package service_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/bartizan-security/bartizan/internal/identifier"
	"github.com/bartizan-security/bartizan/internal/llm/llmtest"
	"github.com/bartizan-security/bartizan/internal/postgres"
	"github.com/bartizan-security/bartizan/internal/service"
	"github.com/bartizan-security/bartizan/pkg/resource"
	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

// hook is a meter that does something at the first model call that was made: in
// the midst of a run.
type hook struct {
	mu    sync.Mutex
	do    func()
	calls int
	ended []string
}

func (h *hook) ModelCall(_, _ string, cached bool, _, _ int, _ float64) {
	h.mu.Lock()
	do := h.do
	if !cached {
		h.calls++
		h.do = nil
	} else {
		do = nil
	}
	h.mu.Unlock()
	if do != nil {
		do()
	}
}

func (h *hook) AnalysisEnded(state string, _ time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.ended = append(h.ended, state)
}

// atNextCall sets what is done in the midst of the next run.
func (h *hook) atNextCall(do func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.do = do
}

// modelBench is a bench with a model server and a hook into its runs.
func modelBench(t *testing.T) (*bench, *llmtest.Server, *hook) {
	t.Helper()
	server, h := llmtest.New(t), &hook{}
	return newBench(t, withModel(server), func(c *service.Config) { c.Meter = h }), server, h
}

// edited is a design of which one sentence was changed.
func edited() files {
	f := orders()
	f["exports.md"] = strings.Replace(f["exports.md"], "one shared password for all agents", "one shared password for all callers", 1)
	return f
}

// TestAModelIsAskedOnce: what was answered is not asked again, neither where
// nothing changed, nor fresh, nor by a system of the same documents.
func TestAModelIsAskedOnce(t *testing.T) {
	b, server, _ := modelBench(t)
	system := b.system(resource.NewSystem{Name: "orders"})
	up := b.upload(system, orders())
	b.drain()
	a := b.analysis(up.Analysis.ID)
	if a.State != resource.AnalysisDone {
		t.Fatalf("the analysis is %+v", a)
	}
	first := len(server.Requests())
	m, _ := b.model(system)
	if first == 0 || m.Analysis.Analyst != "both" || m.Analysis.Model != "test-model" || m.Analysis.Run.Calls != first {
		t.Fatalf("%d requests; %s by %s, %d calls", first, m.Analysis.Analyst, m.Analysis.Model, m.Analysis.Run.Calls)
	}
	if a.Progress.Calls != first || a.Progress.TokensIn != int64(m.Analysis.Run.TokensIn) || a.Progress.TokensOut != int64(m.Analysis.Run.TokensOut) {
		t.Errorf("progress %+v, the run %+v", a.Progress, m.Analysis.Run)
	}
	if a.Progress.Total == 0 || a.Progress.Done != a.Progress.Total {
		t.Errorf("a run that is done came to %d of %d", a.Progress.Done, a.Progress.Total)
	}
	usage, err := b.Usage(t.Context(), b.admin, "", "")
	b.must(err)
	calls := int64(0)
	for _, u := range usage {
		calls += u.Calls
	}
	if calls != int64(first) {
		t.Errorf("%d calls are counted of %d", calls, first)
	}
	for name, in := range map[string]resource.NewAnalysis{"nothing changed": {}, "fresh": {Fresh: true}} {
		server.Forget()
		again, err := b.Analyze(t.Context(), b.admin, system, in)
		b.must(err)
		b.drain()
		if a := b.analysis(again.ID); a.State != resource.AnalysisDone {
			t.Errorf("%s: the analysis is %+v", name, a)
		}
		if n := len(server.Requests()); n > 0 && !in.Fresh {
			t.Errorf("%s: %d requests", name, n)
		}
	}
	e, err := b.Estimate(t.Context(), b.admin, system, resource.NewAnalysis{})
	b.must(err)
	if e.CallsHigh != 0 || e.ChangedDocuments != 0 {
		t.Errorf("the estimate is %+v", e)
	}
	server.Forget()
	b.upload(system, edited())
	b.read()
	e, err = b.Estimate(t.Context(), b.admin, system, resource.NewAnalysis{})
	b.must(err)
	b.drain()
	if n := len(server.Requests()); n == 0 || n >= first {
		t.Errorf("%d requests for one sentence, %d for all", n, first)
	} else if e.CallsLow == 0 || e.ChangedDocuments != 1 {
		t.Errorf("the estimate is %+v, it took %d", e, n)
	}
}

// TestAnEndpointThatIsNotAllowedIsNeverAsked: by the organization's list or the
// system's own.
func TestAnEndpointThatIsNotAllowedIsNeverAsked(t *testing.T) {
	b, server, _ := modelBench(t)
	_, err := b.UpdateOrganization(t.Context(), b.admin, resource.OrganizationEdit{Settings: &resource.Settings{
		Endpoints: []threatmodel.Endpoint{{URL: server.URL(), UpTo: "internal"}},
	}}, 0)
	b.must(err)
	for name, c := range map[string]struct {
		in   resource.NewSystem
		done bool
	}{
		"allowed":                 {resource.NewSystem{Classification: "internal"}, true},
		"too high":                {resource.NewSystem{Classification: "confidential"}, false},
		"not said":                {resource.NewSystem{}, false},
		"the system's own list":   {resource.NewSystem{Classification: "public", Context: &threatmodel.Context{Endpoints: []threatmodel.Endpoint{{URL: "https://elsewhere.example.com", UpTo: "restricted"}}}}, false},
		"but by the built-in one": {resource.NewSystem{Classification: "restricted", Analyst: "builtin"}, true},
	} {
		t.Run(name, func(t *testing.T) {
			server.Forget()
			c.in.Name = name
			system := b.system(c.in)
			up := b.upload(system, orders())
			b.drain()
			a := b.analysis(up.Analysis.ID)
			if c.done {
				if a.State != resource.AnalysisDone {
					t.Errorf("the analysis is %+v", a)
				}
				return
			}
			if a.State != resource.AnalysisFailed || !strings.Contains(a.Message, "may not go to") || len(server.Requests()) > 0 {
				t.Errorf("the analysis is %s: %s; %d requests", a.State, a.Message, len(server.Requests()))
			}
		})
	}
}

// TestADecisionDuringARunSurvives: both the model of the run and the decision
// count, with what was said beside it.
func TestADecisionDuringARunSurvives(t *testing.T) {
	b, _, h := modelBench(t)
	system := b.system(resource.NewSystem{Name: "orders"})
	b.upload(system, orders())
	b.drain()
	before, _ := b.model(system)
	kept, worded := before.Threats[0].ID, before.Threats[1].ID
	h.atNextCall(func() {
		_, err := b.Decide(t.Context(), b.admin, system, kept, resource.Decision{Action: "confirm", Reason: "seen", Owner: "ada", Ticket: "https://tracker.example.com/7"}, 0)
		b.note(err)
		title := "as Ada says it"
		_, err = b.EditThreat(t.Context(), b.admin, system, worded, resource.ThreatEdit{Title: &title}, 0)
		b.note(err)
	})
	up := b.upload(system, edited())
	b.drain()
	if a := b.analysis(up.Analysis.ID); a.State != resource.AnalysisDone || a.ModelVersion != 4 {
		t.Fatalf("the analysis is %+v", a)
	}
	m, v := b.model(system)
	x, y := m.Threat(kept), m.Threat(worded)
	if v.Cause != "analysis" || x.Status != threatmodel.StatusConfirmed || x.Owner == nil || *x.Owner != "ada" || x.Ticket == "" || len(x.Decisions) != 1 {
		t.Errorf("after %s: %s of %v, ticket %q, %d decisions", v.Cause, x.Status, x.Owner, x.Ticket, len(x.Decisions))
	}
	if y.Title != "as Ada says it" || y.Wording != threatmodel.WordingPerson {
		t.Errorf("the title is %q, worded by %q", y.Title, y.Wording)
	}
	listed, err := b.Threat(t.Context(), b.admin, system, kept)
	b.must(err)
	if listed.Status != threatmodel.StatusConfirmed || listed.Ticket != x.Ticket {
		t.Errorf("listed as %s, ticket %q", listed.Status, listed.Ticket)
	}
}

// TestDecisionsAtTheSameTime: many people decide while runs end, and nothing is
// lost of either.
func TestDecisionsAtTheSameTime(t *testing.T) {
	b := newBench(t)
	system := b.system(resource.NewSystem{Name: "portal"})
	b.upload(system, folder(t, portal))
	b.drain()
	m, _ := b.model(system)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for range 3 {
			_, err := b.Analyze(t.Context(), b.admin, system, resource.NewAnalysis{Fresh: true})
			b.note(err)
			b.drain()
		}
	}()
	var people sync.WaitGroup
	for i := range m.Threats[:20] {
		people.Go(func() {
			_, err := b.Decide(t.Context(), b.admin, system, m.Threats[i].ID, resource.Decision{Action: "confirm", Reason: "seen"}, 0)
			b.note(err)
		})
	}
	people.Wait()
	<-ended
	m, v := b.model(system)
	confirmed := 0
	for i := range m.Threats {
		if m.Threats[i].Status == threatmodel.StatusConfirmed && len(m.Threats[i].Decisions) == 1 {
			confirmed++
		}
	}
	if confirmed != 20 || v.Number != 24 {
		t.Errorf("%d of 20 are confirmed in version %d, want 24", confirmed, v.Number)
	}
	report, err := b.VerifyAudit(t.Context(), b.admin, "")
	b.must(err)
	if !report.Valid {
		t.Errorf("the audit trail: %+v", report)
	}
}

// TestAThreatAddedDuringARunSurvives: the run takes it in as part of its baseline.
func TestAThreatAddedDuringARunSurvives(t *testing.T) {
	b, _, h := modelBench(t)
	system := b.system(resource.NewSystem{Name: "orders"})
	b.upload(system, orders())
	b.drain()
	var added resource.Threat
	h.atNextCall(func() { added = b.addQuietly(system) })
	b.upload(system, edited())
	b.drain()
	m, v := b.model(system)
	x := m.Threat(added.ID)
	if v.Cause != "analysis" || x == nil || x.Source != threatmodel.SourcePerson || x.Title != added.Title {
		t.Errorf("after %s the threat is %+v", v.Cause, x)
	}
	versions, err := b.ModelVersions(t.Context(), b.admin, system, resource.List{})
	b.must(err)
	if len(versions.Items) != 3 {
		t.Errorf("the versions are %+v", versions.Items)
	}
}

// TestAChangeDuringARunLeadsToOneMore, however many there are.
func TestAChangeDuringARunLeadsToOneMore(t *testing.T) {
	b, _, h := modelBench(t)
	system := b.system(resource.NewSystem{Name: "orders"})
	var next []string
	h.atNextCall(func() {
		for _, end := range []string{"One.", "Two.", "Three."} {
			f := orders()
			f["overview.md"] += "\n" + end + " The Order Gateway writes a log.\n"
			next = append(next, b.upload(system, f).Analysis.ID)
			b.read() // meanwhile
		}
	})
	b.upload(system, orders())
	b.drain()
	list, err := b.Analyses(t.Context(), b.admin, system, resource.List{})
	b.must(err)
	if len(list.Items) != 2 || next[0] != next[1] || next[1] != next[2] {
		t.Fatalf("%d analyses; asked for %q", len(list.Items), next)
	}
	for _, a := range list.Items {
		if a.State != resource.AnalysisDone {
			t.Errorf("%+v", a)
		}
	}
	m, v := b.model(system)
	if v.Number != 2 || len(m.Documents) != 2 {
		t.Errorf("version %d", v.Number)
	}
	bundle, err := b.Bundle(t.Context(), b.admin, system, 0)
	b.must(err)
	found := false
	for _, x := range bundle.Texts {
		found = found || strings.Contains(x.Text, "Three.")
	}
	if !found {
		t.Error("the last change is not in the model's texts")
	}
}

// TestCancel ends an analysis before it began, and in its midst.
func TestCancel(t *testing.T) {
	b, server, h := modelBench(t)
	system := b.system(resource.NewSystem{Name: "orders"})
	up := b.upload(system, orders())
	id := key(t, identifier.Analysis, up.Analysis.ID)
	a, err := b.CancelAnalysis(t.Context(), b.admin, id)
	b.must(err)
	b.drain()
	if a.State != resource.AnalysisCancelled || len(server.Requests()) > 0 {
		t.Errorf("before it began: %+v, %d requests", a, len(server.Requests()))
	}
	server.Latency = 300 * time.Millisecond
	running, err := b.Analyze(t.Context(), b.admin, system, resource.NewAnalysis{})
	b.must(err)
	h.atNextCall(func() {
		_, err := b.CancelAnalysis(t.Context(), b.admin, key(t, identifier.Analysis, running.ID))
		b.note(err)
	})
	b.drain()
	server.Latency = 0
	if a := b.analysis(running.ID); a.State != resource.AnalysisCancelled || a.FinishedAt == nil {
		t.Errorf("in its midst: %+v", a)
	}
	if s, err := b.System(t.Context(), b.admin, system); err != nil || s.ModelVersion != 0 {
		t.Errorf("a cancelled analysis left version %d (%v)", s.ModelVersion, err)
	}
	asked := map[string]bool{}
	for _, r := range server.Requests() {
		asked[r.Hash] = true
	}
	server.Forget()
	whole, err := b.Analyze(t.Context(), b.admin, system, resource.NewAnalysis{})
	b.must(err)
	b.drain()
	if a := b.analysis(whole.ID); a.State != resource.AnalysisDone {
		t.Errorf("asked for again: %+v", a)
	}
	for _, r := range server.Requests() {
		if asked[r.Hash] {
			t.Errorf("a question of the stage %s was asked again", r.Stage)
		}
	}
	t.Run("the next one during a run leaves the run", func(t *testing.T) {
		h.atNextCall(func() {
			next, err := b.Analyze(t.Context(), b.admin, system, resource.NewAnalysis{Fresh: true})
			b.note(err)
			_, err = b.CancelAnalysis(t.Context(), b.admin, key(t, identifier.Analysis, next.ID))
			b.note(err)
		})
		up := b.upload(system, edited())
		b.drain()
		if a := b.analysis(up.Analysis.ID); a.State != resource.AnalysisDone {
			t.Errorf("the run is %+v", a)
		}
		if a := b.newest(system); a.State != resource.AnalysisCancelled {
			t.Errorf("the next one is %+v", a)
		}
	})
}

// TestOverBudget waits or fails, as the organization says.
func TestOverBudget(t *testing.T) {
	for _, over := range []string{"wait", "fail"} {
		t.Run(over, func(t *testing.T) {
			b, server, _ := modelBench(t)
			budget := func(tokens int64) {
				_, err := b.UpdateOrganization(t.Context(), b.admin, resource.OrganizationEdit{Settings: &resource.Settings{
					Limits: resource.Limits{TokensPerMonth: tokens, OverBudget: over},
				}}, 0)
				b.must(err)
			}
			budget(6000)
			system := b.system(resource.NewSystem{Name: "orders"})
			up := b.upload(system, orders())
			done := b.drain()
			a := b.analysis(up.Analysis.ID)
			if !strings.Contains(a.Message, "budget") {
				t.Fatalf("%+v after %q", a, done)
			}
			if over == "fail" {
				if a.State != resource.AnalysisFailed {
					t.Errorf("the analysis is %s", a.State)
				}
				return
			}
			if a.State != resource.AnalysisWaiting || !strings.Contains(done[len(done)-1], "analyse later") {
				t.Fatalf("the analysis is %s after %q", a.State, done)
			}
			asked := map[string]bool{}
			for _, r := range server.Requests() {
				asked[r.Hash] = true
			}
			server.Forget()
			budget(0)
			b.hurry()
			b.drain()
			if a := b.analysis(up.Analysis.ID); a.State != resource.AnalysisDone {
				t.Errorf("with budget again: %+v", a)
			}
			for _, r := range server.Requests() {
				if asked[r.Hash] {
					t.Errorf("a question of the stage %s was asked again", r.Stage)
				}
			}
		})
	}
}

// switched is a way to an endpoint that can be down.
type switched struct{ down atomic.Bool }

func (s *switched) RoundTrip(r *http.Request) (*http.Response, error) {
	if s.down.Load() {
		return nil, errors.New("connection refused")
	}
	return http.DefaultTransport.RoundTrip(r)
}

// TestAnOutageIsWaitedFor: the analysis ends whole when the endpoint is back, and
// asks nothing twice.
func TestAnOutageIsWaitedFor(t *testing.T) {
	server, way := llmtest.New(t), &switched{}
	b := newBench(t, withModel(server), func(c *service.Config) { c.Model.Transport = way })
	system := b.system(resource.NewSystem{Name: "orders"})
	way.down.Store(true)
	up := b.upload(system, orders())
	done := b.drain()
	if a := b.analysis(up.Analysis.ID); a.State != resource.AnalysisWaiting {
		t.Fatalf("the analysis is %+v after %q", a, done)
	}
	way.down.Store(false)
	b.hurry()
	b.drain()
	a := b.analysis(up.Analysis.ID)
	if a.State != resource.AnalysisDone {
		t.Errorf("the analysis is %+v", a)
	}
	seen := map[string]bool{}
	for _, r := range server.Requests() {
		if seen[r.Hash] {
			t.Errorf("a question of the stage %s was asked twice", r.Stage)
		}
		seen[r.Hash] = true
	}
}

// TestALostLeaseWritesNothing, and whoever takes over ends the analysis.
func TestALostLeaseWritesNothing(t *testing.T) {
	b, server, h := modelBench(t)
	system := b.system(resource.NewSystem{Name: "orders"})
	up := b.upload(system, orders())
	taken := make(chan struct{})
	h.atNextCall(func() {
		// Another worker found the lease expired, and ends the work first.
		b.note(b.db.Owner(t.Context(), func(tx *postgres.Tx) error {
			_, err := tx.Exec(t.Context(), `update bartizan.work set holder = 'other', lease_until = now() + interval '1 minute' where system_id = $1`, system)
			return err
		}))
		go func() { // it waits for the call under way, and takes its answer
			defer close(taken)
			for done := false; !done; {
				var err error
				done, err = b.RunAnalysis(context.WithoutCancel(t.Context()), b.admin.Organization, system, "other")
				if err != nil {
					t.Error(err)
					return
				}
			}
		}()
	})
	done := b.drain()
	if last := done[len(done)-1]; !strings.Contains(last, "lease") {
		t.Errorf("the first worker ended with %q", last)
	}
	<-taken
	if a := b.analysis(up.Analysis.ID); a.State != resource.AnalysisDone {
		t.Errorf("the analysis is %+v", a)
	}
	if _, v := b.model(system); v.Number != 1 {
		t.Errorf("version %d", v.Number)
	}
	seen := map[string]bool{}
	for _, r := range server.Requests() {
		if seen[r.Hash] {
			t.Errorf("a question of the stage %s was asked twice", r.Stage)
		}
		seen[r.Hash] = true
	}
}

// TestEventsTellHowFarItIs, from where a follower left off, and end.
func TestEventsTellHowFarItIs(t *testing.T) {
	b, server, _ := modelBench(t)
	server.Latency = 100 * time.Millisecond
	system := b.system(resource.NewSystem{Name: "orders"})
	up := b.upload(system, orders())
	id := key(t, identifier.Analysis, up.Analysis.ID)
	events, err := b.Events(t.Context(), b.admin, id, 0)
	b.must(err)
	all := make(chan []resource.Event)
	go func() {
		var list []resource.Event
		for e := range events {
			list = append(list, e)
		}
		all <- list
	}()
	b.drain()
	list := <-all
	kinds := map[string]int{}
	for i, e := range list {
		kinds[e.Kind]++
		if i > 0 && e.ID <= list[i-1].ID {
			t.Errorf("event %d after %d", e.ID, list[i-1].ID)
		}
	}
	if kinds["progress"] == 0 || kinds["state"] < 2 {
		t.Errorf("the events are %v", kinds)
	}
	rest, err := b.Events(t.Context(), b.admin, id, list[1].ID)
	b.must(err)
	n := 0
	for range rest {
		n++
	}
	if n != len(list)-2 {
		t.Errorf("%d events after the second of %d", n, len(list))
	}
	other := b.organization("other")
	_, err = b.Events(t.Context(), other, id, 0)
	wantKind(t, err, service.KindNotFound, "another tenant")
}
