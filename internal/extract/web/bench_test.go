package web

import (
	"strings"
	"testing"

	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

// Pages that ask for much: each must take time in proportion to its length.
func BenchmarkRead(b *testing.B) {
	for name, text := range map[string]string{
		"prose":    "<html><body><main>" + strings.Repeat("<p>The <b>gateway</b> checks each <a href=x.html>token</a>.</p>\n", 15_000),
		"contents": "<html><body>" + strings.Repeat("<article><p>x</p></article>", 37_000),
		"tables":   "<html><body><table>" + strings.Repeat("<tr><td colspan=100 rowspan=1000>x<td>y", 25_000),
		"nested":   "<html><body>" + strings.Repeat("<div><span><ul><li>", 52_000),
		"unclosed": "<html><body>" + strings.Repeat("<b><p>x", 140_000),
	} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(text)))
			for b.Loop() {
				if _, err := Read(threatmodel.Document{}, text, Options{}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
