package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/bartizan-security/bartizan/internal/decision"
	"github.com/bartizan-security/bartizan/internal/report"
	"github.com/bartizan-security/bartizan/internal/report/visible"
	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

// pullCmd fetches a threat model from a server.
type pullCmd struct {
	System  string `required:"" placeholder:"NAME" help:"Name of the system."`
	Out     string `short:"o" required:"" type:"path" placeholder:"DIR" help:"Write model.json, decisions.yaml, report.md, report.html and documents/*.txt there."`
	Version int64  `placeholder:"N" help:"Version of the model. Default: the current one."`
	Force   bool   `help:"Overwrite a decisions.yaml that holds decisions which the server does not know."`
	Quiet   bool   `short:"q" help:"Print errors only."`

	serverFlags `embed:""`
}

// Help is shown below the flags.
func (pullCmd) Help() string {
	return `What is written is what ` + "`bartizan analyze --out`" + ` writes: other commands work on it.

  bartizan pull --server https://bartizan.example.com --system Orders --out out`
}

// Run fetches the model.
func (c *pullCmd) Run(ctx context.Context, s streams) error {
	x, err := c.client()
	if err != nil {
		return err
	}
	if err := errors.Join(checkFolder(c.Out), makeFolder(c.Out)); err != nil {
		return err
	}
	system, err := x.SystemByName(ctx, c.System)
	if err != nil {
		return err
	}
	bundle, err := x.Export(ctx, system.ID, c.Version)
	if err != nil {
		return err
	}
	if bundle.Model == nil {
		return fmt.Errorf("the server gave no model of %s", c.System)
	}
	file := filepath.Join(c.Out, decision.FileName)
	if err := c.keepsDecisions(file, bundle.Decisions); err != nil {
		return err
	}
	texts := report.Texts{}
	for _, t := range bundle.Texts {
		texts[t.Document] = t.Text
	}
	if err := replaceDecisions(ctx, file, bundle.Decisions); err != nil {
		return err
	}
	if err := writeModel(ctx, c.Out, bundle.Model, texts); err != nil {
		return err
	}
	if !c.Quiet {
		fmt.Fprintf(s.out, "%s, version %d: %s\n", visible.Line(system.Name), bundle.Version, filepath.Join(c.Out, modelName))
	}
	return nil
}

// keepsDecisions refuses to overwrite decisions that only the file holds.
func (c *pullCmd) keepsDecisions(file string, known []threatmodel.Decision) error {
	here, err := decision.Load(file)
	if err != nil || c.Force {
		return err
	}
	lost := 0
	for _, d := range here {
		if !slices.ContainsFunc(known, func(k threatmodel.Decision) bool {
			return k.Threat == d.Threat && k.Action == d.Action && k.At.Equal(d.At)
		}) {
			lost++
		}
	}
	if lost > 0 {
		return fmt.Errorf("%s holds %d %s that the server does not know: import them first, give another --out, or --force to lose them", file, lost, plural(lost, "decision", "decisions"))
	}
	return nil
}

// replaceDecisions writes a decisions file anew, whole or not at all.
func replaceDecisions(ctx context.Context, file string, decisions []threatmodel.Decision) error {
	if len(decisions) == 0 {
		if err := os.Remove(file); err != nil && !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("removing %s, for which the server has no decision: %w", file, err)
		}
		return nil
	}
	dir, err := os.MkdirTemp(filepath.Dir(file), ".bartizan-")
	if err != nil {
		return fmt.Errorf("writing the decisions: %w", err)
	}
	defer os.RemoveAll(dir)
	anew := filepath.Join(dir, decision.FileName)
	if err := decision.Append(ctx, anew, decisions...); err != nil {
		return err
	}
	if err := os.Rename(anew, file); err != nil {
		return fmt.Errorf("writing the decisions: %w", err)
	}
	return nil
}
