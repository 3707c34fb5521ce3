package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/bartizan-security/bartizan/internal/config"
	"github.com/bartizan-security/bartizan/internal/extract"
	"github.com/bartizan-security/bartizan/internal/gate"
	"github.com/bartizan-security/bartizan/internal/report/visible"
	"github.com/bartizan-security/bartizan/pkg/client"
	"github.com/bartizan-security/bartizan/pkg/resource"
	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

// serverFlags say which server is spoken to.
type serverFlags struct {
	Server string `env:"BARTIZAN_SERVER" required:"" placeholder:"URL" help:"Address of the server, such as https://bartizan.example.com."`
	Token  string `env:"BARTIZAN_TOKEN" placeholder:"TOKEN" help:"Token that the server gave; better in the environment, BARTIZAN_TOKEN."`
}

func (f *serverFlags) client() (*client.Client, error) {
	if f.Token == "" {
		return nil, errors.New("the server wants a token: set BARTIZAN_TOKEN")
	}
	return client.New(f.Server, f.Token, client.WithUserAgent("bartizan/"+version))
}

// pushCmd sends documents to a server.
type pushCmd struct {
	Paths []string `arg:"" name:"path" help:"Documents: files, folders or archives. All that are given describe one system."`

	System  string   `required:"" placeholder:"NAME" help:"Name of the system; it is created where there is none of this name."`
	Context string   `type:"path" placeholder:"FILE" help:"What people state beside the documents. Default: bartizan.yaml beside them, if it is there."`
	Label   []string `placeholder:"TEXT" help:"Label of a system that is created; may be given several times."`
	Prune   bool     `help:"Take out of the system what is not among the documents given, so that it holds exactly these."`
	Wait    bool     `help:"Wait for the analysis, and print what changed."`
	FailOn  string   `enum:"low,medium,high,critical," default:"" placeholder:"LEVEL" help:"Wait, and exit with 1 where a threat of this level or above is new, returned, raised, or put to review by the document; in a first analysis, where one is open. The same documents pushed again are judged as before, until somebody decides."`
	Quiet   bool     `short:"q" help:"Print errors only."`

	serverFlags `embed:""`
}

// Help is shown below the flags.
func (pushCmd) Help() string {
	return `A document is known by its path below the folder given: pushed again, it becomes a new revision, and only what changed is analysed. In a CI pipeline:

  bartizan push --server https://bartizan.example.com --system Orders --prune --fail-on high docs/

Exit codes: 0 done; 1 --fail-on fired; 2 wrong usage, or the server refused; 3 the analysis is not whole.`
}

// Run sends the documents.
func (c *pushCmd) Run(ctx context.Context, s streams) error {
	x, err := c.client()
	if err != nil {
		return err
	}
	files, skipped, err := collect(c.Paths)
	if err != nil {
		return err
	}
	if len(files) == 0 {
		return errors.New("none of the paths holds a document")
	}
	if n := len(skipped); n > 0 && !c.Quiet {
		fmt.Fprintf(s.err, "passed over: %d %s, such as %s\n", n, plural(n, "file that is no document", "files that are no documents"), visible.Line(skipped[0]))
	}
	system, err := c.system(ctx, s, x)
	if err != nil {
		return err
	}
	removed := 0
	if c.Prune {
		if removed, err = prune(ctx, x, system.ID, files); err != nil {
			return err
		}
	}
	up, err := x.Upload(ctx, system.ID, client.UploadOptions{}, files...)
	if err != nil {
		return err
	}
	c.tell(s, up, removed)
	return c.await(ctx, s, x, system, up.Analysis, removed)
}

// tell says what became of the documents.
func (c *pushCmd) tell(s streams, up resource.Uploaded, removed int) {
	if c.Quiet {
		return
	}
	count := map[string]int{}
	for _, d := range up.Documents {
		count[d.Change]++
	}
	fmt.Fprintf(s.out, "%d added, %d revised, %d unchanged, %d taken out\n", count["added"], count["revised"], count["unchanged"], removed)
}

