package sandbox

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// allowance bounds the processor time of a child from here on. A child that
// cannot be looked at has no such limit; that on the time between two events
// remains.
func allowance(pid int, limit time.Duration) {
	used, err := processorTime(pid)
	if err != nil {
		return
	}
	var old unix.Rlimit
	if unix.Prlimit(pid, unix.RLIMIT_CPU, nil, &old) != nil {
		return
	}
	seconds := uint64((used + limit + time.Second - 1) / time.Second)
	_ = unix.Prlimit(pid, unix.RLIMIT_CPU, &unix.Rlimit{Cur: min(seconds, old.Max), Max: old.Max}, nil)
}

// dieOfAllowance lets this process end when its processor time is used up: Go's
// runtime takes the signal otherwise, and does nothing.
func dieOfAllowance() {
	const setBytes = 8
	var byDefault [4]uint64 // the kernel's sigaction: handler, flags, restorer, mask
	_, _, _ = unix.RawSyscall6(unix.SYS_RT_SIGACTION, uintptr(unix.SIGXCPU), uintptr(unsafe.Pointer(&byDefault)), 0, setBytes, 0, 0)
}

// processorTime is what a process has used so far.
func processorTime(pid int) (time.Duration, error) {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, err
	}
	// The name of the program stands in brackets and may hold anything.
	fields := bytes.Fields(raw[bytes.LastIndexByte(raw, ')')+1:])
	const user, system = 11, 12
	if len(fields) <= system {
		return 0, fmt.Errorf("%q is no status of a process", raw)
	}
	ticks := 0
	for _, f := range []int{user, system} {
		n, err := strconv.Atoi(string(fields[f]))
		if err != nil {
			return 0, err
		}
		ticks += n
	}
	return time.Duration(ticks) * (time.Second / 100), nil
}

// peak is the most memory that a process had so far, in bytes; 0 where it is
// not known.
func peak(pid int) int64 {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	_, rest, _ := bytes.Cut(raw, []byte("VmHWM:"))
	fields := bytes.Fields(rest)
	if len(fields) == 0 {
		return 0
	}
	kib, err := strconv.ParseInt(string(fields[0]), 10, 64)
	if err != nil {
		return 0
	}
	return kib << 10
}
