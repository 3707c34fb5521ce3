package web

import "strings"

// enough is the part of the words of a page that an element must hold to be
// its content: some pages have an element of that name for less.
const enough = 0.4

// main finds the element that holds the text of the page; the root where none
// stands out.
func (r *rules) main(root *node) *node {
	total := r.weight(root)
	if total == 0 {
		return root
	}
	for _, s := range r.content {
		var found []*node
		outermost(root, s, &found)
		if len(found) == 0 {
			continue
		}
		best := found[0]
		if len(found) > 1 {
			best = r.together(root, found)
		}
		if float64(r.weight(best)) >= enough*float64(total) {
			return best
		}
	}
	return root
}

// outermost collects the elements that fit and lie in no other that does.
func outermost(n *node, s selector, found *[]*node) {
	for _, k := range n.kids {
		if s.fits(k) {
			*found = append(*found, k)
			continue
		}
		outermost(k, s, found)
	}
}

// together is the one of several elements that holds most of their words, else
// the innermost element around all.
func (r *rules) together(root *node, found []*node) *node {
	sum, most := 0, 0
	best := found[0]
	for _, n := range found {
		weight := r.weight(n)
		sum += weight
		if weight > most {
			best, most = n, weight
		}
	}
	if 5*most >= 4*sum {
		return best
	}
	all := map[*node]bool{}
	for _, n := range found {
		all[n] = true
	}
	around, _ := innermost(root, all)
	return around
}

// innermost is the smallest element that holds all of the given ones, and how
// many of them lie in n.
func innermost(n *node, all map[*node]bool) (*node, int) {
	count := 0
	if all[n] {
		count++
	}
	for _, k := range n.kids {
		inner, in := innermost(k, all)
		if in == len(all) {
			return inner, in
		}
		count += in
	}
	return n, count
}

// weight counts the letters of text that is shown and does not lead around.
func (r *rules) weight(n *node) int {
	switch {
	case n.name == "":
		return len(strings.Join(strings.Fields(n.raw), ""))
	case hidden(n), r.skip.fit(n), r.navigation.fit(n), r.footer.fit(n), r.aside.fit(n):
		return 0
	}
	sum := 0
	for _, k := range n.kids {
		sum += r.weight(k)
	}
	return sum
}

// hiddenElements hold nothing that a reader sees as text.
var hiddenElements = set(`head script style template noscript noembed noframes iframe object audio video canvas svg
	datalist select textarea title rt rp`)

// hidden reports whether an element is not shown. The panels of tabs are: one
// click shows them.
func hidden(n *node) bool {
	if hiddenElements[n.name] || n.name == "dialog" && !n.has("open") {
		return true
	}
	if n.attr("role") == "tabpanel" || len(n.attrs) == 0 {
		return false
	}
	style := strings.ToLower(strings.Join(strings.Fields(n.attr("style")), ""))
	return n.has("hidden") && n.attr("hidden") != "until-found" || n.attr("aria-hidden") == "true" ||
		strings.Contains(style, "display:none") || strings.Contains(style, "visibility:hidden")
}

// markAround collects the elements that hold another.
func markAround(n, inner *node, around map[*node]bool) bool {
	if n == inner {
		return true
	}
	for _, k := range n.kids {
		if markAround(k, inner, around) {
			around[n] = true
			return true
		}
	}
	return false
}
