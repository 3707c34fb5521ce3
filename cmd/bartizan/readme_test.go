package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"github.com/bartizan-security/bartizan/pkg/resource"
	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

// TestTheFiveRequestsOfTheREADME runs them as they stand there, but for the address
// and the token, against a server with nothing in it.
func TestTheFiveRequestsOfTheREADME(t *testing.T) {
	for _, program := range []string{"sh", "curl", "grep", "cut", "head"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("%s is not installed", program)
		}
	}
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, block, _ := strings.Cut(string(readme), "A portal needs five requests:\n\n```sh\n")
	block, _, found := strings.Cut(block, "```")
	settings := regexp.MustCompile(`(?m)^export BARTIZAN_SERVER=\S+ BARTIZAN_TOKEN=\S+\n`)
	if !found || !settings.MatchString(block) {
		t.Fatal("the README has no such block")
	}
	s := newServing(t)
	s.model.Latency = 0
	cmd := exec.CommandContext(t.Context(), "sh", "-e", "-c", settings.ReplaceAllString(block, ""))
	cmd.Dir, cmd.Env = "../..", append(os.Environ(), "BARTIZAN_SERVER="+s.address, "BARTIZAN_TOKEN="+s.token)
	var complaints strings.Builder
	cmd.Stderr = &complaints
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v:\n%s\n%s", err, complaints.String(), out)
	}
	if !strings.Contains(string(out), "event: end") {
		t.Errorf("the stream of events does not end:\n%s", out)
	}
	_, answers, _ := strings.Cut(string(out), "event: end\ndata: {}\n\n")
	d := json.NewDecoder(strings.NewReader(answers))
	var before, after resource.Threat
	if err := d.Decode(&before); err != nil {
		t.Fatalf("the fourth: %v: %s", err, answers)
	}
	if err := d.Decode(&after); err != nil {
		t.Fatalf("the fifth: %v: %s", err, answers)
	}
	if before.Status != threatmodel.StatusOpen || after.ID != before.ID || after.Status != threatmodel.StatusAccepted || len(before.Evidence) == 0 {
		t.Errorf("decided %s (%s), which was %s (%s)", after.ID, after.Status, before.ID, before.Status)
	}
	if err := s.end(syscall.SIGTERM); err != nil {
		t.Errorf("serve ended with %v", err)
	}
}
