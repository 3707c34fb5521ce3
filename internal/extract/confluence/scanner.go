package confluence

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"golang.org/x/net/html"
)

// tokenKind is the kind of a token.
type tokenKind int

const (
	tokenStart tokenKind = iota
	tokenEnd
	tokenText
)

// token is a piece of an XML document.
type token struct {
	kind tokenKind
	// name is that of the element.
	name string
	// attrs are the attributes of a start tag, as they stand there.
	attrs string
	// closed is true for a start tag that is its own end.
	closed bool
	// text is a piece of text. It is good until the next token is asked for.
	text []byte
}

// scanner reads XML in constant memory. It hands text out in pieces, so that
// neither a long body nor a hostile one is ever held whole, which a decoder
// that returns whole tokens cannot promise. It declares no entities and follows
// no reference to anything outside.
type scanner struct {
	r io.Reader
	// buf[pos:end] was read and not used yet.
	buf      []byte
	pos, end int
	err      error
	inCDATA  bool
	// tags are those that were met: an export repeats a few of them.
	tags map[string]token
	// depth counts open elements.
	depth int
}

const (
	windowSize = 256 << 10
	// maxTag is the length of the longest tag or comment delimiter looked for
	// in one piece, in bytes.
	maxTag = 64 << 10
	// maxEntity is the length of the longest entity.
	maxEntity = 40
)

var (
	errDoctype = fmt.Errorf("%w: the XML declares a document type with entities of its own, as no export does", ErrUnsafe)
	errCut     = fmt.Errorf("%w: the XML is cut short", ErrDamaged)
)

func newScanner(r io.Reader) *scanner {
	return &scanner{r: r, buf: make([]byte, windowSize)}
}

// fill reads more. It reports false where nothing more comes.
func (s *scanner) fill() bool {
	if s.err != nil {
		return false
	}
	if s.pos > 0 {
		copy(s.buf, s.buf[s.pos:s.end])
		s.end -= s.pos
		s.pos = 0
	}
	if s.end == len(s.buf) {
		return false
	}
	for range 100 {
		n, err := s.r.Read(s.buf[s.end:])
		s.end += n
		if err != nil {
			s.err = err
			return n > 0
		}
		if n > 0 {
			return true
		}
	}
	s.err = io.ErrNoProgress
	return false
}

// need makes n bytes available, if there are so many.
func (s *scanner) need(n int) bool {
	for s.end-s.pos < n {
		if !s.fill() {
			return false
		}
	}
	return true
}

// next is the next token; io.EOF at the end of a document that is whole.
func (s *scanner) next() (token, error) {
	for {
		if s.inCDATA {
			if t, ok, err := s.cdata(); ok || err != nil {
				return t, err
			}
			continue
		}
		if !s.need(1) {
			return token{}, s.atEnd()
		}
		if s.buf[s.pos] != '<' {
			return s.plain()
		}
		t, ok, err := s.markup()
		if ok || err != nil {
			return t, err
		}
	}
}

// atEnd is the error at the end of the input.
func (s *scanner) atEnd() error {
	switch {
	case s.err != nil && !errors.Is(s.err, io.EOF):
		return s.err
	case s.depth > 0 || s.inCDATA:
		return errCut
	}
	return io.EOF
}

// plain is text up to the next tag, or what is at hand of it.
func (s *scanner) plain() (token, error) {
	window := s.buf[s.pos:s.end]
	n := bytes.IndexByte(window, '<')
	if n < 0 {
		n = len(window)
		if i := bytes.LastIndexByte(window, '&'); i >= 0 && n-i < maxEntity && bytes.IndexByte(window[i:], ';') < 0 && s.fill() {
			return s.plain()
		}
	}
	text := s.buf[s.pos : s.pos+n]
	s.pos += n
	if bytes.IndexByte(text, '&') >= 0 {
		text = []byte(html.UnescapeString(string(text)))
	}
	return token{kind: tokenText, text: text}, nil
}

var (
	cdataStart   = []byte("<![CDATA[")
	cdataEnd     = []byte("]]>")
	commentStart = []byte("<!--")
)

// cdata is a piece of a CDATA section. It reports false where the section has
// ended.
func (s *scanner) cdata() (token, bool, error) {
	if !s.need(len(cdataEnd)) {
		return token{}, false, s.cutIn()
	}
	window := s.buf[s.pos:s.end]
	n := bytes.Index(window, cdataEnd)
	if n == 0 {
		s.inCDATA = false
		s.pos += len(cdataEnd)
		return token{}, false, nil
	}
	if n < 0 {
		n = len(window) - len(cdataEnd) + 1
	}
	s.pos += n
	return token{kind: tokenText, text: window[:n]}, true, nil
}

// cutIn is the error of an input that ends inside a construct.
func (s *scanner) cutIn() error {
	if s.err != nil && !errors.Is(s.err, io.EOF) {
		return s.err
	}
	return errCut
}

