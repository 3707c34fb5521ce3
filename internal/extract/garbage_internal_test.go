package extract

import (
	"runtime"
	"runtime/debug"
	"testing"
	"time"
)

// share is the collector's setting.
func share() int {
	now := debug.SetGCPercent(100)
	debug.SetGCPercent(now)
	return now
}

func TestTheRoomForGarbageIsTheSameHoweverMuchIsInUse(t *testing.T) {
	before := share()
	end := leaveRoom(8 << 20)
	held := make([]byte, 16<<20)
	for deadline := time.Now().Add(time.Minute); ; runtime.Gosched() {
		runtime.GC()
		if s := share(); s > 20 && s <= 50 {
			break // 8 MiB are half of what is in use
		}
		if time.Now().After(deadline) {
			t.Fatalf("with 16 MiB in use the share is %d %%, want at most 50 for a room of 8 MiB", share())
		}
	}
	runtime.KeepAlive(held)
	end()
	if s := share(); s != before {
		t.Errorf("afterwards the share is %d %%, before it was %d", s, before)
	}
}
