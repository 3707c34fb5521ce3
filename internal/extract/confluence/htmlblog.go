package confluence

import (
	"regexp"
	"strconv"
	"strings"
	"time"
)

// isBlogSection reports whether a part of the index of an HTML export lists blog
// posts and not pages: its heading says so. The word is the same in most
// languages.
func isBlogSection(n *node) bool {
	if !n.class("pageSection") {
		return false
	}
	heading := n.find(func(c *node) bool {
		return len(c.name) == 2 && c.name[0] == 'h' && c.name[1] >= '1' && c.name[1] <= '6'
	})
	return heading != nil && strings.Contains(strings.ToLower(heading.words()), "blog")
}

// isBlogFolder reports whether the breadcrumbs of a page lead through the blog
// of its space, in which posts lie by year and month. Pages may be called so as
// well, but then they are in the export.
func isBlogFolder(crumbs *node) bool {
	var parts []string
	for _, c := range crumbs.children {
		if c.name == "li" {
			parts = append(parts, c.words())
		}
	}
	n := len(parts)
	if n < 3 {
		return false
	}
	year, err := strconv.Atoi(parts[n-2])
	return err == nil && year > 1990 && year < 2200
}

// writtenDate is a day as exports write it below the title.
var writtenDate = regexp.MustCompile(`\b(\p{Lu}\p{Ll}{2}) (\d{1,2}), (\d{4})\b|\b(\d{4})-(\d{2})-(\d{2})\b`)

// postDay is the day of a blog post, as 20060102: what stands below its title.
func postDay(root *node) int32 {
	meta := root.find(func(n *node) bool { return n.class("page-metadata") })
	if meta == nil {
		return noDate
	}
	written := writtenDate.FindString(meta.words())
	for _, form := range []string{"Jan 2, 2006", time.DateOnly} {
		if day, err := time.Parse(form, written); err == nil {
			return int32(day.Year()*10000 + int(day.Month())*100 + day.Day())
		}
	}
	return noDate
}
