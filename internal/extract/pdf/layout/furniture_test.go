package layout_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bartizan-security/bartizan/internal/extract/pdf/layout"
)

// A line that stands on several pages at the same place is a running one, unless
// the text goes on from it: then it is a sentence that occurs more than once.
func TestALineOfAParagraphIsNoRunningLine(t *testing.T) {
	const full = "The gateway checks each token before it forwards the call to"
	tests := map[string]struct {
		page func(n string) layout.Page
		want []string
	}{
		"at the top": {
			func(n string) layout.Page {
				return page(40, full, "service "+n+" and writes a record.")
			},
			[]string{"body paragraph: " + full + " / service three and writes a record."},
		},
		"at the bottom": {
			func(n string) layout.Page {
				p := page(40, "The text of page "+n+".")
				p.Runs = append(p.Runs, page(530, "Of "+n+" services that there are, all are called alike, and so", full+".").Runs...)
				return p
			},
			[]string{"body paragraph: The text of page three.", "body paragraph: Of three services that there are, all are called alike, and so / " + full + "."},
		},
		"a running line close to the text": {
			func(n string) layout.Page {
				return page(40, "Payment platform, internal", "The keys of service "+n+" are rotated each day by a job.")
			},
			[]string{"header paragraph: Payment platform, internal", "body paragraph: The keys of service three are rotated each day by a job."},
		},
		"a running line as wide as the text": {
			func(n string) layout.Page {
				return page(40, full, "", "The keys of service "+n+" are rotated each day by a job.")
			},
			[]string{"header paragraph: " + full, "body paragraph: The keys of service three are rotated each day by a job."},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			var pages []layout.Page
			for _, n := range []string{"one", "two", "three", "four", "five", "six"} {
				pages = append(pages, tt.page(n))
			}
			src := read(t, pages...)
			var third []string
			for i, line := range describe(src) {
				if p := src.Blocks[i].Locator.Page; p != nil && *p == 3 {
					third = append(third, line)
				}
			}
			if d := cmp.Diff(tt.want, third); d != "" {
				t.Errorf("page 3 (-want +got):\n%s", d)
			}
		})
	}
}
