package llmtest

import (
	"net/http"
	"strings"
	"time"
)

// Fault is something that goes wrong between a client and a model.
type Fault string

// Faults of the transport and of the model.
const (
	RateLimited  Fault = "rate_limited"    // 429 with Retry-After: 1
	ServerError  Fault = "server_error"    // 500
	ErrorInside  Fault = "error_inside"    // 200 with an error in the body
	Hang         Fault = "hang"            // no answer until the client gives up
	Refusal      Fault = "refusal"         // the model declines
	Truncation   Fault = "truncation"      // finish_reason length
	Empty        Fault = "empty"           // no content
	BrokenJSON   Fault = "broken_json"     // half an object
	WrongShape   Fault = "wrong_shape"     // JSON that is not of the schema
	NoStrict     Fault = "no_strict"       // 400: json_schema is not supported
	NoFormat     Fault = "no_format"       // 400: response_format is not supported
	Unauthorized Fault = "unauthorized"    // 401
	UnknownAlias Fault = "unknown_alias"   // the first threat names an element that is not listed
	WrongWords   Fault = "wrong_words"     // citations whose words and number disagree
	BareVerdict  Fault = "verdict_uncited" // a challenge verdict that cites nothing
)

// fault is one that was ordered.
type fault struct {
	kind  Fault
	stage string
	left  int
}

// Play makes the next n requests of a stage, or of any where it is empty, go
// wrong. n < 0 is for ever. What was ordered first is played first.
func (s *Server) Play(kind Fault, stage string, n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = append(s.faults, &fault{kind, stage, n})
}

// pick takes the fault for a request; the caller holds the lock.
func (s *Server) pick(req *Request) *fault {
	for _, f := range s.faults {
		if f.left == 0 || (f.stage != "" && f.stage != req.Stage) || !f.fits(req) {
			continue
		}
		f.left--
		return f
	}
	return nil
}

// fits leaves out the requests that the fault has nothing to say to.
func (f *fault) fits(req *Request) bool {
	switch f.kind {
	case NoStrict:
		return req.Mode == "strict"
	case NoFormat:
		return req.Mode != "text"
	}
	return true
}

// play carries out a fault of the transport and reports whether that was the
// whole answer.
func (s *Server) play(w http.ResponseWriter, r *http.Request, f *fault, b *body) bool {
	switch f.kind {
	case RateLimited:
		w.Header().Set("Retry-After", "1")
		fail(w, http.StatusTooManyRequests, "slow down")
	case ServerError:
		fail(w, http.StatusInternalServerError, "something broke")
	case ErrorInside:
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(`{"error":{"message":"upstream failed","code":502}}`))
	case Hang:
		s.sleep(r, time.Hour)
	case Refusal:
		refuse(w, b)
	case Truncation:
		reply(w, b, `{"threats":[{"title":"cut o`, "length")
	case Empty:
		reply(w, b, "", "stop")
	case BrokenJSON:
		reply(w, b, `{"threats": [`, "stop")
	case WrongShape:
		reply(w, b, `{"answer": 42}`, "stop")
	case NoStrict:
		fail(w, http.StatusBadRequest, "response_format of type json_schema is not supported")
	case NoFormat:
		fail(w, http.StatusBadRequest, "unknown field response_format")
	case Unauthorized:
		fail(w, http.StatusUnauthorized, "wrong key "+strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "))
	default:
		return false
	}
	return true
}

func refuse(w http.ResponseWriter, b *body) {
	reply(w, b, "", "content_filter")
}

// spoil makes an answer wrong in the way the fault says.
func spoil(answer object, kind Fault) {
	switch kind {
	case UnknownAlias:
		for _, t := range list(answer["threats"]) {
			t["element"] = "E99"
			return
		}
	case WrongWords:
		for _, key := range []string{"threats", "elements", "flows", "verdicts"} {
			for _, t := range list(answer[key]) {
				for _, c := range list(t["citations"]) {
					c["words"] = "words that stand nowhere in it"
				}
			}
		}
	case BareVerdict:
		for _, v := range list(answer["verdicts"]) {
			v["citations"] = []object{}
		}
	}
}

func list(v any) []object {
	out, _ := v.([]object)
	return out
}
