package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"
)

// external runs a program that prints text.
func external(ctx context.Context, name string, args ...string) measured {
	var out bytes.Buffer
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Stdout = &out
	start := time.Now()
	if err := cmd.Start(); err != nil {
		return measured{err: err}
	}
	peak := make(chan int64)
	ended := make(chan struct{})
	go func() { peak <- watch(cmd.Process.Pid, ended) }()
	err := cmd.Wait()
	m := measured{took: time.Since(start), err: err}
	close(ended)
	m.peak = <-peak
	m.words = tokens(out.String())
	return m
}

// watch looks at the memory of a process until it has ended: what it had at
// most, in bytes, but for its last milliseconds.
func watch(pid int, ended <-chan struct{}) (peak int64) {
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for {
		peak = max(peak, highWater(pid))
		select {
		case <-ended:
			return peak
		case <-tick.C:
		}
	}
}

// highWater is the most memory that a process had so far, where Linux tells.
func highWater(pid int) int64 {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(raw), "VmHWM:")
	fields := strings.Fields(rest)
	if len(fields) == 0 {
		return 0
	}
	kib, err := strconv.ParseInt(fields[0], 10, 64)
	if err != nil {
		return 0
	}
	return kib << 10
}
