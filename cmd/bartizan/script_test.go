package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/testscript"

	"github.com/bartizan-security/bartizan/internal/extract"
	"github.com/bartizan-security/bartizan/internal/llm/llmtest"
	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

func TestMain(m *testing.M) {
	extract.ChildIfAsked()
	testscript.Main(m, map[string]func(){"bartizan": main})
}

// TestScripts runs testdata/script/*.txtar, each with a model endpoint of its own.
//
// Beside testscript's commands there are:
//
//	exits CODE COMMAND...   run a command, which must end with that exit code
//	play FAULT STAGE TIMES  let the model endpoint go wrong (STAGE - is any)
//	round                   let the endpoint word everything anew
//	latency DURATION        how long the endpoint takes from here on
//	calls N                 so many calls came since the last look; +N is at least
//	await N                 wait until N calls came
//	replace FILE OLD NEW    edit a document
//	threat VAR FILE WORDS   put the id of the live threat that quotes the words into VAR;
//	                        with a number, only its first characters, in small letters
//	field FILE PATH VALUE   a field of a JSON file, such as threats.0.status
//	same A B                two models are the same but for analysis.run
func TestScripts(t *testing.T) {
	files, err := filepath.Glob("testdata/script/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			t.Parallel()
			model := llmtest.New(t)
			testscript.Run(t, testscript.Params{
				Files: []string{file}, Setup: func(e *testscript.Env) error { return setUp(e, model) },
				Cmds: commandsOf(model), RequireUniqueNames: true,
			})
		})
	}
}

// setUp gives a script folders of its own and the model's address.
func setUp(e *testscript.Env, model *llmtest.Server) error {
	designs, err := filepath.Abs("../../testdata/designs")
	if err != nil {
		return err
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return err
	}
	e.Setenv("HOME", e.WorkDir)
	e.Setenv("XDG_CONFIG_HOME", filepath.Join(e.WorkDir, ".config"))
	e.Setenv("XDG_CACHE_HOME", filepath.Join(e.WorkDir, ".cache"))
	e.Setenv("BARTIZAN_PDF_CACHE", filepath.Join(cache, "bartizan", "pdf")) // compiled once, for all scripts
	e.Setenv("BARTIZAN_FENCE_SECRET", "a secret of the tests")
	e.Setenv("GIT_CONFIG_NOSYSTEM", "1")
	e.Setenv("DESIGNS", designs)
	e.Setenv("ESC", "\x1b")
	e.Setenv("MODEL_URL", model.URL())
	return nil
}

type command = func(ts *testscript.TestScript, neg bool, args []string)

func commandsOf(model *llmtest.Server) map[string]command {
	return map[string]command{
		"exits": exits, "replace": replace, "threat": threat, "field": field, "same": same,
		"play": func(ts *testscript.TestScript, _ bool, args []string) {
			stage := args[1]
			if stage == "-" {
				stage = ""
			}
			model.Play(llmtest.Fault(args[0]), stage, number(ts, args[2]))
		},
		"round": func(*testscript.TestScript, bool, []string) { model.NextRound() },
		"latency": func(ts *testscript.TestScript, _ bool, args []string) {
			d, err := time.ParseDuration(args[0])
			ts.Check(err)
			model.Latency = d
		},
		"calls": func(ts *testscript.TestScript, _ bool, args []string) {
			got := len(model.Requests())
			model.Forget()
			want, least := strings.CutPrefix(args[0], "+")
			if n := number(ts, want); got != n && !(least && got > n) {
				ts.Fatalf("the model endpoint saw %d calls, want %s", got, args[0])
			}
		},
		"await": func(ts *testscript.TestScript, _ bool, args []string) {
			for end := time.Now().Add(time.Minute); len(model.Requests()) < number(ts, args[0]); time.Sleep(5 * time.Millisecond) {
				if time.Now().After(end) {
					ts.Fatalf("only %d calls came", len(model.Requests()))
				}
			}
		},
	}
}

func number(ts *testscript.TestScript, s string) int {
	n, err := strconv.Atoi(s)
	ts.Check(err)
	return n
}

func exits(ts *testscript.TestScript, _ bool, args []string) {
	err := ts.Exec(args[1], args[2:]...)
	code := 0
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		code = exit.ExitCode()
	} else {
		ts.Check(err)
	}
	if code != number(ts, args[0]) {
		ts.Fatalf("the exit code is %d, want %s", code, args[0])
	}
}

func replace(ts *testscript.TestScript, _ bool, args []string) {
	text := ts.ReadFile(args[0])
	if !strings.Contains(text, args[1]) {
		ts.Fatalf("%q does not stand in %s", args[1], args[0])
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(strings.Replace(text, args[1], args[2], 1)), 0o644))
}

func threat(ts *testscript.TestScript, _ bool, args []string) {
	var m threatmodel.Model
	ts.Check(json.Unmarshal([]byte(ts.ReadFile(args[1])), &m))
	for i := range m.Threats {
		for _, e := range m.Threats[i].Evidence {
			if m.Threats[i].Live() && strings.Contains(e.Quote, args[2]) {
				id := m.Threats[i].ID
				if len(args) > 3 {
					id = strings.ToLower(id[:number(ts, args[3])])
				}
				ts.Setenv(args[0], id)
				return
			}
		}
	}
	ts.Fatalf("no threat quotes %q", args[2])
}

func field(ts *testscript.TestScript, neg bool, args []string) {
	var v any
	ts.Check(json.Unmarshal([]byte(ts.ReadFile(args[0])), &v))
	for _, key := range strings.Split(args[1], ".") {
		switch x := v.(type) {
		case map[string]any:
			v = x[key]
		case []any:
			switch i, err := strconv.Atoi(key); {
			case key == "length":
				v = len(x)
			case err != nil || i >= len(x):
				ts.Fatalf("%s: there is no item %s of %d", args[1], key, len(x))
			default:
				v = x[i]
			}
		default:
			v = nil
		}
	}
	got := fmt.Sprint(v)
	if v == nil {
		got = "null"
	}
	if (got == args[2]) == neg {
		ts.Fatalf("%s is %q; neg %v, want %q", args[1], got, neg, args[2])
	}
}

func same(ts *testscript.TestScript, neg bool, args []string) {
	var models [2]map[string]any
	for i := range models {
		ts.Check(json.Unmarshal([]byte(ts.ReadFile(args[i])), &models[i]))
		models[i]["analysis"].(map[string]any)["run"] = nil
	}
	if reflect.DeepEqual(models[0], models[1]) == neg {
		ts.Fatalf("same is %v:\n%s", !neg, cmp.Diff(models[0], models[1]))
	}
}
