package sandbox_test

import (
	"reflect"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/bartizan-security/bartizan/internal/extract/sandbox"
)

// leaf and tree hold every form of value that can be written.
type leaf struct {
	Text  string
	Whole int
	Small int8
	Count uint16
	Share float64
	Yes   bool
}

type tree struct {
	Leaf     leaf
	Pointer  *leaf
	Several  []leaf
	Pointers []*leaf
	Words    []string
	Bytes    []byte
	Nested   [][]int
	Children []tree
}

func leaves(t *rapid.T) leaf {
	return leaf{
		Text: rapid.String().Draw(t, "text"), Whole: rapid.Int().Draw(t, "whole"), Small: rapid.Int8().Draw(t, "small"),
		Count: rapid.Uint16().Draw(t, "count"), Share: rapid.Float64().Draw(t, "share"), Yes: rapid.Bool().Draw(t, "yes"),
	}
}

func trees(t *rapid.T, depth int) tree {
	v := tree{Leaf: leaves(t)}
	if rapid.Bool().Draw(t, "filled") {
		l := leaves(t)
		v.Pointer, v.Pointers = &l, []*leaf{&l, nil}
		v.Several = []leaf{leaves(t), {}}
		v.Words, v.Bytes, v.Nested = []string{}, []byte{}, [][]int{nil, {}, {1, -1}}
	}
	if depth > 0 && rapid.Bool().Draw(t, "deeper") {
		v.Children = []tree{trees(t, depth-1)}
	}
	return v
}

func TestWhatIsWrittenIsReadBack(t *testing.T) {
	codec := sandbox.NewCodec[tree]()
	rapid.Check(t, func(t *rapid.T) {
		want := trees(t, 3)
		var got tree
		if err := codec.Decode(codec.Encode(&want), &got); err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(got, want) {
			t.Fatal(cmp.Diff(want, got))
		}
	})
}

func TestAMessageCutShortOrTooLongIsAnError(t *testing.T) {
	codec := sandbox.NewCodec[tree]()
	v := tree{Leaf: leaf{Text: "text", Share: 0.5}, Words: []string{"a", "b"}, Children: []tree{{Bytes: []byte("x")}}}
	whole := codec.Encode(&v)
	for n := range whole {
		var got tree
		if err := codec.Decode(whole[:n], &got); err == nil {
			t.Errorf("%d of %d bytes are taken", n, len(whole))
		}
	}
	var got tree
	if err := codec.Decode(append(whole, 0), &got); err == nil {
		t.Error("a byte too many is taken")
	}
}

// FuzzDecode looks for bytes that make the parent fail, or take more memory
// than their length justifies.
func FuzzDecode(f *testing.F) {
	codec := sandbox.NewCodec[tree]()
	v := tree{Leaf: leaf{Text: "text"}, Words: []string{"a"}, Children: []tree{{Pointer: &leaf{Yes: true}}}}
	f.Add(codec.Encode(&v))
	f.Add([]byte("\x80\x01\xff\xff\xff\xff\x7f"))
	f.Fuzz(func(t *testing.T, data []byte) {
		var got, again tree
		if codec.Decode(data, &got) != nil {
			return
		}
		if err := codec.Decode(codec.Encode(&got), &again); err != nil {
			t.Fatal(err)
		}
		if !cmp.Equal(got, again, cmp.Comparer(func(a, b float64) bool { return a == b || a != a && b != b })) {
			t.Fatal(cmp.Diff(got, again))
		}
	})
}
