package diagram

import (
	_ "embed"
	"fmt"
	"path"
	"slices"
	"strings"
	"sync"
	"unicode"

	"github.com/goccy/go-yaml"

	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

//go:embed stencils.yaml
var stencilsYAML []byte

// stencil is what a stencil or icon stands for. The name is empty where it is
// no technology, the kind where nothing is known of it.
type stencil struct {
	Name string           `yaml:"name"`
	Kind threatmodel.Kind `yaml:"kind"`
	Keys []string         `yaml:"keys"`
}

type vendor struct {
	Name     string   `yaml:"name"`
	Prefixes []string `yaml:"prefixes"`
	Drop     []string `yaml:"drop"`
}

type stencilFile struct {
	Vendors  []vendor  `yaml:"vendors"`
	Products []string  `yaml:"products"`
	Fillers  []string  `yaml:"fillers"`
	Stencils []stencil `yaml:"stencils"`
	Groups   []stencil `yaml:"groups"`
}

// stencilTable leads from the keys of stencils and groups to what they are.
type stencilTable struct {
	stencilFile
	stencils, groups map[string]stencil
}

var stencils = sync.OnceValue(func() stencilTable {
	var t stencilTable
	if err := yaml.UnmarshalWithOptions(stencilsYAML, &t.stencilFile, yaml.Strict()); err != nil {
		panic(fmt.Sprintf("diagram: embedded stencils.yaml: %v", err))
	}
	t.stencils, t.groups = byKey(t.Stencils), byKey(t.Groups)
	return t
})

func byKey(list []stencil) map[string]stencil {
	keys := map[string]stencil{}
	for _, s := range list {
		if s.Kind == "" {
			s.Kind = threatmodel.Process
		}
		for _, k := range s.Keys {
			keys[stencilKey(k)] = s
		}
	}
	return keys
}

// stencilKey is a name without case and signs.
func stencilKey(name string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) {
			return -1
		}
		return unicode.ToLower(r)
	}, name)
}

// findStencil tells what a vendor's stencil or a product's icon stands for:
// mxgraph.aws4.s3, img/lib/azure2/databases/SQL_Database.svg, logos:redis.
func findStencil(name string) (stencil, bool) {
	t := stencils()
	name = strings.ToLower(name)
	for _, v := range t.Vendors {
		for _, p := range v.Prefixes {
			if rest, ok := strings.CutPrefix(name, p); ok {
				return t.ofVendor(v, rest)
			}
		}
	}
	for _, p := range t.Products {
		if rest, ok := strings.CutPrefix(name, p); ok {
			return t.product(rest)
		}
	}
	return stencil{}, false
}

// ofVendor finds the stencil of a vendor. One that is not known is shown by
// its own name.
func (t stencilTable) ofVendor(v vendor, name string) (stencil, bool) {
	name = oneLine(lastPart(name))
	key := stencilKey(name)
	if slices.Contains(t.Fillers, key) || key == "" {
		return stencil{}, false
	}
	for _, k := range append([]string{key}, without(key, v.Drop)...) {
		if s, ok := t.stencils[k]; ok {
			return s, true
		}
	}
	words := strings.Fields(strings.Map(func(r rune) rune {
		if r == '_' || r == '-' {
			return ' '
		}
		return r
	}, name))
	if len(words) > 0 && slices.Contains(v.Drop, words[0]) {
		words = words[1:]
	}
	return stencil{Name: strings.TrimSpace(v.Name + " " + strings.Join(words, " "))}, true
}

// without are the forms of a key without one of the words that it begins with.
func without(key string, drop []string) []string {
	var forms []string
	for _, d := range drop {
		if rest, ok := strings.CutPrefix(key, d); ok && rest != "" {
			forms = append(forms, rest)
		}
	}
	return forms
}

// product finds the icon of a product; those of vendors begin with their
// names.
func (t stencilTable) product(name string) (stencil, bool) {
	key := stencilKey(name)
	forms := []string{key, strings.TrimSuffix(key, "icon"), strings.TrimSuffix(key, "original")}
	for _, v := range t.Vendors {
		forms = append(forms, without(key, v.Drop)...)
	}
	for _, k := range forms {
		if s, ok := t.stencils[k]; ok {
			return s, true
		}
	}
	return stencil{}, false
}

// productNamed finds what a name alone stands for: that of a macro, say.
func productNamed(name string) (stencil, bool) { return stencils().product(name) }

// groupName is what a vendor's group is called; empty where that is not known.
func groupName(name string) string {
	return stencils().groups[stencilKey(lastPart(strings.ToLower(name)))].Name
}

// lastPart is the end of a path or of a name with dots, without an extension
// of an image.
func lastPart(name string) string {
	name = path.Base(name)
	for _, ext := range []string{".svg", ".png"} {
		name = strings.TrimSuffix(name, ext)
	}
	return name[strings.LastIndexByte(name, '.')+1:]
}
