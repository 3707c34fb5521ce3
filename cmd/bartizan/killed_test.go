package main

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"golang.org/x/sync/errgroup"

	"github.com/bartizan-security/bartizan/internal/llm"
	"github.com/bartizan-security/bartizan/internal/llm/llmtest"
	"github.com/bartizan-security/bartizan/internal/service"
	"github.com/bartizan-security/bartizan/pkg/resource"
)

// stormTime is how long a test of this file may take at most, starting aside.
const stormTime = 4 * time.Minute

// patients are the systems that the tests of this file work on.
var patients = []string{"orders", "portal", "portal of later"}

// patient is a system with its documents, and how often they were sent.
type patient struct {
	name    string
	system  uuid.UUID
	designs designs
	rounds  int
}

func (f *fleet) patients(a service.Actor) []*patient {
	f.t.Helper()
	texts := map[string]designs{
		"orders": {
			"overview.md": "# Orders\n\nThe Shop User calls the Order Gateway over the internet.\n\nThe Order Gateway calls the Price Service over plain HTTP between two data centres.\n\n" +
				"The Order Gateway writes orders to the Order Store.\nThe Order Store keeps customer addresses.\n",
			"exports.md": "# Exports\n\nThe Export Job reads orders from the Order Store every night.\nThe Export Job does not check which shop an order belongs to.\n",
		},
		"portal": readDesigns(f.t, "portal/docs"), "portal of later": readDesigns(f.t, "portal/docs-v2"),
	}
	var out []*patient
	for _, name := range patients {
		out = append(out, &patient{name: name, system: f.system(a, name), designs: texts[name]})
	}
	return out
}

// work sends revision after revision of each system, the next when the model of
// the last is there, for as long as more says so.
func (f *fleet) work(a service.Actor, patients []*patient, more func(p *patient) bool) error {
	ctx, cancel := context.WithTimeout(f.t.Context(), stormTime)
	defer cancel()
	var g errgroup.Group
	for _, p := range patients {
		g.Go(func() error {
			for more(p) {
				if err := f.upload(ctx, a, p.system, p.designs.revised(p.rounds)); err != nil {
					return fmt.Errorf("sending %s: %w", p.name, err)
				}
				p.rounds++
				if err := f.await(ctx, a, p.system); err != nil {
					return fmt.Errorf("%s, revision %d: %w", p.name, p.rounds, err)
				}
			}
			return nil
		})
	}
	return g.Wait()
}

// threats are a system's threats, as JSON values.
func (f *fleet) threats(a service.Actor, system uuid.UUID) any {
	f.t.Helper()
	m, _, err := f.Model(f.t.Context(), a, system, 0)
	f.must(err)
	raw, err := json.Marshal(m.Threats)
	f.must(err)
	var out []any
	f.must(json.Unmarshal(raw, &out))
	if len(out) == 0 {
		f.t.Fatalf("the system %s has no threats", system)
	}
	return out
}

// sameAsUndisturbed compares what came of systems with what a worker makes of the
// same revisions, in another organization, when nobody disturbs it.
func (f *fleet) sameAsUndisturbed(a service.Actor, patients []*patient) {
	f.t.Helper()
	f.model.Latency = 0
	calm := f.tenant("calm")
	others := f.patients(calm)
	rounds := map[string]int{}
	for _, p := range patients {
		rounds[p.name] = p.rounds
	}
	f.must(f.work(calm, others, func(p *patient) bool { return p.rounds < rounds[p.name] }))
	for i, p := range patients {
		if diff := cmp.Diff(f.threats(calm, others[i].system), f.threats(a, p.system)); diff != "" {
			f.t.Errorf("%s: the threats are not those of an undisturbed run (-undisturbed +this):\n%.4000s", p.name, diff)
		}
	}
}