// system finds the system, or creates it, and brings its context up to date.
func (c *pushCmd) system(ctx context.Context, s streams, x *client.Client) (resource.System, error) {
	stated, err := config.ReadContext((&analyzeCmd{Paths: c.Paths, Context: c.Context}).contextFile())
	if err != nil {
		return resource.System{}, err
	}
	system, err := x.SystemByName(ctx, c.System)
	switch {
	case client.IsKind(err, client.KindNotFound):
		system, err = x.CreateSystem(ctx, newSystem(c.System, c.Label, stated))
		if err == nil && !c.Quiet {
			fmt.Fprintf(s.out, "created the system %s (%s)\n", visible.Line(system.Name), system.ID)
		}
		return system, err
	case err != nil || stated == nil:
		return system, err
	}
	return x.UpdateSystem(ctx, system.ID, resource.SystemEdit{Context: stated}, 0)
}

func newSystem(name string, labels []string, stated *threatmodel.Context) resource.NewSystem {
	out := resource.NewSystem{Name: name, Labels: labels, Context: stated}
	if stated != nil {
		out.Owner, out.Criticality, out.Classification = stated.Owner, stated.Criticality, stated.Classification
	}
	return out
}

// prune takes documents out of the system that are not among the files, and
// tells how many.
func prune(ctx context.Context, x *client.Client, system string, files []client.File) (int, error) {
	var gone []resource.Document
	for d, err := range x.Documents(ctx, system) {
		if err != nil {
			return 0, err
		}
		if d.RemovedAt == nil && !slices.ContainsFunc(files, func(f client.File) bool { return f.Reference == d.Reference }) {
			gone = append(gone, d)
		}
	}
	for _, d := range gone {
		if err := x.RemoveDocument(ctx, d.ID, d.Version); err != nil {
			return 0, fmt.Errorf("taking %s out of the system: %w", d.Reference, err)
		}
	}
	return len(gone), nil
}

// await waits for the analysis, where that is wanted, and judges its result.
func (c *pushCmd) await(ctx context.Context, s streams, x *client.Client, system resource.System, a *resource.Analysis, removed int) error {
	if !c.Wait && c.FailOn == "" {
		if a != nil && !c.Quiet {
			fmt.Fprintf(s.out, "analysis %s was asked for; --wait waits for what it finds, and bartizan pull fetches it\n", a.ID)
		}
		return nil
	}
	if a == nil {
		newest, err := newestAnalysis(ctx, x, system.ID)
		if err != nil {
			return err
		}
		if !c.Quiet && (newest == nil || removed == 0 && newest.State == resource.AnalysisDone) {
			fmt.Fprintln(s.out, "nothing changed, so nothing is analysed")
		}
		if newest == nil {
			return nil
		}
		a = newest // the same documents are judged the same, however often they are pushed
	}
	done, err := c.wait(ctx, s, x, system.ID, a.ID)
	if err != nil {
		return err
	}
	return c.judge(ctx, s, x, system, done)
}

// wait follows the analysis, and where a later request took its place, that one.
func (c *pushCmd) wait(ctx context.Context, s streams, x *client.Client, system, id string) (resource.Analysis, error) {
	p := newProgress(s.err, c.Quiet, time.Now)
	defer p.done()
	for {
		a, err := x.WaitForAnalysis(ctx, id, func(e client.Event) {
			if now, err := e.Progress(); err == nil && now.Stage != "" {
				p.step(threatmodel.Stage(now.Stage), now.Done, now.Total)
			}
		})
		if err != nil || a.State != resource.AnalysisSuperseded {
			return a, err
		}
		newest, err := newestAnalysis(ctx, x, system)
		if err != nil {
			return a, err
		}
		if newest == nil || newest.ID == id {
			return a, nil
		}
		id = newest.ID
	}
}

// newestAnalysis is the system's last; nil where it has none.
func newestAnalysis(ctx context.Context, x *client.Client, system string) (*resource.Analysis, error) {
	for a, err := range x.Analyses(ctx, system) {
		return &a, err
	}
	return nil, nil
}

