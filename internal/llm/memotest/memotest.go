// Package memotest holds every memo of model answers to the same behaviour.
package memotest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/bartizan-security/bartizan/internal/llm"
)

// Subject is a memo under test.
type Subject struct {
	// Open opens the memo anew, as another process would: what one handle kept,
	// another finds.
	Open func(t *testing.T) llm.Memo
	// Damage spoils the answer that is kept under a hash, behind the memo's
	// back.
	Damage func(t *testing.T, hash string)
	// Faults gives what was kept of answers that cannot be used, in any order.
	Faults func(t *testing.T, hash string) []string
}

// Hash makes a call hash like those of the client.
func Hash(name string) string { return llm.CallHash(name, llm.Params{}, nil, llm.Schema{}) }

func record(answer string) llm.Record {
	return llm.Record{
		Answer: json.RawMessage(answer), Usage: llm.Usage{In: 120, CachedIn: 20, Out: 30}, Model: "model-1", Mode: llm.ModeStrict,
		Stage: "elicit", InputHash: "0123456789abcdef", At: time.Date(2026, 11, 25, 8, 30, 0, 123456000, time.UTC),
	}
}

// Run tests a memo.
func Run(t *testing.T, s Subject) {
	t.Run("what was put is got, also by another process", func(t *testing.T) { testPut(t, s) })
	t.Run("a damaged answer counts as none and can be put again", func(t *testing.T) { testDamaged(t, s) })
	t.Run("one caller at a time has the lock, over all processes", func(t *testing.T) { testLock(t, s) })
	t.Run("locks of other hashes do not wait", func(t *testing.T) { testOtherLocks(t, s) })
	t.Run("whoever waits for a lock can give up", func(t *testing.T) { testGiveUp(t, s) })
	t.Run("an answer that cannot be used is kept, and never given", func(t *testing.T) { testFault(t, s) })
	t.Run("the mode of an endpoint is remembered for a week", func(t *testing.T) { testMode(t, s) })
}

func put(t *testing.T, m llm.Memo, hash string, r llm.Record) {
	t.Helper()
	if err := m.Put(t.Context(), hash, r); err != nil {
		t.Fatal(err)
	}
}

func want(t *testing.T, m llm.Memo, hash string, r llm.Record) {
	t.Helper()
	got, ok, err := m.Get(t.Context(), hash)
	if err != nil || !ok {
		t.Fatalf("Get gave %v, %v; want the answer that was kept", ok, err)
	}
	if diff := cmp.Diff(r, got); diff != "" {
		t.Errorf("the answer came back otherwise (-put +got):\n%s", diff)
	}
}

func wantNone(t *testing.T, m llm.Memo, hash string) {
	t.Helper()
	if got, ok, err := m.Get(t.Context(), hash); err != nil || ok {
		t.Errorf("Get gave %+v, %v, %v; want none", got, ok, err)
	}
}

func testPut(t *testing.T, s Subject) {
	a, b := s.Open(t), s.Open(t)
	first, second := Hash("put first"), Hash("put second")
	wantNone(t, a, first)
	r := record(`{"threats":[{"title":"a \"quoted\" title","zero":"\u0000"}]}`)
	put(t, a, first, r)
	want(t, a, first, r)
	want(t, b, first, r)
	wantNone(t, b, second)
	other := record(`"` + strings.Repeat("large ", 200_000) + `"`)
	put(t, b, second, other)
	want(t, a, second, other)
	want(t, a, first, r)
}

func testDamaged(t *testing.T, s Subject) {
	m, hash := s.Open(t), Hash("damaged")
	r := record(`{"kept":true}`)
	put(t, m, hash, r)
	s.Damage(t, hash)
	wantNone(t, m, hash)
	put(t, m, hash, r)
	want(t, s.Open(t), hash, r)
}

func testLock(t *testing.T, s Subject) {
	const callers = 24
	hash := Hash("lock")
	var inside, asked atomic.Int64
	var all sync.WaitGroup
	memos := []llm.Memo{s.Open(t), s.Open(t)}
	for i := range callers {
		all.Go(func() {
			m := memos[i%len(memos)]
			unlock, err := m.Lock(t.Context(), hash)
			if err != nil {
				t.Error(err)
				return
			}
			defer unlock()
			if n := inside.Add(1); n != 1 {
				t.Errorf("%d callers have the lock at once", n)
			}
			defer inside.Add(-1)
			if _, ok, err := m.Get(t.Context(), hash); err != nil {
				t.Error(err)
			} else if !ok {
				asked.Add(1)
				if err := m.Put(t.Context(), hash, record(`{}`)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	if n := asked.Load(); n != 1 {
		t.Errorf("the question was asked %d times, want once", n)
	}
}

func testOtherLocks(t *testing.T, s Subject) {
	const locks = 25
	m := s.Open(t)
	for i := range locks {
		unlock, err := m.Lock(t.Context(), Hash(fmt.Sprint("other lock ", i)))
		if err != nil {
			t.Fatal(err)
		}
		defer unlock() // all held at once, more than a pool has connections
	}
	put(t, m, Hash("beside the locks"), record(`{}`))
}

func testGiveUp(t *testing.T, s Subject) {
	hash := Hash("give up")
	unlock, err := s.Open(t).Lock(t.Context(), hash)
	if err != nil {
		t.Fatal(err)
	}
	defer unlock()
	ctx, cancel := context.WithCancel(t.Context())
	gone := make(chan error)
	go func() {
		_, err := s.Open(t).Lock(ctx, hash)
		gone <- err
	}()
	cancel()
	if err := <-gone; !errors.Is(err, context.Canceled) {
		t.Errorf("giving up gave %v, want the context's end", err)
	}
}

func testFault(t *testing.T, s Subject) {
	m, hash := s.Open(t), Hash("fault")
	for kind, raw := range map[llm.Kind]string{llm.KindInvalid: "no JSON \x00 \xff", llm.KindTruncated: `{"half`} {
		if err := m.Fault(t.Context(), hash, kind, raw); err != nil {
			t.Fatal(err)
		}
	}
	wantNone(t, m, hash)
	if got := s.Faults(t, hash); len(got) != 2 {
		t.Errorf("%d faults were kept, want 2", len(got))
	}
}

func testMode(t *testing.T, s Subject) {
	type keeper interface {
		Mode(key string, now time.Time) (string, bool)
		SetMode(key, mode, reason string, now time.Time) error
	}
	m, ok := s.Open(t).(keeper)
	if !ok {
		t.Fatal("this memo remembers no mode")
	}
	now := time.Date(2026, 11, 25, 8, 30, 0, 0, time.UTC)
	if mode, ok := m.Mode("endpoint", now); ok {
		t.Errorf("the mode %q is remembered of nothing", mode)
	}
	for _, mode := range []string{llm.ModeStrict, llm.ModeText} {
		if err := m.SetMode("endpoint", mode, "the endpoint refused \x00 it", now); err != nil {
			t.Fatal(err)
		}
	}
	again := s.Open(t).(keeper)
	if mode, ok := again.Mode("endpoint", now.Add(6*24*time.Hour)); !ok || mode != llm.ModeText {
		t.Errorf("six days later the mode is %q, %v; want the last one", mode, ok)
	}
	if _, ok := again.Mode("endpoint", now.Add(8*24*time.Hour)); ok {
		t.Error("eight days later the mode is still remembered")
	}
}
