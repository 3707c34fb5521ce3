package report

import (
	"strings"

	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

// contextName is the file name that the text of bartizan.yaml has.
const contextName = "bartizan.yaml"

// NameTexts names the files that hold the texts of a model's documents: those of
// which there is a text.
func NameTexts(m *threatmodel.Model, texts Texts) {
	taken := map[string]bool{contextName: true}
	for i := range m.Documents {
		d := &m.Documents[i]
		if _, ok := texts[d.ID]; ok {
			d.Text = textName(d, taken)
		}
	}
}

// textName is a file name made of a document's name that every file system
// takes, and that no other document has.
func textName(d *threatmodel.Document, taken map[string]bool) string {
	const longest = 100
	name := strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '.', r == '-', r == '_':
			return r
		}
		return '_'
	}, d.Name)
	name = strings.Trim(name, "._")
	if len(name) > longest {
		name = name[len(name)-longest:]
	}
	if name == "" || taken[strings.ToLower(name)] {
		name = strings.Trim(name+"."+d.ID, ".")
	}
	taken[strings.ToLower(name)] = true
	return name + ".txt"
}
