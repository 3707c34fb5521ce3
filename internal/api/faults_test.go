package api_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/bartizan-security/bartizan/internal/service"
	"github.com/bartizan-security/bartizan/pkg/resource"
)

func faultsOf(p resource.Problem) []string {
	var out []string
	for _, e := range p.Errors {
		out = append(out, e.Pointer+e.Parameter)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// TestAProblemNamesEveryFieldThatDoesNotFit: what the description of the API rules
// out, and what the service finds, are told all at once.
func TestAProblemNamesEveryFieldThatDoesNotFit(t *testing.T) {
	f := newFake()
	server := serve(t, config(f))
	for name, tt := range map[string]struct {
		method, path, body string
		want               []string
	}{
		"a system":   {"POST", "/v1/systems", `{"name":"","criticality":"huge","labels":7,"nonsense":1}`, []string{"/criticality", "/labels", "/name", "/nonsense"}},
		"a webhook":  {"POST", "/v1/webhooks", `{"url":7,"events":[]}`, []string{"/events", "/url"}},
		"a schedule": {"POST", "/v1/schedules", `{"enabled":"yes"}`, []string{"/cron", "/enabled", "/name", "/selector"}},
		"parameters": {"GET", "/v1/systems?limit=0&q=" + strings.Repeat("x", 300), "", []string{"limit", "q"}},
	} {
		resp, raw := call(t, server, tt.method, tt.path, strings.NewReader(tt.body))
		p := problemIn(t, resp, raw)
		if got := faultsOf(p); resp.StatusCode != http.StatusUnprocessableEntity || !slices.Equal(got, tt.want) {
			t.Errorf("%s: %d with %v, want %v: %s", name, resp.StatusCode, got, tt.want, raw)
		}
	}
	f.fail = &service.Error{Kind: service.KindInvalid, Pointer: "/name", Message: "a name is needed", More: []*service.Error{
		{Kind: service.KindInvalid, Pointer: "/catalogs/1", Message: "there is no such catalog"},
		{Kind: service.KindInvalid, Pointer: "limit", Message: "too many"},
	}}
	resp, raw := call(t, server, http.MethodPost, "/v1/systems", strings.NewReader(`{"name":"x"}`))
	p := problemIn(t, resp, raw)
	if want := []string{"/catalogs/1", "/name", "limit"}; !slices.Equal(faultsOf(p), want) || !strings.HasPrefix(p.Detail, "3 fields do not fit: /name: a name is needed; /catalogs/1: ") {
		t.Errorf("from the service: %s", raw)
	}
}

// TestABodyThatIsTooLarge is told what is taken.
func TestABodyThatIsTooLarge(t *testing.T) {
	server := serve(t, config(newFake()))
	resp, raw := call(t, server, http.MethodPost, "/v1/systems", strings.NewReader(strings.Repeat(" ", 2<<20)))
	if p := problemIn(t, resp, raw); resp.StatusCode != http.StatusRequestEntityTooLarge || p.Detail != "the request is larger than the 1048576 bytes that are taken here" {
		t.Errorf("%s", raw)
	}
}
