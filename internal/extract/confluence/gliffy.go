package confluence

import (
	"bytes"
	"encoding/json"
	"strings"
)

// gliffyFile is a drawing of Gliffy, as far as it holds text.
type gliffyFile struct {
	Stage *struct {
		Objects []gliffyObject `json:"objects"`
	} `json:"stage"`
}

type gliffyObject struct {
	ID      json.Number `json:"id"`
	Graphic struct {
		Type string `json:"type"`
		Text struct {
			HTML string `json:"html"`
		} `json:"Text"`
	} `json:"graphic"`
	Constraints struct {
		Start struct {
			At struct {
				Node json.Number `json:"nodeId"`
			} `json:"StartPositionConstraint"`
		} `json:"startConstraint"`
		End struct {
			At struct {
				Node json.Number `json:"nodeId"`
			} `json:"EndPositionConstraint"`
		} `json:"endConstraint"`
	} `json:"constraints"`
	Children []gliffyObject `json:"children"`
}

// readGliffy returns what a drawing says: the label of each shape, and each
// line that joins two of them as "A → B: label". It reports false for what is
// no such drawing.
func readGliffy(data []byte) ([]string, bool) {
	var f gliffyFile
	if b := bytes.TrimLeft(data, " \t\r\n\ufeff"); len(b) == 0 || b[0] != '{' {
		return nil, false
	}
	if err := json.Unmarshal(data, &f); err != nil || f.Stage == nil {
		return nil, false
	}
	g := gliffy{labels: map[json.Number]string{}}
	for _, o := range f.Stage.Objects {
		g.name(o)
	}
	for _, o := range f.Stage.Objects {
		g.write(o)
	}
	return g.lines, true
}

type gliffy struct {
	labels map[json.Number]string
	lines  []string
}

// label is the text that stands in a shape or at a line.
func (o gliffyObject) label() string {
	parts := []string{plainText(o.Graphic.Text.HTML)}
	for _, c := range o.Children {
		if c.Graphic.Type == "Text" {
			parts = append(parts, plainText(c.Graphic.Text.HTML))
		}
	}
	return folded(strings.Join(parts, " "))
}

func (g *gliffy) name(o gliffyObject) {
	g.labels[o.ID] = o.label()
	for _, c := range o.Children {
		g.name(c)
		if c.Graphic.Type != "Text" && g.labels[o.ID] == "" {
			g.labels[o.ID] = g.labels[c.ID]
		}
	}
}

func (g *gliffy) write(o gliffyObject) {
	label := o.label()
	from, to := g.labels[o.Constraints.Start.At.Node], g.labels[o.Constraints.End.At.Node]
	switch {
	case from != "" && to != "" && label != "":
		g.lines = append(g.lines, from+" → "+to+": "+label)
	case from != "" && to != "":
		g.lines = append(g.lines, from+" → "+to)
	case label != "":
		g.lines = append(g.lines, label)
	}
	for _, c := range o.Children {
		if c.Graphic.Type != "Text" {
			g.write(c)
		}
	}
}

// plainText is the text of a piece of HTML.
func plainText(markup string) string {
	if !strings.ContainsAny(markup, "<&") {
		return markup
	}
	root, _ := parse([]byte(markup), 50, &arena{})
	var parts []string
	var walk func(*node)
	walk = func(n *node) {
		if n.name == "" {
			parts = append(parts, n.text)
		}
		if blockElements[n.name] || n.name == "br" {
			parts = append(parts, " ")
		}
		if hiddenElements[n.name] {
			return
		}
		for _, c := range n.children {
			walk(c)
		}
	}
	walk(root)
	return strings.Join(parts, "")
}
