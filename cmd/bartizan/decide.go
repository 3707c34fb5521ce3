package main

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"os/user"
	"path/filepath"
	"strings"
	"time"

	"github.com/bartizan-security/bartizan/internal/decision"
	"github.com/bartizan-security/bartizan/internal/report/visible"
	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

// decideCmd records a person's decision.
type decideCmd struct {
	Model  string `arg:"" type:"path" help:"model.json, or the folder that holds it."`
	Threat string `arg:"" help:"Id of the threat, such as T-4F7K2Q; its first three letters or more are enough where no other begins so."`
	Action string `arg:"" enum:"confirm,reject,accept,mitigate,duplicate,rerate,resolve,reopen" help:"confirm, reject, accept, mitigate, duplicate, rerate, resolve or reopen."`

	Reason     string `short:"r" placeholder:"TEXT" help:"Why. Needed for what closes a threat: accept, reject, mitigate, resolve."`
	By         string `placeholder:"NAME" help:"Who decides. Default: git's user.name and user.email, else your user name."`
	Until      string `placeholder:"DATE" help:"Last day of an acceptance, such as 2027-03-31; after it the threat is open again."`
	Of         string `placeholder:"THREAT" help:"The threat that this one is a duplicate of."`
	Likelihood int    `placeholder:"N" help:"New likelihood, 1 to 5; with rerate."`
	Impact     int    `placeholder:"N" help:"New impact, 1 to 5; with rerate."`
	Decisions  string `type:"path" placeholder:"FILE" help:"File to append to. Default: decisions.yaml beside the model."`
}

// Help is shown below the flags.
func (decideCmd) Help() string {
	return `The decision is appended to decisions.yaml, which belongs under version control beside the documents. It is bound to the sentences, verdicts and risk that it was taken on: when they change, the next analysis puts it up for review.

Examples:
  bartizan decide out T-4F7K2Q confirm
  bartizan decide out T-4F7K2Q accept --until 2027-03-31 --reason "Replaced with the new gateway in Q1"
  bartizan decide out T-4F7K2Q rerate --likelihood 2 --impact 4 --reason "Only from the admin network"
  bartizan decide out T-9M2XAB duplicate --of T-4F7K2Q

What they do: confirm says that it is real; reject that it is not; accept that the risk is borne; mitigate that something was done about it; resolve that it is over; reopen takes the last decision back.`
}

// Run appends the decision and says what it did.
func (c *decideCmd) Run(ctx context.Context, s streams) error {
	m, err := readModel(c.Model)
	if err != nil {
		return err
	}
	path := c.Decisions
	if path == "" {
		path = filepath.Join(filepath.Dir(modelFile(c.Model)), decision.FileName)
	}
	known, err := decision.Load(path)
	if err != nil {
		return err
	}
	decision.Apply(m, known, time.Now())
	d, err := c.decide(ctx, m)
	if err != nil {
		return err
	}
	if err := decision.Append(ctx, path, d); err != nil {
		return err
	}
	t := m.Threat(d.Threat)
	fmt.Fprintf(s.out, "%s  %s  %s, by %s\n%s\n", d.Threat, visible.Line(t.Title), c.said(d), visible.Line(d.By), "Recorded in "+path)
	if d.Action == threatmodel.ActionAccept && d.Until == nil {
		fmt.Fprintln(s.err, "The acceptance has no end. Give --until DATE to be asked again.")
	}
	return nil
}

