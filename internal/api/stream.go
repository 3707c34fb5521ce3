package api

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
	"github.com/google/uuid"

	"github.com/bartizan-security/bartizan/internal/service"
	"github.com/bartizan-security/bartizan/pkg/resource"
)

// Follow is where in a stream of events a client wants to go on.
type Follow struct {
	LastEventID string `header:"Last-Event-ID" maxLength:"30" doc:"id of the last event that was received: those after it Follow"`
	Ticket      string `query:"ticket" maxLength:"4000" doc:"A ticket in place of the Authorization header, for a browser's EventSource"`
}

func (f Follow) after() (int64, error) {
	if f.LastEventID == "" {
		return 0, nil
	}
	n, err := strconv.ParseInt(f.LastEventID, 10, 64)
	if err != nil || n < 0 {
		return 0, &service.Error{Kind: service.KindInvalid, Pointer: "Last-Event-ID", Message: "it must be the id of an event"}
	}
	return n, nil
}

// stream is an answer of server-sent events.
type stream struct{ Body func(huma.Context) }

// writeWithin is how long a client may take to receive one event.
const writeWithin = 30 * time.Second

// events opens the stream of an analysis or batch. final says that nothing is
// going on any more.
func (s *server) events(ctx context.Context, a service.Actor, subject uuid.UUID, in Follow, final bool) (*stream, error) {
	after, err := in.after()
	if err != nil {
		return nil, err
	}
	ctx, stop := context.WithTimeout(ctx, s.cfg.StreamFor)
	source, err := s.cfg.Service.Events(ctx, a, subject, after)
	if err != nil {
		stop()
		return nil, err
	}
	return &stream{Body: func(hc huma.Context) {
		defer stop()
		_, w := humago.Unwrap(hc)
		if hc.Method() == http.MethodHead {
			w.Header().Set("Content-Type", "text/event-stream")
			return
		}
		if final && after > 0 {
			if first, open := <-source; open {
				s.send(ctx, w, source, &first)
				return
			}
			w.WriteHeader(http.StatusNoContent) // tells an EventSource to stop coming back
			return
		}
		s.send(ctx, w, source, nil)
	}}, nil
}

// send writes events until there are no more, the client is gone, or the time
// for one stream is over; then the client comes back with the last id.
func (s *server) send(ctx context.Context, w http.ResponseWriter, source <-chan resource.Event, first *resource.Event) {
	e := &eventWriter{w: w, control: http.NewResponseController(w)}
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("X-Accel-Buffering", "no") // proxies must not wait for more
	w.WriteHeader(http.StatusOK)
	e.write("retry: 2000\n\n")
	if first != nil {
		e.event(*first)
	}
	beat := time.NewTicker(s.cfg.Heartbeat)
	defer beat.Stop()
	for e.err == nil {
		select {
		case <-ctx.Done():
			return
		case <-beat.C:
			e.write(": still here\n\n")
		case event, open := <-source:
			if !open {
				if ctx.Err() == nil {
					e.write("event: end\ndata: {}\n\n")
				}
				return
			}
			e.event(event)
		}
	}
}

// eventWriter writes server-sent events; after an error it writes no more.
type eventWriter struct {
	w       http.ResponseWriter
	control *http.ResponseController
	err     error
}

func (e *eventWriter) event(v resource.Event) {
	data, err := json.Marshal(v)
	if err != nil {
		e.err = err
		return
	}
	e.write(fmt.Sprintf("id: %d\nevent: %s\ndata: %s\n\n", v.ID, v.Kind, data))
}

func (e *eventWriter) write(s string) {
	if e.err != nil {
		return
	}
	_ = e.control.SetWriteDeadline(time.Now().Add(writeWithin)) // a recorder in tests has no connection
	if _, e.err = e.w.Write([]byte(s)); e.err == nil {
		e.err = e.control.Flush()
	}
}
