package api_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/bartizan-security/bartizan/pkg/resource"
)

// TestOneKeyAtOnceAgainstTheDatabase holds, with real transactions, that of many
// requests with one key one is done.
func TestOneKeyAtOnceAgainstTheDatabase(t *testing.T) {
	w := newWorld(t)
	const tries = 16
	answers := make([]answered, tries)
	var all sync.WaitGroup
	for i := range tries {
		all.Go(func() {
			answers[i] = w.do(w.admin, "createSystem", "", []byte(`{"name":"raced"}`), "application/json", "Idempotency-Key", "race")
		})
	}
	all.Wait()
	done, under := 0, 0
	for _, a := range answers {
		switch a.status {
		case http.StatusCreated:
			if a.header.Get("Idempotent-Replayed") == "" {
				done++
			}
		case http.StatusConflict:
			under++
		default:
			t.Errorf("status %d: %s", a.status, a.body)
		}
	}
	if done != 1 {
		t.Errorf("done %d times, under way %d", done, under)
	}
	again := w.do(w.admin, "createSystem", "", []byte(`{"name":"raced"}`), "application/json", "Idempotency-Key", "race")
	if again.status != http.StatusCreated || again.header.Get("Idempotent-Replayed") != "true" {
		t.Errorf("afterwards: %d %s", again.status, again.body)
	}
	if other := w.do(w.stranger, "createSystem", "", []byte(`{"name":"raced"}`), "application/json", "Idempotency-Key", "race"); other.header.Get("Idempotent-Replayed") != "" || other.status != 201 {
		t.Errorf("the key of another organization: %d %s", other.status, other.body)
	}
	w.secretsRest(t)
}

// secretsRest holds that a token's secret, which an answer held, rests nowhere.
func (w *world) secretsRest(t *testing.T) {
	t.Helper()
	a := w.do(w.admin, "createToken", "", []byte(`{"name":"kept","scopes":["read"]}`), "application/json", "Idempotency-Key", "token")
	var made resource.Token
	must1(t, json.Unmarshal(a.body, &made))
	again := w.do(w.admin, "createToken", "", []byte(`{"name":"kept","scopes":["read"]}`), "application/json", "Idempotency-Key", "token")
	if !bytes.Equal(again.body, a.body) || made.Secret == "" {
		t.Errorf("the retry gets %s, the first got %s", again.body, a.body)
	}
	var n int
	must1(t, w.behind.QueryRow(t.Context(), `select count(*) from bartizan.idempotency where position($1::bytea in body) > 0`, []byte(made.Secret)).Scan(&n))
	if n > 0 {
		t.Error("the secret is stored")
	}
}

// TestEventsOfAnAnalysisAgainstTheDatabase holds that what an analysis told can
// be read again from any event on.
func TestEventsOfAnAnalysisAgainstTheDatabase(t *testing.T) {
	w := newWorld(t)
	all := eventIDs(w.do(w.admin, "followAnalysis", "", nil, ""))
	if len(all) < 2 {
		t.Fatalf("events %q", all)
	}
	for i, id := range all {
		a := w.do(w.admin, "followAnalysis", "", nil, "", "Last-Event-ID", id)
		if i == len(all)-1 {
			if a.status != http.StatusNoContent {
				t.Errorf("after the last: %d %s", a.status, a.body)
			}
			continue
		}
		if got := eventIDs(a); fmt.Sprint(got) != fmt.Sprint(all[i+1:]) {
			t.Errorf("after %s came %q, want %q", id, got, all[i+1:])
		}
	}
}

func eventIDs(a answered) []string {
	var out []string
	for line := range strings.Lines(string(a.body)) {
		if id, ok := strings.CutPrefix(line, "id: "); ok {
			out = append(out, strings.TrimSpace(id))
		}
	}
	return out
}

// TestAnEditOnAnOldVersionIsNotDone holds If-Match through to the rows.
func TestAnEditOnAnOldVersionIsNotDone(t *testing.T) {
	w := newWorld(t)
	for id, body := range map[string]string{
		"updateOrganization": `{"title":"A"}`, "updateSystem": `{"owner":"a"}`, "updateMember": `{"name":"a"}`, "updateSchedule": `{"name":"a"}`,
		"updateWebhook": `{"enabled":false}`, "editThreat": `{"owner":"a"}`, "decideThreat": `{"action":"confirm","reason":"r"}`,
		"putCatalog": ownCatalog, "removeDocument": "",
	} {
		kind := "application/json"
		if id == "putCatalog" {
			kind = "application/yaml"
		}
		before := w.rows()
		a := w.do(w.admin, id, "", []byte(body), kind, "If-Match", `"9999"`)
		if a.status != http.StatusPreconditionFailed {
			t.Errorf("%s: %d %s", id, a.status, a.body)
			continue
		}
		problemIn(t, a.resp, a.body)
		w.unchanged(before, id)
	}
	read := w.do(w.admin, "getSystem", "", nil, "")
	a := w.do(w.admin, "updateSystem", "", []byte(`{"owner":"b"}`), "application/json", "If-Match", read.header.Get("ETag"))
	if a.status != 200 || a.header.Get("ETag") == read.header.Get("ETag") {
		t.Errorf("on the version that was read: %d, ETag %s", a.status, a.header.Get("ETag"))
	}
}
