package extract_test

import (
	"archive/zip"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/google/go-cmp/cmp"

	"github.com/bartizan-security/bartizan/internal/extract"
	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

const samples = "../../testdata/designs/"

// filesOf are the files below a folder, under their names with a prefix.
func filesOf(t *testing.T, dir, prefix string) []member {
	t.Helper()
	var all []member
	err := filepath.WalkDir(dir, func(p string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		data, err := os.ReadFile(p)
		rel, _ := filepath.Rel(dir, p)
		all = append(all, member{prefix + filepath.ToSlash(rel), string(data)})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestTheSampleIsWhatItsSourceSays(t *testing.T) {
	packed, err := zip.OpenReader(samples + "forge/forge.zip")
	if err != nil {
		t.Fatal(err)
	}
	defer packed.Close()
	var got []member
	for _, f := range packed.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(r)
		r.Close()
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, member{f.Name, string(data)})
	}
	if diff := cmp.Diff(filesOf(t, samples+"forge/source", ""), got, cmp.AllowUnexported(member{})); diff != "" {
		t.Errorf("forge.zip is stale; run build.go in its folder (-source +zip):\n%s", diff)
	}
}

// truth is what a truth file quotes.
type truth struct {
	Input   string `yaml:"input"`
	Threats []struct {
		ID       string   `yaml:"id"`
		Document string   `yaml:"document"`
		AlsoIn   []string `yaml:"also_in"`
		Quotes   []string `yaml:"quotes"`
	} `yaml:"threats"`
	Controls []struct {
		Name     string   `yaml:"name"`
		Document string   `yaml:"document"`
		Quotes   []string `yaml:"quotes"`
		Against  []string `yaml:"against"`
	} `yaml:"stated_controls"`
	NotThreats []struct {
		Quote    string `yaml:"quote"`
		Document string `yaml:"document"`
	} `yaml:"not_threats"`
	Neutralised []struct {
		Document string   `yaml:"document"`
		Quotes   []string `yaml:"quotes"`
	} `yaml:"neutralised"`
}

func fold(s string) string { return strings.Join(strings.Fields(s), " ") }

func TestEachSentenceOfTheTruthStandsInTheText(t *testing.T) {
	for _, name := range []string{"appointments", "forge"} {
		t.Run(name, func(t *testing.T) {
			raw, err := os.ReadFile(samples + name + "/truth.yaml")
			if err != nil {
				t.Fatal(err)
			}
			var tr truth
			if err := yaml.Unmarshal(raw, &tr); err != nil {
				t.Fatal(err)
			}
			r := readPaths(t, extract.Options{}, samples+name+"/"+tr.Input)
			texts, all := map[string]string{}, ""
			for _, d := range r.docs {
				texts[d.Name] = fold(bodyOf(d))
				all += " " + texts[d.Name]
			}
			stands := func(quote string, documents ...string) {
				for _, d := range documents {
					if texts[d] == "" {
						t.Errorf("there is no document %q", d)
					}
					if strings.Contains(texts[d], fold(quote)) {
						return
					}
				}
				t.Errorf("%v has no sentence %q", documents, quote)
			}
			for _, x := range tr.Threats {
				for _, q := range x.Quotes {
					stands(q, append(x.AlsoIn, x.Document)...)
				}
			}
			for _, c := range tr.Controls {
				stands(c.Quotes[0], c.Document)
				for _, q := range append(c.Quotes, c.Against...) {
					if !strings.Contains(all, fold(q)) {
						t.Errorf("nowhere: %q", q)
					}
				}
			}
			for _, n := range tr.NotThreats {
				stands(n.Quote, n.Document)
			}
			for _, n := range tr.Neutralised {
				for _, q := range n.Quotes {
					stands(q, n.Document)
				}
			}
		})
	}
}

// bodyOf is the text of the blocks that are analysed.
func bodyOf(d extract.Document) string {
	var b strings.Builder
	for _, blk := range d.Blocks {
		if blk.Role == threatmodel.RoleBody {
			b.WriteString(blk.Text + "\n")
		}
	}
	return b.String()
}

func TestAnExportIsReadWhereverItLies(t *testing.T) {
	html := filesOf(t, samples+"appointments/export/BWA", "")
	xml := filesOf(t, samples+"forge/source", "")
	in := func(prefix string, files []member) []member {
		var out []member
		for _, f := range files {
			out = append(out, member{prefix + f.name, f.text})
		}
		return out
	}
	readme := member{"README.md", "# Notes\n\nSome text.\n"}
	tests := map[string]struct {
		read func(t *testing.T) result
		// page is the name of one of the pages, others are documents that are
		// no pages.
		page   string
		others []string
	}{
		"HTML, zipped": {
			func(t *testing.T) result { return readBytes(t, "x.zip", zipOf(t, html...), extract.Options{}) },
			"Architecture/Booking API", nil,
		},
		"HTML, zipped with its folder and another document": {
			func(t *testing.T) result {
				return readBytes(t, "x.zip", zipOf(t, append(in("BWA/", html), readme)...), extract.Options{})
			},
			"BWA/Architecture/Booking API",
			[]string{"README.md"},
		},
		"HTML, a folder": {
			func(t *testing.T) result { return readPaths(t, extract.Options{}, write(t, t.TempDir(), html...)) },
			"Architecture/Booking API", nil,
		},
		"HTML, a folder in a folder": {
			func(t *testing.T) result {
				return readPaths(t, extract.Options{}, write(t, t.TempDir(), append(in("wiki/BWA/", html), readme)...))
			},
			"wiki/BWA/Architecture/Booking API",
			[]string{"README.md"},
		},
		"XML, zipped": {
			func(t *testing.T) result { return readBytes(t, "x.zip", zipOf(t, xml...), extract.Options{}) },
			"Architecture/Secrets", nil,
		},
		"XML, the file alone, under any name": {
			func(t *testing.T) result { return readBytes(t, "x.dat", []byte(xml[1].text), extract.Options{}) },
			"Architecture/Secrets", nil,
		},
		"XML, a folder": {
			func(t *testing.T) result {
				return readPaths(t, extract.Options{}, write(t, t.TempDir(), append(in("space/", xml), readme)...))
			},
			"space/Architecture/Secrets",
			[]string{"README.md"},
		},
		"XML, zipped, in a folder": {
			func(t *testing.T) result {
				return readPaths(t, extract.Options{}, write(t, t.TempDir(), member{"space.zip", string(zipOf(t, xml...))}, readme))
			},
			"space.zip/Architecture/Secrets",
			[]string{"README.md"},
		},
		"the same folder twice": {
			func(t *testing.T) result {
				dir := write(t, t.TempDir(), html...)
				return readPaths(t, extract.Options{}, dir, dir)
			},
			"Architecture/Booking API", nil,
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			r := tt.read(t)
			pages := 0
			var others []string
			found := false
			for _, d := range r.docs {
				if d.MediaType == "text/markdown" {
					others = append(others, d.Name)
					continue
				}
				pages++
				found = found || d.Name == tt.page
			}
			if !found || pages != 21 && pages != 22 {
				t.Errorf("%d pages: %v; errors:\n%s", pages, r.names(), r.messages())
			}
			if diff := cmp.Diff(tt.others, others); diff != "" {
				t.Errorf("other documents (-want +got):\n%s", diff)
			}
		})
	}
}

func TestAPageKnowsTheOneAboveIt(t *testing.T) {
	r := readPaths(t, extract.Options{}, samples+"forge/forge.zip")
	ids := map[string]string{}
	for _, d := range r.docs {
		ids[d.Name] = d.ID
		above := ids[strings.TrimSuffix(strings.TrimSuffix(d.Name, d.Title), "/")]
		if above == "" && d.Title != "Forge" {
			above = ids["Forge"]
		}
		if d.Parent != above {
			t.Errorf("%s stands below %q, want %q", d.Name, d.Parent, above)
		}
	}
}

func TestAPageAloneIsReadWithoutWhatStandsAroundIt(t *testing.T) {
	r := readPaths(t, extract.Options{Comments: true}, samples+"appointments/export/BWA/Patient-Portal_48300052.html")
	if len(r.docs) != 1 || r.docs[0].Title != "Patient Portal" || r.docs[0].Name != "Patient-Portal_48300052.html" {
		t.Fatalf("documents %+v, errors %s", r.docs, r.messages())
	}
	for _, around := range []string{"Document generated", "Created by", "guest network really has"} {
		if strings.Contains(bodyOf(r.docs[0]), around) || !strings.Contains(r.docs[0].Body, around) {
			t.Errorf("%q must stand in the text and not in its body", around)
		}
	}
}

func TestWhatIsPassedOverInAnExportIsListed(t *testing.T) {
	sum := &extract.Summary{}
	readPaths(t, extract.Options{Summary: sum}, samples+"forge/forge.zip")
	var reasons []string
	for _, s := range sum.Skipped {
		reasons = append(reasons, s.Reason)
	}
	for _, want := range []string{"attachments", "1 × archived page", "1 × deleted page", "2 × draft page", "2 × older version"} {
		if !strings.Contains(strings.Join(reasons, "\n"), want) {
			t.Errorf("%q is not listed in %q", want, reasons)
		}
	}
}

func TestAnExportIsReadWithinTheLimits(t *testing.T) {
	head := `<hibernate-generic><object class="Page"><id name="id">1</id><property name="title">A</property></object>`
	bomb := head + "<object class=\"BodyContent\"><property name=\"body\"><![CDATA[" + strings.Repeat("a", 4<<20) + "]]></property></object></hibernate-generic>"
	index, err := os.ReadFile(samples + "appointments/export/BWA/index.html")
	if err != nil {
		t.Fatal(err)
	}
	tests := map[string]struct {
		data  []byte
		limit extract.Limits
		kind  extract.Kind
		says  string
	}{
		"a bomb":                               {zipOf(t, member{"entities.xml", bomb}), extract.Limits{Ratio: 20}, extract.KindUnsafe, "bomb"},
		"beyond the limit":                     {zipOf(t, member{"entities.xml", bomb}), extract.Limits{Ratio: 1 << 20, Expanded: 1 << 20}, extract.KindUnsafe, "beyond the limit"},
		"external entities":                    {zipOf(t, member{"entities.xml", `<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]>` + head + `</hibernate-generic>`}), extract.Limits{}, extract.KindUnsafe, "entities of its own"},
		"cut short":                            {zipOf(t, member{"entities.xml", head}), extract.Limits{}, extract.KindDamaged, "cut short"},
		"no pages":                             {zipOf(t, member{"entities.xml", "<hibernate-generic></hibernate-generic>"}), extract.Limits{}, extract.KindNothing, "no current page"},
		"pages that are not":                   {zipOf(t, member{"index.html", string(index)}), extract.Limits{}, extract.KindMissing, "Booking-API"},
		"a name that leads out of the archive": {zipOf(t, member{"../entities.xml", head}), extract.Limits{}, extract.KindUnsafe, "leads out"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			r := readBytes(t, "x.zip", tt.data, extract.Options{Limits: tt.limit})
			if len(r.errors) == 0 || r.errors[0].Kind != tt.kind || !strings.Contains(r.messages(), tt.says) {
				t.Errorf("documents %v, errors:\n%s", r.names(), r.messages())
			}
			for _, e := range r.errors {
				if e.Path != "x.zip" {
					t.Errorf("%v does not name the file", e)
				}
			}
		})
	}
}

func TestTheCorpusOfExportsIsRead(t *testing.T) {
	dir := os.Getenv("BARTIZAN_CORPUS")
	if dir == "" {
		t.Skip("BARTIZAN_CORPUS is not set")
	}
	spaces, err := filepath.Glob(filepath.Join(dir, "confluence-xml", "*"))
	if err != nil || len(spaces) == 0 {
		t.Fatalf("no exports: %v", err)
	}
	for _, space := range spaces {
		r := readBytes(t, "x.zip", zipOf(t, filesOf(t, space, "")...), extract.Options{})
		if len(r.errors) > 0 || len(r.docs) == 0 {
			t.Errorf("%s: documents %v, errors:\n%s", space, r.names(), r.messages())
		}
	}
}
