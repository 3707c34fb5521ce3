package language

import (
	"strings"
	"testing"

	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

func BenchmarkOf(b *testing.B) {
	for name, sentence := range map[string]string{
		"english": "The gateway checks each token before it forwards the request to the payment service. ",
		"german":  "Das Gateway prüft jedes Token, bevor es die Anfrage an den Zahlungsdienst weiterleitet. ",
	} {
		var blocks []threatmodel.Block
		for range 100 {
			blocks = append(blocks, threatmodel.Block{Text: strings.Repeat(sentence, 3)})
		}
		doc := document(blocks...)
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				Of(doc)
			}
		})
	}
}
