package extract

import (
	"archive/zip"
	"cmp"
	"fmt"
	"slices"
)

// localHeader is the length of the shortest header that stands before the bytes
// of a member.
const localHeader = 30

// extent is where a member lies in its archive.
type extent struct {
	name       string
	start, end int64
}

// overlap is the first two members of an archive that share bytes. No program
// writes such an archive but to make much out of little: the same bytes are
// unpacked once for each member, and no ratio of a single one tells.
func overlap(zr *zip.Reader) (first, second string, ok bool) {
	extents := make([]extent, 0, len(zr.File))
	for _, f := range zr.File {
		at, err := f.DataOffset()
		if err != nil {
			continue // it cannot be unpacked either
		}
		extents = append(extents, extent{f.Name, at - localHeader, at + int64(f.CompressedSize64)})
	}
	slices.SortStableFunc(extents, func(a, b extent) int { return cmp.Compare(a.start, b.start) })
	for i := 1; i < len(extents); i++ {
		before, e := extents[i-1], extents[i]
		if e.start < before.end {
			return before.name, e.name, true
		}
	}
	return "", "", false
}

// checkMembers refuses an archive by what its directory says of its members.
func (s *session) checkMembers(in input, zr *zip.Reader) *Error {
	if len(zr.File) > s.limit.Members {
		return in.error(KindTooLarge, fmt.Errorf("the archive has %d members, more than the limit of %d", len(zr.File), s.limit.Members), "Split it")
	}
	if first, second, ok := overlap(zr); ok {
		return in.error(KindUnsafe, fmt.Errorf("the members %q and %q of the archive overlap, as only in an archive bomb", first, second),
			"Nothing of the archive was read; unpack it by hand and pack it anew if you trust it")
	}
	return nil
}
