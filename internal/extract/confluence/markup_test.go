package confluence

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/html"
	"pgregory.net/rapid"
)

// lexed are the tokens of a page, in words: by what the lexer reads itself, or
// all by package html. It tells how many of them the lexer left to that.
func lexed(page string, itself bool) (tokens []string, left int) {
	l := lexer{src: page, intern: func(b []byte) string { return string(b) }}
	if !itself {
		l.z = html.NewTokenizer(strings.NewReader(page))
		l.z.AllowCDATA(true)
	}
	for {
		kind := l.next()
		if l.z != nil {
			left++
		}
		switch kind {
		case html.ErrorToken:
			return tokens, left
		case html.TextToken:
			tokens = append(tokens, "text "+l.text)
		case html.StartTagToken:
			t := "start " + l.name
			for _, a := range l.attrs {
				t += " " + a.Key + "=" + a.Val
			}
			if l.closed {
				t += " /"
			}
			tokens = append(tokens, t)
		case html.EndTagToken:
			tokens = append(tokens, "end "+l.name)
		}
	}
}

func sameTokens(t interface{ Fatalf(string, ...any) }, page string) {
	want, _ := lexed(page, false)
	got, _ := lexed(page, true)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatalf("%q (-package html +lexer)\n%s", page, diff)
	}
}

// pieces of markup, as exports have it and as they do not.
var pieces = []string{
	"<p>", "</p>", "<br/>", "<br />", "<td colspan=\"2\">", "</td >", "<a href='x'>", "<ac:parameter ac:name=\"language\">", "</ac:parameter>",
	"<ri:page ri:content-title=\"A &amp; B\" />", "<![CDATA[", "]]>", "]]]>", "<!--", "-->", "--!>", "<!-->", "<!--->", "<?xml?>", "<!DOCTYPE html>",
	"<title>", "</title>", "<script>", "</script>", "<textarea/>", "<input disabled>", "<a b=c>", "<a b = \"c\">", "<a b=\"1\" b=\"2\">", "<a b=\"1\"c='2'>",
	"<P>", "<a B=\"c\">", "<a/b>", "<a / >", "<a b=\"x\ry\">", "<a b=\"&notit;&para\">", "</1>", "</>", "<1>", "<", ">", "/", "=", "\"", "'",
	"&amp;", "&lt", "&notit;", "&#x41;", "&#13;", "&", "\r\n", "\r", "\n", "\x00", "\xff", "é", "text", " ", "&nbsp;",
}

func TestTheLexerReadsWhatPackageHTMLReads(t *testing.T) {
	piece := rapid.OneOf(rapid.SampledFrom(pieces), rapid.StringN(0, 4, -1))
	rapid.Check(t, func(t *rapid.T) {
		sameTokens(t, strings.Join(rapid.SliceOfN(piece, 0, 20).Draw(t, "pieces"), ""))
	})
	for _, a := range pieces {
		for _, b := range pieces {
			sameTokens(t, a+b)
			sameTokens(t, "<p>"+a+b+"</p>")
		}
	}
}

func TestWhatExportsAreMadeOfTheLexerReadsItself(t *testing.T) {
	for _, page := range []string{
		`<p>The <strong>gateway</strong> calls&nbsp;<ac:link><ri:page ri:content-title="A &amp; B" /></ac:link> &lt; 5 ms.</p><hr/>`,
		`<ac:structured-macro ac:name="code" ac:schema-version="1"><ac:plain-text-body><![CDATA[a < b]]></ac:plain-text-body></ac:structured-macro>`,
		"<table class='wrapped'><tbody>\r\n<tr><th colspan=\"2\">x</th></tr></tbody></table><!-- a remark -->",
	} {
		if _, left := lexed(page, true); left > 0 {
			t.Errorf("%s: %d tokens were left to package html", page, left)
		}
	}
}

// FuzzLexer looks for a page that is read otherwise than package html does.
func FuzzLexer(f *testing.F) {
	f.Add(strings.Join(pieces, ""))
	for _, p := range pieces {
		f.Add("<p>" + p + "</p>" + p)
	}
	f.Fuzz(func(t *testing.T, page string) { sameTokens(t, page) })
}