// onceAndWhole asserts that every request came to exactly one model, and that
// nothing is left over once leases have ended.
func (f *fleet) onceAndWhole(a service.Actor, patients []*patient) {
	f.t.Helper()
	for _, p := range patients {
		of := []any{a.Organization, p.system}
		if n := f.number(`select count(*) from bartizan.analysis_state s join bartizan.analysis a on a.organization_id = s.organization_id and a.id = s.analysis_id
			where a.organization_id = $1 and a.system_id = $2 and s.state = 'done'`, of...); n != p.rounds {
			f.t.Errorf("%s: %d of %d analyses are done", p.name, n, p.rounds)
		}
		if n := f.number(`select requested from bartizan.work where organization_id = $1 and system_id = $2 and done = requested`, of...); n != p.rounds {
			f.t.Errorf("%s: %d revisions were sent, %d analyses requested", p.name, p.rounds, n)
		}
		if n := f.number(`select count(*) from bartizan.model_version where organization_id = $1 and system_id = $2 and number <= $3 and cause = 'analysis'`, append(of, p.rounds)...); n != p.rounds {
			f.t.Errorf("%s: %d models of %d analyses", p.name, n, p.rounds)
		}
		if n := f.number(`select count(*) from bartizan.model_version where organization_id = $1 and system_id = $2`, of...); n != p.rounds {
			f.t.Errorf("%s: %d models in all, %d analyses", p.name, n, p.rounds)
		}
	}
	f.nothingLeft()
	verdict, err := f.VerifyAudit(f.t.Context(), a, "")
	f.must(err)
	if !verdict.Valid {
		f.t.Errorf("the audit trail: %s", verdict.Message)
	}
}

// nothingLeft waits for leases of the dead to end, and asserts that there is
// neither work nor a claim.
func (f *fleet) nothingLeft() {
	f.t.Helper()
	for what, sql := range map[string]string{
		"readings not done":       `select count(*) from bartizan.ingestion where state <> 'read'`,
		"entries of the backlog":  `select count(*) from bartizan.backlog`,
		"systems under a lease":   `select count(*) from bartizan.work where holder <> '' or requested > done`,
		"calls that count":        `select count(*) from bartizan.slot where until > now()`,
		"questions being claimed": `select count(*) from bartizan.memo_claim where until > now()`,
	} {
		n := 0
		for end := time.Now().Add(2 * fleetLease); ; time.Sleep(100 * time.Millisecond) {
			if n = f.number(sql); n == 0 || time.Now().After(end) {
				break
			}
		}
		if n > 0 {
			f.t.Errorf("%d %s are left over", n, what)
		}
	}
}

// watchMemo notes when each answer was stored, and which replaced another.
func (f *fleet) watchMemo() {
	f.t.Helper()
	_, err := f.db.OwnerPool().Exec(f.t.Context(), `
		create table bartizan.stored (call_hash text, at timestamptz, replaced boolean);
		create function bartizan.note_stored() returns trigger language plpgsql security definer as $$
			begin insert into bartizan.stored values (new.call_hash, clock_timestamp(), tg_op = 'UPDATE'); return null; end $$;
		create trigger note_stored after insert or update on bartizan.memo for each row execute function bartizan.note_stored();`)
	f.must(err)
}

// stored tells when the answer to each call was stored. No answer was stored
// twice.
func (f *fleet) stored() map[string]time.Time {
	f.t.Helper()
	if n := f.number(`select count(*) from bartizan.stored where replaced`); n > 0 {
		f.t.Errorf("%d answers were stored although there was one", n)
	}
	rows, err := f.db.OwnerPool().Query(f.t.Context(), `select call_hash, at from bartizan.stored where not replaced`)
	f.must(err)
	out := map[string]time.Time{}
	var hash string
	var at time.Time
	_, err = pgx.ForEachRow(rows, []any{&hash, &at}, func() error {
		out[hash] = at
		return nil
	})
	f.must(err)
	return out
}

