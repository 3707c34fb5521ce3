package secret

import (
	_ "embed"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/goccy/go-yaml"
)

//go:embed formats.yaml
var formatsYAML []byte

//go:embed words.yaml
var wordsYAML []byte

// rules are the embedded knowledge, ready for use.
type rules struct {
	formats []format
	words   wordList
	names   []name
	// anchors finds where a format begins, and the last word of each name.
	anchors    *anchorTable
	references []*regexp.Regexp
	technical  *regexp.Regexp
}

type wordList struct {
	Passwords        []string `yaml:"passwords"`
	PasswordParts    []string `yaml:"password_parts"`
	Secrets          []string `yaml:"secrets"`
	Placeholders     []string `yaml:"placeholders"`
	PlaceholderParts []string `yaml:"placeholder_parts"`
	References       []string `yaml:"references"`
	Technical        []string `yaml:"technical"`
}

// name is what a secret value is given to.
type name struct {
	// folded is the name in lower case, and last its last word.
	folded, last string
	password     bool
	// part is true where the name counts only after another word.
	part bool
}

// load gives the embedded knowledge; it is read once, and a test reads it.
var load = sync.OnceValue(func() *rules {
	r, err := read(formatsYAML, wordsYAML)
	if err != nil {
		panic(fmt.Sprintf("secret: embedded knowledge: %v", err))
	}
	return r
})

// read reads knowledge. The error names the entry at fault.
func read(formats, words []byte) (*rules, error) {
	r := &rules{}
	var file struct {
		Formats []format `yaml:"formats"`
	}
	if err := yaml.UnmarshalWithOptions(formats, &file, yaml.Strict()); err != nil {
		return nil, fmt.Errorf("reading the formats: %w", err)
	}
	if err := yaml.UnmarshalWithOptions(words, &r.words, yaml.Strict()); err != nil {
		return nil, fmt.Errorf("reading the words: %w", err)
	}
	r.formats = file.Formats
	if err := errors.Join(r.compileFormats(), r.compileWords()); err != nil {
		return nil, err
	}
	r.anchors = newAnchorTable(r.formatAnchors(), r.nameAnchors())
	return r, nil
}

func (r *rules) compileFormats() error {
	seen := map[string]bool{}
	for i := range r.formats {
		f := &r.formats[i]
		if err := f.compile(); err != nil {
			return fmt.Errorf("format %q: %w", f.ID, err)
		}
		if seen[f.ID] {
			return fmt.Errorf("format %q stands twice", f.ID)
		}
		seen[f.ID] = true
	}
	return nil
}

func (r *rules) formatAnchors() []anchor {
	var list []anchor
	for i, f := range r.formats {
		for _, a := range f.Anchors {
			list = append(list, anchor{a, i})
		}
	}
	return list
}

// nameAnchors are the last words of names, each once.
func (r *rules) nameAnchors() []anchor {
	var list []anchor
	seen := map[string]bool{}
	for i, n := range r.names {
		if !seen[n.last] {
			list = append(list, anchor{n.last, i})
		}
		seen[n.last] = true
	}
	return list
}

func (f *format) compile() error {
	switch {
	case f.ID == "" || f.Name == "":
		return errors.New("it needs an id and a name")
	case len(f.Anchors) == 0 || slices.ContainsFunc(f.Anchors, func(a string) bool { return len(a) < 2 }):
		return errors.New("it needs anchors of at least two bytes")
	}
	var ok bool
	if f.check, ok = checks()[f.Check]; !ok {
		return fmt.Errorf("there is no check %q", f.Check)
	}
	var err error
	if f.pattern, err = regexp.Compile("^(?:" + f.Pattern + ")"); err != nil {
		return fmt.Errorf("its pattern: %w", err)
	}
	if f.pattern.NumSubexp() > 1 {
		return errors.New("its pattern has more than one group")
	}
	if f.Before != "" {
		if f.before, err = regexp.Compile("(?:" + f.Before + ")$"); err != nil {
			return fmt.Errorf("what stands before it: %w", err)
		}
	}
	return nil
}

func (r *rules) compileWords() error {
	for _, l := range []struct {
		words          []string
		password, part bool
	}{{r.words.Passwords, true, false}, {r.words.PasswordParts, true, true}, {r.words.Secrets, false, false}} {
		for _, w := range l.words {
			r.names = append(r.names, name{
				folded: strings.ReplaceAll(w, " ", ""), last: w[strings.LastIndexByte(w, ' ')+1:], password: l.password, part: l.part,
			})
		}
	}
	for _, p := range r.words.References {
		re, err := regexp.Compile("^(?:" + p + ")")
		if err != nil {
			return fmt.Errorf("reference %q: %w", p, err)
		}
		r.references = append(r.references, re)
	}
	quoted := make([]string, len(r.words.Technical))
	for i, w := range r.words.Technical {
		quoted[i] = regexp.QuoteMeta(w)
	}
	var err error
	r.technical, err = regexp.Compile(`^(?:[a-z]+[-_])?(?:` + strings.Join(quoted, "|") + `)[-_./]?\d[\d.]{0,4}[a-z]{0,3}(?:[-_/+.][a-z0-9]+)*$`)
	return err
}
