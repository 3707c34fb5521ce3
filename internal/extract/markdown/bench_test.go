package markdown

import (
	"strings"
	"testing"

	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

// Documents that ask for much: each must take time in proportion to its length.
func BenchmarkRead(b *testing.B) {
	const size = 1 << 20
	fill := func(s string) string { return strings.Repeat(s, size/len(s)) }
	for name, text := range map[string]string{
		"prose":               fill("The *gateway* checks each [token](x.md) with `verify`.\n\n"),
		"comments":            fill("{/*\n\n"),
		"comments that fail":  fill("{/*\n\n") + "*/} }\n",
		"components":          fill("<Ab>\n\n"),
		"components that end": fill("<Ab>\n\n</Ab>\n\n"),
		"quotes in tags":      fill("<A \"\n\n"),
		"names":               fill("a <Tenant> b\n\n"),
		"tables of HTML":      fill("<table>\n\n"),
		"braces":              fill("{a=b "),
		"brackets":            fill("[[a|b"),
		"terms":               fill("a\n:   b\n\n"),
		"boxes":               fill(":::note\n"),
		"tabs":                fill("=== \"a\"\n    b\n"),
		"directives":          fill("```{note}\n"),
		"tags":                fill("{{< a title=\"b\" >}} "),
	} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(text)))
			for b.Loop() {
				Read(threatmodel.Document{}, text, Options{})
			}
		})
	}
}
