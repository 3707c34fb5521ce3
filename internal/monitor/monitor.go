// Package monitor is what operators watch: metrics for Prometheus, and whether
// the process is alive and ready.
package monitor

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/bartizan-security/bartizan/internal/service"
)

// Monitor counts. Its methods may be called from many goroutines.
type Monitor struct {
	registry *prometheus.Registry

	requests   *prometheus.CounterVec
	latency    *prometheus.HistogramVec
	jobs       *prometheus.CounterVec
	jobTime    *prometheus.HistogramVec
	calls      *prometheus.CounterVec
	tokens     *prometheus.CounterVec
	cost       *prometheus.CounterVec
	analyses   *prometheus.CounterVec
	analysisIn *prometheus.HistogramVec
}

// New makes a monitor. Version stands in the metric bartizan_build_info.
func New(version string) *Monitor {
	m := &Monitor{registry: prometheus.NewRegistry()}
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		c := prometheus.NewCounterVec(prometheus.CounterOpts{Name: "bartizan_" + name, Help: help}, labels)
		m.registry.MustRegister(c)
		return c
	}
	histogram := func(name, help string, buckets []float64, labels ...string) *prometheus.HistogramVec {
		h := prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "bartizan_" + name, Help: help, Buckets: buckets}, labels)
		m.registry.MustRegister(h)
		return h
	}
	minutes := prometheus.ExponentialBuckets(0.1, 3, 10) // 0.1 s to half an hour
	m.requests = counter("http_requests_total", "Requests answered, by route and status.", "method", "route", "status")
	m.latency = histogram("http_request_seconds", "Time to answer, by route.", prometheus.DefBuckets, "method", "route")
	m.jobs = counter("jobs_total", "Jobs ended, by kind and how: done, later, failed, lost, stopped, nothing.", "kind", "how")
	m.jobTime = histogram("job_seconds", "Time that jobs took, by kind.", minutes, "kind")
	m.calls = counter("model_calls_total", "Questions put to a language model, by endpoint and stage; cached ones were answered by the memo.", "endpoint", "stage", "cached")
	m.tokens = counter("model_tokens_total", "Tokens sent (in) and received (out), by endpoint and stage.", "endpoint", "stage", "direction")
	m.cost = counter("model_cost_total", "Cost of model calls, in the currency of the configured prices.", "endpoint", "stage")
	m.analyses = counter("analyses_total", "Analyses ended, by state.", "state")
	m.analysisIn = histogram("analysis_seconds", "Time that analyses took, by state.", minutes, "state")
	build := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "bartizan_build_info", Help: "1, with the version as a label."}, []string{"version"})
	build.WithLabelValues(version).Set(1)
	m.registry.MustRegister(build, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// Request counts an answered request. The route is the pattern, not the path:
// paths hold identifiers.
func (m *Monitor) Request(method, route string, status int, took time.Duration) {
	m.requests.WithLabelValues(method, route, strconv.Itoa(status)).Inc()
	m.latency.WithLabelValues(method, route).Observe(took.Seconds())
}

// JobEnded counts a job.
func (m *Monitor) JobEnded(kind service.WorkKind, how string, took time.Duration) {
	m.jobs.WithLabelValues(string(kind), how).Inc()
	m.jobTime.WithLabelValues(string(kind)).Observe(took.Seconds())
}

// ModelCall implements service.Meter.
func (m *Monitor) ModelCall(endpoint, stage string, cached bool, tokensIn, tokensOut int, cost float64) {
	m.calls.WithLabelValues(endpoint, stage, strconv.FormatBool(cached)).Inc()
	m.tokens.WithLabelValues(endpoint, stage, "in").Add(float64(tokensIn))
	m.tokens.WithLabelValues(endpoint, stage, "out").Add(float64(tokensOut))
	m.cost.WithLabelValues(endpoint, stage).Add(cost)
}

// AnalysisEnded implements service.Meter.
func (m *Monitor) AnalysisEnded(state string, took time.Duration) {
	m.analyses.WithLabelValues(state).Inc()
	m.analysisIn.WithLabelValues(state).Observe(took.Seconds())
}

// Queue tells what waits and what is under way.
type Queue interface {
	QueueState(ctx context.Context) ([]service.QueueState, error)
}

// WatchQueue adds the state of the backlog, which is asked for at each scrape.
func (m *Monitor) WatchQueue(q Queue) { m.registry.MustRegister(&queueCollector{queue: q}) }

type queueCollector struct{ queue Queue }

var (
	queueWaiting = prometheus.NewDesc("bartizan_queue_waiting", "Work that waits, by kind.", []string{"kind"}, nil)
	queueRunning = prometheus.NewDesc("bartizan_queue_running", "Work under way on all workers, by kind.", []string{"kind"}, nil)
	queueAge     = prometheus.NewDesc("bartizan_queue_age_seconds", "How long the work has waited that could have begun first, by kind.", []string{"kind"}, nil)
)

// scrapeTime bounds the question to the database at a scrape.
const scrapeTime = 5 * time.Second

// Describe implements prometheus.Collector.
func (c *queueCollector) Describe(ch chan<- *prometheus.Desc) {
	ch <- queueWaiting
	ch <- queueRunning
	ch <- queueAge
}

// Collect implements prometheus.Collector. A database that does not answer
// fails the scrape, so that nobody takes silence for an empty queue.
func (c *queueCollector) Collect(ch chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), scrapeTime)
	defer cancel()
	states, err := c.queue.QueueState(ctx)
	if err != nil {
		ch <- prometheus.NewInvalidMetric(queueWaiting, err)
		return
	}
	for _, s := range states {
		ch <- prometheus.MustNewConstMetric(queueWaiting, prometheus.GaugeValue, float64(s.Waiting), string(s.Kind))
		ch <- prometheus.MustNewConstMetric(queueRunning, prometheus.GaugeValue, float64(s.Running), string(s.Kind))
		ch <- prometheus.MustNewConstMetric(queueAge, prometheus.GaugeValue, s.Oldest.Seconds(), string(s.Kind))
	}
}

// Metrics answers scrapes.
func (m *Monitor) Metrics() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{ErrorHandling: promhttp.HTTPErrorOnError})
}

// Alive answers that the process runs.
func Alive() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { say(w, http.StatusOK, "ok") })
}

// Check says in one sentence what is missing; nil where nothing is.
type Check struct {
	Name string
	Ask  func(context.Context) error
}

// Ready answers whether everything that the process needs is there, with a line
// for each check. Errors go to the log, not to whoever asks.
func Ready(failed func(check string, err error), checks ...Check) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), scrapeTime)
		defer cancel()
		status, text := http.StatusOK, ""
		for _, c := range checks {
			if err := c.Ask(ctx); err != nil {
				failed(c.Name, err)
				status = http.StatusServiceUnavailable
				text += c.Name + ": not ready\n"
				continue
			}
			text += c.Name + ": ok\n"
		}
		say(w, status, text)
	})
}

func say(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_, _ = w.Write([]byte(text))
}
