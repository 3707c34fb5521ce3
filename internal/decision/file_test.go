package decision_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/bartizan-security/bartizan/internal/decision"
	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

// appendAs makes the test program append decisions instead of testing: the
// other process of the test of two.
const appendAs = "BARTIZAN_TEST_APPEND_AS"

const perProcess = 15

func TestMain(m *testing.M) {
	if name := os.Getenv(appendAs); name != "" {
		for i := range perProcess {
			d := accept(fmt.Sprintf("T-%s%d", name, i))
			if err := decision.Append(context.Background(), os.Args[1], d); err != nil {
				fmt.Fprintln(os.Stderr, err)
				os.Exit(1)
			}
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func accept(threat string) threatmodel.Decision {
	return threatmodel.Decision{
		Threat: threat, Action: threatmodel.ActionAccept, Reason: "The risk is borne: see #12.", By: "ada", At: noon,
		Proposed: threatmodel.High, Verdicts: map[string]threatmodel.Verdict{"iso:A.8.5": threatmodel.Absent},
		Anchors: []threatmodel.Anchor{{Hash: "12e5", Quote: "x | y", Document: "d1", Before: "a: ", After: " # b"}},
	}
}

func write(t *testing.T, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), decision.FileName)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func load(t *testing.T, path string) []threatmodel.Decision {
	t.Helper()
	out, err := decision.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestNoFileIsNotAnEmptyFile(t *testing.T) {
	for path, isNil := range map[string]bool{"": true, filepath.Join(t.TempDir(), "none.yaml"): true, write(t, ""): false, write(t, "# nothing yet\n"): false, write(t, "[]\n"): false} {
		if got := load(t, path); len(got) != 0 || (got == nil) != isNil {
			t.Errorf("%q holds %v (nil: %v)", path, got, got == nil)
		}
	}
}

func TestAppendKeepsEveryByteThatStood(t *testing.T) {
	one := "- threat: T-1\n  action: confirm # as discussed\n  by: ada\n  at: 2026-01-01T00:00:00Z\n  anchors: []\n"
	for name, before := range map[string]string{
		"comments":          "# Ours. Do not reorder.\n\n" + one + "\n# until here\n",
		"no last line end":  strings.TrimSuffix(one, "\n"),
		"indented":          "  # hello\n  - threat: T-1\n    action: confirm\n    by: ada\n    at: 2026-01-01T00:00:00Z # no line end",
		"quotes and flow":   "- {threat: \"T-1\", action: 'confirm', by: ada, at: \"2026-01-01T00:00:00Z\"}\n",
		"a document marker": "---\n" + one,
		"Windows line ends": strings.ReplaceAll(one, "\n", "\r\n"),
	} {
		t.Run(name, func(t *testing.T) {
			path := write(t, before)
			for i := range 3 {
				if err := decision.Append(t.Context(), path, accept(fmt.Sprintf("T-%d", i+2))); err != nil {
					t.Fatal(err)
				}
			}
			raw, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.HasPrefix(raw, []byte(before)) {
				t.Errorf("what stood is changed:\n%s", raw)
			}
			got := load(t, path)
			if len(got) != 4 || got[0].Threat != "T-1" || got[3].Threat != "T-4" {
				t.Errorf("the file holds %+v", got)
			}
			if diff := cmp.Diff(accept("T-2"), got[1]); diff != "" {
				t.Errorf("a decision came back changed:\n%s", diff)
			}
		})
	}
}

func TestAppendRefusesWhatItCannotAddTo(t *testing.T) {
	for name, before := range map[string]string{
		"a flow list":     "[{threat: T-1, action: confirm, by: a, at: \"2026-01-01T00:00:00Z\"}]\n",
		"a broken file":   "- threat: [\n",
		"another file":    "system: x\n",
		"an unknown key":  "- threat: T-1\n  reson: x\n",
		"a closed stream": "- threat: T-1\n  action: confirm\n  by: a\n  at: 2026-01-01T00:00:00Z\n...\n",
	} {
		t.Run(name, func(t *testing.T) {
			path := write(t, before)
			err := decision.Append(t.Context(), path, accept("T-2"))
			raw, readErr := os.ReadFile(path)
			if readErr != nil {
				t.Fatal(readErr)
			}
			if err == nil {
				if got := load(t, path); len(got) != 2 {
					t.Errorf("it was taken, and the file holds %d decisions:\n%s", len(got), raw)
				}
				return
			}
			if string(raw) != before || !strings.Contains(err.Error(), path) {
				t.Errorf("the error is %v; the file now holds\n%s", err, raw)
			}
		})
	}
}

func TestANewFileSaysWhatItIs(t *testing.T) {
	path := filepath.Join(t.TempDir(), decision.FileName)
	if err := decision.Append(t.Context(), path, accept("T-1")); err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(path)
	if err != nil || !strings.HasPrefix(string(raw), "# Decisions") {
		t.Errorf("the file begins %.40q (%v)", raw, err)
	}
}

func TestAppendFollowsALinkAndKeepsTheMode(t *testing.T) {
	path := write(t, "")
	link := filepath.Join(t.TempDir(), "link.yaml")
	if err := os.Symlink(path, link); err != nil {
		t.Skip(err)
	}
	if err := decision.Append(t.Context(), link, accept("T-1")); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Lstat(link); err != nil || info.Mode()&os.ModeSymlink == 0 {
		t.Errorf("the link was replaced: %v, %v", info, err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 || len(load(t, path)) != 1 {
		t.Errorf("the file is %v, %v", info, err)
	}
}

// TestTwoProcessesLoseNothing appends from several processes and goroutines at
// once.
func TestTwoProcessesLoseNothing(t *testing.T) {
	path := write(t, "# first line\n")
	var work sync.WaitGroup
	for _, name := range []string{"A", "B"} {
		work.Go(func() {
			cmd := exec.CommandContext(t.Context(), os.Args[0], path)
			cmd.Env = append(os.Environ(), appendAs+"="+name)
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("process %s: %v\n%s", name, err, out)
			}
		})
	}
	work.Go(func() {
		for i := range perProcess {
			if err := decision.Append(t.Context(), path, accept(fmt.Sprintf("T-C%d", i))); err != nil {
				t.Error(err)
			}
		}
	})
	work.Wait()
	count := map[string]int{}
	for _, d := range load(t, path) {
		count[d.Threat[:3]]++
	}
	if diff := cmp.Diff(map[string]int{"T-A": perProcess, "T-B": perProcess, "T-C": perProcess}, count); diff != "" {
		t.Errorf("decisions are lost or twice:\n%s", diff)
	}
	left, err := filepath.Glob(filepath.Join(filepath.Dir(path), ".*-*"))
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func TestReadingIsStrict(t *testing.T) {
	const good = "- threat: T-1\n  action: confirm\n  by: ada\n  at: 2026-01-01T00:00:00Z\n"
	for name, c := range map[string]struct{ content, says string }{
		"an unknown key":              {good + "- threat: T-2\n  action: confirm\n  reson: x\n  by: ada\n  at: 2026-01-01T00:00:00Z\n", "f.yaml:7: "},
		"an unknown action":           {good + "- threat: T-2\n  action: ignore\n  by: ada\n  at: 2026-01-01T00:00:00Z\n", `f.yaml:5: "ignore" is no action; it must be one of confirm, reject`},
		"no threat":                   {"- action: confirm\n  by: ada\n  at: 2026-01-01T00:00:00Z\n", "f.yaml:1: it has no threat"},
		"nobody":                      {"- threat: T-1\n  action: confirm\n  at: 2026-01-01T00:00:00Z\n", "it has no by"},
		"no time":                     {"- threat: T-1\n  action: confirm\n  by: ada\n", "it has no at"},
		"no reason to accept":         {"- threat: T-1\n  action: accept\n  by: ada\n  at: 2026-01-01T00:00:00Z\n", "it has no reason"},
		"no reason to resolve":        {"- threat: T-1\n  action: resolve\n  by: ada\n  at: 2026-01-01T00:00:00Z\n", "it has no reason"},
		"a time that is none":         {"- threat: T-1\n  action: confirm\n  by: ada\n  at: yesterday\n", `at: "yesterday" is no time`},
		"a day that is none":          {"- threat: T-1\n  action: accept\n  reason: r\n  by: ada\n  at: 2026-01-01T00:00:00Z\n  until: 2027-02-30\n", `until: "2027-02-30" is no date`},
		"an end before the beginning": {"- threat: T-1\n  action: accept\n  reason: r\n  by: ada\n  at: 2026-01-01T00:00:00Z\n  until: 2025-01-01\n", "until lies before"},
		"an end of a rejection":       {"- threat: T-1\n  action: reject\n  reason: r\n  by: ada\n  at: 2026-01-01T00:00:00Z\n  until: 2027-01-01\n", "until goes with accept only"},
		"a duplicate of nothing":      {"- threat: T-1\n  action: duplicate\n  by: ada\n  at: 2026-01-01T00:00:00Z\n", "of names the threat"},
		"a duplicate of itself":       {"- threat: T-1\n  action: duplicate\n  of: T-1\n  by: ada\n  at: 2026-01-01T00:00:00Z\n", "duplicate of itself"},
		"a rating out of range":       {"- threat: T-1\n  action: rerate\n  likelihood: 6\n  impact: 3\n  by: ada\n  at: 2026-01-01T00:00:00Z\n", "each 1 to 5"},
		"a rating without rerate":     {"- threat: T-1\n  action: confirm\n  likelihood: 3\n  by: ada\n  at: 2026-01-01T00:00:00Z\n", "rerate only"},
		"a rating in words":           {"- threat: T-1\n  action: rerate\n  likelihood: high\n  impact: 3\n  by: ada\n  at: 2026-01-01T00:00:00Z\n", "f.yaml:3: "},
		"no risk level":               {"- threat: T-1\n  action: confirm\n  proposed_risk: huge\n  by: ada\n  at: 2026-01-01T00:00:00Z\n", `"huge" is no risk level`},
		"no verdict":                  {"- threat: T-1\n  action: confirm\n  verdicts: {a: fine}\n  by: ada\n  at: 2026-01-01T00:00:00Z\n", `"fine" of a is no verdict`},
		"an anchor without hash":      {"- threat: T-1\n  action: confirm\n  by: ada\n  at: 2026-01-01T00:00:00Z\n  anchors:\n    - quote: q\n      document: d\n", `"q" has no hash`},
		"a key twice":                 {"- threat: T-1\n  threat: T-2\n", "f.yaml:2: "},
		"a map":                       {"threat: T-1\n", "must be one list"},
		"two documents":               {good + "---\n" + good, "must be one list"},
		"an item that is no map":      {good + "- x\n", "f.yaml:5: "},
		"broken YAML":                 {good + "- threat: [\n", "f.yaml:"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := decision.Parse("f.yaml", []byte(c.content))
			if err == nil || !strings.Contains(err.Error(), c.says) || !strings.HasPrefix(err.Error(), "f.yaml:") {
				t.Errorf("got %d decisions, %v, want an error with %q", len(got), err, c.says)
			}
		})
	}
}

// TestTextThatLooksLikeYAMLComesBack: what a person types may look like syntax.
func TestTextThatLooksLikeYAMLComesBack(t *testing.T) {
	for _, reason := range []string{
		"? unclear, it's \"open\"", "- not a list", "key: value # no comment", "%tag", "@home", "|", ">", "*", "null", "true", "1e3", "2026-01-01",
		"line one\n? line two", "  \n leading", "a\tb", "{x", "[x", "!x", "&x", "`x`", "x:", "#x", "---", "...", "- - -", "é—“”",
	} {
		path := filepath.Join(t.TempDir(), decision.FileName)
		d := accept("T-1")
		d.Reason, d.By, d.Anchors[0].Quote, d.Anchors[0].Heading = reason, reason, reason, reason
		if err := decision.Append(t.Context(), path, d, d); err != nil {
			t.Errorf("%q: %v", reason, err)
			continue
		}
		if diff := cmp.Diff([]threatmodel.Decision{d, d}, load(t, path)); diff != "" {
			t.Errorf("%q came back changed:\n%s", reason, diff)
		}
	}
}

// TestEveryDecisionComesBack, whatever a person types.
func TestEveryDecisionComesBack(t *testing.T) {
	dir := t.TempDir()
	n := 0
	line := rapid.StringMatching(`[ -~äß—“”]{1,40}`)
	text := rapid.Map(rapid.SliceOfN(line, 1, 3), func(lines []string) string { return strings.TrimSpace(strings.Join(lines, "\n")) })
	rapid.Check(t, func(t *rapid.T) {
		var want []threatmodel.Decision
		n++
		path := filepath.Join(dir, fmt.Sprintf("%d.yaml", n))
		for range rapid.IntRange(1, 3).Draw(t, "decisions") {
			d := accept("T-ABC123")
			d.Reason, d.By = text.Filter(func(s string) bool { return s != "" }).Draw(t, "reason"), line.Filter(func(s string) bool { return strings.TrimSpace(s) == s && s != "" }).Draw(t, "by")
			d.Anchors[0].Quote, d.Anchors[0].Hash = line.Draw(t, "quote"), rapid.StringMatching(`[0-9a-f]{4}`).Draw(t, "hash")
			d.Anchors[0].Before, d.Anchors[0].After = line.Draw(t, "before"), line.Draw(t, "after")
			if rapid.Bool().Draw(t, "ends") {
				until, err := decision.ParseDay(rapid.SampledFrom([]string{"2027-01-31", "2028-02-29", "2027-06-01T10:20:30Z"}).Draw(t, "until"))
				if err != nil {
					t.Fatal(err)
				}
				d.Until = &until
			}
			if err := decision.Append(context.Background(), path, d); err != nil {
				t.Fatal(err)
			}
			want = append(want, d)
		}
		got, err := decision.Load(path)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatal(diff)
		}
	})
}

func FuzzParse(f *testing.F) {
	f.Add([]byte("- threat: T-1\n  action: confirm\n  by: ada\n  at: 2026-01-01T00:00:00Z\n  anchors: []\n"))
	f.Add([]byte("[]"))
	f.Add([]byte("# c\n- {threat: T-1}\n"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		got, err := decision.Parse("f.yaml", raw)
		if err != nil {
			if !strings.HasPrefix(err.Error(), "f.yaml:") {
				t.Errorf("the error names no file: %v", err)
			}
			return
		}
		for _, d := range got {
			if d.Threat == "" || d.By == "" || d.At.IsZero() {
				t.Errorf("taken without threat, person or time: %+v", d)
			}
		}
	})
}
