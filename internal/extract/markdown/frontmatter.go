package markdown

import (
	"bytes"
	"encoding/json"
	"strings"

	"github.com/goccy/go-yaml"
)

// frontMatter is what a document says of itself before its text begins.
type frontMatter struct {
	Title string `yaml:"title" json:"title"`
	Lang  string `yaml:"lang" json:"lang"`
}

// splitFrontMatter finds the front matter at the start of a document: YAML
// between --- lines, TOML between +++ lines, or a JSON object. It returns
// what was read and the number of bytes that the front matter takes; 0 where
// there is none. A rule that merely looks like front matter is none.
func splitFrontMatter(text string) (frontMatter, int) {
	switch {
	case strings.HasPrefix(text, "---"):
		body, size := fenced(text, "---", "---", "...")
		if size == 0 || !isMapping(body) {
			return frontMatter{}, 0
		}
		return yamlFrontMatter(body), size
	case strings.HasPrefix(text, "+++"):
		body, size := fenced(text, "+++", "+++")
		return tomlFrontMatter(body), size
	case strings.HasPrefix(text, "{\n"):
		return jsonFrontMatter(text)
	}
	return frontMatter{}, 0
}

// fenced returns the text between an opening line and one of the closing
// lines, and the size of all three.
func fenced(text, open string, closers ...string) (string, int) {
	first, rest, ok := strings.Cut(text, "\n")
	if !ok || strings.TrimRight(first, " \t") != open {
		return "", 0
	}
	at := len(first) + 1
	start := at
	for rest != "" {
		line, after, found := strings.Cut(rest, "\n")
		for _, c := range closers {
			if strings.TrimRight(line, " \t") == c {
				return text[start:at], at + len(line)
			}
		}
		if !found {
			break
		}
		at += len(line) + 1
		rest = after
	}
	return "", 0
}

// isMapping reports whether the text is YAML with keys, or would be but for
// a mistake: its first line that says something must be one.
func isMapping(body string) bool {
	for line := range strings.Lines(body) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		key, _, ok := strings.Cut(line, ":")
		return ok && key != "" && !strings.ContainsAny(key, " \t[]()*`")
	}
	return true
}

// maxFrontMatter bounds what is given to the YAML parser, in bytes.
const maxFrontMatter = 64 << 10

// yamlFrontMatter reads the title. A title that is no text, or YAML that does
// not parse, leaves the title to the first heading: the lines are no prose
// either way.
func yamlFrontMatter(body string) frontMatter {
	var m frontMatter
	if len(body) > maxFrontMatter || yaml.Unmarshal([]byte(body), &m) != nil {
		return frontMatter{}
	}
	return m
}

// tomlFrontMatter reads the two keys that are wanted; everything else of
// TOML does not matter here.
func tomlFrontMatter(body string) frontMatter {
	var m frontMatter
	for line := range strings.Lines(body) {
		if strings.HasPrefix(strings.TrimSpace(line), "[") {
			break
		}
		key, value, ok := strings.Cut(line, "=")
		if !ok {
			continue
		}
		value = strings.Trim(strings.TrimSpace(value), `"'`)
		switch strings.TrimSpace(key) {
		case "title":
			m.Title = value
		case "lang":
			m.Lang = value
		}
	}
	return m
}

func jsonFrontMatter(text string) (frontMatter, int) {
	var m frontMatter
	d := json.NewDecoder(bytes.NewReader([]byte(text)))
	if err := d.Decode(&m); err != nil {
		return frontMatter{}, 0
	}
	return m, int(d.InputOffset())
}

// blank overwrites text with spaces, so that everything after it keeps its
// line and offset.
func blank(text []byte) {
	for i := range text {
		if text[i] != '\n' {
			text[i] = ' '
		}
	}
}
