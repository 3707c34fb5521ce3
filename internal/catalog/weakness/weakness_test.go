package weakness_test

import (
	"maps"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/bartizan-security/bartizan/internal/catalog/weakness"
	"github.com/bartizan-security/bartizan/internal/ground"
)

func load(t testing.TB) *weakness.Table {
	t.Helper()
	table, err := weakness.Load()
	if err != nil {
		t.Fatal(err)
	}
	return table
}

// highest is above every number that CWE has given out.
const highest = 2000

func TestFamiliesAreThoseThatHaveSignals(t *testing.T) {
	signals, err := ground.LoadSignals()
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, f := range load(t).Families() {
		names = append(names, f.Name)
	}
	slices.Sort(names)
	if diff := cmp.Diff(slices.Sorted(maps.Keys(signals.Families())), names); diff != "" {
		t.Errorf("signals (-) and families (+) differ:\n%s", diff)
	}
}

// Analysts number the same finding by turns with each of these; were they of
// two families, a threat would change its key from run to run.
func TestSiblingsFoldTogether(t *testing.T) {
	table := load(t)
	for family, cwes := range map[string][]int{
		"authentication":         {287, 288, 290, 306, 308, 620, 640, 1390},
		"authorization":          {285, 425, 566, 638, 639, 862, 863, 939, 1220},
		"brute-force":            {307, 521},
		"certificate-validation": {295, 296, 297, 299, 322, 370},
		"cleartext-storage":      {312, 313, 315, 922},
		"cleartext-transmission": {5, 319, 523},
		"code-injection":         {77, 78, 88, 94, 95, 917, 1336},
		"credential-storage":     {256, 257, 260, 522, 526, 555},
		"cross-site-scripting":   {79, 80, 83, 116, 838},
		"data-authenticity":      {345, 346, 347, 353, 354, 924},
		"excessive-privilege":    {250, 266, 269, 272},
		"file-upload":            {434, 646},
		"hardcoded-credentials":  {259, 321, 798, 1392, 1393, 1394},
		"information-exposure":   {200, 201, 203, 204, 209, 497, 548},
		"input-validation":       {20, 1284, 1286, 1287},
		"insecure-configuration": {489, 1188, 1191},
		"isolation":              {653, 1189},
		"key-management":         {262, 263, 324},
		"logging":                {117, 223, 778},
		"memory-safety":          {119, 120, 121, 122, 125, 416, 476, 787},
		"outdated-component":     {1104, 1329, 1395},
		"path-traversal":         {22, 23, 24, 36, 59, 61, 73},
		"permissions":            {276, 530, 552, 732},
		"privacy":                {212, 226, 359},
		"prompt-injection":       {1426, 1427},
		"query-injection":        {89, 90, 564, 643, 943},
		"race-condition":         {362, 367, 421},
		"replay":                 {294, 837},
		"resource-exhaustion":    {400, 405, 409, 674, 770, 789, 1333},
		"session":                {384, 613, 614, 1004},
		"supply-chain":           {427, 494, 506, 829, 1357},
		"trusting-client":        {472, 565, 602, 807, 915},
		"weak-cryptography":      {326, 327, 328, 330, 331, 338, 340, 759, 916},
		"xml-processing":         {611, 776},
	} {
		for _, cwe := range cwes {
			if got := table.Family(cwe); got != family {
				t.Errorf("CWE-%d is %q, want %q", cwe, got, family)
			}
		}
	}
}

// Of the most dangerous weaknesses that MITRE listed in 2024, each is one that
// somebody may name in a review.
func TestMostDangerousWeaknessesHaveAFamily(t *testing.T) {
	table := load(t)
	for _, cwe := range []int{
		79, 787, 89, 352, 22, 125, 78, 416, 862, 434, 94, 20, 77, 287, 269, 502, 200, 863, 918, 119, 476, 798, 190, 400, 306,
	} {
		if table.Family(cwe) == "" {
			t.Errorf("CWE-%d has no family", cwe)
		}
	}
}

func TestWhatSaysTooLittleHasNoFamily(t *testing.T) {
	table := load(t)
	for name, cwes := range map[string][]int{
		"pillars":               {284, 435, 664, 682, 691, 693, 697, 703, 707, 710},
		"classes that gather":   {74, 311, 610, 657, 668, 669},
		"categories":            {16, 255, 264, 310, 320, 840},
		"views":                 {699, 1000, 1003},
		"deprecated":            {92, 247, 769},
		"quality of source":     {561, 570, 1059, 1080, 1116, 1121},
		"numbers without sense": {-1, 0, 1, 99999},
	} {
		for _, cwe := range cwes {
			if got := table.Family(cwe); got != "" || table.Mappable(cwe) {
				t.Errorf("%s: CWE-%d has the family %q", name, cwe, got)
			}
		}
	}
}

