package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/bartizan-security/bartizan/internal/analyze"
	"github.com/bartizan-security/bartizan/internal/catalog"
	"github.com/bartizan-security/bartizan/internal/config"
	"github.com/bartizan-security/bartizan/internal/decision"
	"github.com/bartizan-security/bartizan/internal/extract"
	"github.com/bartizan-security/bartizan/internal/report"
	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

// analyzeCmd is the main job.
type analyzeCmd struct {
	Paths []string `arg:"" name:"path" help:"Documents: files, folders or archives. All that are given describe one system."`

	System    string   `placeholder:"NAME" help:"Name of the system. Default: from bartizan.yaml, else the name of the first path."`
	Out       string   `short:"o" type:"path" placeholder:"DIR" help:"Write model.json, report.md, report.html and documents/*.txt there."`
	Context   string   `type:"path" placeholder:"FILE" help:"What people state beside the documents. Default: bartizan.yaml beside them, if it is there."`
	Catalog   []string `default:"iso27001-2022" placeholder:"ID" help:"Control catalog: a known id or a YAML file; may be given several times. Default: iso27001-2022."`
	Analyst   string   `enum:"llm,builtin,both," default:"" placeholder:"NAME" help:"Who analyses: llm, builtin or both. Default: both where a model is configured, else builtin."`
	Baseline  string   `type:"path" placeholder:"MODEL" help:"model.json of the run before, or the folder that holds it. Only what changed is asked again; threats keep their ids."`
	Fresh     bool     `help:"Ask everything again; the baseline serves matching and decisions only."`
	Decisions string   `type:"path" placeholder:"FILE" help:"People's decisions. Default: decisions.yaml beside the baseline, or in --out."`
	FailOn    string   `enum:"low,medium,high,critical," default:"" placeholder:"LEVEL" help:"Exit with 1 where a threat of this level or above is open; with a baseline: where one is new, returned, raised, or put to review by the document."`
	Format    string   `enum:"text,json" default:"text" help:"What to print: text or json."`
	DryRun    bool     `help:"Say what the run would cost, without a call."`
	Quiet     bool     `short:"q" help:"Print no progress and no summary; errors and --format json only."`

	Reading readingFlags `embed:""`
	Model   modelFlags   `embed:""`
}

// Help is shown below the flags.
func (analyzeCmd) Help() string {
	return `Examples:
  bartizan analyze --out out docs/                       the built-in analyst; no key needed
  bartizan analyze --llm-model gpt-5-mini --out out docs/ a model, at OpenAI (OPENAI_API_KEY) or --llm-base-url
  bartizan analyze --baseline out/model.json --out out --fail-on high docs/   in CI, after a change

Exit codes: 0 done; 1 --fail-on fired; 2 wrong usage or nothing could be read; 3 incomplete (a document not read, the model failed, or the budget was spent).` + readingHelp()
}

// session is one analysis on its way through the command.
type session struct {
	cmd       *analyzeCmd
	streams   streams
	context   *threatmodel.Context
	catalogs  []*catalog.Catalog
	documents []threatmodel.Source
	failures  []error
	baseline  *threatmodel.Model
	decisions []threatmodel.Decision
	started   time.Time
}

// Run analyses the documents.
func (c *analyzeCmd) Run(ctx context.Context, s streams) error {
	x := &session{cmd: c, streams: s, started: time.Now()}
	if err := x.prepare(ctx); err != nil {
		return err
	}
	if c.DryRun {
		return x.estimate(ctx)
	}
	m, err := x.analyze(ctx)
	if err != nil {
		return err
	}
	if err := x.finish(ctx, m); err != nil {
		return err
	}
	return x.verdict(m)
}

