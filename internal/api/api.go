// Package api is the service over HTTP: it reads requests, calls one use case
// each, and says what came of it. It decides nothing: rights, rules and data
// are the service's.
//
// Everything under /v1 wants a token. /openapi.json describes it all, /docs
// shows that to people, from this binary alone.
package api

import (
	"log/slog"
	"net/http"
	"time"
)

// Config says what the API stands on and how much it takes.
type Config struct {
	Service Service
	// Log gets one line a request; nil for slog.Default.
	Log *slog.Logger
	// Now is the clock; nil for time.Now.
	Now func() time.Time
	// Version of the program, as /openapi.json tells it.
	Version string
	// TicketKey signs tickets: at least 32 random bytes, the same in all
	// processes that answer under one address.
	TicketKey []byte
	// TempDir is where files of an upload lie whose metadata come after them;
	// empty for the system's.
	TempDir string

	Limits Limits
	Rate   Rate
	// Origins are the web origins, such as https://portal.example.com, whose
	// scripts may call; none by default.
	Origins []string
	// Heartbeat is how often a silent stream of events shows that it is
	// alive; 0 for 15 seconds.
	Heartbeat time.Duration
	// StreamFor is how long a stream of events lasts until the client has to
	// come back, and show again that it may; 0 for 15 minutes.
	StreamFor time.Duration
	// Observe is told of every answered request; nil for nobody. It is called
	// from many goroutines.
	Observe func(Observation)
}

// Limits bound what one request may hold. Zeroes stand for the defaults.
type Limits struct {
	// Body is the most bytes of JSON; 0 for 1 MiB.
	Body int64
	// Import is the most bytes of a threat model that is taken in; 0 for 64 MiB.
	Import int64
	// File is the most bytes of one document; 0 for 100 MiB.
	File int64
	// Upload is the most bytes of one upload; 0 for 512 MiB.
	Upload int64
	// Files is the most documents of one upload; 0 for 1000.
	Files int
	// Grace is how long a body may take beyond the time that it has at
	// BytesPerSecond; 0 for 30 seconds.
	Grace time.Duration
	// BytesPerSecond is the slowest line that is waited for; 0 for 8 KiB.
	BytesPerSecond int64
}

// Rate is how often one token may ask, in each process.
type Rate struct {
	// PerMinute is the steady rate; 0 for 1200, below 0 for no limit.
	PerMinute int
	// Burst is how many may come at once; 0 for PerMinute.
	Burst int
}

func (c Config) withDefaults() Config {
	if c.Log == nil {
		c.Log = slog.Default()
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	c.Limits = c.Limits.withDefaults()
	c.Rate.PerMinute = or(c.Rate.PerMinute, 1200)
	c.Rate.Burst = or(c.Rate.Burst, c.Rate.PerMinute)
	c.Heartbeat = or(c.Heartbeat, 15*time.Second)
	c.StreamFor = or(c.StreamFor, 15*time.Minute)
	return c
}

func (l Limits) withDefaults() Limits {
	return Limits{
		Body:   or(l.Body, 1<<20),
		Import: or(l.Import, 64<<20),
		File:   or(l.File, 100<<20),
		Upload: or(l.Upload, 512<<20),
		Files:  or(l.Files, 1000),
		Grace:  or(l.Grace, 30*time.Second), BytesPerSecond: or(l.BytesPerSecond, 8<<10),
	}
}

// or is the value, or another where it is zero.
func or[T comparable](value, otherwise T) T {
	var zero T
	if value == zero {
		return otherwise
	}
	return value
}

// minTicketKey is what keeps a signature from being guessed.
const minTicketKey = 32

// New makes the handler. It panics where the ticket key is too short to sign
// with: that is a fault of the program, not of its surroundings.
func New(cfg Config) http.Handler {
	if len(cfg.TicketKey) < minTicketKey {
		panic("api: a ticket key of at least 32 bytes is wanted")
	}
	s := newServer(cfg.withDefaults())
	return s.handler()
}

// server is the API with what it remembers between requests.
type server struct {
	cfg     Config
	mux     *http.ServeMux
	buckets *buckets
	tickets *tickets
	// spec is the description as it is served.
	spec []byte
}

func newServer(cfg Config) *server {
	s := &server{cfg: cfg, mux: http.NewServeMux(), buckets: newBuckets(cfg.Rate), tickets: newTickets(cfg.TicketKey)}
	s.spec = s.describe(s.operations())
	s.documentation()
	return s
}

// handler puts the layers around the routes, outermost first.
func (s *server) handler() http.Handler {
	return s.envelope(s.harden(s.cors(s.readable(s.patient(s.guard(s.dispatch()))))))
}
