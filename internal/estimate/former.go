package estimate

import (
	"encoding/json"
	"fmt"

	"github.com/bartizan-security/bartizan/internal/analyze"
	"github.com/bartizan-security/bartizan/internal/ground"
	"github.com/bartizan-security/bartizan/internal/passage"
	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

// former is a baseline's answer, with its repair, to a question of the same
// subject: citations follow their sentences to where these stand now. Facts are
// those of the baseline's brief. False where the unit holds no answer.
func former(u *threatmodel.Unit, q *analyze.Question, facts []threatmodel.Fact) (json.RawMessage, bool) {
	var kept struct {
		Answer map[string]any `json:"answer"`
		Repair map[string]any `json:"repair"`
	}
	if json.Unmarshal(u.Output, &kept) != nil || kept.Answer == nil {
		return nil, false
	}
	for key, value := range kept.Repair {
		first, ok := kept.Answer[key].([]any)
		second, also := value.([]any)
		if ok && also {
			kept.Answer[key] = append(first, second...)
		}
	}
	if q.Stage == threatmodel.StageBrief {
		rewordFacts(kept.Answer, facts, q.Passages)
	}
	recite(kept.Answer, q.Passages)
	raw, err := json.Marshal(kept.Answer)
	return raw, err == nil
}

// rewordFacts changes the words of brief facts whose sentence was edited or is
// gone, as a model would that is asked anew. Every later prompt holds the brief,
// so this is what makes a small edit dear.
func rewordFacts(answer map[string]any, before []threatmodel.Fact, shown []threatmodel.Passage) {
	lost := map[string]bool{}
	for _, f := range before {
		for _, e := range f.Evidence {
			lost[f.Name] = lost[f.Name] || !stands(e.Quote, shown)
		}
	}
	facts, _ := answer["facts"].([]any)
	for _, f := range facts {
		fact, _ := f.(map[string]any)
		name, _ := fact["fact"].(string)
		if value, ok := fact["value"].(string); ok && lost[name] {
			fact["value"] = value + " (in other words)"
		}
	}
}

// stands reports whether a quote is a sentence, or a piece of one, that is shown.
func stands(quote string, shown []threatmodel.Passage) bool {
	for i := range shown {
		for _, s := range shown[i].Sentences {
			for _, span := range s.Spans {
				if passage.Fold(span.Text) == passage.Fold(quote) {
					return true
				}
			}
		}
	}
	return false
}

// recite walks an answer and mends its citations in place.
func recite(v any, shown []threatmodel.Passage) {
	switch x := v.(type) {
	case []any:
		for _, item := range x {
			recite(item, shown)
		}
	case map[string]any:
		at, isAt := x["at"].(string)
		words, isWords := x["words"].(string)
		if isAt && isWords {
			now := follow(ground.Citation{At: at, Words: words}, shown)
			x["at"], x["words"] = now.At, now.Words
			return
		}
		for _, item := range x {
			recite(item, shown)
		}
	}
}

// follow finds the sentence that a citation pointed to: where it stands now,
// else what stands in its place.
func follow(c ground.Citation, shown []threatmodel.Passage) ground.Citation {
	if _, err := ground.Find(c, shown); err == nil {
		return c
	}
	for i := range shown {
		for j := range shown[i].Sentences {
			if ground.Agrees(c.Words, shown[i].Sentences[j].Text) {
				return ground.Citation{At: number(i, j), Words: passage.Fold(shown[i].Sentences[j].Text)}
			}
		}
	}
	for i := range shown {
		for j := range shown[i].Sentences {
			if number(i, j) == c.At {
				return ground.Citation{At: c.At, Words: passage.Fold(shown[i].Sentences[j].Text)}
			}
		}
	}
	return c
}

// number is a sentence's number as prompts show it.
func number(p, s int) string { return fmt.Sprintf("P%d.%d", p+1, s+1) }
