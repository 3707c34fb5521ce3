package report

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/bartizan-security/bartizan/internal/catalog/weakness"
)

// vocabulary names weaknesses, attack patterns and techniques, and links to
// where they are described. Without tables there are numbers and no names.
type vocabulary struct{ table *weakness.Table }

func loadVocabulary() vocabulary {
	t, err := weakness.Load()
	if err != nil {
		return vocabulary{} // names are a courtesy; a test of the tables tells
	}
	return vocabulary{t}
}

// reference is an entry of a public list.
type reference struct{ ID, Name, URL string }

func (v vocabulary) cwe(id int) reference {
	r := reference{ID: fmt.Sprintf("CWE-%d", id), URL: fmt.Sprintf("https://cwe.mitre.org/data/definitions/%d.html", id)}
	if v.table != nil {
		r.Name, _ = v.table.CWE(id)
	}
	return r
}

func (v vocabulary) capec(id int) reference {
	r := reference{ID: fmt.Sprintf("CAPEC-%d", id), URL: fmt.Sprintf("https://capec.mitre.org/data/definitions/%d.html", id)}
	if v.table != nil {
		r.Name, _ = v.table.CAPEC(id)
	}
	return r
}

var technique = regexp.MustCompile(`^T\d{4}(\.\d{3})?$`)

// attack links only what has the form of a technique: the id may come from a
// model.
func (v vocabulary) attack(id string) reference {
	r := reference{ID: id}
	if technique.MatchString(id) {
		r.URL = "https://attack.mitre.org/techniques/" + strings.ReplaceAll(id, ".", "/") + "/"
	}
	if v.table != nil {
		r.Name, _ = v.table.Technique(id)
	}
	return r
}

// family is the title of a weakness family.
func (v vocabulary) family(name string) string {
	if v.table != nil {
		if f, ok := v.table.Named(name); ok {
			return f.Title
		}
	}
	return name
}
