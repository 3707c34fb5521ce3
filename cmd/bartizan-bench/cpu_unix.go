//go:build unix

package main

import (
	"syscall"
	"time"
)

// childrenCPU is the processor time of the child processes that have ended.
func childrenCPU() time.Duration {
	var r syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_CHILDREN, &r); err != nil {
		return 0
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}
