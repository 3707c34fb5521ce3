package client

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/bartizan-security/bartizan/pkg/resource"
)

// Analyze asks for an analysis of a system.
func (c *Client) Analyze(ctx context.Context, system string, in resource.NewAnalysis) (resource.Analysis, error) {
	return post[resource.Analysis](ctx, c, path("systems", system, "analyses"), in)
}

// Estimate says what an analysis would cost.
func (c *Client) Estimate(ctx context.Context, system string, fresh bool) (resource.Estimate, error) {
	query := values()
	if fresh {
		query.Set("fresh", "true")
	}
	return get[resource.Estimate](ctx, c, path("systems", system, "estimate"), query)
}

// Analyses lists a system's analyses, newest first.
func (c *Client) Analyses(ctx context.Context, system string) iter.Seq2[resource.Analysis, error] {
	return pages[resource.Analysis](ctx, c, path("systems", system, "analyses"), nil)
}

// Analysis is one analysis.
func (c *Client) Analysis(ctx context.Context, id string) (resource.Analysis, error) {
	return get[resource.Analysis](ctx, c, path("analyses", id), nil)
}

// CancelAnalysis asks an analysis to stop.
func (c *Client) CancelAnalysis(ctx context.Context, id string) (resource.Analysis, error) {
	return post[resource.Analysis](ctx, c, path("analyses", id, "cancel"), nil)
}

// Event is one event of a stream.
type Event struct {
	ID int64 `json:"id"`
	// Kind is progress, state or item.
	Kind string          `json:"kind"`
	At   time.Time       `json:"at"`
	Data json.RawMessage `json:"data"`
}

// Progress reads an event of that kind.
func (e Event) Progress() (resource.Progress, error) {
	var p resource.Progress
	return p, json.Unmarshal(e.Data, &p)
}

// FollowAnalysis follows the events of an analysis, those after the given id
// first, until nothing more will come. Where the connection breaks it is made
// again and no event is lost. After an error there are no more.
func (c *Client) FollowAnalysis(ctx context.Context, id string, after int64) iter.Seq2[Event, error] {
	return c.follow(ctx, path("analyses", id, "events"), after)
}

// FollowBatch follows the events of a batch, as FollowAnalysis does.
func (c *Client) FollowBatch(ctx context.Context, id string, after int64) iter.Seq2[Event, error] {
	return c.follow(ctx, path("batches", id, "events"), after)
}

// errNoStream says that something between here and the server lets no stream
// through.
var errNoStream = errors.New("the answer is no stream of events")

// follow opens streams one after the other. Streams that give nothing count
// as failures, and a server that gives none in a row as one that cannot.
func (c *Client) follow(ctx context.Context, path string, after int64) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		failures := 0
		for {
			before := after
			ended, enough, err := c.stream(ctx, path, &after, yield)
			if ended || enough {
				return
			}
			if after > before {
				failures = 0
			}
			var told *Problem
			if ctx.Err() != nil {
				yield(Event{}, ctx.Err())
				return
			}
			if errors.As(err, &told) || errors.Is(err, errNoStream) || failures >= c.retries && err != nil {
				yield(Event{}, err)
				return
			}
			if err != nil {
				failures++
			}
			if err := c.sleep(ctx, c.wait(failures, 0)); err != nil {
				yield(Event{}, err)
				return
			}
		}
	}
}

// stream reads one stream. ended says that nothing more will come; a nil error
// without it, that the server ended the stream and waits for the next.
func (c *Client) stream(ctx context.Context, path string, after *int64, yield func(Event, error) bool) (ended, enough bool, err error) {
	header := http.Header{}
	if *after > 0 {
		header.Set("Last-Event-ID", strconv.FormatInt(*after, 10))
	}
	resp, err := c.send(ctx, request{method: http.MethodGet, path: path, accept: "text/event-stream", header: header})
	if err != nil {
		return false, false, err
	}
	defer resp.Body.Close() // not drained: it does not end
	if resp.StatusCode == http.StatusNoContent {
		return true, false, nil
	}
	if kind, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type")); kind != "text/event-stream" {
		return false, false, errNoStream
	}
	lines := bufio.NewReader(resp.Body)
	for {
		name, data, err := readEvent(lines)
		switch {
		case errors.Is(err, io.EOF):
			return false, false, nil
		case err != nil:
			return false, false, fmt.Errorf("following %s: %w", path, err)
		case name == "end":
			return true, false, nil
		case data == "":
			continue
		}
		var e Event
		if err := json.Unmarshal([]byte(data), &e); err != nil {
			return false, false, fmt.Errorf("reading an event of %s: %w", path, err)
		}
		*after = e.ID
		if !yield(e, nil) {
			return false, true, nil
		}
	}
}

// readEvent reads one message of a stream: lines up to an empty one.
func readEvent(r *bufio.Reader) (name, data string, err error) {
	var text []string
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			return "", "", err // half a message is none
		}
		line = strings.TrimRight(line, "\r\n")
		if line == "" {
			return name, strings.Join(text, "\n"), nil
		}
		field, value, _ := strings.Cut(line, ":")
		value = strings.TrimPrefix(value, " ")
		switch field {
		case "event":
			name = value
		case "data":
			text = append(text, value)
		}
	}
}

// WaitForAnalysis waits until an analysis is in a final state, and gives it. It
// follows the events, of which it tells seen, if that is not nil; where events
// do not come through, it asks now and then.
//
// A state such as failed is no error: see [resource.Analysis.State].
func (c *Client) WaitForAnalysis(ctx context.Context, id string, seen func(Event)) (resource.Analysis, error) {
	return waitFor(ctx, c, c.FollowAnalysis(ctx, id, 0), seen,
		func() (resource.Analysis, error) { return c.Analysis(ctx, id) },
		func(a resource.Analysis) bool { return a.State.Final() })
}

// WaitForBatch waits until a batch is done, cancelled or failed, or, where it is
// not to start by itself, planned.
func (c *Client) WaitForBatch(ctx context.Context, id string, seen func(Event)) (resource.Batch, error) {
	return waitFor(ctx, c, c.FollowBatch(ctx, id, 0), seen,
		func() (resource.Batch, error) { return c.Batch(ctx, id) },
		func(b resource.Batch) bool { return b.State != "planning" && b.State != "running" })
}

// waitFor follows events; each that tells of a state has the resource read.
// What the resource says counts, not the events.
func waitFor[T any](ctx context.Context, c *Client, events iter.Seq2[Event, error], seen func(Event), read func() (T, error), final func(T) bool) (T, error) {
	v, err := read()
	if err != nil || final(v) {
		return v, err
	}
	for e, err := range events {
		if err != nil {
			break // asked for below
		}
		if seen != nil {
			seen(e)
		}
		if e.Kind != "state" {
			continue
		}
		if v, err = read(); err != nil || final(v) {
			return v, err
		}
	}
	for {
		if v, err = read(); err != nil || final(v) {
			return v, err
		}
		if err := c.sleep(ctx, c.poll); err != nil {
			return v, fmt.Errorf("waiting: %w", err)
		}
	}
}
