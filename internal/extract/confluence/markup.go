package confluence

import (
	"bytes"
	"slices"
	"strings"

	"golang.org/x/net/html"
)

// lexer parts a page into the tokens that package html does. The markup that
// exports are made of it reads itself, in place; from the first thing on that
// is unusual, it leaves the page to that package, which takes several times as
// long.
type lexer struct {
	src string
	// pos is the place in src of the next token.
	pos int
	// z reads the rest of the page; nil up to what is unusual.
	z *html.Tokenizer
	// intern makes the names that z gives strings.
	intern func([]byte) string

	// What follows is of the last token, as far as it has it. The attributes
	// are good until the next.
	name   string
	attrs  []html.Attribute
	closed bool
	text   string
}

// next reads the next token; html.ErrorToken at the end. A tag that is its own
// end comes as html.StartTagToken, with closed set.
func (l *lexer) next() html.TokenType {
	if l.z == nil {
		if kind, ok := l.usual(); ok {
			return kind
		}
		l.z = html.NewTokenizer(strings.NewReader(l.src[l.pos:]))
		l.z.AllowCDATA(true)
	}
	return l.unusual()
}

// unusual reads the next token as package html does.
func (l *lexer) unusual() html.TokenType {
	kind := l.z.Next()
	switch kind {
	case html.TextToken:
		if section, ok := bytes.CutPrefix(l.z.Raw(), cdataStart); ok {
			l.text = string(bytes.TrimSuffix(section, cdataEnd)) // no entities in it
		} else {
			l.text = string(l.z.Text())
		}
	case html.StartTagToken, html.SelfClosingTagToken:
		name, more := l.z.TagName()
		l.name, l.attrs = l.intern(name), l.attrs[:0]
		for more {
			var key, value []byte
			key, value, more = l.z.TagAttr()
			l.attrs = append(l.attrs, html.Attribute{Key: l.intern(key), Val: string(value)})
		}
		if l.closed = kind == html.SelfClosingTagToken; l.closed {
			l.z.NextIsNotRawText()
		}
		return html.StartTagToken
	case html.EndTagToken:
		name, _ := l.z.TagName()
		l.name = l.intern(name)
	}
	return kind
}

// usual reads the next token. It reports false for what is unusual, and leaves
// the position where it was.
func (l *lexer) usual() (html.TokenType, bool) {
	rest := l.src[l.pos:]
	switch {
	case rest == "":
		return html.ErrorToken, true
	case !opensMarkup(rest):
		return html.TextToken, l.textAt(rest)
	case rest[1] == '/':
		return html.EndTagToken, l.endAt(rest)
	case rest[1] == '!':
		return l.declarationAt(rest)
	case rest[1] == '?':
		return 0, false
	}
	return html.StartTagToken, l.startAt(rest)
}

// opensMarkup reports whether a text begins with what is no text.
func opensMarkup(s string) bool {
	return len(s) > 1 && s[0] == '<' && (s[1]|0x20 >= 'a' && s[1]|0x20 <= 'z' || s[1] == '/' || s[1] == '!' || s[1] == '?')
}

// textAt reads text up to the next markup. There is nothing unusual about it.
func (l *lexer) textAt(rest string) bool {
	end := 0
	for {
		i := strings.IndexByte(rest[end:], '<')
		if i < 0 {
			end = len(rest)
			break
		}
		if end += i; opensMarkup(rest[end:]) {
			break
		}
		end++
	}
	l.pos += end
	l.text = rest[:end]
	if strings.IndexByte(l.text, '\r') >= 0 {
		l.text = strings.ReplaceAll(strings.ReplaceAll(l.text, "\r\n", "\n"), "\r", "\n")
	}
	if strings.IndexByte(l.text, '&') >= 0 {
		l.text = html.UnescapeString(l.text)
	}
	return true
}

