// Package visible makes text that others wrote safe to look at.
//
// What a design document holds is data wherever it is shown. Escape codes
// would steer a terminal, control characters hide text from it, and direction
// marks let a reader see another order of words than the one that was
// analysed. Nothing of that reaches a report; escaping for HTML or Markdown
// comes after, and is the report's own business.
package visible

import (
	"fmt"
	"reflect"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// escapes are the control sequences of terminals: CSI, the strings OSC, DCS,
// SOS, PM and APC with their terminators, and two-character escapes; each also
// in its one-character C1 form.
var escapes = regexp.MustCompile(`(?:\x1b\[|\x{9b})[0-?]*[ -/]*[@-~]?` +
	`|(?:\x1b[\]PX^_]|[\x{9d}\x{90}\x{98}\x{9e}\x{9f}])[^\x07\x1b\x{9c}]*(?:\x07|\x1b\\|\x{9c})?` +
	`|\x1b[ -/]*[0-~]?`)

// Text is s without escape codes and control characters, line breaks and tabs
// apart. Characters that change the order of others, or that hide text inside
// text, are shown by their number: ⟦U+202E⟧. Invalid UTF-8 becomes U+FFFD.
func Text(s string) string {
	if plain(s) {
		return s
	}
	s = strings.ToValidUTF8(s, "\uFFFD")
	s = strings.ReplaceAll(strings.ReplaceAll(s, "\r\n", "\n"), "\r", "\n")
	s = escapes.ReplaceAllString(s, "")
	var b strings.Builder
	for rest := s; rest != ""; {
		r, size := utf8.DecodeRuneInString(rest)
		if n := hidden(rest); n > 0 {
			fmt.Fprintf(&b, "⟦%d hidden characters⟧", utf8.RuneCountInString(rest[:n]))
			rest = rest[n:]
			continue
		}
		write(&b, r)
		rest = rest[size:]
	}
	return b.String()
}

// Line is Text in one line: white space is folded to single spaces.
func Line(s string) string { return strings.Join(strings.Fields(Text(s)), " ") }

// plain reports whether nothing is to be done, which is nearly always so.
func plain(s string) bool {
	for i := 0; i < len(s); i++ {
		if c := s[i]; c >= utf8.RuneSelf || c < ' ' && c != '\n' && c != '\t' || c == 0x7f {
			return false
		}
	}
	return true
}

// hidden is the length of the run of tag characters and variation selectors
// supplement at the start of s: invisible letters that carry whole sentences.
func hidden(s string) int {
	n := 0
	for _, r := range s {
		if r < 0xE0000 || r > 0xE0FFF {
			break
		}
		n += utf8.RuneLen(r)
	}
	return n
}

func write(b *strings.Builder, r rune) {
	switch {
	case r == '\n' || r == '\t':
		b.WriteRune(r)
	case r == '\u2028' || r == '\u2029' || r == '\u0085':
		b.WriteByte('\n')
	case unicode.Is(unicode.Bidi_Control, r):
		fmt.Fprintf(b, "⟦U+%04X⟧", r)
	case r == '\u200b' || r == '\u2060' || r == '\ufeff' || r == '\u00ad' || unicode.IsControl(r):
	case unicode.Is(unicode.Co, r) || unicode.Is(unicode.Noncharacter_Code_Point, r):
		b.WriteRune('\uFFFD')
	default:
		b.WriteRune(r)
	}
}

// Copy is a deep copy of v in which each string is made visible with Text.
// Byte slices and unexported fields are shared with v, not copied.
func Copy[T any](v T) T {
	out := reflect.New(reflect.TypeFor[T]()).Elem()
	fill(out, reflect.ValueOf(v))
	return out.Interface().(T)
}

func fill(dst, src reflect.Value) {
	switch src.Kind() {
	case reflect.String:
		dst.SetString(Text(src.String()))
	case reflect.Pointer:
		if !src.IsNil() {
			dst.Set(reflect.New(src.Type().Elem()))
			fill(dst.Elem(), src.Elem())
		}
	case reflect.Struct:
		dst.Set(src)
		for i := range src.NumField() {
			if dst.Field(i).CanSet() {
				dst.Field(i).SetZero()
				fill(dst.Field(i), src.Field(i))
			}
		}
	case reflect.Slice:
		fillSlice(dst, src)
	case reflect.Map:
		fillMap(dst, src)
	default:
		dst.Set(src)
	}
}

func fillSlice(dst, src reflect.Value) {
	if src.IsNil() || src.Type().Elem().Kind() == reflect.Uint8 {
		dst.Set(src)
		return
	}
	dst.Set(reflect.MakeSlice(src.Type(), src.Len(), src.Len()))
	for i := range src.Len() {
		fill(dst.Index(i), src.Index(i))
	}
}

func fillMap(dst, src reflect.Value) {
	if src.IsNil() {
		return
	}
	dst.Set(reflect.MakeMapWithSize(src.Type(), src.Len()))
	for it := src.MapRange(); it.Next(); {
		k, v := reflect.New(src.Type().Key()).Elem(), reflect.New(src.Type().Elem()).Elem()
		fill(k, it.Key())
		fill(v, it.Value())
		dst.SetMapIndex(k, v)
	}
}
