package api_test

import (
	"bytes"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// last are the operations that end something, in the order in which they are
// tried, after all others.
var last = []string{
	"startBatch", "cancelBatch", "startAnalysis", "cancelAnalysis", "deleteSchedule", "redeliver", "deleteWebhook", "deleteCatalog",
	"revokeToken", "removeMember", "removeDocument", "purgeDocument", "archiveSystem", "purgeSystem",
}

// works tries every operation as one who may, and holds each answer against its
// schema in openapi.json.
func (w *world) works(t *testing.T, all map[string]trial) {
	t.Helper()
	schemas := newSchemas(t)
	order := slices.DeleteFunc(slices.Sorted(maps.Keys(all)), func(id string) bool { return slices.Contains(last, id) })
	for _, id := range append(order, last...) {
		w.prepare(id)
		body, kind := all[id].request(w)
		a := w.do(w.admin, id, all[id].query, body, kind)
		if a.status != all[id].want {
			t.Errorf("%s: status %d, want %d: %s", id, a.status, all[id].want, a.body)
			continue
		}
		schemas.check(t, w.spec[id], a)
		timesAreUTC(t, a)
		if a.status == 202 || a.status == 201 {
			w.leadsSomewhere(t, a)
		}
	}
}

// prepare makes what an operation wants to be there.
func (w *world) prepare(id string) {
	w.t.Helper()
	switch id {
	case "importModel": // into a system without a model
		w.ids["first"], w.ids["system"] = w.ids["system"], w.make("createSystem", `{"name":"imported"}`)
	case "listAnalyses", "listAnswers": // the first after it, in order
		if first := w.ids["first"]; first != "" {
			w.ids["system"] = first
			delete(w.ids, "first")
		}
	case "startBatch":
		w.ids["batch"] = w.make("createBatch", `{"selector":{"labels":["`+marker+`"]}}`)
		w.drain()
	case "cancelAnalysis":
		w.ids["analysis"] = w.make("startAnalysis", `{}`)
	case "deleteCatalog":
		w.drain()
	}
}

// leadsSomewhere holds that a Location can be read.
func (w *world) leadsSomewhere(t *testing.T, a answered) {
	t.Helper()
	location := a.header.Get("Location")
	if location == "" {
		return
	}
	resp, raw := call(t, w.server, "GET", location, nil, "Authorization", "Bearer "+w.admin)
	if resp.StatusCode != 200 {
		t.Errorf("%s: its Location %s answers %d: %s", a.id, location, resp.StatusCode, raw)
	}
}

var localTime = regexp.MustCompile(`"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+[+-][0-9]{2}:[0-9]{2}"`)

func timesAreUTC(t *testing.T, a answered) {
	t.Helper()
	if m := localTime.Find(a.body); m != nil {
		t.Errorf("%s: the time %s is not in UTC", a.id, m)
	}
}

// schemas are those of openapi.json.
type schemas struct{ compiler *jsonschema.Compiler }

func newSchemas(t *testing.T) schemas {
	t.Helper()
	_, raw := readSpecification(t)
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
	must1(t, err)
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	must1(t, c.AddResource("https://bartizan.test/openapi.json", doc))
	return schemas{c}
}

// check holds an answer against what the description says of it.
func (s schemas) check(t *testing.T, e endpoint, a answered) {
	t.Helper()
	told, ok := e.Responses[strings.TrimSpace(a.resp.Status[:3])]
	if !ok {
		t.Errorf("%s: the description does not tell of %d", a.id, a.status)
		return
	}
	kind, _, _ := strings.Cut(a.header.Get("Content-Type"), ";")
	m, ok := told.Content[kind]
	if !ok && len(a.body) > 0 {
		t.Errorf("%s: the description does not tell of %q", a.id, kind)
	}
	ref, _ := m.Schema["$ref"].(string)
	if kind != "application/json" || ref == "" {
		return
	}
	schema, err := s.compiler.Compile("https://bartizan.test/openapi.json" + ref)
	must1(t, err)
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(a.body))
	must1(t, err)
	if err := schema.Validate(v); err != nil {
		t.Errorf("%s: the answer is not as described: %v\n%s", a.id, err, a.body)
	}
}