// decide makes the decision from what the flags say.
func (c *decideCmd) decide(ctx context.Context, m *threatmodel.Model) (threatmodel.Decision, error) {
	threat, err := unique(m, c.Threat)
	if err != nil {
		return threatmodel.Decision{}, err
	}
	x := decision.Details{Reason: c.Reason, By: c.By, At: time.Now(), Likelihood: c.Likelihood, Impact: c.Impact}
	if c.Of != "" {
		if x.Of, err = unique(m, c.Of); err != nil {
			return threatmodel.Decision{}, fmt.Errorf("--of: %w", err)
		}
	}
	if c.Until != "" {
		until, err := decision.ParseDay(c.Until)
		if err != nil {
			return threatmodel.Decision{}, fmt.Errorf("--until: %w", err)
		}
		x.Until = &until
	}
	if x.By == "" {
		if x.By, err = person(ctx, filepath.Dir(modelFile(c.Model))); err != nil {
			return threatmodel.Decision{}, err
		}
	}
	d, err := decision.New(m, threat, threatmodel.Action(c.Action), x)
	if err != nil {
		return d, fmt.Errorf("%w%s", err, c.missing())
	}
	return d, nil
}

// missing names the flag without which the action cannot be taken.
func (c *decideCmd) missing() string {
	switch threatmodel.Action(c.Action) {
	case threatmodel.ActionAccept, threatmodel.ActionReject, threatmodel.ActionMitigate, threatmodel.ActionResolve:
		if strings.TrimSpace(c.Reason) == "" {
			return ". Give --reason TEXT"
		}
	case threatmodel.ActionDuplicate:
		if c.Of == "" {
			return ". Give --of THREAT"
		}
	case threatmodel.ActionRerate:
		if c.Likelihood == 0 || c.Impact == 0 {
			return ". Give --likelihood N and --impact N"
		}
	}
	return ""
}

// said is the decision in a few words.
func (c *decideCmd) said(d threatmodel.Decision) string {
	switch {
	case d.Of != "":
		return "is a duplicate of " + d.Of
	case d.Until != nil:
		return "accepted until " + d.Until.Format(time.DateOnly)
	case d.Action == threatmodel.ActionRerate:
		return fmt.Sprintf("rated anew: likelihood %d, impact %d, %s", d.Likelihood, d.Impact, threatmodel.Risk(d.Likelihood, d.Impact))
	}
	return map[threatmodel.Action]string{
		threatmodel.ActionConfirm: "confirmed", threatmodel.ActionReject: "rejected", threatmodel.ActionAccept: "accepted",
		threatmodel.ActionMitigate: "mitigated", threatmodel.ActionResolve: "resolved", threatmodel.ActionReopen: "open again",
	}[d.Action]
}

// shortestID is how much of an id must be typed: less is more likely a slip
// than an id, and a decision is not taken back without a trace.
const shortestID = len("T-") + 3

// unique completes the beginning of a threat's id. What is no beginning of any is
// left to the decision's own look-up, which knows near ones.
func unique(m *threatmodel.Model, typed string) (string, error) {
	want := strings.ToUpper(strings.TrimSpace(typed))
	if !strings.HasPrefix(want, "T-") {
		want = "T-" + want
	}
	var found []string
	for i := range m.Threats {
		id := m.Threats[i].ID
		if id == want {
			return id, nil
		}
		if len(want) >= shortestID && strings.HasPrefix(id, want) {
			found = append(found, id)
		}
	}
	switch len(found) {
	case 0:
		return typed, nil
	case 1:
		return found[0], nil
	}
	return "", fmt.Errorf("%q is the beginning of %s: give more of it", typed, strings.Join(found, ", "))
}

// person is who decides: as git knows them in the model's folder, else as the
// operating system does.
func person(ctx context.Context, folder string) (string, error) {
	name, mail := gitSetting(ctx, folder, "user.name"), gitSetting(ctx, folder, "user.email")
	switch {
	case name != "" && mail != "":
		return name + " <" + mail + ">", nil
	case name+mail != "":
		return name + mail, nil
	}
	u, err := user.Current()
	if err != nil {
		return "", errors.New("it is not known who decides: give --by NAME")
	}
	if u.Name != "" {
		return u.Name, nil
	}
	return u.Username, nil
}

func gitSetting(ctx context.Context, folder, key string) string {
	cmd := exec.CommandContext(ctx, "git", "config", "--get", key)
	cmd.Dir = folder
	out, err := cmd.Output()
	if err != nil {
		return "" // no git, or no such setting: both are usual
	}
	return strings.TrimSpace(string(out))
}
