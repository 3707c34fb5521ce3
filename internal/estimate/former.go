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

// recite mends the citations of an answer in place.
func recite(v any, shown []threatmodel.Passage) {
	eachCitation(v, func(c map[string]any) {
		at, isAt := c["at"].(string)
		words, isWords := c["words"].(string)
		if isAt && isWords {
			now := follow(ground.Citation{At: at, Words: words}, shown)
			c["at"], c["words"] = now.At, now.Words
		}
	})
}

// eachCitation walks an answer.
func eachCitation(v any, f func(map[string]any)) {
	switch x := v.(type) {
	case []any:
		for _, item := range x {
			eachCitation(item, f)
		}
	case map[string]any:
		if x["at"] != nil && x["words"] != nil {
			f(x)
			return
		}
		for _, item := range x {
			eachCitation(item, f)
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

// withNew adds to the lists of an answer the items of another that rest on new
// sentences alone, which the answer does not cite itself. isNew is told the
// number of a sentence.
func withNew(answer, found json.RawMessage, isNew func(at string) bool) (json.RawMessage, error) {
	var into map[string]any
	var from map[string][]map[string]any
	if err := json.Unmarshal(answer, &into); err != nil {
		return nil, fmt.Errorf("reading the baseline's answer: %w", err)
	}
	if err := json.Unmarshal(found, &from); err != nil {
		return nil, fmt.Errorf("reading the stand-in's answer: %w", err)
	}
	cited := map[string]bool{}
	eachCitation(into, func(c map[string]any) { cited[fmt.Sprint(c["at"])] = true })
	for key, items := range from {
		list, _ := into[key].([]any)
		for _, item := range items {
			if restsOnNew(item, func(at string) bool { return isNew(at) && !cited[at] }) {
				list = append(list, item)
			}
		}
		if list != nil {
			into[key] = list
		}
	}
	return json.Marshal(into)
}

// restsOnNew reports whether an item cites something, and only what is new.
func restsOnNew(item map[string]any, isNew func(at string) bool) bool {
	citations, _ := item["citations"].([]any)
	for _, c := range citations {
		cited, _ := c.(map[string]any)
		if at, _ := cited["at"].(string); !isNew(at) {
			return false
		}
	}
	return len(citations) > 0
}

// sentenceAt is the sentence of a number; empty where there is none such.
func sentenceAt(at string, shown []threatmodel.Passage) string {
	for i := range shown {
		for j := range shown[i].Sentences {
			if number(i, j) == at {
				return shown[i].Sentences[j].Text
			}
		}
	}
	return ""
}
