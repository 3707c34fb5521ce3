package main

import (
	"fmt"

	"github.com/bartizan-security/bartizan/internal/compare"
)

// diffCmd compares two models.
type diffCmd struct {
	Old    string `arg:"" type:"path" help:"The older model.json, or the folder that holds it."`
	New    string `arg:"" type:"path" help:"The newer one."`
	Format string `enum:"text,json" default:"text" help:"text or json."`
}

// Help is shown below the flags.
func (diffCmd) Help() string {
	return `Threats are the same where they have the same id; analyse with --baseline OLD, so that ids are carried over. To fail a build on what got worse, use analyze --fail-on.

Example:
  git show main:model.json > /tmp/main.json && bartizan diff /tmp/main.json model.json`
}

// Run prints what changed.
func (c *diffCmd) Run(s streams) error {
	older, err := readModel(c.Old)
	if err != nil {
		return err
	}
	newer, err := readModel(c.New)
	if err != nil {
		return err
	}
	if !compare.Related(older, newer) {
		fmt.Fprintf(s.err, "%s was not made on %s: threats of the same id are the same only by chance. Analyse with --baseline to carry ids over.\n", modelFile(c.New), modelFile(c.Old))
	}
	changes := compare.Models(older, newer)
	if c.Format == "json" {
		raw, err := encode(changes)
		if err != nil {
			return err
		}
		_, err = s.out.Write(raw)
		return err
	}
	return compare.Text(s.out, changes)
}
