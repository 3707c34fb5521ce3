package secret

import (
	"encoding/base64"
	"regexp"
	"strings"
	"unicode/utf8"
)

// format is a form of credentials, as formats.yaml has it.
type format struct {
	ID      string   `yaml:"id"`
	Name    string   `yaml:"name"`
	Anchors []string `yaml:"anchors"`
	Pattern string   `yaml:"pattern"`
	Before  string   `yaml:"before"`
	Inside  bool     `yaml:"inside"`
	Check   string   `yaml:"check"`

	pattern, before *regexp.Regexp
	check           func(*rules, string) bool
}

// checks are what may be asked of a match beyond its pattern.
func checks() map[string]func(*rules, string) bool {
	return map[string]func(*rules, string) bool{
		"":       func(_ *rules, s string) bool { return varied(s) },
		"varied": func(_ *rules, s string) bool { return varied(s) },
		"mixed":  func(_ *rules, s string) bool { return varied(s) && mixed(s) },
		"basic":  func(_ *rules, s string) bool { return isBasic(s) },
		"opaque": (*rules).opaque,
		"url":    func(r *rules, s string) bool { return !r.placeholder(s) },
	}
}

// formatsIn finds the credentials that a format knows, where its anchors stand.
func (r *rules) formatsIn(text string, at []hit) []Finding {
	var found []Finding
	each(at, func(at int, x *anchor) int {
		f := &r.formats[x.owner]
		span, ok := f.at(text, at)
		value := text[span.Start:span.End]
		if span.Start == at {
			value = strings.TrimPrefix(value, x.text)
		}
		if !ok || !f.check(r, value) {
			if span.End-at > longRun {
				return span.End
			}
			return 0
		}
		found = append(found, Finding{Kind: f.ID, Name: f.Name, Start: span.Start, Spans: []Span{span}})
		return span.End
	})
	return found
}

const (
	// reach is how far before its anchor a format may begin.
	reach = 16
	// longest is how long a match may be, and longRun how long one is that is
	// no credential and not looked into again: a text made of anchors costs no
	// more than others.
	longest = 8 << 10
	longRun = 512
)

// at matches a format whose anchor stands at a place. The span is that of what
// matches, also where it is refused.
func (f *format) at(text string, at int) (Span, bool) {
	start := at
	if f.before != nil {
		from := max(0, at-reach)
		m := f.before.FindStringIndex(text[from:at])
		if m == nil {
			return Span{}, false
		}
		start = from + m[0]
	}
	if !f.Inside && within(text, start) {
		return Span{}, false
	}
	m := f.pattern.FindStringSubmatchIndex(text[at:min(len(text), at+longest)])
	if m == nil {
		return Span{}, false
	}
	secret, end := Span{start, at + m[1]}, at+m[1]
	if len(m) > 2 {
		secret = Span{at + m[2], at + m[3]}
	}
	if secret.End == end {
		secret.End = start + len(strings.TrimRight(text[start:end], ".")) // that of the sentence
		end = secret.End
	}
	if f.Check != "url" && end < len(text) && isWord(text[end]) && text[end] < 0x80 && isWord(text[end-1]) {
		return secret, false
	}
	return secret, secret.Start < secret.End
}

// varied reports whether a string has at least six different bytes, none of
// which makes up more than half of it.
func varied(s string) bool {
	var count [256]int
	different, most := 0, 0
	for i := range len(s) {
		if count[s[i]]++; count[s[i]] == 1 {
			different++
		}
		most = max(most, count[s[i]])
	}
	return different >= 6 && most <= len(s)/2
}

func mixed(s string) bool {
	return strings.ContainsFunc(s, func(r rune) bool { return r < 0x80 && isDigit(byte(r)) }) &&
		strings.ContainsFunc(s, func(r rune) bool { return r < 0x80 && isLetter(byte(r)) })
}

// isBasic reports whether a string is the Base64 of a name, a colon and a
// password.
func isBasic(s string) bool {
	raw, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(s, "="))
	if err != nil || !utf8.Valid(raw) {
		return false
	}
	name, password, ok := strings.Cut(string(raw), ":")
	printable := !strings.ContainsFunc(string(raw), func(r rune) bool { return r < 0x20 || r == 0x7f })
	return ok && printable && name+password != ""
}
