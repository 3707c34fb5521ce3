// Package llmtest is a model endpoint for tests: an OpenAI-compatible server
// that answers from the request alone. It reads the numbered sentences and the
// short names out of the prompt, applies a handful of plain rules to them, and
// knows nothing else: a passage that is not in the prompt carries no threat.
//
// Like a real model it words every answer anew, in another order and with
// another weakness of the same family, whenever the test begins a new round.
// And it can play what goes wrong on the way: see [Fault].
package llmtest

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// Server is the endpoint. Make one with [New].
type Server struct {
	// Latency is how long every answer takes.
	Latency time.Duration
	// Claim is how the server answers same_as: see the constants.
	Claim Claim

	address string
	stop    chan struct{}

	mu       sync.Mutex
	server   *httptest.Server
	round    int
	faults   []*fault
	requests []*Request
	active   int
	peak     int
}

// Claim says what the server puts into same_as where former threats are shown.
type Claim int

// Claims.
const (
	ClaimNone  Claim = iota // always null
	ClaimFirst              // always the first former threat, right or wrong
)

// Request is one request as the log keeps it.
type Request struct {
	// Hash is of the body; two requests with the same hash asked the same.
	Hash  string
	Stage string
	// Mode is strict, object or text: how the schema came.
	Mode string
	// Repair is true for a turn that hands an answer back.
	Repair bool
	// System and User are the first two messages.
	System, User string
	// SchemaName and Schema are those of the answer; empty unless Mode is strict.
	SchemaName string
	Schema     json.RawMessage
	// Fault is what the server played, if anything.
	Fault Fault
	// Key is the API key, by which a test tells its callers apart.
	Key string
	// At is when the request had come, and Answered when its answer was
	// written; the zero time while it is not, and where the caller had gone.
	At, Answered time.Time
}

// New starts a server that lives as long as the test.
func New(t testing.TB) *Server {
	s := &Server{stop: make(chan struct{})}
	s.server = httptest.NewServer(http.HandlerFunc(s.handle))
	s.address = s.server.Listener.Addr().String()
	t.Cleanup(func() {
		close(s.stop)
		s.Away()
	})
	return s
}

// URL is the base URL, with /v1.
func (s *Server) URL() string { return "http://" + s.address + "/v1" }

// Away cuts what is under way, and lets connections be refused until [Server.Back].
func (s *Server) Away() {
	s.mu.Lock()
	server := s.server
	s.server = nil
	s.mu.Unlock()
	if server != nil {
		server.CloseClientConnections()
		server.Close()
	}
}

// Back listens again, under the same address.
func (s *Server) Back() error {
	listener, err := net.Listen("tcp", s.address)
	if err != nil {
		return fmt.Errorf("listening again: %w", err)
	}
	server := httptest.NewUnstartedServer(http.HandlerFunc(s.handle))
	_ = server.Listener.Close() // one of its own, which nobody knows
	server.Listener = listener
	server.Start()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.server = server
	return nil
}

// NextRound makes the server word everything anew from here on.
func (s *Server) NextRound() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.round++
}

// Requests is the log so far.
func (s *Server) Requests() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]Request, len(s.requests))
	for i, r := range s.requests {
		out[i] = *r
	}
	return out
}

// Forget empties the log.
func (s *Server) Forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests, s.peak = nil, 0
}

// Peak is the greatest number of requests that were under way at once.
func (s *Server) Peak() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.peak
}

// message is one turn of the request.
type message struct {
	Role    string `json:"role"`
	Content string `json:"content"`
}

// body is what the server reads of a request.
type body struct {
	Model          string    `json:"model"`
	Messages       []message `json:"messages"`
	ResponseFormat *struct {
		Type       string `json:"type"`
		JSONSchema *struct {
			Name   string          `json:"name"`
			Strict bool            `json:"strict"`
			Schema json.RawMessage `json:"schema"`
		} `json:"json_schema"`
	} `json:"response_format"`
}

// mode is how the schema came.
func (b *body) mode() string {
	switch {
	case b.ResponseFormat == nil:
		return "text"
	case b.ResponseFormat.JSONSchema != nil:
		return "strict"
	}
	return "object"
}

func (s *Server) handle(w http.ResponseWriter, r *http.Request) {
	raw, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	var b body
	if err := json.Unmarshal(raw, &b); err != nil || len(b.Messages) < 2 {
		fail(w, http.StatusBadRequest, "no chat request")
		return
	}
	sum := sha256.Sum256(raw)
	req := Request{
		Hash: hex.EncodeToString(sum[:8]), Stage: stageOf(&b), Mode: b.mode(), Repair: len(b.Messages) > 2,
		System: b.Messages[0].Content, User: b.Messages[1].Content,
		Key: strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "), At: time.Now(),
	}
	if req.Mode == "strict" {
		req.SchemaName, req.Schema = b.ResponseFormat.JSONSchema.Name, b.ResponseFormat.JSONSchema.Schema
	}
	f := s.begin(&req)
	defer s.end()
	if !s.sleep(r, s.Latency) || (f != nil && s.play(w, r, f, &b)) {
		return
	}
	s.answer(w, &b, req.Stage, f)
	s.answered(r, &req)
}

// answered notes that an answer was written, unless the caller has gone.
func (s *Server) answered(r *http.Request, req *Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r.Context().Err() == nil {
		req.Answered = time.Now()
	}
}

// begin logs a request and picks the fault to play.
func (s *Server) begin(req *Request) *fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.active++
	s.peak = max(s.peak, s.active)
	f := s.pick(req)
	if f != nil {
		req.Fault = f.kind
	}
	s.requests = append(s.requests, req)
	return f
}

func (s *Server) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.active--
}

// sleep waits, and reports false where the client or the test has gone.
func (s *Server) sleep(r *http.Request, d time.Duration) bool {
	if d <= 0 {
		return true
	}
	select {
	case <-time.After(d):
		return true
	case <-r.Context().Done():
	case <-s.stop:
	}
	return false
}

// answer writes an answer of the stage, spoiled where the fault says so.
func (s *Server) answer(w http.ResponseWriter, b *body, stage string, f *fault) {
	p := readPrompt(b.Messages[1].Content)
	p.variant = s.variant(b.Messages[1].Content)
	p.claim = s.Claim
	answer := answers[stage](p)
	if f != nil {
		spoil(answer, f.kind)
	}
	raw, err := json.Marshal(answer)
	if err != nil {
		fail(w, http.StatusInternalServerError, err.Error())
		return
	}
	content := string(raw)
	if b.mode() == "text" {
		content = "Here is what I found.\n```json\n" + content + "\n```\n"
	}
	reply(w, b, content, "stop")
}

// variant picks the wording: another in each round, and not the same for all
// prompts of one.
func (s *Server) variant(user string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	h := fnv.New32a()
	h.Write([]byte(user))
	return s.round + int(h.Sum32()%7)
}

// reply writes a completion.
func reply(w http.ResponseWriter, b *body, content, finish string) {
	in := 0
	for _, m := range b.Messages {
		in += len(m.Content)
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]any{
		"id": "chat", "object": "chat.completion", "model": b.Model,
		"choices": []any{map[string]any{"index": 0, "finish_reason": finish, "message": map[string]any{"role": "assistant", "content": content}}},
		"usage":   map[string]any{"prompt_tokens": in / 4, "completion_tokens": len(content)/4 + 1, "total_tokens": in/4 + len(content)/4 + 1},
	})
}

// fail writes an error as endpoints do.
func fail(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]any{"error": map[string]any{"message": text, "type": "test", "code": strconv.Itoa(status)}})
}
