package pdf_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

// drawing is the appearance of an annotation that shows a text.
func drawing(text string) string {
	return stream("/Type /XObject /Subtype /Form /BBox [0 0 240 40] /Resources << /Font << /F 5 0 R >> >>", show(12, 4, 20, text))
}

// Of an annotation whose text stands in its drawing alone, that is read: without
// the text of the page under it, and the drawings of others.
func TestAnnotationsThatAreOnlyDrawnAreRead(t *testing.T) {
	annotation := func(kind, entries string, drawing int) string {
		return fmt.Sprintf("<< /Type /Annot /Subtype /%s /Rect [72 600 312 640] %s /AP << /N %d 0 R >> >>", kind, entries, drawing)
	}
	tests := map[string]struct {
		page, annotation, text string
		want                   []string
	}{
		"a note on the page":            {"", annotation("FreeText", "/F 4", 7), "Drawn only.", []string{"annotation Drawn only.", "body The gateway."}},
		"on a page that is turned":      {"/Rotate 90", annotation("FreeText", "/F 4", 7), "Drawn only.", []string{"annotation Drawn only.", "body The gateway."}},
		"a stamp of one's own":          {"", annotation("Stamp", "/F 4", 7), "Seen by the board.", []string{"annotation Seen by the board.", "body The gateway."}},
		"one that says what it shows":   {"", annotation("FreeText", "/F 4 /Contents (Said.)", 7), "Drawn.", []string{"annotation Said.", "body The gateway."}},
		"one that nobody sees":          {"", annotation("FreeText", "/F 2", 7), "Drawn only.", []string{"body The gateway."}},
		"a drawing without text":        {"", annotation("FreeText", "/F 4", 7), "", []string{"body The gateway."}},
		"a drawing that is not there":   {"", annotation("FreeText", "/F 4", 70), "x", []string{"body The gateway."}},
		"a shape that has a drawing":    {"", annotation("Square", "/F 4", 7), "Drawn only.", []string{"body The gateway."}},
		"a drawing that draws itself":   {"", annotation("FreeText", "/F 4", 8), "x", []string{"body The gateway."}},
		"a rectangle without an extent": {"", strings.Replace(annotation("FreeText", "/F 4", 7), "[72 600 312 640]", "[72 600 72 600]", 1), "x", []string{"body The gateway."}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			loop := stream("/Type /XObject /Subtype /Form /BBox [0 0 240 40] /Resources << /XObject << /X 8 0 R >> >>", "/X Do")
			other := "<< /Type /Annot /Subtype /Square /Rect [80 605 300 635] /F 4 /AP << /N 10 0 R >> >>"
			src := read(t, onePage(show(12, 80, 615, "The gateway."), "/Annots [9 0 R 6 0 R] "+tt.page, tt.annotation, drawing(tt.text), loop, other, drawing("Another.")))
			var got []string
			for _, b := range src.Blocks {
				got = append(got, string(b.Role)+" "+b.Text)
				if b.Role == threatmodel.RoleAnnotation && len(b.Locator.Box) != 4 {
					t.Errorf("%q has the box %v", b.Text, b.Locator.Box)
				}
			}
			slices.Sort(got)
			if strings.Join(got, "\n") != strings.Join(tt.want, "\n") {
				t.Errorf("blocks %q, want %q", got, tt.want)
			}
		})
	}
}
