package office

import (
	"archive/zip"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"
)

// errRatio ends the reading of a part that expands without end.
var errRatio = fmt.Errorf("%w: it expands to many times its size", ErrUnsafe)

// ratioFrom is the size from which the ratio of a part counts, in bytes.
const ratioFrom = 1 << 20

// parts are the members of the zip file that make up a document.
type parts struct {
	opt   Options
	files map[string]*zip.File
	// left is how many bytes may still come out of the file.
	left int64
	// main is the name of the part with the text, rels are its relations.
	main      string
	rels      map[string]relation
	order     []string
	mediaType string
	macros    bool
	core      string
	// cut reports that elements of a part lay too deep.
	cut bool
}

// relation leads from one part to another, or out of the document.
type relation struct {
	kind, target string
	external     bool
}

func newParts(zr *zip.Reader, opt Options) *parts {
	p := &parts{opt: opt, files: map[string]*zip.File{}, left: opt.MaxBytes}
	for _, f := range zr.File {
		name := strings.ToLower(strings.TrimPrefix(strings.ReplaceAll(f.Name, `\`, "/"), "/"))
		if _, twice := p.files[name]; !twice {
			p.files[name] = f
		}
		p.macros = p.macros || path.Base(name) == "vbaproject.bin"
	}
	return p
}

// Types of the main part.
var mainTypes = map[string]string{
	"application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
	"application/vnd.openxmlformats-officedocument.wordprocessingml.template.main+xml": "application/vnd.openxmlformats-officedocument.wordprocessingml.template",
	"application/vnd.ms-word.document.macroenabled.main+xml":                           "application/vnd.ms-word.document.macroEnabled.12",
	"application/vnd.ms-word.template.macroenabledtemplate.main+xml":                   "application/vnd.ms-word.template.macroEnabled.12",
}

// open finds the main part and what it relates to.
func (p *parts) open() error {
	p.main = "word/document.xml"
	top, _, err := p.relations("")
	if err != nil {
		return err
	}
	for _, r := range top {
		switch path.Base(r.kind) {
		case "officeDocument":
			if p.has(r.target) {
				p.main = r.target
			}
		case "core-properties":
			p.core = r.target
		}
	}
	if !p.has(p.main) {
		return fmt.Errorf("%w: it has no text part", ErrDamaged)
	}
	if p.rels, p.order, err = p.relations(p.main); err != nil {
		return err
	}
	return p.types()
}

func (p *parts) has(name string) bool {
	_, ok := p.files[strings.ToLower(name)]
	return ok
}

// types finds the type of the main part.
func (p *parts) types() error {
	p.mediaType = mainTypes["application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"]
	root, err := p.tree("[Content_Types].xml")
	if err != nil {
		return err
	}
	root.each("ct:Override", func(n *node) {
		t, ok := mainTypes[strings.ToLower(n.attr("ContentType"))]
		if ok && strings.EqualFold(strings.TrimPrefix(n.attr("PartName"), "/"), p.main) {
			p.mediaType = t
		}
	})
	return nil
}

// relations reads where a part leads, by id and in the order of the file.
func (p *parts) relations(part string) (map[string]relation, []string, error) {
	rels := map[string]relation{}
	var order []string
	root, err := p.tree(path.Join(path.Dir(part), "_rels", path.Base(part)+".rels"))
	if part == "" {
		root, err = p.tree("_rels/.rels")
	}
	if err != nil {
		return nil, nil, err
	}
	root.each("rel:Relationship", func(n *node) {
		r := relation{kind: n.attr("Type"), target: n.attr("Target"), external: n.attr("TargetMode") == "External"}
		if !r.external {
			if strings.HasPrefix(r.target, "/") {
				r.target = strings.TrimPrefix(path.Clean(r.target), "/")
			} else {
				r.target = path.Join(path.Dir(part), r.target)
			}
		}
		if _, twice := rels[n.attr("Id")]; !twice {
			order = append(order, n.attr("Id"))
		}
		rels[n.attr("Id")] = r
	})
	return rels, order, nil
}

// related are the parts of a kind that the main part leads to, each once.
func (p *parts) related(kind string) []string {
	var names []string
	seen := map[string]bool{}
	for _, id := range p.order {
		r := p.rels[id]
		if path.Base(r.kind) == kind && !r.external && !seen[r.target] && p.has(r.target) {
			seen[r.target] = true
			names = append(names, r.target)
		}
	}
	return names
}

// title is the title in the properties of the document, unless a program put
// it there.
func (p *parts) title() string {
	if p.core == "" {
		p.core = "docProps/core.xml"
	}
	root, err := p.tree(p.core)
	if err != nil {
		return "" // a title is not worth an error
	}
	t := strings.TrimSpace(root.child("dc:title").content())
	if strings.HasPrefix(t, "Microsoft Word - ") || strings.EqualFold(t, "Word Document") {
		return ""
	}
	return t
}

// tree reads a small part as a whole. A part that is not there is empty.
func (p *parts) tree(name string) (*node, error) {
	s, done, err := p.stream(name)
	if err != nil || s == nil {
		return &node{}, err
	}
	defer done()
	root := &node{}
	for {
		t, err := s.next()
		if errors.Is(err, io.EOF) {
			return root, nil
		}
		if err != nil {
			return root, err
		}
		if start, ok := t.(xml.StartElement); ok {
			if root, err = s.tree(start); err != nil {
				return root, err
			}
		}
	}
}

// stream opens a part; it is nil where there is none.
func (p *parts) stream(name string) (s *stream, done func(), err error) {
	f, ok := p.files[strings.ToLower(name)]
	if !ok {
		return nil, func() {}, nil
	}
	if f.Flags&1 != 0 {
		return nil, nil, fmt.Errorf("%w: the part %q is encrypted", ErrDamaged, name)
	}
	r, err := f.Open()
	if err != nil {
		return nil, nil, damaged("part "+name, err)
	}
	ratio := max(ratioFrom, int64(f.CompressedSize64)*p.opt.Ratio)
	text := decodeUTF16(&meter{p: p, r: r, ratio: ratio})
	s = newStream(name, text, p.opt.MaxDepth)
	return s, func() { p.cut = p.cut || s.cut; r.Close() }, nil
}

// meter counts what comes out of a part against the limits.
type meter struct {
	p     *parts
	r     io.Reader
	ratio int64
}

// Read implements io.Reader.
func (m *meter) Read(b []byte) (int, error) {
	n, err := m.r.Read(b)
	m.ratio -= int64(n)
	m.p.left -= int64(n)
	switch {
	case m.ratio < 0:
		return 0, errRatio
	case m.p.left < 0:
		return 0, ErrTooLarge
	}
	return n, err
}
