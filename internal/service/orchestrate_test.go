package service_test

import (
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/bartizan-security/bartizan/internal/job"
	"github.com/bartizan-security/bartizan/internal/llm/llmtest"
	"github.com/bartizan-security/bartizan/internal/postgres"
	"github.com/bartizan-security/bartizan/internal/service"
	"github.com/bartizan-security/bartizan/pkg/resource"
)

// parts are the names of parts of a wide design.
var parts = strings.Fields("Alder Beech Cedar Damson Elder Fir Gorse Hazel Ivy Juniper Larch Maple Nutmeg Oak Poplar Quince Rowan Spruce Tamarind Walnut Yew Zelkova Aspen Birch")

// wide is a design of so many parts, up to 24, about which a model is asked so much
// that many questions can be put at once.
func wide(n int) files {
	var b strings.Builder
	b.WriteString("# Wide\n\nWide takes orders of shops over the internet.\n")
	for _, p := range parts[:n] {
		fmt.Fprintf(&b, "\n## %[1]s\n\nThe Shop User calls the %[1]s Gateway over the internet.\nThe %[1]s Gateway stands inside the %[1]s Zone.\n\n"+
			"The %[1]s Gateway calls the %[1]s Price Service over plain HTTP between two data centres.\n\n"+
			"The %[1]s Gateway writes orders to the %[1]s Order Store.\nThe %[1]s Order Store keeps customer addresses.\n\n%[2]s\n",
			p, strings.Repeat("The part "+p+" is looked after by a team of its own name. ", 80))
	}
	return files{"wide.md": b.String()}
}

// stages counts requests by stage, in the order of the stages.
func stages(list []llmtest.Request) (names []string, count map[string]int) {
	count = map[string]int{}
	for _, r := range list {
		if count[r.Stage]++; count[r.Stage] == 1 {
			names = append(names, r.Stage)
		}
	}
	return names, count
}

const (
	benchLatency     = 2 * time.Second
	benchConcurrency = 20
)

// orchestrate works on systems side by side until all are done, and reports how
// near that came to the ideal.
func orchestrate(b *testing.B, systems int, limit bool) {
	for b.Loop() {
		b.StopTimer()
		server := llmtest.New(b)
		x := newBench(b, withModel(server), func(c *service.Config) { c.Model.Concurrency = benchConcurrency })
		if limit {
			_, err := x.UpdateOrganization(b.Context(), x.admin, resource.OrganizationEdit{Settings: &resource.Settings{
				Limits: resource.Limits{ConcurrentCalls: benchConcurrency},
			}}, 0)
			x.must(err)
		}
		var analyses []string
		for i := range systems {
			f := wide(24 / systems)
			for name := range f { // other words for each: nothing is asked for two
				f[name] = strings.ReplaceAll(f[name], "shops", fmt.Sprintf("shops of region %d", i))
				f[name] = strings.ReplaceAll(f[name], "own name", fmt.Sprintf("own name %d", i))
				f[name] = strings.ReplaceAll(f[name], " data centres", fmt.Sprintf(" data centres of region %d", i))
				f[name] = strings.ReplaceAll(f[name], "Order Store.", fmt.Sprintf("Order Store of region %d.", i))
				f[name] = strings.ReplaceAll(f[name], "over the internet", fmt.Sprintf("over the internet of region %d", i))
			}
			analyses = append(analyses, x.upload(x.system(resource.NewSystem{Name: fmt.Sprintf("wide %d", i)}), f).Analysis.ID)
		}
		x.read()
		server.Latency = benchLatency
		entries := x.handOver()
		b.StartTimer()
		start := time.Now()
		var all sync.WaitGroup
		for _, e := range entries {
			all.Go(func() { x.do(b.Context(), e, fmt.Sprint(e.ID)) })
		}
		all.Wait()
		took := time.Since(start)
		b.StopTimer()
		for _, id := range analyses {
			if a := x.analysis(id); a.State != resource.AnalysisDone {
				b.Fatalf("the analysis is %+v", a)
			}
		}
		tell(b, server.Requests(), took, systems)
		b.StartTimer()
	}
}

func tell(b *testing.B, requests []llmtest.Request, took time.Duration, systems int) {
	ideal := time.Duration(len(requests)) * benchLatency / benchConcurrency
	b.ReportMetric(float64(len(requests)), "calls")
	b.ReportMetric(100*ideal.Seconds()/took.Seconds(), "%ideal")
	names, count := stages(requests)
	turns := 0
	for _, name := range names {
		turns += (count[name] + benchConcurrency - 1) / benchConcurrency
		b.Logf("%s: %d calls", name, count[name])
	}
	if systems > 1 {
		return // one goes on to its next stage while another is in its last
	}
	reachable := time.Duration(turns) * benchLatency
	b.ReportMetric(100*reachable.Seconds()/took.Seconds(), "%reachable")
	b.ReportMetric((took-reachable).Seconds()*1000/float64(turns), "ms-over/turn")
}

// BenchmarkOrchestration is an analysis by a model that takes two seconds for each
// answer, twenty at a time. As a stage begins when the one before it has ended,
// what can be reached is the sum of the stages' own ideals, in whole turns of
// twenty; the ideal without stages is reported beside it.
func BenchmarkOrchestration(b *testing.B) { orchestrate(b, 1, false) }

