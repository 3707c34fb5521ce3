//go:build !linux

package pdf

// limitMemory does nothing where the system has no such limit; that of the
// engine remains.
func limitMemory(uint64) {}
