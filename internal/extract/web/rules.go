package web

import (
	"bytes"
	_ "embed"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/goccy/go-yaml"
)

//go:embed page.yaml
var pageRules []byte

// rules say what elements are for. They are read once.
type rules struct {
	// content is in the order of preference.
	content                                                        []selector
	navigation, header, footer, aside, footnotes, skip, codeTables selectors
}

var loadRules = sync.OnceValues(func() (*rules, error) {
	var data struct {
		Content    []string `yaml:"content"`
		Navigation []string `yaml:"navigation"`
		Header     []string `yaml:"header"`
		Footer     []string `yaml:"footer"`
		Aside      []string `yaml:"aside"`
		Footnotes  []string `yaml:"footnotes"`
		Skip       []string `yaml:"skip"`
		CodeTables []string `yaml:"code_tables"`
	}
	d := yaml.NewDecoder(bytes.NewReader(pageRules), yaml.Strict())
	if err := d.Decode(&data); err != nil {
		return nil, fmt.Errorf("read page.yaml: %w", err)
	}
	r := &rules{}
	for _, list := range []struct {
		to   *selectors
		from []string
	}{
		{&r.navigation, data.Navigation},
		{&r.header, data.Header},
		{&r.footer, data.Footer},
		{&r.aside, data.Aside},
		{&r.footnotes, data.Footnotes},
		{&r.skip, data.Skip},
		{&r.codeTables, data.CodeTables},
	} {
		for _, text := range list.from {
			s, err := parseSelector(text)
			if err != nil {
				return nil, fmt.Errorf("read page.yaml: %w", err)
			}
			if *list.to == nil {
				*list.to = selectors{}
			}
			(*list.to)[s.lookup()] = append((*list.to)[s.lookup()], s)
		}
	}
	for _, text := range data.Content {
		s, err := parseSelector(text)
		if err != nil {
			return nil, fmt.Errorf("read page.yaml: %w", err)
		}
		r.content = append(r.content, s)
	}
	return r, nil
})

// selector says which elements are meant: all that it names must fit.
type selector struct {
	tag, id    string
	classes    []string
	key, value string
}

// selectors are looked up by what an element must have of them: a class, an
// id, an attribute, else the tag.
type selectors map[string][]selector

// lookup is the most telling part of a selector.
func (s selector) lookup() string {
	switch {
	case len(s.classes) > 0:
		return "." + s.classes[0]
	case s.id != "":
		return "#" + s.id
	case s.key != "":
		return "[" + s.key
	}
	return s.tag
}

// parseSelector reads tag.class#id[key=value]; each part may be left out.
func parseSelector(text string) (selector, error) {
	var s selector
	rest := text
	if at := strings.IndexByte(rest, '['); at >= 0 {
		inner, ok := strings.CutSuffix(rest[at+1:], "]")
		if !ok {
			return s, fmt.Errorf("selector %q: no ] at its end", text)
		}
		s.key, s.value, _ = strings.Cut(inner, "=")
		rest = rest[:at]
	}
	for rest != "" {
		end := strings.IndexAny(rest[1:], ".#") + 1
		if end == 0 {
			end = len(rest)
		}
		switch part := rest[:end]; part[0] {
		case '.':
			s.classes = append(s.classes, part[1:])
		case '#':
			s.id = part[1:]
		default:
			s.tag = part
		}
		rest = rest[end:]
	}
	if s.tag+s.id+s.key == "" && len(s.classes) == 0 || strings.ContainsAny(text, " >,") {
		return s, fmt.Errorf("selector %q: it must be one compound", text)
	}
	return s, nil
}

func (s selector) fits(n *node) bool {
	switch {
	case n.name == "" || s.tag != "" && s.tag != n.name,
		s.id != "" && s.id != n.attr("id"),
		s.key != "" && !n.has(s.key),
		s.value != "" && s.value != n.attr(s.key):
		return false
	case len(s.classes) == 0:
		return true
	}
	for _, c := range s.classes {
		if !slices.Contains(n.classes, c) {
			return false
		}
	}
	return true
}

func (all selectors) fit(n *node) bool {
	if n.name == "" {
		return false
	}
	if all.any(n, n.name) {
		return true
	}
	for _, a := range n.attrs {
		if all.any(n, "["+a.Key) || a.Key == "id" && all.any(n, "#"+a.Val) {
			return true
		}
	}
	for _, c := range n.classes {
		if all.any(n, "."+c) {
			return true
		}
	}
	return false
}

// any reports whether one of the selectors under a key fits.
func (all selectors) any(n *node, key string) bool {
	for _, s := range all[key] {
		if s.fits(n) {
			return true
		}
	}
	return false
}