// BenchmarkOrchestrationUnderALimit is four analyses side by side, each of which
// would have twenty calls under way, in an organization that may have twenty. The
// last stages of the last one still leave room that nobody uses.
func BenchmarkOrchestrationUnderALimit(b *testing.B) { orchestrate(b, 4, true) }

// portfolio is about two hundred calls as a service meets them: many systems of a
// few calls each.
var portfolio = []struct{ systems, parts int }{{28, 0}, {10, 2}, {4, 6}}

// small is a design about which a model is asked little.
func small() files {
	return files{"small.md": "# Small\n\nSmall takes orders of shops over the internet.\n\n## Parts\n\n" +
		"The Order Gateway stands inside the Order Zone.\n\n" +
		"The Order Gateway calls the Price Service over plain HTTP between two data centres.\n"}
}

// tagged is a design in words of its own, so that nothing is asked for two.
func (f files) tagged(i int) files {
	out := files{}
	for name, text := range f {
		for _, words := range []string{"shops", "own name", "data centres", "Order Store", "over the internet"} {
			for _, end := range []string{".", " ", "\n"} {
				text = strings.ReplaceAll(text, words+end, fmt.Sprintf("%s of region %d%s", words, i, end))
			}
		}
		out[name] = text
	}
	return out
}

// BenchmarkPortfolio is many systems by workers as they come, one and two of them,
// in an organization that may have twenty calls under way: from when the documents
// are read until the last model is there.
func BenchmarkPortfolio(b *testing.B) {
	for _, of := range portfolio {
		for _, workers := range []int{1, 2} {
			b.Run(fmt.Sprintf("systems=%d/workers=%d", of.systems, workers), func(b *testing.B) {
				for b.Loop() {
					b.StopTimer()
					workPortfolio(b, of.systems, of.parts, workers)
					b.StartTimer()
				}
			})
		}
	}
}

func workPortfolio(b *testing.B, systems, n, workers int) {
	server := llmtest.New(b)
	configure := func(c *service.Config) { c.Model.Concurrency = benchConcurrency }
	x := newBench(b, withModel(server), configure)
	_, err := x.UpdateOrganization(b.Context(), x.admin, resource.OrganizationEdit{Settings: &resource.Settings{
		Limits: resource.Limits{ConcurrentCalls: benchConcurrency},
	}}, 0)
	x.must(err)
	var analyses []string
	for i := range systems {
		f := small()
		if n > 0 {
			f = wide(n)
		}
		analyses = append(analyses, x.upload(x.system(resource.NewSystem{Name: fmt.Sprintf("system %d", i)}), f.tagged(i)).Analysis.ID)
	}
	x.read()
	server.Latency = benchLatency
	list := make([]*job.Worker, workers)
	for i := range list {
		list[i] = x.worker(withModel(server), configure)
	}
	start := time.Now()
	for _, w := range list {
		x.must(w.Start(b.Context()))
	}
	for _, id := range analyses {
		for x.analysis(id).State != resource.AnalysisDone {
			time.Sleep(20 * time.Millisecond)
		}
	}
	took := time.Since(start)
	for _, w := range list {
		x.must(w.Stop(b.Context()))
	}
	tell(b, server.Requests(), took, systems)
}

// worker is another process's worker on the same database, but for the process.
func (x *bench) worker(change ...func(*service.Config)) *job.Worker {
	x.t.Helper()
	db, err := postgres.Open(x.t.Context(), postgres.Config{URL: x.db.OwnerPool().Config().ConnString()})
	x.must(err)
	x.t.Cleanup(db.Close)
	log := slog.New(slog.DiscardHandler)
	cfg := service.Config{DB: db, Version: "test", TempDir: x.t.TempDir(), Log: log}
	for _, c := range change {
		c(&cfg)
	}
	s, err := service.New(cfg)
	x.must(err)
	x.t.Cleanup(s.Close)
	analyses, share := s.AtOnce()
	w, err := job.New(job.Config{Service: s, Pool: db.OwnerPool(), Log: log, AnalysesPerOrganization: share, Workers: map[service.WorkKind]int{service.WorkAnalyse: analyses}})
	x.must(err)
	return w
}

// BenchmarkNothingChanged is an analysis of a design of 200 calls of which nothing
// changed: no call at all.
func BenchmarkNothingChanged(b *testing.B) {
	server := llmtest.New(b)
	x := newBench(b, withModel(server))
	system := x.system(resource.NewSystem{Name: "wide"})
	x.upload(system, wide(24))
	x.drain()
	first := len(server.Requests())
	server.Forget()
	for b.Loop() {
		a, err := x.Analyze(b.Context(), x.admin, system, resource.NewAnalysis{})
		x.must(err)
		x.drain()
		if got := x.analysis(a.ID); got.State != resource.AnalysisDone || got.ModelVersion != 1 {
			b.Fatalf("the analysis is %+v", got)
		}
	}
	if n := len(server.Requests()); n != 0 {
		b.Fatalf("%d calls although nothing changed", n)
	}
	b.ReportMetric(float64(first), "calls-first")
	b.ReportMetric(0, "calls-again")
}
