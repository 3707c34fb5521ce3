package secret

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// spot is an anchor of a set where a text holds it.
type spot struct {
	at   int
	text string
}

// searched looks for every anchor at every byte of a text, one set after the
// other.
func searched(r *rules, text string) [anchorSets][]spot {
	var out [anchorSets][]spot
	for set, list := range [anchorSets][]anchor{r.formatAnchors(), r.nameAnchors(), {{text: "secret"}}} {
		in := text
		if set != formatAnchors {
			in = foldASCII(text)
		}
		slices.SortStableFunc(list, func(x, y anchor) int { return len(y.text) - len(x.text) })
		for at := range len(text) {
			for _, x := range list {
				if strings.HasPrefix(in[at:], x.text) {
					out[set] = append(out[set], spot{at, x.text})
				}
			}
		}
	}
	return out
}

func TestOnePassFindsWhatASearchForEveryAnchorAtEveryByteFinds(t *testing.T) {
	r := load()
	var pieces []string
	for _, x := range append(r.formatAnchors(), r.nameAnchors()...) {
		pieces = append(pieces, x.text, x.text[1:], x.text[:len(x.text)-1], strings.ToUpper(x.text))
	}
	piece := rapid.OneOf(rapid.SampledFrom(pieces), rapid.SampledFrom([]string{"secret", "SeCRet", "s", "Se", "cret", "\n", " ", "=", "ß", "\x00"}), rapid.StringN(0, 6, -1))
	seen := [anchorSets]bool{}
	rapid.Check(t, func(t *rapid.T) {
		text := strings.Join(rapid.SliceOfN(piece, 0, 12).Draw(t, "pieces"), "")
		found := r.anchors.find(text)
		var got [anchorSets][]spot
		for set := range found {
			for _, h := range found[set] {
				got[set] = append(got[set], spot{h.at, h.x.text})
				seen[set] = true
			}
		}
		if diff := cmp.Diff(searched(r, text), got, cmp.AllowUnexported(spot{})); diff != "" {
			t.Fatalf("%q (-searched +found)\n%s", text, diff)
		}
	})
	if seen != [anchorSets]bool{true, true, true} {
		t.Errorf("not every set was found once: %v", seen)
	}
}

func TestWhereACallGoesOnNothingBeforeIsLookedAt(t *testing.T) {
	x, y := &anchor{text: "ab"}, &anchor{text: "a"}
	var seen []int
	each([]hit{{0, x}, {0, y}, {1, y}, {3, x}, {4, x}}, func(at int, _ *anchor) int {
		seen = append(seen, at)
		if at == 1 {
			return 4
		}
		return 0
	})
	if want := []int{0, 0, 1, 4}; !slices.Equal(seen, want) {
		t.Errorf("looked at %v, want %v", seen, want)
	}
}
