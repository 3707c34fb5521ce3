package main

import (
	"errors"
	"fmt"
	"path/filepath"

	"github.com/bartizan-security/bartizan/internal/eval"
)

// evalCmd scores a model.
type evalCmd struct {
	Model        string  `arg:"" type:"path" help:"model.json, or the folder that holds it."`
	Truth        string  `arg:"" type:"path" help:"truth.yaml: what people found in the same documents."`
	Format       string  `enum:"text,json" default:"text" help:"text or json."`
	MinRecall    float64 `placeholder:"R" help:"Exit with 1 below this recall, 0 to 1."`
	MinPrecision float64 `placeholder:"P" help:"Exit with 1 below this precision, 0 to 1."`
}

// Help is shown below the flags.
func (evalCmd) Help() string {
	return `A threat counts as found where the weakness agrees and the quotes overlap, or stand within a paragraph of the true ones at the same element. Every miss and every piece of noise is listed with the reason.

Example:
  bartizan eval out testdata/designs/portal/truth.yaml --min-recall 0.4 --min-precision 0.6`
}

// Run prints the score.
func (c *evalCmd) Run(s streams) error {
	for flag, share := range map[string]float64{"--min-recall": c.MinRecall, "--min-precision": c.MinPrecision} {
		if !(share >= 0 && share <= 1) {
			return fmt.Errorf("%s %v: it must be from 0 to 1", flag, share)
		}
	}
	m, err := readModel(c.Model)
	if err != nil {
		return err
	}
	truth, err := eval.Load(c.Truth)
	if err != nil {
		return err
	}
	score, err := eval.Compare(m, truth, readTexts(filepath.Dir(modelFile(c.Model)), m))
	if err != nil {
		return err
	}
	if c.Format == "json" {
		raw, err := encode(score)
		if err != nil {
			return err
		}
		if _, err := s.out.Write(raw); err != nil {
			return err
		}
	} else if err := eval.Text(s.out, score); err != nil {
		return err
	}
	if score.Recall < c.MinRecall || score.Precision < c.MinPrecision {
		return &exitError{exitFailOn, errors.New(below(score, c))}
	}
	return nil
}

func below(score *eval.Score, c *evalCmd) string {
	return fmt.Sprintf("recall is %.2f and precision %.2f; at least %.2f and %.2f were asked for", score.Recall, score.Precision, c.MinRecall, c.MinPrecision)
}
