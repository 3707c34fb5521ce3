package api_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/bartizan-security/bartizan/pkg/resource"
)

// trial is how an operation is tried.
type trial struct {
	// query and body make the request; a nil body is the description's
	// example, or none.
	query string
	body  func(w *world) (body []byte, kind string)
	// foreign makes query and body with ids of the first organization's where
	// the path has none, and the status that others get for it.
	foreign func(w *world) (query string, body []byte)
	status  int
	// want is the status of success.
	want int
}

func plain(want int) trial     { return trial{want: want} }
func asked(query string) trial { return trial{query: query, want: 200} }
func with(want int, body string) trial {
	return trial{want: want, body: fixed(body, "application/json")}
}

func fixed(body, kind string) func(*world) ([]byte, string) {
	return func(*world) ([]byte, string) { return []byte(body), kind }
}

// trials has a case for every operation of openapi.json. An operation without
// one fails, so that whoever adds an operation says here how it is tried.
func trials() map[string]trial {
	return map[string]trial{
		"getIdentity": plain(200), "getOrganization": plain(200), "updateOrganization": with(200, `{"title":"Acme"}`),
		"createTicket": {want: 201, body: func(w *world) ([]byte, string) {
			return []byte(`{"path":"/v1/analyses/` + w.ids["analysis"] + `/events"}`), "application/json"
		}},
		"listMembers": plain(200), "getMember": plain(200), "removeMember": plain(204),
		"createMember": with(201, `{"name":"Bob","email":"bob@example.com","role":"analyst"}`), "updateMember": with(200, `{"role":"approver"}`),
		"listTokens": plain(200), "getToken": plain(200), "revokeToken": plain(204),
		"createToken": {want: 201, body: fixed(`{"name":"x","scopes":["read"]}`, "application/json"), status: 422, foreign: func(w *world) (string, []byte) {
			return "", []byte(`{"name":"x","scopes":["read"],"system":"` + w.ids["system"] + `"}`)
		}},
		"listAuditEvents": plain(200), "verifyAudit": with(200, `{}`), "getUsage": plain(200),

		"listSystems": asked("q=portal"), "createSystem": with(201, `{"name":"another"}`), "getSystem": plain(200),
		"updateSystem": with(200, `{"owner":"me"}`), "archiveSystem": plain(204), "purgeSystem": plain(204),
		"listDocuments": plain(200), "getDocument": plain(200), "removeDocument": plain(204), "purgeDocument": plain(204),
		"pushDocument": {want: 202, body: func(*world) ([]byte, string) { return []byte(design()), "application/json" }},
		"uploadDocuments": {want: 202, body: func(w *world) ([]byte, string) {
			return rawMultipart(part{field: "file", filename: "new.md", content: "# New\n\nThe Job reads the Store.\n"})
		}},
		"listRevisions": plain(200), "getRevision": plain(200), "downloadOriginal": plain(200), "getExtraction": plain(200), "getText": plain(200),
		"startAnalysis": with(202, `{}`), "listAnalyses": plain(200), "getAnalysis": plain(200), "estimateAnalysis": plain(200),
		"cancelAnalysis": plain(202), "followAnalysis": plain(200),
		"getModel": plain(200), "listModelVersions": plain(200), "compareModels": plain(200), "exportModel": plain(200), "listDecisions": plain(200),
		"importModel": {want: 201, body: func(w *world) ([]byte, string) {
			return []byte(`{"model":` + string(w.modelJSON) + `}`), "application/json"
		}},
		"listThreats":       {want: 200, query: "sort=-updated", status: 404, foreign: func(w *world) (string, []byte) { return "system=" + w.ids["system"], nil }},
		"listSystemThreats": asked("risk=low,medium,high,critical&open=true"), "getThreat": plain(200), "editThreat": with(200, `{"owner":"Team"}`),
		"decideThreat": with(201, `{"action":"confirm","reason":"seen"}`),
		"addThreat": {want: 201, body: fixed(`{"title":"Orders are read by all agents","statement":"An agent can read every order, which leads to disclosure, negatively affecting confidentiality of orders.",
			"element":"Support Desk","stride":["information_disclosure"],"cwe":522,"quote":"The Support Desk uses one shared password for all agents.","likelihood":3,"impact":3}`, "application/json")},
		"listReview": plain(200), "listSystemReview": plain(200), "listQuestions": plain(200), "listAnswers": plain(200), "answerQuestion": with(201, `{"answer":"Yes."}`),
		"searchPassages": {want: 200, query: "q=orders", status: 404, foreign: func(w *world) (string, []byte) { return "q=orders&system=" + w.ids["system"], nil }},
		"searchControls": {want: 200, query: "q=encryption", status: 404, foreign: func(*world) (string, []byte) { return "q=encryption&catalog=" + marker, nil }},
		"searchThreats":  {want: 200, query: "q=order", status: 404, foreign: func(w *world) (string, []byte) { return "q=order&system=" + w.ids["system"], nil }},
		"listCatalogs":   plain(200), "getCatalog": plain(200), "listControls": plain(200), "deleteCatalog": plain(204),
		"putCatalog": {want: 200, body: fixed(strings.Replace(ownCatalog, `"1"`, `"2"`, 1), "application/yaml")},
		"createBatch": {want: 202, body: fixed(`{"selector":{"everything":true}}`, "application/json"), status: 422, foreign: func(w *world) (string, []byte) {
			return "", []byte(`{"selector":{"systems":["` + w.ids["system"] + `"]}}`)
		}},
		"listBatches": plain(200), "getBatch": plain(200), "listBatchItems": plain(200), "startBatch": plain(202), "cancelBatch": plain(202), "followBatch": plain(200),
		"listSchedules": plain(200), "getSchedule": plain(200), "updateSchedule": with(200, `{"enabled":false}`), "deleteSchedule": plain(204),
		"createSchedule": {want: 201, body: fixed(`{"name":"n","cron":"0 4 * * *","selector":{"everything":true}}`, "application/json"), status: 422, foreign: func(w *world) (string, []byte) {
			return "", []byte(`{"name":"n","cron":"0 4 * * *","selector":{"systems":["` + w.ids["system"] + `"]}}`)
		}},
		"listWebhooks": plain(200), "getWebhook": plain(200), "updateWebhook": with(200, `{"events":["analysis.finished"]}`), "deleteWebhook": plain(204), "testWebhook": plain(202),
		"createWebhook":  with(201, `{"url":"https://example.com/hook","events":["*"]}`),
		"listDeliveries": plain(200), "getDelivery": plain(200), "redeliver": plain(202),
	}
}

