package extract_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bartizan-security/bartizan/internal/extract"
)

// leadsTo are the links of documents, a line each, with the names of the
// documents that they lead to.
func leadsTo(r result) []string {
	names := map[string]string{"": "nowhere"}
	for _, d := range r.docs {
		names[d.ID] = d.Name
	}
	var all []string
	for _, d := range r.docs {
		for _, b := range d.Blocks {
			for _, l := range b.Links {
				all = append(all, fmt.Sprintf("%s: %s → %s", d.Name, b.Text[l.Start:l.End], names[l.Document]))
			}
		}
	}
	return all
}

func TestLinksOfAnExportLeadToItsDocuments(t *testing.T) {
	page := `<p>See <ac:link><ri:page ri:content-title="B" /></ac:link>, <ac:link><ri:attachment ri:filename="notes.txt" /></ac:link> and <ac:link><ri:attachment ri:filename="photo.png" /></ac:link>.</p>`
	export := []member{
		entities(xmlPage(1, "A", page+fmt.Sprintf(viewFile, "design.md")), xmlPage(2, "B", "<p>x</p>"),
			xmlFile(11, 1, 1, "notes.txt", "text/plain"), xmlFile(12, 1, 1, "photo.png", "image/png"), xmlFile(13, 1, 1, "design.md", "text/markdown")),
		{"attachments/1/11/1", "The keys rotate."},
		{"attachments/1/12/1", "\x89PNG\r\n\x1a\n"},
		{"attachments/1/13/1", "# Design"},
	}
	tests := map[string]struct {
		files  []member
		folder string
	}{
		"at the top of an archive": {export, ""},
		"in a folder of one":       {moved(export, "wiki/space/"), "wiki/space/"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			r := readBytes(t, "x.zip", zipOf(t, tt.files...), extract.Options{})
			want := []string{
				tt.folder + "A: B → " + tt.folder + "B", tt.folder + "A: notes.txt → " + tt.folder + "A/notes.txt",
				tt.folder + "A: photo.png → nowhere", tt.folder + "A: design.md → " + tt.folder + "A/design.md",
			}
			if d := cmp.Diff(want, leadsTo(r)); d != "" {
				t.Errorf("links (-want +got):\n%s", d)
			}
		})
	}
}

// moved are files in another folder.
func moved(files []member, folder string) []member {
	var all []member
	for _, f := range files {
		all = append(all, member{folder + f.name, f.text})
	}
	return all
}
