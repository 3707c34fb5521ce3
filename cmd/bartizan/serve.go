package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/bartizan-security/bartizan/internal/api"
	"github.com/bartizan-security/bartizan/internal/identifier"
	"github.com/bartizan-security/bartizan/internal/job"
	"github.com/bartizan-security/bartizan/internal/monitor"
	"github.com/bartizan-security/bartizan/internal/service"
	"github.com/bartizan-security/bartizan/pkg/resource"
)

// workerFlags say how much this process works on.
type workerFlags struct {
	Analyses int           `placeholder:"N" help:"Analyses at once in this process. Default: 40 with a language model, for which they mostly wait, and 4 without." group:"Work"`
	Readings int           `default:"2" placeholder:"N" help:"Documents read at once in this process." group:"Work"`
	Share    int           `placeholder:"N" help:"Jobs of one kind that one organization may have under way on all workers: fairness between tenants. Default: 4, but 32 analyses with a language model." group:"Work"`
	SoftStop time.Duration `name:"soft-stop" default:"20s" help:"How long work under way may go on at a stop before it is put back." group:"Work"`
}

func (f *workerFlags) worker(x *installation, m *monitor.Monitor) (*job.Worker, error) {
	for name, n := range map[string]int{"--analyses": f.Analyses, "--readings": f.Readings - 1, "--share": f.Share} {
		if n < 0 {
			return nil, fmt.Errorf("%s: it must be 1 or more", name)
		}
	}
	analyses, share := x.service.AtOnce()
	f.Analyses, share = cmp.Or(f.Analyses, analyses), cmp.Or(f.Share, share)
	return job.New(job.Config{
		Service: x.service, Pool: x.db.OwnerPool(), PerOrganization: f.Share, AnalysesPerOrganization: share, SoftStop: f.SoftStop, Lease: x.lease, Log: x.log, Ended: m.JobEnded,
		Workers: map[service.WorkKind]int{service.WorkAnalyse: f.Analyses, service.WorkIngest: f.Readings},
	})
}

// serveCmd is the API with workers.
type serveCmd struct {
	Listen   string   `default:"127.0.0.1:8080" env:"BARTIZAN_LISTEN" placeholder:"HOST:PORT" help:"Where to listen."`
	NoWorker bool     `name:"no-worker" help:"Answer requests only, and leave the work to bartizan worker."`
	Dev      bool     `help:"For trying things out: makes a first organization and prints a token once; webhooks may call private addresses."`
	Sample   string   `type:"path" placeholder:"DIR" help:"With --dev, where there is no organization yet: a system made of the documents there."`
	Origins  []string `placeholder:"URL" help:"Web origins whose scripts may call the API, such as https://portal.example.com."`

	workerFlags  `embed:""`
	serviceFlags `embed:""`
}

// Help is shown below the flags.
func (serveCmd) Help() string {
	return `Without --database-url, serve finds the PostgreSQL that is installed here, and runs a private server of its own in --data-dir.

Examples:
  bartizan serve --dev                      try it: prints a token, then see http://127.0.0.1:8080/docs
  DATABASE_URL=postgres://... BARTIZAN_SECRET=... bartizan serve --listen :8080 --no-worker
  DATABASE_URL=postgres://... BARTIZAN_SECRET=... bartizan worker       as many as you like

/healthz says that the process runs, /readyz that it can work, /metrics what it did (Prometheus).`
}

// Run serves until it is told to stop.
func (c *serveCmd) Run(ctx context.Context, s streams) error {
	c.WebhooksToPrivate = c.WebhooksToPrivate || c.Dev
	// Before anything is made: a trial's token is shown once.
	l, err := listenAt(c.Listen)
	if err != nil {
		return err
	}
	defer l.Close()
	m := monitor.New(version)
	x, err := c.open(ctx, s, m)
	if err != nil {
		return err
	}
	defer func() {
		if err := x.close(context.WithoutCancel(ctx)); err != nil {
			x.log.Error("stopping", "error", err)
		}
	}()
	m.WatchQueue(x.service)
	checks := []monitor.Check{{Name: "database", Ask: x.service.Ready}}
	if c.Dev {
		if err := c.begin(ctx, s, x); err != nil {
			return err
		}
	}
	stopWorker := func() {}
	if !c.NoWorker {
		w, err := c.worker(x, m)
		if err != nil {
			return err
		}
		if err := w.Start(ctx); err != nil {
			return err
		}
		stopWorker = func() { endWorker(ctx, x, w, c.SoftStop) }
		checks = append(checks, monitor.Check{Name: "workers", Ask: w.Ready})
	}
	err = c.serve(ctx, s, x, l, c.handler(x, m, checks))
	stopWorker()
	return err
}

// handler is the API, with what operators ask beside it.
func (c *serveCmd) handler(x *installation, m *monitor.Monitor, checks []monitor.Check) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/", api.New(api.Config{
		Service: x.service, Log: x.log, Version: version, TicketKey: x.keys.ticket, Origins: c.Origins,
		Observe: func(o api.Observation) { m.Request(o.Method, o.Route, o.Status, o.Took) },
	}))
	addMonitor(mux, x, m, checks)
	return mux
}

func addMonitor(mux *http.ServeMux, x *installation, m *monitor.Monitor, checks []monitor.Check) {
	mux.Handle("GET /healthz", monitor.Alive())
	mux.Handle("GET /readyz", monitor.Ready(func(check string, err error) { x.log.Warn("not ready", "check", check, "error", err) }, checks...))
	mux.Handle("GET /metrics", m.Metrics())
}

