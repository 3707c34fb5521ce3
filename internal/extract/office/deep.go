package office

import (
	"encoding/xml"
	"errors"
	"io"
	"strings"
)

// storyParts are the elements that paragraphs stand in.
var storyParts = map[string]bool{
	"w:tc": true, "w:txbxContent": true, "w:hdr": true, "w:ftr": true, "w:footnote": true, "w:endnote": true, "w:comment": true,
}

// lift gives an element what lay too deep in one of its kids: paragraphs, and
// runs of one. It returns what must go up further, because neither can stand in
// the element.
func (n *node) lift(flat []*node) []*node {
	switch {
	case storyParts[n.name]:
		n.kids = append(n.kids, paragraphs(flat)...)
		return nil
	case n.name != "w:p":
		return flat
	}
	for _, f := range flat {
		if f.name == "w:r" {
			n.kids = append(n.kids, f)
			continue
		}
		if strings.TrimSpace(n.content()) != "" {
			n.kids = append(n.kids, &node{name: "w:r", kids: []*node{{name: "w:br"}}})
		}
		n.kids = append(n.kids, f.kids...)
	}
	return nil
}

// paragraphs makes a paragraph of each run that stands in none.
func paragraphs(flat []*node) []*node {
	var all []*node
	for _, f := range flat {
		if f.name == "w:r" {
			f = &node{name: "w:p", kids: []*node{f}}
		}
		all = append(all, f)
	}
	return all
}

// flat reads the text of an element that lies too deep: its paragraphs, or a
// run where it is a piece of one, without their looks. What is no part of the final text is left out. It takes no more
// memory for an element in many others than for one.
func (s *stream) flat(start xml.StartElement) ([]*node, error) {
	s.cut = true
	f := flattened{end: s.depth - 1}
	for t := xml.Token(start); ; {
		switch t := t.(type) {
		case xml.StartElement:
			f.start(s.name(t.Name), s.depth)
		case xml.CharData:
			f.words(t)
		case xml.EndElement:
			if f.ends(s.name(t.Name), s.depth) {
				return f.read, nil
			}
		}
		var err error
		if t, err = s.next(); errors.Is(err, io.EOF) {
			err = damaged("part "+s.part, io.ErrUnexpectedEOF)
		}
		if err != nil {
			f.run()
			return f.read, err
		}
	}
}

// flattened is the text of an element that lies too deep, as far as it was read.
type flattened struct {
	read []*node
	text strings.Builder
	// end is the depth at which the element has ended.
	end int
	// shown and hidden are the depths of the open element whose text counts,
	// and of the one in which none does; 0 where there is none.
	shown, hidden int
}

func (f *flattened) start(name string, depth int) {
	switch name {
	case "w:t", "m:t", "a:t":
		f.shown = depth
	case "w:tab", "w:br", "w:cr":
		f.text.WriteByte(' ')
	case "w:moveFrom", "mc:Fallback":
		if f.hidden == 0 {
			f.hidden = depth
		}
	}
}

func (f *flattened) words(text xml.CharData) {
	if f.shown > 0 && f.hidden == 0 {
		f.text.Write(text)
	}
}

// ends takes the end of an element, after which the depth is the given one. It
// reports whether it was the last.
func (f *flattened) ends(name string, depth int) bool {
	if depth < f.shown {
		f.shown = 0
	}
	if depth < f.hidden {
		f.hidden = 0
	}
	last := depth == f.end
	switch {
	case name == "w:p" && strings.TrimSpace(f.text.String()) == "":
		f.text.Reset()
	case name == "w:p":
		f.run()
		f.read[len(f.read)-1] = &node{name: "w:p", kids: []*node{f.read[len(f.read)-1]}}
	case last:
		f.run()
	}
	return last
}

// run ends a run.
func (f *flattened) run() {
	if f.text.Len() > 0 {
		f.read = append(f.read, &node{name: "w:r", kids: []*node{{name: "w:t", kids: []*node{{text: f.text.String()}}}}})
	}
	f.text.Reset()
}