// prepare reads everything that the analysis needs.
func (x *session) prepare(ctx context.Context) error {
	err := errors.Join(x.cmd.Model.check(), checkFolder(x.cmd.Out))
	if err != nil {
		return err
	}
	if x.context, err = config.ReadContext(x.cmd.contextFile()); err != nil {
		return err
	}
	if err = x.checkModel(); err != nil {
		return err
	}
	if x.catalogs, err = openCatalogs(x.cmd.Catalog); err != nil {
		return err
	}
	if x.cmd.Baseline != "" {
		if x.baseline, err = readModel(x.cmd.Baseline); err != nil {
			return err
		}
	}
	if x.decisions, err = x.cmd.readDecisions(); err != nil {
		return err
	}
	if err = x.read(ctx); err != nil || x.cmd.DryRun {
		return err
	}
	return makeFolder(x.cmd.Out)
}

// checkModel finds out before anything is read whether the model can be asked
// and may see the documents.
func (x *session) checkModel() error {
	c := x.cmd
	if c.Fresh && c.Baseline == "" {
		return errors.New("--fresh asks everything again that --baseline answered: give a --baseline, or leave --fresh out")
	}
	if !c.useModel() {
		return nil
	}
	if c.Model.LLMModel == "" {
		return fmt.Errorf("--analyst %s needs a model: give --llm-model (and --llm-base-url for an endpoint of your own), or --analyst builtin", c.Analyst)
	}
	if c.Model.LLMAPIKey == "" && c.Model.LLMBaseURL == "" && !c.Model.Offline && !c.DryRun {
		return errors.New("OpenAI's endpoint wants an API key: set OPENAI_API_KEY, or give --llm-base-url for another endpoint, or --analyst builtin")
	}
	if c.Model.Offline || c.DryRun {
		return nil
	}
	return allowed(x.context, c.Model.endpoint())
}

// readDecisions reads what people decided. A file that was named must be there.
func (c *analyzeCmd) readDecisions() ([]threatmodel.Decision, error) {
	return loadDecisions(c.Decisions, c.decisionsFile())
}

// loadDecisions reads the file that was named, which must be there, else the
// usual one.
func loadDecisions(named, usual string) ([]threatmodel.Decision, error) {
	if named == "" {
		return decision.Load(usual)
	}
	if _, err := os.Stat(named); errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("--decisions: %s: there is no such file. `bartizan decide` makes it; without --decisions, one is used where it is there", named)
	}
	return decision.Load(named)
}

