package llm_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bartizan-security/bartizan/internal/catalog/weakness"
	"github.com/bartizan-security/bartizan/internal/llm/llmtest"
	"github.com/bartizan-security/bartizan/pkg/threatmodel"
	"github.com/bartizan-security/bartizan/prompts"
)

var update = flag.Bool("update", false, "write the golden files anew")

// TestRenderedPrompts shows, for each stage, one prompt as a model gets it. The
// golden files are there to be read.
func TestRenderedPrompts(t *testing.T) {
	b := newBench(t)
	d := orders()
	d["names.md"] = "# Names\n\nThe Price calls the Price Service in tests.\n\nThe Order Console reads orders from the Order Store and calls the Order Console Service.\n"
	b.run(d, options{})
	byStage := map[string][]llmtest.Request{}
	for _, r := range b.server.Requests() {
		byStage[r.Stage] = append(byStage[r.Stage], r)
	}
	for _, stage := range prompts.Stages() {
		t.Run(string(stage), func(t *testing.T) {
			list := byStage[string(stage)]
			if len(list) == 0 {
				t.Fatal("the stage asked nothing")
			}
			// The longest shows most.
			slices.SortFunc(list, func(x, y llmtest.Request) int {
				return 2*(len(y.User)-len(x.User)) + strings.Compare(x.User, y.User)
			})
			got := "## system\n\n" + list[0].System + "\n\n## user\n\n" + list[0].User
			path := filepath.Join("testdata", "prompts", string(stage)+".md")
			if *update {
				if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got); diff != "" {
				t.Errorf("the prompt of %s changed (-want +got); read it, then run with -update:\n%s", stage, diff)
			}
		})
	}
}

// TestPromptsHoldNothingThatMoves: no prompt of a document holds its file name,
// a line number or a date of the run, so that an edit elsewhere changes none.
func TestPromptsHoldNothingThatMoves(t *testing.T) {
	b := newBench(t)
	b.run(orders(), options{})
	first := map[string]bool{}
	for _, r := range b.server.Requests() {
		first[r.Stage+r.User] = true
	}
	b.coldMemo()
	b.server.Forget()
	// Lines move, a document is renamed, and a new one says nothing of the system.
	d := orders()
	d["z-export-notes.md"] = strings.Replace(d["exports.md"], "# Exports\n", "# Exports\n\n\n\n", 1)
	delete(d, "exports.md")
	b.run(d, options{})
	changed := 0
	for _, r := range b.server.Requests() {
		if !first[r.Stage+r.User] {
			changed++
			t.Logf("changed: %s\n%s", r.Stage, r.User)
		}
	}
	if changed > 0 {
		t.Errorf("%d prompts changed though no text did", changed)
	}
}

// TestPromptsNameTheDefaultOfEveryFamily: the numbers that the prompts offer are
// those of the weakness table, all of them.
func TestPromptsNameTheDefaultOfEveryFamily(t *testing.T) {
	set, err := prompts.Load()
	if err != nil {
		t.Fatal(err)
	}
	table, err := weakness.Load()
	if err != nil {
		t.Fatal(err)
	}
	for _, stage := range []threatmodel.Stage{threatmodel.StageElicit, threatmodel.StageChallenge, threatmodel.StageChain} {
		_, list, ok := strings.Cut(set.System(stage), "the nearest of these: ")
		if !ok {
			t.Fatalf("%s offers no weaknesses", stage)
		}
		for _, f := range table.Families() {
			if want := fmt.Sprintf("%s %d", f.Title, f.Default); !strings.Contains(strings.ToLower(list), strings.ToLower(want)) {
				t.Errorf("%s does not offer %q", stage, want)
			}
		}
	}
}
