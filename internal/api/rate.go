package api

import (
	"fmt"
	"math"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/google/uuid"
)

// buckets hold what each token may still ask: one bucket a token, which fills
// at a steady rate and empties by one a request.
type buckets struct {
	perSecond float64
	size      float64
	policy    string

	mu    sync.Mutex
	level map[uuid.UUID]bucket
	swept time.Time
}

type bucket struct {
	left float64
	at   time.Time
}

func newBuckets(r Rate) *buckets {
	return &buckets{
		perSecond: float64(r.PerMinute) / 60, size: float64(r.Burst),
		policy: fmt.Sprintf(`"token";q=%d;w=60`, r.PerMinute),
		level:  map[uuid.UUID]bucket{},
	}
}

// take counts a request and says in the header what is left, as the draft
// "RateLimit header fields for HTTP" has it. It gives a problem where nothing
// is.
func (b *buckets) take(h http.Header, token uuid.UUID, now time.Time) *problem {
	if b.perSecond < 0 {
		return nil
	}
	left, ok := b.spend(token, now)
	full := int(math.Ceil((b.size - left) / b.perSecond))
	h.Set("RateLimit-Policy", b.policy)
	h.Set("RateLimit", fmt.Sprintf(`"token";r=%d;t=%d`, int(left), full))
	if ok {
		return nil
	}
	wait := int(math.Ceil((1 - left) / b.perSecond))
	p := newProblem(kindRate, fmt.Sprintf("this token asks too often; wait %d s", wait))
	p.header.Set("Retry-After", strconv.Itoa(wait))
	return p
}

func (b *buckets) spend(token uuid.UUID, now time.Time) (left float64, ok bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.sweep(now)
	is, known := b.level[token]
	if !known {
		is = bucket{left: b.size, at: now}
	}
	is.left = b.filled(is, now)
	is.at = now
	if ok = is.left >= 1; ok {
		is.left--
	}
	b.level[token] = is
	return is.left, ok
}

func (b *buckets) filled(is bucket, now time.Time) float64 {
	return math.Min(b.size, is.left+math.Max(0, now.Sub(is.at).Seconds())*b.perSecond)
}

// sweep forgets, once a minute, the buckets that are full again.
func (b *buckets) sweep(now time.Time) {
	if now.Sub(b.swept) < time.Minute {
		return
	}
	b.swept = now
	for token, is := range b.level {
		if b.filled(is, now) >= b.size {
			delete(b.level, token)
		}
	}
}
