package secret

import (
	"strings"
	"testing"
)

func TestTheEmbeddedKnowledgeLoads(t *testing.T) {
	r, err := read(formatsYAML, wordsYAML)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range r.formats {
		if !strings.HasPrefix(f.Name, "a ") && !strings.HasPrefix(f.Name, "an ") && !strings.HasPrefix(f.Name, "the ") {
			t.Errorf("%s is called %q, without an article", f.ID, f.Name)
		}
		for _, a := range f.Anchors {
			// A pattern that does not begin with its anchor would never match.
			if at, ok := f.pattern.LiteralPrefix(); ok && !strings.HasPrefix(at, a) {
				t.Errorf("%s: its pattern begins with %q and not with %q", f.ID, at, a)
			}
		}
	}
	for _, n := range r.names {
		if n.folded != strings.ToLower(n.folded) || !strings.HasSuffix(n.folded, n.last) {
			t.Errorf("the name %+v can not be found", n)
		}
	}
}

func TestBrokenKnowledgeNamesItsEntry(t *testing.T) {
	words := []byte("passwords: [password]\n")
	for text, want := range map[string]string{
		"formats: [{id: a, name: an a, anchors: [aa], pattern: '('}]":                                                   `"a"`,
		"formats: [{id: a, name: an a, anchors: [a], pattern: 'a'}]":                                                    "anchors",
		"formats: [{id: a, name: an a, anchors: [aa], pattern: 'a', check: luck}]":                                      `"luck"`,
		"formats: [{id: a, name: an a, anchors: [aa], pattern: '(a)(b)'}]":                                              "group",
		"formats: [{id: a, name: an a, anchors: [aa], pattern: 'a'}, {id: a, name: an a, anchors: [aa], pattern: 'a'}]": "twice",
		"formats: [{id: a, anchors: [aa], pattern: 'a'}]":                                                               "name",
		"formats: [{id: a, name: an a, anchors: [aa], pattern: 'a', colour: red}]":                                      "colour",
	} {
		if _, err := read([]byte(text), words); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want one about %s", text, err, want)
		}
	}
}
