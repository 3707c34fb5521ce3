package extract

import (
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"sync"
)

// exportRoom is how much garbage may gather while an export is read, in bytes.
// A collection looks at all that is known of the pages; to read one takes a
// few kilobytes.
const exportRoom = 16 << 20

// leaveRoom lets so many bytes of garbage gather between two collections of
// this process, however much or little is in use, until the function that it
// returns is called. Go's own rule is a share of what is in use: with little in
// use it collects all the time, with much it takes twice that.
func leaveRoom(bytes uint64) (end func()) {
	r := &room{bytes: bytes}
	r.before = debug.SetGCPercent(r.percent())
	r.await()
	return r.end
}

// room adjusts the collector after each collection.
type room struct {
	bytes uint64

	mu     sync.Mutex
	before int
	ended  bool
}

// await has the next collection call adjust.
func (r *room) await() {
	// It is a pointer, so that it lies in no block with others that live on.
	sentinel := &struct{ r *room }{r}
	runtime.AddCleanup(sentinel, (*room).adjust, r)
}

func (r *room) adjust() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.ended {
		debug.SetGCPercent(r.percent())
		r.await()
	}
}

func (r *room) end() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ended = true
	debug.SetGCPercent(r.before)
}

// percent is the room as a share of what is in use.
func (r *room) percent() int {
	const least, most = 20, 1000
	live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(live)
	used := uint64(1)
	if live[0].Value.Kind() == metrics.KindUint64 {
		used = max(used, live[0].Value.Uint64())
	}
	return int(min(max(100*r.bytes/used, least), most))
}
