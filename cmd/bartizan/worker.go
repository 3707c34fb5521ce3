package main

import (
	"context"
	"errors"
	"net"
	"net/http"

	"github.com/bartizan-security/bartizan/internal/monitor"
)

// workerCmd works without answering requests.
type workerCmd struct {
	Listen string `env:"BARTIZAN_WORKER_LISTEN" placeholder:"HOST:PORT" help:"Where to answer /healthz, /readyz and /metrics. Default: nowhere."`

	workerFlags  `embed:""`
	serviceFlags `embed:""`
}

// Help is shown below the flags.
func (workerCmd) Help() string {
	return `A worker reads documents, analyses systems and calls webhooks. Start as many as you like, on as many machines: they share the work over the database, and the work of one that dies goes on elsewhere within a minute.`
}

// errNoServer refuses a worker that would work for nobody: a private database is
// that of one serve, which works itself.
var errNoServer = errors.New("a worker wants the database of the server that it works for: set DATABASE_URL. " +
	"A server with a private database works by itself: bartizan serve")

// Run works until it is told to stop.
func (c *workerCmd) Run(ctx context.Context, s streams) error {
	if c.DatabaseURL == "" && c.AppDatabaseURL == "" {
		return errNoServer
	}
	var l net.Listener
	if c.Listen != "" {
		var err error
		if l, err = listenAt(c.Listen); err != nil {
			return err
		}
		defer l.Close()
	}
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
	w, err := c.worker(x, m)
	if err != nil {
		return err
	}
	if err := w.Start(ctx); err != nil {
		return err
	}
	defer endWorker(ctx, x, w, c.SoftStop)
	x.log.Info("working", "analyses", c.Analyses, "readings", c.Readings)
	if l == nil {
		<-ctx.Done()
		return nil
	}
	m.WatchQueue(x.service)
	mux := http.NewServeMux()
	addMonitor(mux, x, m, []monitor.Check{{Name: "database", Ask: x.service.Ready}, {Name: "workers", Ask: w.Ready}})
	return answer(ctx, l, mux, func(address string) { x.log.Info("listening", "address", address) })
}