// markup reads what begins with "<". It reports false for what is no token.
func (s *scanner) markup() (token, bool, error) {
	s.need(len(cdataStart))
	window := s.buf[s.pos:s.end]
	switch {
	case bytes.HasPrefix(window, cdataStart):
		s.pos += len(cdataStart)
		s.inCDATA = true
		return token{}, false, nil
	case bytes.HasPrefix(window, commentStart):
		return token{}, false, s.skip(len(commentStart), "-->")
	case bytes.HasPrefix(window, []byte("<?")):
		return token{}, false, s.skip(2, "?>")
	case bytes.HasPrefix(window, []byte("<!")):
		return token{}, false, s.doctype()
	}
	return s.tag()
}

// skip passes over everything up to the given end.
func (s *scanner) skip(start int, end string) error {
	s.pos += start
	for {
		if !s.need(len(end)) {
			return s.cutIn()
		}
		window := s.buf[s.pos:s.end]
		if i := bytes.Index(window, []byte(end)); i >= 0 {
			s.pos += i + len(end)
			return nil
		}
		s.pos += len(window) - len(end) + 1
	}
}

// doctype passes over a document type that only names one. It is never
// fetched.
func (s *scanner) doctype() error {
	n, err := s.upTo('>')
	if err != nil {
		return err
	}
	if bytes.IndexByte(s.buf[s.pos:s.pos+n], '[') >= 0 {
		return errDoctype
	}
	s.pos += n + 1
	return nil
}

// upTo is the distance to the next byte of the given kind outside of quotes.
func (s *scanner) upTo(c byte) (int, error) {
	quote := byte(0)
	for n := 0; s.need(n + 1); {
		for window := s.buf[s.pos:s.end]; n < len(window); n++ {
			switch b := window[n]; {
			case n > maxTag:
				return 0, fmt.Errorf("%w: a tag of the XML is longer than %d bytes", ErrDamaged, maxTag)
			case quote != 0:
				if b == quote {
					quote = 0
				}
			case b == '"' || b == '\'':
				quote = b
			case b == c:
				return n, nil
			}
		}
	}
	return 0, s.cutIn()
}

// maxDepth is how deep the elements of entities.xml may nest.
const maxDepth = 64

func (s *scanner) tag() (token, bool, error) {
	n, err := s.upTo('>')
	if err != nil {
		return token{}, false, err
	}
	t, known := s.tags[string(s.buf[s.pos+1:s.pos+n])]
	if !known {
		body := string(s.buf[s.pos+1 : s.pos+n])
		if t, err = newTag(body); err != nil {
			return token{}, false, err
		}
		s.remember(body, t)
	}
	s.pos += n + 1
	switch {
	case t.kind == tokenEnd:
		s.depth--
	case !t.closed:
		s.depth++
	}
	switch {
	case s.depth < 0:
		return token{}, false, fmt.Errorf("%w: the XML closes an element that is not open", ErrDamaged)
	case s.depth > maxDepth:
		return token{}, false, fmt.Errorf("%w: the elements of the XML nest more than %d deep, as in no export", ErrUnsafe, maxDepth)
	}
	return t, true, nil
}

// newTag is a tag by what stands between its angle brackets.
func newTag(body string) (token, error) {
	if name, ok := strings.CutPrefix(body, "/"); ok {
		return token{kind: tokenEnd, name: strings.TrimSpace(name)}, nil
	}
	t := token{kind: tokenStart}
	body, t.closed = strings.CutSuffix(body, "/")
	t.name, t.attrs, _ = strings.Cut(strings.TrimRight(body, " \t\r\n"), " ")
	if i := strings.IndexAny(t.name, "\t\r\n"); i >= 0 {
		t.name, t.attrs = t.name[:i], t.name[i:]+" "+t.attrs
	}
	if t.name == "" {
		return token{}, fmt.Errorf("%w: the XML has a tag without a name", ErrDamaged)
	}
	return t, nil
}

// remember keeps a tag, as long as there are few and short ones.
func (s *scanner) remember(body string, t token) {
	const mostTags, longest = 500, 200
	if len(s.tags) >= mostTags || len(body) > longest {
		return
	}
	if s.tags == nil {
		s.tags = map[string]token{}
	}
	s.tags[body] = t
}

// attr is the value of an attribute; empty where there is none.
func (t *token) attr(name string) string {
	rest := t.attrs
	for {
		key, after, ok := strings.Cut(rest, "=")
		if !ok {
			return ""
		}
		after = strings.TrimLeft(after, " \t\r\n")
		if after == "" {
			return ""
		}
		value, left, ok := strings.Cut(after[1:], after[:1])
		if !ok {
			return ""
		}
		if strings.TrimSpace(key) == name {
			return html.UnescapeString(value)
		}
		rest = left
	}
}
