package threatmodel_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/bartizan-security/bartizan/pkg/threatmodel"
	"github.com/bartizan-security/bartizan/pkg/threatmodel/internal/schemagen"
)

var update = flag.Bool("update", false, "write schema.json anew")

func TestSchemaIsCurrent(t *testing.T) {
	source, err := schemagen.Read(".")
	if err != nil {
		t.Fatal(err)
	}
	s := schemagen.Generate(threatmodel.Model{}, source, threatmodel.SchemaID, "Bartizan threat model")
	var want bytes.Buffer
	enc := json.NewEncoder(&want)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	if err := enc.Encode(s); err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile("schema.json", want.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if !bytes.Equal(want.Bytes(), threatmodel.Schema()) {
		t.Error("schema.json is not that of the types: run go test ./pkg/threatmodel -run TestSchemaIsCurrent -update, and look at what changed")
	}
}

func compile(t *testing.T) *jsonschema.Schema {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(threatmodel.Schema()))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource(threatmodel.SchemaID, doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile(threatmodel.SchemaID)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// validate checks a value as it is written to a file.
func validate(t *testing.T, s *jsonschema.Schema, m any) error {
	t.Helper()
	raw, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	return s.Validate(v)
}

// full is a model in which every field of every type holds something: the
// first value of an enumeration, and one item in each list.
func full(t *testing.T) *threatmodel.Model {
	t.Helper()
	source, err := schemagen.Read(".")
	if err != nil {
		t.Fatal(err)
	}
	m := &threatmodel.Model{}
	fill(reflect.ValueOf(m).Elem(), source)
	return m
}

func fill(v reflect.Value, source *schemagen.Source) {
	switch v.Interface().(type) {
	case time.Time:
		v.Set(reflect.ValueOf(time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)))
		return
	case json.RawMessage:
		v.SetBytes([]byte(`{"answer":{}}`))
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			fill(v.Field(i), source)
		}
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem(), source)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		fill(v.Index(0), source)
	case reflect.Map:
		key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
		fill(key, source)
		fill(value, source)
		v.Set(reflect.MakeMap(v.Type()))
		v.SetMapIndex(key, value)
	case reflect.String:
		v.SetString("text")
		if values := source.Values[v.Type().Name()]; len(values) > 0 {
			v.SetString(values[0])
		}
	case reflect.Int, reflect.Int64:
		v.SetInt(3)
	case reflect.Float64:
		v.SetFloat(1.5)
	case reflect.Bool:
		v.SetBool(true)
	}
}

func TestSchemaTakesWhatThePackageWrites(t *testing.T) {
	s := compile(t)
	for name, m := range map[string]*threatmodel.Model{"empty": {Analysis: threatmodel.Analysis{Run: &threatmodel.Run{}}}, "full": full(t)} {
		if err := validate(t, s, m); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestSchemaRefusesWhatIsNoModel(t *testing.T) {
	s := compile(t)
	for name, change := range map[string]struct{ old, new string }{
		"an unknown verdict":        {`"verdict":"enforced"`, `"verdict":"perhaps"`},
		"an unknown status":         {`"status":"open"`, `"status":"new"`},
		"text for a number":         {`"byte_start":3`, `"byte_start":"3"`},
		"a date that is none":       {`"2026-01-02T03:04:05Z"`, `"yesterday"`},
		"a threat without evidence": {`"evidence":`, `"proof":`},
		"null for a text":           {`"statement":"text"`, `"statement":null`},
	} {
		raw, err := json.Marshal(full(t))
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(raw), change.old) {
			t.Fatalf("%s: %s stands nowhere", name, change.old)
		}
		if err := validate(t, s, json.RawMessage(strings.ReplaceAll(string(raw), change.old, change.new))); err == nil {
			t.Errorf("%s is taken", name)
		}
	}
}

// TestSchemaDescribesEveryType holds the promise to tools: who reads the schema
// learns what a thing is.
func TestSchemaDescribesEveryType(t *testing.T) {
	var s struct {
		Defs map[string]struct {
			Description string   `json:"description"`
			Enum        []string `json:"enum"`
		} `json:"$defs"`
	}
	if err := json.Unmarshal(threatmodel.Schema(), &s); err != nil {
		t.Fatal(err)
	}
	for name, d := range s.Defs {
		if d.Description == "" {
			t.Errorf("%s has no description", name)
		}
	}
	if got, want := len(s.Defs["Verdict"].Enum), len(threatmodel.Verdicts()); got != want {
		t.Errorf("the schema knows %d verdicts, the package %d", got, want)
	}
}

func TestSchemaIsTheCallers(t *testing.T) {
	threatmodel.Schema()[0] = 'x'
	if threatmodel.Schema()[0] != '{' {
		t.Error("changing the result changes the next")
	}
}
