package analyze

import (
	"testing"

	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

func TestAQuestionIsAskedOnce(t *testing.T) {
	question := func(id, text, element, passage, source string) threatmodel.Question {
		return threatmodel.Question{ID: id, Text: text, Elements: []string{element}, Source: source, Evidence: []threatmodel.Evidence{{Passage: passage, Quote: text, Locator: threatmodel.Locator{ByteStart: len(text)}}}}
	}
	const model, pattern = threatmodel.SourceModel, threatmodel.SourcePattern
	for _, c := range []struct {
		name     string
		in       []threatmodel.Question
		baseline []threatmodel.Question
		want     string
	}{
		{"in other words, raised by one passage", []threatmodel.Question{
			question("Q-2", "Must targets use HTTPS?", "flow", "p", model), question("Q-1", "Must the target be HTTPS?", "service", "p", model),
		}, nil, "Q-1"},
		{"the one that may have been answered stays", []threatmodel.Question{
			question("Q-2", "Must targets use HTTPS?", "flow", "p", model), question("Q-1", "Must the target be HTTPS?", "service", "p", model),
		}, []threatmodel.Question{{ID: "Q-2"}}, "Q-2"},
		{"about different parts", []threatmodel.Question{
			question("Q-1", "Who may read the log of payments?", "a", "p", model), question("Q-2", "Who may read the log of payments?", "b", "q", model),
		}, nil, "Q-1 Q-2"},
		{"about one part, another matter", []threatmodel.Question{
			question("Q-1", "Who may read the log of payments?", "a", "p", model), question("Q-2", "How long do sessions live?", "a", "p", model),
		}, nil, "Q-1 Q-2"},
		{"two from a template", []threatmodel.Question{
			question("Q-1", "Where do the credentials of A lie, and who can read them?", "a", "p", pattern),
			question("Q-2", "Where do the credentials of B lie, and who can read them?", "b", "p", pattern),
		}, nil, "Q-1 Q-2"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := &run{}
			if c.baseline != nil {
				r.in.Baseline = &threatmodel.Model{Questions: c.baseline}
			}
			got, err := r.oneOfEach(t.Context(), c.in)
			if err != nil {
				t.Fatal(err)
			}
			ids := ""
			for i, q := range got {
				if i > 0 {
					ids += " "
				}
				ids += q.ID
			}
			if ids != c.want {
				t.Errorf("%s stay, want %s", ids, c.want)
			}
			if len(got) < len(c.in) && (len(got[0].Elements) != 2 || len(got[0].Evidence) != 2) {
				t.Errorf("the one that stays does not tell of the other: %+v", got[0])
			}
		})
	}
}
