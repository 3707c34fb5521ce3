package extract

import (
	"bytes"
	"errors"
	"io/fs"
	"path"
	"slices"
	"strconv"

	"github.com/bartizan-security/bartizan/internal/extract/confluence"
)

// exported is an export whose pages are being read.
type exported struct {
	s   *session
	in  input
	dir string
	src exportSource
}

// whole reads a file of the export. A version of an attachment that is not
// there is the newest that is.
func (x *exported) whole(name string) ([]byte, error) {
	name = path.Join(x.dir, name)
	data, err := x.src.whole(name)
	if !errors.Is(err, fs.ErrNotExist) {
		return data, err
	}
	versions := x.src.names(path.Dir(name))
	if len(versions) == 0 {
		return nil, err
	}
	newest := slices.MaxFunc(versions, func(a, b string) int {
		m, _ := strconv.Atoi(a)
		n, _ := strconv.Atoi(b)
		return m - n
	})
	if _, numbered := strconv.Atoi(newest); numbered != nil {
		return nil, err
	}
	return x.src.whole(path.Join(path.Dir(name), newest))
}

// attachment reads a file that a page shows or links to, as a document below
// the page. What is no document is passed over.
func (x *exported) attachment(page, id string, a confluence.Attachment) {
	name := path.Base(a.Below(""))
	m := x.in.member(a.Below(page))
	m.name = a.Below(page)
	if reason := passOver(name, 0); reason != "" {
		x.s.opt.Summary.skip(m.display(), reason)
		return
	}
	data, err := x.whole(a.File)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		x.s.opt.Summary.skip(m.display(), "the attachment is not in the export")
		return
	case err != nil:
		x.s.fail(pageError(m, err))
		return
	case len(data) == 0:
		return
	}
	m.r, m.size = bytes.NewReader(data), int64(len(data))
	outer := x.s.yield
	x.s.yield = func(doc Document, err error) bool {
		if err == nil && doc.Parent == "" {
			doc.Parent = id
		}
		return outer(doc, err)
	}
	x.s.file(m)
	x.s.yield = outer
}