func TestDiscouragedWeaknessesFoldButAreNotMapped(t *testing.T) {
	table := load(t)
	for cwe, want := range map[int]int{285: 862, 200: 201, 287: 306, 269: 250, 400: 770, 345: 347, 20: 1286, 119: 787, 330: 327, 1426: 1427} {
		if table.Mappable(cwe) {
			t.Errorf("CWE-%d is mappable; MITRE discourages it", cwe)
		}
		if got := table.Default(table.Family(cwe)); got != want {
			t.Errorf("CWE-%d is replaced by %d, want %d", cwe, got, want)
		}
	}
	for _, cwe := range []int{862, 522, 640, 120, 1427} {
		if !table.Mappable(cwe) {
			t.Errorf("CWE-%d is not mappable; MITRE allows it", cwe)
		}
	}
}

func TestDefaultsAreMappableMembersOfTheirFamily(t *testing.T) {
	table := load(t)
	for _, f := range table.Families() {
		if table.Family(f.Default) != f.Name || !table.Mappable(f.Default) || table.Default(f.Name) != f.Default {
			t.Errorf("%s: the default CWE-%d does not stand for it", f.Name, f.Default)
		}
		if named, ok := table.Named(f.Name); !ok || named.Title != f.Title {
			t.Errorf("%s is not found by its name", f.Name)
		}
	}
	if _, ok := table.Named("witchcraft"); ok || table.Default("witchcraft") != 0 {
		t.Error("an unknown family is known")
	}
}

func TestEveryWeaknessWithAFamilyExists(t *testing.T) {
	table := load(t)
	n := 0
	for cwe := range highest {
		if table.Family(cwe) == "" {
			continue
		}
		n++
		if name, ok := table.CWE(cwe); !ok || name == "" {
			t.Errorf("CWE-%d has a family and no name", cwe)
		}
	}
	// All but some 250 of 940: those are matters of source code and of chips.
	if n < 650 {
		t.Errorf("only %d weaknesses have a family", n)
	}
}

func TestFoldingIsStable(t *testing.T) {
	table := load(t)
	rapid.Check(t, func(t *rapid.T) {
		cwe := rapid.IntRange(-10, highest).Draw(t, "cwe")
		family := table.Family(cwe)
		if table.Mappable(cwe) && family == "" {
			t.Fatalf("CWE-%d is mappable without a family", cwe)
		}
		if family == "" {
			return
		}
		if d := table.Default(family); table.Family(d) != family || !table.Mappable(d) {
			t.Fatalf("CWE-%d is replaced by %d, which is of %q", cwe, d, table.Family(d))
		}
	})
}

func TestAttackPatternsAndTechniques(t *testing.T) {
	table := load(t)
	if name, ok := table.CAPEC(66); !ok || name != "SQL Injection" {
		t.Errorf("CAPEC-66 is %q, %v", name, ok)
	}
	if name, ok := table.Technique("T1078.004"); !ok || name == "" {
		t.Errorf("T1078.004 is %q, %v", name, ok)
	}
	for _, id := range []string{"T1086", "t1078", "T9999", ""} { // revoked, miswritten, unknown
		if _, ok := table.Technique(id); ok {
			t.Errorf("%q is a technique", id)
		}
	}
	for _, id := range []int{0, -3, 99999, 56} { // 56 is deprecated
		if _, ok := table.CAPEC(id); ok {
			t.Errorf("CAPEC-%d is an attack pattern", id)
		}
	}
}

func TestAttackPatternsOfAWeaknessAreKnownAndTheCallers(t *testing.T) {
	table := load(t)
	if !slices.Contains(table.CAPECOf(89), 66) {
		t.Errorf("CWE-89 has %v, without SQL injection", table.CAPECOf(89))
	}
	for cwe := range highest {
		list := table.CAPECOf(cwe)
		if !slices.IsSorted(list) {
			t.Errorf("CWE-%d: %v is not in order", cwe, list)
		}
		for _, id := range list {
			if _, ok := table.CAPEC(id); !ok {
				t.Errorf("CWE-%d: CAPEC-%d is not known", cwe, id)
			}
		}
	}
	table.CAPECOf(89)[0] = 0
	if table.CAPECOf(89)[0] == 0 {
		t.Error("a caller changed the table")
	}
}
