package diagram

import (
	"fmt"
	"strings"
)

// subgraph reads the head of a group: an id, a title, or both.
func (f *flowchart) subgraph() bool {
	begin := f.pos
	size := lineLength(f.source[f.pos:])
	head := f.source[f.pos : f.pos+size]
	if i := strings.Index(head, ";"); i >= 0 && !strings.Contains(head[:i], `"`) {
		head = head[:i]
	}
	f.pos += len(head)
	at := f.lineOf(begin)
	id, title := subgraphTitle(strings.TrimSpace(head))
	if id == "" {
		id = fmt.Sprintf("subgraph%d", len(f.groups)+1)
	}
	if title == "" {
		title = id
	}
	f.openGroup(id, title, at)
	return true
}

// subgraphTitle parts id [title], id["title"], "title" and title.
func subgraphTitle(head string) (id, title string) {
	head = strings.TrimSpace(classOfGroup(head))
	if strings.HasPrefix(head, `"`) {
		title = cleanLabel(head)
		return title, title
	}
	for _, s := range flowShapes {
		i := strings.Index(head, s.open)
		if i < 0 || strings.ContainsAny(head[:i], `"`) {
			continue
		}
		for _, c := range s.close {
			if strings.HasSuffix(head, c) {
				return strings.TrimSpace(head[:i]), cleanLabel(head[i+len(s.open) : len(head)-len(c)])
			}
		}
	}
	title = cleanLabel(head)
	return title, title
}

// classOfGroup takes a class off the end of a head.
func classOfGroup(head string) string {
	if i := strings.LastIndex(head, ":::"); i > 0 && !strings.ContainsAny(head[i:], `"]`) {
		return head[:i]
	}
	return head
}

// end closes the innermost group.
func (f *flowchart) end() bool {
	return f.closeGroup() && f.endOfStatement()
}
