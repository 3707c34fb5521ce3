package diagram

import (
	_ "embed"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/goccy/go-yaml"

	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

//go:embed kinds.yaml
var kindsYAML []byte

// kindTable tells the kind of a node by its looks.
type kindTable struct {
	Shapes map[threatmodel.Kind][]string `yaml:"shapes"`
	Icons  map[threatmodel.Kind][]string `yaml:"icons"`
	Heads  map[threatmodel.Kind][]string `yaml:"heads"`
}

var kinds = sync.OnceValue(func() kindTable {
	var t kindTable
	if err := yaml.Unmarshal(kindsYAML, &t); err != nil {
		panic(fmt.Sprintf("diagram: embedded kinds.yaml: %v", err))
	}
	return t
})

// kindOf tells the kind of a node: its shape says most, then its icon, then
// its name.
func kindOf(shape, icon, name string) threatmodel.Kind {
	t := kinds()
	for _, look := range []struct {
		table map[threatmodel.Kind][]string
		key   string
	}{{t.Shapes, shape}, {t.Icons, icon}, {t.Heads, head(name)}} {
		if look.key == "" {
			continue
		}
		for _, k := range threatmodel.Kinds() {
			if slices.Contains(look.table[k], look.key) {
				return k
			}
		}
	}
	return threatmodel.Process
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
	words := strings.Fields(name)
	if len(words) == 0 {
		return ""
	}
	last := words[len(words)-1]
	if len(last) > 3 && strings.HasSuffix(last, "s") && !strings.HasSuffix(last, "ss") {
		last = last[:len(last)-1]
	}
	return last
}
