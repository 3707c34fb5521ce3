package extract

import (
	"archive/zip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"path"
	"strings"

	"github.com/bartizan-security/bartizan/internal/extract/confluence"
)

const (
	entitiesName = "entities.xml"
	// exportHead is how much of a file tells whether it is one of an export.
	exportHead = 16 << 10
)

// export is a Confluence export inside a folder or archive.
type export struct {
	// dir is its folder; "." for the one given.
	dir string
	xml bool
	// read is true once its pages were read, noted once its attachments were
	// listed as passed over.
	read, noted bool
}

// file is the file that shows what the folder is.
func (e *export) file() string {
	if e.xml {
		return entitiesName
	}
	return confluence.IndexName
}

// findExport tells whether a folder is that of an export; nil where it is
// none.
func findExport(fsys fs.FS, dir string) *export {
	if confluence.IsEntities(headOf(fsys, path.Join(dir, entitiesName))) {
		return &export{dir: dir, xml: true}
	}
	if confluence.IsIndex(headOf(fsys, path.Join(dir, confluence.IndexName))) {
		return &export{dir: dir}
	}
	return nil
}

func headOf(fsys fs.FS, name string) []byte {
	f, err := fsys.Open(name)
	if err != nil {
		return nil
	}
	defer f.Close()
	head, err := io.ReadAll(io.LimitReader(f, exportHead))
	if err != nil {
		return nil
	}
	return head
}

// exportFolders are what an export puts beside its pages.
var exportFolders = map[string]bool{"attachments": true, "images": true, "styles": true}

// part reports whether a file belongs to the export, and whether it is one
// that nobody reads, such as an attachment.
func (e *export) part(name string) (part, unread bool) {
	rest := name
	if e.dir != "." {
		var ok bool
		if rest, ok = strings.CutPrefix(name, e.dir+"/"); !ok {
			return false, false
		}
	}
	first, _, deeper := strings.Cut(rest, "/")
	switch {
	case deeper:
		return exportFolders[first], exportFolders[first]
	case e.xml:
		return first == entitiesName || first == "exportDescriptor.properties", false
	}
	return strings.EqualFold(path.Ext(first), ".html"), false
}

// note lists, once, that attachments are passed over.
func (e *export) note(skip func(path, reason string), in input) {
	if !e.noted {
		e.noted = true
		skip(in.display(), "images and styles of the Confluence export, and attachments that no page shows or links to, are not read")
	}
}

// findExports finds the exports among the members of an archive, by folder.
func findExports(fsys fs.FS, names []string) []*export {
	var found []*export
	for _, name := range names {
		base := path.Base(name)
		if base != entitiesName && base != confluence.IndexName || name != path.Clean(name) {
			continue
		}
		dir := path.Dir(name)
		if e := findExport(fsys, dir); e != nil && (e.xml == (base == entitiesName)) {
			found = append(found, e)
		}
	}
	return found
}

// around is the input for an export in a folder of an archive. Its name is
// what the names of pages begin with.
func (in input) around(dir string) input {
	switch {
	case dir != ".":
		return in.member(dir)
	case in.root:
		in.name = ""
	}
	return in
}

// exportMember handles a member of an archive that is part of an export. It
// reports false where the member is part of none.
func (s *session) exportMember(in input, src exportSource, exports []*export, name string) bool {
	for _, e := range exports {
		part, unread := e.part(name)
		if !part {
			continue
		}
		if unread {
			e.note(s.opt.Summary.skip, in)
		}
		if !e.read {
			e.read = true
			s.export(in.around(e.dir), e, src)
		}
		return true
	}
	return false
}

// exportSource gives access to the files of an export.
type exportSource interface {
	// names are the files right in a folder.
	names(dir string) []string
	// whole reads a file into memory, within the limits.
	whole(name string) ([]byte, error)
	// stream opens a file that may be of any size.
	stream(name string) (io.ReadCloser, error)
}

// export reads the pages of an export. The name of the input is what the
// names of pages begin with.
func (s *session) export(in input, e *export, src exportSource) {
	opt := s.confluenceOptions()
	x := &exported{s: s, in: in, dir: e.dir, src: src}
	opt.Attached, opt.IsDocument = x.whole, mayBeDocument
	if e.xml {
		r, err := src.stream(path.Join(e.dir, entitiesName))
		if err != nil {
			s.fail(in.error(KindDamaged, fmt.Errorf("open %s: %w", entitiesName, err), "Export the space again"))
			return
		}
		defer r.Close()
		s.pages(in, confluence.ReadXML(s.ctx, r, opt, s.leftOut(in)), x)
		return
	}
	folder := confluence.Folder{Names: src.names(e.dir), Read: x.whole}
	s.pages(in, confluence.ReadHTML(s.ctx, folder, opt, s.leftOut(in)), x)
}

func (s *session) confluenceOptions() confluence.Options {
	return confluence.Options{MaxDepth: s.limit.XMLDepth, MaxTableCells: s.limit.TableCells, Comments: s.opt.Comments, Spool: s.opt.Spool, Reuse: s.own}
}

// leftOut lists, by its kind, what an export holds and is not read.
func (s *session) leftOut(in input) func(kind string, n int) {
	return func(kind string, n int) {
		s.opt.Summary.skip(in.display(), fmt.Sprintf("of the Confluence export: %d × %s", n, kind))
	}
}

