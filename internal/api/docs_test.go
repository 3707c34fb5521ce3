package api_test

import (
	"context"
	"net/http"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
)

// TestDocsAskNobodyElse holds, in a real browser, that the reference is shown
// and that no request leaves the host.
func TestDocsAskNobodyElse(t *testing.T) {
	path, err := exec.LookPath("chromium")
	if err != nil {
		t.Skip("no chromium at hand")
	}
	server := serve(t, config(newFake()))
	ctx, stop := chromedp.NewContext(context.Background(), chromedp.WithAllocatorOptions(chromedp.ExecPath(path), chromedp.NoSandbox))
	t.Cleanup(stop)
	var mu sync.Mutex
	var asked, faults []string
	err = chromedp.Do(ctx, chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		if _, err := cdp.Call(ctx, target, log.Enable, cdp.Empty{}); err != nil {
			return err
		}
		_, err := cdp.Call(ctx, target, network.Enable, network.EnableParams{})
		return err
	}))
	if err != nil {
		t.Fatal(err)
	}
	err = chromedp.Listen(ctx, func(ev any) {
		mu.Lock()
		defer mu.Unlock()
		switch e := ev.(type) {
		case *network.EventRequestWillBeSent:
			asked = append(asked, e.Request.URL)
		case *log.EventEntryAdded: // a violation of the policy is one
			faults = append(faults, e.Entry.Text)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	limited, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	if err := chromedp.Do(limited, chromedp.Navigate(server.URL+"/docs"), chromedp.WaitVisible(`#operations-Threats-listThreats`)); err != nil {
		t.Fatalf("the reference is not shown: %v\nasked %q\nfaults %q", err, asked, faults)
	}
	if err := chromedp.Do(limited, chromedp.Click(`#operations-Threats-decideThreat button`), chromedp.WaitVisible(`#operations-Threats-decideThreat .parameters`)); err != nil {
		t.Fatalf("an operation does not open: %v", err)
	}
	mu.Lock()
	defer mu.Unlock()
	if !slices.Contains(asked, server.URL+"/openapi.json") {
		t.Errorf("the page did not ask for the description: %q", asked)
	}
	for _, url := range asked {
		if !strings.HasPrefix(url, server.URL+"/") && !strings.HasPrefix(url, "data:") && !strings.HasPrefix(url, "blob:") {
			t.Errorf("a request left the host: %s", url)
		}
	}
	if len(faults) > 0 {
		t.Errorf("the browser complains: %q", faults)
	}
}

// TestDocsAreServedCompressedAndPlain holds that every client can read them.
func TestDocsAreServedCompressedAndPlain(t *testing.T) {
	server := serve(t, config(newFake()))
	resp, raw := call(t, server, http.MethodGet, "/docs/swagger-ui-bundle.js", nil, "Authorization", "", "Accept-Encoding", "identity")
	if resp.StatusCode != 200 || resp.Header.Get("Content-Encoding") != "" || !strings.Contains(string(raw), "SwaggerUIBundle") {
		t.Errorf("plain: %d %v", resp.StatusCode, resp.Header)
	}
	resp, raw = call(t, server, http.MethodGet, "/docs/swagger-ui-bundle.js", nil, "Authorization", "", "Accept-Encoding", "gzip")
	if resp.Header.Get("Content-Encoding") != "gzip" || raw[0] != 0x1f {
		t.Errorf("compressed: %v", resp.Header)
	}
	resp, _ = call(t, server, http.MethodGet, "/docs", nil, "Authorization", "")
	if policy := resp.Header.Get("Content-Security-Policy"); !strings.HasPrefix(policy, "default-src 'none'; script-src 'self'; ") || strings.Contains(policy, "http") || strings.Contains(policy, "eval") {
		t.Errorf("policy %q", policy)
	}
}
