package postgres

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"
)

const (
	usualCourtesy = 20 * time.Millisecond
	// wordHolds is for how long another worker is taken to wait that said so. It
	// says so again every slotWait.
	wordHolds = 3 * slotWait
)

// scarce names a limit of which nothing is left; empty for none.
type scarce string

func ofOrganization(id uuid.UUID) scarce { return scarce("organization " + id.String()) }
func ofEndpoint(name string) scarce      { return scarce("endpoint " + name) }

// lineKey tells lines apart: calls of one organization to one endpoint.
type lineKey struct {
	organization uuid.UUID
	endpoint     string
}

// line is where calls of one kind wait in one worker, in the order in which they
// came. Only the first asks the database, so that those behind it cannot
// overtake it, and the database is not asked by all of them.
type line struct {
	lineKey
	waiting []*waiter
	// underWay is how many calls of the line were let in and have not ended.
	underWay int
	// full is what the first waits for, why is all that it was told of it.
	full scarce
	why  refusal
	// bell rings when it may be the first one's turn.
	bell chan struct{}
	// said and at are what others were told last of the line, and when.
	said word
	at   time.Time
}

// waiter is a call in a line.
type waiter struct {
	line *line
	// first is closed when nobody stands before it.
	first chan struct{}
	// told is why the first of the line has to wait.
	told chan refusal
}

// lines are the lines of one worker, and what is known of those of others. They
// are safe for concurrent use.
type lines struct {
	// courtesy is how long a call lets one go first whose side has fewer under
	// way: long enough to hear of a free place and take it.
	courtesy time.Duration

	mu     sync.Mutex
	of     map[lineKey]*line
	others map[otherLine]heard
}

// otherLine is a line of another worker.
type otherLine struct {
	worker string
	lineKey
}

// heard is what another worker said of a line of its own.
type heard struct {
	word
	until time.Time
}

// word is how a line stands, as workers tell each other.
type word struct {
	// Full is what its first call waits for; empty where one has ended.
	Full scarce `json:"full,omitempty"`
	// UnderWay is how many of its calls are under way.
	UnderWay int `json:"under_way,omitempty"`
}

func newLines() *lines {
	return &lines{courtesy: usualCourtesy, of: map[lineKey]*line{}, others: map[otherLine]heard{}}
}

// at is the line of a key; the caller holds the lock.
func (s *lines) at(k lineKey) *line {
	if s.of[k] == nil {
		s.of[k] = &line{lineKey: k, bell: make(chan struct{}, 1)}
	}
	return s.of[k]
}

// drop forgets a line that nobody needs; the caller holds the lock.
func (s *lines) drop(x *line) {
	if len(x.waiting) == 0 && x.underWay == 0 {
		delete(s.of, x.lineKey)
	}
}

// enter puts a call at the end of its line, and tells it why the first waits.
func (s *lines) enter(k lineKey) *waiter {
	s.mu.Lock()
	defer s.mu.Unlock()
	x := s.at(k)
	w := &waiter{line: x, first: make(chan struct{}), told: make(chan refusal, 1)}
	x.waiting = append(x.waiting, w)
	switch {
	case len(x.waiting) == 1:
		close(w.first)
	case x.why != (refusal{}):
		w.told <- x.why
	}
	return w
}

// leave takes a call out of its line, and lets the next be first.
func (s *lines) leave(w *waiter) {
	s.mu.Lock()
	defer s.mu.Unlock()
	x := w.line
	i := slices.Index(x.waiting, w)
	x.waiting = slices.Delete(x.waiting, i, i+1)
	if i == 0 {
		x.full, x.why = "", refusal{}
		if len(x.waiting) > 0 {
			close(x.waiting[0].first)
		}
	}
	s.drop(x)
}

// begin counts a call that was let in.
func (s *lines) begin(k lineKey) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.at(k).underWay++
}

// end counts a call that was let in no more, and rings for those that wait for
// what it had.
func (s *lines) end(k lineKey) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if x := s.of[k]; x != nil {
		x.underWay = max(0, x.underWay-1)
		s.drop(x)
	}
	s.ring(k)
}

// ring wakes the first of each line to which a call of the key matters; the
// caller holds the lock.
func (s *lines) ring(k lineKey) {
	for _, x := range s.of {
		if x.organization == k.organization || x.endpoint == k.endpoint {
			x.ring()
		}
	}
}

// ringAll wakes the first of every line: something may have been missed.
func (s *lines) ringAll() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, x := range s.of {
		x.ring()
	}
}

func (x *line) ring() {
	select {
	case x.bell <- struct{}{}:
	default: // it rings already
	}
}

// refused notes why the first of a line has to wait, and lets those behind it
// know.
func (s *lines) refused(x *line, r refusal) {
	s.mu.Lock()
	defer s.mu.Unlock()
	x.full, x.why = r.full, r
	for i, w := range x.waiting {
		if i == 0 {
			continue
		}
		select {
		case <-w.told: // older
		default:
		}
		w.told <- r
	}
}

// news is how the line of a call that waits for a limit stands, unless others
// were told so a moment ago.
func (s *lines) news(k lineKey, full scarce) (word, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	x := s.at(k)
	now := word{full, x.underWay}
	if x.said == now && time.Since(x.at) < slotWait/2 {
		return now, false
	}
	x.said, x.at = now, time.Now()
	return now, true
}

// hear takes in what another worker says of a line: that it waits, or that a call
// of it has ended.
func (s *lines) hear(worker string, k lineKey, w word) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if w.Full == "" {
		s.ring(k)
		return
	}
	s.others[otherLine{worker, k}] = heard{w, time.Now().Add(wordHolds)}
}

// outranked reports whether somebody waits for the same as a line and has fewer
// calls under way: another line here, or one of another worker. What another
// worker said counts once: it says so again where it still waits.
func (s *lines) outranked(x *line) (found bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if x.full == "" {
		return false
	}
	for _, o := range s.of {
		found = found || o != x && o.full == x.full && len(o.waiting) > 0 && o.underWay < x.underWay
	}
	for k, o := range s.others {
		switch {
		case time.Now().After(o.until):
			delete(s.others, k)
		case o.Full == x.full && o.UnderWay < x.underWay:
			found = true
			delete(s.others, k)
		}
	}
	return found
}

// untilFirst waits until a call is the first of its line.
func (w *waiter) untilFirst(ctx context.Context, waiting func(why string, wait time.Duration)) error {
	for {
		select {
		case <-w.first:
			return nil
		case r := <-w.told:
			waiting(r.why, r.wait)
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// untilTurn waits, for the first of a line, until it is worth asking again: a
// call has ended, or the time is over.
func (s *lines) untilTurn(ctx context.Context, x *line, wait time.Duration) error {
	select {
	case <-x.bell:
	case <-time.After(wait):
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	if !s.outranked(x) {
		return nil
	}
	select {
	case <-time.After(s.courtesy):
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
