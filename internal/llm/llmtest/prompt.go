package llmtest

import (
	"encoding/json"
	"regexp"
	"strings"
)

// prompt is what the server reads out of a request.
type prompt struct {
	sentences []sentence
	elements  []named // E1 ...
	flows     []named // F1 ...
	assets    []named // A1 ...
	names     []named // N1 ...
	controls  []named // C1 ...
	cells     []named // U1 ...
	// candidates are X1 ..., threats T1 ..., formers O1 ...
	candidates, threats, formers []named
	// subject is E1 or F1.
	subject string
	// threat is the line that a treat prompt shows.
	threat string
	stride []string

	variant int
	claim   Claim
}

// sentence is a numbered sentence.
type sentence struct{ number, text string }

// named is a short name with the rest of its line.
type named struct{ alias, text string }

// name is the line up to its first mark.
func (n named) name() string {
	name := n.text
	for _, mark := range []string{" (", ": ", "; "} {
		name, _, _ = strings.Cut(name, mark)
	}
	return strings.TrimSpace(name)
}

var (
	numbered = regexp.MustCompile(`^(P\d+\.\d+) (.+)$`)
	aliased  = regexp.MustCompile(`^([EFAXUCNTO]\d+) (.+)$`)
	fenced   = regexp.MustCompile(`(?s)<<<(\w+)\n(.*?)\n(\w+)>>>`)
)

// readPrompt reads the material between the fences.
func readPrompt(user string) *prompt {
	p := &prompt{}
	for _, m := range fenced.FindAllStringSubmatch(user, -1) {
		lines := strings.Split(m[2], "\n")
		for i, line := range lines {
			p.read(line)
			if line == "Threat" && i+1 < len(lines) {
				p.threat = lines[i+1]
			}
		}
	}
	return p
}

func (p *prompt) read(line string) {
	if m := numbered.FindStringSubmatch(line); m != nil {
		p.sentences = append(p.sentences, sentence{m[1], m[2]})
		return
	}
	if rest, ok := strings.CutPrefix(line, "Subject: "); ok {
		p.subject, _, _ = strings.Cut(rest, ",")
		return
	}
	if rest, ok := strings.CutPrefix(line, "STRIDE categories to go through: "); ok {
		p.stride = strings.Split(rest, ", ")
		return
	}
	if m := aliased.FindStringSubmatch(line); m != nil {
		p.take(named{m[1], m[2]})
	}
}

func (p *prompt) take(n named) {
	lists := map[byte]*[]named{
		'E': &p.elements, 'F': &p.flows, 'A': &p.assets, 'X': &p.candidates, 'U': &p.cells,
		'C': &p.controls, 'N': &p.names, 'T': &p.threats, 'O': &p.formers,
	}
	to := lists[n.alias[0]]
	*to = append(*to, n)
}

// element finds an element's short name by its name.
func (p *prompt) element(name string) string {
	for _, e := range p.elements {
		if e.name() == name {
			return e.alias
		}
	}
	return ""
}

// sentence finds a sentence by its number.
func (p *prompt) sentence(number string) string {
	for _, s := range p.sentences {
		if s.number == number {
			return s.text
		}
	}
	return ""
}

// cite is a citation of a sentence.
func cite(s sentence) object {
	words := strings.Fields(s.text)
	return object{"at": s.number, "words": strings.Join(words[:min(6, len(words))], " ")}
}

// stages by a property that only their schema has.
var stageKeys = map[string]string{
	"facts": "brief", "aimed_at_model": "survey", "groups": "resolve", "not_applicable": "elicit",
	"same": "merge", "chains": "chain", "verdicts": "challenge", "none_reason": "treat",
}

// stageOf tells the stage from the schema, however it came.
func stageOf(b *body) string {
	var schema struct {
		Properties map[string]json.RawMessage `json:"properties"`
	}
	raw := []byte(b.Messages[0].Content)
	if b.mode() == "strict" {
		raw = b.ResponseFormat.JSONSchema.Schema
	} else if _, after, ok := strings.Cut(string(raw), "The schema of the answer:\n"); ok {
		raw = []byte(after)
	}
	// What follows the schema in a message is no part of it.
	_ = json.NewDecoder(strings.NewReader(string(raw))).Decode(&schema)
	for key, stage := range stageKeys {
		if _, ok := schema.Properties[key]; ok {
			return stage
		}
	}
	return "unknown"
}
