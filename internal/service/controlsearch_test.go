package service_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/bartizan-security/bartizan/internal/service"
	"github.com/bartizan-security/bartizan/pkg/resource"
)

// controls are the references of what a search finds.
func (b *bench) controls(a service.Actor, words, catalog string, limit int) []string {
	b.t.Helper()
	found, err := b.SearchControls(b.t.Context(), a, words, catalog, limit)
	b.must(err)
	var out []string
	for _, c := range found {
		out = append(out, c.Catalog+":"+c.ID)
	}
	return out
}

func among(list []string, wanted string) bool {
	return strings.Contains(" "+strings.Join(list, " ")+" ", " "+wanted+" ")
}

// TestSearchOfControls finds by words, by id and by meaning, in what comes with the
// program and in the organization's own, which others do not see.
func TestSearchOfControls(t *testing.T) {
	b := newBench(t)
	ctx := t.Context()
	own, err := b.PutCatalog(ctx, b.admin, "own", []byte(ownCatalog), 0)
	b.must(err)
	for _, tt := range []struct{ rule, words, catalog, want string }{
		{"by words of the title", "use of cryptography", "iso27001-2022", "iso27001-2022:A.8.24"},
		{"by what designs say", "tls and at rest encryption with keys in a kms", "iso27001-2022", "iso27001-2022:A.8.24"},
		{"by meaning, without a word of it", "all staff log on with the same credential", "own", "own:R-2"},
		{"in all catalogs", "whatever leaves the company is encrypted", "", "own:R-1"},
		{"by id", "A.5.3", "iso27001-2022", "iso27001-2022:A.5.3"},
	} {
		if got := b.controls(b.admin, tt.words, tt.catalog, 3); !among(got, tt.want) || len(got) > 3 {
			t.Errorf("%s: %q found %v, want %s among the first three", tt.rule, tt.words, got, tt.want)
		}
	}
	for _, ref := range b.controls(b.admin, "encryption", "own", 0) {
		if !strings.HasPrefix(ref, "own:") {
			t.Errorf("in one catalog %s of another was found", ref)
		}
	}

	stranger := b.organization("stranger")
	_, err = b.SearchControls(ctx, stranger, "encryption", "own", 0)
	wantKind(t, err, service.KindNotFound, "a catalog of another tenant")
	if got := b.controls(stranger, "exports encrypted", "", 100); among(got, "own:R-1") {
		t.Errorf("another tenant found %v", got)
	}
	_, err = b.PutCatalog(ctx, stranger, "own", []byte(strings.ReplaceAll(ownCatalog, "R-", "S-")), 0)
	b.must(err)
	if got := b.controls(stranger, "exports encrypted", "own", 1); len(got) != 1 || got[0] != "own:S-1" {
		t.Errorf("in a catalog of the same name: %v", got)
	}

	_, err = b.PutCatalog(ctx, b.admin, "own", []byte(strings.Replace(ownCatalog, "Exports are encrypted", "Parcels are weighed", 1)), own.Revision)
	b.must(err)
	found, err := b.SearchControls(ctx, b.admin, "parcels weighed", "own", 1)
	b.must(err)
	if len(found) != 1 || found[0].Title != "Parcels are weighed" {
		t.Errorf("after a change of the catalog: %+v", found)
	}
	for name, call := range map[string]func() error{
		"no words":       func() error { _, err := b.SearchControls(ctx, b.admin, " ", "", 0); return err },
		"too many words": func() error { _, err := b.SearchControls(ctx, b.admin, strings.Repeat("w", 1001), "", 0); return err },
		"limit":          func() error { _, err := b.SearchControls(ctx, b.admin, "w", "", 101); return err },
	} {
		wantKind(t, call(), service.KindInvalid, name)
	}
	nobody := service.Actor{Organization: b.admin.Organization, Role: resource.RoleAdmin}
	_, err = b.SearchControls(ctx, nobody, "w", "", 0)
	wantKind(t, err, service.KindForbidden, "without a scope")
}

// TestVectorsOfControlsArePaidForOnce: an endpoint's vectors are kept; where it is
// away, words find.
func TestVectorsOfControlsArePaidForOnce(t *testing.T) {
	var asked, away atomic.Int64
	endpoint := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if away.Load() > 0 {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		asked.Add(1)
		answerEmbeddings(w, r)
	}))
	defer endpoint.Close()
	b := newBench(t, func(c *service.Config) {
		c.Model.EmbeddingModel, c.Model.EmbeddingBaseURL = "vectors", endpoint.URL
	})
	if got := b.controls(b.admin, "use of cryptography", "iso27001-2022", 3); !among(got, "iso27001-2022:A.8.24") {
		t.Errorf("found %v", got)
	}
	first := asked.Load()
	b.controls(b.admin, "use of cryptography", "iso27001-2022", 3)
	again, err := service.New(service.Config{DB: b.db, Version: "test", Model: service.Model{EmbeddingModel: "vectors", EmbeddingBaseURL: endpoint.URL}})
	b.must(err)
	defer again.Close()
	_, err = again.SearchControls(t.Context(), b.admin, "use of cryptography", "iso27001-2022", 3)
	b.must(err)
	if n := asked.Load(); first == 0 || n != first {
		t.Errorf("%d requests for vectors, %d after another process searched for the same", first, n)
	}
	away.Store(1)
	if got := b.controls(b.admin, "segregation of duties", "iso27001-2022", 3); !among(got, "iso27001-2022:A.5.3") {
		t.Errorf("without the endpoint: %v", got)
	}
}

// TestManyCatalogsDoNotFillTheMemory: indexes that were not used for longest are
// dropped, and made again.
func TestManyCatalogsDoNotFillTheMemory(t *testing.T) {
	const most = 100
	b := newBench(t)
	b.BoundControls(most)
	for i := range 3 {
		var y strings.Builder
		fmt.Fprintf(&y, "id: big-%d\ntitle: Big\nedition: \"1\"\ncontrols:\n", i)
		for j := range 45 {
			fmt.Fprintf(&y, "  - {id: C-%d, title: Rule %d, theme: t, summary: Thing %d is done., design_visible: yes, look_for: [thing %d]}\n", j, j, j, j)
		}
		_, err := b.PutCatalog(t.Context(), b.admin, fmt.Sprintf("big-%d", i), []byte(y.String()), 0)
		b.must(err)
	}
	for range 2 {
		for i := range 3 {
			id := fmt.Sprintf("big-%d", i)
			if got := b.controls(b.admin, "C-27", id, 1); len(got) != 1 || got[0] != id+":C-27" {
				t.Errorf("in %s: %v", id, got)
			}
			if held := b.ControlsHeld(); held > most || held < 45 {
				t.Errorf("%d controls are held", held)
			}
		}
	}
}

// answerEmbeddings answers as an embeddings endpoint does; a text's vector counts
// its letters.
func answerEmbeddings(w http.ResponseWriter, r *http.Request) {
	var in struct{ Input []string }
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	var data []map[string]any
	for i, text := range in.Input {
		v := make([]float32, 26)
		for _, c := range strings.ToLower(text) {
			if c >= 'a' && c <= 'z' {
				v[c-'a']++
			}
		}
		data = append(data, map[string]any{"object": "embedding", "index": i, "embedding": v})
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]any{
		"object": "list", "model": "vectors", "data": data, "usage": map[string]int{"prompt_tokens": 1, "total_tokens": 1},
	})
}
