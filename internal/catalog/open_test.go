package catalog_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/bartizan-security/bartizan/internal/catalog"
)

// own is a small catalog of a company's own; tests break one line of it.
const own = `id: acme
title: Acme baseline
edition: "7"
controls:
  - id: NET-1
    title: No plain traffic
    theme: network
    summary: What travels is encrypted.
    design_visible: yes
    look_for: [tls, https only]
  - id: NET-2
    title: Telnet
    theme: network
    withdrawn: true
    replaced_by: [NET-1]
fit:
  families:
    cleartext-transmission:
      - control: NET-1
        strength: primary
        reason: Encrypts what travels.
  cwes:
    523:
      - {control: NET-1, strength: primary, reason: Encrypts the login.}
`

func write(t testing.TB, text string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "acme.yaml")
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

func TestOpenReadsACompanysOwnCatalog(t *testing.T) {
	c := open(t, write(t, own))
	if c.ID != "acme" || c.Title != "Acme baseline" || len(c.Controls()) != 2 {
		t.Errorf("%s %q with %d controls", c.ID, c.Title, len(c.Controls()))
	}
	if fits := c.Fit(319, "cleartext-transmission"); len(fits) != 1 || fits[0].Control != "NET-1" || !fits[0].Primary() {
		t.Errorf("fit: %v", fits)
	}
	if fits := c.Fit(862, "authorization"); len(fits) != 0 {
		t.Errorf("fit of a weakness without rows: %v", fits)
	}
	if ctl, ok := c.Control("NET-2"); !ok || !ctl.Withdrawn {
		t.Errorf("a withdrawn control is not known any more: %v", ctl)
	}
	if got := c.Similar("telnet", 5); len(got) != 0 {
		t.Errorf("a withdrawn control is proposed: %v", got)
	}
}

func TestOpenSaysFileLineAndRemedy(t *testing.T) {
	for name, tc := range map[string]struct {
		old, new string
		want     []string
	}{
		"unknown key":           {"    theme: network\n    summary", "    them: network\n    summary", []string{"acme.yaml:7:", "them", "a control has id, title, theme"}},
		"key twice":             {"title: Acme baseline", "title: Acme baseline\ntitle: Again", []string{"acme.yaml:3:", "title"}},
		"list expected":         {"[tls, https only]", "tls", []string{"acme.yaml:10:"}},
		"no yaml":               {"controls:", "controls: [", []string{"acme.yaml:"}},
		"two documents":         {"fit:", "---\nfit:", []string{"acme.yaml:16:", "remove the line ---"}},
		"id of the catalog":     {"id: acme", "id: Acme Inc", []string{"acme.yaml:1:", "lower-case"}},
		"id of a shipped one":   {"id: acme", "id: iso27001-2022", []string{"acme.yaml:1:", "comes with the program", "of your own"}},
		"edition":               {`edition: "7"`, `edition: "7 of 9"`, []string{"acme.yaml:3:", "without spaces"}},
		"id of a control":       {"id: NET-1", `id: "NET:1"`, []string{"acme.yaml:5:", "without spaces and colons"}},
		"control twice":         {"id: NET-2", "id: NET-1", []string{"acme.yaml:11:", "second time"}},
		"title":                 {"title: No plain traffic", `title: ""`, []string{"acme.yaml:6:", "add the title"}},
		"theme":                 {"theme: network\n    summary", `theme: ""` + "\n    summary", []string{"acme.yaml:7:", "theme"}},
		"summary":               {"    summary: What travels is encrypted.\n", "", []string{"acme.yaml:5:", "summary", "one or two sentences"}},
		"visibility":            {"design_visible: yes", "design_visible: sometimes", []string{"acme.yaml:9:", "yes, partly or no"}},
		"nothing to look for":   {"[tls, https only]", "[]", []string{"acme.yaml:10:", "phrases"}},
		"replaced, but alive":   {"    withdrawn: true\n", "", []string{"acme.yaml:", "withdrawn: true"}},
		"replaced by nothing":   {"replaced_by: [NET-1]", "replaced_by: [NET-7]", []string{"acme.yaml:15:", "NET-7"}},
		"parent of nothing":     {"    summary: What", "    parent: NET-0\n    summary: What", []string{"acme.yaml:8:", "NET-0"}},
		"unknown family":        {"cleartext-transmission:", "clear-text:", []string{"acme.yaml:", "clear-text", "cleartext-transmission"}},
		"unknown weakness":      {"523:", "99523:", []string{"acme.yaml:", "CWE-99523"}},
		"too general weakness":  {"523:", "693:", []string{"acme.yaml:", "CWE-693", "too general"}},
		"unknown control":       {"control: NET-1\n", "control: NET-9\n", []string{"acme.yaml:19:", `no control "NET-9"`}},
		"withdrawn control":     {"control: NET-1\n", "control: NET-2\n", []string{"acme.yaml:19:", "withdrawn", "use NET-1"}},
		"strength":              {"strength: primary\n", "strength: strong\n", []string{"acme.yaml:19:", "primary or secondary"}},
		"reason":                {"reason: Encrypts what travels.", `reason: ""`, []string{"acme.yaml:19:", "reason"}},
		"no primary":            {"strength: primary\n", "strength: secondary\n", []string{"acme.yaml:19:", "primary one first"}},
		"rows that are missing": {"      - {control: NET-1, strength: primary, reason: Encrypts the login.}\n", "", []string{"acme.yaml:", "523", "no rows"}},
		"row twice":             {"  cwes:\n", "      - {control: NET-1, strength: primary, reason: Again.}\n  cwes:\n", []string{"acme.yaml:22:", "twice"}},
	} {
		t.Run(name, func(t *testing.T) {
			if !strings.Contains(own, tc.old) {
				t.Fatalf("nothing to break: %q", tc.old)
			}
			_, err := catalog.Open(write(t, strings.Replace(own, tc.old, tc.new, 1)))
			if err == nil {
				t.Fatal("the catalog was taken")
			}
			for _, want := range tc.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%v\nwant %q in it", err, want)
				}
			}
		})
	}
}

