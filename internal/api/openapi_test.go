package api_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// TestOpenAPIIsAsCommitted holds that nobody changes the API unseen.
func TestOpenAPIIsAsCommitted(t *testing.T) {
	server := serve(t, config(newFake()))
	resp, got := call(t, server, http.MethodGet, "/openapi.json", nil, "Authorization", "")
	if resp.StatusCode != http.StatusOK {
		t.Fatalf("status %d", resp.StatusCode)
	}
	golden(t, "openapi.json", got)
}

// specification is what tests read of openapi.json.
type specification struct {
	Paths      map[string]map[string]endpoint `json:"paths"`
	Tags       []struct{ Name string }        `json:"tags"`
	Components struct {
		Schemas map[string]struct {
			Description string `json:"description"`
			Properties  map[string]struct {
				Description string `json:"description"`
				Ref         string `json:"$ref"`
			} `json:"properties"`
		} `json:"schemas"`
	} `json:"components"`
}

// endpoint is one operation.
type endpoint struct {
	ID          string   `json:"operationId"`
	Tags        []string `json:"tags"`
	Summary     string   `json:"summary"`
	Description string   `json:"description"`
	Scope       string   `json:"x-scope"`
	Wide        bool     `json:"x-whole-organization"`
	Parameters  []struct {
		Name, In, Description string
		Required              bool
	} `json:"parameters"`
	Body *struct {
		Content map[string]media `json:"content"`
	} `json:"requestBody"`
	Responses map[string]struct {
		Ref         string           `json:"$ref"`
		Description string           `json:"description"`
		Content     map[string]media `json:"content"`
	} `json:"responses"`

	method, path string
}

type media struct {
	Schema  map[string]any  `json:"schema"`
	Example json.RawMessage `json:"example"`
}

func readSpecification(t testing.TB) (specification, []byte) {
	t.Helper()
	raw, err := os.ReadFile("openapi.json")
	if err != nil {
		t.Fatal(err)
	}
	var s specification
	if err := json.Unmarshal(raw, &s); err != nil {
		t.Fatal(err)
	}
	return s, raw
}

// endpoints lists the operations by id.
func (s specification) endpoints() map[string]endpoint {
	out := map[string]endpoint{}
	for path, methods := range s.Paths {
		for method, e := range methods {
			e.method, e.path = strings.ToUpper(method), path
			out[e.ID] = e
		}
	}
	return out
}

// TestOpenAPITeaches holds that a reader learns what each operation and each
// field is, and how each request looks.
func TestOpenAPITeaches(t *testing.T) {
	s, _ := readSpecification(t)
	tags := map[string]bool{}
	for _, tag := range s.Tags {
		tags[tag.Name] = true
	}
	for id, e := range s.endpoints() {
		if e.Summary == "" || !strings.Contains(e.Description, "Needs the scope") || len(e.Tags) != 1 || !tags[e.Tags[0]] {
			t.Errorf("%s: summary %q, tags %q, description %q", id, e.Summary, e.Tags, e.Description)
		}
		for _, status := range []string{"401", "403", "429", "500"} {
			if e.Responses[status].Ref == "" {
				t.Errorf("%s does not tell of %s", id, status)
			}
		}
		for _, p := range e.Parameters {
			if p.Description == "" && p.In != "query" {
				t.Errorf("%s: the parameter %s has no description", id, p.Name)
			}
		}
		if e.Body == nil || id == "importModel" || id == "uploadDocuments" {
			continue
		}
		for kind, m := range e.Body.Content {
			if len(m.Example) == 0 {
				t.Errorf("%s: no example of %s", id, kind)
			}
		}
	}
	for name, schema := range s.Components.Schemas {
		if schema.Description == "" && !strings.HasPrefix(name, "Page") {
			t.Errorf("%s has no description", name)
		}
		for field, p := range schema.Properties {
			if p.Description == "" && p.Ref == "" && !isModelType(name) {
				t.Errorf("%s.%s has no description", name, field)
			}
		}
	}
}

// isModelType reports whether a schema is the model's own, which package
// threatmodel answers for.
func isModelType(name string) bool {
	return name == "ThreatModel" || strings.HasPrefix(name, "Model") && name != "ModelVersion" || name == "Threat" || name == "Question"
}

// TestExamplesFitTheirSchemas holds that what the description shows is taken.
func TestExamplesFitTheirSchemas(t *testing.T) {
	s, raw := readSpecification(t)
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource("https://bartizan.test/openapi.json", doc); err != nil {
		t.Fatal(err)
	}
	checked := 0
	for id, e := range s.endpoints() {
		all := map[string]media{}
		if e.Body != nil {
			all["request"] = e.Body.Content["application/json"]
		}
		for status, r := range e.Responses {
			all[status] = r.Content["application/json"]
		}
		for where, m := range all {
			ref, _ := m.Schema["$ref"].(string)
			if len(m.Example) == 0 || ref == "" {
				continue
			}
			schema, err := c.Compile("https://bartizan.test/openapi.json" + ref)
			if err != nil {
				t.Fatalf("%s: %v", id, err)
			}
			v, err := jsonschema.UnmarshalJSON(bytes.NewReader(m.Example))
			if err != nil {
				t.Fatal(err)
			}
			if err := schema.Validate(v); err != nil {
				t.Errorf("%s: the example of the %s does not fit: %v", id, where, err)
			}
			checked++
		}
	}
	if checked < 30 {
		t.Errorf("only %d examples were checked", checked)
	}
}

// TestReferencesLeadSomewhere holds that the description is whole.
func TestReferencesLeadSomewhere(t *testing.T) {
	_, raw := readSpecification(t)
	var doc map[string]any
	if err := json.Unmarshal(raw, &doc); err != nil {
		t.Fatal(err)
	}
	found := 0
	walk(doc, func(ref string) {
		found++
		var at any = doc
		for step := range strings.SplitSeq(strings.TrimPrefix(ref, "#/"), "/") {
			m, _ := at.(map[string]any)
			at = m[step]
		}
		if at == nil {
			t.Errorf("%s leads nowhere", ref)
		}
	})
	if found < 500 {
		t.Errorf("only %d references found", found)
	}
}

func walk(v any, ref func(string)) {
	switch x := v.(type) {
	case map[string]any:
		for k, item := range x {
			if s, ok := item.(string); ok && k == "$ref" {
				ref(s)
			}
			walk(item, ref)
		}
	case []any:
		for _, item := range x {
			walk(item, ref)
		}
	}
}
