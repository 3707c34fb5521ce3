package ground

import (
	_ "embed"
	"fmt"
	"strings"
	"sync"

	"github.com/goccy/go-yaml"
)

//go:embed signals.yaml
var signalData []byte

// Signals knows the words that point to a weakness.
type Signals struct {
	families map[string][]string
	cues     []string
}

// LoadSignals reads the embedded words. The result is shared and read-only.
var LoadSignals = sync.OnceValues(func() (*Signals, error) {
	var file struct {
		Cues     []string            `yaml:"cues"`
		Families map[string][]string `yaml:"families"`
	}
	if err := yaml.UnmarshalWithOptions(signalData, &file, yaml.Strict()); err != nil {
		return nil, fmt.Errorf("reading the embedded weakness signals: %w", err)
	}
	return &Signals{families: file.Families, cues: file.Cues}, nil
})

// Families lists the families that have signals.
func (s *Signals) Families() map[string][]string { return s.families }

// Names reports whether a quote, with its passage and heading, names one of
// the given names or carries a signal of the weakness family. Whether the
// quote supports the threat is another question, which challenge answers.
func (s *Signals) Names(q Quote, names []string, family string) bool {
	text := normal(q.Passage.Heading + " " + q.Passage.Header + " " + q.Passage.Text)
	for _, name := range names {
		if mentions(text, name) {
			return true
		}
	}
	return s.signal(text, family)
}

// Speaks reports whether a text carries a signal of the weakness family.
func (s *Signals) Speaks(text, family string) bool { return s.signal(normal(text), family) }

// Omission reports whether a quote only states that something exists: it
// carries neither a signal of the weakness nor a word that limits, negates or
// qualifies.
func (s *Signals) Omission(quote, family string) bool {
	text := normal(quote)
	return !s.signal(text, family) && !containsAny(text, s.cues)
}

func (s *Signals) signal(text, family string) bool {
	return containsAny(text, s.families[family])
}

// normal is the text's words between single spaces, with one at each end, so
// that a search for " word" finds the beginning of a word.
func normal(s string) string { return " " + strings.Join(Words(s), " ") + " " }

// containsAny reports whether the normal text holds one of the phrases, each
// from the beginning of a word. A phrase that ends in a space must end a word.
func containsAny(text string, phrases []string) bool {
	for _, p := range phrases {
		if strings.Contains(text, " "+p) {
			return true
		}
	}
	return false
}

// mentions reports whether the normal text holds the name, or the name's last
// word where that is long enough to tell something.
func mentions(text, name string) bool {
	words := Words(name)
	if len(words) == 0 {
		return false
	}
	if strings.Contains(text, " "+strings.Join(words, " ")) {
		return true
	}
	for _, w := range words {
		if len(w) >= 5 && strings.Contains(text, " "+strings.TrimSuffix(w, "s")) {
			return true
		}
	}
	return false
}

// Limits counts the words of a text that limit, negate or qualify: two texts
// that differ in them do not say the same.
func (s *Signals) Limits(text string) int {
	text = normal(text)
	n := 0
	for _, cue := range s.cues {
		n += strings.Count(text, " "+cue)
	}
	return n
}

// Salience counts the weakness families that a text carries a signal of: how
// much a passage has to say about security.
func (s *Signals) Salience(text string) int {
	text = normal(text)
	n := 0
	for _, phrases := range s.families {
		if containsAny(text, phrases) {
			n++
		}
	}
	return n
}
