package config_test

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/alecthomas/kong"
	"github.com/google/go-cmp/cmp"

	"github.com/bartizan-security/bartizan/internal/config"
	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

// line is a command line as the program's is made.
type line struct {
	Config string `type:"path"`
	Run    struct {
		Model   string        `env:"TEST_MODEL" default:"none"`
		Timeout time.Duration `default:"5m"`
		Jobs    int           `default:"4"`
		Quiet   bool
		Catalog []string `default:"iso"`
		Level   string   `enum:"low,high," default:""`
	} `cmd:""`
}

// parse reads arguments with a settings file of the given content.
func parse(t *testing.T, settings string, args ...string) (line, error) {
	t.Helper()
	t.Setenv("XDG_CONFIG_HOME", t.TempDir())
	path := filepath.Join(t.TempDir(), "settings.yaml")
	if err := os.WriteFile(path, []byte(settings), 0o600); err != nil {
		t.Fatal(err)
	}
	args = append([]string{"run", "--config", path}, args...)
	var l line
	p, err := kong.New(&l, kong.Writers(io.Discard, io.Discard), kong.Exit(func(int) { t.Error("it exits") }))
	if err != nil {
		t.Fatal(err)
	}
	if err := config.Apply(p, args); err != nil {
		return l, err
	}
	_, err = p.Parse(args)
	return l, err
}

func TestFlagBeforeEnvironmentBeforeFileBeforeDefault(t *testing.T) {
	for _, tt := range []struct{ name, flag, env, file, want string }{
		{"nothing is said", "", "", "", "none"},
		{"the file alone", "", "", "model: of-file", "of-file"},
		{"the environment too", "", "of-env", "model: of-file", "of-env"},
		{"all of them", "of-flag", "of-env", "model: of-file", "of-flag"},
		{"flag and file", "of-flag", "", "model: of-file", "of-flag"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if tt.env != "" {
				t.Setenv("TEST_MODEL", tt.env)
			}
			var args []string
			if tt.flag != "" {
				args = []string{"--model", tt.flag}
			}
			l, err := parse(t, tt.file, args...)
			if err != nil || l.Run.Model != tt.want {
				t.Errorf("the model is %q (%v), want %q", l.Run.Model, err, tt.want)
			}
		})
	}
}

func TestAnEmptyVariableIsNotSet(t *testing.T) {
	t.Setenv("TEST_MODEL", "")
	for file, want := range map[string]string{"": "none", "model: of-file": "of-file"} {
		if l, err := parse(t, file); err != nil || l.Run.Model != want {
			t.Errorf("with the file %q the model is %q (%v), want %q", file, l.Run.Model, err, want)
		}
	}
}

func TestSettingsOfEveryKind(t *testing.T) {
	l, err := parse(t, "timeout: 10s\njobs: 7\nquiet: true\ncatalog: [one, two]\nlevel: high\n")
	if err != nil {
		t.Fatal(err)
	}
	if l.Run.Timeout != 10*time.Second || l.Run.Jobs != 7 || !l.Run.Quiet || l.Run.Level != "high" {
		t.Errorf("%+v", l.Run)
	}
	if diff := cmp.Diff([]string{"one", "two"}, l.Run.Catalog); diff != "" {
		t.Error(diff)
	}
	if l, err = parse(t, "catalog: [one]\n", "--catalog", "three"); err != nil || len(l.Run.Catalog) != 1 || l.Run.Catalog[0] != "three" {
		t.Errorf("a flag adds to the file: %v %v", l.Run.Catalog, err)
	}
}

func TestWrongSettingsAreRefused(t *testing.T) {
	for settings, says := range map[string]string{
		"modle: x":           `"modle" is no setting`,
		"config: other.yaml": `"config" is no setting`,
		"help: true":         `"help" is no setting`,
		"timeout: 300":       "missing unit",
		"jobs: many":         "many",
		"level: huge":        "level",
		"model: [":           "settings.yaml",
		"- model":            "settings.yaml",
	} {
		if _, err := parse(t, settings); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%q: %v; want %q in it", settings, err, says)
		}
	}
}

// TestAnErrorShowsNoLineOfTheSettings: the line beside it may be a key.
func TestAnErrorShowsNoLineOfTheSettings(t *testing.T) {
	_, err := parse(t, "model: sk-secret\nquiet: [\n")
	if err == nil || strings.Contains(err.Error(), "sk-secret") {
		t.Errorf("the error is %v", err)
	}
}

