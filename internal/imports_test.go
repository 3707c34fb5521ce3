// Package internal_test holds what concerns all packages at once.
package internal_test

import (
	"os/exec"
	"strings"
	"testing"
)

const module = "github.com/bartizan-security/bartizan/"

// allowed says for each package what it may import of ours: itself, what lies
// below it, and the packages listed. Arrows point one way: from the command
// through analysts and stages down to the vocabulary. A package that is not
// listed is an error, so that a new one finds its place here first.
var allowed = map[string][]string{
	"pkg/threatmodel": {},
	"pkg/resource":    {"pkg/threatmodel"},
	"pkg/client":      {"pkg/threatmodel", "pkg/resource"},
	"prompts":         {"pkg/threatmodel"},

	"internal/extract":   {"pkg/threatmodel"},
	"internal/passage":   {"pkg/threatmodel"},
	"internal/ground":    {"pkg/threatmodel", "internal/passage"},
	"internal/llm":       {"pkg/threatmodel"},
	"internal/embed":     {"pkg/threatmodel", "internal/llm"},
	"internal/retrieve":  {"pkg/threatmodel", "internal/embed", "internal/passage"},
	"internal/catalog":   {"pkg/threatmodel"},
	"internal/pattern":   {"pkg/threatmodel", "internal/catalog", "internal/ground"},
	"internal/reconcile": {"pkg/threatmodel", "internal/passage"},
	"internal/decision":  {"pkg/threatmodel", "internal/reconcile"},
	"internal/gate":      {"pkg/threatmodel"},
	"internal/report":    {"pkg/threatmodel", "internal/catalog", "internal/passage"},
	"internal/eval":      {"pkg/threatmodel", "internal/catalog", "internal/passage", "internal/ground", "internal/report/visible"},
	"internal/compare":   {"pkg/threatmodel", "internal/reconcile", "internal/report/visible"},
	"internal/config":    {"pkg/threatmodel"},

	// The stages know no analyst, no database, no HTTP and no file format.
	"internal/analyze": {
		"pkg/threatmodel", "internal/catalog", "internal/ground", "internal/passage", "internal/reconcile", "internal/pattern",
		"internal/embed", "internal/llm", "prompts",
	},
	"internal/analyst": {
		"pkg/threatmodel", "internal/analyze", "internal/catalog", "internal/embed", "internal/ground", "internal/passage", "internal/pattern", "internal/llm", "prompts",
	},
	"internal/estimate": {"pkg/threatmodel", "internal/analyze", "internal/ground", "internal/llm", "internal/passage", "internal/reconcile", "prompts"},

	// The service: nothing but it speaks to the database.
	"internal/cluster":    {},
	"internal/identifier": {},
	"internal/postgres":   {"pkg/threatmodel", "internal/llm", "internal/embed"},
	// For tests only.
	"internal/postgres/pgtest": {"internal/cluster"},
	"internal/service": {
		"pkg/threatmodel", "pkg/resource", "internal/identifier", "internal/postgres", "internal/extract", "internal/passage", "internal/embed", "internal/retrieve",
		"internal/analyze", "internal/analyst", "internal/catalog", "internal/pattern", "internal/llm", "internal/decision", "internal/reconcile",
		"internal/ground", "internal/compare", "internal/estimate", "internal/config", "internal/gate", "internal/report", "prompts",
	},
	"internal/job":     {"pkg/threatmodel", "pkg/resource", "internal/identifier", "internal/service"},
	"internal/monitor": {"internal/service"},
	"internal/api":     {"pkg/threatmodel", "pkg/resource", "internal/identifier", "internal/service"},
	"cmd":              {"pkg", "internal", "prompts"},
}

// TestImportsPointOneWay holds the layout: who may know whom.
func TestImportsPointOneWay(t *testing.T) {
	out, err := exec.Command("go", "list", "-f", `{{.ImportPath}} {{join .Imports " "}}`, module+"...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	if len(lines) < 10 {
		t.Fatalf("only %d packages found", len(lines))
	}
	for _, line := range lines {
		fields := strings.Fields(line)
		pkg := strings.TrimPrefix(fields[0], module)
		if pkg == "internal" {
			continue // this test
		}
		group, may, ok := rule(pkg)
		if !ok {
			t.Errorf("%s has no place in the layout: list it, with what it may import", pkg)
			continue
		}
		for _, imported := range fields[1:] {
			name, ours := strings.CutPrefix(imported, module)
			if ours && !within(name, append([]string{group}, may...)) {
				t.Errorf("%s imports %s, which it must not know", pkg, name)
			}
		}
	}
}

// rule finds the longest listed folder that holds a package.
func rule(pkg string) (group string, may []string, ok bool) {
	for folder, list := range allowed {
		if within(pkg, []string{folder}) && len(folder) > len(group) {
			group, may, ok = folder, list, true
		}
	}
	return group, may, ok
}

func within(pkg string, folders []string) bool {
	for _, f := range folders {
		if pkg == f || strings.HasPrefix(pkg, f+"/") {
			return true
		}
	}
	return false
}

// TestTestsOnlyPackagesStayInTests keeps what is made for tests out of the
// program.
func TestTestsOnlyPackagesStayInTests(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", module+"cmd/bartizan").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	for _, pkg := range strings.Fields(string(out)) {
		if strings.HasSuffix(pkg, "test") && strings.HasPrefix(pkg, module) {
			t.Errorf("the program contains %s", pkg)
		}
	}
}