// judge says what came of the analysis, as an exit code too.
func (c *pushCmd) judge(ctx context.Context, s streams, x *client.Client, system resource.System, a resource.Analysis) error {
	if a.State != resource.AnalysisDone && a.State != resource.AnalysisIncomplete {
		return &exitError{exitIncomplete, fmt.Errorf("the analysis is %s: %s", a.State, a.Message)}
	}
	m, _, err := x.Model(ctx, system.ID, 0)
	if err != nil {
		return err
	}
	if !c.Quiet {
		fmt.Fprintf(s.out, "%s: version %d, %s\n", visible.Line(system.Name), a.ModelVersion, summaryOf(m, a))
	}
	if a.State == resource.AnalysisIncomplete {
		return &exitError{exitIncomplete, fmt.Errorf("the threat model is incomplete: %s", a.Message)}
	}
	if c.FailOn == "" {
		return nil
	}
	return failOn(m, c.FailOn)
}

// summaryOf counts what a person wants to know first.
func summaryOf(m *threatmodel.Model, a resource.Analysis) string {
	open := 0
	for i := range m.Threats {
		if m.Threats[i].Live() && m.Threats[i].IsOpen() {
			open++
		}
	}
	out := fmt.Sprintf("%d open %s", open, plural(open, "threat", "threats"))
	for _, kind := range []threatmodel.ChangeKind{threatmodel.ThreatAdded, threatmodel.ThreatChanged, threatmodel.ThreatReturned, threatmodel.ThreatResolved} {
		if n := a.Changes[kind]; n > 0 {
			out += fmt.Sprintf(", %d %s", n, kind)
		}
	}
	if n := len(a.Review); n > 0 {
		out += fmt.Sprintf(", %d to look at again: %s", n, strings.Join(a.Review, ", "))
	}
	return out
}

// failOn is the error of a build that must fail.
func failOn(m *threatmodel.Model, level string) error {
	failing := gate.Failing(m, threatmodel.Level(level))
	if len(failing) == 0 {
		return nil
	}
	msg := fmt.Sprintf("--fail-on %s: %d %s", level, len(failing), plural(len(failing), "threat", "threats"))
	for _, t := range failing {
		msg += fmt.Sprintf("\n  %s  %-8s  %s", t.ID, t.Risk, visible.Line(t.Title))
	}
	return &exitError{exitFailOn, errors.New(msg)}
}

// collect lists the documents below paths: what is named is sent whatever it is;
// of a folder, what may be a document. Those passed over are listed with the
// reason.
func collect(paths []string) (files []client.File, skipped []string, err error) {
	known := map[string]string{}
	add := func(reference, path string) error {
		if other, twice := known[reference]; twice {
			return fmt.Errorf("%s and %s would both be the document %s: give the folder that holds both", other, path, reference)
		}
		known[reference] = path
		files = append(files, client.File{Reference: reference, Open: func() (io.ReadCloser, error) { return os.Open(path) }})
		return nil
	}
	for _, root := range paths {
		info, err := os.Stat(root)
		if errors.Is(err, fs.ErrNotExist) {
			return nil, nil, fmt.Errorf("%s: there is no such file or folder", root)
		}
		if err != nil {
			return nil, nil, err
		}
		if !info.IsDir() {
			if err := add(filepath.Base(root), root); err != nil {
				return nil, nil, err
			}
			continue
		}
		for f, err := range filesOf(root) {
			if err != nil {
				return nil, nil, err
			}
			may, why, err := mayBeDocument(f.path)
			if err != nil {
				return nil, nil, err
			}
			if !may {
				skipped = append(skipped, fmt.Sprintf("%s (%s)", f.path, why))
				continue
			}
			if err := add(f.name, f.path); err != nil {
				return nil, nil, err
			}
		}
	}
	return files, skipped, nil
}

func mayBeDocument(path string) (bool, string, error) {
	if filepath.Base(path) == config.ContextName {
		return false, "it is the context", nil
	}
	f, err := os.Open(path)
	if err != nil {
		return false, "", err
	}
	defer f.Close()
	head := make([]byte, extract.HeadSize)
	n, err := io.ReadFull(f, head)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return false, "", fmt.Errorf("reading %s: %w", path, err)
	}
	may, why := extract.MayBeDocument(path, head[:n])
	return may, why, nil
}
