package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/bartizan-security/bartizan/internal/eval"
	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

// floor is what the built-in analyst must reach over all samples together.
var floor = reach{recall: 0.40, precision: 0.60}

// reached is what it reached on a sample, a little below the run that was
// recorded; only ever raised. The patterns were written with portal and
// telemetry at hand; appointments and forge came later and tell what to expect
// of documents that nobody tuned for.
var reached = map[string]reach{
	"appointments": {recall: 0.40, precision: 0.70},
	"forge":        {recall: 0.22, precision: 0.65},
	"portal":       {recall: 0.85, precision: 0.90},
	"telemetry":    {recall: 0.85, precision: 0.85},
}

type reach struct{ recall, precision float64 }

// TestBuiltinReachesItsThresholds scores the built-in analyst on every sample
// that has a truth file, and over all of them.
func TestBuiltinReachesItsThresholds(t *testing.T) {
	paths, err := filepath.Glob("../../testdata/designs/*/truth.yaml")
	if err != nil || len(paths) != len(reached) {
		t.Fatalf("truth files: %v %v; each needs its threshold", paths, err)
	}
	scores := make([]*eval.Score, len(paths))
	t.Run("sample", func(t *testing.T) {
		for i, path := range paths {
			name := filepath.Base(filepath.Dir(path))
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				scores[i] = scored(t, path)
				must(t, scores[i].Recall, scores[i].Precision, reached[name], scores[i])
			})
		}
	})
	var found, stated, matched, all float64
	for _, s := range scores {
		if s == nil {
			t.Fatal("a sample was not scored")
		}
		found += float64(len(s.Hits))
		stated += float64(len(s.Hits) + len(s.Misses))
		matched += float64(len(s.Hits) + len(s.Repeats))
		all += float64(len(s.Hits) + len(s.Repeats) + len(s.Noise) + len(s.Forbidden))
	}
	must(t, found/stated, matched/all, floor, nil)
}

func scored(t *testing.T, path string) *eval.Score {
	t.Helper()
	truth, err := eval.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	m, texts := analyzed(t, filepath.Join(filepath.Dir(path), truth.Input))
	score, err := eval.Compare(m, truth, texts)
	if err != nil {
		t.Fatal(err)
	}
	return score
}

func must(t *testing.T, recall, precision float64, want reach, score *eval.Score) {
	t.Helper()
	t.Logf("recall %.2f, precision %.2f", recall, precision)
	if recall >= want.recall && precision >= want.precision {
		return
	}
	var b bytes.Buffer
	if score != nil {
		_ = eval.Text(&b, score)
	}
	t.Errorf("recall %.2f and precision %.2f are below %.2f and %.2f\n%s", recall, precision, want.recall, want.precision, b.String())
}

// analyzed is what the command writes for a sample.
func analyzed(t *testing.T, input string) (*threatmodel.Model, map[string]string) {
	t.Helper()
	dir := t.TempDir()
	var stderr bytes.Buffer
	args := []string{"analyze", "--analyst", "builtin", "--quiet", "--out", dir, input}
	if code := run(t.Context(), args, streams{out: &bytes.Buffer{}, err: &stderr}); code != exitOK {
		t.Fatalf("exit %d: %s", code, stderr.String())
	}
	m, err := readModel(dir)
	if err != nil {
		t.Fatal(err)
	}
	return m, readTexts(dir, m)
}

// TestModelFitsItsSchema: what the command writes is what `bartizan schema`
// says, and holds nothing that the package does not know.
func TestModelFitsItsSchema(t *testing.T) {
	dir := t.TempDir()
	input := "../../testdata/designs/portal/docs"
	for _, args := range [][]string{
		{"analyze", "--analyst", "builtin", "--quiet", "--out", dir, input},
		{"analyze", "--analyst", "builtin", "--quiet", "--out", dir, "--baseline", filepath.Join(dir, modelName), input + "-v2"},
	} {
		var stderr bytes.Buffer
		if code := run(t.Context(), args, streams{out: &bytes.Buffer{}, err: &stderr}); code != exitOK {
			t.Fatalf("exit %d: %s", code, stderr.String())
		}
		raw, err := os.ReadFile(filepath.Join(dir, modelName))
		if err != nil {
			t.Fatal(err)
		}
		validate(t, raw)
		strict := json.NewDecoder(bytes.NewReader(raw))
		strict.DisallowUnknownFields()
		if err := strict.Decode(&threatmodel.Model{}); err != nil {
			t.Error(err)
		}
	}
}

// validate checks a model against the schema that the program prints.
func validate(t *testing.T, raw []byte) {
	t.Helper()
	var printed bytes.Buffer
	if code := run(t.Context(), []string{"schema"}, streams{out: &printed, err: &printed}); code != exitOK {
		t.Fatalf("exit %d: %s", code, printed.String())
	}
	doc, err := jsonschema.UnmarshalJSON(&printed)
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource(threatmodel.SchemaID, doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile(threatmodel.SchemaID)
	if err != nil {
		t.Fatal(err)
	}
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Validate(v); err != nil {
		t.Error(err)
	}
}

// BenchmarkAnalyze is the whole command with the built-in analyst, reports and
// diagram included, on a sample and on the PDFs of the folder that
// BARTIZAN_CORPUS names.
func BenchmarkAnalyze(b *testing.B) {
	inputs := []string{"../../testdata/designs/portal/docs", "../../testdata/designs/telemetry/telemetry.pdf"}
	if corpus := os.Getenv("BARTIZAN_CORPUS"); corpus != "" {
		more, err := filepath.Glob(filepath.Join(corpus, "pdf", "*.pdf"))
		if err != nil {
			b.Fatal(err)
		}
		inputs = append(inputs, more...)
	}
	for _, input := range inputs {
		b.Run(filepath.Base(input), func(b *testing.B) {
			dir := b.TempDir()
			for b.Loop() {
				var stderr bytes.Buffer
				args := []string{"analyze", "--analyst", "builtin", "--quiet", "--out", dir, input}
				if code := run(b.Context(), args, streams{out: &bytes.Buffer{}, err: &stderr}); code != exitOK {
					b.Skipf("exit %d: %s", code, stderr.String())
				}
			}
			m, err := readModel(dir)
			if err != nil {
				b.Fatal(err)
			}
			pages := 0
			for _, d := range m.Documents {
				if d.Pages != nil {
					pages += *d.Pages
				}
			}
			b.ReportMetric(float64(pages), "pages")
			b.ReportMetric(float64(len(m.Threats)), "threats")
		})
	}
}
