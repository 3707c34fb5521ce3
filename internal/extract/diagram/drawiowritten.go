package diagram

import (
	"encoding/json"
	"strings"

	"github.com/bartizan-security/bartizan/internal/extract/block"
	"github.com/bartizan-security/bartizan/internal/extract/diagram/mxfile"
)

// writtenIn are the properties in which draw.io keeps the source of a diagram
// that was written and is shown as a picture.
var writtenIn = []struct{ property, language string }{{"mermaidData", "mermaid"}, {"plantUmlData", "plantuml"}}

// maxWritten is how many such pictures of a page are read.
const maxWritten = 100

// written are the diagrams of a page that were written, a sheet each: its text
// is the source.
func written(page mxfile.Page) []Sheet {
	var sheets []Sheet
	for _, c := range page.Cells {
		for _, w := range writtenIn {
			if source := sourceIn(c.Attributes[w.property]); source != "" && !c.Hidden && len(sheets) < maxWritten {
				sheets = append(sheets, writtenSheet(w.language, source))
			}
		}
	}
	return sheets
}

// sourceIn is the source in a property: its field data, or all of it.
func sourceIn(property string) string {
	var kept struct {
		Data string `json:"data"`
	}
	if strings.HasPrefix(strings.TrimSpace(property), "{") && json.Unmarshal([]byte(property), &kept) == nil {
		property = kept.Data
	}
	return strings.Trim(block.Clean(strings.ReplaceAll(property, "\r\n", "\n")), "\n")
}

func writtenSheet(language, source string) Sheet {
	d, problems := Read(language, source)
	sheet := Sheet{Language: language, Text: source, Diagram: d}
	for _, p := range problems {
		sheet.Problems = append(sheet.Problems, p.Text)
	}
	return sheet
}