func rawMultipart(parts ...part) ([]byte, string) {
	var b bytes.Buffer
	const boundary = "boundary-of-a-test"
	for _, p := range parts {
		fmt.Fprintf(&b, "--%s\r\nContent-Disposition: form-data; name=%q; filename=%q\r\n\r\n%s\r\n", boundary, p.field, p.filename, p.content)
	}
	fmt.Fprintf(&b, "--%s--\r\n", boundary)
	return b.Bytes(), "multipart/form-data; boundary=" + boundary
}

func (tr trial) request(w *world) ([]byte, string) {
	if tr.body == nil {
		return nil, ""
	}
	return tr.body(w)
}

// TestOperations tries every operation of openapi.json against the real service
// and database: first as those who must not, then with what does not fit, at
// last as one who may.
func TestOperations(t *testing.T) {
	w := newWorld(t)
	all := trials()
	for id := range w.spec {
		if _, ok := all[id]; !ok {
			t.Errorf("%s has no case: say in trials how it is tried", id)
		}
	}
	for id := range all {
		if _, ok := w.spec[id]; !ok {
			t.Fatalf("there is no operation %s", id)
		}
	}
	ids := slices.Sorted(maps.Keys(w.spec))
	tokens := w.badTokens(t)
	narrow := w.narrowTokens(t)
	for _, id := range ids {
		w.showsNothing(t, id, all[id])
	}
	before := w.rows()
	for _, id := range ids {
		w.refused(t, id, all[id], tokens, narrow)
	}
	w.unchanged(before, "a request that was refused")
	for _, id := range ids {
		w.malformed(t, id, all[id])
	}
	w.unchanged(before, "a request that does not fit")
	w.works(t, all)
}

// badTokens are tokens that are good for nothing, by what is wrong with them.
func (w *world) badTokens(t *testing.T) map[string]string {
	t.Helper()
	in := resource.NewToken{Name: "x", Scopes: []resource.Scope{"read", "write", "decide", "admin"}}
	in.Name = "expired"
	expired := w.token(in)
	in.Name = "revoked"
	revoked := w.token(in)
	_, err := w.behind.Exec(t.Context(), `update bartizan.token set expires_at = case name when 'expired' then now() - interval '1 second' end,
		revoked_at = case name when 'revoked' then now() end where name in ('expired', 'revoked')`)
	must1(t, err)
	return map[string]string{"no token": "", "an unknown token": "btz_unknown", "an expired token": expired, "a revoked token": revoked}
}

// narrowTokens are tokens that lack one scope each, by the scope that they lack,
// and that of a viewer, whatever its scopes.
func (w *world) narrowTokens(t *testing.T) map[string]string {
	t.Helper()
	out := map[string]string{
		"read":   w.token(resource.NewToken{Name: "no read", Scopes: []resource.Scope{"write", "decide"}}),
		"write":  w.token(resource.NewToken{Name: "no write", Scopes: []resource.Scope{"read", "decide"}}),
		"decide": w.token(resource.NewToken{Name: "no decide", Scopes: []resource.Scope{"read", "write"}}),
		"admin":  w.token(resource.NewToken{Name: "no admin", Scopes: []resource.Scope{"read", "write", "decide"}}),
	}
	viewer := w.token(resource.NewToken{Name: "viewer", Scopes: []resource.Scope{"read"}, Member: w.ids["member"]})
	_, err := w.behind.Exec(t.Context(), `update bartizan.token set scopes = '{read,write,decide,admin}' where name = 'viewer'`)
	must1(t, err)
	out["viewer"] = viewer
	return out
}

