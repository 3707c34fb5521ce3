package decision

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

// find looks a threat up as a person types its id: case does not count, nor
// letters that are easily taken for digits.
func find(m *threatmodel.Model, id string) (*threatmodel.Threat, error) {
	for i := range m.Threats {
		if typed(m.Threats[i].ID) == typed(id) {
			return &m.Threats[i], nil
		}
	}
	if near := nearIDs(m, id); len(near) > 0 {
		return nil, fmt.Errorf("no threat is called %q; near: %s", id, strings.Join(near, ", "))
	}
	return nil, fmt.Errorf("no threat is called %q; the model has %d threats", id, len(m.Threats))
}

var confusable = strings.NewReplacer("O", "0", "I", "1", "L", "1")

// typed is an id as Crockford's base 32 reads it.
func typed(id string) string {
	prefix, digits, ok := strings.Cut(strings.ToUpper(strings.TrimSpace(id)), "-")
	if !ok {
		prefix, digits = "T", prefix
	}
	return prefix + "-" + confusable.Replace(digits)
}

// nearIDs are up to five ids that differ from what was typed by at most two
// characters, the nearest first.
func nearIDs(m *threatmodel.Model, id string) []string {
	type near struct {
		id    string
		steps int
	}
	var found []near
	for i := range m.Threats {
		if n := distance(typed(m.Threats[i].ID), typed(id)); n <= 2 {
			found = append(found, near{m.Threats[i].ID, n})
		}
	}
	slices.SortFunc(found, func(a, b near) int { return cmp.Or(cmp.Compare(a.steps, b.steps), cmp.Compare(a.id, b.id)) })
	var out []string
	for _, n := range found[:min(5, len(found))] {
		out = append(out, n.id)
	}
	return out
}

// distance is the number of characters to add, drop or change between two short
// ASCII texts.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
