package main

import (
	"context"
	"errors"
	"fmt"
	"text/tabwriter"

	"github.com/bartizan-security/bartizan/internal/analyst/builtin"
	"github.com/bartizan-security/bartizan/internal/embed"
	"github.com/bartizan-security/bartizan/internal/estimate"
	client "github.com/bartizan-security/bartizan/internal/llm"
	"github.com/bartizan-security/bartizan/internal/pattern"
	"github.com/bartizan-security/bartizan/prompts"
)

// forecast is an estimate with what it means in money.
type forecast struct {
	*estimate.Forecast
	Model string `json:"model"`
	// CostLow and CostHigh are null where bartizan.yaml names no price.
	CostLow  *float64 `json:"cost_low"`
	CostHigh *float64 `json:"cost_high"`
	Currency string   `json:"currency,omitempty"`
}

// estimate says what the run would cost. Nothing is asked.
func (x *session) estimate(ctx context.Context) error {
	out := forecast{Forecast: &estimate.Forecast{
		Stages: []estimate.Stage{}, Basis: []string{"The built-in analyst asks nobody."},
	}}
	if x.cmd.useModel() {
		var err error
		if out, err = x.forecast(ctx); err != nil {
			return err
		}
	}
	if err := x.printForecast(out); err != nil {
		return err
	}
	if len(x.failures) > 0 {
		return &exitError{exitIncomplete, errors.New("some documents could not be read; the run would be incomplete")}
	}
	return nil
}

func (x *session) forecast(ctx context.Context) (forecast, error) {
	library, err := pattern.Load()
	if err != nil {
		return forecast{}, err
	}
	own, err := builtin.New(library)
	if err != nil {
		return forecast{}, err
	}
	analyst, err := x.cmd.Model.analyst(nil)
	if err != nil {
		return forecast{}, err
	}
	memo, err := x.cmd.Model.memo()
	if err != nil {
		return forecast{}, err
	}
	set, err := prompts.Load()
	if err != nil {
		return forecast{}, err
	}
	config := x.config(own, library)
	config.Model, config.Prompts = x.cmd.Model.LLMModel, set.Version()
	if x.cmd.analystName() == "both" {
		config.Colleague = own
	}
	embedder, err := embed.Builtin()
	if err != nil {
		return forecast{}, err
	}
	useEmbedder(&config, embedder)
	f, err := estimate.Run(ctx, x.input(), config, estimate.Config{
		Analyst: analyst, StandIn: own, Kept: memo, Model: x.cmd.Model.LLMModel, Params: client.Params{},
	})
	if err != nil {
		return forecast{}, err
	}
	if x.cmd.Model.EmbeddingModel != "" && !x.cmd.Model.Offline {
		f.Basis = append(f.Basis, "Passages are found by the built-in embedding here; what the embedding model costs is left out.")
	}
	out := forecast{Forecast: f, Model: x.cmd.Model.LLMModel}
	out.CostLow, out.Currency = cost(x.context, out.Model, f.Low.TokensIn, f.Low.TokensOut)
	out.CostHigh, _ = cost(x.context, out.Model, f.High.TokensIn, f.High.TokensOut)
	return out, nil
}

func (x *session) printForecast(f forecast) error {
	if x.cmd.Format == "json" {
		raw, err := encode(f)
		if err != nil {
			return err
		}
		_, err = x.streams.out.Write(raw)
		return err
	}
	w := tabwriter.NewWriter(x.streams.out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(x.streams.out, "Dry run: nothing is asked.\n\n")
	if len(f.Stages) > 0 {
		fmt.Fprintln(w, "stage\tfrom baseline\tkept\tcalls\ttokens in\ttokens out\t")
	}
	for _, s := range f.Stages {
		fmt.Fprintf(w, "%s\t%d\t%d\t%d\t%s\t%s\t\n", s.Stage, s.Reused, s.Kept, s.Calls, thousands(s.TokensIn), thousands(s.TokensOut))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	x.printTotals(f)
	return nil
}

func (x *session) printTotals(f forecast) {
	between := func(low, high string) string {
		if low == high {
			return low
		}
		return low + " to " + high
	}
	out := x.streams.out
	fmt.Fprintf(out, "\nCalls   %s\n", between(thousands(f.Low.Calls), thousands(f.High.Calls)))
	fmt.Fprintf(out, "Tokens  %s in, %s out\n", between(thousands(f.Low.TokensIn), thousands(f.High.TokensIn)), between(thousands(f.Low.TokensOut), thousands(f.High.TokensOut)))
	switch {
	case f.CostLow != nil:
		fmt.Fprintf(out, "Cost    %s, by the prices of bartizan.yaml\n", between(money(*f.CostLow, f.Currency), money(*f.CostHigh, f.Currency)))
	case f.Model != "":
		fmt.Fprintf(out, "Cost    not known: bartizan.yaml names no price for %s\n", f.Model)
	}
	if limit := x.cmd.Model.MaxTokens; limit > 0 && f.High.TokensIn+f.High.TokensOut > limit {
		fmt.Fprintf(out, "Budget  --max-tokens %s may stop the run before it is whole\n", thousands(limit))
	}
	for _, b := range f.Basis {
		fmt.Fprintf(out, "\n%s", b)
	}
	fmt.Fprintln(out)
}
