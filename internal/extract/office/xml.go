package office

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"

	"golang.org/x/net/html/charset"
)

// namespaces gives each namespace the prefix that people know it by, whatever
// a document calls it. Strict documents have other addresses than usual ones.
var namespaces = map[string]string{
	"http://schemas.openxmlformats.org/wordprocessingml/2006/main":           "w",
	"http://purl.oclc.org/ooxml/wordprocessingml/main":                       "w",
	"http://schemas.openxmlformats.org/officeDocument/2006/relationships":    "r",
	"http://purl.oclc.org/ooxml/officeDocument/relationships":                "r",
	"http://schemas.openxmlformats.org/drawingml/2006/main":                  "a",
	"http://purl.oclc.org/ooxml/drawingml/main":                              "a",
	"http://schemas.openxmlformats.org/drawingml/2006/wordprocessingDrawing": "wp",
	"http://purl.oclc.org/ooxml/drawingml/wordprocessingDrawing":             "wp",
	"http://schemas.openxmlformats.org/drawingml/2006/picture":               "pic",
	"http://purl.oclc.org/ooxml/drawingml/picture":                           "pic",
	"http://schemas.openxmlformats.org/drawingml/2006/diagram":               "dgm",
	"http://purl.oclc.org/ooxml/drawingml/diagram":                           "dgm",
	"http://schemas.openxmlformats.org/markup-compatibility/2006":            "mc",
	"http://schemas.openxmlformats.org/officeDocument/2006/math":             "m",
	"http://purl.oclc.org/ooxml/officeDocument/math":                         "m",
	"urn:schemas-microsoft-com:vml":                                          "v",
	"urn:schemas-microsoft-com:office:office":                                "o",
	"http://schemas.microsoft.com/office/word/2010/wordml":                   "w14",
	"http://purl.org/dc/elements/1.1/":                                       "dc",
	"http://schemas.openxmlformats.org/package/2006/relationships":           "rel",
	"http://schemas.openxmlformats.org/package/2006/content-types":           "ct",
	"http://www.w3.org/XML/1998/namespace":                                   "xml",
}

// stream reads the XML of one part. It refuses a document type with entities
// of its own. It has no end of elements in elements: trees do not grow beyond
// the limit.
type stream struct {
	d        *xml.Decoder
	part     string
	depth    int
	maxDepth int
	// cut reports that an element lay too deep.
	cut   bool
	names map[xml.Name]string
}

func newStream(part string, r io.Reader, maxDepth int) *stream {
	d := xml.NewDecoder(r)
	d.Strict = false
	d.CharsetReader = charset.NewReaderLabel
	return &stream{d: d, part: part, maxDepth: maxDepth, names: map[xml.Name]string{}}
}

// next is the next start or end of an element, or text. At the end of the part
// it is io.EOF.
func (s *stream) next() (xml.Token, error) {
	t, err := s.d.Token()
	switch {
	case errors.Is(err, io.EOF):
		return nil, err
	case errors.Is(err, errRatio), errors.Is(err, ErrTooLarge):
		return nil, fmt.Errorf("%w: the part %q", err, s.part)
	case err != nil:
		return nil, damaged("part "+s.part, err)
	}
	switch t := t.(type) {
	case xml.StartElement:
		s.depth++
	case xml.EndElement:
		s.depth--
	case xml.Directive:
		if bytes.IndexByte(t, '[') >= 0 {
			return nil, fmt.Errorf("%w: the part %q declares a document type with entities of its own", ErrUnsafe, s.part)
		}
	}
	return t, nil
}

// name is the name of an element or attribute with its usual prefix.
func (s *stream) name(n xml.Name) string {
	if known, ok := s.names[n]; ok {
		return known
	}
	name := n.Local
	if prefix, ok := namespaces[n.Space]; ok {
		name = prefix + ":" + n.Local
	} else if n.Space != "" {
		name = "?:" + n.Local
	}
	if len(s.names) < 10_000 {
		s.names[n] = name
	}
	return name
}

// node is an element, or text where it has no name.
type node struct {
	name  string
	attrs []attr
	kids  []*node
	text  string
}

type attr struct{ name, value string }

// deep reports whether the element that has just begun lies deeper than the
// limit.
func (s *stream) deep() bool { return s.depth > s.maxDepth }

// tree reads the element that has just begun, as a whole. What lies too deep in
// it is text without structure.
func (s *stream) tree(start xml.StartElement) (*node, error) {
	n, lifted, err := s.element(start)
	if len(lifted) > 0 {
		n = &node{name: "w:customXml", kids: append([]*node{n}, paragraphs(lifted)...)}
	}
	return n, err
}

// element reads an element, and apart from it what lay too deep and has no
// place in it.
func (s *stream) element(start xml.StartElement) (n *node, lifted []*node, err error) {
	n = &node{name: s.name(start.Name)}
	if s.deep() {
		lifted, err = s.flat(start)
		return n, lifted, err
	}
	for _, a := range start.Attr {
		n.attrs = append(n.attrs, attr{s.name(a.Name), a.Value})
	}
	for {
		t, err := s.next()
		switch {
		case errors.Is(err, io.EOF):
			return n, lifted, damaged("part "+s.part, io.ErrUnexpectedEOF)
		case err != nil:
			return n, lifted, err
		}
		switch t := t.(type) {
		case xml.StartElement:
			kid, flat, err := s.element(t)
			if err != nil {
				return n, lifted, err
			}
			n.kids = append(n.kids, kid)
			lifted = append(lifted, n.lift(flat)...)
		case xml.CharData:
			n.kids = append(n.kids, &node{text: string(t)})
		case xml.EndElement:
			return n, lifted, nil
		}
	}
}

// attr is the value of an attribute; empty where there is none. Attributes of
// one's own namespace may stand without their prefix.
func (n *node) attr(name string) string {
	if n == nil {
		return ""
	}
	_, local, _ := strings.Cut(name, ":")
	for _, a := range n.attrs {
		if a.name == name || a.name == local {
			return a.value
		}
	}
	return ""
}

// val is the value of the child of the given name; empty where there is none.
func (n *node) val(name string) string { return n.child(name).attr("w:val") }

// child is the first child of the given name; nil where there is none.
func (n *node) child(name string) *node {
	if n == nil {
		return nil
	}
	for _, k := range n.kids {
		if k.name == name {
			return k
		}
	}
	return nil
}

// path is the first element at the end of a way of names.
func (n *node) path(names ...string) *node {
	for _, name := range names {
		n = n.child(name)
	}
	return n
}

// on reports whether a switch such as w:b stands in an element and is not set
// to off.
func (n *node) on(name string) bool {
	k := n.child(name)
	if k == nil {
		return false
	}
	switch k.attr("w:val") {
	case "0", "false", "off", "none":
		return false
	}
	return true
}

// each calls f for every element of the given name below, in order. It does
// not look inside those.
func (n *node) each(name string, f func(*node)) {
	for _, k := range n.kids {
		if k.name == name {
			f(k)
			continue
		}
		k.each(name, f)
	}
}

// content is all text below.
func (n *node) content() string {
	if n == nil {
		return ""
	}
	var b strings.Builder
	n.write(&b)
	return b.String()
}

func (n *node) write(b *strings.Builder) {
	b.WriteString(n.text)
	for _, k := range n.kids {
		k.write(b)
	}
}
