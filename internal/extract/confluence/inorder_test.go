package confluence

import (
	"encoding/json"
	"slices"
	"testing"
)

// writtenDown are the pages of a generated export, each as it is when it is
// yielded.
func writtenDown(t *testing.T, opt Options) []string {
	t.Helper()
	var pages []string
	r := &exportReader{bodies: bodies(t), size: 2 << 20, versions: 1}
	for p, err := range ReadXML(t.Context(), r, opt, nil) {
		if err != nil {
			t.Fatal(err)
		}
		b, err := json.Marshal(p)
		if err != nil {
			t.Fatal(err)
		}
		pages = append(pages, string(b)+p.Source.Body)
	}
	return pages
}

func TestPagesAreTheSameWhereTheirMemoryIsUsedAgain(t *testing.T) {
	want, got := writtenDown(t, Options{}), writtenDown(t, Options{Reuse: true})
	if len(want) < 10*batchPages || !slices.Equal(want, got) {
		t.Errorf("of %d pages and %d whose memory is used again, some differ", len(want), len(got))
	}
}
