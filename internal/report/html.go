package report

import (
	"bufio"
	"context"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"errors"
	"fmt"
	"html/template"
	"io"
	"runtime"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/bartizan-security/bartizan/internal/report/dataflow"
	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

//go:embed templates
var templates embed.FS

// HTML writes the report as one page that needs nothing else: no network, no
// script to be read. The diagram is drawn within ctx; where that does not
// succeed, the page says why. It returns the writer's error.
func HTML(ctx context.Context, w io.Writer, m *threatmodel.Model, texts Texts) error {
	s := show(m)
	p, err := newPage(ctx, s, texts)
	if err != nil {
		return fmt.Errorf("making the HTML report: %w", err)
	}
	t, err := template.New("report.html.tmpl").Funcs(p.functions()).ParseFS(templates, "templates/*.html.tmpl")
	if err != nil {
		return fmt.Errorf("making the HTML report: %w", err)
	}
	b := bufio.NewWriter(w)
	if err := t.Execute(b, p); err != nil {
		return fmt.Errorf("writing the HTML report: %w", err)
	}
	return b.Flush()
}

// html is what the page's templates are given.
type html struct {
	*shown
	CSS    template.CSS
	Script template.JS
	Policy string

	Counts   counts
	Matrix   []matrixRow
	Figures  []figure
	Open     []threatView
	Settled  []threatView
	Coverage []coverageRow
	Texts    []textView

	sources sources
	names   vocabulary
	// documents are those of the model, and after them other texts that quotes
	// are from: what people stated in bartizan.yaml.
	documents []threatmodel.Document
	// marks gives each place that is quoted its anchor.
	marks map[string][]span
}

// newPage prepares all that the templates show.
func newPage(ctx context.Context, s *shown, texts Texts) (*html, error) {
	css, err := templates.ReadFile("templates/report.css")
	if err != nil {
		return nil, err
	}
	script, err := templates.ReadFile("templates/report.js")
	if err != nil {
		return nil, err
	}
	p := &html{shown: s, sources: newSources(texts), names: loadVocabulary(), Counts: s.counts()}
	style := string(css) + dataflow.Style
	p.CSS, p.Script = template.CSS(style), template.JS(script) // ours, from files of this package
	p.Policy = policy(style, string(script))
	p.documents = withOthers(s.Documents, texts)
	p.marks = p.quotedPlaces()
	p.Texts = p.textViews() // before the quotes, which link into them
	p.Matrix = s.matrix()
	p.Figures = s.figures(ctx)
	for _, t := range s.byRisk(ask) {
		p.Open = append(p.Open, p.threat(t))
	}
	for _, t := range s.byRisk(func(t *threatmodel.Threat) bool { return !ask(t) }) {
		p.Settled = append(p.Settled, p.threat(t))
	}
	p.Coverage = s.coverage()
	return p, nil
}

// policy allows the page its own style and script and nothing else, whatever a
// document may hold.
func policy(style, script string) string {
	return fmt.Sprintf("default-src 'none'; style-src '%s'; script-src '%s'; img-src data:; base-uri 'none'; form-action 'none'", digest(style), digest(script))
}

func digest(s string) string {
	sum := sha256.Sum256([]byte(s))
	return "sha256-" + base64.StdEncoding.EncodeToString(sum[:])
}

// figure is a diagram, or the reason why there is none.
type figure struct {
	Title, Note, Missing string
	SVG                  template.HTML
}

// drawTime is how long all diagrams of a page may take. An ordinary system
// takes a fraction of a second.
const drawTime = 10 * time.Second

// figures draws the diagrams side by side, as many as there are processors.
func (s *shown) figures(ctx context.Context) []figure {
	ctx, cancel := context.WithTimeout(ctx, drawTime)
	defer cancel()
	views := dataflow.Views(s.Model)
	out := make([]figure, len(views))
	var g errgroup.Group
	g.SetLimit(runtime.GOMAXPROCS(0))
	for i, v := range views {
		g.Go(func() error {
			out[i] = drawn(ctx, v)
			return nil
		})
	}
	_ = g.Wait() // a diagram that fails is told in its place
	return out
}

func drawn(ctx context.Context, v dataflow.View) figure {
	f := figure{Title: v.Title, Note: v.Note}
	svg, err := dataflow.Draw(ctx, v.Graph)
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		f.Missing = fmt.Sprintf("its layout was not ready in the time that it is given (%s)", drawTime)
	case err != nil:
		f.Missing = err.Error()
	}
	f.SVG = template.HTML(svg) // package dataflow escapes every name
	return f
}
