package catalog_test

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/bartizan-security/bartizan/internal/catalog"
	"github.com/bartizan-security/bartizan/internal/catalog/weakness"
)

func open(t testing.TB, name string) *catalog.Catalog {
	t.Helper()
	c, err := catalog.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func families(t testing.TB) []weakness.Family {
	t.Helper()
	table, err := weakness.Load()
	if err != nil {
		t.Fatal(err)
	}
	return table.Families()
}

func TestISOHasAll93ControlsInFourThemes(t *testing.T) {
	c := open(t, "iso27001-2022")
	want := map[string]int{"organizational": 37, "people": 8, "physical": 14, "technological": 34}
	got := map[string]int{}
	for _, ctl := range c.Controls() {
		got[ctl.Theme]++
	}
	for theme, n := range want {
		if got[theme] != n {
			t.Errorf("%s has %d controls, want %d", theme, got[theme], n)
		}
	}
	if len(c.Controls()) != 93 || len(got) != len(want) {
		t.Errorf("%d controls in %d themes", len(c.Controls()), len(got))
	}
	for id, title := range map[string]string{
		"A.5.23": "Information security for use of cloud services", "A.7.6": "Working in secure areas",
		"A.8.2": "Privileged access rights", "A.8.24": "Use of cryptography", "A.8.34": "Protection of information systems during audit testing",
	} {
		if ctl, ok := c.Control(id); !ok || ctl.Title != title {
			t.Errorf("%s is %q, want %q", id, ctl.Title, title)
		}
	}
	if _, ok := c.Control("A.8.35"); ok {
		t.Error("A.8.35 exists")
	}
}

func TestISOControlsAreDescribedShortly(t *testing.T) {
	seen := map[string]string{}
	for _, ctl := range open(t, "iso27001-2022").Controls() {
		if n := len(strings.Fields(ctl.Summary)); n < 8 || n > 50 || !strings.HasSuffix(ctl.Summary, ".") {
			t.Errorf("%s: the summary has %d words and ends in %q", ctl.ID, n, ctl.Summary[len(ctl.Summary)-1:])
		}
		if other := seen[ctl.Summary]; other != "" {
			t.Errorf("%s and %s have the same summary", ctl.ID, other)
		}
		seen[ctl.Summary] = ctl.ID
		if n := len(ctl.LookFor); n < 2 || n > 5 {
			t.Errorf("%s: %d phrases to look for, want 2 to 5", ctl.ID, n)
		}
		for _, phrase := range ctl.LookFor {
			if n := len(strings.Fields(phrase)); n == 0 || n > 6 {
				t.Errorf("%s: %q has %d words; it is a search query", ctl.ID, phrase, n)
			}
		}
	}
}

// A threat can be of any family, and a design can show only what is visible in
// one; more than ten controls would crowd out those of a second catalog.
func TestISOAnswersEveryFamilyWithWhatADesignCanShow(t *testing.T) {
	c := open(t, "iso27001-2022")
	for _, f := range families(t) {
		fits := c.Fit(0, f.Name)
		primary := 0
		for _, fit := range fits {
			if fit.Primary() {
				primary++
			}
		}
		if primary < 1 || primary > 3 || len(fits) < 2 || len(fits) > 10 {
			t.Errorf("%s: %d controls, %d of them primary", f.Name, len(fits), primary)
		}
	}
	for cwe := range 2000 {
		for _, fit := range c.Fit(cwe, "") {
			if ctl, ok := c.Control(fit.Control); !ok || ctl.Withdrawn || ctl.DesignVisible == catalog.NotVisible {
				t.Errorf("CWE-%d: no design shows %s", cwe, fit.Control)
			}
		}
	}
}

// What a security engineer would say to an auditor, line by line.
func TestISOAnswersWeaknessesAsAnAuditorWouldAccept(t *testing.T) {
	c := open(t, "iso27001-2022")
	for name, tc := range map[string]struct {
		cwe     int
		family  string
		best    string
		primary []string
		never   []string
	}{
		"cleartext at rest":           {312, "cleartext-storage", "A.8.24", []string{"A.8.24"}, []string{"A.5.10", "A.5.33"}},
		"cleartext on the wire":       {319, "cleartext-transmission", "A.8.24", []string{"A.8.24", "A.5.14"}, nil},
		"export of a foreign tenant":  {639, "authorization", "A.8.3", []string{"A.8.3"}, []string{"A.8.2"}},
		"service runs as root":        {250, "excessive-privilege", "A.8.2", []string{"A.8.2"}, nil},
		"no authentication":           {306, "authentication", "A.8.5", []string{"A.8.5"}, nil},
		"package without pin":         {1357, "supply-chain", "A.5.21", []string{"A.5.21"}, nil},
		"unsigned firmware":           {494, "supply-chain", "A.8.19", []string{"A.8.19", "A.5.21"}, nil},
		"end of life":                 {1104, "outdated-component", "A.8.8", []string{"A.8.8"}, nil},
		"token in a log":              {532, "log-exposure", "A.8.15", []string{"A.8.15", "A.8.11"}, nil},
		"nobody knows who did it":     {778, "logging", "A.8.15", []string{"A.8.15", "A.8.16"}, nil},
		"no rate limit":               {770, "resource-exhaustion", "A.8.6", []string{"A.8.6"}, nil},
		"single instance":             {754, "resilience", "A.8.14", []string{"A.8.14", "A.8.13"}, nil},
		"kept for ever":               {212, "privacy", "A.8.10", []string{"A.8.10"}, nil},
		"too much of a person":        {359, "privacy", "A.5.34", []string{"A.5.34"}, nil},
		"disks sold unwiped":          {226, "privacy", "A.8.10", []string{"A.7.14"}, nil},
		"one network for all":         {653, "isolation", "A.8.22", []string{"A.8.22", "A.8.31"}, nil},
		"console open to all":         {923, "network-exposure", "A.8.20", []string{"A.8.20"}, nil},
		"built-in key":                {321, "hardcoded-credentials", "A.8.24", []string{"A.8.24", "A.5.17"}, nil},
		"shared account":              {1391, "hardcoded-credentials", "A.5.17", []string{"A.5.16"}, nil},
		"joined SQL":                  {89, "query-injection", "A.8.28", []string{"A.8.28"}, nil},
		"virus in an attachment":      {434, "file-upload", "A.8.26", []string{"A.8.7"}, nil},
		"one person approves himself": {841, "business-logic", "A.8.26", []string{"A.5.3"}, nil},
		"account of a leaver":         {286, "authorization", "A.5.16", []string{"A.5.16", "A.5.18"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			fits := c.Fit(tc.cwe, tc.family)
			if len(fits) == 0 || fits[0].Control != tc.best {
				t.Fatalf("%v, want %s first", fits, tc.best)
			}
			for _, id := range tc.primary {
				if !slices.ContainsFunc(fits, func(f catalog.Fit) bool { return f.Control == id && f.Primary() }) {
					t.Errorf("%s is not primary in %v", id, fits)
				}
			}
			for _, id := range tc.never {
				if slices.ContainsFunc(fits, func(f catalog.Fit) bool { return f.Control == id }) {
					t.Errorf("%s does not answer it", id)
				}
			}
		})
	}
}

func TestRowsOfAWeaknessTakePrecedenceOverItsFamily(t *testing.T) {
	c := open(t, "iso27001-2022")
	// The family privacy has A.5.34 as primary; for data left over it is not.
	for _, f := range c.Fit(226, "privacy") {
		if f.Control == "A.5.34" && f.Primary() {
			t.Error("A.5.34 is primary for CWE-226, which has rows of its own")
		}
	}
	if !slices.ContainsFunc(c.Fit(226, "privacy"), func(f catalog.Fit) bool { return f.Control == "A.5.34" }) {
		t.Error("the family's controls do not follow those of the weakness")
	}
}

func TestFitGivesEachControlOncePrimaryFirst(t *testing.T) {
	c, all := open(t, "iso27001-2022"), families(t)
	rapid.Check(t, func(t *rapid.T) {
		cwe := rapid.IntRange(-5, 2000).Draw(t, "cwe")
		family := rapid.SampledFrom(append(slices.Clone(all), weakness.Family{})).Draw(t, "family").Name
		seen, secondary := map[string]bool{}, false
		for _, f := range c.Fit(cwe, family) {
			if seen[f.Control] || f.Reason == "" || (secondary && f.Primary()) {
				t.Fatalf("CWE-%d %s: %v", cwe, family, c.Fit(cwe, family))
			}
			seen[f.Control], secondary = true, !f.Primary()
		}
		if family != "" && len(seen) == 0 {
			t.Fatalf("%s has no control", family)
		}
	})
}

func TestFitIsTheCallers(t *testing.T) {
	c := open(t, "iso27001-2022")
	for _, cwe := range []int{862, 226} {
		fits := c.Fit(cwe, "")
		fits[0].Control = "changed"
		if c.Fit(cwe, "")[0].Control == "changed" {
			t.Errorf("CWE-%d: a caller changed the table", cwe)
		}
	}
}

func TestSimilarFindsTheControlThatATextSpeaksOf(t *testing.T) {
	c := open(t, "iso27001-2022")
	for text, want := range map[string]string{
		"Backups of the database are never restored for practice":         "A.8.13",
		"The bucket holds personal data without a ground":                 "A.5.34",
		"Uploaded attachments are not scanned for viruses":                "A.8.7",
		"Staging runs with a copy of production data":                     "A.8.33",
		"Disks are not encrypted and keys are never rotated":              "A.8.24",
		"Administrators change records and no audit log shows who it was": "A.8.15",
		"There is no rate limit and the queue grows without bound":        "A.8.6",
		"The firewall lets everything through, all ports are open":        "A.8.20",
	} {
		if got := c.Similar(text, 3); !slices.Contains(got, want) {
			t.Errorf("%q: %v, want %s among them", text, got, want)
		}
	}
}

func TestSimilarIsBoundedAndRepeatable(t *testing.T) {
	c, again := open(t, "iso27001-2022"), open(t, "iso27001-2022")
	words := []string{"backup", "the", "encryption", "TLS", "Zugriff", "access", "log", "xyzzy", "", "é", "of", "supplier", "keys"}
	rapid.Check(t, func(t *rapid.T) {
		text := strings.Join(rapid.SliceOf(rapid.SampledFrom(words)).Draw(t, "words"), " ")
		n := rapid.IntRange(-2, 100).Draw(t, "n")
		got := c.Similar(text, n)
		if len(got) > max(0, n) || !slices.Equal(got, again.Similar(text, n)) {
			t.Fatalf("%q: %v", text, got)
		}
		for i, id := range got {
			if ctl, ok := c.Control(id); !ok || ctl.DesignVisible == catalog.NotVisible || slices.Contains(got[:i], id) {
				t.Fatalf("%q: %v", text, got)
			}
		}
	})
}
