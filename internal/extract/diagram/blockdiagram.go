package diagram

import (
	"fmt"
	"regexp"
	"strings"
)

// blockDiagram reads a Mermaid block diagram. Its nodes and arrows are written
// as those of a flowchart, several nodes on a line.
type blockDiagram struct {
	*flowchart
	// named are the open blocks: true for those with a name, which are groups.
	named []bool
}

func readBlocks(source string, start int) *graph {
	b := &blockDiagram{flowchart: &flowchart{graph: newGraph("mermaid", Block, source), pos: start, edgeIDs: map[string]bool{}}}
	b.declaring = true
	for b.skipSeparators(); b.pos < len(source) && !b.full; b.skipSeparators() {
		begin := b.pos
		if !b.statement() {
			b.misread(begin)
			b.pos = max(begin, b.pos)
			b.pos += lineLength(source[b.pos:])
		}
	}
	return b.graph
}

var (
	blockSpace = regexp.MustCompile(`^(?:space(?::\d+)?|columns[ \t]+\S+)(?:[ \t;]|\n|$)`)
	blockHead  = regexp.MustCompile(`^block(?::([\pL_][\pL\pN_-]*))?(?::\d+)?`)
	blockArrow = regexp.MustCompile(`^([\pL\pN_-]+)<\[("[^"\n]*"|[^\]\n]*)\]>\([^)\n]*\)(?::\d+)?`)
	blockWidth = regexp.MustCompile(`^:\d+`)
)

func (b *blockDiagram) statement() bool {
	rest := b.source[b.pos:]
	if m := blockSpace.FindString(rest); m != "" {
		b.pos += len(strings.TrimRight(m, "\n"))
		return true
	}
	switch b.word() {
	case "end":
		b.pos += len("end")
		return b.endBlock()
	case "style", "class", "classDef":
		return b.ignoreLine()
	case "block":
		return b.block()
	}
	if m := blockArrow.FindString(rest); m != "" {
		b.states(b.lineOf(b.pos)) // a fat arrow, which joins nothing
		b.pos += len(m)
		return true
	}
	return b.nodes()
}

// block opens a block. Without a name or label it only places what it holds.
func (b *blockDiagram) block() bool {
	at := b.lineOf(b.pos)
	m := blockHead.FindStringSubmatch(b.source[b.pos:])
	b.pos += len(m[0])
	_, label := b.label()
	id, name := m[1], cleanLabel(label)
	b.named = append(b.named, id != "" || name != "")
	if id == "" && name == "" {
		return true
	}
	if id == "" {
		id = fmt.Sprintf("block%d", len(b.groups)+1)
	}
	b.openGroup(id, first(name, id), at)
	return true
}

func (b *blockDiagram) endBlock() bool {
	n := len(b.named)
	if n == 0 {
		return false
	}
	group := b.named[n-1]
	b.named = b.named[:n-1]
	return !group || b.closeGroup()
}

// nodes reads a node, and the arrows that lead on from it.
func (b *blockDiagram) nodes() bool {
	from, ok := b.node()
	if !ok {
		return false
	}
	b.pos += len(blockWidth.FindString(b.source[b.pos:]))
	for {
		l, found := b.link()
		if !found {
			return true
		}
		b.skipBlanks()
		to, ok := b.node()
		if !ok {
			return false
		}
		b.linkNodes(from, to, l)
		from = to
	}
}
