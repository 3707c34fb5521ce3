package api_test

import (
	"net/http"
	"testing"
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
