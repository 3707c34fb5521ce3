package pattern

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"sync"

	"github.com/goccy/go-yaml"
)

//go:embed patterns/*.yaml lexicon/*.yaml words/*.yaml controls/*.yaml assets/*.yaml
var data embed.FS

// Load gives the embedded knowledge; it is read once. The error names the file
// and the entry at fault.
var Load = sync.OnceValues(func() (*Library, error) { return Read(data) })

// files are the shapes of the files of each folder.
type (
	patternFile struct {
		Patterns []*Pattern `yaml:"patterns"`
	}
	lexiconFile struct {
		Entries []*Entry `yaml:"entries"`
	}
	wordsFile struct {
		Groups yaml.MapSlice `yaml:"groups"`
	}
	controlFile struct {
		Controls []*Control `yaml:"controls"`
	}
	assetFile struct {
		Assets []*Asset `yaml:"assets"`
	}
)

// Read reads knowledge from a folder with the sub-folders patterns, lexicon,
// words, controls and assets.
func Read(fsys fs.FS) (*Library, error) {
	r := &reader{fsys: fsys, hash: map[string][]byte{}, parser: parser{groups: map[string][][]node{}}}
	l := &Library{byWord: map[string][]int{}, byPrefix: map[string][]int{}}
	var entries []*Entry
	err := errors.Join(
		each(r, "words", func(f *wordsFile) error { return r.addGroups(f.Groups) }),
		each(r, "lexicon", func(f *lexiconFile) error { entries = append(entries, f.Entries...); return nil }),
		each(r, "controls", func(f *controlFile) error { l.controls = append(l.controls, f.Controls...); return nil }),
		each(r, "assets", func(f *assetFile) error { l.assets = append(l.assets, f.Assets...); return nil }),
		each(r, "patterns", func(f *patternFile) error { l.patterns = append(l.patterns, f.Patterns...); return nil }),
	)
	if err != nil {
		return nil, err
	}
	slices.SortStableFunc(l.patterns, func(a, b *Pattern) int { return strings.Compare(a.ID, b.ID) })
	slices.SortStableFunc(l.controls, func(a, b *Control) int { return strings.Compare(a.ID, b.ID) })
	l.lexicon = newLexicon(entries)
	var missing []string
	l.groups = map[string]*wordSet{}
	for name, group := range r.parser.groups {
		w := newWordSet(group)
		l.groups[name] = &w
	}
	if l.guard, missing = newGuards(r.parser.groups); len(missing) > 0 {
		return nil, fmt.Errorf("the words hold no group %s", strings.Join(missing, ", "))
	}
	if err := errors.Join(l.validate(), l.compile(&r.parser)); err != nil {
		return nil, err
	}
	l.version = r.version()
	return l, nil
}

// reader reads the files of one library.
type reader struct {
	fsys   fs.FS
	hash   map[string][]byte
	parser parser
}

// each decodes the YAML files of a folder, strictly, in the order of their
// names.
func each[T any](r *reader, folder string, take func(*T) error) error {
	names, err := fs.Glob(r.fsys, folder+"/*.yaml")
	if err != nil {
		return fmt.Errorf("listing %s: %w", folder, err)
	}
	for _, name := range names {
		text, err := fs.ReadFile(r.fsys, name)
		if err != nil {
			return fmt.Errorf("reading %s: %w", name, err)
		}
		sum := sha256.Sum256(text)
		r.hash[name] = sum[:]
		file := new(T)
		if err := yaml.UnmarshalWithOptions(text, file, yaml.Strict()); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if err := take(file); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

// addGroups parses groups in their order, so that one may use those above it.
func (r *reader) addGroups(groups yaml.MapSlice) error {
	for _, item := range groups {
		name, list := fmt.Sprint(item.Key), item.Value
		words, ok := list.([]any)
		if !ok {
			return fmt.Errorf("the group %s is no list", name)
		}
		for _, w := range words {
			r.parser.rest = fmt.Sprint(w)
			seq, err := r.parser.sequence("")
			if err != nil || len(seq) == 0 {
				return fmt.Errorf("the group %s: %q: %w", name, w, err)
			}
			r.parser.groups[name] = append(r.parser.groups[name], seq)
		}
	}
	return nil
}

// version is a short hash of all files.
func (r *reader) version() string {
	names := make([]string, 0, len(r.hash))
	for name := range r.hash {
		names = append(names, name)
	}
	slices.Sort(names)
	h := sha256.New()
	for _, name := range names {
		h.Write([]byte(name))
		h.Write(r.hash[name])
	}
	return hex.EncodeToString(h.Sum(nil))[:12]
}
