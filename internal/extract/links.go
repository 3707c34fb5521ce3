package extract

import (
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

// finder finds the document to which a file leads: it takes the path that a
// link names and returns the name of the document, where a file of that path is
// among those that are read. It is nil where that cannot be known, as in a
// stream that has not come to its end.
type finder func(target string) (name string, ok bool)

// inFolder finds the files of a folder from one of them.
func inFolder(root *os.Root, from string) finder {
	return func(target string) (string, bool) {
		name := relative(from, target)
		if !fs.ValidPath(name) {
			return "", false
		}
		info, err := root.Stat(filepath.FromSlash(name))
		return name, err == nil && passOver(name, info.Mode()) == ""
	}
}

// amongNamed finds the files that were given by name from one of them.
func amongNamed(paths []string, from string) finder {
	given := map[string]string{}
	for _, p := range paths {
		if full, err := filepath.Abs(p); err == nil {
			given[full] = filepath.Base(p)
		}
	}
	return func(target string) (string, bool) {
		full, err := filepath.Abs(filepath.Join(filepath.Dir(from), filepath.FromSlash(target)))
		if err != nil {
			return "", false
		}
		name, ok := given[full]
		return name, ok
	}
}

// inArchive finds the members of an archive from one of them. Folder is what
// the names of its documents begin with.
func inArchive(members map[string]bool, folder, from string) finder {
	return func(target string) (string, bool) {
		name := relative(from, target)
		return path.Join(folder, name), members[name] && passOver(name, 0) == ""
	}
}

// relative is the path to which a target leads from a file; one that begins
// with / leads from the top.
func relative(from, target string) string {
	if top, ok := strings.CutPrefix(target, "/"); ok {
		return path.Clean(top)
	}
	return path.Join(path.Dir(from), target)
}

// spellings are the files that the target of a link may mean: site generators
// let the end of a name be left out, and write that of the page they make.
func spellings(target string) []string {
	if plain, err := url.PathUnescape(target); err == nil {
		target = plain
	}
	all := []string{target}
	switch ext := path.Ext(target); ext {
	case ".html", ".htm":
		all = append(all, strings.TrimSuffix(target, ext)+".md")
	case "", ".":
		for _, end := range []string{".md", ".mdx", "/index.md", "/README.md", ".html", "/index.html"} {
			all = append(all, strings.TrimSuffix(target, "/")+end)
		}
	}
	return all
}

// documentEnds are the ends of the names of documents. A link to a file of
// another kind, such as source code, need not lead to a document.
var documentEnds = []string{
	".md", ".mdx", ".markdown", ".html", ".htm", ".pdf", ".docx", ".doc", ".txt", ".adoc", ".rst", ".mmd", ".puml", ".drawio",
}

// mayBeDocument reports whether a file may be a document, by its name.
func mayBeDocument(name string) bool {
	return slices.Contains(documentEnds, strings.ToLower(path.Ext(name))) && passOver(name, 0) == ""
}

// linkBelow puts the names of the documents that a page leads to where the
// documents of the export are.
func linkBelow(folder string, doc *Document) {
	for i := range doc.Blocks {
		for j := range doc.Blocks[i].Links {
			if l := &doc.Blocks[i].Links[j]; l.Document != "" {
				l.Document = path.Join(folder, l.Document)
			}
		}
	}
}

// resolve notes to which documents the links of a document lead, by their name,
// and tells which files it includes and leads to that are not read.
func resolve(doc *Document, find finder) {
	var included, linked []string
	told := map[string]bool{}
	for i := range doc.Blocks {
		b := &doc.Blocks[i]
		for j := range b.Links {
			l := &b.Links[j]
			target, _, _ := strings.Cut(l.Target, "#")
			l.Document = find.document(target)
			isDocument := l.Include || slices.Contains(documentEnds, strings.ToLower(path.Ext(target)))
			if l.Document != "" || !isDocument || told[target] {
				continue
			}
			told[target] = true
			if l.Include {
				included = append(included, target+lineOf(b, l.Start))
			} else {
				linked = append(linked, target+lineOf(b, l.Start))
			}
		}
	}
	tellMissing(doc, "includes", included)
	tellMissing(doc, "links to", linked)
}

// document is the name of the document to which a target leads, in whichever
// spelling; empty where there is none.
func (find finder) document(target string) string {
	for _, s := range spellings(target) {
		if name, ok := find(s); ok {
			return name
		}
	}
	return ""
}

// lineOf says on which line of its file a place in a block stands, where the
// file has lines.
func lineOf(b *threatmodel.Block, offset int) string {
	line := 0
	for _, m := range b.Marks {
		if m.Offset <= offset && m.Line > 0 {
			line = m.Line
		}
	}
	if line == 0 {
		return ""
	}
	return fmt.Sprintf(" (line %d)", line)
}

// tellMissing tells of files that are not among the documents.
func tellMissing(doc *Document, how string, files []string) {
	const most = 5
	if len(files) == 0 {
		return
	}
	more := ""
	if n := len(files) - most; n > 0 {
		files, more = files[:most], fmt.Sprintf(" and %d more", n)
	}
	doc.Notices = append(doc.Notices, threatmodel.Notice{
		Kind: threatmodel.NoticeFormat,
		Text: fmt.Sprintf("The document %s files that are not among the documents read: %s%s. What they say of the design is not known.", how, strings.Join(files, ", "), more),
	})
}

// link resolves the links of a document that came of an input, and gives each
// the id of the document that it leads to. What a child sent is not trusted.
func (b *batch) link(r *result, doc *Document) {
	if r != nil && r.find != nil && doc.Name == r.name {
		resolve(doc, r.find)
	}
	for i := range doc.Blocks {
		blk := &doc.Blocks[i]
		blk.Links = slices.DeleteFunc(blk.Links, func(l threatmodel.Link) bool {
			return l.Start < 0 || l.End < l.Start || l.End > len(blk.Text)
		})
		for j := range blk.Links {
			if l := &blk.Links[j]; l.Document != "" {
				l.Document = threatmodel.ShortID("D", l.Document, shortID)
			}
		}
	}
}
