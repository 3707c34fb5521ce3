// Package web reads web pages as a browser saves them: what the page is about
// apart from what leads around the site, by role, with the source line of each
// piece of text. It knows the pages of the usual hosts and site generators by
// the data in page.yaml.
package web

import (
	"fmt"
	"strings"

	"github.com/bartizan-security/bartizan/internal/extract/block"
	"github.com/bartizan-security/bartizan/internal/extract/flow"
	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

// Options bound what a page may cost. The zero value stands for the defaults.
type Options struct {
	// MaxDepth is how deep elements may nest before they are read as if they
	// lay no deeper; default 200.
	MaxDepth int
	// MaxNodes is how many elements and pieces of text a page may have before
	// its markup is no longer heeded; default 1,000,000.
	MaxNodes int
	// MaxTableCells is how many cells the tables may have before merged cells
	// are no longer told apart; default 200,000.
	MaxTableCells int
}

func (o Options) withDefaults() Options {
	if o.MaxDepth <= 0 {
		o.MaxDepth = 200
	}
	if o.MaxNodes <= 0 {
		o.MaxNodes = 1_000_000
	}
	if o.MaxTableCells <= 0 {
		o.MaxTableCells = 200_000
	}
	return o
}

// IsPage reports whether a text is a whole web page, not another text with
// pieces of HTML in it.
func IsPage(text string) bool {
	text = strings.ToLower(text[:min(len(text), 4096)])
	for {
		text = strings.TrimLeft(text, " \t\r\n\f\ufeff")
		switch {
		case strings.HasPrefix(text, "<!--"):
			_, text, _ = strings.Cut(text, "-->")
		case strings.HasPrefix(text, "<?xml"):
			_, text, _ = strings.Cut(text, "?>")
		default:
			return strings.HasPrefix(text, "<!doctype html") || opensWith(text, "<html") || opensWith(text, "<head") || opensWith(text, "<body")
		}
	}
}

// opensWith reports whether a text begins with a tag.
func opensWith(text, tag string) bool {
	rest, ok := strings.CutPrefix(text, tag)
	return ok && rest != "" && strings.ContainsAny(rest[:1], "> \t\n/")
}

// Read reads a page. Its text is UTF-8 with \n as line end; doc holds what is
// known of it already, and its title is filled in where it is empty. Whatever
// text there is, is a page: there is no error.
func Read(doc threatmodel.Document, content string, opt Options) (threatmodel.Source, error) {
	opt = opt.withDefaults()
	rules, err := loadRules()
	if err != nil {
		return threatmodel.Source{}, fmt.Errorf("read %s: %w", doc.Name, err)
	}
	root, cut := parse(block.Clean(content), opt)
	p := &page{rules: rules, w: flow.Writer{MaxCells: opt.MaxTableCells}, root: root}
	p.main = rules.main(root)
	p.around = map[*node]bool{}
	markAround(root, p.main, p.around)
	p.base = base(root)
	if p.main != root {
		p.ambient, p.w.Role = threatmodel.RoleHeader, threatmodel.RoleHeader
	}
	p.walk(root)
	p.endTerm()
	p.notices(cut, opt)
	if doc.Title == "" {
		doc.Title = p.title()
	}
	if doc.Language == "" {
		doc.Language = language(root)
	}
	return p.w.B.Source(doc), nil
}

// title is what the page calls itself, else its first heading.
func (p *page) title() string {
	if n := p.root.find(func(n *node) bool { return n.name == "title" }); n != nil {
		if t := n.words(); t != "" {
			return t
		}
	}
	return p.w.FirstHeading
}

// language is the one that the page says it is in, without its region.
func language(root *node) string {
	n := root.find(func(n *node) bool { return n.name == "html" })
	if n == nil {
		return ""
	}
	lang, _, _ := strings.Cut(strings.ToLower(n.attr("lang")), "-")
	if len(lang) < 2 || len(lang) > 3 || strings.Trim(lang, "abcdefghijklmnopqrstuvwxyz") != "" {
		return ""
	}
	return lang
}

// base is where relative links of the page start from; empty for its folder.
func base(root *node) string {
	if n := root.find(func(n *node) bool { return n.name == "base" && n.attr("href") != "" }); n != nil {
		return n.attr("href")
	}
	return ""
}

func (p *page) notices(cut cut, opt Options) {
	if cut.deep > 0 {
		p.w.B.Notice(threatmodel.NoticeTruncated, "Elements that nest more than %d deep are read as if they did not, from line %d on.", opt.MaxDepth, cut.deep)
	}
	if cut.many > 0 {
		p.w.B.Notice(threatmodel.NoticeTruncated, "The page has more than %d elements: from line %d on its text is read without structure.", opt.MaxNodes, cut.many)
	}
	if p.w.TooManyCells() {
		p.w.B.Notice(threatmodel.NoticeTruncated, "The tables have more than %d cells: merged cells of those after them may stand under the wrong header.", opt.MaxTableCells)
	}
}
