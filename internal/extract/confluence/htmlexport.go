package confluence

import (
	"bytes"
	"context"
	"fmt"
	"iter"
	"net/url"
	"path"
	"slices"
	"strings"

	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

// IndexName is the file of an HTML export that lists its pages.
const IndexName = "index.html"

// IsIndex reports whether an index.html that begins so is that of an HTML
// export.
func IsIndex(head []byte) bool {
	return bytes.Contains(head, []byte("theme-default")) && bytes.Contains(head, []byte("pagetitle")) &&
		bytes.Contains(head, []byte("main-content")) && !IsPage(head)
}

// IsPage reports whether an HTML file that begins so is a page of an HTML
// export.
func IsPage(head []byte) bool {
	return bytes.Contains(head, []byte(`id="main-content" class="wiki-content`))
}

// Folder is the folder of an HTML export.
type Folder struct {
	// Names are the files right in the folder.
	Names []string
	// Read returns a file.
	Read func(name string) ([]byte, error)
}

// ReadHTML reads the pages of an HTML export.
//
// An error that is no [*PageError] is the last one.
//
// Left is told, by kind, what was left out; it may be nil.
func ReadHTML(ctx context.Context, f Folder, opt Options, left func(kind string, n int)) iter.Seq2[Page, error] {
	opt = opt.withDefaults()
	return func(yield func(Page, error) bool) {
		// An export as HTML shows what its macros did; it holds none.
		e := &htmlExport{folder: f, opt: opt, files: map[string]bool{}}
		e.book = &book{opt: opt, macros: &macroTable{}, pages: &e.pages, file: e.pageOf}
		pages, err := e.tree()
		if err != nil {
			yield(Page{}, err)
			return
		}
		for _, r := range pages {
			if ctx.Err() != nil {
				yield(Page{}, ctx.Err())
				return
			}
			if !e.page(e.pages.page(r), yield) {
				return
			}
		}
		if e.silent > 0 && left != nil {
			left("page whose comments are not read", e.silent)
		}
	}
}

// ReadPage reads one page of an HTML export that stands alone; doc holds what
// is known of it.
func ReadPage(doc threatmodel.Document, content string, opt Options) threatmodel.Source {
	opt = opt.withDefaults()
	e := &htmlExport{opt: opt}
	e.book = &book{opt: opt, macros: &macroTable{}, pages: &e.pages}
	src := e.read(&page{}, doc.Name, []byte(content)).Source
	doc.Title = src.Title
	src.Document = doc
	return src
}

// htmlExport is an HTML export being read.
type htmlExport struct {
	folder Folder
	opt    Options
	book   *book
	// space is the name of the space, which titles begin with.
	space string
	ids   idTable
	files map[string]bool
	pages forest
	arena arena
	// silent counts the pages whose comments were left out.
	silent int
}

// tree reads the index, and finds the place of pages that it does not list.
func (e *htmlExport) tree() ([]ref, error) {
	source, err := e.folder.Read(IndexName)
	if err != nil {
		return nil, fmt.Errorf("read the list of pages: %w", err)
	}
	root, _ := parse(source, e.opt.MaxDepth, &arena{})
	if title := root.find(isElement("title")); title != nil {
		e.space = spaceName(title.words())
	}
	e.list(root, "", false)
	e.unlisted()
	if e.pages.count == 0 {
		return nil, ErrNoPages
	}
	e.findHome()
	return e.pages.order(), nil
}

func isElement(name string) func(*node) bool { return func(n *node) bool { return n.name == name } }

func hasID(id string) func(*node) bool { return func(n *node) bool { return n.attr("id") == id } }

// spaceName takes the key off "Name (KEY)".
func spaceName(title string) string {
	if i := strings.LastIndex(title, " ("); i > 0 && strings.HasSuffix(title, ")") {
		return title[:i]
	}
	return title
}

// list takes the nested lists of links for the page tree; blog posts stand in
// none.
func (e *htmlExport) list(n *node, parent string, blog bool) {
	for _, c := range n.children {
		if c.name != "li" {
			e.list(c, parent, blog || isBlogSection(c))
			continue
		}
		below := parent
		if a := c.child("a"); a != nil {
			if file := fileOf(a.attr("href")); file != "" && !e.files[file] && blog {
				e.addPost(file, a.words(), e.dayIn(file))
			} else if file != "" && !e.files[file] {
				img := c.child("img")
				home := img != nil && strings.Contains(img.attr("src"), "home_page")
				e.add(file, a.words(), parent, home)
				below = file
			}
		}
		e.list(c, below, blog)
	}
}

func (e *htmlExport) add(file, title, parent string, home bool) {
	e.files[file] = true
	e.pages.add(page{
		id: e.ids.key(file), file: e.pages.text.put(file), title: e.pages.text.put(title), parent: e.ids.key(parent),
		position: int32(e.pages.count), placed: true, home: home,
	})
}

// addPost adds a blog post.
func (e *htmlExport) addPost(file, title string, day int32) {
	e.files[file] = true
	e.pages.add(page{id: e.ids.key(file), file: e.pages.text.put(file), title: e.pages.text.put(title), parent: none, date: day})
}

// dayIn is the day of the blog post in a file.
func (e *htmlExport) dayIn(file string) int32 {
	source, err := e.folder.Read(file)
	if err != nil {
		return noDate // who reads the post says so
	}
	defer e.arena.reset()
	root, _ := parse(source, e.opt.MaxDepth, &e.arena)
	return postDay(root)
}

// fileOf is the file of the export's folder that a link leads to.
func fileOf(href string) string {
	u, err := url.Parse(href)
	if err != nil || u.IsAbs() || u.Host != "" {
		return ""
	}
	name := u.Path
	if path.Base(name) != name || !isHTMLName(name) || name == IndexName {
		return ""
	}
	return name
}

// pageOf is the page that lies in a file; nil where none does.
func (e *htmlExport) pageOf(file string) *page {
	if file == "" {
		return nil
	}
	return e.pages.page(e.pages.byID[e.ids.find(file)])
}

func isHTMLName(name string) bool {
	return strings.EqualFold(path.Ext(name), ".html")
}

// unlisted adds the pages that lie in the folder and not in the index, below
// the page that their breadcrumbs end at.
func (e *htmlExport) unlisted() {
	names := slices.Clone(e.folder.Names)
	slices.Sort(names)
	for _, name := range names {
		if !isHTMLName(name) || name == IndexName || e.files[name] {
			continue
		}
		source, err := e.folder.Read(name)
		if err != nil || !IsPage(source) {
			continue
		}
		root, _ := parse(source, e.opt.MaxDepth, &e.arena)
		crumbs := root.find(hasID("breadcrumbs"))
		switch {
		case crumbs != nil && isBlogFolder(crumbs) && !slices.Contains(names, lastLink(crumbs)):
			e.addPost(name, e.pageTitle(root), postDay(root))
		case crumbs != nil:
			e.add(name, e.pageTitle(root), lastLink(crumbs), false)
		default:
			e.add(name, e.pageTitle(root), "", false)
		}
		e.arena.reset()
	}
}

// lastLink is the file that the last link below an element leads to.
func lastLink(n *node) string {
	last := ""
	for _, c := range n.children {
		if c.name == "a" {
			last = fileOf(c.attr("href"))
		}
		if below := lastLink(c); below != "" {
			last = below
		}
	}
	return last
}

// findHome takes the only page at the top for the home page where the index
// does not mark one.
func (e *htmlExport) findHome() {
	var top []*page
	for i := range e.pages.count {
		p := e.pages.page(ref(i + 1))
		if p.home {
			return
		}
		if e.pages.byID[p.parent] == 0 && !p.blog() {
			top = append(top, p)
		}
	}
	if len(top) == 1 {
		top[0].home = true
	}
}

// pageTitle is the title that a page shows, without the name of the space.
func (e *htmlExport) pageTitle(root *node) string {
	n := root.find(hasID("title-text"))
	if n == nil {
		n = root.find(isElement("title"))
	}
	if n == nil {
		return ""
	}
	title := n.words()
	space := e.space
	if first := root.find(hasID("breadcrumbs")); first != nil && space == "" {
		if a := first.find(isElement("a")); a != nil {
			space = a.words()
		}
	}
	return strings.TrimPrefix(title, space+" : ")
}

// page yields a page. It reports false where no more are wanted.
func (e *htmlExport) page(p *page, yield func(Page, error) bool) bool {
	file, name := e.pages.text.get(p.file), e.pages.path(p, "")
	source, err := e.folder.Read(file)
	if err == nil && int64(len(source)) > e.opt.MaxBody {
		err = tooLarge(e.opt)
	}
	if err != nil {
		return yield(Page{}, &PageError{name, fmt.Errorf("read %s: %w", file, err)})
	}
	return yield(e.read(p, name, source), nil)
}

// read lays a page out: what the export puts around it is no body.
func (e *htmlExport) read(p *page, name string, source []byte) Page {
	defer e.arena.reset()
	root, deep := parse(bytes.ToValidUTF8(source, []byte("\uFFFD")), e.opt.MaxDepth, &e.arena)
	w := newPageWriter(e.book, p, &e.arena)
	w.name = name
	if deep {
		w.notice(threatmodel.NoticeTruncated, "Elements of the page nest very deep and are read in a simpler way.")
	}
	title := e.pages.title(p)
	if title == "" {
		title = e.pageTitle(root)
	}
	if crumbs := root.find(hasID("breadcrumbs")); crumbs != nil {
		w.as(threatmodel.RoleHeader, func() { w.flow.add(breadcrumbs(crumbs)) })
	}
	w.title(title)
	main := root.find(hasID("main-content"))
	if main == nil {
		main = root
	}
	if meta := root.find(func(n *node) bool { return n.class("page-metadata") }); meta != nil && main != root {
		w.as(threatmodel.RoleHeader, func() { w.walkAll(meta) })
	}
	w.root = main
	w.walkAll(main)
	w.endParagraph()
	if main != root && w.sections(root) {
		e.silent++
	}
	return w.page("text/html", essence(source))
}

// breadcrumbs are the pages above, in one line.
func breadcrumbs(n *node) string {
	var parts []string
	for _, c := range n.children {
		if c.name == "li" {
			parts = append(parts, c.words())
		}
	}
	return strings.Join(parts, " / ")
}

// sections writes what stands under the page: attachments, comments, footer. It
// reports whether comments were left out.
func (w *pageWriter) sections(root *node) (left bool) {
	if content := root.find(hasID("content")); content != nil {
		for _, c := range content.children {
			if !c.class("pageSection") {
				continue
			}
			role := sectionRole(c)
			if role == threatmodel.RoleAnnotation && !w.book.opt.Comments {
				left = true
				continue
			}
			w.as(role, func() { w.walkAll(c) })
		}
	}
	if footer := root.find(hasID("footer")); footer != nil {
		w.as(threatmodel.RoleFooter, func() { w.walkAll(footer) })
	}
	return left
}

func sectionRole(n *node) threatmodel.Role {
	if n.find(hasID("attachments")) != nil {
		return threatmodel.RoleAttachment
	}
	return threatmodel.RoleAnnotation
}

// essence is the part of a page's file that changes only when the page does:
// around it stand the dates of the last change and of the export.
func essence(source []byte) []byte {
	if i := bytes.Index(source, []byte(`id="main-content"`)); i >= 0 {
		source = source[i:]
	}
	if i := bytes.LastIndex(source, []byte(`id="footer"`)); i >= 0 {
		source = source[:i]
	}
	return source
}
