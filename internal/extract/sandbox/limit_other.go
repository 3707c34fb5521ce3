//go:build !linux

package sandbox

import "time"

// allowance does nothing where one process cannot limit another; the limit on
// the time between two events remains.
func allowance(int, time.Duration) {}

// dieOfAllowance does nothing where there is no allowance.
func dieOfAllowance() {}

// peak is not known here.
func peak(int) int64 { return 0 }
