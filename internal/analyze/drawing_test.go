package analyze

import (
	"fmt"
	"testing"

	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

func TestOnlyLinesThatTouchTheSubjectAreShown(t *testing.T) {
	drawing := threatmodel.Passage{ID: "d", Kind: threatmodel.BlockDiagram}
	for i := range 20 {
		text := fmt.Sprintf("part%d --> part%d", i, i+1)
		if i == 7 {
			text = "gw[Order Gateway]"
		}
		drawing.Sentences = append(drawing.Sentences, threatmodel.Sentence{Text: text, Spans: []threatmodel.Span{{Text: text}}})
	}
	prose := threatmodel.Passage{ID: "p", Kind: threatmodel.BlockParagraph, Sentences: drawing.Sentences}
	evidence := []threatmodel.Evidence{{Passage: "d", Quote: "part3 --> part4"}, {Passage: "p", Quote: "part5 --> part6"}}
	got := linesOf([]threatmodel.Passage{drawing, prose}, evidence, []string{"Order Gateway"})
	if len(got) != 2 || len(got[1].Sentences) != 20 {
		t.Fatalf("prose is cut: %+v", got)
	}
	if s := got[0].Sentences; len(s) != 2 || s[0].Text != "part3 --> part4" || s[1].Text != "gw[Order Gateway]" {
		t.Errorf("of the drawing %+v stay", s)
	}
	if len(drawing.Sentences) != 20 {
		t.Error("the passage itself was changed")
	}
	if got := linesOf([]threatmodel.Passage{drawing}, nil, []string{"Ledger"}); len(got) != 0 {
		t.Errorf("a drawing that says nothing of the subject stays: %+v", got)
	}
}
