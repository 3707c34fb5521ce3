//go:build unix

package extract_test

import (
	"runtime"
	"syscall"
)

// childrenPeak is the most memory that a process which this one started, and
// which has ended, has had, in MiB.
func childrenPeak() float64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_CHILDREN, &u); err != nil {
		return 0
	}
	if runtime.GOOS == "darwin" {
		return float64(u.Maxrss) / (1 << 20)
	}
	return float64(u.Maxrss) / (1 << 10)
}