// entitiesFile reads an entities.xml that lies in no archive.
func (s *session) entitiesFile(in input) {
	r := io.NewSectionReader(in.r, 0, in.size)
	if in.name = path.Dir(in.name); in.name == "." {
		in.name = ""
	}
	s.pages(in, confluence.ReadXML(s.ctx, r, s.confluenceOptions(), s.leftOut(in)), nil)
}

// pages yields the pages of an export as documents, each with the id of the
// one above it, and the files that they show. The export is nil where none is
// at hand.
func (s *session) pages(in input, pages iter.Seq2[confluence.Page, error], x *exported) {
	if s.own {
		defer leaveRoom(exportRoom)()
	}
	var ids idList
	for p, err := range pages {
		if err != nil {
			if s.stopped() {
				return
			}
			s.fail(pageError(in, err))
			continue
		}
		p.Source.Name = path.Join(in.name, p.Source.Name)
		p.Source.Parent = ids.at(p.Parent)
		linkBelow(in.name, &p.Source)
		for ids.count < p.Number {
			ids.add("") // of a page that could not be read
		}
		id := s.emit(p.Source)
		ids.add(id)
		for _, a := range p.Attachments {
			if s.done {
				return
			}
			x.attachment(p.Source.Name, id, a)
		}
		if s.done {
			return
		}
	}
}

// pageKinds are the kinds of the errors of an export.
var pageKinds = []struct {
	err    error
	kind   Kind
	remedy string
}{
	{confluence.ErrUnsafe, KindUnsafe, "Nothing was fetched from outside; look at the file before you trust it"},
	{errBomb, KindUnsafe, "The rest of the export was not read"},
	{errBudget, KindUnsafe, "The rest of the export was not read"},
	{errMember, KindTooLarge, ""},
	{confluence.ErrTooLarge, KindTooLarge, "Split the page"},
	{confluence.ErrNoPages, KindNothing, "Export the space again, with its pages"},
	{confluence.ErrDamaged, KindDamaged, "What could be read was read; export the space again"},
	{fs.ErrNotExist, KindMissing, "Export the space again"},
	{io.ErrUnexpectedEOF, KindDamaged, "What could be read was read; export the space again"},
	{zip.ErrFormat, KindDamaged, "What could be read was read; export the space again"},
	{zip.ErrChecksum, KindDamaged, "What could be read was read; export the space again"},
}

func pageError(in input, err error) *Error {
	var page *confluence.PageError
	if errors.As(err, &page) {
		in.where = strings.TrimPrefix(in.where+": "+page.Name, ": ")
		err = page.Err
	}
	for _, k := range pageKinds {
		if errors.Is(err, k.err) {
			return in.error(k.kind, err, k.remedy)
		}
	}
	return in.error(KindUnreadable, err, "")
}

// zipSource is an export in a zip file.
type zipSource struct {
	s  *session
	zr *zip.Reader
	// files are the members by name; made when first needed.
	files map[string]*zip.File
}

func (z *zipSource) names(dir string) []string {
	var names []string
	for _, f := range z.zr.File {
		if path.Dir(f.Name) == dir && !f.FileInfo().IsDir() {
			names = append(names, path.Base(f.Name))
		}
	}
	return names
}

func (z *zipSource) find(name string) (*zip.File, error) {
	if z.files == nil {
		z.files = map[string]*zip.File{}
		for _, f := range z.zr.File {
			z.files[f.Name] = f
		}
	}
	if f := z.files[name]; f != nil {
		return f, nil
	}
	return nil, fs.ErrNotExist
}

func (z *zipSource) whole(name string) ([]byte, error) {
	f, err := z.find(name)
	if err != nil {
		return nil, err
	}
	r, err := f.Open()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return z.s.expand(r, int64(f.CompressedSize64))
}

func (z *zipSource) stream(name string) (io.ReadCloser, error) {
	f, err := z.find(name)
	if err != nil {
		return nil, err
	}
	r, err := f.Open()
	if err != nil {
		return nil, err
	}
	limited := &ratioReader{r: r, left: max(ratioFrom, int64(f.CompressedSize64)*z.s.limit.Ratio)}
	return &budgetReader{z.s, limited, r}, nil
}

// budgetReader counts what comes out of an archive against the limit.
type budgetReader struct {
	s *session
	io.Reader
	io.Closer
}

// Read implements io.Reader.
func (b *budgetReader) Read(p []byte) (int, error) {
	n, err := b.Reader.Read(p)
	b.s.expanded += int64(n)
	if b.s.expanded > b.s.limit.Expanded {
		return n, errBudget
	}
	return n, err
}

// folderSource is an export in a folder.
type folderSource struct {
	s    *session
	fsys fs.FS
}

func (f *folderSource) names(dir string) []string {
	entries, err := fs.ReadDir(f.fsys, dir)
	if err != nil {
		return nil // the pages that the index lists are read all the same
	}
	var names []string
	for _, e := range entries {
		if e.Type().IsRegular() {
			names = append(names, e.Name())
		}
	}
	return names
}

func (f *folderSource) whole(name string) ([]byte, error) {
	r, err := f.fsys.Open(name)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	data, err := io.ReadAll(io.LimitReader(r, f.s.limit.TextBytes+1))
	if int64(len(data)) > f.s.limit.TextBytes {
		return nil, errMember
	}
	return data, err
}

func (f *folderSource) stream(name string) (io.ReadCloser, error) { return f.fsys.Open(name) }
