package main

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"

	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

// warn says, before the files are written, what a person would otherwise find
// out too late: decisions that no threat took up, and a model in the output
// folder whose ids were not carried over. That one is kept beside the new one.
func (x *session) warn(m *threatmodel.Model) error {
	if n, example := homeless(m, x.decisions); n > 0 {
		x.streams.complain(fmt.Sprintf("%d %s of threats that this model does not have, such as %s, and %s nothing here.%s",
			n, plural(n, "decision is", "decisions are"), example, plural(n, "does", "do"), x.baselineAdvice()))
	}
	if x.cmd.Out == "" || x.baseline != nil {
		return nil
	}
	path := filepath.Join(x.cmd.Out, modelName)
	old, err := readModel(path)
	if err != nil || sameTexts(old, m) {
		return nil // there is none, or nothing is lost with it
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("keeping the model that was there: %w", err)
	}
	former := filepath.Join(x.cmd.Out, formerName)
	x.streams.complain(fmt.Sprintf("%s was made of other texts and is kept as %s. To carry its ids and decisions over, analyse again with --baseline %s.", path, former, former))
	return replaceFile(former, raw)
}

// formerName is where a model is kept that a run without --baseline replaces.
const formerName = "model.former.json"

func (x *session) baselineAdvice() string {
	if x.baseline != nil {
		return ""
	}
	return " Analyse with --baseline, so that threats keep their ids."
}

// homeless counts the decisions on threats that a model does not have, and
// gives the id of one.
func homeless(m *threatmodel.Model, decisions []threatmodel.Decision) (n int, example string) {
	for _, d := range decisions {
		if m.Threat(d.Threat) == nil {
			n++
			example = d.Threat
		}
	}
	return n, example
}

// sameTexts reports whether two models were made of the same bytes.
func sameTexts(a, b *threatmodel.Model) bool { return maps.Equal(hashes(a), hashes(b)) }

func hashes(m *threatmodel.Model) map[string]int {
	out := map[string]int{}
	for _, d := range m.Documents {
		out[d.SHA256]++
	}
	return out
}
