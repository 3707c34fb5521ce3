package service

import (
	"encoding/base64"
	"encoding/json"
	"math"

	"github.com/google/uuid"

	"github.com/bartizan-security/bartizan/pkg/resource"
)

const (
	usualPage = 50
	mostPage  = 200
)

// cursor is the place in a list after which the next page begins: the sort key
// of the last item, and what tells items with the same key apart.
type cursor struct {
	Key    string    `json:"k,omitempty"`
	ID     uuid.UUID `json:"i,omitzero"`
	Number int64     `json:"n,omitempty"`
}

func (c cursor) String() string {
	raw, err := json.Marshal(c)
	if err != nil {
		panic(err) // plain data always marshals
	}
	return base64.RawURLEncoding.EncodeToString(raw)
}

// page is a list request that was checked.
type page struct {
	cursor
	limit int
	// first is true where no cursor was given.
	first bool
}

func readPage(list resource.List) (page, error) {
	p := page{limit: list.Limit, first: list.Cursor == ""}
	if p.limit == 0 {
		p.limit = usualPage
	}
	if p.limit < 1 || p.limit > mostPage {
		return p, invalid("limit", "it must be 1 to %d", mostPage)
	}
	if p.first {
		return p, nil
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(list.Cursor)
	if err == nil {
		err = json.Unmarshal(raw, &p.cursor)
	}
	if err != nil {
		return p, invalid("cursor", "it is none that this list gave")
	}
	return p, nil
}

// rows is how many rows to ask for: one more tells whether there is a next page.
func (p page) rows() int32 { return int32(p.limit) + 1 }

// before is the key below which a list that begins with the newest goes on.
func (p page) before() uuid.UUID {
	if p.first {
		return uuid.Max
	}
	return p.ID
}

// beforeNumber is the same for lists by number.
func (p page) beforeNumber() int64 {
	if p.first {
		return math.MaxInt64
	}
	return p.Number
}

// pageOf makes a page of the rows that were asked for.
func pageOf[R, T any](p page, rows []R, item func(R) T, at func(R) cursor) resource.Page[T] {
	out := resource.Page[T]{Items: []T{}}
	for i, r := range rows {
		if i == p.limit {
			out.Next = at(rows[i-1]).String()
			break
		}
		out.Items = append(out.Items, item(r))
	}
	return out
}
