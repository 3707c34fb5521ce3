package sandbox

// limit does nothing where the system has no such limits; those of the readers
// and of the parent remain.
func limit(uint64, uint64) {}