func TestOpenRefusesWhatIsNoCatalog(t *testing.T) {
	dir := t.TempDir()
	for name, tc := range map[string]struct{ file, want string }{
		"unknown":   {"iso27001-2013", "known are iso27001-2022"},
		"folder":    {dir, "is no file"},
		"empty":     {write(t, ""), "acme.yaml is empty"},
		"null":      {write(t, "null\n"), "acme.yaml is empty"},
		"comments":  {write(t, "# nothing\n"), "is empty"},
		"text":      {write(t, "Dear reader\n"), "acme.yaml:1:"},
		"list":      {write(t, "- a\n- b\n"), "acme.yaml:1:"},
		"fit alone": {write(t, "fit:\n  families: {}\n"), "id of the catalog"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := catalog.Open(tc.file); err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("%v, want %q", err, tc.want)
			}
		})
	}
}

func TestVersionChangesWithContentOnly(t *testing.T) {
	base := open(t, write(t, own)).Version()
	if !strings.HasPrefix(base, "7-") || len(base) != len("7-1a2b3c4d") {
		t.Errorf("version %q", base)
	}
	for name, text := range map[string]string{
		"comment": "# ours\n" + own,
		"layout":  strings.Replace(own, "[tls, https only]", "\n      - tls\n      - https only", 1),
	} {
		if got := open(t, write(t, text)).Version(); got != base {
			t.Errorf("a change of %s changed the version", name)
		}
	}
	for name, text := range map[string]string{
		"summary": strings.Replace(own, "is encrypted", "is hidden", 1),
		"fit":     strings.Replace(own, "Encrypts the login", "Hides the login", 1),
		"title":   strings.Replace(own, "Acme baseline", "Acme", 1),
	} {
		if got := open(t, write(t, text)).Version(); got == base {
			t.Errorf("a change of the %s did not change the version", name)
		}
	}
}

func TestIDsCanBeOpened(t *testing.T) {
	if !slices.Contains(catalog.IDs(), "iso27001-2022") {
		t.Errorf("%v", catalog.IDs())
	}
	for _, id := range catalog.IDs() {
		if c := open(t, id); c.ID != id {
			t.Errorf("%s calls itself %s", id, c.ID)
		}
	}
}

// The format is to hold the other standards too: enhancements and withdrawn
// controls of NIST, levels of ASVS.
func TestFormatSuitsOtherStandards(t *testing.T) {
	nist := open(t, "testdata/nist-like.yaml")
	if ctl, ok := nist.Control("AC-2(3)"); !ok || ctl.Parent != "AC-2" || !slices.Contains(ctl.Tags, "moderate") {
		t.Errorf("AC-2(3): %+v", ctl)
	}
	if fits := nist.Fit(286, "authorization"); len(fits) != 2 || fits[0].Control != "AC-2(3)" {
		t.Errorf("fit of CWE-286: %v", fits)
	}
	asvs := open(t, "testdata/asvs-like.yaml")
	if fits := asvs.Fit(89, "query-injection"); len(fits) != 0 {
		t.Errorf("fit without a table: %v", fits)
	}
	if got := asvs.Similar("SQL queries are joined from text", 2); len(got) == 0 || got[0] != "V1.2.4" {
		t.Errorf("%v", got)
	}
	if got := asvs.Similar("vulnerable components are updated", 2); slices.Contains(got, "V15.1.1") {
		t.Errorf("a control that no design shows is proposed: %v", got)
	}
}

func FuzzOpen(f *testing.F) {
	f.Add(own)
	for _, name := range []string{"testdata/nist-like.yaml", "testdata/asvs-like.yaml"} {
		raw, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(raw))
	}
	f.Add("controls: [{id: &a x, title: *a}]\n")
	f.Fuzz(func(t *testing.T, text string) {
		name := write(t, text)
		c, err := catalog.Open(name)
		if err != nil {
			if !strings.Contains(err.Error(), name) {
				t.Errorf("the error does not name the file: %v", err)
			}
			return
		}
		for _, ctl := range c.Controls() {
			if got, ok := c.Control(ctl.ID); !ok || got.ID != ctl.ID {
				t.Errorf("control %q is not found", ctl.ID)
			}
		}
		for cwe := range 100 {
			for _, fit := range c.Fit(cwe, "") {
				if ctl, ok := c.Control(fit.Control); !ok || ctl.Withdrawn {
					t.Errorf("CWE-%d is answered by %q", cwe, fit.Control)
				}
			}
		}
		c.Similar(text, 3)
	})
}
