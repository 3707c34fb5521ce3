package weakness

import (
	"slices"
	"strings"
	"testing"
)

// small is a table of seven weaknesses: 1 over 2 and 3, 4 below both, 5 below 2,
// and 6 alone, prohibited.
func small() *Table {
	return &Table{
		byName: map[string]*Family{},
		weaknesses: map[int]entry{
			1: {usage: Discouraged}, 2: {usage: Allowed, parents: []int{1}}, 3: {usage: Allowed, parents: []int{1}},
			4: {usage: Allowed, parents: []int{2, 3}}, 5: {usage: Review, parents: []int{2}}, 6: {usage: Prohibited},
		},
	}
}

func family(name string, standard int, members ...int) Family {
	return Family{Name: name, Title: name, Meaning: name, Default: standard, Members: members}
}

func TestFoldRefusesTablesThatContradictThemselves(t *testing.T) {
	for name, tc := range map[string]struct {
		file familyFile
		want string
	}{
		"unknown weakness":      {familyFile{Families: []Family{family("a", 2, 2, 77)}}, "CWE-77 is not known"},
		"unknown general":       {familyFile{General: []int{78}}, "CWE-78 is not known"},
		"two families":          {familyFile{Families: []Family{family("a", 2, 2), family("b", 2, 2)}}, "listed in a and in b"},
		"equally near":          {familyFile{Families: []Family{family("a", 2, 2), family("b", 3, 3)}}, "[4] have ancestors of several families"},
		"default not mappable":  {familyFile{Families: []Family{family("a", 6, 6)}}, "not for mapping"},
		"default of another":    {familyFile{Families: []Family{family("a", 3, 2, 4)}}, "not of the family"},
		"name twice":            {familyFile{Families: []Family{family("a", 2, 2), family("a", 3, 3)}}, "only once"},
		"name of the unmarked":  {familyFile{Families: []Family{family("general", 2, 2)}}, "must be given"},
		"no title":              {familyFile{Families: []Family{{Name: "a", Meaning: "m", Default: 2, Members: []int{2}}}}, "must be given"},
		"general and in family": {familyFile{General: []int{2}, Families: []Family{family("a", 2, 2)}}, "listed in general and in a"},
	} {
		t.Run(name, func(t *testing.T) {
			err := small().fold(&tc.file)
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("%v, want %q", err, tc.want)
			}
		})
	}
}

func TestFoldFollowsTheNearestListedAncestor(t *testing.T) {
	table := small()
	if err := table.fold(&familyFile{General: []int{3}, Families: []Family{family("top", 2, 1, 2), family("own", 5, 5)}}); err != nil {
		t.Fatal(err)
	}
	for cwe, want := range map[int]string{
		1: "top", 2: "top",
		3: "",    // general, although its parent has a family
		4: "top", // one parent is general and hands nothing down
		5: "own", // listed itself
		6: "", 7: "",
	} {
		if got := table.Family(cwe); got != want {
			t.Errorf("CWE-%d is %q, want %q", cwe, got, want)
		}
	}
}

func TestRowsNameTheLineThatIsBroken(t *testing.T) {
	for name, tc := range map[string]struct{ data, want string }{
		"columns": {"# head\n1\ta\tallowed\t\t\n2\tb\n", "t.tsv:3: 2 columns"},
		"number":  {"x\ta\tallowed\t\t\n", "t.tsv:1: "},
		"usage":   {"1\ta\tperhaps\t\t\n", `"perhaps" is no mapping usage`},
		"parents": {"1\ta\tallowed\t2,z\t\n", "t.tsv:1: "},
		"capec":   {"1\ta\tallowed\t2\tq\n", "t.tsv:1: "},
	} {
		t.Run(name, func(t *testing.T) {
			table := &Table{weaknesses: map[int]entry{}}
			err := rows("t.tsv", tc.data, 5, table.addWeakness)
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("%v, want %q", err, tc.want)
			}
		})
	}
}

func TestNarrowerOffersWhatMayBeNamed(t *testing.T) {
	table, err := Load()
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ cwe, want int }{{311, 312}, {284, 862}, {74, 94}} {
		got := table.Narrower(tt.cwe, 12)
		if !slices.Contains(got, tt.want) {
			t.Errorf("below %d: %v, want %d among them", tt.cwe, got, tt.want)
		}
		for _, id := range got {
			if !table.Mappable(id) || table.Family(id) == "" {
				t.Errorf("%d is offered and may not be named", id)
			}
		}
	}
	if got := table.Narrower(4711471, 5); len(got) > 0 {
		t.Errorf("below a number that is none: %v", got)
	}
	if got := table.Narrower(284, 2); len(got) > 2 {
		t.Errorf("%d are more than 2", len(got))
	}
}
