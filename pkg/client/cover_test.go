package client_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"reflect"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/bartizan-security/bartizan/pkg/client"
)

// TestEveryOperationHasAMethod holds that the client can do whatever the API
// can: it calls every method, and wants every operation of openapi.json to be
// asked for.
func TestEveryOperationHasAMethod(t *testing.T) {
	raw, err := os.ReadFile("../../internal/api/openapi.json")
	if err != nil {
		t.Fatal(err)
	}
	var spec struct {
		Paths map[string]map[string]struct {
			ID string `json:"operationId"`
		} `json:"paths"`
	}
	if err := json.Unmarshal(raw, &spec); err != nil {
		t.Fatal(err)
	}
	asked := askEverything(t)
	total := 0
	for path, methods := range spec.Paths {
		pattern := regexp.MustCompile(`^` + regexp.MustCompile(`\\\{[a-z]+\\\}`).ReplaceAllString(regexp.QuoteMeta(path), `[^/]+`) + `$`)
		for method, op := range methods {
			total++
			found := false
			for _, a := range asked {
				verb, where, _ := strings.Cut(a, " ")
				found = found || strings.EqualFold(verb, method) && pattern.MatchString(where) && op.ID != ""
			}
			if !found && op.ID != "listSystemThreats" { // Threats with a System asks /v1/threats
				t.Errorf("no method asks for %s: %s %s", op.ID, method, path)
			}
		}
	}
	if total < 80 {
		t.Errorf("only %d operations found", total)
	}
}

// askEverything calls each method once and gives the requests that came.
func askEverything(t *testing.T) []string {
	t.Helper()
	var mu sync.Mutex
	var asked []string
	ts := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		mu.Lock()
		asked = append(asked, r.Method+" "+r.URL.Path)
		mu.Unlock()
		if strings.HasSuffix(r.URL.Path, "/events") {
			w.Header().Set("Content-Type", "text/event-stream")
			_, _ = io.WriteString(w, "event: end\ndata: {}\n\n")
			return
		}
		_, _ = io.WriteString(w, `{}`)
	}))
	defer ts.Close()
	cl := connect(ts.URL, nil, client.WithRetries(0))
	for _, err := range cl.Review(t.Context(), "") { // of all systems
		t.Errorf("reviewing: %v", err)
	}
	c := reflect.ValueOf(cl)
	for i := range c.NumMethod() {
		m, name := c.Method(i), c.Type().Method(i).Name
		for _, out := range m.Call(arguments(m.Type())) {
			if out.Kind() == reflect.Func { // an iterator
				none := reflect.MakeFunc(out.Type().In(0), func([]reflect.Value) []reflect.Value { return []reflect.Value{reflect.ValueOf(false)} })
				out.Call([]reflect.Value{none})
			}
			if err, ok := out.Interface().(error); ok && !client.IsKind(err, client.KindNotFound) {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
	return asked
}

// arguments are some for a method: a word for each text, 1 for each number.
func arguments(m reflect.Type) []reflect.Value {
	var in []reflect.Value
	for i := range m.NumIn() {
		switch t := m.In(i); {
		case t == reflect.TypeFor[context.Context]():
			in = append(in, reflect.ValueOf(context.Background()))
		case t == reflect.TypeFor[[]client.File]():
			in = append(in, reflect.ValueOf(client.File{Reference: "a", Content: strings.NewReader("a")}))
		case t.Kind() == reflect.String:
			in = append(in, reflect.ValueOf("x"))
		case t.Kind() == reflect.Int64 || t.Kind() == reflect.Int:
			in = append(in, reflect.ValueOf(1).Convert(t))
		default:
			in = append(in, reflect.Zero(t))
		}
	}
	return in
}
