// Package prompts holds what a language model is asked: for each stage a
// system prompt, a template of the material, and the schema of the answer. The
// text is data, embedded and versioned by its own hash.
package prompts

import (
	"crypto/sha256"
	"embed"
	"encoding/json"
	"fmt"
	"io/fs"
	"strings"
	"sync"
	"text/template"

	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

//go:embed common brief survey resolve elicit merge chain challenge treat
var files embed.FS

// series is raised by hand when the meaning of the prompts changes; the hash
// of the texts follows it in the version.
const series = 1

// Set is all prompts.
type Set struct {
	stages  map[threatmodel.Stage]*stage
	version string
}

type stage struct {
	system string
	user   *template.Template
	parts  *template.Template
	schema json.RawMessage
}

// Stages are the stages that ask a model.
func Stages() []threatmodel.Stage {
	return []threatmodel.Stage{
		threatmodel.StageBrief, threatmodel.StageSurvey, threatmodel.StageResolve, threatmodel.StageElicit,
		threatmodel.StageMerge, threatmodel.StageChain, threatmodel.StageChallenge, threatmodel.StageTreat,
	}
}

// Load parses the embedded prompts. The result is shared and read-only.
var Load = sync.OnceValues(func() (*Set, error) {
	parts, err := template.New("parts").Funcs(functions).Option("missingkey=error").ParseFS(files, "common/parts.md")
	if err != nil {
		return nil, fmt.Errorf("reading the embedded prompts: %w", err)
	}
	set := &Set{stages: map[threatmodel.Stage]*stage{}}
	for _, name := range Stages() {
		s, err := loadStage(string(name), parts)
		if err != nil {
			return nil, fmt.Errorf("reading the embedded prompt of %s: %w", name, err)
		}
		set.stages[name] = s
	}
	set.version, err = version()
	return set, err
})

func loadStage(name string, parts *template.Template) (*stage, error) {
	s := &stage{parts: parts}
	system, err := parse(parts, name+"/system.md")
	if err != nil {
		return nil, err
	}
	var b strings.Builder
	if err := system.Execute(&b, nil); err != nil {
		return nil, err
	}
	s.system = strings.TrimSpace(b.String())
	if s.user, err = parse(parts, name+"/user.md"); err != nil {
		return nil, err
	}
	raw, err := files.ReadFile(name + "/schema.json")
	if err != nil {
		return nil, err
	}
	s.schema = raw
	return s, nil
}

// parse reads one file as a template that may use the common parts.
func parse(parts *template.Template, path string) (*template.Template, error) {
	raw, err := files.ReadFile(path)
	if err != nil {
		return nil, err
	}
	t, err := parts.Clone()
	if err != nil {
		return nil, err
	}
	return t.New(path).Parse(string(raw))
}

var functions = template.FuncMap{
	"inc":  func(i int) int { return i + 1 },
	"join": strings.Join,
	"word": func(k threatmodel.Kind) string { return strings.ReplaceAll(string(k), "_", " ") },
}

// version is the series and the hash of all files.
func version() (string, error) {
	h := sha256.New()
	err := fs.WalkDir(files, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		raw, err := files.ReadFile(path)
		if err != nil {
			return err
		}
		fmt.Fprintf(h, "%s %d\n", path, len(raw))
		h.Write(raw)
		return nil
	})
	return fmt.Sprintf("%d-%x", series, h.Sum(nil)[:4]), err
}

// Version names the prompts' texts.
func (s *Set) Version() string { return s.version }

// System is the system prompt of a stage: the same for every question.
func (s *Set) System(name threatmodel.Stage) string { return s.stages[name].system }

// Schema is the JSON Schema of a stage's answer, in the strict subset.
func (s *Set) Schema(name threatmodel.Stage) json.RawMessage { return s.stages[name].schema }

// User renders the material of a question. The data has the fields that the
// stage's user.md names.
func (s *Set) User(name threatmodel.Stage, data any) (string, error) {
	var b strings.Builder
	if err := s.stages[name].user.Execute(&b, data); err != nil {
		return "", fmt.Errorf("rendering the prompt of %s: %w", name, err)
	}
	return strings.TrimSpace(b.String()), nil
}

// Part renders one of the common parts, such as former or repair.
func (s *Set) Part(name string, data any) (string, error) {
	var b strings.Builder
	if err := s.stages[threatmodel.StageBrief].parts.ExecuteTemplate(&b, name, data); err != nil {
		return "", fmt.Errorf("rendering the prompt part %s: %w", name, err)
	}
	return strings.TrimSpace(b.String()), nil
}