// refused tries an operation as all those who must not.
func (w *world) refused(t *testing.T, id string, tr trial, bad, narrow map[string]string) {
	t.Helper()
	e := w.spec[id]
	body, kind := tr.request(w)
	deny := func(who, token, query string, body []byte, status int) {
		t.Helper()
		a := w.do(token, id, query, body, kind)
		if a.status != status {
			t.Errorf("%s with %s: status %d, want %d: %s", id, who, a.status, status, a.body)
			return
		}
		if problemIn(t, a.resp, a.body); bytes.Contains(a.body, []byte(marker)) && who != "a token that lacks the scope" && !strings.Contains(e.path, "{catalog}") {
			t.Errorf("%s with %s tells too much: %s", id, who, a.body)
		}
	}
	for who, token := range bad {
		deny(who, token, tr.query, body, 401)
	}
	deny("a token that lacks the scope", narrow[e.Scope], tr.query, body, 403)
	if e.Scope != "read" {
		deny("a viewer's token", narrow["viewer"], tr.query, body, 403)
	}
	ours := strings.Contains(e.path, "{")
	if ours && id != "putCatalog" { // anybody may have a catalog of that name
		deny("a token of another organization", w.stranger, tr.query, body, 404)
	}
	if tr.foreign != nil {
		query, body := tr.foreign(w)
		deny("a token of another organization, our ids in the request", w.stranger, query, body, tr.status)
	}
	switch {
	case e.Wide:
		deny("a token of another system", w.neighbour, tr.query, body, 403)
	case ours && !strings.Contains(e.path, "{catalog}"):
		deny("a token of another system", w.neighbour, tr.query, body, 404)
	}
}

// showsNothing holds that a list shows nothing of others.
func (w *world) showsNothing(t *testing.T, id string, tr trial) {
	t.Helper()
	if e := w.spec[id]; e.method != "GET" || strings.Contains(e.path, "{") {
		return
	}
	for who, token := range map[string]string{"a token of another organization": w.stranger, "a token of another system": w.neighbour} {
		a := w.do(token, id, tr.query, nil, "")
		if a.status == 403 {
			continue
		}
		if a.status != 200 {
			t.Errorf("%s with %s: %d %s", id, who, a.status, a.body)
		}
		if bytes.Contains(a.body, []byte(marker)) && !(id == "listCatalogs" && token == w.neighbour) {
			t.Errorf("%s shows to %s: %s", id, who, a.body)
		}
	}
}

// malformed tries an operation with bodies that do not fit.
func (w *world) malformed(t *testing.T, id string, tr trial) {
	t.Helper()
	e := w.spec[id]
	if e.Body == nil {
		return
	}
	good, kind := tr.request(w)
	refuse := func(what string, body []byte, kind string, statuses ...int) {
		t.Helper()
		a := w.do(w.admin, id, tr.query, body, kind)
		if !slices.Contains(statuses, a.status) {
			t.Errorf("%s with %s: status %d, want one of %d: %s", id, what, a.status, statuses, a.body)
			return
		}
		problemIn(t, a.resp, a.body)
	}
	refuse("no body", nil, kind, 400, 422)
	if kind == "application/json" {
		refuse("half a body", good[:len(good)-1], kind, 400)
		refuse("a body of another kind", []byte("a=b"), "application/x-www-form-urlencoded", 400, 415)
		refuse("a number", []byte("7"), kind, 400, 422)
		refuse("a field nobody knows", withField(t, good, "unheard_of", 1), kind, 400, 422)
		for name := range fieldsOf(t, good) {
			refuse(name+" of another type", withField(t, good, name, []any{[]any{map[string]any{}}}), kind, 400, 422)
			refuse(name+" with NUL", withField(t, good, name, "a\x00b"), kind, 400, 422)
		}
	}
	if id != "uploadDocuments" && id != "importModel" && id != "pushDocument" {
		refuse("a body that is too large", append(bytes.Clone(good), bytes.Repeat([]byte(" "), 2<<20)...), kind, 413)
	}
}

func fieldsOf(t *testing.T, body []byte) map[string]any {
	t.Helper()
	var m map[string]any
	must1(t, json.Unmarshal(body, &m))
	return m
}

func withField(t *testing.T, body []byte, name string, value any) []byte {
	t.Helper()
	m := fieldsOf(t, body)
	m[name] = value
	raw, err := json.Marshal(m)
	must1(t, err)
	return raw
}