// read extracts the documents. Those that cannot be read are reported and make
// the run incomplete; none at all is an error.
func (x *session) read(ctx context.Context) error {
	p := newProgress(x.streams.err, x.cmd.Quiet, time.Now)
	defer p.done()
	var summary extract.Summary
	opt, err := x.cmd.Reading.options(&summary)
	if err != nil {
		return err
	}
	opt.Recognizing = p.recognizing
	for doc, err := range extract.ReadPaths(ctx, x.cmd.Paths, opt) {
		if err != nil {
			x.failures = append(x.failures, err)
			continue
		}
		x.documents = append(x.documents, doc)
		p.step(threatmodel.StageExtract, len(x.documents), 0)
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if len(x.documents) == 0 {
		return nothingRead(x.failures)
	}
	for _, err := range x.failures {
		p.line("not read: %v", err)
	}
	if n := len(summary.Skipped); n > 0 && !x.cmd.Quiet {
		p.line("passed over: %d %s, such as %s (%s)", n, plural(n, "file that is no document", "files that are no documents"), summary.Skipped[0].Path, summary.Skipped[0].Reason)
	}
	return nil
}

// nothingRead says why there is nothing to analyse.
func nothingRead(failures []error) error {
	switch len(failures) {
	case 0:
		return errors.New("none of the paths holds a document. Bartizan reads PDF, Word, Markdown, HTML, text, diagrams, Confluence exports, and archives of these")
	case 1:
		return failures[0]
	}
	return fmt.Errorf("none of the documents could be read:%s", listed(failures))
}

// someNotRead says which documents are left out, where others were read.
func someNotRead(failures []error) error {
	if len(failures) == 1 {
		return failures[0]
	}
	return fmt.Errorf("%d of the documents could not be read:%s", len(failures), listed(failures))
}

// listed are errors on a line each.
func listed(failures []error) string {
	var lines strings.Builder
	for _, err := range failures {
		lines.WriteString("\n  " + err.Error())
	}
	return lines.String()
}

func plural(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}

// useModel reports whether the run asks a model.
func (c *analyzeCmd) useModel() bool { return c.analystName() != "builtin" }

// analystName is the analyst that works, defaults settled.
func (c *analyzeCmd) analystName() string {
	if c.Analyst != "" {
		return c.Analyst
	}
	if c.Model.configured() {
		return "both"
	}
	return "builtin"
}

// contextFile is where people stated what documents do not: as told, else in
// the first folder of documents that has it, else beside that folder.
func (c *analyzeCmd) contextFile() config.ContextFile {
	if c.Context != "" {
		return config.ContextFile{Path: c.Context, Must: true}
	}
	var places []string
	for _, p := range c.Paths {
		places = append(places, folderOf(p))
	}
	for _, p := range c.Paths {
		places = append(places, filepath.Dir(filepath.Clean(p)))
	}
	for _, dir := range places {
		path := filepath.Join(dir, config.ContextName)
		if _, err := os.Stat(path); err == nil {
			return config.ContextFile{Path: path, Must: true}
		}
	}
	return config.ContextFile{Path: filepath.Join(places[0], config.ContextName)}
}

// decisionsFile is where decisions lie: as told, else beside the baseline, else
// in the output folder.
func (c *analyzeCmd) decisionsFile() string {
	switch {
	case c.Decisions != "":
		return c.Decisions
	case c.Baseline != "":
		return filepath.Join(filepath.Dir(modelFile(c.Baseline)), decision.FileName)
	case c.Out != "":
		return filepath.Join(c.Out, decision.FileName)
	}
	return ""
}

// analyze runs the stages.
func (x *session) analyze(ctx context.Context) (*threatmodel.Model, error) {
	p := newProgress(x.streams.err, x.cmd.Quiet, time.Now)
	p.cost = x.price
	defer p.done()
	e, err := x.engine(p)
	if err != nil {
		return nil, err
	}
	m, err := analyze.Run(ctx, x.input(), e.config)
	if err != nil {
		e.wait(ctx, p)
		return nil, &exitError{exitIncomplete, err}
	}
	e.complete(m, x)
	return m, nil
}

func (x *session) input() analyze.Input {
	return analyze.Input{
		System: x.system(), Documents: x.documents, Context: x.context, Catalogs: x.catalogs,
		Baseline: x.baseline, Decisions: x.decisions, Fresh: x.cmd.Fresh,
	}
}

// system is the system's name.
func (x *session) system() string {
	switch {
	case x.cmd.System != "":
		return x.cmd.System
	case x.context != nil && x.context.System != "":
		return x.context.System
	case x.baseline != nil:
		return x.baseline.System
	}
	return nameOf(x.cmd.Paths[0])
}

// finish applies the decisions, writes the files and prints the result.
func (x *session) finish(ctx context.Context, m *threatmodel.Model) error {
	decision.Apply(m, x.decisions, x.started)
	texts, err := documentTexts(m, x.documents)
	if err != nil {
		return err
	}
	if err := x.warn(m); err != nil {
		return err
	}
	if x.cmd.Out != "" {
		if err := writeModel(ctx, x.cmd.Out, m, texts); err != nil {
			return err
		}
	}
	if x.cmd.Format == "json" {
		raw, err := encode(m)
		if err != nil {
			return err
		}
		_, err = x.streams.out.Write(raw)
		return err
	}
	if x.cmd.Quiet {
		return nil
	}
	return report.Terminal(x.streams.out, m, report.TerminalOptions{Color: colors(x.streams.out), Width: terminalWidth(x.streams.out), Folder: x.cmd.Out})
}

// verdict is the exit code: incomplete before failing before done.
func (x *session) verdict(m *threatmodel.Model) error {
	if m.Analysis.Incomplete != "" {
		return &exitError{exitIncomplete, fmt.Errorf("the threat model is incomplete: %s", m.Analysis.Incomplete)}
	}
	if x.cmd.FailOn == "" {
		return nil
	}
	return failOn(m, x.cmd.FailOn)
}
