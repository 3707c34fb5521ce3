package office

import (
	"regexp"
	"strconv"
	"strings"
)

// style is a paragraph style, with what it takes from those that it is based
// on.
type style struct {
	// name is in lower case. Word writes the English name of its own styles
	// in every language.
	name string
	// outline is the level of a heading, 1..9; 0 for body text; -1 where the
	// style does not say.
	outline int
	// numbering is the list that the style belongs to.
	numbering numbering
	bold      bool
	basedOn   string
}

// numbering is a list and a level in it, from 0. The zero value is none.
type numbering struct {
	id    string
	level int
	// levelSet is true where the level was said.
	levelSet bool
}

// styles are the paragraph styles by id.
type styles struct {
	byID     map[string]style
	standard string
}

// maxInherit bounds how far styles are based on one another.
const maxInherit = 20

func readStyles(root *node) styles {
	s := styles{byID: map[string]style{}}
	root.each("w:style", func(n *node) {
		id := n.attr("w:styleId")
		switch n.attr("w:type") {
		case "paragraph", "":
			s.byID[id] = readStyle(n)
			if v := n.attr("w:default"); v == "1" || v == "true" || v == "on" {
				s.standard = id
			}
		case "table", "numbering":
			s.byID[n.attr("w:type")+" "+id] = readStyle(n)
		}
	})
	return s
}

func readStyle(n *node) style {
	props := n.child("w:pPr")
	return style{
		name:      strings.ToLower(strings.TrimSpace(n.val("w:name"))),
		outline:   outlineOf(props),
		numbering: numberingOf(props),
		bold:      n.child("w:rPr").on("w:b"),
		basedOn:   n.val("w:basedOn"),
	}
}

// outlineOf is the outline level that properties set; -1 for none.
func outlineOf(props *node) int {
	v, err := strconv.Atoi(props.val("w:outlineLvl"))
	switch {
	case err != nil || v < 0:
		return -1
	case v > 8:
		return 0
	}
	return v + 1
}

func numberingOf(props *node) numbering {
	n := props.child("w:numPr")
	level, err := strconv.Atoi(n.val("w:ilvl"))
	if err != nil || level < 0 || level >= maxLevels {
		return numbering{id: n.val("w:numId")}
	}
	return numbering{id: n.val("w:numId"), level: level, levelSet: true}
}

// get is a style with what it inherits. An unknown id is the id as a name:
// documents that programs make may have no styles part.
func (s styles) get(id string) style {
	if id == "" {
		id = s.standard
	}
	found, ok := s.byID[id]
	if !ok {
		return style{name: strings.ToLower(id), outline: outlineByName(id)}
	}
	at := found
	for range maxInherit {
		if at.outline < 0 {
			at.outline = outlineByName(at.name)
		}
		if found.outline < 0 {
			found.outline = at.outline
		}
		if found.numbering.id == "" {
			found.numbering.id = at.numbering.id
		}
		if !found.numbering.levelSet {
			found.numbering.level, found.numbering.levelSet = at.numbering.level, at.numbering.levelSet
		}
		found.bold = found.bold || at.bold
		if at, ok = s.byID[at.basedOn]; !ok {
			break
		}
	}
	return found
}

// is reports whether a style, or one that it is based on, is of a family.
func (s styles) is(id string, family *regexp.Regexp) bool {
	if id == "" {
		return false
	}
	for range maxInherit {
		st, ok := s.byID[id]
		if !ok {
			return family.MatchString(strings.ToLower(id))
		}
		if family.MatchString(st.name) {
			return true
		}
		if id = st.basedOn; id == "" {
			return false
		}
	}
	return false
}

// Families of styles by their names. Programs other than Word translate them.
var (
	headingStyle = regexp.MustCompile(`^(?:heading|überschrift|titre|título|titulo|titolo|kop|rubrik|overskrift|otsikko|nagłówek|nadpis|заголовок|başlık|見出し|标题|標題|제목)[ _-]?([1-9])$`)
	titleStyle   = regexp.MustCompile(`^(?:title|titel)$`)
	tocStyle     = regexp.MustCompile(`^(?:toc ?[1-9]|toc ?heading|table ?of ?figures|table ?of ?authorities|index ?[1-9]|index ?heading|contents ?(?:heading|[1-9])|(?:inhaltsverzeichnis|verzeichnis|sommaire|tm) ?[1-9]?)$`)
	captionStyle = regexp.MustCompile(`^(?:caption|beschriftung|légende|legend|figure|illustration|table caption|image caption)$`)
	codeStyle    = regexp.MustCompile(`^(?:html ?preformatted|source ?code|code(?: ?block)?|preformatted(?: ?text)?|macro ?text|macro|verbatim|listing)$`)
	listStyle    = regexp.MustCompile(`^list\b`)
)

func outlineByName(name string) int {
	m := headingStyle.FindStringSubmatch(strings.ToLower(name))
	if m == nil {
		return -1
	}
	return int(m[1][0] - '0')
}
