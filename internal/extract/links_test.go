package extract_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bartizan-security/bartizan/internal/extract"
)

// links shows the links of documents: which leads to which.
func links(docs []extract.Document) []string {
	names := map[string]string{"": "nothing"}
	for _, d := range docs {
		names[d.ID] = d.Name
	}
	var all []string
	for _, d := range docs {
		for _, b := range d.Blocks {
			for _, l := range b.Links {
				how := " -> "
				if l.Include {
					how = " includes "
				}
				all = append(all, d.Name+how+names[l.Document]+" by "+l.Target)
			}
		}
	}
	return all
}

func notices(docs []extract.Document) []string {
	var all []string
	for _, d := range docs {
		for _, n := range d.Notices {
			all = append(all, d.Name+": "+n.Text)
		}
	}
	return all
}

var linked = []member{
	{"plan.md", "# Plan\n\nSee [keys](docs/keys.md#x), [zones](docs/zones), [gone](docs/gone.md), [again](docs/gone.md#x), [code](main.go) and [web](https://x.example/a.md).\n\n--8<-- \"docs/part.md\"\n\n--8<-- \"docs/lost.md\"\n"},
	{"docs/keys.md", "# Keys\n\nBack to [the plan](../plan.html) and [out](../../out.md), and [top](/plan.md).\n"},
	{"docs/part.md", "# Part\n"},
	{"docs/zones/index.md", "# Zones\n"},
	{"main.go", "package main\n"},
}

func TestLinksLeadToTheDocumentsOfTheSet(t *testing.T) {
	want := []string{
		"docs/keys.md -> plan.md by ../plan.html", "docs/keys.md -> nothing by ../../out.md", "docs/keys.md -> plan.md by /plan.md",
		"plan.md -> docs/keys.md by docs/keys.md#x", "plan.md -> docs/zones/index.md by docs/zones", "plan.md -> nothing by docs/gone.md", "plan.md -> nothing by docs/gone.md#x",
		"plan.md -> nothing by main.go", "plan.md includes docs/part.md by docs/part.md", "plan.md includes nothing by docs/lost.md",
	}
	told := []string{
		"docs/keys.md: The document links to files that are not among the documents read: ../../out.md (line 3). What they say of the design is not known.",
		"plan.md: The document includes files that are not among the documents read: docs/lost.md (line 7). What they say of the design is not known.",
		"plan.md: The document links to files that are not among the documents read: docs/gone.md (line 3). What they say of the design is not known.",
	}
	for name, r := range map[string]result{
		"a folder": readPaths(t, extract.Options{}, write(t, t.TempDir(), linked...)),
		"a zip":    readBytes(t, "given", zipOf(t, linked...), extract.Options{}),
	} {
		if d := cmp.Diff(want, links(r.docs)); d != "" || len(r.errors) > 0 {
			t.Errorf("%s: links (-want +got):\n%s%s", name, d, r.messages())
		}
		if d := cmp.Diff(told, notices(r.docs)); d != "" {
			t.Errorf("%s: notices (-want +got):\n%s", name, d)
		}
	}
}

func TestLinksLeadToFilesThatWereNamed(t *testing.T) {
	folder := write(t, t.TempDir(), linked...)
	r := readPaths(t, extract.Options{}, filepath.Join(folder, "plan.md"), filepath.Join(folder, "docs", "keys.md"))
	got := strings.Join(links(r.docs), "\n")
	for _, want := range []string{"plan.md -> keys.md by docs/keys.md#x", "keys.md -> plan.md by ../plan.html"} {
		if !strings.Contains(got, want) {
			t.Errorf("links %q lack %q", got, want)
		}
	}
}

func TestLanguageIsTold(t *testing.T) {
	german := "# Plan\n\nDas Gateway prüft jedes Token, bevor es die Anfrage an den Zahlungsdienst weiterleitet. Die Schlüssel liegen in Vault und werden täglich erneuert.\n"
	english := "---\nlang: de\n---\n# Plan\n\nThe gateway checks each token before it forwards the request to the payment service. The keys are kept in Vault.\n"
	for _, tt := range []struct{ name, text, language, notice string }{
		{"another language", german, "de", "written in German"},
		{"English, whatever the file says", english, "en", ""},
		{"too little to tell, but the file says it", "---\nlang: fr\n---\n# Plan\n", "fr", ""},
	} {
		r := readBytes(t, "plan.md", []byte(tt.text), extract.Options{})
		if len(r.docs) != 1 || r.docs[0].Language != tt.language {
			t.Errorf("%s: %+v", tt.name, r.docs)
			continue
		}
		if got := strings.Join(notices(r.docs), "\n"); (got == "") != (tt.notice == "") || !strings.Contains(got, tt.notice) {
			t.Errorf("%s: notices %q, want %q", tt.name, got, tt.notice)
		}
	}
}
