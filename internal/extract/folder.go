package extract

import (
	"bytes"
	"path/filepath"
	"strings"
)

// HeadSize is how many bytes from the beginning of a file [MayBeDocument] looks
// at.
const HeadSize = headSize

// MayBeDocument reports whether a file that merely lies in a folder is taken for
// a design document, by its name and first bytes, and if not, why. It is for
// those who collect files for a reader elsewhere; the reader has the last word.
func MayBeDocument(name string, head []byte) (bool, string) {
	if len(head) == 0 {
		return false, "the file is empty"
	}
	what, format := detect(head)
	switch {
	case what == familyOther && !format.document:
		return false, "this is " + format.name
	case what != familyText:
		return true, ""
	case sourceExtensions[strings.ToLower(filepath.Ext(name))]:
		return false, "code and data are no design documents; name the file to have it read"
	case bytes.IndexByte(head, 0) >= 0 && !bytes.HasPrefix(head, []byte("\xff\xfe")) && !bytes.HasPrefix(head, []byte("\xfe\xff")):
		return false, "the file is binary"
	}
	return true, ""
}
