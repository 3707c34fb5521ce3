// Package weakness knows the public vocabulary of what goes wrong: weaknesses
// (CWE), attack patterns (CAPEC) and techniques (MITRE ATT&CK), and folds the
// weaknesses into the families that a threat's identity rests on.
//
// Analysts number the same finding differently from run to run: a tenant that
// reads another's invoices is 862 today, 863 tomorrow and 639 the day after. The
// family is what stays. Which weakness belongs where is data: families.yaml.
package weakness

import (
	"cmp"
	"slices"
)

// Usage is what MITRE says about mapping a finding to a weakness.
type Usage string

// The four usages of CWE.
const (
	Allowed     Usage = "allowed"
	Review      Usage = "review"
	Discouraged Usage = "discouraged"
	Prohibited  Usage = "prohibited"
)

// Family is a group of weaknesses that readers of a design take for one.
type Family struct {
	// Name is stable: it is part of the key of every threat.
	Name string `yaml:"name"`
	// Title is what a person reads.
	Title string `yaml:"title"`
	// Meaning says in one sentence what is wrong.
	Meaning string `yaml:"meaning"`
	// Default is the weakness to record where an analyst named one of the
	// family that findings are not to be mapped to.
	Default int `yaml:"default"`
	// Members are the weaknesses that were put into the family by hand; their
	// descendants follow them unless they are listed elsewhere.
	Members []int `yaml:"members"`
}

// Table holds weaknesses, families, attack patterns and techniques. It is
// read-only and safe for use by several goroutines.
type Table struct {
	weaknesses map[int]entry
	families   []Family
	byName     map[string]*Family
	// familyOf has the family of each weakness that has one.
	familyOf   map[int]string
	patterns   map[int]string
	techniques map[string]string
}

// entry is one weakness.
type entry struct {
	name    string
	usage   Usage
	parents []int
	capec   []int
}

// Family is the family of a weakness. It is empty for a number that is unknown
// or a category, and for a weakness that is too general or no matter of design.
func (t *Table) Family(cwe int) string { return t.familyOf[cwe] }

// Mappable reports whether MITRE allows to map a finding to the weakness, at
// once or with review, and the weakness has a family.
func (t *Table) Mappable(cwe int) bool {
	u := t.weaknesses[cwe].usage
	return (u == Allowed || u == Review) && t.familyOf[cwe] != ""
}

// Default is the weakness that stands for a family, one that findings may be
// mapped to; 0 for an unknown family.
func (t *Table) Default(family string) int {
	if f := t.byName[family]; f != nil {
		return f.Default
	}
	return 0
}

// Families are all families in the order of the file. The result is the
// caller's, the members are not to be changed.
func (t *Table) Families() []Family { return slices.Clone(t.families) }

// Named is the family of a name.
func (t *Table) Named(name string) (Family, bool) {
	if f := t.byName[name]; f != nil {
		return *f, true
	}
	return Family{}, false
}

// CWE is the name of a weakness. Deprecated weaknesses are unknown.
func (t *Table) CWE(id int) (string, bool) {
	w, ok := t.weaknesses[id]
	return w.name, ok
}

// Narrower are weaknesses below one that has no family, at most n, that findings
// may be mapped to: what to name in its place. Those that stand for a family
// come first, then the nearest.
func (t *Table) Narrower(cwe, n int) []int {
	depth := map[int]int{cwe: 0}
	for level, d := []int{cwe}, 1; len(level) > 0; d++ {
		var below []int
		for id, w := range t.weaknesses {
			if _, seen := depth[id]; !seen && slices.ContainsFunc(w.parents, func(p int) bool { return slices.Contains(level, p) }) {
				below = append(below, id)
			}
		}
		for _, id := range below {
			depth[id] = d
		}
		level = below
	}
	var out []int
	for id := range depth {
		if t.Mappable(id) {
			out = append(out, id)
		}
	}
	rank := func(id int) int {
		if t.Default(t.familyOf[id]) == id {
			return 0
		}
		return depth[id]
	}
	slices.SortFunc(out, func(a, b int) int { return cmp.Or(cmp.Compare(rank(a), rank(b)), cmp.Compare(a, b)) })
	return out[:min(n, len(out))]
}

// CAPEC is the name of an attack pattern. Deprecated ones are unknown.
func (t *Table) CAPEC(id int) (string, bool) {
	name, ok := t.patterns[id]
	return name, ok
}

// CAPECOf are the attack patterns that MITRE links to a weakness, in numeric
// order; each is known to CAPEC. The result is the caller's.
func (t *Table) CAPECOf(cwe int) []int { return slices.Clone(t.weaknesses[cwe].capec) }

// Technique is the name of an ATT&CK technique, such as T1078 or T1078.004.
// Revoked and deprecated ones are unknown.
func (t *Table) Technique(id string) (string, bool) {
	name, ok := t.techniques[id]
	return name, ok
}