// drain is how long requests under way may take at a stop.
const drain = 15 * time.Second

// serve answers requests until ctx ends, then lets those under way end.
func (c *serveCmd) serve(ctx context.Context, s streams, x *installation, l net.Listener, h http.Handler) error {
	return answer(ctx, l, h, func(address string) {
		fmt.Fprintf(s.out, "Bartizan %s listens on http://%s, its API is described at http://%s/docs\n", version, address, address)
		x.log.Info("listening", "address", address)
	})
}

func listenAt(address string) (net.Listener, error) {
	l, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("listening: %w; give another --listen", err)
	}
	return l, nil
}

// answer answers requests until ctx ends, then lets those under way end.
func answer(ctx context.Context, l net.Listener, h http.Handler, ready func(address string)) error {
	// Requests outlive ctx by the drain.
	base, end := context.WithCancel(context.WithoutCancel(ctx))
	defer end()
	server := &http.Server{
		Handler: h, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 64 << 10,
		BaseContext: func(net.Listener) context.Context { return base },
	}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(l) }()
	ready(l.Addr().String())
	select {
	case err := <-failed:
		return fmt.Errorf("serving: %w", err)
	case <-ctx.Done():
	}
	until, cancel := context.WithTimeout(context.WithoutCancel(ctx), drain)
	defer cancel()
	// Streams of events last for long; they come back with Last-Event-ID.
	time.AfterFunc(drain/3, end)
	if err := server.Shutdown(until); err != nil {
		return errors.Join(fmt.Errorf("some requests did not end in %s: %w", drain, err), server.Close())
	}
	return nil
}

// endWorker stops a worker, and says so where something was left.
func endWorker(ctx context.Context, x *installation, w *job.Worker, soft time.Duration) {
	until, cancel := context.WithTimeout(context.WithoutCancel(ctx), soft+30*time.Second)
	defer cancel()
	if err := w.Stop(until); err != nil {
		x.log.Error("stopping the worker", "error", err)
	}
}

// begin makes the first organization of a trial, and a token for it, once.
func (c *serveCmd) begin(ctx context.Context, s streams, x *installation) error {
	all, err := x.service.Organizations(ctx)
	if err != nil {
		return err
	}
	if len(all) > 0 {
		fmt.Fprintln(s.out, goesOn(all[0].Name))
		return nil
	}
	o, err := x.service.CreateOrganization(ctx, "dev", "Development")
	if err != nil {
		return err
	}
	token, err := x.service.CreateFirstToken(ctx, o.Name, "dev")
	if err != nil {
		return err
	}
	fmt.Fprintf(s.out, "A first organization was made: %s. Its token, shown this once:\n\n  %s\n\n", o.Name, token.Secret)
	if c.Sample == "" {
		return nil
	}
	return c.sample(ctx, s, x, o)
}

// goesOn tells whoever starts a trial again, and has no token left, how to come
// by one.
func goesOn(organization string) string {
	return "Going on with what is in the database. Its first token was shown when it was made. For another, while this runs:\n\n" +
		"  bartizan admin create-token " + organization + "    (with the same --data-dir)\n"
}

// sample makes a system of the documents in a folder.
func (c *serveCmd) sample(ctx context.Context, s streams, x *installation, o resource.Organization) error {
	organization, err := identifier.Parse(identifier.Organization, o.ID)
	if err != nil {
		return err
	}
	actor := service.Worker(organization)
	system, err := x.service.CreateSystem(ctx, actor, resource.NewSystem{Name: "Sample: " + nameOf(filepath.Dir(c.Sample)), Labels: []string{"sample"}})
	if err != nil {
		return err
	}
	id, err := identifier.Parse(identifier.System, system.ID)
	if err != nil {
		return err
	}
	up, err := x.service.Upload(ctx, actor, id, filesBelow(c.Sample), true)
	if err != nil {
		return fmt.Errorf("--sample: %w", err)
	}
	fmt.Fprintf(s.out, "A sample system was made of %d documents: %s. Its analysis begins now.\n", len(up.Documents), system.ID)
	return nil
}

// filesBelow opens the files of a folder one after another.
func filesBelow(dir string) iter.Seq2[service.File, error] {
	return func(yield func(service.File, error) bool) {
		for f, err := range filesOf(dir) {
			if err != nil {
				yield(service.File{}, err)
				return
			}
			if !yieldFile(f, yield) {
				return
			}
		}
	}
}

func yieldFile(f file, yield func(service.File, error) bool) bool {
	r, err := os.Open(f.path)
	if err != nil {
		return yield(service.File{}, err)
	}
	defer r.Close()
	return yield(service.File{Name: f.name, Reference: f.name, Content: r}, nil)
}

// file is a file of a folder: where it lies, and its name below the folder.
type file struct{ path, name string }

// filesOf lists the regular files of a folder in the order of their names; hidden
// ones and those in hidden folders are left out.
func filesOf(dir string) iter.Seq2[file, error] {
	return func(yield func(file, error) bool) {
		err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			switch {
			case err != nil:
				return err
			case path != dir && strings.HasPrefix(d.Name(), "."):
				if d.IsDir() {
					return filepath.SkipDir
				}
				return nil
			case !d.Type().IsRegular():
				return nil
			}
			name, err := filepath.Rel(dir, path)
			if err != nil {
				return err
			}
			if !yield(file{path, filepath.ToSlash(name)}, nil) {
				return filepath.SkipAll
			}
			return nil
		})
		if err != nil {
			yield(file{}, err)
		}
	}
}
