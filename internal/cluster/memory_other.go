//go:build !linux

package cluster

// memory is what to reckon with where we do not ask the system, in bytes.
func memory() int64 { return 4 * gibibyte }

func sharedMemory() string { return "posix" }
