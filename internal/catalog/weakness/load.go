package weakness

import (
	"crypto/sha256"
	_ "embed"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/goccy/go-yaml"
)

var (
	//go:embed cwe.tsv
	cweData string
	//go:embed capec.tsv
	capecData string
	//go:embed attack.tsv
	attackData string
	//go:embed families.yaml
	familyData []byte
)

// Version names the tables by their content: another version may put a weakness
// into another family, and so change which threats are alike.
func (t *Table) Version() string {
	h := sha256.New()
	for _, part := range []string{cweData, capecData, attackData, string(familyData)} {
		h.Write([]byte(part))
		h.Write([]byte{0})
	}
	return fmt.Sprintf("%x", h.Sum(nil)[:4])
}

// Load reads the embedded tables. The result is shared and read-only. An error
// means that the tables contradict one another, which the tests rule out.
var Load = sync.OnceValues(func() (*Table, error) {
	t := &Table{weaknesses: map[int]entry{}, byName: map[string]*Family{}, patterns: map[int]string{}, techniques: map[string]string{}}
	err := errors.Join(
		rows("capec.tsv", capecData, 2, t.addPattern),
		rows("attack.tsv", attackData, 2, t.addTechnique),
		rows("cwe.tsv", cweData, 5, t.addWeakness),
	)
	if err != nil {
		return nil, err
	}
	var file familyFile
	if err := yaml.UnmarshalWithOptions(familyData, &file, yaml.Strict()); err != nil {
		return nil, fmt.Errorf("reading the embedded weakness families: %w", err)
	}
	if err := t.fold(&file); err != nil {
		return nil, fmt.Errorf("folding weaknesses into families: %w", err)
	}
	return t, nil
})

// familyFile is families.yaml.
type familyFile struct {
	// General weaknesses have no family and hand none down.
	General  []int    `yaml:"general"`
	Families []Family `yaml:"families"`
}

// rows hands on the tab-separated rows of a table, without comment lines.
func rows(name, data string, columns int, add func([]string) error) error {
	n := 0
	for line := range strings.Lines(data) {
		n++
		line = strings.TrimRight(line, "\r\n")
		if line == "" || line[0] == '#' {
			continue
		}
		fields := strings.Split(line, "\t")
		if len(fields) != columns {
			return fmt.Errorf("%s:%d: %d columns, want %d", name, n, len(fields), columns)
		}
		if err := add(fields); err != nil {
			return fmt.Errorf("%s:%d: %w", name, n, err)
		}
	}
	return nil
}

func (t *Table) addPattern(f []string) error {
	id, err := strconv.Atoi(f[0])
	t.patterns[id] = f[1]
	return err
}

func (t *Table) addTechnique(f []string) error {
	t.techniques[f[0]] = f[1]
	return nil
}

func (t *Table) addWeakness(f []string) error {
	id, err := strconv.Atoi(f[0])
	if err != nil {
		return err
	}
	w := entry{name: f[1], usage: Usage(f[2])}
	if !slices.Contains([]Usage{Allowed, Review, Discouraged, Prohibited}, w.usage) {
		return fmt.Errorf("CWE-%d: %q is no mapping usage", id, f[2])
	}
	if w.parents, err = numbers(f[3]); err != nil {
		return err
	}
	if w.capec, err = numbers(f[4]); err != nil {
		return err
	}
	t.weaknesses[id] = w
	return nil
}

func numbers(list string) ([]int, error) {
	if list == "" {
		return nil, nil
	}
	var out []int
	for _, s := range strings.Split(list, ",") {
		n, err := strconv.Atoi(s)
		if err != nil {
			return nil, err
		}
		out = append(out, n)
	}
	slices.Sort(out)
	return out, nil
}

// fold checks the families and gives each weakness its own: the one it is
// listed in, or that of its nearest listed ancestor.
func (t *Table) fold(file *familyFile) error {
	listed := map[int]string{}
	list := func(cwe int, family string) error {
		if _, ok := t.weaknesses[cwe]; !ok {
			return fmt.Errorf("%s: CWE-%d is not known", family, cwe)
		}
		if other, ok := listed[cwe]; ok {
			return fmt.Errorf("CWE-%d is listed in %s and in %s", cwe, other, family)
		}
		listed[cwe] = family
		return nil
	}
	for _, cwe := range file.General {
		if err := list(cwe, general); err != nil {
			return err
		}
	}
	t.families = file.Families
	for i := range t.families {
		f := &t.families[i]
		if f.Name == "" || f.Name == general || f.Title == "" || f.Meaning == "" || t.byName[f.Name] != nil {
			return fmt.Errorf("family %d (%q): name, title and meaning must be given, and the name only once", i+1, f.Name)
		}
		t.byName[f.Name] = f
		for _, cwe := range f.Members {
			if err := list(cwe, f.Name); err != nil {
				return err
			}
		}
	}
	if err := t.inherit(listed); err != nil {
		return err
	}
	for _, f := range t.families {
		if t.familyOf[f.Default] != f.Name || !t.Mappable(f.Default) {
			return fmt.Errorf("%s: the default CWE-%d is not of the family, or not for mapping", f.Name, f.Default)
		}
	}
	return nil
}

// general marks what has no family; no family may bear the name.
const general = "general"

func (t *Table) inherit(listed map[int]string) error {
	t.familyOf = make(map[int]string, len(t.weaknesses))
	var unclear []int
	for cwe := range t.weaknesses {
		switch near := t.nearest(cwe, listed); len(near) {
		case 0:
		case 1:
			t.familyOf[cwe] = near[0]
		default:
			unclear = append(unclear, cwe)
		}
	}
	if len(unclear) > 0 {
		slices.Sort(unclear)
		return fmt.Errorf("CWE %v have ancestors of several families equally near: list them by hand", unclear)
	}
	return nil
}

// nearest are the families of the nearest listed ancestors, the weakness itself
// first. What is general ends its branch of the walk.
func (t *Table) nearest(cwe int, listed map[int]string) []string {
	level, seen := []int{cwe}, map[int]bool{cwe: true}
	for len(level) > 0 {
		var found []string
		var next []int
		for _, id := range level {
			switch family, ok := listed[id]; {
			case ok && family == general:
			case ok:
				if !slices.Contains(found, family) {
					found = append(found, family)
				}
			default:
				for _, p := range t.weaknesses[id].parents {
					if !seen[p] {
						seen[p] = true
						next = append(next, p)
					}
				}
			}
		}
		if len(found) > 0 {
			return found
		}
		level = next
	}
	return nil
}
