package extract

import (
	"fmt"
	"testing"

	"github.com/bartizan-security/bartizan/pkg/threatmodel"
)

func TestIDsAreKeptInTheirOrderWhateverTheirLength(t *testing.T) {
	var list idList
	var want []string
	for i := range 2*idsChunk + 10 {
		id := threatmodel.ShortID("D", fmt.Sprint(i), shortID+i%(longID-shortID+1))
		list.add(id)
		want = append(want, id)
	}
	for i, id := range want {
		if got := list.at(i); got != id {
			t.Fatalf("the id %d is %q, want %q", i, got, id)
		}
	}
	for _, i := range []int{-1, len(want)} {
		if got := list.at(i); got != "" {
			t.Errorf("there is an id %d: %q", i, got)
		}
	}
}
