package client_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/bartizan-security/bartizan/pkg/client"
	"github.com/bartizan-security/bartizan/pkg/resource"
)

// A portal creates a system, sends the design that the team has, waits for the
// analysis, and shows the threats.
func Example() {
	ctx := context.Background()
	ts := newServer().listen(nil)
	defer ts.Close()

	c, err := client.New(ts.URL, "btz_example")
	if err != nil {
		fmt.Println(err)
		return
	}
	system, err := c.CreateSystem(ctx, resource.NewSystem{Name: "Claims portal", Owner: "Team Claims", Criticality: "high"})
	if err != nil {
		fmt.Println(err)
		return
	}
	design := strings.NewReader("# Claims portal\n\nThe portal stores scans in a bucket that is readable by every employee.\n")
	uploaded, err := c.Upload(ctx, system.ID, client.UploadOptions{}, client.File{Reference: "docs/design.md", Content: design})
	if err != nil {
		fmt.Println(err)
		return
	}
	analysis, err := c.WaitForAnalysis(ctx, uploaded.Analysis.ID, func(e client.Event) {
		if p, err := e.Progress(); err == nil && e.Kind == "progress" {
			fmt.Printf("%s %d of %d\n", p.Stage, p.Done, p.Total)
		}
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("analysis:", analysis.State)
	for threat, err := range c.Threats(ctx, resource.ThreatFilter{System: system.ID, Risk: []string{"high", "critical"}}) {
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(threat.ID, threat.Risk, threat.Title)
	}
	// Output:
	// elicit 1 of 3
	// elicit 2 of 3
	// elicit 3 of 3
	// analysis: done
	// T-7K2M9Q high Scans of claims can be read by every employee
}

// A decision is made on the version of the threat that was looked at. Where
// somebody else was faster, nothing is done.
func ExampleClient_Decide() {
	ctx := context.Background()
	ts := newServer().listen(nil)
	defer ts.Close()
	c, err := client.New(ts.URL, "btz_example")
	if err != nil {
		fmt.Println(err)
		return
	}
	until := time.Date(2026, 9, 30, 0, 0, 0, 0, time.UTC)
	decision := resource.Decision{Action: "accept", Reason: "Only reachable from the office until the move.", Until: &until}

	threat, err := c.Decide(ctx, system, "T-7K2M9Q", decision, 2)
	if client.IsKind(err, client.KindPrecondition) {
		fmt.Println("somebody was faster; looking again")
		threat, err = c.Decide(ctx, system, "T-7K2M9Q", decision, 3)
	}
	fmt.Println(threat.Status, err)
	// Output:
	// somebody was faster; looking again
	// accepted <nil>
}

// A receiver of webhooks checks the signature before it reads the message.
func ExampleVerify() {
	handler := func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 1<<20))
		if err != nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		if err := client.Verify(r.Header, body, hookSecret, 5*time.Minute, time.Unix(1772366460, 0)); err != nil {
			fmt.Println("refused:", err)
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		fmt.Println("taken:", string(body))
	}
	message, _ := http.NewRequest(http.MethodPost, "/hooks/bartizan", strings.NewReader(hookBody))
	message.Header.Set("webhook-id", "msg_1")
	message.Header.Set("webhook-timestamp", hookTime)
	message.Header.Set("webhook-signature", hookSignature)
	handler(nil, message)
	// Output:
	// taken: {"type":"analysis.finished"}
}