// callOf is the call by which the memo knows the answer to a request.
func callOf(r llmtest.Request) string {
	return llm.CallHash("test-model", llm.Params{}, []llm.Message{{Role: "system", Content: r.System}, {Role: "user", Content: r.User}},
		llm.Schema{Name: r.SchemaName, JSON: r.Schema})
}

// askedOnce asserts that no call was made again whose answer was stored, and that
// there are no more requests than different ones and those under way at a kill,
// which are the only ones that were repeated.
func (f *fleet) askedOnce() {
	f.t.Helper()
	requests, stored := f.model.Requests(), f.stored()
	killed := map[string]time.Time{}
	for _, k := range f.kills {
		killed[k.name] = k.at
	}
	last := map[string]llmtest.Request{}
	lost := 0
	for _, r := range requests {
		at, kept := stored[callOf(r)]
		dead, wasKilled := killed[r.Key]
		switch {
		case !kept:
			f.t.Errorf("the answer to %s of %s was never stored", r.Stage, r.Key)
		case at.Before(r.At):
			f.t.Errorf("%s asked %s at %s, whose answer was stored at %s", r.Key, r.Stage, moment(r.At), moment(at))
		case wasKilled && at.After(dead):
			lost++
		}
		before, again := last[r.Hash]
		last[r.Hash] = r
		if _, dead := killed[before.Key]; again && !dead {
			f.t.Errorf("%s asked %s again at %s what %s had asked at %s, who lives", r.Key, r.Stage, moment(r.At), before.Key, moment(before.At))
		}
	}
	if len(requests) > len(last)+lost {
		f.t.Errorf("%d requests, %d different ones and %d under way at %d kills", len(requests), len(last), lost, len(f.kills))
	}
	f.t.Logf("%d requests, %d different ones, %d under way at %d kills", len(requests), len(last), lost, len(f.kills))
}

func moment(t time.Time) string { return t.Format("15:04:05.000") }

