package main

import (
	"context"
	"fmt"
	"log/slog"
	"text/tabwriter"

	"github.com/bartizan-security/bartizan/internal/postgres"
)

// migrateCmd brings the database to this program's version.
type migrateCmd struct {
	Up     migrateUpCmd     `cmd:"" help:"Bring the database to this program's version."`
	Status migrateStatusCmd `cmd:"" help:"Tell which steps were taken and which are left."`
}

type migrateUpCmd struct {
	databaseFlags `embed:""`
	logFlags      `embed:""`
}

// Run migrates.
func (c *migrateUpCmd) Run(ctx context.Context, s streams) error {
	return c.with(ctx, s, &c.logFlags, c.find, func(url string) error {
		if err := postgres.Migrate(ctx, url); err != nil {
			return err
		}
		fmt.Fprintln(s.out, "The database is at this program's version.")
		return nil
	})
}

type migrateStatusCmd struct {
	databaseFlags `embed:""`
	logFlags      `embed:""`
}

// Run tells the state.
func (c *migrateStatusCmd) Run(ctx context.Context, s streams) error {
	left := 0
	err := c.with(ctx, s, &c.logFlags, c.visit, func(url string) error {
		steps, err := postgres.Status(ctx, url)
		if err != nil {
			return err
		}
		w := tabwriter.NewWriter(s.out, 0, 0, 2, ' ', 0)
		for _, m := range steps {
			state := "left"
			if !m.AppliedAt.IsZero() {
				state = m.AppliedAt.UTC().Format("2006-01-02 15:04")
			} else {
				left++
			}
			fmt.Fprintf(w, "%s\t%s\n", state, m.Name)
		}
		return w.Flush()
	})
	if err == nil && left > 0 {
		return &exitError{exitFailOn, fmt.Errorf("%d steps are left: run `bartizan migrate up`", left)}
	}
	return err
}

// with calls do with the owner's URL, the private server running where there is
// no other.
func (f *databaseFlags) with(
	ctx context.Context, s streams, l *logFlags, find func(context.Context, *slog.Logger) (*place, error), do func(url string) error,
) error {
	p, err := find(ctx, l.logger(s))
	if err != nil {
		return err
	}
	err = do(p.cfg.URL)
	if closed := p.close(context.WithoutCancel(ctx)); err == nil {
		err = closed
	}
	return err
}