func TestSettingsFileOfOnesOwn(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("XDG_CONFIG_HOME", dir)
	var l line
	newParser := func() *kong.Kong {
		l = line{}
		p, err := kong.New(&l, kong.Writers(io.Discard, io.Discard))
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	p := newParser()
	if err := config.Apply(p, []string{"run"}); err != nil {
		t.Errorf("there is none, and yet: %v", err)
	}
	if err := os.MkdirAll(filepath.Join(dir, "bartizan"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "bartizan", "config.yaml"), []byte("model: mine\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	p = newParser()
	if err := config.Apply(p, []string{"run"}); err != nil {
		t.Fatal(err)
	}
	if _, err := p.Parse([]string{"run"}); err != nil || l.Run.Model != "mine" {
		t.Errorf("the model is %q (%v)", l.Run.Model, err)
	}
	if err := config.Apply(newParser(), []string{"run", "--config=" + filepath.Join(dir, "none.yaml")}); err == nil {
		t.Error("a file that was named and is not there is no error")
	}
}

func context(t *testing.T, text string) (*threatmodel.Context, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), config.ContextName)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return config.ReadContext(config.ContextFile{Path: path, Must: true})
}

func TestContextHoldsWhatPeopleState(t *testing.T) {
	got, err := context(t, `
system: Orders
owner: Team Orders
criticality: high
classification: confidential
data_classes: [{name: Addresses, class: confidential, kinds: [personal]}]
assumptions: [Laptops are managed.]
out_of_scope: [The identity provider.]
inherited_controls:
  - {control: A.7.1, provider: Cloud, statement: Guarded., shown_in: SOC 2, elements: [Order Store]}
endpoints: [{url: "http://localhost:1/v1", up_to: restricted}]
prices: [{model: m, input: 0.25, output: 2, currency: EUR}]
`)
	want := &threatmodel.Context{
		System: "Orders", Owner: "Team Orders", Criticality: "high", Classification: "confidential",
		DataClasses: []threatmodel.DataClass{{Name: "Addresses", Class: "confidential", Kinds: []string{"personal"}}},
		Assumptions: []string{"Laptops are managed."}, OutOfScope: []string{"The identity provider."},
		Inherited: []threatmodel.InheritedControl{{Control: "A.7.1", Provider: "Cloud", Statement: "Guarded.", ShownIn: "SOC 2", Elements: []string{"Order Store"}}},
		Endpoints: []threatmodel.Endpoint{{URL: "http://localhost:1/v1", UpTo: "restricted"}},
		Prices:    []threatmodel.Price{{Model: "m", Input: 0.25, Output: 2, Currency: "EUR"}},
	}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("%v\n%s", err, diff)
	}
}

func TestContextIsReadStrictly(t *testing.T) {
	for text, says := range map[string]string{
		"critcality: high":                             "critcality",
		"criticality: huge":                            "must be one of low, medium, high, critical",
		"classification: secret":                       "must be one of public, internal, confidential, restricted",
		"data_classes: [{class: internal}]":            "an entry has no name",
		"data_classes: [{name: x, class: y}]":          `class of x is "y"`,
		"inherited_controls: [{control: A.7.1}]":       "must be given",
		"endpoints: [{url: x, up_to: all}]":            `up_to of x is "all"`,
		"owner: [":                                     config.ContextName,
		"prices: [{model: m, input: dear, output: 1}]": "dear",
		"prices: [{model: m, input: -1, output: 1}]":   "price",
		"endpoints: [{up_to: public}]":                 "url",
	} {
		if _, err := context(t, text); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%q: %v; want %q in it", text, err, says)
		}
	}
}

func TestNoContextIsNone(t *testing.T) {
	path := filepath.Join(t.TempDir(), config.ContextName)
	if c, err := config.ReadContext(config.ContextFile{Path: path}); c != nil || err != nil {
		t.Errorf("%v %v", c, err)
	}
	if _, err := config.ReadContext(config.ContextFile{Path: path, Must: true}); err == nil {
		t.Error("a file that was named and is not there is no error")
	}
}

// TestSampleIsValid: what init writes can be read, as it is and with every
// commented example taken in.
func TestSampleIsValid(t *testing.T) {
	if _, err := context(t, string(config.Sample)); err != nil {
		t.Error(err)
	}
	var lines []string
	for _, l := range strings.Split(string(config.Sample), "\n") {
		if rest, ok := strings.CutPrefix(l, "#  "); ok {
			l = "  " + rest
		} else if strings.HasSuffix(l, ": []") {
			l = strings.TrimSuffix(l, " []")
		}
		lines = append(lines, l)
	}
	c, err := context(t, strings.Join(lines, "\n"))
	if err != nil {
		t.Fatal(err)
	}
	if len(c.DataClasses) == 0 || len(c.Assumptions) == 0 || len(c.OutOfScope) == 0 || len(c.Inherited) == 0 || len(c.Endpoints) == 0 || len(c.Prices) == 0 {
		t.Errorf("an example is missing: %+v", c)
	}
}

func TestTheDefaultSettingsMayLieOutOfReachButNotTheNamedOnes(t *testing.T) {
	if os.Getuid() == 0 {
		t.Skip("nothing is out of reach of root")
	}
	home := t.TempDir()
	locked := filepath.Join(home, "locked")
	if err := os.Mkdir(locked, 0); err != nil {
		t.Fatal(err)
	}
	t.Setenv("XDG_CONFIG_HOME", locked)
	var l line
	p, err := kong.New(&l)
	if err != nil {
		t.Fatal(err)
	}
	if err := config.Apply(p, []string{"run"}); err != nil {
		t.Errorf("a folder that may not be looked into stops the program: %v", err)
	}
	if err := config.Apply(p, []string{"run", "--config", filepath.Join(locked, "x.yaml")}); err == nil {
		t.Error("settings that were named and may not be read are passed over")
	}
	own := filepath.Join(home, "own", "bartizan")
	if err := os.MkdirAll(own, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(own, "config.yaml"), []byte("jobs: 7"), 0); err != nil {
		t.Fatal(err)
	}
	t.Setenv("XDG_CONFIG_HOME", filepath.Dir(own))
	if err := config.Apply(p, []string{"run"}); err == nil {
		t.Error("settings that are there and may not be read are passed over")
	}
}

func TestAListIsNoContext(t *testing.T) {
	path := filepath.Join(t.TempDir(), config.ContextName)
	if err := os.WriteFile(path, []byte("- system: Orders\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := config.ReadContext(config.ContextFile{Path: path, Must: true}); err == nil || !strings.Contains(err.Error(), "it is a list") {
		t.Errorf("a list is taken for a context: %v", err)
	}
}
