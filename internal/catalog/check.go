package catalog

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/bartizan-security/bartizan/internal/catalog/weakness"
)

var (
	// catalogID is safe before the colon of a reference and in a file name.
	catalogID = regexp.MustCompile(`^[a-z0-9][a-z0-9.-]{1,39}$`)
	// controlID holds no space and no colon, which end a reference.
	controlID = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._()/-]{0,39}$`)
)

// maxLookFor bounds the queries that a control is searched with.
const maxLookFor = 8

// check holds a file to the rules that its types do not. It reports the first
// that is broken.
func (f *file) check(table *weakness.Table) error {
	switch {
	case !catalogID.MatchString(f.ID):
		return f.problem(path("id"), fmt.Sprintf("the id of the catalog is %q", f.ID), "give 2 to 40 lower-case letters, digits, dots and hyphens")
	case f.Title == "":
		return f.problem(path("title"), "the catalog has no title", "add title: and its name")
	case f.Edition == "" || strings.ContainsAny(f.Edition, " \t\n"):
		return f.problem(path("edition"), fmt.Sprintf("the edition is %q", f.Edition), "add edition: with a year or a version, without spaces")
	case len(f.Controls) == 0:
		return f.problem(path("controls"), "the catalog has no controls", "add at least one under controls:")
	}
	live := map[string]bool{}
	for i := range f.Controls {
		c := &f.Controls[i]
		if _, twice := live[c.ID]; twice {
			return f.problem(path("controls", i, "id"), fmt.Sprintf("the control %s stands here for the second time", c.ID), "give each control an id of its own")
		}
		live[c.ID] = !c.Withdrawn
		if err := f.checkControl(i, c); err != nil {
			return err
		}
	}
	for i := range f.Controls {
		if err := f.checkLinks(i, live); err != nil {
			return err
		}
	}
	return f.checkFit(table, live)
}

func (f *file) checkControl(i int, c *Control) error {
	bad := func(key, remedy string) error {
		return f.problem(path("controls", i, key), fmt.Sprintf("%s of control %q is missing or not valid", key, c.ID), remedy)
	}
	switch {
	case !controlID.MatchString(c.ID):
		return bad("id", "give letters, digits and . _ ( ) / -, without spaces and colons, 40 at most")
	case strings.TrimSpace(c.Title) == "":
		return bad("title", "add the title that the standard gives it")
	case strings.TrimSpace(c.Theme) == "":
		return bad("theme", "add the chapter, family or theme that it stands in")
	case !c.Withdrawn && len(c.ReplacedBy) > 0:
		return bad("replaced_by", "only a control with withdrawn: true is replaced")
	case c.Withdrawn:
		return nil
	case strings.TrimSpace(c.Summary) == "":
		return bad("summary", "say in one or two sentences what it asks for")
	case !slices.Contains([]Visibility{Visible, PartlyVisible, NotVisible}, c.DesignVisible):
		return bad("design_visible", "say whether a design document can show it: yes, partly or no")
	case c.DesignVisible != NotVisible && len(c.LookFor) == 0, len(c.LookFor) > maxLookFor, slices.Contains(c.LookFor, ""):
		return bad("look_for", fmt.Sprintf("list 1 to %d phrases that a design would use", maxLookFor))
	}
	return nil
}

// checkLinks holds parent and replaced_by to controls that exist.
func (f *file) checkLinks(i int, live map[string]bool) error {
	c := &f.Controls[i]
	links := map[string][]string{"replaced_by": c.ReplacedBy}
	if c.Parent != "" {
		links["parent"] = []string{c.Parent}
	}
	for _, key := range slices.Sorted(maps.Keys(links)) {
		for _, id := range links[key] {
			if _, known := live[id]; !known || id == c.ID {
				return f.problem(path("controls", i, key), fmt.Sprintf("%s of control %s is %q, which is no other control of the catalog", key, c.ID, id), "name one, or leave the key out")
			}
		}
	}
	return nil
}

func (f *file) checkFit(table *weakness.Table, live map[string]bool) error {
	if f.Fit == nil {
		return nil
	}
	for _, name := range slices.Sorted(maps.Keys(f.Fit.Families)) {
		at := path("fit", "families", name)
		if _, ok := table.Named(name); !ok {
			return f.problem(at, fmt.Sprintf("%q is no weakness family", name), "use one of "+strings.Join(familyNames(table), ", "))
		}
		if err := f.checkRows(at, f.Fit.Families[name], live); err != nil {
			return err
		}
	}
	for _, cwe := range slices.Sorted(maps.Keys(f.Fit.CWEs)) {
		at := path("fit", "cwes", cwe)
		if table.Family(cwe) == "" {
			return f.problem(at, fmt.Sprintf("CWE-%d is not known, or too general to map a finding to", cwe), "use a weakness that findings are mapped to, by its number")
		}
		if err := f.checkRows(at, f.Fit.CWEs[cwe], live); err != nil {
			return err
		}
	}
	return nil
}

// checkRows holds the rows of one weakness: known controls, each once, primary
// ones first and at least one of them.
func (f *file) checkRows(at []any, rows []Fit, live map[string]bool) error {
	if len(rows) == 0 {
		return f.problem(at, fmt.Sprintf("%v has no rows", at[2]), "list its controls, or leave it out")
	}
	seen := map[string]bool{}
	for i, r := range rows {
		here := append(slices.Clone(at), i)
		known, exists := live[r.Control]
		switch {
		case !exists:
			return f.problem(here, fmt.Sprintf("there is no control %q", r.Control), "name one of the catalog's controls")
		case !known:
			return f.problem(here, fmt.Sprintf("the control %s is withdrawn", r.Control), f.instead(r.Control))
		case seen[r.Control]:
			return f.problem(here, fmt.Sprintf("the control %s stands twice under %v", r.Control, at[2]), "keep one row")
		case r.Strength != Primary && r.Strength != Secondary:
			return f.problem(here, fmt.Sprintf("the strength of %s is %q", r.Control, r.Strength), "say primary or secondary")
		case strings.TrimSpace(r.Reason) == "":
			return f.problem(here, fmt.Sprintf("%s has no reason", r.Control), "say in one line how it answers the weakness")
		case i == 0 && !rows[0].Primary():
			return f.problem(here, fmt.Sprintf("%v begins with a secondary control", at[2]), "put a primary one first")
		case i > 0 && r.Primary() && !rows[i-1].Primary():
			return f.problem(here, fmt.Sprintf("the primary control %s stands below a secondary one", r.Control), "put primary ones first")
		}
		seen[r.Control] = true
	}
	return nil
}

func (f *file) instead(id string) string {
	for _, c := range f.Controls {
		if c.ID == id && len(c.ReplacedBy) > 0 {
			return "use " + strings.Join(c.ReplacedBy, " or ")
		}
	}
	return "leave the row out"
}

func familyNames(table *weakness.Table) []string {
	var out []string
	for _, f := range table.Families() {
		out = append(out, f.Name)
	}
	slices.Sort(out)
	return out
}
