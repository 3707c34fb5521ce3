package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/bartizan-security/bartizan/internal/decision"
)

// reportCmd writes reports again.
type reportCmd struct {
	Model     string `arg:"" type:"path" help:"model.json, or the folder that holds it."`
	Out       string `short:"o" type:"path" placeholder:"DIR" help:"Folder for report.md and report.html. Default: beside the model."`
	Decisions string `type:"path" placeholder:"FILE" help:"People's decisions. Default: decisions.yaml beside the model."`
}

// Help is shown below the flags.
func (reportCmd) Help() string {
	return `Nothing is analysed: the reports show model.json as it is, with the decisions taken since. Quotes are shown in their surroundings where documents/*.txt still lie beside the model.

Example:
  bartizan report out`
}

// Run writes report.md and report.html.
func (c *reportCmd) Run(ctx context.Context, s streams) error {
	m, err := readModel(c.Model)
	if err != nil {
		return err
	}
	folder := filepath.Dir(modelFile(c.Model))
	decisions, err := loadDecisions(c.Decisions, filepath.Join(folder, decision.FileName))
	if err != nil {
		return err
	}
	decision.Apply(m, decisions, time.Now())
	texts := readTexts(folder, m)
	out := c.Out
	if out == "" {
		out = folder
	}
	if err := os.MkdirAll(out, 0o755); err != nil {
		return fmt.Errorf("making the output folder: %w", err)
	}
	if err := writeReports(ctx, out, m, texts); err != nil {
		return err
	}
	fmt.Fprintf(s.out, "%s\n%s\n", filepath.Join(out, markdownName), filepath.Join(out, htmlName))
	if missing := missingTexts(m, texts); missing > 0 {
		fmt.Fprintf(s.err, "The texts of %d of %d documents do not lie in %s: their quotes are shown without what stands around them.\n",
			missing, len(m.Documents), filepath.Join(folder, documentsName))
	}
	return nil
}