// declarationAt reads a CDATA section or a comment.
func (l *lexer) declarationAt(rest string) (html.TokenType, bool) {
	if section, ok := strings.CutPrefix(rest, "<![CDATA["); ok {
		n := strings.Index(section, "]]>")
		if n < 0 {
			return 0, false
		}
		l.text = section[:n]
		l.pos += len("<![CDATA[") + n + len("]]>")
		return html.TextToken, true
	}
	comment, ok := strings.CutPrefix(rest, "<!--")
	n := strings.Index(comment, "-->")
	if !ok || n < 0 || strings.HasPrefix(comment, ">") || strings.HasPrefix(comment, "->") || strings.Contains(comment[:n], "--!") {
		return 0, false
	}
	l.pos += len("<!--") + n + len("-->")
	return html.CommentToken, true
}

// endAt reads an end tag.
func (l *lexer) endAt(rest string) bool {
	n := nameEnd(rest, 2)
	if n == 2 || rest[2] < 'a' || rest[2] > 'z' {
		return false
	}
	end := n
	for end < len(rest) && isMarkupSpace(rest[end]) {
		end++
	}
	if end >= len(rest) || rest[end] != '>' {
		return false
	}
	l.name = rest[2:n]
	l.pos += end + 1
	return true
}

// startAt reads a start tag with its attributes.
func (l *lexer) startAt(rest string) bool {
	n := nameEnd(rest, 1)
	if n == 1 || n >= len(rest) || rawElements[rest[1:n]] {
		return false
	}
	l.name, l.attrs, l.closed = rest[1:n], l.attrs[:0], false
	for {
		for n < len(rest) && isMarkupSpace(rest[n]) {
			n++
		}
		switch {
		case n >= len(rest):
			return false
		case rest[n] == '>':
			l.pos += n + 1
			return true
		case strings.HasPrefix(rest[n:], "/>"):
			l.closed = true
			l.pos += n + 2
			return true
		}
		if n = l.attrAt(rest, n); n == 0 {
			return false
		}
	}
}

// attrAt reads an attribute with its value in quotes. It returns where it ends;
// 0 for one that is unusual.
func (l *lexer) attrAt(rest string, start int) int {
	n := nameEnd(rest, start)
	if n == start || n+1 >= len(rest) || rest[n] != '=' || rest[n+1] != '"' && rest[n+1] != '\'' {
		return 0
	}
	key, value := rest[start:n], rest[n+2:]
	size := strings.IndexByte(value, rest[n+1])
	if size < 0 || slices.ContainsFunc(l.attrs, func(a html.Attribute) bool { return a.Key == key }) {
		return 0
	}
	value = value[:size]
	if strings.IndexByte(value, '&') >= 0 {
		if !plainEntities(value) {
			return 0
		}
		value = html.UnescapeString(value)
	}
	if strings.IndexByte(value, '\r') >= 0 || strings.IndexByte(value, 0) >= 0 {
		return 0
	}
	l.attrs = append(l.attrs, html.Attribute{Key: key, Val: value})
	return n + 2 + size + 1
}

// plainEntities reports whether all entities of a value are of the kinds that
// mean the same in a value and in text.
func plainEntities(value string) bool {
	for {
		_, after, ok := strings.Cut(value, "&")
		if !ok {
			return true
		}
		if !slices.ContainsFunc(commonEntities, func(e string) bool { return strings.HasPrefix(after, e) }) {
			return false
		}
		value = after
	}
}

var commonEntities = []string{"amp;", "lt;", "gt;", "quot;", "apos;", "nbsp;"}

// nameEnd is where a name ends that begins at the given place: at the first
// byte that those of exports do not have.
func nameEnd(s string, start int) int {
	n := start
	for n < len(s) && nameByte[s[n]] {
		n++
	}
	return n
}

var nameByte = func() (table [256]bool) {
	for _, c := range []byte("abcdefghijklmnopqrstuvwxyz0123456789-_:.") {
		table[c] = true
	}
	return table
}()

func isMarkupSpace(c byte) bool {
	return c == ' ' || c == '\n' || c == '\t' || c == '\r' || c == '\f'
}

// rawElements are those whose content is no markup.
var rawElements = set(`iframe noembed noframes noscript plaintext script style textarea title xmp`)
