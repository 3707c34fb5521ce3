package confluence

import "strconv"

// idTable gives the ids of objects as numbers. Those of an export are numbers
// already, and cost nothing then; what is not one is numbered below zero.
type idTable struct{ others map[string]int64 }

// none is the id of no object.
const none = 0

// find is the number of an id that was given one; none otherwise.
func (t *idTable) find(id string) int64 {
	if n, err := strconv.ParseInt(id, 10, 64); err == nil && n > 0 && id[0] != '0' && id[0] != '+' {
		return n
	}
	return t.others[id]
}

// key is the number of an id.
func (t *idTable) key(id string) int64 {
	if id == "" {
		return none
	}
	if id[0] >= '1' && id[0] <= '9' {
		if n, err := strconv.ParseInt(id, 10, 64); err == nil {
			return n
		}
	}
	n, ok := t.others[id]
	if !ok {
		if t.others == nil {
			t.others = map[string]int64{}
		}
		n = -1 - int64(len(t.others))
		t.others[id] = n
	}
	return n
}
