package diagram

import (
	_ "embed"
	"fmt"
	"slices"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"github.com/goccy/go-yaml"

	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

//go:embed kinds.yaml
var kindsYAML []byte

// look is what tells the kind of a node: words of kinds.yaml, and what its
// stencil says.
type look struct {
	shape, icon, stereotype string
	stencil                 threatmodel.Kind
}

// kindTable tells the kind of a node by its looks.
type kindTable struct {
	Shapes      map[threatmodel.Kind][]string `yaml:"shapes"`
	Icons       map[threatmodel.Kind][]string `yaml:"icons"`
	Stereotypes map[threatmodel.Kind][]string `yaml:"stereotypes"`
	Heads       map[threatmodel.Kind][]string `yaml:"heads"`
}

var kinds = sync.OnceValue(func() kindTable {
	var t kindTable
	if err := yaml.UnmarshalWithOptions(kindsYAML, &t, yaml.Strict()); err != nil {
		panic(fmt.Sprintf("diagram: embedded kinds.yaml: %v", err))
	}
	return t
})

// kind tells the kind of what looks like this: what is written on it as its
// stereotype says most, then its stencil, its shape, its icon, and its name.
func (l look) kind(name string) threatmodel.Kind {
	t := kinds()
	if k, ok := kindIn(t.Stereotypes, l.stereotype); ok {
		return k
	}
	if l.stencil != "" {
		return l.stencil
	}
	for _, at := range []struct {
		table map[threatmodel.Kind][]string
		key   string
	}{{t.Shapes, l.shape}, {t.Icons, l.icon}, {t.Heads, head(name)}} {
		if k, ok := kindIn(at.table, at.key); ok {
			return k
		}
	}
	return threatmodel.Process
}

func kindIn(table map[threatmodel.Kind][]string, key string) (threatmodel.Kind, bool) {
	if key == "" {
		return "", false
	}
	for _, k := range threatmodel.Kinds() {
		if slices.Contains(table[k], key) {
			return k, true
		}
	}
	return "", false
}

// head is the word that says what a name names: the last before anything
// that only tells more of it, in lower case and in the singular.
func head(name string) string {
	name = strings.ToLower(name)
	for _, cut := range []string{"(", "/", ",", ":", " - ", " – ", " of ", " with ", " via ", " using ", " in ", " on "} {
		if i := strings.Index(name, cut); i > 0 {
			name = name[:i]
		}
	}
	last := strings.TrimRightFunc(name, unicode.IsSpace)
	if i := strings.LastIndexFunc(last, unicode.IsSpace); i >= 0 {
		_, size := utf8.DecodeRuneInString(last[i:])
		last = last[i+size:]
	}
	if len(last) > 3 && strings.HasSuffix(last, "s") && !strings.HasSuffix(last, "ss") {
		last = last[:len(last)-1]
	}
	return last
}