// TestWorkersKilledAtAnyMoment: three workers work on three systems, and one of
// them is killed twenty times.
func TestWorkersKilledAtAnyMoment(t *testing.T) {
	const kills = 20
	seed := uint64(time.Now().UnixNano())
	if given := os.Getenv("BARTIZAN_TEST_SEED"); given != "" {
		var err error
		if seed, err = strconv.ParseUint(given, 10, 64); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("BARTIZAN_TEST_SEED=%d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	f := newFleet(t)
	f.watchMemo()
	f.model.Latency = 150 * time.Millisecond
	for range 3 {
		f.start()
	}
	a := f.tenant("storm")
	patients := f.patients(a)
	over := make(chan struct{})
	go func() {
		defer close(over)
		for range kills {
			time.Sleep(time.Duration(200+random.IntN(1300)) * time.Millisecond)
			f.kill(f.running[random.IntN(len(f.running))])
			f.start()
		}
	}()
	err := f.work(a, patients, func(p *patient) bool {
		select {
		case <-over:
			return p.rounds < 1
		default:
			return true
		}
	})
	<-over
	f.must(err)
	f.onceAndWhole(a, patients)
	f.askedOnce()
	f.sameAsUndisturbed(a, patients)
}

// TestAKilledWorkersAnalysisGoesOnElsewhere within two leases: a minute, where a
// lease is the usual half of one.
func TestAKilledWorkersAnalysisGoesOnElsewhere(t *testing.T) {
	f := newFleet(t)
	f.watchMemo()
	f.model.Latency = 300 * time.Millisecond
	a := f.tenant("example")
	patients := f.patients(a)[1:2]
	first := f.start()
	done := make(chan error, 1)
	go func() { done <- f.work(a, patients, func(p *patient) bool { return p.rounds < 1 }) }()
	for len(f.model.Requests()) < 10 {
		time.Sleep(10 * time.Millisecond)
	}
	second := f.start()
	for f.number(`select count(*) from pg_stat_activity where application_name = 'bartizan' and query like '%listen%'`) < 2 {
		time.Sleep(10 * time.Millisecond) // it has begun to work
	}
	f.kill(first)
	f.must(<-done)
	var on time.Time
	for _, r := range f.model.Requests() {
		if r.Key == second.name {
			on = r.At
			break
		}
	}
	if took := on.Sub(f.kills[0].at); on.IsZero() || took > 2*fleetLease {
		t.Errorf("the analysis went on after %s; a lease is %s", took, fleetLease)
	} else {
		t.Logf("it went on after %s; a lease is %s", took, fleetLease)
	}
	f.onceAndWhole(a, patients)
	f.askedOnce()
}

// TestTheDatabaseIsRestarted three times under load: as an operator does it, and
// twice as if it had crashed.
func TestTheDatabaseIsRestarted(t *testing.T) {
	f := newFleet(t)
	f.watchMemo()
	f.model.Latency = 200 * time.Millisecond
	f.start()
	f.start()
	a := f.tenant("storm")
	patients := f.patients(a)
	sent := make(chan error, 1)
	go func() { sent <- f.work(a, patients, func(p *patient) bool { return p.rounds < 1 }) }()
	for i, restart := range []func(){f.crash, func() { f.must(f.cluster.Restart(t.Context())) }, f.crash} {
		for asked := len(f.model.Requests()); len(f.model.Requests()) < asked+15*(i+1); {
			time.Sleep(10 * time.Millisecond)
		}
		restart()
	}
	f.must(<-sent)
	f.onceAndWhole(a, patients)
	f.askedOnce()
	f.sameAsUndisturbed(a, patients)
}

// crash ends the database server at once, as an immediate shutdown does, and
// waits until it is up again.
func (f *fleet) crash() {
	f.t.Helper()
	before := f.cluster.PID()
	f.must(syscall.Kill(before, syscall.SIGQUIT))
	for f.cluster.PID() == before || f.db.Ping(f.t.Context()) != nil {
		time.Sleep(20 * time.Millisecond)
	}
}

// TestTheModelIsAwayForAWhile: connections are cut and refused, then it answers
// with errors.
func TestTheModelIsAwayForAWhile(t *testing.T) {
	f := newFleet(t)
	f.watchMemo()
	f.model.Latency = 100 * time.Millisecond
	f.start()
	f.start()
	a := f.tenant("storm")
	patients := f.patients(a)
	done := make(chan error, 1)
	go func() { done <- f.work(a, patients, func(p *patient) bool { return p.rounds < 1 }) }()
	for len(f.model.Requests()) < 20 {
		time.Sleep(10 * time.Millisecond)
	}
	f.model.Away()
	time.Sleep(10 * time.Second) // longer than the client tries again by itself
	f.model.Play(llmtest.ServerError, "", 15)
	f.must(f.model.Back())
	waited := 0
	for working := true; working; {
		select {
		case err := <-done:
			f.must(err)
			working = false
		case <-time.After(100 * time.Millisecond):
			waited += f.number(`select count(*) from bartizan.analysis_state where state = $1 and message <> ''`, string(resource.AnalysisWaiting))
		}
	}
	if waited == 0 {
		t.Error("no analysis said that it waits")
	}
	for _, p := range patients {
		m, _, err := f.Model(t.Context(), a, p.system, 0)
		f.must(err)
		if m.Analysis.Incomplete != "" {
			t.Errorf("%s is incomplete: %s", p.name, m.Analysis.Incomplete)
		}
	}
	f.onceAndWhole(a, patients)
	f.answeredOnce()
	f.sameAsUndisturbed(a, patients)
}

// answeredOnce asserts that no call was made again that was answered.
func (f *fleet) answeredOnce() {
	f.t.Helper()
	f.stored()
	answered := map[string]bool{}
	for _, r := range f.model.Requests() {
		if answered[r.Hash] {
			f.t.Errorf("%s asked %s again what was answered", r.Key, r.Stage)
		}
		answered[r.Hash] = answered[r.Hash] || r.Fault == "" && !r.Answered.IsZero()
	}
}
