package api_test

import (
	"bufio"
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/bartizan-security/bartizan/pkg/resource"
)

// threeEvents are what a fake analysis has told so far.
func threeEvents(after int64) []resource.Event {
	var out []resource.Event
	for id := after + 1; id <= 3; id++ {
		out = append(out, resource.Event{ID: id, Kind: "progress", At: moment, Data: resource.Progress{Stage: "elicit", Done: int(id)}})
	}
	return out
}

// lines opens a stream and gives its lines.
func lines(t *testing.T, url string, header ...string) (*http.Response, *bufio.Scanner) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { resp.Body.Close() })
	return resp, bufio.NewScanner(resp.Body)
}

// until reads lines up to one that begins so.
func until(t *testing.T, s *bufio.Scanner, prefix string) []string {
	t.Helper()
	var out []string
	for s.Scan() {
		out = append(out, s.Text())
		if strings.HasPrefix(s.Text(), prefix) {
			return out
		}
	}
	t.Fatalf("the stream ended before %q: %q %v", prefix, out, s.Err())
	return nil
}

// TestAStreamGoesOnWhereItBroke holds that no event is lost or told twice.
func TestAStreamGoesOnWhereItBroke(t *testing.T) {
	f := newFake()
	f.events = threeEvents
	cfg := config(f)
	cfg.Heartbeat = 10 * time.Millisecond
	server := serve(t, cfg)
	url := server.URL + "/v1/analyses/" + analysisID + "/events"
	resp, s := lines(t, url, "Authorization", "Bearer "+goodToken)
	if resp.StatusCode != 200 || resp.Header.Get("Content-Type") != "text/event-stream" || resp.Header.Get("Cache-Control") != "no-store" {
		t.Fatalf("%d %v", resp.StatusCode, resp.Header)
	}
	if got := strings.Join(until(t, s, "id: 2"), "\n"); !strings.Contains(got, `data: {"id":1,"kind":"progress"`) || !strings.Contains(got, "event: progress") {
		t.Errorf("got %s", got)
	}
	resp.Body.Close()
	_, s = lines(t, url, "Authorization", "Bearer "+goodToken, "Last-Event-ID", "2")
	got := until(t, s, "id: ")
	if got[len(got)-1] != "id: 3" {
		t.Errorf("after 2 came %q", got)
	}
	until(t, s, ": still here") // and the silent stream shows that it is alive
}

func TestAStreamEndsWhenAllIsOver(t *testing.T) {
	f := newFake()
	f.events, f.state = threeEvents, resource.AnalysisDone
	url := serve(t, config(f)).URL + "/v1/analyses/" + analysisID + "/events"
	_, s := lines(t, url, "Authorization", "Bearer "+goodToken)
	until(t, s, "event: end")
	resp, _ := lines(t, url, "Authorization", "Bearer "+goodToken, "Last-Event-ID", "3")
	if resp.StatusCode != http.StatusNoContent {
		t.Errorf("nothing is left to tell, and the status is %d", resp.StatusCode)
	}
}

func TestAStreamLastsNoLongerThanItMay(t *testing.T) {
	f := newFake()
	f.events = threeEvents
	cfg := config(f)
	cfg.StreamFor = 20 * time.Millisecond
	_, s := lines(t, serve(t, cfg).URL+"/v1/analyses/"+analysisID+"/events", "Authorization", "Bearer "+goodToken)
	for s.Scan() { // ends by itself
		if strings.HasPrefix(s.Text(), "event: end") {
			t.Error("the analysis goes on, and its stream says that it ended")
		}
	}
}

// TestATicketOpensOneStreamOnce holds what makes a ticket harmless in a log.
func TestATicketOpensOneStreamOnce(t *testing.T) {
	f := newFake()
	f.events, f.state = threeEvents, resource.AnalysisDone
	cfg := config(f)
	now := moment
	cfg.Now = func() time.Time { return now }
	server := serve(t, cfg)
	path := "/v1/analyses/" + analysisID + "/events"
	issue := func() resource.Ticket {
		resp, raw := call(t, server, "POST", "/v1/tickets", strings.NewReader(`{"path":"`+path+`"}`))
		var ticket resource.Ticket
		if err := json.Unmarshal(raw, &ticket); err != nil || resp.StatusCode != 201 {
			t.Fatalf("%d %s", resp.StatusCode, raw)
		}
		return ticket
	}
	open := func(address string) int {
		resp, _ := lines(t, server.URL+address)
		return resp.StatusCode
	}
	first := issue()
	if got := open(first.URL); got != 200 {
		t.Fatalf("status %d", got)
	}
	if got := open(first.URL); got != 401 {
		t.Errorf("a second time: %d", got)
	}
	second := issue()
	other := strings.Replace(second.URL, "/analyses/"+analysisID, "/analyses/anl_00000000000000000000000000", 1)
	if got := open(other); got != 401 {
		t.Errorf("another stream: %d", got)
	}
	if got := open("/v1/systems?ticket=" + second.Ticket); got != 401 {
		t.Errorf("no stream at all: %d", got)
	}
	if got := open(path + "?ticket=" + second.Ticket[:len(second.Ticket)-2] + "AA"); got != 401 {
		t.Errorf("a forged one: %d", got)
	}
	now = now.Add(time.Minute + time.Second)
	if got := open(second.URL); got != 401 {
		t.Errorf("after its time: %d", got)
	}
}

// TestAStreamThatNobodyReadsEnds holds that what was opened is closed when the
// client has gone.
func TestAStreamThatNobodyReadsEnds(t *testing.T) {
	f := newFake()
	gone := make(chan struct{})
	f.events = func(int64) []resource.Event { return nil }
	server := serve(t, config(closing{f, gone}))
	ctx, stop := context.WithCancel(t.Context())
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, server.URL+"/v1/analyses/"+analysisID+"/events", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+goodToken)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	stop()
	resp.Body.Close()
	<-gone
}
